package e2e

import (
	"strings"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// besideRows is the number of rows of the table that a repair must leave to a copy.
const besideRows = 12_000

// slowly makes a copy that lasts until a test has looked at it.
var slowly = []string{"--chunk-rows=100", "--workers=1", "--max-rows-per-second=2000"}

// TestRepairBesideRunningCopy: rows that a copy has not reached yet are no
// difference to be repaired. Put by both, those of a table without a key are
// there twice.
func TestRepairBesideRunningCopy(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE loose (a INT, v VARCHAR(40))", "INSERT INTO loose SELECT seq, 'row' FROM seq_1_to_12000")
		m.must(t, exitDone, "schema", "--apply")
		p := m.start(t, "copy", slowly...)
		if !p.awaitRows(t, m, "loose", 500) {
			t.Fatalf("it ended before it was met: %s", p.outcome(t))
		}
		o := m.should(t, exitRefused, "verify", "--repair", "--settle=-1s")
		if !strings.Contains(o.stderr, "not finished") || !strings.Contains(o.stderr, "migrate copy") {
			t.Errorf("the refusal does not say what to do: %s", o)
		}
		if done := p.outcome(t); done.code != exitDone {
			t.Errorf("the copy: %s", done)
		}
		if rows := countRows(t, m); rows != besideRows {
			t.Errorf("%d rows instead of %d", rows, besideRows)
		}
		m.atTarget(t, "DELETE FROM loose WHERE a < 100")
		m.should(t, exitDone, "verify", "--repair", "--settle=-1s")
	})
}

// TestRepairBesideUnfinishedCopy: who repairs what a killed copy left makes a
// target that the copy can never finish.
func TestRepairBesideUnfinishedCopy(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		for _, ingest := range []string{"copy", "upsert"} {
			m := newMove(t, target, "CREATE TABLE kept (id INT PRIMARY KEY, v VARCHAR(40), KEY (v))", "INSERT INTO kept SELECT seq, 'row' FROM seq_1_to_12000")
			m.must(t, exitDone, "schema", "--apply")
			p := m.start(t, "copy", append(slowly, "--ingest="+ingest)...)
			if !p.awaitRows(t, m, "kept", 500) {
				t.Fatalf("it ended before it was killed: %s", p.outcome(t))
			}
			p.kill()
			<-p.ended
			before := countRows(t, m)
			o := m.should(t, exitRefused, "verify", "--repair", "--settle=-1s")
			if rows := countRows(t, m); rows != before || ingest != "copy" && !strings.Contains(o.stderr, "--ingest="+ingest) {
				t.Errorf("%d rows before, %d after: %s", before, rows, o)
			}
			m.must(t, exitDone, "copy", "--ingest="+ingest)
			compareAll(t, m, m.must(t, exitDone, "verify", "--repair", "--settle=-1s"))
		}
	})
}

// TestCopyBesideRepair: a copy that begins while somebody repairs waits for its turn.
func TestCopyBesideRepair(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE kept (id INT PRIMARY KEY, v VARCHAR(40))", "INSERT INTO kept SELECT seq, 'row' FROM seq_1_to_3000")
		m.must(t, exitDone, "schema", "--apply")
		// Rows of another tool, and nothing that a copy has begun.
		m.atTarget(t, "INSERT INTO kept SELECT i, 'row' FROM generate_series(1, 2990) g (i)")
		p := m.start(t, "verify", "--repair", "--settle=-1s", "--tier=stream", "--max-rows-per-second=1000")
		if !p.awaitCount(t, m, "SELECT count(*) FROM _migrate.lease", 2) {
			t.Fatalf("it ended before it was met: %s", p.outcome(t))
		}
		for _, ingest := range []string{"copy", "upsert"} {
			if o := m.should(t, exitRefused, "copy", "--ingest="+ingest); !strings.Contains(o.stderr, "is working on this target") {
				t.Errorf("--ingest=%s: %s", ingest, o)
			}
		}
		if o := p.outcome(t); o.code != exitDone {
			t.Errorf("the repair: %s", o)
		}
		compareAll(t, m, m.must(t, exitDone, "verify"))
	})
}
