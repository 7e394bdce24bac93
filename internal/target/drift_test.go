package target

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// TestProbe: the capabilities are the server's, whoever asks, and asking leaves
// nothing behind.
func TestProbe(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db, name := openNamed(t, server)
		again, err := Open(t.Context(), parse(t, server.URL(name)), 2)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if diff := cmp.Diff(db.Capabilities(), again.Capabilities()); diff != "" {
			t.Errorf("two probes differ:\n%s", diff)
		}
		left, err := db.Has(t.Context(), "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname LIKE '%probe%'")
		if left || err != nil {
			t.Errorf("a schema is left: %v", err)
		}
		if tables, listErr := db.Tables(t.Context()); len(tables) > 0 || listErr != nil {
			t.Errorf("tables are left: %v, %v", tables, listErr)
		}
		caps := db.Capabilities()
		if caps.Cockroach != (server.Kind() == sandbox.Cockroach) || db.StandIn() == caps.Cockroach || db.Info().Database != name || db.Info().ClusterID == "" {
			t.Errorf("%+v, %+v", caps, db.Info())
		}
		if caps.NULInText == db.StandIn() {
			t.Errorf("NUL in text: %v", caps.NULInText)
		}
		want := Capabilities{
			MaxIdentifierBytes: 63, CopyHexBytes: true, CopyUnescapes: true, ExpressionIndexes: true, GeneratedAlways: true, ParallelIndexes: true,
			HashHex: caps.HashHex, HashBytes: caps.HashBytes, HashInt: caps.HashInt, // TestSums tries them
		}
		if db.StandIn() && caps != want {
			t.Errorf("got %+v, want %+v", caps, want)
		}
		reader, err := OpenReader(t.Context(), parse(t, server.URL(name)), 2)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		found := reader.Capabilities()
		// Only writing shows these.
		found.CopyHexBytes, found.CopyUnescapes, found.ExpressionIndexes, found.Import = caps.CopyHexBytes, caps.CopyUnescapes, caps.ExpressionIndexes, caps.Import
		if diff := cmp.Diff(caps, found); diff != "" {
			t.Errorf("reading finds other capabilities than writing:\n%s", diff)
		}
	})
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string][2]string{
		"CockroachDB CCL v20.2.0-alpha.1 (x86_64-linux-gnu, built 2020/10/26)": {"cockroachdb", "v20.2.0-alpha.1"},
		"PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu":     {"postgresql", "15.18"},
		"": {"unknown", ""}, "Something": {"something", "Something"},
	} {
		if product, version := parseVersion(text); product != want[0] || version != want[1] {
			t.Errorf("%q: got %q %q", text, product, version)
		}
	}
}

func TestDrift(t *testing.T) {
	planned := func(d *DB) *schema.Mapping {
		m := intTable()
		m.Columns = append(m.Columns,
			schema.ColumnMapping{Name: "Amount x", Kind: schema.Decimal, Type: "DECIMAL(20,4)", NotNull: true},
			schema.ColumnMapping{Name: "b", Kind: schema.Bytes, Type: typed(d, "BYTES")},
			schema.ColumnMapping{Name: "w", Kind: schema.Text, Type: "VARCHAR(40)"},
			schema.ColumnMapping{Name: "ts", Kind: schema.Timestamp, Type: "TIMESTAMPTZ(3)"})
		return m
	}
	const columns = `id INT8 PRIMARY KEY, v TEXT, "Amount x" DECIMAL(20,4) NOT NULL, b BYTES, w VARCHAR(40), ts TIMESTAMPTZ(3)`
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server)
		collation := "en"
		if db.StandIn() {
			collation = `"C"`
		}
		for _, test := range []struct {
			name, columns string
			want          string // part of the only drift; empty for none
			comparable    bool
		}{
			{"as planned", columns, "", true},
			{"missing column", strings.Replace(columns, ", b BYTES", "", 1), `"b" is missing`, false},
			{"other scale", strings.Replace(columns, "(20,4)", "(20,2)", 1), `"Amount x" is`, false},
			{"other length", strings.Replace(columns, "(40)", "(4)", 1), `"w" is`, false},
			{"other type", strings.Replace(columns, "v TEXT", "v DATE", 1), `"v" is date`, false},
			{"other precision", strings.Replace(columns, "TZ(3)", "TZ(0)", 1), `"ts" is`, false},
			{"full precision", strings.Replace(columns, "TZ(3)", "TZ", 1), `"ts" is`, false},
			{"other collation", strings.Replace(columns, "v TEXT", "v TEXT COLLATE "+collation, 1), `"v" is text COLLATE`, true},
			{"no zone", strings.Replace(columns, "TIMESTAMPTZ", "TIMESTAMP", 1), `"ts" is`, false},
			{"nullable", strings.Replace(columns, "NOT NULL", "", 1), `"Amount x" is nullable`, true},
			{"one more", columns + `, "More" INT8`, `"More" is not in the plan`, true},
			{"other case", strings.Replace(columns, "b BYTES", `"B" BYTES, b BYTES`, 1), `"B" is not in the plan`, true},
			{"another order", "ts TIMESTAMPTZ(3), w VARCHAR(40), b BYTES, \"Amount x\" DECIMAL(20,4) NOT NULL, v TEXT, id INT8 PRIMARY KEY", "", true},
		} {
			if err := db.Exec(t.Context(), "DROP TABLE IF EXISTS t"); err != nil {
				t.Fatal(err)
			}
			if err := db.Exec(t.Context(), "CREATE TABLE t ("+typed(db, test.columns)+")"); err != nil {
				t.Fatal(err)
			}
			drift, comparable, err := db.Drift(t.Context(), planned(db))
			if err != nil || comparable != test.comparable || len(drift) != min(1, len(test.want)) {
				t.Errorf("%s: %q, comparable %v, %v", test.name, drift, comparable, err)
			} else if len(drift) == 1 && !strings.Contains(drift[0], test.want) {
				t.Errorf("%s: %s", test.name, drift[0])
			}
			if test.comparable && test.name != "one more" {
				scanAll(t, db, planned(db), row.Range{})
			}
		}
		gone := planned(db)
		gone.Name = "T"
		if drift, comparable, err := db.Drift(t.Context(), gone); comparable || len(drift) != 1 || err != nil {
			t.Errorf("no table: %q, %v, %v", drift, comparable, err)
		}
		// A view of its name is neither the table nor a sign of a hidden catalog.
		if err := db.Exec(t.Context(), `CREATE VIEW "T" AS SELECT 1`); err != nil {
			t.Fatal(err)
		}
		if drift, comparable, err := db.Drift(t.Context(), gone); comparable || err != nil || len(drift) != 1 || !strings.Contains(drift[0], "a view") {
			t.Errorf("a view: %q, %v, %v", drift, comparable, err)
		}
		// A table without a key has a hidden column on CockroachDB.
		keyless := planned(db)
		keyless.Key, keyless.KeyIndex, keyless.Name = nil, "", "k"
		if err := db.Exec(t.Context(), "CREATE TABLE k ("+typed(db, strings.Replace(columns, "PRIMARY KEY", "NOT NULL", 1))+")"); err != nil {
			t.Fatal(err)
		}
		if drift, comparable, err := db.Drift(t.Context(), keyless); !comparable || len(drift) != 0 || err != nil {
			t.Errorf("keyless: %q, %v, %v", drift, comparable, err)
		}
	})
}

// TestDriftOfLabels: an enum type of the right name may be a leftover.
func TestDriftOfLabels(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server)
		for _, statement := range []string{
			`CREATE TYPE "t_E" AS ENUM ('b', 'it''s')`,
			`CREATE TABLE t (id INT8 PRIMARY KEY, v TEXT, "E" "t_E")`,
		} {
			if err := db.Exec(t.Context(), typed(db, statement)); err != nil {
				t.Fatal(err)
			}
		}
		for want, labels := range map[string][]string{
			"": {"b", "it's"},
			`column "E" is an ENUM of 'b', 'it''s', planned is an ENUM of 'it''s', 'b'`:          {"it's", "b"},
			`column "E" is an ENUM of 'b', 'it''s', planned is an ENUM of 'b', 'it''s', 'third'`: {"b", "it's", "third"},
		} {
			m := intTable()
			m.Columns = append(m.Columns, schema.ColumnMapping{Name: "E", Kind: schema.Enum, Type: `"public"."t_E"`, Labels: labels})
			drift, comparable, err := db.Drift(t.Context(), m)
			if err != nil || !comparable || strings.Join(drift, "; ") != want {
				t.Errorf("%q: got %q, %v, %v", labels, drift, comparable, err)
			}
		}
	})
}
