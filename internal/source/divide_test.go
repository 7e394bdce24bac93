package source

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"leap/internal/row"
	"leap/internal/schema"
)

// divided is a table of 20,000 rows with a key of some shape.
type divided struct {
	ddl     string
	columns []schema.ColumnMapping
	values  string // of the row seq
	single  bool   // it cannot be divided
}

func dividedTables() map[string]divided {
	number := keyColumn("a", schema.Int, "bigint")
	text := func(charset, collation string) schema.ColumnMapping {
		return keyColumn("a", schema.Text, "varchar", charset, collation)
	}
	return map[string]divided{
		"dense":      {"a BIGINT", []schema.ColumnMapping{number}, "seq", false},
		"gap":        {"a BIGINT", []schema.ColumnMapping{number}, "seq + IF(seq > 9000, 1000000000000, 0)", false},
		"clustered":  {"a BIGINT", []schema.ColumnMapping{number}, "CAST(seq % 100 AS SIGNED) + CAST(seq DIV 100 AS SIGNED) * 40000000000000 - 4000000000000000", false},
		"growing":    {"a BIGINT", []schema.ColumnMapping{number}, "seq + FLOOR(EXP(seq / 500))", false},
		"whole span": {"a BIGINT", []schema.ColumnMapping{number}, "CASE seq WHEN 1 THEN -9223372036854775808 WHEN 2 THEN 9223372036854775807 ELSE seq END", false},
		"unsigned":   {"a BIGINT UNSIGNED", []schema.ColumnMapping{keyColumn("a", schema.Decimal, "bigint")}, "CAST(18446744073709551615 - seq AS UNSIGNED)", false},
		"decimal":    {"a DECIMAL(30,10)", []schema.ColumnMapping{keyColumn("a", schema.Decimal, "decimal")}, "seq * 0.00000001", false},
		"date":       {"a DATE", []schema.ColumnMapping{keyColumn("a", schema.Date, "date")}, "DATE '1970-01-01' + INTERVAL seq DAY", false},
		"datetime":   {"a DATETIME(6)", []schema.ColumnMapping{keyColumn("a", schema.DateTime, "datetime")}, "TIMESTAMP '2024-01-01 00:00:00' + INTERVAL seq MICROSECOND", false},
		"timestamp":  {"a TIMESTAMP", []schema.ColumnMapping{keyColumn("a", schema.Timestamp, "timestamp")}, "TIMESTAMP '2024-01-01 00:00:00' + INTERVAL seq SECOND", false},
		"time":       {"a TIME(3)", []schema.ColumnMapping{keyColumn("a", schema.Interval, "time")}, "SEC_TO_TIME(CAST(seq AS SIGNED) * 60 - 600000)", false},
		"uuid 4": {
			"a UUID",
			[]schema.ColumnMapping{keyColumn("a", schema.UUID, "uuid")},
			"CONCAT(LEFT(SHA2(seq, 256), 8), '-', SUBSTR(SHA2(seq, 256), 9, 4), '-4', SUBSTR(SHA2(seq, 256), 14, 3), '-8', SUBSTR(SHA2(seq, 256), 18, 3), '-', RIGHT(SHA2(seq, 256), 12))", false,
		},
		"uuid 1": {
			"a UUID",
			[]schema.ColumnMapping{keyColumn("a", schema.UUID, "uuid")},
			"CONCAT(LPAD(HEX(seq * 7919), 8, '0'), '-1234-11ee-8abc-0123456789ab')", false,
		},
		"inet":   {"a INET6", []schema.ColumnMapping{keyColumn("a", schema.INet, "inet6")}, "CONCAT('2001:db8::', HEX(seq))", false},
		"binary": {"a BINARY(16)", []schema.ColumnMapping{keyColumn("a", schema.Bytes, "binary")}, "UNHEX(LEFT(SHA2(seq, 256), 32))", false},
		"counter in bytes": {
			"a VARBINARY(20)",
			[]schema.ColumnMapping{keyColumn("a", schema.Bytes, "varbinary")},
			"CONCAT('account-', UNHEX(LPAD(HEX(seq), 8, '0')))", false,
		},
		"hex text":  {"a VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", []schema.ColumnMapping{text("utf8mb4", "utf8mb4_general_ci")}, "LEFT(SHA2(seq, 256), 32)", false},
		"iban":      {"a VARCHAR(40) CHARACTER SET latin1", []schema.ColumnMapping{text("latin1", "latin1_swedish_ci")}, "CONCAT('GB29NWBK6016', LPAD(seq * 31, 10, '0'))", false},
		"mixed":     {"a VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", []schema.ColumnMapping{text("utf8mb4", "utf8mb4_unicode_ci")}, "CONCAT(IF(seq % 2, 'Ä', 'b'), LEFT(SHA2(seq, 256), 32), IF(seq % 3, 'Z', 'a'))", false},
		"case":      {"a VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", []schema.ColumnMapping{text("utf8mb4", "utf8mb4_general_ci")}, "CONCAT(IF(seq % 2, 'user', 'USER'), LPAD(seq, 6, '0'))", false},
		"bytewise":  {"a VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", []schema.ColumnMapping{text("utf8mb4", "utf8mb4_bin")}, "CONCAT(IF(seq % 2, 'user', 'USER'), LPAD(seq, 6, '0'))", false},
		"composite": {"a INT, b INT", []schema.ColumnMapping{keyColumn("a", schema.Int, "int"), keyColumn("b", schema.Int, "int")}, "seq DIV 37, seq % 37", false},
		"one large tenant": {
			"a INT, b VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
			[]schema.ColumnMapping{keyColumn("a", schema.Int, "int"), keyColumn("b", schema.Text, "varchar", "utf8mb4", "utf8mb4_general_ci")},
			"IF(seq < 1000, seq % 5, 5), LEFT(SHA2(seq, 256), 32)", false,
		},
		"number and label": {
			"a INT, b ENUM('x','y')",
			[]schema.ColumnMapping{keyColumn("a", schema.Int, "int"), labelled("b", schema.Enum, "x", "y")},
			"seq DIV 2, 1 + seq % 2", false,
		},
		"label":      {"b ENUM('x','y'), a INT", []schema.ColumnMapping{labelled("b", schema.Enum, "x", "y"), keyColumn("a", schema.Int, "int")}, "1 + seq % 2, seq", true},
		"zero dates": {"a DATE", []schema.ColumnMapping{keyColumn("a", schema.Date, "date")}, "IF(seq = 1, '0000-00-00', DATE '1970-01-01' + INTERVAL seq DAY)", false},
	}
}

func dividedMapping(d divided) (*schema.Mapping, string) {
	m := &schema.Mapping{SourceName: "k", Name: "k", Columns: d.columns, KeyIndex: "PRIMARY"}
	var names []string
	for i, c := range d.columns {
		m.Key = append(m.Key, i)
		names = append(names, c.Source)
	}
	return m, strings.Join(names, ", ")
}

// TestDivide cuts tables of every shape into eight: no part is empty, none has
// more than a third of the rows, the parts together are the table in its order,
// and finding the cuts reads a few rows only.
func TestDivide(t *testing.T) {
	const rows, parts = 20_000, 8
	for name, d := range dividedTables() {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			needsTypes(t, d.ddl)
			m, key := dividedMapping(d)
			db, _ := open(t, fmt.Sprintf(`SET NAMES utf8mb4; SET sql_mode = ''; SET time_zone = '+00:00';
				CREATE TABLE k (%s, PRIMARY KEY (%s), filler CHAR(60) NOT NULL DEFAULT 'x'); INSERT INTO k (%s) SELECT %s FROM seq_1_to_%d; ANALYZE TABLE k`,
				d.ddl, key, key, d.values, rows))
			onConnection(t, db, func(conn *sql.Conn) error {
				before := rowsRead(t, conn)
				cuts, err := Divide(t.Context(), conn, m, parts)
				if err != nil {
					t.Fatal(err)
				}
				if n := rowsRead(t, conn) - before; n > rows/2 {
					t.Errorf("%d rows were read to find the cuts", n)
				}
				if d.single {
					if len(cuts) > 0 {
						t.Errorf("it is cut at %v", cuts)
					}
					return nil
				}
				sizes := partSizes(t, conn, m, cuts)
				if len(sizes) < parts/2 || slices.Max(sizes) > rows/3 || slices.Min(sizes) == 0 {
					t.Errorf("the parts have %v rows", sizes)
				}
				t.Logf("parts %v", sizes)
				return nil
			})
		})
	}
}

// partSizes reads the parts between cuts and compares them with the whole.
func partSizes(t *testing.T, conn *sql.Conn, m *schema.Mapping, cuts []row.Key) []int {
	t.Helper()
	reader := row.NewKeyReader(m.Columns, m.Columns)
	read := func(r row.Range) (out []row.Key) {
		err := Read(t.Context(), conn, m, r, func(cells row.Row) error {
			out = append(out, reader.Key(cells))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var sizes []int
	var together []row.Key
	var after row.Key
	for _, upTo := range append(slices.Clone(cuts), nil) {
		part := read(row.Range{After: after, UpTo: upTo})
		sizes = append(sizes, len(part))
		together = append(together, part...)
		after = upTo
	}
	if all := read(row.Range{}); !slices.EqualFunc(all, together, slices.Equal) {
		t.Errorf("the parts have %d rows in all, or another order; the table has %d", len(together), len(all))
	}
	return sizes
}

// rowsRead is how many rows the session has read.
func rowsRead(t *testing.T, conn *sql.Conn) int {
	t.Helper()
	sum := 0
	found, err := conn.QueryContext(t.Context(), "SHOW SESSION STATUS LIKE 'Handler_read%'")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }() // Err is asked below
	for found.Next() {
		var name string
		var n int
		if err := found.Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestEvenly: cuts are in order and within the span, from end to end of the numbers.
func TestEvenly(t *testing.T) {
	for _, x := range []struct {
		span  row.Span
		parts int
		want  []row.Key
	}{
		{row.Span{Low: 0, High: 100}, 4, []row.Key{{"25"}, {"50"}, {"75"}}},
		{row.Span{Low: 5, High: 6}, 4, []row.Key{{"5"}}},
		{row.Span{Low: 5, High: 5}, 1, nil},
		{row.Span{Low: math.MinInt64, High: math.MaxInt64}, 2, []row.Key{{"-1"}}},
		{row.Span{Low: -10, High: -1}, 3, []row.Key{{"-7"}, {"-4"}}},
	} {
		if got := evenly(x.span, x.parts); !slices.EqualFunc(got, x.want, slices.Equal) {
			t.Errorf("%v into %d: %v, want %v", x.span, x.parts, got, x.want)
		}
	}
}

// TestDivideSmall: there is nothing to cut in tables of few rows.
func TestDivideSmall(t *testing.T) {
	db, _ := open(t, "CREATE TABLE k (a INT PRIMARY KEY); CREATE TABLE one (a INT PRIMARY KEY); INSERT INTO one VALUES (7)")
	onConnection(t, db, func(conn *sql.Conn) error {
		for _, name := range []string{"k", "one"} {
			m := &schema.Mapping{SourceName: name, Name: name, Columns: []schema.ColumnMapping{keyColumn("a", schema.Int, "int")}, Key: []int{0}, KeyIndex: "PRIMARY"}
			for _, parts := range []int{0, 1, 2, 64} {
				if cuts, err := Divide(t.Context(), conn, m, parts); len(cuts) > 0 || err != nil {
					t.Errorf("%s into %d: %v, %v", name, parts, cuts, err)
				}
			}
		}
		m := &schema.Mapping{SourceName: "none", Name: "none", Columns: []schema.ColumnMapping{keyColumn("a", schema.Int, "int")}, Key: []int{0}, KeyIndex: "PRIMARY"}
		if _, err := Divide(context.WithoutCancel(t.Context()), conn, m, 4); err == nil {
			t.Error("a table that is not there is divided")
		}
		return nil
	})
}
