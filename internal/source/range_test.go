package source

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// keyCase is a table whose key columns bound ranges.
type keyCase struct {
	ddl     string // of the key columns
	columns []schema.ColumnMapping
	rows    []string // VALUES of the key columns
}

// needsTypes skips a test whose columns the source server does not know.
func needsTypes(t *testing.T, ddl string) {
	t.Helper()
	foreign := []string{"_0900_"}
	if sandboxtest.Source(t).Kind() == sandbox.MySQL {
		foreign = []string{" UUID", " INET6", "_nopad_"}
	}
	for _, word := range foreign {
		if strings.Contains(ddl, word) {
			t.Skipf("%s has no %s", sandboxtest.Source(t), strings.Trim(word, " _"))
		}
	}
}

func keyColumn(name string, kind schema.Kind, base string, more ...string) schema.ColumnMapping {
	c := schema.ColumnMapping{Source: name, Name: name, Kind: kind, From: schema.Type{Base: base}}
	if len(more) == 2 {
		c.From.Charset, c.From.Collation = more[0], more[1]
	}
	return c
}

func labelled(name string, kind schema.Kind, labels ...string) schema.ColumnMapping {
	c := keyColumn(name, kind, string(kind))
	c.Labels = labels
	return c
}

func keyCases() map[string]keyCase {
	var all []string // as many labels as a set can have
	for i := range 64 {
		all = append(all, fmt.Sprintf("l%02d", i+1))
	}
	return map[string]keyCase{
		"bigint": {
			"a BIGINT",
			[]schema.ColumnMapping{keyColumn("a", schema.Int, "bigint")},
			[]string{"-9223372036854775808", "-1", "0", "1", "10", "9", "9223372036854775807"},
		},
		"unsigned": {
			"a BIGINT UNSIGNED",
			[]schema.ColumnMapping{keyColumn("a", schema.Decimal, "bigint")},
			[]string{"0", "9223372036854775807", "9223372036854775808", "18446744073709551615"},
		},
		"composite": {
			"a INT, b INT, c INT",
			[]schema.ColumnMapping{keyColumn("a", schema.Int, "int"), keyColumn("b", schema.Int, "int"), keyColumn("c", schema.Int, "int")},
			[]string{"1, 1, 1", "1, 1, 2", "1, 2, 0", "2, 0, 5", "2, 1, 1", "-1, 9, 9"},
		},
		"folded text": {
			"a VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
			[]schema.ColumnMapping{keyColumn("a", schema.Text, "varchar", "utf8mb4", "utf8mb4_general_ci")},
			[]string{"''", "'a'", "'B'", "'c'", "'Z'", "'é2'", "'a b'", "'a''b'", `'a\\b'`, `'a"'`, "'😀'", "'%'", "'_'", `'\n'`},
		},
		"latin1 text": {
			"a VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci",
			[]schema.ColumnMapping{keyColumn("a", schema.Text, "varchar", "latin1", "latin1_swedish_ci")},
			[]string{"'a'", "'Ä'", "'ö'", "'€'", "'z'"},
		},
		"binary text and number": {
			"a VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, b INT",
			[]schema.ColumnMapping{keyColumn("a", schema.Text, "varchar", "utf8mb4", "utf8mb4_bin"), keyColumn("b", schema.Int, "int")},
			[]string{"'a', 1", "'a', 2", "'A', 1", "'b', -1", "'', 7"},
		},
		"bytes": {
			"a VARBINARY(8)",
			[]schema.ColumnMapping{keyColumn("a", schema.Bytes, "varbinary")},
			[]string{"''", "X'00'", "X'0000'", "X'01'", "X'27'", "X'5C'", "X'FF'", "X'FF00'"},
		},
		"moments": {
			"a DATETIME(6), b DATE",
			[]schema.ColumnMapping{keyColumn("a", schema.DateTime, "datetime"), keyColumn("b", schema.Date, "date")},
			[]string{"'2024-01-01 00:00:00', '2024-01-01'", "'2024-01-01 00:00:00.000001', '2024-01-01'", "'2024-01-01 00:00:00', '2024-01-02'", "'0000-00-00 00:00:00', '2024-01-02'"},
		},
		"timestamp": {
			"a TIMESTAMP(3)",
			[]schema.ColumnMapping{keyColumn("a", schema.Timestamp, "timestamp")},
			[]string{"'1970-01-01 00:00:01'", "'2024-10-27 00:30:00.001'", "'2024-10-27 01:30:00'"},
		},
		"time": {"a TIME(3)", []schema.ColumnMapping{keyColumn("a", schema.Interval, "time")}, []string{"'-838:59:59'", "'-00:00:00.001'", "'00:00:00'", "'100:00:00'", "'20:00:00'"}},
		"year": {"a YEAR", []schema.ColumnMapping{keyColumn("a", schema.Int, "year")}, []string{"0", "1901", "1999", "2000", "2155"}},
		"enum and number": {
			"a ENUM('zoo', 'ape', 'cat') NOT NULL, b INT",
			[]schema.ColumnMapping{labelled("a", schema.Enum, "zoo", "ape", "cat"), keyColumn("b", schema.Int, "int")},
			[]string{"'zoo', 1", "'zoo', 2", "'ape', -1", "'cat', 0", "'', 5", "'cat', 7"},
		},
		"set": {
			"a SET('c', 'b', 'a') NOT NULL",
			[]schema.ColumnMapping{labelled("a", schema.Set, "c", "b", "a")},
			[]string{"''", "'a'", "'b'", "'c'", "'b,c'", "'a,b,c'"},
		},
		"set of 64": {
			"a SET('" + strings.Join(all, "', '") + "') NOT NULL",
			[]schema.ColumnMapping{labelled("a", schema.Set, all...)},
			[]string{"''", "'l01'", "'l63'", "'l64'", "'l01,l64'", "'l63,l64'", "'l62'"},
		},
		"float": {
			"a FLOAT",
			[]schema.ColumnMapping{keyColumn("a", schema.Float32, "float")},
			[]string{"0", "0.1", "0.3", "-0.1", "16777216", "16777218", "3.4e38", "-1e-30", "1e-45"},
		},
		"double": {
			"a DOUBLE, b FLOAT",
			[]schema.ColumnMapping{keyColumn("a", schema.Float64, "double"), keyColumn("b", schema.Float32, "float")},
			[]string{"0.1, 0.7", "0.1, 0.8", "0.30000000000000004, 1", "0.3, 1", "1e308, 0", "-5e-324, 2"},
		},
		"inet6": {"a INET6", []schema.ColumnMapping{keyColumn("a", schema.INet, "inet6")}, []string{
			"'::1'", "'::'", "'::ffff:10.0.0.1'", "'::ffff:9.0.0.1'", "'fe80::1'", "'2001:db8::9'", "'2001:db8::10'",
		}},
		"decimal": {"a DECIMAL(30,10)", []schema.ColumnMapping{keyColumn("a", schema.Decimal, "decimal")}, []string{
			"0", "0.0000000001", "-0.0000000001", "99999999999999999999.9999999999", "10", "9",
		}},
		"uuid": {"a UUID", []schema.ColumnMapping{keyColumn("a", schema.UUID, "uuid")}, []string{
			"'123e4567-e89b-12d3-a456-426614174000'", "'00000000-0000-0000-0000-000000000001'", "'ffffffff-e89b-12d3-0456-426614174000'", "'123e4567-e89b-42d3-a456-026614174000'",
		}},
	}
}

// TestRangesPartition: cut at any row, the two ranges hold every row once, in
// the order of the whole: what a resumed copy relies on.
func TestRangesPartition(t *testing.T) {
	for name, k := range keyCases() {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			needsTypes(t, k.ddl)
			var names []string
			for _, c := range k.columns {
				names = append(names, c.Source)
			}
			db, server := open(t, "")
			database := db.Info().Database
			execute(t, server, database, fmt.Sprintf("CREATE TABLE k (%s, PRIMARY KEY (%s))", k.ddl, strings.Join(names, ", ")))
			execute(t, server, database, "SET NAMES utf8mb4; SET time_zone = '+00:00'; SET sql_mode = ''; INSERT INTO k VALUES ("+strings.Join(k.rows, "), (")+")")
			m := &schema.Mapping{SourceName: "k", Name: "k", Columns: k.columns, KeyIndex: "PRIMARY"}
			for i := range k.columns {
				m.Key = append(m.Key, i)
			}
			order := OrderKey(m)
			if len(order) != len(k.columns) {
				t.Fatalf("only %d of the key's columns order it", len(order))
			}
			keys := row.NewKeyReader(m.Columns, order)
			onConnection(t, db, func(conn *sql.Conn) error {
				collect := func(read reading) func(row.Range) ([]row.Key, error) {
					return func(r row.Range) ([]row.Key, error) {
						var out []row.Key
						err := read(t.Context(), conn, m, r, func(cells row.Row) error {
							out = append(out, keys.Key(cells))
							return nil
						})
						return out, err
					}
				}
				checkPartition(t, len(k.rows), collect(Read))
				checkPartition(t, len(k.rows), collect(Scan))
				return nil
			})
		})
	}
}

type reading func(ctx context.Context, conn *sql.Conn, m *schema.Mapping, r row.Range, fn func(row.Row) error) error

func checkPartition(t *testing.T, rows int, read func(row.Range) ([]row.Key, error)) {
	t.Helper()
	all, err := read(row.Range{})
	if err != nil || len(all) != rows {
		t.Fatalf("%d rows of %d, %v", len(all), rows, err)
	}
	for i, bound := range all {
		before, err := read(row.Range{UpTo: bound})
		if err != nil {
			t.Fatal(err)
		}
		after, err := read(row.Range{After: bound})
		if err != nil {
			t.Fatal(err)
		}
		if len(before) != i+1 || !slices.EqualFunc(all, slices.Concat(before, after), slices.Equal) {
			t.Errorf("cut after %q: %q and %q", bound, before, after)
		}
		inner, err := read(row.Range{After: all[0], UpTo: bound})
		if err != nil || len(inner) != i {
			t.Errorf("(%q, %q]: %q, %v", all[0], bound, inner, err)
		}
	}
}

// TestOrderKey: what cannot bound a range ends the order, and a collation's
// equal values are only told apart by the whole key.
func TestOrderKey(t *testing.T) {
	text := keyColumn("t", schema.Text, "varchar", "utf8mb4", "utf8mb4_general_ci")
	number, bits, enum := keyColumn("n", schema.Int, "int"), keyColumn("b", schema.Bits, "bit"), keyColumn("e", schema.Enum, "enum")
	for _, test := range []struct {
		key  []schema.ColumnMapping
		want int
	}{
		{nil, 0},
		{[]schema.ColumnMapping{number}, 1},
		{[]schema.ColumnMapping{number, enum}, 2},
		{[]schema.ColumnMapping{number, bits}, 1},
		{[]schema.ColumnMapping{bits, number}, 0},
		{[]schema.ColumnMapping{text, number}, 2},
		{[]schema.ColumnMapping{text, bits}, 0},
		{[]schema.ColumnMapping{number, text, bits}, 1},
		{[]schema.ColumnMapping{keyColumn("c", schema.Text, "char", "utf8mb4", "utf8mb4_unicode_ci")}, 1},
		{[]schema.ColumnMapping{keyColumn("c", schema.Text, "char", "utf8mb4", "utf8mb4_unicode_nopad_ci")}, 0},
		{[]schema.ColumnMapping{keyColumn("c", schema.Text, "varchar", "utf8mb4", "utf8mb4_unicode_nopad_ci")}, 1},
		{[]schema.ColumnMapping{keyColumn("c", schema.Text, "char", "tis620", "tis620_thai_ci")}, 0},
		{[]schema.ColumnMapping{keyColumn("y", schema.Int, "year")}, 1},
		{[]schema.ColumnMapping{keyColumn("b", schema.Bytes, "blob")}, 0},
		{[]schema.ColumnMapping{keyColumn("f", schema.Float64, "double")}, 1},
		{[]schema.ColumnMapping{keyColumn("j", schema.JSON, "json")}, 0},
		{[]schema.ColumnMapping{number, {Source: "g", Kind: schema.Int, Computed: true}}, 1},
	} {
		m := &schema.Mapping{Columns: test.key}
		for i := range test.key {
			m.Key = append(m.Key, i)
		}
		if got := OrderKey(m); len(got) != test.want {
			t.Errorf("%v: %d columns, want %d", test.key, len(got), test.want)
		}
	}
}

// TestOrderKeyOfAnIndex: an index that does not list the whole values in their
// order would have the server sort the table, by their beginnings.
func TestOrderKeyOfAnIndex(t *testing.T) {
	text := keyColumn("t", schema.Text, "varchar", "utf8mb4", "utf8mb4_general_ci")
	number := keyColumn("n", schema.Int, "int")
	for name, test := range map[string]struct {
		index schema.Index
		want  int
	}{
		"whole values":     {schema.Index{Type: "BTREE", Parts: []schema.KeyPart{{Column: "n"}, {Column: "t"}}}, 2},
		"their beginnings": {schema.Index{Type: "BTREE", Parts: []schema.KeyPart{{Column: "n"}, {Column: "t", Prefix: 5}}}, 1},
		"hashes of them":   {schema.Index{Type: "HASH", Parts: []schema.KeyPart{{Column: "n"}, {Column: "t"}}}, 0},
	} {
		test.index.Name = "i"
		m := &schema.Mapping{
			Source:  &schema.Table{Indexes: []schema.Index{test.index}},
			Columns: []schema.ColumnMapping{number, text}, Key: []int{0, 1}, KeyIndex: "i",
		}
		if got := OrderKey(m); len(got) != test.want {
			t.Errorf("%s: %d columns, want %d", name, len(got), test.want)
		}
	}
}

// TestBadBounds: a bound that is not its column's cannot become SQL.
func TestBadBounds(t *testing.T) {
	for _, test := range []struct {
		column schema.ColumnMapping
		value  string
	}{
		{keyColumn("a", schema.Int, "int"), "1 OR 1=1"},
		{keyColumn("a", schema.Int, "int"), ""},
		{keyColumn("a", schema.Bytes, "varbinary"), "0g"},
		{keyColumn("a", schema.Date, "date"), "2024'--"},
		{keyColumn("a", schema.Set, "set"), "x"},
		{keyColumn("a", schema.Float64, "double"), "1 OR 1"},
		{keyColumn("a", schema.Float64, "double"), ""},
		{keyColumn("a", schema.INet, "inet6"), "::1'--"},
		{keyColumn("a", schema.Bits, "bit"), "1"},
	} {
		for _, r := range []row.Range{{After: row.Key{test.value}}, {UpTo: row.Key{test.value}}, {After: row.Key{"1", "2"}}} {
			if got, err := predicate([]schema.ColumnMapping{test.column}, r); err == nil {
				t.Errorf("%s %q became %s", test.column.Kind, test.value, got)
			}
		}
	}
}
