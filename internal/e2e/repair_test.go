package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// spoiled is damage of every kind: cells of every type, missing and extra rows,
// other duplicates, values that moved between two rows.
func spoiled(source *sandbox.Server) []string {
	var all []string
	for i, c := range cellChanges(source) {
		all = append(all, c.set(10+10*(i%40), c.changed))
	}
	return append(all,
		"DELETE FROM cells WHERE id = 20", "INSERT INTO cells (id) VALUES (-5), (205), (4000)",
		"UPDATE composite SET v = CASE b WHEN 'b1' THEN 2200 ELSE 2100 END WHERE a = 5 AND b IN ('b1', 'b2')",
		"DELETE FROM composite WHERE a = 1", "INSERT INTO composite VALUES (6, 'B2', 2600)",
		"UPDATE folded SET k = 'key9' WHERE k = 'Key9'", "UPDATE folded SET v = 'value 7' WHERE k = 'Key7'",
		"INSERT INTO bytekey VALUES (decode('005000', 'hex'), NULL)", "DELETE FROM bytekey WHERE k = decode('00f0', 'hex')",
		"INSERT INTO keyless VALUES (3, 'r3')", "DELETE FROM keyless WHERE a = 4",
		"UPDATE swapped SET u = u + 100", "UPDATE swapped SET u = CASE u WHEN 101 THEN 2 WHEN 102 THEN 1 ELSE u - 100 END",
		"DELETE FROM child WHERE id = 3", "DELETE FROM parent WHERE id = 3", "INSERT INTO parent VALUES (9, 'x')", "INSERT INTO child VALUES (9, 9)",
		"UPDATE parent SET v = 'bent' WHERE id = 1",
	)
}

// TestRepair makes a spoiled target equal again, in both tiers, tells how often
// it had to, and leaves what was equal alone.
func TestRepair(t *testing.T) {
	tables := append(mutatedTables(legacySource(t)),
		"CREATE TABLE swapped (id INT PRIMARY KEY, u INT, UNIQUE KEY u (u))", "INSERT INTO swapped VALUES (1, 1), (2, 2), (3, 3)",
		"CREATE TABLE parent (id INT PRIMARY KEY, v VARCHAR(9))", "INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'c')",
		"CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)",
		"INSERT INTO child VALUES (1, 1), (2, 2), (3, 3)",
	)
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, tables...).with(unsettled)
		m.must(t, exitDone, "run", chunked)
		for _, tier := range []string{"stream", "pushdown"} {
			m.atTarget(t, spoiled(m.source)...)
			m.must(t, exitRefused, "verify", "--tier="+tier, ranged)
			o := m.should(t, exitDone, "verify", "--tier="+tier, ranged, "--repair")
			for _, table := range o.tables() {
				if untouched := table.Name == "untouched"; table.Verdict != "pass" || untouched != (len(table.Repairs) == 0) || table.RepairError != "" || table.Reread != 0 {
					t.Errorf("%s: %s is called %s after %d repairs, %s, %d parts without a difference", tier, table.Name, table.Verdict,
						len(table.Repairs), table.RepairError, table.Reread)
				}
			}
			m.should(t, exitDone, "verify")
		}
	})
}

// TestValuesAndTables: a finding shows both values when asked to, and none
// otherwise; --tables looks at nothing else and says so.
func TestValuesAndTables(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, mutatedTables(legacySource(t))...).with(unsettled)
		m.must(t, exitDone, "run", chunked)
		m.atTarget(t, "UPDATE composite SET v = 987654 WHERE a = 5 AND b = 'b1'")
		o := m.should(t, exitRefused, "verify")
		if strings.Contains(o.text(), "987654") {
			t.Errorf("the value is shown although stdout is no terminal: %s", o)
		}
		o = m.should(t, exitRefused, "verify", "--mask-values=false", "--tables=composite")
		if !strings.Contains(o.stdout, "v '2100' -> '987654'") || !strings.Contains(o.rawReport, `"target": "987654"`) {
			t.Errorf("the values are not shown: %s", o)
		}
		o = m.should(t, exitDone, "verify", "--tables=folded,bytekey")
		if n := len(o.tables()); n != 2 || len(o.report.Tenants[0].LeftOut) != 4 {
			t.Errorf("%d tables, left out: %v", n, o.report.Tenants[0].LeftOut)
		}
		m.should(t, exitUsage, "verify", "--tables=nowhere")
	})
}

// TestState: a comparison that ended begins anew, whatever its file says.
func TestState(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		m := newMove(t, target, mutatedTables(legacySource(t))...).with(unsettled)
		m.must(t, exitDone, "run", chunked)
		file := filepath.Join(t.TempDir(), "state.json")
		resumed := func(o outcome) (rows int64) {
			for _, table := range o.tables() {
				rows += table.Resumed
			}
			return rows
		}
		m.must(t, exitDone, "verify", ranged, "--state="+file)
		o := m.should(t, exitDone, "verify", ranged, "--state="+file)
		if n := resumed(o); n != 0 {
			t.Errorf("%d rows were not compared again: %s", n, o)
		}
		m.atSource(t, "UPDATE untouched SET id = 99 WHERE id = 20")
		m.should(t, exitRefused, "verify", ranged, "--state="+file)
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		m.should(t, exitUsage, "verify", "--state="+file)
	})
}

// TestVerifyReadsOnly: an account that may only read the tables can verify, in
// both tiers. It cannot ask the server for its words about expressions, and takes
// them from the checkpoint where it may read that.
func TestVerifyReadsOnly(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		tables := append(mutatedTables(legacySource(t)),
			"CREATE TABLE counted (id BIGINT AUTO_INCREMENT PRIMARY KEY)", "INSERT INTO counted VALUES (1), (2)")
		m := newMove(t, target, tables...).with(unsettled)
		m.must(t, exitDone, "run", chunked)
		const reader = "e2e_reader"
		if err := target.Exec(t.Context(), "", createReader(target, reader)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"cells", "composite", "folded", "bytekey", "keyless", "untouched", "counted"} {
			m.atTarget(t, "GRANT SELECT ON "+name+" TO "+reader)
		}
		own := strings.Replace(target.URL(m.to), "root@", reader+"@", 1)
		if own == target.URL(m.to) {
			t.Fatalf("no root in %s", own)
		}
		if !target.StandIn() { // this version hides the schema public from it
			o := m.should(t, exitRefused, "verify", "--target="+own)
			if strings.Contains(o.stdout, "is missing") || !strings.Contains(o.stderr, "hint: GRANT SELECT ON DATABASE") {
				t.Errorf("what it may not see is called missing: %s", o)
			}
			m.atTarget(t, "GRANT SELECT ON DATABASE "+m.to+" TO "+reader)
		}
		o := m.should(t, exitUnknown, "verify", "--target="+own)
		if !strings.Contains(o.stdout, "unchecked: schema of cells") {
			t.Errorf("it does not say what it could not compare: %s", o)
		}
		m.atTarget(t, letRead(target, reader))
		// A sequence that it may not read is not one that is missing.
		o = m.should(t, exitUnknown, "verify", "--target="+own)
		if !strings.Contains(o.stdout, "unchecked: schema of counted") {
			t.Errorf("it does not say that it could not compare the sequence: %s", o)
		}
		m.atTarget(t, "GRANT SELECT ON counted_id_seq TO "+reader)
		for _, tier := range []string{"stream", "pushdown"} {
			o := m.should(t, exitDone, "verify", "--tier="+tier, "--target="+own)
			for _, table := range o.tables() {
				if table.Verdict != "pass" {
					t.Errorf("%s is called %s", table.Name, table.Verdict)
				}
			}
		}
		// It cannot repair, and says so before it looks.
		m.should(t, exitRefused, "verify", "--repair", "--target="+own)
	})
}

// letRead gives an account the checkpoint to read.
func letRead(target *sandbox.Server, name string) string {
	if target.StandIn() {
		return "GRANT USAGE ON SCHEMA _migrate TO " + name + "; GRANT SELECT ON ALL TABLES IN SCHEMA _migrate TO " + name
	}
	return "GRANT USAGE ON SCHEMA _migrate TO " + name + "; GRANT SELECT ON _migrate.* TO " + name
}

func createReader(target *sandbox.Server, name string) string {
	if target.StandIn() {
		return "CREATE ROLE " + name + " LOGIN"
	}
	return "CREATE USER IF NOT EXISTS " + name
}

// TestRepairFollowsForeignKeys: a row that is removed for a moment, since a unique
// value has to move, takes rows along that refer to it, and rows that refer to those.
// They are put back, and nobody repairs without looking at them.
func TestRepairFollowsForeignKeys(t *testing.T) {
	tables := []string{
		"CREATE TABLE p (id INT PRIMARY KEY, u INT, UNIQUE KEY u (u))", "INSERT INTO p VALUES (1, 1), (2, 2), (3, 3)",
		"CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)", "INSERT INTO c VALUES (1, 1), (2, 2), (3, 3)",
		"CREATE TABLE g (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES c (id) ON DELETE CASCADE)", "INSERT INTO g VALUES (1, 1), (2, 2)",
	}
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, tables...).with(unsettled)
		m.must(t, exitDone, "run")
		m.atTarget(t, "UPDATE p SET u = u + 100", "UPDATE p SET u = CASE u WHEN 101 THEN 2 WHEN 102 THEN 1 ELSE 3 END")
		for _, some := range []string{"p", "p,g", "c"} {
			o := m.should(t, exitUsage, "verify", "--repair", "--tables="+some)
			if !strings.Contains(o.stderr, "not compared") {
				t.Errorf("%s alone: %s", some, o)
			}
		}
		for _, table := range m.should(t, exitDone, "verify", "--repair").tables() {
			if table.Verdict != "pass" || len(table.Repairs) != 1 {
				t.Errorf("%s is called %s after %d repairs", table.Name, table.Verdict, len(table.Repairs))
			}
		}
		if n := m.targetValue(t, "SELECT count(*) FROM g"); n != "2" {
			t.Errorf("%s rows refer to rows that refer to removed ones", n)
		}
		m.should(t, exitDone, "verify")
	})
}

// TestRepairOfATreeOfRows: a table that refers to itself loses rows by its own repair.
func TestRepairOfATreeOfRows(t *testing.T) {
	tables := []string{
		"CREATE TABLE tree (id INT PRIMARY KEY, u INT, up INT, UNIQUE KEY u (u), FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE)",
		"INSERT INTO tree VALUES (1, 1, NULL), (2, 2, NULL), (3, 3, 1), (4, 4, 2), (5, 5, 3)",
	}
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, tables...).with(unsettled)
		m.must(t, exitDone, "run")
		m.atTarget(t, "UPDATE tree SET u = 0 WHERE id = 1", "UPDATE tree SET u = 1 WHERE id = 2", "UPDATE tree SET u = 2 WHERE id = 1")
		m.atTarget(t, "INSERT INTO tree VALUES (6, 6, NULL)", "INSERT INTO tree VALUES (7, 7, 6)", "INSERT INTO tree VALUES (8, 8, 7)", "INSERT INTO tree VALUES (9, 9, 8)")
		m.should(t, exitDone, "verify", "--repair")
		m.should(t, exitDone, "verify")
		if n := m.targetValue(t, "SELECT count(*) FROM tree"); n != "5" {
			t.Errorf("%s rows", n)
		}
	})
}
