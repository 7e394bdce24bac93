package migrate

import (
	"slices"
	"strings"
	"testing"

	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// promising is a source with something of everything that a plan promises.
var promising = []string{
	"CREATE TABLE parent (a INT NOT NULL, b VARCHAR(20) NOT NULL, PRIMARY KEY (a, b), UNIQUE KEY parent_b (b))",
	"INSERT INTO parent VALUES (1, 'x'), (2, 'y')",
	`CREATE TABLE child (
		id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(20), c VARCHAR(20) DEFAULT 'it''s', n DECIMAL(9,2) NOT NULL DEFAULT 1.5,
		i INT DEFAULT -7, f DOUBLE DEFAULT 1e10, fl FLOAT DEFAULT 0.1, bi BIT(5) DEFAULT b'101', d DATE DEFAULT '2020-02-29', dt DATETIME(3) DEFAULT '2020-01-01 00:00:00', ts TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6),
		now0 DATETIME DEFAULT CURRENT_TIMESTAMP, en ENUM('a','b c','it''s') DEFAULT 'it''s', st SET('x','y') DEFAULT 'y,x', js JSON DEFAULT '{"a": 1}', uu UUID DEFAULT UUID(), vb VARBINARY(9) DEFAULT 'ab',
		tm TIME DEFAULT '10:30:00', ye YEAR DEFAULT 2024, em VARCHAR(3) DEFAULT '', nn INT NULL DEFAULT NULL, ex INT DEFAULT (1 + 2), g INT GENERATED ALWAYS AS (i + 1) STORED,
		KEY child_ab (a, b), KEY child_n (n, c), UNIQUE KEY child_c (c), UNIQUE KEY child_pre (em(2), id), CONSTRAINT child_i CHECK (i BETWEEN -100 AND 100 OR i IN (1000, 2000)), CONSTRAINT child_n2 CHECK (n >= 0),
		CONSTRAINT to_parent FOREIGN KEY (a, b) REFERENCES parent (a, b) ON DELETE CASCADE ON UPDATE RESTRICT, CONSTRAINT to_b FOREIGN KEY (b) REFERENCES parent (b) ON UPDATE CASCADE)`,
	"INSERT INTO child (id, a, b, c, em) VALUES (5, 1, 'x', 'p', 'aa'), (9, NULL, 'y', 'q', 'bb')",
	"CREATE TABLE keyless (v INT, UNIQUE KEY (v))", "INSERT INTO keyless VALUES (1), (NULL), (NULL)",
	"CREATE TABLE Mixed (`Id x` INT NOT NULL AUTO_INCREMENT, `\"q\"` INT DEFAULT 3, PRIMARY KEY (`Id x`), KEY `ix \"1\"` (`\"q\"`))",
	"INSERT INTO Mixed VALUES (4, 1)",
}

// promised is promising as the server takes it: MySQL has no UUID, and wants
// parentheses around the default of a JSON.
func promised(server *sandbox.Server) []string {
	if server.Kind() != sandbox.MySQL {
		return promising
	}
	out := slices.Clone(promising)
	for i := range out {
		out[i] = strings.NewReplacer("UUID DEFAULT UUID()", "CHAR(36) DEFAULT (UUID())", `JSON DEFAULT '{"a": 1}'`, `JSON DEFAULT ('{"a": 1}')`).Replace(out[i])
	}
	return out
}

func execAll(t *testing.T, server *sandbox.Server, database string, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if err := server.Exec(t.Context(), database, s); err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
	}
}

func mustRun(t *testing.T, cfg Config, phases ...Phase) *report.Migration {
	t.Helper()
	m, err := Run(t.Context(), cfg, phases...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSchemaDriftIsFound: what is as planned raises no alarm, and everything
// that somebody changed afterwards is named with what was expected.
func TestSchemaDriftIsFound(t *testing.T) {
	server := sandboxtest.Source(t)
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		from, to := sandboxtest.NewDatabase(t, server), sandboxtest.NewDatabase(t, target)
		execAll(t, server, from, promised(server)...)
		cfg := testConfig(t, server, from, target, to)
		if m := mustRun(t, cfg, Assess, Schema, Copy, Verify); m.Verdict != report.Pass || !slices.Contains(m.Checked, "indexes") {
			t.Fatalf("as planned: %s, %q, checked %q", m.Verdict, m.Reasons, m.Checked)
		}
		execAll(t, target, to,
			"ALTER TABLE child ALTER COLUMN c SET DEFAULT 'its'", "ALTER TABLE child ALTER COLUMN i DROP DEFAULT",
			"ALTER TABLE child ALTER COLUMN nn SET DEFAULT 1", "ALTER TABLE child ALTER COLUMN n DROP NOT NULL",
			"ALTER TABLE child ALTER COLUMN ts SET DEFAULT current_timestamp(3)", "ALTER TABLE child ALTER COLUMN now0 SET DEFAULT '2020-01-01 00:00:00'",
			"ALTER TABLE child ALTER COLUMN bi SET DEFAULT B'00111'", "ALTER TABLE child ALTER COLUMN js SET DEFAULT '{\"a\": 2}'",
			"ALTER TABLE child DROP CONSTRAINT child_i", "ALTER TABLE child ADD CONSTRAINT another CHECK (i > -1000000)",
			"ALTER TABLE child DROP CONSTRAINT to_b",
			"ALTER TABLE child DROP CONSTRAINT to_parent", "UPDATE child SET b = NULL WHERE a IS NULL", "ALTER TABLE child ADD CONSTRAINT to_parent FOREIGN KEY (a, b) REFERENCES parent (a, b) MATCH FULL ON DELETE SET NULL",
			"DROP INDEX child_n", "CREATE INDEX child_n ON child (c, n)", "CREATE UNIQUE INDEX more_u ON child (c, id)", "CREATE INDEX more ON child (f)",
			"DROP INDEX child_c"+map[bool]string{true: " CASCADE"}[!target.StandIn()], "CREATE INDEX child_c ON child (c)",
			"SELECT setval('child_id_seq', 3)", "ALTER SEQUENCE child_id_seq MAXVALUE 100", `ALTER INDEX "ix ""1""" RENAME TO renamed`, "CREATE TABLE stranger (id INT8 PRIMARY KEY)",
		)
		m := mustRun(t, cfg, Verify)
		if m.Verdict != report.Fail {
			t.Fatalf("verdict %s", m.Verdict)
		}
		want := map[string][2]string{ // object: expected and found
			`default of "c"`:          {`'it''s'`, "its"},
			`default of "i"`:          {"-7", "nothing"},
			`default of "nn"`:         {"nothing", "1"},
			`column "n"`:              {"NOT NULL", "nullable"},
			`default of "ts"`:         {"", "3"},
			`default of "now0"`:       {"date_trunc", "2020"},
			`default of "bi"`:         {"00101", "00111"},
			`default of "js"`:         {`{"a": 1}`, `{"a": 2}`},
			`check "child_i"`:         {"CHECK", "nothing"},
			`check "another"`:         {"nothing", "CHECK"},
			`foreign key "to_b"`:      {"ON UPDATE CASCADE", "nothing"},
			`foreign key "to_parent"`: {"ON DELETE CASCADE ON UPDATE RESTRICT", "ON DELETE SET NULL ON UPDATE NO ACTION MATCH FULL"},
			`index "child_n"`:         {`("n", "c")`, `("c", "n")`},
			`index "more_u"`:          {"nothing", "UNIQUE INDEX"},
			`index "more"`:            {"nothing", `INDEX ("f")`},
			`index "child_c"`:         {"UNIQUE INDEX", `INDEX ("c")`},
			`sequence "child_id_seq"`: {"at 10 or later", "at 4"},
			`index "ix ""1"""`:        {"called", `"renamed"`},

			`end of sequence "child_id_seq"`: {"47", "100"}, // of 2147483647
		}
		harmless := []string{`index "more"`, `index "ix ""1"""`}
		for _, table := range m.Tenants[0].Tables {
			for _, d := range table.Schema {
				w, ok := want[d.Object]
				if !ok || !strings.Contains(d.Expected, w[0]) || !strings.Contains(d.Found, w[1]) || d.Advice == "" ||
					d.Harmless != slices.Contains(harmless, d.Object) || d.Harmless == slices.Contains(table.Drift, d.String()) {
					t.Errorf("%s: %+v, want %q, drift %q", table.Name, d, w, table.Drift)
				}
				delete(want, d.Object)
			}
		}
		if len(want) > 0 {
			t.Errorf("not found: %v", want)
		}
		if !slices.ContainsFunc(m.Reasons, func(r string) bool { return strings.Contains(r, "stranger") }) {
			t.Errorf("the table that only the target has is not named: %q", m.Reasons)
		}
	})
}

// TestSchemaThatCannotBeAskedIsOpen: a promise that the server cannot spell is
// no difference and no equality.
func TestSchemaThatCannotBeAskedIsOpen(t *testing.T) {
	server := sandboxtest.Source(t)
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		from, to := sandboxtest.NewDatabase(t, server), sandboxtest.NewDatabase(t, target)
		execAll(t, server, from, "CREATE TABLE t (id INT PRIMARY KEY, v INT, CONSTRAINT c CHECK (v > 0))")
		cfg := testConfig(t, server, from, target, to).withDefaults()
		mustRun(t, cfg, Schema, Copy)
		s := newSession(cfg, []Phase{Verify})
		defer s.close()
		for _, step := range []func() error{func() error { return s.open(t.Context()) }, func() error { return s.plan(t.Context()) }} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		s.planned.Tables[0].Promise.Checks[0].Condition = "no_such_column > 0"
		if err := s.compareSchema(t.Context(), s.mappings()); err != nil {
			t.Fatal(err)
		}
		s.reportSchema()
		if d := s.differing["t"]; len(d.Found) > 0 || d.Unchecked == "" || len(s.report.Unchecked) != 1 {
			t.Errorf("%+v, %+v", d, s.report.Unchecked)
		}
	})
}
