package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// mutatedTables are the tables that the mutations spoil. The rows around the
// spoiled ones make several chunks of each table.
func mutatedTables(source *sandbox.Server) []string {
	tables := slices.Clone(mutated)
	tables[1] = strings.Replace(tables[1], `"n": `+bigNumber, `"n": `+wholeNumber(source), 1)
	return tables
}

// bigNumber is a number in a document, beyond what a float tells apart from its neighbours.
const bigNumber = "123456789012345678901234567890"

// wholeNumber is bigNumber, or what is as near as MySQL's documents get to it.
func wholeNumber(source *sandbox.Server) string {
	if source.Kind() == sandbox.MariaDB {
		return bigNumber
	}
	return "1234567890123457890"
}

var mutated = []string{
	`CREATE TABLE cells (
		id INT PRIMARY KEY, ti TINYINT, ub BIGINT UNSIGNED, bi BIGINT, de DECIMAL(65,30), fl FLOAT, db DOUBLE, bt BIT(10), vc VARCHAR(40) CHARACTER SET utf8mb4, ch CHAR(10),
		tx TEXT CHARACTER SET utf8mb4, vb VARBINARY(10), bl BLOB, da DATE, dt DATETIME(6), ts TIMESTAMP(6) NULL, tm TIME(6), wt TIME, ye YEAR, en ENUM('aa','AA','b,c'), st SET('x','y','z'),
		js JSON, uu UUID, i6 INET6, em VARCHAR(5), bo TINYINT(1))`,
	`INSERT INTO cells SELECT seq * 10, -1, 18446744073709551615, -9223372036854775808, 12345678901234567890123456789012345.123456789012345678901234567891, 16777216, 0.1, b'1000000001',
		_utf8mb4 X'4CC3A97A2058', 'char', 'text\n', X'00FF00', X'000102FF', '2020-02-29', '2020-02-29 23:59:59.999999', '2020-02-29 23:59:59.999999', '23:59:59.999999', '-838:59:59', 2020,
		'aa', 'x,z', '{"a": [1, 2, {"b": "c"}], "n": 123456789012345678901234567890, "t": true}', '123e4567-e89b-12d3-a456-426614174000', '2001:db8::1', '', 1 FROM seq_1_to_40`,
	"CREATE TABLE composite (a INT, b VARCHAR(10) COLLATE utf8mb4_bin, v INT, PRIMARY KEY (a, b))",
	"INSERT INTO composite SELECT seq DIV 4, CONCAT('b', seq % 4), seq * 100 FROM seq_4_to_43",
	"CREATE TABLE folded (k VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, v VARCHAR(20))",
	"INSERT INTO folded SELECT CONCAT('Key', seq), CONCAT('Value ', seq) FROM seq_1_to_30",
	"CREATE TABLE bytekey (k VARBINARY(8) PRIMARY KEY, v BLOB)",
	"INSERT INTO bytekey SELECT UNHEX(LPAD(HEX(seq * 8), 4, '0')), UNHEX(LPAD(HEX(seq), 4, '0')) FROM seq_1_to_30",
	"CREATE TABLE keyless (a INT, b VARCHAR(20))",
	"INSERT INTO keyless SELECT seq % 10, CONCAT('r', seq % 10) FROM seq_1_to_30",
	"CREATE TABLE untouched (id INT PRIMARY KEY)", "INSERT INTO untouched SELECT seq FROM seq_1_to_20",
}

// mutation spoils the target; undo repairs it.
type mutation struct {
	name     string
	do, undo []string
	table    string
	// kinds are the findings that the report must list, sorted.
	kinds []string
	// key is part of every finding's key, column the columns' name.
	key, column string
}

// cellChange changes one cell of table cells, whose rows are all alike.
type cellChange struct{ column, changed, original string }

func cell(column, changed, original string) cellChange { return cellChange{column, changed, original} }

// set gives the cell of one row a value.
func (c cellChange) set(id int, value string) string {
	return fmt.Sprintf("UPDATE cells SET %s = %s WHERE id = %d", c.column, value, id)
}

func cellChanges(source *sandbox.Server) []cellChange {
	document := `'{"a": [1, 2, {"b": "c"}], "n": ` + wholeNumber(source) + `, "t": true}'`
	return []cellChange{
		cell("ti", "-2", "-1"), cell("ti", "NULL", "-1"),
		cell("ub", "18446744073709551614", "18446744073709551615"), cell("bi", "-9223372036854775807", "-9223372036854775808"),
		cell("de", "12345678901234567890123456789012345.123456789012345678901234567892", "12345678901234567890123456789012345.123456789012345678901234567891"),
		cell("fl", "16777218", "16777216"), cell("db", "0.10000000000000002", "0.1"),
		cell("bt", "B'1000000000'", "B'1000000001'"),
		cell("vc", "'léz X'", "'Léz X'"), cell("vc", "'Léz X '", "'Léz X'"), cell("vc", "'Lez X'", "'Léz X'"), cell("vc", "'Le\u0301z X'", "'Léz X'"),
		cell("vc", "'Léz\u00a0X'", "'Léz X'"), cell("ch", "'char '", "'char'"), cell("ch", "'Char'", "'char'"),
		cell("tx", "'text'", "E'text\\n'"), cell("tx", "E'text\\r\\n'", "E'text\\n'"),
		cell("vb", "decode('00ff', 'hex')", "decode('00ff00', 'hex')"), cell("bl", "decode('000102fe', 'hex')", "decode('000102ff', 'hex')"),
		cell("da", "'2020-02-28'", "'2020-02-29'"),
		cell("dt", "'2020-02-29 23:59:59.999998'", "'2020-02-29 23:59:59.999999'"), cell("ts", "'2020-02-29 23:59:59.999998+00'", "'2020-02-29 23:59:59.999999+00'"),
		cell("tm", "'23:59:59.999998'", "'23:59:59.999999'"), cell("wt", "'-838:59:58'", "'-838:59:59'"), cell("wt", "'838:59:59'", "'-838:59:59'"),
		cell("ye", "2021", "2020"), cell("en", "'AA'", "'aa'"), cell("st", "ARRAY['x']", "ARRAY['x','z']"), cell("st", "ARRAY[]::TEXT[]", "ARRAY['x','z']"),
		cell("js", strings.Replace(document, "[1, 2,", "[2, 1,", 1), document), cell("js", strings.Replace(document, "890,", "891,", 1), document),
		cell("js", strings.Replace(document, "true", `"true"`, 1), document), cell("js", strings.Replace(document, `"c"`, `"C"`, 1), document),
		cell("js", strings.Replace(document, `, "t": true`, "", 1), document), cell("js", "'null'", document), cell("js", "NULL", document),
		cell("uu", "'123e4567-e89b-12d3-a456-426614174001'", "'123e4567-e89b-12d3-a456-426614174000'"),
		cell("i6", "'2001:db8::2'", "'2001:db8::1'"), cell("em", "NULL", "''"), cell("em", "' '", "''"), cell("bo", "0", "1"),
	}
}

func rowMutations() []mutation {
	one := func(name, table, do, undo, kind, key string) mutation {
		return mutation{name: name, table: table, do: []string{do}, undo: []string{undo}, kinds: []string{kind}, key: key}
	}
	insertCells := func(id string) (do, undo string) {
		return "INSERT INTO cells (id) VALUES (" + id + ")", "DELETE FROM cells WHERE id = " + id
	}
	var all []mutation
	for name, id := range map[string]string{"below all keys": "-5", "above all keys": "4000", "between two keys": "205"} {
		do, undo := insertCells(id)
		all = append(all, one("insert "+name, "cells", do, undo, "extra", id))
	}
	swapped := mutation{
		name: "swap two values", table: "composite", kinds: []string{"changed", "changed"}, key: "5", column: "v",
		do: []string{"UPDATE composite SET v = CASE b WHEN 'b1' THEN 2200 ELSE 2100 END WHERE a = 5 AND b IN ('b1', 'b2')"},
	}
	swapped.undo = []string{strings.NewReplacer("2200", "2100", "2100", "2200").Replace(swapped.do[0])}
	slices.SortFunc(all, func(a, b mutation) int { return strings.Compare(a.name, b.name) })
	return append(all, swapped,
		one("delete the first", "composite", "DELETE FROM composite WHERE a = 1 AND b = 'b0'", "INSERT INTO composite VALUES (1, 'b0', 400)", "missing", "b0"),
		one("delete the last", "composite", "DELETE FROM composite WHERE a = 10 AND b = 'b3'", "INSERT INTO composite VALUES (10, 'b3', 4300)", "missing", "b3"),
		one("delete in between", "composite", "DELETE FROM composite WHERE a = 6 AND b = 'b2'", "INSERT INTO composite VALUES (6, 'b2', 2600)", "missing", "b2"),
		one("insert beside", "composite", "INSERT INTO composite VALUES (6, 'B2', 2600)", "DELETE FROM composite WHERE b = 'B2'", "extra", "B2"),
		mutation{
			name: "value of a folded key", table: "folded", kinds: []string{"changed"}, key: "Key7", column: "v",
			do: []string{"UPDATE folded SET v = 'value 7' WHERE k = 'Key7'"}, undo: []string{"UPDATE folded SET v = 'Value 7' WHERE k = 'Key7'"},
		},
		mutation{
			name: "case of a folded key", table: "folded",
			do: []string{"UPDATE folded SET k = 'key9' WHERE k = 'Key9'"}, undo: []string{"UPDATE folded SET k = 'Key9' WHERE k = 'key9'"},
		},
		one("delete a folded key", "folded", "DELETE FROM folded WHERE k = 'Key30'", "INSERT INTO folded VALUES ('Key30', 'Value 30')", "missing", "Key30"),
		one("insert a folded key", "folded", "INSERT INTO folded VALUES ('KEY30', 'Value 30')", "DELETE FROM folded WHERE k = 'KEY30'", "extra", "KEY30"),
		mutation{
			name: "one bit behind a byte key", table: "bytekey", kinds: []string{"changed"}, key: "50", column: "v",
			do:   []string{"UPDATE bytekey SET v = decode('000b', 'hex') WHERE k = decode('0050', 'hex')"},
			undo: []string{"UPDATE bytekey SET v = decode('000a', 'hex') WHERE k = decode('0050', 'hex')"},
		},
		one("longer byte key", "bytekey", "INSERT INTO bytekey VALUES (decode('005000', 'hex'), NULL)", "DELETE FROM bytekey WHERE k = decode('005000', 'hex')", "extra", "5000"),
		one("delete a byte key", "bytekey", "DELETE FROM bytekey WHERE k = decode('00f0', 'hex')", "INSERT INTO bytekey VALUES (decode('00f0', 'hex'), decode('001e', 'hex'))", "missing", ""),
		mutation{
			name: "duplicate without a key", table: "keyless", kinds: []string{"extra"},
			do: []string{"INSERT INTO keyless VALUES (3, 'r3')"}, undo: []string{"DELETE FROM keyless WHERE a = 3", "INSERT INTO keyless VALUES (3, 'r3'), (3, 'r3'), (3, 'r3')"},
		},
		// As many rows, as many values: only how often each row is there differs.
		mutation{
			name: "other duplicates", table: "keyless",
			do:   []string{"DELETE FROM keyless WHERE a IN (4, 5)", "INSERT INTO keyless VALUES (4, 'r4'), (4, 'r4'), (4, 'r4'), (4, 'r4'), (5, 'r5'), (5, 'r5')"},
			undo: []string{"DELETE FROM keyless WHERE a IN (4, 5)", "INSERT INTO keyless VALUES (4, 'r4'), (4, 'r4'), (4, 'r4'), (5, 'r5'), (5, 'r5'), (5, 'r5')"},
		},
		mutation{
			name: "swap between twins", table: "keyless",
			do:   []string{"UPDATE keyless SET b = CASE a WHEN 6 THEN 'r7' ELSE 'r6' END WHERE a IN (6, 7)"},
			undo: []string{"UPDATE keyless SET b = CASE a WHEN 6 THEN 'r6' ELSE 'r7' END WHERE a IN (6, 7)"},
		},
	)
}

// TestVerifyFindsMutations spoils a copied database in every small way and
// wants each one found, named, and forgotten when it is undone: the findings
// of a call are those of its mutation alone.
func TestVerifyFindsMutations(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, mutatedTables(legacySource(t))...).with(unsettled)
		compareAll(t, m, m.must(t, exitDone, "run", chunked))
		checkMutations(t, m)
	})
}

// checkMutations spoils the target in every way, one after the other.
func checkMutations(t *testing.T, m move) {
	t.Helper()
	for group := range slices.Chunk(cellChanges(m.source), cellsAtOnce) {
		t.Run("cell-"+group[0].column, func(t *testing.T) { checkCells(t, m, group) })
	}
	for _, mutation := range rowMutations() {
		t.Run(strings.ReplaceAll(mutation.name, " ", "-"), func(t *testing.T) {
			m.atTarget(t, mutation.do...)
			defer m.atTarget(t, mutation.undo...)
			mutation.check(t, m.call(t, "verify", ranged))
		})
	}
	m.must(t, exitDone, "verify")
	m.must(t, exitDone, "verify", ranged)
}

// unsettled takes the first look for the last: other tests write to the source
// while this one compares.
const unsettled = "--settle=0"

// ranged makes verify split every table into several ranges.
const ranged = "--range-rows=7"

// cellsAtOnce is how many cells one call of verify has to find: each in a row
// of its own, so that every one needs its own finding. It saves calls.
const cellsAtOnce = 6

// checkCells changes one cell each in several rows.
func checkCells(t *testing.T, m move, group []cellChange) {
	t.Helper()
	var want, undo []string
	defer func() { m.atTarget(t, undo...) }()
	for i, c := range group {
		id := 30 + 70*i
		m.atTarget(t, c.set(id, c.changed))
		undo = append(undo, c.set(id, c.original))
		want = append(want, fmt.Sprintf("changed id=%d [{%s}]", id, c.column))
	}
	o := m.should(t, exitRefused, "verify", ranged)
	var got []string
	for _, table := range o.tables() {
		for _, f := range table.Findings {
			got = append(got, fmt.Sprint(f.Kind, " ", keyText(f.Key), " ", f.Columns))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("changes %+v: findings\n%q, want\n%q\n%s", group, got, want, o)
	}
	for _, c := range group {
		if !strings.Contains(o.stdout, c.column) {
			t.Errorf("the text does not name %s: %s", c.column, o)
		}
	}
}

// check judges what verify said about the mutation.
func (mu mutation) check(t *testing.T, o outcome) {
	t.Helper()
	if o.code != exitRefused {
		t.Fatalf("want exit code %d, got %s", exitRefused, o)
	}
	if !strings.Contains(o.stdout+o.stderr, mu.table) || !strings.Contains(o.stdout+o.stderr, mu.key) {
		t.Errorf("the text does not name %s and %s: %s", mu.table, mu.key, o)
	}
	var kinds []string
	for _, table := range o.tables() {
		if table.Name != mu.table {
			if len(table.Findings) != 0 || table.Verdict != "pass" {
				t.Errorf("table %s is called %s: %v", table.Name, table.Verdict, table.Findings)
			}
			continue
		}
		if table.Verdict != "fail" {
			t.Errorf("table %s is called %s", table.Name, table.Verdict)
		}
		for _, f := range table.Findings {
			kinds = append(kinds, f.Kind)
			mu.checkFinding(t, f)
		}
	}
	slices.Sort(kinds)
	if mu.kinds != nil && !slices.Equal(kinds, mu.kinds) || len(kinds) == 0 {
		t.Errorf("findings %v, want %v: %s", kinds, mu.kinds, o)
	}
}

func (mu mutation) checkFinding(t *testing.T, f finding) {
	t.Helper()
	if key := keyText(f.Key); !strings.Contains(key, mu.key) {
		t.Errorf("finding for the key %s, want %s", key, mu.key)
	}
	if mu.column != "" && (len(f.Columns) != 1 || f.Columns[0].Name != mu.column) {
		t.Errorf("finding for the columns %v, want %s", f.Columns, mu.column)
	}
}

// keyText shows the key of a finding, which is text or column by column.
func keyText(key any) string {
	columns, ok := key.(map[string]any)
	if !ok {
		return fmt.Sprint(key)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		parts = append(parts, fmt.Sprint(name, "=", columns[name]))
	}
	return strings.Join(parts, " ")
}

// TestVerifyFindsSpoiledTables spoils whole tables.
func TestVerifyFindsSpoiledTables(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, mutatedTables(legacySource(t))...).with(unsettled)
		m.must(t, exitDone, "run", chunked)
		var rows []string
		for i := range 20 {
			rows = append(rows, fmt.Sprintf("(%d)", i+1))
		}
		alter := []string{"ALTER TABLE composite ALTER COLUMN v TYPE TEXT USING v::TEXT"}
		unalter := []string{"ALTER TABLE composite ALTER COLUMN v TYPE INT4 USING v::INT4"}
		if !target.StandIn() {
			const allow = "SET enable_experimental_alter_column_type_general = true; "
			alter, unalter = []string{allow + "ALTER TABLE composite ALTER COLUMN v TYPE STRING"}, nil
		}
		for _, spoil := range []mutation{
			{name: "empty a table", table: "untouched", do: []string{"DELETE FROM untouched"}, undo: []string{"INSERT INTO untouched VALUES " + strings.Join(rows, ", ")}},
			{name: "drop a table", table: "keyless", do: []string{"ALTER TABLE keyless RENAME TO elsewhere"}, undo: []string{"ALTER TABLE elsewhere RENAME TO keyless"}},
			{name: "drop a column", table: "folded", column: "v", do: []string{"ALTER TABLE folded RENAME COLUMN v TO w"}, undo: []string{"ALTER TABLE folded RENAME COLUMN w TO v"}},
			{name: "alter a type", table: "composite", column: "v", do: alter, undo: unalter},
		} {
			t.Run(strings.ReplaceAll(spoil.name, " ", "-"), func(t *testing.T) {
				m.atTarget(t, spoil.do...)
				o := m.should(t, exitRefused, "verify")
				if said := o.stdout + o.stderr; !strings.Contains(said, spoil.table) || !strings.Contains(said, spoil.column) {
					t.Errorf("the text does not name %s %s: %s", spoil.table, spoil.column, o)
				}
				if o.report == nil || o.report.Verdict != "fail" {
					t.Errorf("want a report that says fail: %s", o)
				}
				if spoil.undo != nil {
					m.atTarget(t, spoil.undo...)
					m.should(t, exitDone, "verify")
				}
			})
		}
	})
}
