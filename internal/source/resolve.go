package source

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
)

// fewRows says which slices are read through indexes: those of at most one row
// in so many. A row that is found by its key costs the server about 4 us, one
// that is passed over in a scan about 0.6 us (MariaDB 10.11, tables in memory).
const fewRows = 7

// mostCounted bounds the entries of indexes that are counted to choose a way.
const mostCounted = 2_000_000

// Resolve checks a slice against the source's schema and data, and returns it
// with its Access: how its rows are found. A table, a column, a value or a
// comparison that cannot be what the plan means is refused. The finding, if
// any, says that no index leads to the rows.
func (db *DB) Resolve(ctx context.Context, d *schema.Database, table string, s *schema.Slice) (*schema.Slice, []schema.Finding, error) {
	r := &resolver{database: d, table: d.Table(table), slice: *s}
	if err := r.check(table); err != nil {
		return nil, nil, err
	}
	r.findIndexes()
	if err := r.choose(ctx, db); err != nil {
		return nil, nil, fmt.Errorf("slice of %s: %w", table, Explain(err))
	}
	return &r.slice, r.findings, nil
}

// Check is the part of Resolve that asks the source nothing.
func Check(d *schema.Database, table string, s *schema.Slice) (*schema.Slice, error) {
	r := &resolver{database: d, table: d.Table(table), slice: *s}
	if err := r.check(table); err != nil {
		return nil, err
	}
	r.findIndexes()
	return &r.slice, nil
}

type resolver struct {
	database *schema.Database
	table    *schema.Table
	tables   []*schema.Table // the tables along the path, the sliced one first
	slice    schema.Slice
	findings []schema.Finding
}

const checkPlan = "correct the plan: how a table belongs to a tenant names tables and columns as the source does"

// check finds what the slice names, and refuses what is not there.
func (r *resolver) check(table string) error {
	if r.table == nil {
		return fault.New(fault.Usage, checkPlan, "the source has no table %s, of which a slice is planned", table)
	}
	r.tables = []*schema.Table{r.table}
	r.slice.Access = schema.Access{Single: true}
	for i, hop := range r.slice.Path {
		from, to := r.tables[i], r.database.Table(hop.Table)
		if to == nil {
			return fault.New(fault.Usage, checkPlan, "the path of %s leads to %s, and the source has no such table", table, hop.Table)
		}
		if len(hop.Columns) == 0 || len(hop.Columns) != len(hop.Parent) {
			return fault.New(fault.Usage, checkPlan, "the path of %s from %s to %s has %d columns and refers to %d",
				table, from.Name, to.Name, len(hop.Columns), len(hop.Parent))
		}
		for j := range hop.Columns {
			if err := comparable(from, hop.Columns[j], to, hop.Parent[j]); err != nil {
				return err
			}
		}
		r.slice.Access.Single = r.slice.Access.Single && isUnique(to, hop.Parent)
		r.tables = append(r.tables, to)
	}
	return r.checkColumn()
}

// comparable refuses columns that the source would compare by converting one
// of them: a text compared with a number equals more than it should.
func comparable(a *schema.Table, ac string, b *schema.Table, bc string) error {
	x, y := a.Column(ac), b.Column(bc)
	for _, c := range []struct {
		column *schema.Column
		name   string
	}{{x, a.Name + "." + ac}, {y, b.Name + "." + bc}} {
		if c.column == nil {
			return fault.New(fault.Usage, checkPlan, "there is no column %s on the source", c.name)
		}
	}
	xk, yk := kindOfColumn(x), kindOfColumn(y)
	if xk == "" || xk != yk || xk == schema.Enum || x.Type.Collation != y.Type.Collation {
		return fault.New(fault.Usage, "name columns of the same type, or correct the type on the source",
			"%s.%s (%s) and %s.%s (%s) cannot be compared without a conversion", a.Name, ac, columnType(x), b.Name, bc, columnType(y))
	}
	return nil
}

func columnType(c *schema.Column) string {
	return strings.TrimSpace(c.Type.Raw + " " + c.Type.Collation)
}

// kindOfColumn is what the values of a column are, for columns that may tell
// tenants or parents apart; empty for others.
func kindOfColumn(c *schema.Column) schema.Kind {
	switch c.Type.Base {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return schema.Int
	case "decimal":
		return schema.Decimal
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		return schema.Text
	case "enum":
		return schema.Enum
	case "binary", "varbinary":
		return schema.Bytes
	case "uuid":
		return schema.UUID
	case "date":
		return schema.Date
	}
	return ""
}

// checkColumn finds the tenant column and refuses values that it cannot hold
// in that form.
func (r *resolver) checkColumn() error {
	owner := r.tables[len(r.tables)-1]
	column := owner.Column(r.slice.Column)
	if column == nil {
		return fault.New(fault.Usage, checkPlan, "the table %s of the source has no column %s, which should tell tenants apart", owner.Name, r.slice.Column)
	}
	kind := kindOfColumn(column)
	if kind == "" {
		return fault.New(fault.Usage, "choose a column of whole numbers, text, UUIDs or binary strings",
			"%s.%s (%s) cannot tell tenants apart", owner.Name, column.Name, column.Type.Raw)
	}
	c := schema.ColumnMapping{Source: column.Name, Name: column.Name, Kind: kind, From: column.Type, Labels: column.Type.Labels}
	if len(r.slice.Values) == 0 {
		return fault.New(fault.Usage, "name the tenant's value", "tenant %s has no value of %s.%s", r.slice.Tenant, owner.Name, column.Name)
	}
	values := slices.Clone(r.slice.Values)
	slices.Sort(values)
	r.slice.Values = slices.Compact(values)
	for _, v := range values {
		if !canonical(&c, v) {
			return fault.New(fault.Usage, "write it as the column prints it: digits without leading zeros, hex and UUIDs in lower case",
				"tenant %s: %q is no value of %s.%s (%s)", r.slice.Tenant, v, owner.Name, column.Name, column.Type.Raw)
		}
	}
	r.slice.Access.Owner = c
	return nil
}

func canonical(c *schema.ColumnMapping, value string) bool {
	switch c.Kind {
	case schema.Bytes:
		raw, err := hex.DecodeString(value)
		return err == nil && hex.EncodeToString(raw) == value
	case schema.Enum:
		return slices.Contains(c.Labels, value)
	case schema.UUID:
		const form = "00000000-0000-0000-0000-000000000000"
		return len(value) == len(form) && strings.Trim(value, "0123456789abcdef-") == "" && strings.Count(value, "-") == 4
	case schema.Text:
		return true
	case schema.Int, schema.Decimal, schema.Date, schema.Bool, schema.Float32, schema.Float64, schema.Bits, schema.DateTime,
		schema.Timestamp, schema.Time, schema.Interval, schema.Set, schema.JSON, schema.INet:
	}
	form, err := row.AppendCanonical(nil, c, []byte(value))
	return err == nil && string(form) == value
}

// isUnique reports whether at most one row holds the same values in the columns.
func isUnique(t *schema.Table, columns []string) bool {
	unique := func(i *schema.Index) bool {
		for _, p := range i.Parts {
			if p.Prefix != 0 || p.Expression != "" || !slices.Contains(columns, p.Column) {
				return false
			}
		}
		return i.Unique || i == t.PrimaryKey
	}
	if t.PrimaryKey != nil && unique(t.PrimaryKey) {
		return true
	}
	for i := range t.Indexes {
		if unique(&t.Indexes[i]) {
			return true
		}
	}
	return false
}

// findIndexes finds the indexes from the tenant column down to the table.
func (r *resolver) findIndexes() {
	n := len(r.slice.Path)
	for i := n; i >= 0; i-- {
		columns := []string{r.slice.Column}
		if i < n {
			columns = r.slice.Path[i].Columns
		}
		r.slice.Access.Indexes = append(r.slice.Access.Indexes, indexOn(r.tables[i], columns))
	}
}

// indexOn returns the shortest index that begins with the columns in any order;
// the primary key before all others. Empty when there is none.
func indexOn(t *schema.Table, columns []string) string {
	leads := func(i *schema.Index) bool {
		if i.Type != "BTREE" || i.Ignored || len(i.Parts) < len(columns) {
			return false
		}
		for _, p := range i.Parts[:len(columns)] {
			if p.Prefix != 0 || !slices.Contains(columns, p.Column) {
				return false
			}
		}
		return true
	}
	if t.PrimaryKey != nil && leads(t.PrimaryKey) {
		return t.PrimaryKey.Name
	}
	best := -1
	for i := range t.Indexes {
		if leads(&t.Indexes[i]) && (best < 0 || len(t.Indexes[i].Parts) < len(t.Indexes[best].Parts)) {
			best = i
		}
	}
	if best < 0 {
		return ""
	}
	return t.Indexes[best].Name
}

// choose counts the slice, as far as that matters, and takes the cheaper way.
func (r *resolver) choose(ctx context.Context, db *DB) error {
	a := &r.slice.Access
	a.Rows = r.table.EstimatedRows
	last := a.Indexes[len(a.Indexes)-1]
	if missing := slices.IndexFunc(a.Indexes, func(name string) bool { return name == "" }); missing >= 0 {
		r.missing(missing)
		if missing > 0 || len(r.slice.Path) == 0 {
			return nil
		}
	}
	limit := min(r.table.EstimatedRows/fewRows+1, mostCounted)
	from, where, err := chain(&r.slice, quote(r.table.Name))
	if err != nil {
		return err
	}
	query := "SELECT COUNT(*) FROM (SELECT 1" + from + " WHERE " + where + " LIMIT " + strconv.FormatInt(limit, 10) + ") AS counted"
	conn, err := db.conn(ctx)
	if err != nil {
		return err //nolint:wrapcheck // Resolve says what it was doing
	}
	defer func() { _ = conn.Close() }()
	if err = conn.QueryRowContext(ctx, query).Scan(&a.Rows); err != nil {
		return err //nolint:wrapcheck // Resolve says what it was doing
	}
	if a.Rows < limit {
		a.ByIndex = true
		return nil
	}
	first, product, err := explained(ctx, conn, "SELECT 1"+from+" WHERE "+where)
	a.Rows = product
	if owner := r.tables[len(r.tables)-1]; owner.EstimatedRows > 0 {
		// As large a part of the table as of the one that has the tenant column.
		part := float64(min(first, owner.EstimatedRows)) / float64(owner.EstimatedRows)
		a.Rows = max(a.Rows, int64(part*float64(r.table.EstimatedRows)))
	}
	a.Rows = min(max(a.Rows, limit), max(r.table.EstimatedRows, limit))
	clustered := r.table.PrimaryKey != nil && last == r.table.PrimaryKey.Name && len(r.slice.Path) == 0
	a.ByIndex = clustered || a.Rows <= r.table.EstimatedRows/fewRows
	return err
}

// missing tells that a table on the way is read whole.
func (r *resolver) missing(at int) {
	i := len(r.slice.Path) - at
	table, columns := r.tables[i], []string{r.slice.Column}
	if at > 0 {
		columns = r.slice.Path[i].Columns
	}
	quoted := make([]string, len(columns))
	for j, c := range columns {
		quoted[j] = quote(c)
	}
	r.findings = append(r.findings, schema.Finding{
		Rule: "slice-without-index", Severity: schema.Warning, Object: table.Name,
		Problem: fmt.Sprintf("no index begins with %s: the source reads all of %s to find the rows of one tenant",
			strings.Join(columns, ", "), table.Name),
		Advice: "CREATE INDEX leap_tenant ON " + quote(table.Name) + " (" + strings.Join(quoted, ", ") + ") on the source, or move all tenants in few runs",
	})
}

// explained is how many rows the optimizer expects of a join and of its first table.
func explained(ctx context.Context, conn *sql.Conn, query string) (first, product int64, err error) {
	product = 1
	err = eachRow(ctx, conn, explain+query, func(line map[string]sql.NullString) error {
		n, failure := strconv.ParseInt(line["rows"].String, 10, 64)
		if failure != nil {
			return nil //nolint:nilerr // a line without a number of rows
		}
		if first == 0 {
			first = max(n, 1)
		}
		const most = int64(1) << 40
		if product *= max(n, 1); product > most {
			product = most
		}
		return nil
	})
	return first, product, err
}
