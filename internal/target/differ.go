package target

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"leap/internal/schema"
)

// Advice that many differences share.
const (
	adviceCreate  = "create it: migrate schema prints the statement"
	adviceReplace = "drop it and create it anew: migrate schema prints the statement"
	adviceStrict  = "drop it, unless it is wanted: it refuses rows that the source accepts"
)

// Promised is a planned table and what the plan promises of it.
type Promised struct {
	Mapping *schema.Mapping
	Promise *schema.Promise
}

// Differences is how a table's schema differs from what was promised.
type Differences struct {
	Found []schema.Difference
	// Unchecked says what could not be compared, and why; empty when all was.
	Unchecked string
}

// Differences compares the catalog with the promises, one result for each
// table, in order.
func (d *DB) Differences(ctx context.Context, tables []Promised) ([]Differences, error) {
	have, err := readCatalog(ctx, d.pool, "")
	if err != nil {
		return nil, err
	}
	hidden, err := d.hidden(ctx, "")
	if err != nil {
		return nil, err
	}
	out := make([]Differences, len(tables))
	for i, t := range tables {
		columns, _, err := d.ColumnDifferences(ctx, t.Mapping)
		if err != nil {
			return nil, err
		}
		out[i].Found = columns
		found := have[t.Mapping.Name]
		if found == nil {
			continue
		}
		for name := range hidden {
			if column, ok := strings.CutPrefix(name, t.Mapping.Name+"."); ok {
				delete(found.columns, column)
			}
		}
		c := &comparison{db: d, m: t.Mapping, promise: t.Promise, found: found, hidden: hidden}
		if err := c.run(ctx); err != nil {
			return nil, fmt.Errorf("compare the schema of %s: %w", t.Mapping.Name, err)
		}
		out[i] = Differences{Found: append(columns, c.out.Found...), Unchecked: c.out.Unchecked}
	}
	return out, nil
}

// comparison compares one table.
type comparison struct {
	db      *DB
	m       *schema.Mapping
	promise *schema.Promise
	found   *catalogTable
	hidden  map[string]bool // as table.column
	words   Words
	// mute says that the server could not be asked for its words.
	mute bool
	out  Differences
}

func (c *comparison) run(ctx context.Context) error {
	if hasExpressions(c.promise) {
		var err error
		c.words, err = c.db.wordsFor(ctx, c.m, c.promise)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return err
		default:
			// A right that is missing, or a type that is gone: what can be
			// compared without is compared, and the rest is said to be open.
			c.mute = true
			c.out.Unchecked = "expressions of defaults, CHECKs, computed columns and indexes; " +
				"who may read the tables of _migrate compares with the server's words that the copy kept there: " + err.Error()
		}
	}
	for i, p := range c.promise.Columns {
		if err := c.column(ctx, &c.m.Columns[i], p); err != nil {
			return err
		}
	}
	c.primaryKey()
	c.indexes()
	c.foreignKeys()
	c.checks()
	return c.sequences(ctx)
}

func (c *comparison) missing(object, expected, advice string) {
	c.add(schema.Difference{Kind: schema.IsMissing, Object: object, Expected: expected, Found: "nothing", Advice: advice})
}

func (c *comparison) extra(object, found, advice string) {
	c.add(schema.Difference{Kind: schema.IsExtra, Object: object, Expected: "nothing", Found: found, Advice: advice})
}

func (c *comparison) changed(object, expected, found, advice string) {
	c.add(schema.Difference{Kind: schema.IsChanged, Object: object, Expected: expected, Found: found, Advice: advice})
}

func (c *comparison) add(d schema.Difference) { c.out.Found = append(c.out.Found, d) }

func (c *comparison) primaryKey() {
	hidden := map[string]bool{}
	for name := range c.hidden {
		if column, ok := strings.CutPrefix(name, c.m.Name+"."); ok {
			hidden[column] = true
		}
	}
	expected, found := c.promise.PrimaryKey, c.found.primaryKey(hidden)
	const object = "primary key"
	switch {
	case slices.Equal(expected, found):
	case len(found) == 0:
		c.missing(object, list(expected), "ALTER TABLE .. ADD PRIMARY KEY; on CockroachDB create the table anew and copy again")
	case len(expected) == 0:
		c.extra(object, list(found), adviceStrict)
	default:
		c.changed(object, list(expected), list(found), "create the table anew and copy again")
	}
}

func list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = Quote(n)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}

// indexes compares by name, then by what an index is: one that was only
// renamed serves as well.
func (c *comparison) indexes() {
	open := map[string]catalogIndex{}
	for _, ix := range c.found.indexes {
		if !ix.primary {
			open[ix.name] = ix
		}
	}
	var absent []schema.PromisedIndex
	for _, p := range c.promise.Indexes {
		ix, ok := open[p.Name]
		if !ok {
			absent = append(absent, p)
			continue
		}
		delete(open, p.Name)
		expected, found, known := c.indexWords(p, ix)
		if known && expected != found {
			c.changed("index "+Quote(p.Name), expected, found, adviceReplace)
		}
	}
	for _, p := range absent {
		twin := ""
		expected := ""
		for _, name := range slices.Sorted(maps.Keys(open)) {
			e, f, known := c.indexWords(p, open[name])
			if expected = e; known && e == f && twin == "" {
				twin = name
			}
		}
		if twin != "" {
			delete(open, twin)
			c.add(schema.Difference{
				Kind: schema.IsChanged, Object: "index " + Quote(p.Name), Expected: "called " + Quote(p.Name),
				Found: "called " + Quote(twin), Advice: "nothing to do, unless queries name the index", Harmless: true,
			})
			continue
		}
		if expected == "" {
			expected, _, _ = c.indexWords(p, catalogIndex{})
		}
		c.missing("index "+Quote(p.Name), expected, adviceCreate)
	}
	for _, name := range slices.Sorted(maps.Keys(open)) {
		ix := open[name]
		_, found, _ := c.indexWords(schema.PromisedIndex{}, ix)
		d := schema.Difference{
			Kind: schema.IsExtra, Object: "index " + Quote(name), Expected: "nothing", Found: found,
			Advice: "nothing to do; it costs space and time of writes", Harmless: true,
		}
		if ix.unique {
			d.Advice, d.Harmless = adviceStrict, false
		}
		c.add(d)
	}
}

// indexWords describes a promised and a found index in the same words; known is
// false where the promised one has expressions that nobody could spell.
func (c *comparison) indexWords(p schema.PromisedIndex, ix catalogIndex) (expected, found string, known bool) {
	known = !expressionIndex(p) || !c.mute
	var parts []catalogPart
	for i, part := range p.Parts {
		is := catalogPart{column: part.Column, expression: part.Expression, descending: part.Descending}
		if words := c.words.Parts[p.Name]; part.Column == "" && i < len(words) {
			is.expression = words[i]
		}
		parts = append(parts, is)
	}
	expected = indexText(catalogIndex{unique: p.Unique, valid: true, parts: parts})
	return expected, indexText(ix), known
}

func indexText(ix catalogIndex) string {
	var parts []string
	for _, p := range ix.parts {
		text := p.expression
		if p.column != "" {
			text = Quote(p.column)
		}
		if p.descending {
			text += " DESC"
		}
		parts = append(parts, text)
	}
	text := "INDEX (" + strings.Join(parts, ", ") + ")"
	if ix.unique {
		text = "UNIQUE " + text
	}
	if ix.only != "" {
		text += " WHERE " + ix.only
	}
	if !ix.valid {
		text += ", not valid"
	}
	return text
}

func (c *comparison) foreignKeys() {
	open := map[string]catalogForeignKey{}
	for _, fk := range c.found.foreignKeys {
		open[fk.name] = fk
	}
	for _, p := range c.promise.ForeignKeys {
		object := "foreign key " + Quote(p.Name)
		expected := foreignKeyText(catalogForeignKey{
			columns: p.Columns, refTable: p.RefTable, refColumns: p.RefColumns, onDelete: p.OnDelete, onUpdate: p.OnUpdate, valid: true,
		})
		fk, ok := open[p.Name]
		if !ok {
			c.missing(object, expected, adviceCreate)
			continue
		}
		delete(open, p.Name)
		if found := foreignKeyText(fk); found != expected {
			c.changed(object, expected, found, adviceReplace)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(open)) {
		c.extra("foreign key "+Quote(name), foreignKeyText(open[name]), adviceStrict)
	}
}

func foreignKeyText(fk catalogForeignKey) string {
	text := list(fk.columns) + " REFERENCES " + Quote(fk.refTable) + " " + list(fk.refColumns) +
		" ON DELETE " + fk.onDelete + " ON UPDATE " + fk.onUpdate
	if fk.full {
		text += " MATCH FULL"
	}
	if !fk.valid {
		text += ", not validated"
	}
	return text
}

func (c *comparison) checks() {
	open := maps.Clone(c.found.checks)
	for _, p := range c.promise.Checks {
		object := "check " + Quote(p.Name)
		have, ok := open[p.Name]
		if !ok {
			c.missing(object, "CHECK ("+p.Condition+")", adviceCreate)
			continue
		}
		delete(open, p.Name)
		if !have.valid {
			c.changed(object, "validated", "not validated: existing rows may break it", "ALTER TABLE .. VALIDATE CONSTRAINT "+Quote(p.Name))
		}
		if expected := c.words.Checks[p.Name]; !c.mute && have.condition != expected {
			c.changed(object, expected, have.condition, adviceReplace)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(open)) {
		c.extra("check "+Quote(name), open[name].condition, adviceStrict)
	}
}
