package e2e

import (
	"fmt"
	"strings"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// family is a table with an INT key and one column per type. Row i holds the
// i-th value of every column, NULL where a column has fewer; the last row is
// all NULL.
type family struct {
	table   string
	columns []typed
}

// typed is a column of a family.
type typed struct {
	name, ddl string
	// want is the type that the design's table gives on the target, as the
	// catalogue spells it.
	want   string
	values []string // SQL expressions of the source
}

// statements makes and fills the table.
func (f family) statements() []string {
	create := []string{"`id` INT PRIMARY KEY"}
	longest := 0
	for _, c := range f.columns {
		create = append(create, mysqlName(c.name)+" "+c.ddl)
		longest = max(longest, len(c.values))
	}
	all := []string{fmt.Sprintf("CREATE TABLE %s (%s)", mysqlName(f.table), strings.Join(create, ", "))}
	for i := range longest + 1 {
		row := []string{fmt.Sprint(i - 2)} // keys below zero too
		for _, c := range f.columns {
			value := "NULL"
			if i < len(c.values) {
				value = c.values[i]
			}
			row = append(row, value)
		}
		all = append(all, fmt.Sprintf("INSERT INTO %s VALUES (%s)", mysqlName(f.table), strings.Join(row, ", ")))
	}
	return all
}

// enumType is how PostgreSQL's catalogue spells the type of an ENUM.
const enumType = "user-defined"

// chunked makes the chunks so small that their borders fall between the rows
// of every table of these tests.
const chunked = "--chunk-rows=5"

func TestEveryTypeArrives(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		families := append(numberFamilies(), textFamilies(t, legacySource(t))...)
		families = append(families, binaryFamilies()...)
		families = append(families, timeFamilies()...)
		families = append(families, structuredFamilies(legacySource(t))...)
		var statements []string
		for _, f := range families {
			statements = append(statements, f.statements()...)
		}
		m := newMove(t, target, statements...)
		o := m.should(t, exitDone, "run", chunked)
		if o.report == nil || o.report.Verdict != "pass" || len(o.report.Ledger) != 0 {
			t.Errorf("want a report that says pass and has an empty ledger: %s", o)
		}
		compareAll(t, m, o)
		for _, f := range families {
			got := map[string]string{}
			for _, c := range m.targetColumns(t, tablePair{target: f.table}) {
				got[c.name] = c.full
			}
			for _, c := range f.columns {
				want := c.want
				if want == enumType && !target.StandIn() {
					want = f.table + "_" + c.name // CockroachDB shows the type's own name
				}
				if !strings.EqualFold(got[c.name], want) {
					t.Errorf("%s.%s %s: became %s, want %s", f.table, c.name, c.ddl, got[c.name], want)
				}
			}
		}
	})
}

// TestEveryKeyArrives moves tables whose keys sort, compare or quote in ways of
// their own, in chunks of few rows.
func TestEveryKeyArrives(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, keyTables(legacySource(t))...)
		o := m.should(t, exitDone, "run", chunked)
		compareAll(t, m, o)
		// Nothing to do is not something to do again.
		again := m.must(t, exitDone, "copy", chunked)
		var moved []string
		for _, table := range again.tables() {
			if table.CopiedRows != nil && *table.CopiedRows != 0 {
				moved = append(moved, fmt.Sprintf("%s: %d", table.Name, *table.CopiedRows))
			}
		}
		if moved != nil {
			t.Errorf("the report of a copy that had nothing to do lists rows as copied by this run: %v", moved)
		}
		m.must(t, exitDone, "verify")
	})
}

// TestTablesWithoutPrimaryKeyArrive moves tables that only a unique key, or
// nothing, tells rows apart by.
func TestTablesWithoutPrimaryKeyArrive(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target,
			"CREATE TABLE k_unique_only (a INT NOT NULL, b INT, v TEXT, UNIQUE KEY (a))",
			"INSERT INTO k_unique_only SELECT seq, NULL, seq FROM seq_1_to_13",
			"CREATE TABLE k_unique_null (a INT, b INT, UNIQUE KEY (a))",
			"INSERT INTO k_unique_null VALUES (NULL, 1), (NULL, 1), (NULL, 2), (1, 1), (2, 1), (3, NULL)",
			"CREATE TABLE k_unique_pair (a INT NOT NULL, b VARCHAR(10) NOT NULL, c INT, UNIQUE KEY (b, a), KEY (c))",
			"INSERT INTO k_unique_pair SELECT seq, CONCAT('x', seq % 3), 1 FROM seq_1_to_13",
			"CREATE TABLE k_rowid (rowid INT, v INT)", "INSERT INTO k_rowid VALUES (1, 1), (1, 1), (2, 2)")
		o := m.should(t, exitDone, "run", chunked)
		compareAll(t, m, o)
		m.should(t, exitDone, "verify")
	})
}

// TestEveryNameArrives moves tables and columns with names that need care.
func TestEveryNameArrives(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, nameTables()...)
		o := m.should(t, exitDone, "run", chunked)
		compareAll(t, m, o)
		for _, table := range o.tables() {
			if len(table.SourceName) <= 63 && table.Name != table.SourceName {
				t.Errorf("table %q became %q", table.SourceName, table.Name)
			}
		}
	})
}

// TestLongValuesArrive moves values of 16 MB between small rows.
func TestLongValuesArrive(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		const size = 16 << 20
		m := newMove(t, target,
			"CREATE TABLE long_values (id INT PRIMARY KEY, b LONGBLOB, s LONGTEXT CHARACTER SET utf8mb4)",
			"INSERT INTO long_values VALUES (1, 'small', 'small'), (3, '', ''), (4, NULL, NULL), (6, X'00', 'x')",
			// Backslashes, tabs, newlines and bytes of no character make the
			// encoded form longer than the value.
			fmt.Sprintf("INSERT INTO long_values VALUES (2, REPEAT(X'00FF5C0A09278022', %d), NULL)", size/8),
			fmt.Sprintf("INSERT INTO long_values VALUES (5, NULL, REPEAT(%s, %d))", mysqlText("a\\\n\té€😀"), size/13))
		o := m.should(t, exitDone, "run")
		compareAll(t, m, o)
	})
}
