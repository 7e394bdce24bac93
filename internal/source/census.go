package source

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"leap/internal/row"
	"leap/internal/schema"
)

// Census is what a table's rows say about whose they are.
type Census struct {
	// Rows is the number of rows, counted apart from the rest.
	Rows int64
	// Owned are the rows of each slice, in the order of the slices.
	Owned []int64
	// Nowhere are rows that lead to no value: a NULL on the way, or a row that
	// is not there. Nobody are rows that lead to a value of no slice, Several
	// those that belong to more than one slice.
	Nowhere, Nobody, Several int64
	// Strays are some of the rows that are Nowhere, Nobody or Several.
	Strays []Stray
}

// Stray is a row that belongs to no slice or to several.
type Stray struct {
	Key row.Key
	// Nowhere says that the row leads to no value at all.
	Nowhere bool
	// Owners are the slices that it belongs to, by their places.
	Owners []int
}

// maxStrays is how many strays are listed.
const maxStrays = 20

// Sharing says how a table should be divided.
type Sharing struct {
	// Parts are the slices; they must have passed Check, and find their rows by
	// one path.
	Parts []*schema.Slice
	// Nowhere says that rows may be Nowhere: they are no strays then.
	Nowhere bool
}

// Census counts the rows of a table by the slice that they belong to.
func (s *Snapshot) Census(ctx context.Context, m *schema.Mapping, sharing Sharing) (c Census, err error) {
	parts := sharing.Parts
	for _, p := range parts[1:] {
		if !samePath(parts[0], p) {
			return c, fmt.Errorf("%s: tenants find their rows by different paths", m.SourceName)
		}
	}
	err = s.ask(ctx, func(conn *sql.Conn) (failure error) {
		query := "SELECT COUNT(*) FROM " + quote(m.SourceName)
		if failure = conn.QueryRowContext(ctx, query).Scan(&c.Rows); failure != nil {
			return Explain(failure)
		}
		count := countByValue
		if !parts[0].Access.Single || overlap(parts) {
			count = countEach
		}
		if failure = count(ctx, conn, m, parts, &c); failure != nil {
			return failure
		}
		if c.Several+c.Nobody > 0 || c.Nowhere > 0 && !sharing.Nowhere {
			c.Strays, failure = strays(ctx, conn, m, sharing)
		}
		return failure
	})
	if err != nil {
		return c, fmt.Errorf("count the rows of %s by tenant: %w", m.SourceName, err)
	}
	return c, nil
}

func samePath(a, b *schema.Slice) bool {
	return a.Column == b.Column && slices.EqualFunc(a.Path, b.Path, func(x, y schema.Hop) bool {
		return x.Table == y.Table && slices.Equal(x.Columns, y.Columns) && slices.Equal(x.Parent, y.Parent)
	})
}

// overlap reports whether two slices share a value.
func overlap(parts []*schema.Slice) bool {
	seen := map[string]bool{}
	for _, p := range parts {
		for _, v := range p.Values {
			if seen[v] {
				return true
			}
			seen[v] = true
		}
	}
	return false
}

// grouped selects the referring columns of a table's first hop and how many
// rows hold them: the way from there on is gone once for all of these, and an
// index on the columns is all that is read of the table.
func grouped(m *schema.Mapping, s *schema.Slice) string {
	if len(s.Path) == 0 {
		return "(SELECT " + quote(s.Column) + ", 1 AS leap_n FROM " + quote(m.SourceName) + ") AS " + inner
	}
	columns := make([]string, len(s.Path[0].Columns))
	for i, c := range s.Path[0].Columns {
		columns[i] = quote(c)
	}
	list := strings.Join(columns, ", ")
	return "(SELECT " + list + ", COUNT(*) AS leap_n FROM " + quote(m.SourceName) + " GROUP BY " + list + ") AS " + inner
}

// byValue selects each value of the tenant column and how many rows lead to it.
func byValue(m *schema.Mapping, s *schema.Slice) string {
	from, last := grouped(m, s), inner
	for i, hop := range s.Path {
		next := parent + strconv.Itoa(i+1)
		from += " LEFT JOIN " + quote(hop.Table) + " AS " + next + " ON " + equal(last, hop.Columns, next, hop.Parent)
		last = next
	}
	value, group, sum := valueText(last, s.Access.Owner), qualified(last, s.Column), "COALESCE(SUM(leap_n), 0)"
	if len(s.Path) == 0 {
		// Without the derived table, an index on the column gives the groups in order.
		from, value, group, sum = quote(m.SourceName), valueText("", s.Access.Owner), quote(s.Column), "COUNT(*)"
	}
	if k := s.Access.Owner.Kind; k == schema.Text || k == schema.Enum {
		group = value // the collation would put different values together
	}
	return "SELECT " + value + ", " + sum + " FROM " + from + " GROUP BY " + group
}

// countByValue counts the rows of each value of the tenant column, where every
// row leads to at most one.
func countByValue(ctx context.Context, conn *sql.Conn, m *schema.Mapping, parts []*schema.Slice, c *Census) error {
	query := byValue(m, parts[0])
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return Explain(err)
	}
	defer func() { _ = rows.Close() }() // Err tells of errors
	c.Owned = make([]int64, len(parts))
	for rows.Next() {
		var text sql.NullString
		var n int64
		if err := rows.Scan(&text, &n); err != nil {
			return err //nolint:wrapcheck // Census says what it was doing
		}
		if !text.Valid {
			c.Nowhere += n
			continue
		}
		at, err := ownerOf(parts, text.String)
		if err != nil {
			return err
		}
		if at < 0 {
			c.Nobody += n
		} else {
			c.Owned[at] += n
		}
	}
	return Explain(rows.Err())
}

// ownerOf finds the slice of a value as the server prints it; -1 for none.
func ownerOf(parts []*schema.Slice, text string) (int, error) {
	owner := parts[0].Access.Owner
	if owner.Kind != schema.Bytes {
		form, err := row.AppendCanonical(nil, &owner, []byte(text))
		if err != nil {
			return 0, fmt.Errorf("column %s: %w", owner.Source, err)
		}
		text = string(form)
	}
	return slices.IndexFunc(parts, func(p *schema.Slice) bool { return slices.Contains(p.Values, text) }), nil
}

// valueText prints a tenant column so that equal texts are equal values.
func valueText(alias string, c schema.ColumnMapping) string {
	name := qualified(alias, c.Source)
	switch c.Kind {
	case schema.Int:
		if c.From.Unsigned {
			return "CAST(CAST(" + name + " AS UNSIGNED) AS CHAR)"
		}
		return "CAST(CAST(" + name + " AS SIGNED) AS CHAR)"
	case schema.Text, schema.Enum:
		return "CAST(CONVERT(" + name + " USING utf8mb4) AS BINARY)"
	case schema.Bytes:
		return "LOWER(HEX(" + name + "))"
	case schema.Decimal, schema.UUID, schema.Date, schema.Bool, schema.Float32, schema.Float64, schema.Bits, schema.DateTime,
		schema.Timestamp, schema.Time, schema.Interval, schema.Set, schema.JSON, schema.INet:
	}
	return "CAST(" + name + " AS CHAR)"
}

// end is the alias at the end of a slice's path.
func end(outer string, s *schema.Slice) string {
	if n := len(s.Path); n > 0 {
		return parent + strconv.Itoa(n)
	}
	return outer
}

// leads is the condition that a row of the outer table leads to a row that the
// slice owns.
func leads(outer string, s *schema.Slice) (string, error) {
	condition, err := owned(end(outer, s), s)
	if len(s.Path) == 0 {
		return "COALESCE(" + condition + ", FALSE)", err
	}
	return exists(outer, s.Path, condition), err
}

// leadsSomewhere is the condition that a row leads to any value at all.
func leadsSomewhere(outer string, s *schema.Slice) string {
	condition := qualified(end(outer, s), s.Column) + " IS NOT NULL"
	if len(s.Path) == 0 {
		return condition
	}
	return exists(outer, s.Path, condition)
}

// exists is the condition that a path leads from a row of the outer table to
// one that meets a condition.
func exists(outer string, path []schema.Hop, condition string) string {
	return existsIn(outer, path, quote(path[0].Table), condition)
}

// existsIn is exists where something else stands for the first table of the path.
func existsIn(outer string, path []schema.Hop, first, condition string) string {
	tables := []string{first + " AS " + parent + "1"}
	for i, hop := range path[1:] {
		next := parent + strconv.Itoa(i+2)
		tables = append(tables, quote(hop.Table)+" AS "+next+" ON "+equal(parent+strconv.Itoa(i+1), hop.Columns, next, hop.Parent))
	}
	return "EXISTS (SELECT 1 FROM " + strings.Join(tables, " STRAIGHT_JOIN ") + " WHERE " + equal(outer, path[0].Columns, parent+"1", path[0].Parent) + " AND " + condition + ")"
}

// memberships selects, for each slice, whether a row belongs to it (m0, m1, ..),
// and whether the row leads to any value (ma).
func memberships(outer string, parts []*schema.Slice) (list, sum string, err error) {
	var columns, names []string
	for i, p := range parts {
		member, failure := leads(outer, p)
		if failure != nil {
			return "", "", failure
		}
		columns, names = append(columns, member+" AS m"+strconv.Itoa(i)), append(names, "m"+strconv.Itoa(i))
	}
	columns = append(columns, leadsSomewhere(outer, parts[0])+" AS ma")
	return strings.Join(columns, ", "), strings.Join(names, " + "), nil
}

// countEach asks of every row which slices it belongs to: slower, and right
// where it may be several.
func countEach(ctx context.Context, conn *sql.Conn, m *schema.Mapping, parts []*schema.Slice, c *Census) error {
	list, sum, err := memberships(inner, parts)
	if err != nil {
		return err
	}
	total := func(condition string) string { return "COALESCE(SUM(leap_n * (" + condition + ")), 0)" }
	columns := []string{total(sum + " = 0 AND NOT ma"), total(sum + " = 0 AND ma"), total(sum + " > 1")}
	c.Owned = make([]int64, len(parts))
	targets := []any{&c.Nowhere, &c.Nobody, &c.Several}
	for i := range parts {
		columns = append(columns, total("m"+strconv.Itoa(i)+" AND "+sum+" = 1"))
		targets = append(targets, &c.Owned[i])
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM (SELECT leap_n, " + list + " FROM " + grouped(m, parts[0]) + ") AS leap_c"
	return Explain(conn.QueryRowContext(ctx, query).Scan(targets...))
}

// strays lists some of the rows that do not belong to exactly one slice.
func strays(ctx context.Context, conn *sql.Conn, m *schema.Mapping, sharing Sharing) ([]Stray, error) {
	parts := sharing.Parts
	list, sum, err := memberships(quote(m.SourceName), parts)
	if err != nil {
		return nil, err
	}
	condition := sum + " <> 1"
	if sharing.Nowhere {
		condition += " AND (ma OR " + sum + " > 1)"
	}
	key := m.KeyColumns()
	var columns, names []string
	for i, c := range key {
		columns, names = append(columns, scanExpression(c)+" AS k"+strconv.Itoa(i)), append(names, "k"+strconv.Itoa(i))
	}
	for i := range parts {
		names = append(names, "m"+strconv.Itoa(i))
	}
	columns = append(columns, list)
	query := "SELECT " + strings.Join(names, ", ") + ", ma FROM (SELECT " + strings.Join(columns, ", ") + " FROM " + quote(m.SourceName) +
		") AS leap_c WHERE " + condition + " LIMIT " + strconv.Itoa(maxStrays)
	var out []Stray
	err = eachKey(ctx, conn, query, m, func(k row.Key, rest []sql.NullString) {
		stray := Stray{Key: k, Nowhere: rest[len(parts)].String == "0"}
		for i := range parts {
			if rest[i].String == "1" {
				stray.Owners = append(stray.Owners, i)
			}
		}
		out = append(out, stray)
	})
	return out, err
}

// eachKey runs a query that selects a row's key as scanExpression prints it
// and more after it.
func eachKey(ctx context.Context, conn *sql.Conn, query string, m *schema.Mapping, fn func(row.Key, []sql.NullString)) error {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return Explain(err)
	}
	defer func() { _ = rows.Close() }() // Err tells of errors
	columns, err := rows.Columns()
	if err != nil {
		return err //nolint:wrapcheck // the caller says what it was doing
	}
	key := m.KeyColumns()
	reader := row.NewKeyReader(key, key)
	for rows.Next() {
		cells := make(row.Row, len(key))
		rest := make([]sql.NullString, len(columns)-len(key))
		targets := make([]any, 0, len(columns))
		for i := range cells {
			targets = append(targets, &cells[i])
		}
		for i := range rest {
			targets = append(targets, &rest[i])
		}
		if err := rows.Scan(targets...); err != nil {
			return err //nolint:wrapcheck // the caller says what it was doing
		}
		fn(reader.Key(cells), rest)
	}
	return Explain(rows.Err())
}
