package source

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"leap/internal/row"
	"leap/internal/schema"
)

// randomKey is a key whose values a test makes up.
type randomKey struct {
	ddl     string
	columns []schema.ColumnMapping
	values  *rapid.Generator[string] // VALUES of the key columns
}

func randomKeys() map[string]randomKey {
	// Few letters, so that values often compare as equal or nearly so.
	letters := rapid.SampledFrom([]rune("aAäÄbBßsS zZ%_'\\\n\t0é😀ﬀ"))
	text := rapid.Map(rapid.StringOfN(letters, 0, 6, -1), func(s string) string { return fmt.Sprintf("_utf8mb4 X'%X'", s) })
	number := rapid.Map(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3)), func(n int64) string { return strconv.FormatInt(n, 10) })
	unsigned := rapid.Map(rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(1<<63-2, 1<<63+2)), func(n uint64) string { return strconv.FormatUint(n, 10) })
	float := rapid.Map(rapid.OneOf(rapid.Float64(), rapid.Map(rapid.IntRange(-20, 20), func(n int) float64 { return float64(n) / 10 })),
		func(f float64) string { return strconv.FormatFloat(f, 'e', -1, 64) })
	binary := rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 5), func(b []byte) string { return fmt.Sprintf("X'%X'", b) })
	moment := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("'%04d-%02d-%02d %02d:00:00.%06d'", rapid.IntRange(1000, 1003).Draw(t, "y"), rapid.IntRange(1, 12).Draw(t, "m"),
			rapid.IntRange(1, 28).Draw(t, "d"), rapid.IntRange(0, 23).Draw(t, "h"), rapid.IntRange(0, 999999).Draw(t, "us"))
	})
	out := map[string]randomKey{
		"bigint":    {"a BIGINT", []schema.ColumnMapping{keyColumn("a", schema.Int, "bigint")}, number},
		"unsigned":  {"a BIGINT UNSIGNED", []schema.ColumnMapping{keyColumn("a", schema.Decimal, "bigint")}, unsigned},
		"decimal":   {"a DECIMAL(40,10)", []schema.ColumnMapping{keyColumn("a", schema.Decimal, "decimal")}, number},
		"double":    {"a DOUBLE", []schema.ColumnMapping{keyColumn("a", schema.Float64, "double")}, float},
		"float":     {"a FLOAT", []schema.ColumnMapping{keyColumn("a", schema.Float32, "float")}, float},
		"varbinary": {"a VARBINARY(5)", []schema.ColumnMapping{keyColumn("a", schema.Bytes, "varbinary")}, binary},
		"binary":    {"a BINARY(5)", []schema.ColumnMapping{keyColumn("a", schema.Bytes, "binary")}, binary},
		"datetime":  {"a DATETIME(6)", []schema.ColumnMapping{keyColumn("a", schema.DateTime, "datetime")}, moment},
	}
	for _, collation := range []string{
		"utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb4_german2_ci",
		"latin1_swedish_ci", "latin1_german2_ci", "ucs2_general_ci",
		"utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs", "utf8mb4_0900_bin", "utf8mb4_ja_0900_as_cs_ks",
	} {
		charset, _, _ := strings.Cut(collation, "_")
		ddl := "a VARCHAR(6) CHARACTER SET " + charset + " COLLATE " + collation
		key := keyColumn("a", schema.Text, "varchar", charset, collation)
		out[collation] = randomKey{ddl, []schema.ColumnMapping{key}, text}
		if padded := keyColumn("a", schema.Text, "char", charset, collation); orderable(padded) {
			out["char "+collation] = randomKey{strings.Replace(ddl, "VARCHAR", "CHAR", 1), []schema.ColumnMapping{padded}, text}
		}
		out[collation+" and number"] = randomKey{
			ddl + ", b BIGINT",
			[]schema.ColumnMapping{key, keyColumn("b", schema.Int, "bigint")},
			rapid.Map(text, func(s string) string { return s + ", " + strconv.Itoa(len(s)%3) }),
		}
	}
	return out
}

// TestRandomRangesPartition cuts tables with made-up keys at some of their rows:
// the ranges together are the table, in its order, and no two share a row.
func TestRandomRangesPartition(t *testing.T) {
	for name, k := range randomKeys() {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			needsTypes(t, k.ddl)
			var names []string
			for _, c := range k.columns {
				names = append(names, c.Source)
			}
			db, server := open(t, fmt.Sprintf("CREATE TABLE k (%s, PRIMARY KEY (%s))", k.ddl, strings.Join(names, ", ")))
			writer, err := server.DB(t.Context(), db.Info().Database)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = writer.Close() })
			m := &schema.Mapping{SourceName: "k", Name: "k", Columns: k.columns, KeyIndex: "PRIMARY"}
			for i := range k.columns {
				m.Key = append(m.Key, i)
			}
			onConnection(t, db, func(conn *sql.Conn) error {
				rapid.Check(t, func(rt *rapid.T) {
					rows := rapid.SliceOfN(k.values, 1, 25).Draw(rt, "rows")
					_, err := writer.ExecContext(t.Context(), "SET sql_mode = ''; DELETE FROM k; INSERT IGNORE INTO k VALUES ("+strings.Join(rows, "), (")+")")
					if err != nil {
						rt.Fatal(err)
					}
					checkRandomCuts(t, rt, conn, m)
				})
				return nil
			})
		})
	}
}

func checkRandomCuts(t *testing.T, rt *rapid.T, conn *sql.Conn, m *schema.Mapping) {
	t.Helper()
	keys := row.NewKeyReader(m.Columns, m.Columns)
	read := func(r row.Range) (out []row.Key) {
		err := Read(t.Context(), conn, m, r, func(cells row.Row) error {
			out = append(out, keys.Key(cells))
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
		return out
	}
	all := read(row.Range{})
	if len(all) == 0 {
		rt.Fatal("the table is empty")
	}
	var together []row.Key
	var after row.Key
	var cuts []row.Key
	// The cuts that Divide finds, in tables so small that it has to try hard;
	// now and then, since it asks the server some hundred times.
	if parts := rapid.IntRange(-20, 4).Draw(rt, "parts"); parts > 1 {
		var err error
		if cuts, err = Divide(t.Context(), conn, m, parts); err != nil {
			rt.Fatal(err)
		}
	}
	for _, upTo := range append(slices.Clone(cuts), nil) {
		part := read(row.Range{After: after, UpTo: upTo})
		if len(part) == 0 {
			rt.Fatalf("nothing is between %v and %v of the cuts %v", after, upTo, cuts)
		}
		together, after = append(together, part...), upTo
	}
	if !slices.EqualFunc(all, together, slices.Equal) {
		rt.Fatalf("cut at %v the ranges hold %q, the table %q", cuts, together, all)
	}
	together, after = nil, nil
	for i, bound := range all {
		if rapid.IntRange(0, 2).Draw(rt, "cut") > 0 && i < len(all)-1 {
			continue
		}
		together = append(together, read(row.Range{After: after, UpTo: bound})...)
		after = bound
	}
	together = append(together, read(row.Range{After: after})...)
	if !slices.EqualFunc(all, together, slices.Equal) {
		rt.Fatalf("the ranges hold %q, the table %q", together, all)
	}
}
