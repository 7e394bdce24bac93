package e2e

import (
	"strings"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// owners is a database with a foreign key, unique indexes, a table whose key is
// a unique index, and values of many kinds.
func owners(t *testing.T, target *sandbox.Server) move {
	t.Helper()
	return newMove(t, target,
		`CREATE TABLE owner (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, mail VARCHAR(60), tags SET('a','b','NULL'), doc JSON,
			raw VARBINARY(20), at DATETIME(6), worth DECIMAL(20,8), UNIQUE KEY u_mail (mail))`,
		`INSERT INTO owner SELECT seq, CONCAT('n\t\\', seq), IF(seq % 7, CONCAT(seq, '@x'), NULL), seq % 8, JSON_OBJECT('n', seq),
			UNHEX(LPAD(HEX(seq), 10, 'FF')), '2020-01-01' + INTERVAL seq MICROSECOND, seq / 7 FROM seq_1_to_4000`,
		`CREATE TABLE pair (a INT NOT NULL, b INT NOT NULL, v VARCHAR(20), UNIQUE KEY u_ab (a, b))`,
		"INSERT INTO pair SELECT seq, 5000 - seq, CONCAT('v', seq) FROM seq_1_to_4000",
		`CREATE TABLE account (id INT PRIMARY KEY, owner INT NOT NULL, parent INT, CONSTRAINT fk_owner FOREIGN KEY (owner) REFERENCES owner (id) ON DELETE CASCADE,
			CONSTRAINT fk_parent FOREIGN KEY (parent) REFERENCES account (id))`,
		"INSERT INTO account SELECT seq, 4001 - seq, IF(seq < 4000, seq + 1, NULL) FROM seq_4000_to_1",
	)
}

// TestUpsertRepairsAndTopsUp damages a finished copy, lets the source move on,
// and puts the rows again, over foreign keys that are there.
func TestUpsertRepairsAndTopsUp(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := owners(t, target)
		m.must(t, exitDone, "run")
		schema := schemaOf(t, m)
		m.atTarget(t,
			"DELETE FROM account WHERE id <= 500", // parents before children: 500 refers to 501
			"UPDATE owner SET name = 'bent', doc = NULL, raw = NULL WHERE id % 3 = 0",
			"DELETE FROM pair WHERE a < 1000",
			"INSERT INTO pair VALUES (-1, -1, 'stranger')")
		m.atSource(t,
			"INSERT INTO owner (id, name) VALUES (9001, 'new')", "INSERT INTO account VALUES (9001, 9001, 9001)",
			"UPDATE owner SET mail = CONCAT('later', id) WHERE id < 100")
		m.must(t, exitRefused, "verify")
		o := m.must(t, exitDone, "copy", "--ingest=upsert", smallChunks)
		if !strings.Contains(o.stderr, "the target holds 4001 rows, 4000 of the source were put") {
			t.Errorf("the row that only the target has is not told: %s", o)
		}
		verified := m.must(t, exitRefused, "verify")
		for _, table := range verified.tables() {
			want := int64(0)
			if table.Name == "pair" {
				want = 1
			}
			if *table.FindingsTotal != want || want == 1 && table.Findings[0].Kind != "extra" {
				t.Errorf("%s: %d findings, want %d: %v", table.Name, *table.FindingsTotal, want, table.Findings)
			}
		}
		m.atTarget(t, "DELETE FROM pair WHERE a = -1")
		compareAll(t, m, m.must(t, exitDone, "verify"))
		if after := schemaOf(t, m); strings.Join(after, "\n") != strings.Join(schema, "\n") {
			t.Errorf("the schema was\n%s\nand is\n%s", strings.Join(schema, "\n"), strings.Join(after, "\n"))
		}
		// A finished upsert is done again when asked again.
		m.atTarget(t, "UPDATE owner SET name = 'bent again' WHERE id = 7")
		m.must(t, exitDone, "copy", "--ingest=upsert")
		m.must(t, exitDone, "verify")
	})
}

// TestKilledUpsertContinues also sees that a copy of the other kind is refused
// in between.
func TestKilledUpsertContinues(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := owners(t, target)
		m.must(t, exitDone, "schema", "--apply")
		m.atTarget(t, "INSERT INTO owner (id, name) VALUES (4000, 'was here before')")
		o := m.must(t, exitRefused, "copy")
		if !strings.Contains(o.stderr, "--ingest=upsert") {
			t.Errorf("the refusal does not name the way: %s", o)
		}
		p := m.start(t, "copy", "--ingest=upsert", "--chunk-rows=50", "--max-rows-per-second=4000")
		if !p.awaitRows(t, m, "owner", 200) {
			t.Fatalf("it ended before it could be killed: %s", p.outcome(t))
		}
		p.kill()
		<-p.ended
		o = m.must(t, exitRefused, "copy")
		if !strings.Contains(o.stderr, "begun with --ingest=upsert is not finished") {
			t.Errorf("the refusal does not say why: %s", o)
		}
		m.must(t, exitDone, "copy", "--ingest=upsert")
		compareAll(t, m, m.must(t, exitDone, "verify"))
	})
}

// TestKilledUpsertKeepsRows: the source cannot read these tables in the order of
// their keys, so their upsert begins again when it was killed. What only the
// target has stays.
func TestKilledUpsertKeepsRows(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target,
			"CREATE TABLE bits (id BIT(32) PRIMARY KEY, v VARCHAR(20))", "INSERT INTO bits SELECT seq, CONCAT('v', seq) FROM seq_1_to_6000",
			"CREATE TABLE mixed (a VARCHAR(20), b BIT(8), v INT, PRIMARY KEY (a, b))", "INSERT INTO mixed SELECT CONCAT('k', seq), seq % 200, seq FROM seq_1_to_6000")
		m.must(t, exitDone, "schema", "--apply")
		m.atTarget(t, "INSERT INTO bits VALUES (B'11111111111111111111111111111111', 'only here')", "INSERT INTO mixed VALUES ('only here', B'11111111', -1)")
		kept := func(when string) {
			t.Helper()
			got := m.targetValue(t, "SELECT count(*) FROM bits WHERE v = 'only here'") + m.targetValue(t, "SELECT count(*) FROM mixed WHERE v = -1")
			if got != "11" {
				t.Errorf("%s, of the rows that only the target has these are left: %s", when, got)
			}
		}
		for _, table := range []string{"bits", "mixed"} {
			p := m.start(t, "copy", "--ingest=upsert", "--chunk-rows=50", "--max-rows-per-second=3000", "--workers=2")
			if !p.awaitRows(t, m, table, 200) {
				t.Fatalf("it ended before it could be killed: %s", p.outcome(t))
			}
			p.kill()
			<-p.ended
			kept("after a kill")
		}
		o := m.must(t, exitDone, "copy", "--ingest=upsert")
		kept("at the end")
		for _, table := range o.tables() {
			if *table.CopiedRows != 6000 {
				t.Errorf("%s: %d rows", table.Name, *table.CopiedRows)
			}
		}
		verified := m.must(t, exitRefused, "verify")
		for _, table := range verified.tables() {
			if *table.FindingsTotal != 1 || table.Findings[0].Kind != "extra" {
				t.Errorf("%s: %v", table.Name, table.Findings)
			}
		}
	})
}

// TestUpsertKeepsKeysApart: a policy that makes two keys equal would make one row of two.
func TestUpsertKeepsKeysApart(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE days (d DATE NOT NULL, n INT NOT NULL, at DATE, PRIMARY KEY (d, n))",
			"INSERT INTO days SELECT '0001-01-01', seq, '0000-00-00' FROM seq_1_to_3000", "INSERT INTO days SELECT '0000-00-00', seq, NULL FROM seq_1_to_3000")
		m = m.with("--policy", "zero-date=min")
		m.must(t, exitDone, "schema", "--apply")
		o := m.should(t, exitRefused, "copy", "--ingest=upsert")
		if !strings.Contains(o.stderr, "would change keys of: days.d") || m.targetValue(t, "SELECT count(*) FROM _migrate.job") != "0" {
			t.Errorf("the refusal does not say why, or something was begun: %s", o)
		}
		m.atSource(t, "UPDATE days SET d = '0001-01-02' WHERE d = '0000-00-00'")
		m.must(t, exitDone, "copy", "--ingest=upsert")
		m.must(t, exitDone, "verify")
		m.atSource(t, "UPDATE days SET d = '0000-00-00' WHERE d = '0001-01-02' AND n = 7")
		// Nobody has looked at the data before.
		if o = m.should(t, exitRefused, "run", "--ingest=upsert", "--skip-scan"); !strings.Contains(o.stderr, "zero-date=min would change a key") {
			t.Errorf("the refusal does not say why: %s", o)
		}
	})
}

// TestUpsertMissesRows: rows that were put and are not there any more are told,
// when everything else is in place.
func TestUpsertMissesRows(t *testing.T) {
	m := newMove(t, sandboxtest.Target(t), "CREATE TABLE owner (id INT PRIMARY KEY)", "INSERT INTO owner SELECT seq FROM seq_1_to_4000")
	m.must(t, exitDone, "schema", "--apply")
	p := m.start(t, "copy", "--ingest=upsert", "--workers=1", "--chunk-rows=50", "--max-rows-per-second=4000")
	if !p.awaitRows(t, m, "owner", 200) {
		t.Fatalf("it ended before it could be killed: %s", p.outcome(t))
	}
	p.kill()
	<-p.ended
	m.atTarget(t, "DELETE FROM owner WHERE id <= 100")
	o := m.must(t, exitRefused, "copy", "--ingest=upsert")
	if !strings.Contains(o.stderr, "owner holds 3900 of the 4000 rows that were put") {
		t.Errorf("the missing rows are not told: %s", o)
	}
	m.must(t, exitDone, "copy", "--ingest=upsert")
	compareAll(t, m, m.must(t, exitDone, "verify"))
}

func TestUpsertNeedsKeys(t *testing.T) {
	m := newMove(t, sandboxtest.Target(t), "CREATE TABLE loose (a INT)", "INSERT INTO loose VALUES (1), (1)")
	m.must(t, exitDone, "schema", "--apply")
	o := m.must(t, exitRefused, "copy", "--ingest=upsert")
	if !strings.Contains(o.stderr, "these tables have none: loose") || countRows(t, m) != 0 {
		t.Errorf("not refused as it should be: %s", o)
	}
}
