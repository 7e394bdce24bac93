package copy

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"leap/internal/checkpoint"
	"leap/internal/mask"
	"leap/internal/row"
	"leap/internal/schema"
)

// values finds the cells that cannot arrive as they are, changes those that a
// policy names, and counts every change. It belongs to one reader.
type values struct {
	columns []inspected
	masks   []maskedColumn
	// unnamed says that the ledger lists no keys: some of a key is masked.
	unnamed bool
	changes []checkpoint.Change
	changed row.Row // memory of the row that apply returns
}

// maskedColumn is a column whose values are replaced, after any policy.
type maskedColumn struct {
	position int
	column   schema.ColumnMapping
	masker   *mask.Masker
	text     []byte // memory of the cell
}

// inspected is a column whose values need a look; most columns need none.
type inspected struct {
	position int
	column   schema.ColumnMapping
	// fixed refuses every change.
	fixed bool
	// harmless says quickly that a cell stays as it is; nil means that every
	// cell is inspected.
	harmless func(cell []byte) bool
	inspect  func(c schema.ColumnMapping, cell []byte) (verdict, error)
}

// verdict is what became of a cell. The zero verdict: it stays as it is.
type verdict struct {
	changed bool
	cell    []byte // the new cell; nil is NULL
	policy  string
	action  schema.Action
}

func newValues(columns []schema.ColumnMapping) *values {
	v := &values{}
	for i, c := range columns {
		if f := inspector(c); f != nil {
			v.columns = append(v.columns, inspected{position: i, column: c, harmless: harmless(c.Kind), inspect: f})
		}
		if c.Mask != nil {
			v.masks = append(v.masks, maskedColumn{position: i, column: c, masker: mask.New(*c.Mask)})
		}
	}
	return v
}

// fix refuses changes of these columns by policy: those of the key that rows are
// put by. Two rows whose keys became equal would become one, without a word. (No
// mask makes two values equal.)
func (v *values) fix(key []schema.ColumnMapping) {
	for i := range v.columns {
		c := &v.columns[i]
		c.fixed = slices.ContainsFunc(key, func(k schema.ColumnMapping) bool { return k.Name == c.column.Name })
	}
}

// harmless is the test that nearly all cells of a kind pass.
func harmless(kind schema.Kind) func([]byte) bool {
	switch kind {
	case schema.Date, schema.DateTime, schema.Timestamp:
		return wholeDate
	case schema.Text:
		return func(cell []byte) bool { return bytes.IndexByte(cell, 0) < 0 }
	case schema.Enum:
		return func(cell []byte) bool { return len(cell) > 0 && string(cell) != row.InvalidEnum }
	case schema.Int, schema.Bool, schema.Decimal, schema.Float32, schema.Float64, schema.Bits, schema.Time,
		schema.Bytes, schema.Interval, schema.Set, schema.UUID, schema.INet, schema.JSON:
	}
	return nil
}

// inspector returns what looks at a column's cells; nil where nothing can be wrong.
func inspector(c schema.ColumnMapping) func(schema.ColumnMapping, []byte) (verdict, error) {
	switch c.Kind {
	case schema.Date, schema.DateTime, schema.Timestamp:
		return inspectDate
	case schema.Text:
		if c.Policy.NUL == schema.Keep {
			return nil
		}
		return inspectText
	case schema.Enum:
		return inspectEnum
	case schema.JSON:
		return inspectJSON
	case schema.Time:
		return inspectTime
	case schema.Int, schema.Bool, schema.Decimal, schema.Float32, schema.Float64, schema.Bits,
		schema.Bytes, schema.Interval, schema.Set, schema.UUID, schema.INet:
	}
	return nil
}

// apply returns the row with its cells changed by policy, or a *row.Problem.
// The row itself stays as it is: its key bounds ranges on the source, which
// knows nothing of policies. The result is valid until the next call.
func (v *values) apply(r row.Row, names row.KeyReader) (row.Row, error) {
	result := r
	for i := range v.columns {
		c := &v.columns[i]
		cell := r[c.position]
		if cell == nil || (c.harmless != nil && c.harmless(cell)) {
			continue
		}
		out, err := c.inspect(c.column, cell)
		if err != nil {
			return nil, err
		}
		if !out.changed {
			continue
		}
		if c.fixed {
			return nil, &row.Problem{
				Column: c.column.Name, What: fmt.Sprintf("the policy %s=%s would change a key that rows are put by, and two rows could become one", out.policy, out.action),
				Hint: "correct the row on the source, or use --ingest=copy into empty tables",
			}
		}
		v.count(c.column.Name, out, names, r)
		result = v.own(result, r)
		result[c.position] = out.cell
	}
	return v.applyMasks(result, r)
}

// own makes a copy of the row that may be changed, unless result is it already.
func (v *values) own(result, r row.Row) row.Row {
	if &result[0] == &r[0] {
		v.changed = append(v.changed[:0], r...)
		return v.changed
	}
	return result
}

// applyMasks replaces values. The ledger counts them and names no rows: it is
// to give nothing away.
func (v *values) applyMasks(result, r row.Row) (row.Row, error) {
	for i := range v.masks {
		m := &v.masks[i]
		cell := result[m.position]
		if len(cell) == 0 {
			continue
		}
		var err error
		if m.text, err = m.masker.Append(m.text[:0], cell); err != nil {
			return nil, &row.Problem{
				Column: m.column.Name, What: err.Error(), Hint: "mask the column with hash, exclude it, or correct the value on the source",
			}
		}
		result = v.own(result, r)
		result[m.position] = m.text
		v.changes = mergeChange(v.changes, checkpoint.Change{
			Column: m.column.Name, Policy: maskPolicy, Action: string(m.column.Mask.As), Count: 1,
		})
	}
	return result, nil
}

// maskPolicy is what the ledger calls masks.
const maskPolicy = "mask"

func (v *values) count(column string, out verdict, names row.KeyReader, r row.Row) {
	change := checkpoint.Change{Column: column, Policy: out.policy, Action: string(out.action), Count: 1}
	for i := range v.changes {
		have := &v.changes[i]
		if have.Column == change.Column && have.Policy == change.Policy && (v.unnamed || len(have.Examples) >= maxExamples) {
			have.Count++
			return
		}
	}
	if !v.unnamed {
		change.Examples = []string{names.Key(r).String()}
	}
	v.changes = mergeChange(v.changes, change)
}

// takeChanges returns the counts since the last call: one chunk's.
func (v *values) takeChanges() []checkpoint.Change {
	out := v.changes
	v.changes = nil
	return out
}

const dateForm = "2006-01-02"

// wholeDate reports whether neither year, month nor day is zero.
func wholeDate(cell []byte) bool {
	return len(cell) >= len(dateForm) &&
		string(cell[:4]) != "0000" && string(cell[5:7]) != "00" && string(cell[8:10]) != "00"
}

// inspectDate finds dates without a year, month or day: MySQL stores
// '0000-00-00' and '2024-00-15', no PostgreSQL does.
func inspectDate(c schema.ColumnMapping, cell []byte) (verdict, error) {
	if len(cell) < len(dateForm) {
		return verdict{}, &row.Problem{Column: c.Name, What: "the value is not a date"}
	}
	out := verdict{changed: true, policy: "zero-date", action: c.Policy.ZeroDate}
	switch c.Policy.ZeroDate {
	case schema.Null:
		return out, nil
	case schema.Min:
		out.cell = []byte("0001-01-01")
		if c.Kind != schema.Date {
			out.cell = []byte("0001-01-01 00:00:00")
		}
		return out, nil
	case schema.Refuse, schema.Strip, schema.Last, schema.Keep:
	}
	return verdict{}, &row.Problem{
		Column: c.Name, What: "zero or partial date",
		Hint: "choose what to do with such dates: --policy zero-date=null or zero-date=min",
	}
}

// inspectText finds U+0000, which PostgreSQL cannot store. Targets that can
// have no NUL policy but Keep, set by convert.
func inspectText(c schema.ColumnMapping, cell []byte) (verdict, error) {
	if c.Policy.NUL == schema.Strip {
		return verdict{
			changed: true, policy: "nul", action: schema.Strip,
			cell: bytes.ReplaceAll(cell, []byte{0}, nil),
		}, nil
	}
	return verdict{}, &row.Problem{
		Column: c.Name, What: "the text contains a NUL character, which this target cannot store",
		Hint: "remove them with --policy nul=strip, or make the column binary on the source",
	}
}

// inspectEnum finds what MySQL stores for an invalid label: index 0, which
// prints as an empty text, also where that is a label.
func inspectEnum(c schema.ColumnMapping, cell []byte) (verdict, error) {
	if len(cell) == 0 && slices.Contains(c.Labels, "") {
		return verdict{}, nil
	}
	if c.Policy.EmptyEnum == schema.Null {
		return verdict{changed: true, policy: "empty-enum", action: schema.Null}, nil
	}
	return verdict{}, &row.Problem{
		Column: c.Name, What: "the value is the empty label that MySQL stores for an invalid one",
		Hint: "store NULL instead with --policy empty-enum=null, or correct the row",
	}
}

// inspectTime finds times that a TIME column cannot hold.
func inspectTime(c schema.ColumnMapping, cell []byte) (verdict, error) {
	if len(cell) >= 8 && cell[0] != '-' && cell[2] == ':' && string(cell[:2]) < "24" {
		return verdict{}, nil
	}
	return verdict{}, &row.Problem{
		Column: c.Name, What: "the time is negative or not below 24 hours",
		Hint: "move the column as an interval: --policy time=interval",
	}
}

var escapedNUL = []byte(`\u0000`)

// inspectJSON finds documents that JSONB would change or refuse: a key twice,
// a NUL escape, broken surrogates, text that is no JSON at all.
func inspectJSON(c schema.ColumnMapping, cell []byte) (verdict, error) {
	if c.Policy.NUL != schema.Keep && bytes.Contains(cell, escapedNUL) && holdsNUL(cell) {
		return verdict{}, &row.Problem{
			Column: c.Name, What: `the JSON has a \u0000, which this target cannot store`,
			Hint: "correct the document on the source",
		}
	}
	if jsontext.Value(cell).IsValid() {
		return verdict{}, nil
	}
	if !jsontext.Value(cell).IsValid(jsontext.AllowDuplicateNames(true)) {
		return verdict{}, &row.Problem{
			Column: c.Name, What: "the text is not valid JSON",
			Hint: "correct the document on the source",
		}
	}
	if c.Policy.JSONDuplicate == schema.Last {
		// The document travels as it is: JSONB itself keeps the last.
		return verdict{changed: true, cell: cell, policy: "json-duplicate", action: schema.Last}, nil
	}
	return verdict{}, &row.Problem{
		Column: c.Name, What: "a JSON object has the same key twice, of which JSONB keeps only the last",
		Hint: "accept that with --policy json-duplicate=last, or correct the document",
	}
}

// holdsNUL tells the escape \u0000 from an escaped backslash before "u0000".
func holdsNUL(text []byte) bool {
	dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return false
		}
		if token.Kind() == jsontext.KindString && bytes.IndexByte([]byte(token.String()), 0) >= 0 {
			return true
		}
	}
}
