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

// Broken is what References found.
type Broken struct {
	// Rows refer to something, Wrong of them to nothing that is moved.
	Rows, Wrong int64
	Keys        []row.Key // of some of them
}

// References counts the rows of a table's mapping, those that are moved, that
// refer by a foreign key to a row that is not there, or that is not moved with
// to, the table they refer to; nil for all of that table. A NULL in any of the
// columns refers to nothing.
func (s *Snapshot) References(ctx context.Context, m *schema.Mapping, key schema.Hop, to *schema.Mapping) (out Broken, err error) {
	path, condition, first := []schema.Hop{key}, "TRUE", quote(key.Table)
	if to != nil && to.Filter != "" {
		first = passing(key, to)
	}
	if to != nil && to.Slice != nil {
		path = append(path, to.Slice.Path...)
		if condition, err = owned(parent+strconv.Itoa(len(path)), to.Slice); err != nil {
			return out, err
		}
	}
	arrives := func(from string) string { return existsIn(from, path, first, condition) }
	rows, err := partRows(m, row.Range{})
	if err != nil {
		return out, err
	}
	rows.where = referring(rows.where, key)
	count, err := countReferences(m, rows, key, arrives)
	if err != nil {
		return out, err
	}
	err = s.ask(ctx, func(conn *sql.Conn) (failure error) {
		query := count
		if failure = conn.QueryRowContext(ctx, query).Scan(&out.Rows, &out.Wrong); failure != nil {
			return Explain(failure)
		}
		if out.Wrong == 0 {
			return nil
		}
		columns := []string{"1"}
		if len(m.Key) > 0 {
			columns = nil
		}
		for _, c := range m.KeyColumns() {
			columns = append(columns, scanExpression(c))
		}
		query = "SELECT " + strings.Join(columns, ", ") + " FROM " + rows.from + " WHERE " + rows.where + " AND NOT " + arrives(quote(m.SourceName)) +
			" LIMIT " + strconv.Itoa(maxStrays)
		return eachKey(ctx, conn, query, m, func(k row.Key, _ []sql.NullString) { out.Keys = append(out.Keys, k) })
	})
	if err != nil {
		return out, fmt.Errorf("check where %s (%s) leads: %w", m.SourceName, strings.Join(key.Columns, ", "), err)
	}
	return out, nil
}

// passing is what a key leads to as far as its rows pass a filter, whose columns
// have no qualifier. The columns are named: * leaves invisible ones out.
func passing(key schema.Hop, to *schema.Mapping) string {
	columns := slices.Clone(key.Parent)
	if s := to.Slice; s != nil && len(s.Path) > 0 {
		columns = append(columns, s.Path[0].Columns...)
	} else if s != nil {
		columns = append(columns, s.Column)
	}
	slices.Sort(columns)
	columns = slices.Compact(columns)
	for i, c := range columns {
		columns[i] = quote(c)
	}
	return "(SELECT " + strings.Join(columns, ", ") + " FROM " + quote(key.Table) + " WHERE " + filtered(to.Filter) + ")"
}

// referring narrows a condition to the rows that refer to something.
func referring(where string, key schema.Hop) string {
	for _, c := range key.Columns {
		where += " AND " + quote(c) + " IS NOT NULL"
	}
	return where
}

// collates reports whether values of a column may be equal without being the same.
func collates(c *schema.Column) bool {
	if c == nil {
		return true
	}
	switch kindOfColumn(c) {
	case schema.Int, schema.Decimal, schema.Bytes, schema.UUID, schema.Date:
		return false
	case schema.Text, schema.Enum, schema.Bool, schema.Float32, schema.Float64, schema.Bits, schema.DateTime, schema.Timestamp,
		schema.Time, schema.Interval, schema.Set, schema.JSON, schema.INet:
	}
	return true
}

// countReferences counts the rows that refer, and those of them that refer to
// nothing that arrives. Where an index lists the referring columns, of a table that
// is moved whole or belongs by this very key, each of their values is followed once
// for all of its rows: these differ in nothing that decides. Not of texts: the two
// sides of a foreign key that only the plan knows may have different collations, and
// one of them would put together what the other tells apart.
func countReferences(m *schema.Mapping, rows selection, key schema.Hop, arrives func(from string) string) (string, error) {
	index, member := "", "TRUE"
	if m.Source != nil && m.Filter == "" && !slices.ContainsFunc(key.Columns, func(c string) bool { return collates(m.Source.Column(c)) }) {
		index = indexOn(m.Source, key.Columns)
	}
	if s := m.Slice; s != nil {
		if len(s.Path) == 0 || !slices.Equal(s.Path[0].Columns, key.Columns) {
			index = ""
		}
		var err error
		if member, err = membership(inner, s); err != nil {
			return "", err
		}
	}
	if index == "" {
		return "SELECT COUNT(*), COALESCE(SUM(NOT " + arrives(quote(m.SourceName)) + "), 0) FROM " + rows.from + " WHERE " + rows.where, nil
	}
	columns := make([]string, len(key.Columns))
	for i, c := range key.Columns {
		columns[i] = quote(c)
	}
	list := strings.Join(columns, ", ")
	if m.Slice != nil && m.Slice.Access.ByIndex {
		return "SELECT COALESCE(SUM(leap_n), 0), COALESCE(SUM(IF(" + arrives(inner) + ", 0, leap_n)), 0) FROM (SELECT " + list + ", COUNT(*) AS leap_n FROM " +
			rows.from + " WHERE " + rows.where + " GROUP BY " + list + all + ") AS " + inner, nil
	}
	// Not WHERE member: the optimizer would join from the parents on and count the
	// rows of each by a search of its own.
	return "SELECT COALESCE(SUM(IF(leap_m, leap_n, 0)), 0), COALESCE(SUM(IF(leap_m AND NOT leap_a, leap_n, 0)), 0)" +
		" FROM (SELECT leap_n, " + member + " AS leap_m, " + arrives(inner) + " AS leap_a FROM" +
		" (SELECT " + list + ", COUNT(*) AS leap_n FROM " + quote(m.SourceName) + forced(index) + " WHERE " + referring("TRUE", key) +
		" GROUP BY " + list + ") AS " + inner + ") AS leap_c", nil
}
