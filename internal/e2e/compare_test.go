package e2e

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// column is what the catalogue of either side says about a column.
type column struct {
	name, typ, full string
	bits            int // of BIT(n)
}

// cells reads rows as text by a query and turns every cell into its plain form.
type cells struct {
	exprs []string
	plain []func(sql.NullString) (string, error)
}

// compareTable compares a table cell by cell, each side read with its own
// queries, and reports the rows that only one side has. It returns the number
// of rows on the source.
func compareTable(t *testing.T, m move, sourceTable, targetTable string) int {
	t.Helper()
	return compareRows(t, m, tablePair{source: sourceTable, target: targetTable})
}

// tablePair names a table on both sides.
type tablePair struct {
	source, target string
	// renamed are columns whose name the target does not allow.
	renamed []string
}

func compareRows(t *testing.T, m move, pair tablePair) int {
	t.Helper()
	sourceColumns, targetColumns := m.sourceColumns(t, pair), m.targetColumns(t, pair)
	if len(sourceColumns) == 0 || len(sourceColumns) != len(targetColumns) {
		t.Errorf("table %s: %d columns on the source %v, %d on the target %v", pair.source,
			len(sourceColumns), sourceColumns, len(targetColumns), targetColumns)
		return 0
	}
	var left, right cells
	for i, from := range sourceColumns {
		to := targetColumns[i]
		if len(from.name) <= 63 && from.name != to.name && !slices.Contains(pair.renamed, from.name) {
			t.Errorf("table %s: column %d is called %q on the source and %q on the target", pair.source, i+1, from.name, to.name)
		}
		sourceCell(&left, from, to)
		targetCell(&right, from, to)
	}
	conn, done := sourceSession(t, m)
	defer done()
	rows, err := conn.QueryContext(t.Context(), "SELECT "+strings.Join(left.exprs, ", ")+" FROM "+mysqlName(pair.source))
	sourceRows := readRows(t, rows, err, left)
	reader, closeReader := m.targetReader(t)
	defer closeReader()
	rows, err = reader.QueryContext(t.Context(), "SELECT "+strings.Join(right.exprs, ", ")+" FROM public."+sqlName(pair.target))
	targetRows := readRows(t, rows, err, right)
	reportDifferences(t, pair.source, sourceRows, targetRows)
	return len(sourceRows)
}

// reportDifferences compares two multisets of rows.
func reportDifferences(t *testing.T, table string, source, target []string) {
	t.Helper()
	slices.Sort(source)
	slices.Sort(target)
	const most = 4
	missing, extra := subtract(source, target), subtract(target, source)
	if len(missing)+len(extra) == 0 {
		return
	}
	t.Errorf("table %s: %d rows on the source, %d on the target; %d only on the source, %d only on the target:\n- %s\n+ %s",
		table, len(source), len(target), len(missing), len(extra),
		strings.Join(missing[:min(most, len(missing))], "\n- "), strings.Join(extra[:min(most, len(extra))], "\n+ "))
}

// subtract gives the members of sorted a that sorted b lacks, with their number.
func subtract(a, b []string) []string {
	var rest []string
	for len(a) > 0 {
		switch {
		case len(b) == 0 || a[0] < b[0]:
			rest = append(rest, a[0])
			a = a[1:]
		case a[0] == b[0]:
			a, b = a[1:], b[1:]
		default:
			b = b[1:]
		}
	}
	return rest
}

// readRows reads a result into one line per row. A cell is quoted, so that
// neighbours cannot flow into one another and NULL is unlike 'NULL'.
func readRows(t *testing.T, rows *sql.Rows, err error, c cells) []string {
	t.Helper()
	if err != nil {
		t.Errorf("read a table: %v", err)
		return nil
	}
	defer func() { _ = rows.Close() }() // Err is asked below
	var lines []string
	values := make([]sql.NullString, len(c.exprs))
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		parts := make([]string, len(values))
		for i, value := range values {
			parts[i] = "NULL"
			if value.Valid {
				text, err := c.plain[i](value)
				if err != nil {
					t.Errorf("cell %s: %v", c.exprs[i], err)
				}
				parts[i] = strconv.Quote(text)
			}
		}
		lines = append(lines, strings.Join(parts, " "))
	}
	if err := rows.Err(); err != nil {
		t.Errorf("read a table: %v", err)
	}
	return lines
}

func (m move) sourceColumns(t *testing.T, pair tablePair) []column {
	t.Helper()
	db := handle(t, m.source, m.from)
	return readColumns(t, db,
		"SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COALESCE(NUMERIC_PRECISION, 0) FROM information_schema.COLUMNS "+
			"WHERE TABLE_SCHEMA = DATABASE() AND BINARY TABLE_NAME = "+mysqlText(pair.source)+" ORDER BY ORDINAL_POSITION")
}

func (m move) targetColumns(t *testing.T, pair tablePair) []column {
	t.Helper()
	db := handle(t, m.target, m.to)
	visible := ""
	if !m.target.StandIn() {
		visible = " AND is_hidden = 'NO'" // CockroachDB lists the key that it makes itself
	}
	return readColumns(t, db,
		"SELECT column_name, data_type, COALESCE(data_type || CASE WHEN data_type = 'numeric' THEN "+
			"'(' || numeric_precision::TEXT || ',' || numeric_scale::TEXT || ')' "+
			"WHEN data_type IN ('character varying', 'bit') THEN '(' || character_maximum_length::TEXT || ')' END, data_type), 0 "+
			"FROM information_schema.columns WHERE table_schema = 'public' AND table_name = "+targetText(pair.target)+
			visible+" ORDER BY ordinal_position")
}

func readColumns(t *testing.T, db *sql.DB, query string) []column {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	defer func() { _ = rows.Close() }() // Err is asked below
	var columns []column
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.name, &c.typ, &c.full, &c.bits); err != nil {
			t.Fatal(err)
		}
		c.typ = strings.ToLower(c.typ)
		columns = append(columns, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}

// targetText is a string literal that both targets read alike.
func targetText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// compareAll compares every base table of the source with the table that the
// report says it became, and the row counts that the report claims.
func compareAll(t *testing.T, m move, o outcome) {
	t.Helper()
	names := map[string]tableReport{}
	for _, table := range o.tables() {
		names[table.SourceName] = table
	}
	rows, err := handle(t, m.source, m.from).QueryContext(t.Context(),
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // Err is asked below
	var tables []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range tables {
		told, ok := names[name]
		if !ok {
			t.Errorf("the report does not list table %q", name)
			continue
		}
		n := compareTable(t, m, name, told.Name)
		if got := fmt.Sprint(number(told.SourceRows), " ", number(told.TargetRows)); got != fmt.Sprint(n, " ", n) {
			t.Errorf("table %q: the report tells of %s rows, there are %d", name, got, n)
		}
	}
	if len(names) != len(tables) {
		t.Errorf("the report lists %d tables, the source has %d", len(names), len(tables))
	}
}

// number shows a count that may be unknown.
func number(n *int64) string {
	if n == nil {
		return "unknown"
	}
	return strconv.FormatInt(*n, 10)
}
