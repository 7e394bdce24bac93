package e2e

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// importAll imports every table, however small.
const importAll = "--import-above=0"

// eachImporter runs a test where IMPORT is, and sees it refused elsewhere.
func eachImporter(t *testing.T, test func(t *testing.T, target *sandbox.Server)) {
	t.Helper()
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		if !target.StandIn() {
			t.Parallel()
			test(t, target)
			return
		}
		m := newMove(t, target, "CREATE TABLE a (id INT PRIMARY KEY)")
		o := m.must(t, exitRefused, "run", "--ingest=import")
		if !strings.Contains(o.stderr, "needs CockroachDB's IMPORT INTO; the target is postgresql") || countRows(t, m) != 0 {
			t.Errorf("not refused as it should be: %s", o)
		}
	})
}

// TestImportMovesEverything imports the bank with all its types, and tables
// with and without a key.
func TestImportMovesEverything(t *testing.T) {
	eachImporter(t, func(t *testing.T, target *sandbox.Server) {
		m := move{source: legacySource(t), target: target, from: sharedBank(t), to: sandboxtest.NewDatabase(t, target)}
		m.must(t, exitDone, "schema", "--apply")
		o := m.must(t, exitDone, "copy", "--ingest=import", "--import-above=1000")
		if !strings.Contains(o.stderr, "importing ") {
			t.Errorf("nothing is said of importing: %s", o)
		}
		compareAll(t, m, m.must(t, exitDone, "verify"))
		checkFinished(t, m, o)
		nothingLeftOfImports(t, m)
	})
}

// nothingLeftOfImports also looks at tables that are offline, which the usual
// catalogs do not show.
func nothingLeftOfImports(t *testing.T, m move) {
	t.Helper()
	left := m.targetValue(t, "SELECT count(*) FROM crdb_internal.tables WHERE database_name = '"+m.to+"' AND name LIKE 'import_probe%' AND state <> 'DROP'")
	if left != "0" {
		t.Errorf("%s scratch tables are left", left)
	}
	if marks := m.targetValue(t, "SELECT count(*) FROM _migrate.import"); marks != "0" {
		t.Errorf("%s imports are noted as unfinished", marks)
	}
}

// TestKilledImportBeginsAgain kills the command at random moments, before,
// during and after the jobs of the cluster.
func TestKilledImportBeginsAgain(t *testing.T) {
	eachImporter(t, func(t *testing.T, target *sandbox.Server) {
		m := bigMove(t, target)
		m.must(t, exitDone, "schema", "--apply")
		random := rand.New(rand.NewPCG(killSeed, 2))
		noted := 0
		flags := []string{"--ingest=import", importAll, "--max-rows-per-second=15000"}
		for range 8 {
			p := m.start(t, "copy", flags...)
			ended := p.hasEnded(800*time.Millisecond + time.Duration(random.Int64N(int64(2*time.Second))))
			p.kill()
			<-p.ended
			if ended {
				break
			}
			// The note without a table is the trial's.
			if m.targetValue(t, "SELECT count(*) FROM _migrate.import WHERE table_name <> ''") != "0" {
				noted++
			}
		}
		if noted == 0 {
			t.Error("no kill met an import: the test proves nothing")
		}
		t.Logf("%d kills met an import", noted)
		if m.targetValue(t, "SELECT count(*) FROM _migrate.import WHERE table_name = ''") == "0" {
			// No kill met a trial: leave what one would.
			m.atTarget(t, "CREATE TABLE _migrate.import_probe_left (id INT8)", "INSERT INTO _migrate.import VALUES ('"+m.from+"', '', 'left')")
		}
		o := m.must(t, exitDone, "copy", "--ingest=import", importAll)
		compareAll(t, m, m.must(t, exitDone, "verify"))
		checkFinished(t, m, o)
		nothingLeftOfImports(t, m)
	})
}

// TestKilledImportCanBeCopied: another way takes over what an import left.
func TestKilledImportCanBeCopied(t *testing.T) {
	eachImporter(t, func(t *testing.T, target *sandbox.Server) {
		m := bigMove(t, target)
		m.must(t, exitDone, "schema", "--apply")
		p := m.start(t, "copy", "--ingest=import", importAll, "--max-rows-per-second=2000")
		for limit := time.Now().Add(time.Minute); m.targetValue(t, "SELECT count(*) FROM crdb_internal.jobs WHERE job_type = 'IMPORT' AND status = 'running' AND description LIKE '%"+m.to+"%big%'") == "0"; {
			if time.Now().After(limit) || p.hasEnded(20*time.Millisecond) {
				t.Fatalf("no import was seen running: %s", p.outcome(t))
			}
		}
		p.kill()
		<-p.ended
		o := m.must(t, exitDone, "run")
		if !strings.Contains(o.stderr, "was interrupted: the table is emptied") {
			t.Errorf("nothing is said of the interrupted import: %s", o)
		}
		compareAll(t, m, o)
	})
}

// TestImportNamesTheRowThatItRefuses: nothing stays of a table with a value
// that no policy allows.
func TestImportNamesTheRowThatItRefuses(t *testing.T) {
	eachImporter(t, func(t *testing.T, target *sandbox.Server) {
		m := newMove(t, target, "CREATE TABLE a (id INT PRIMARY KEY, d DATE)",
			"INSERT INTO a SELECT seq, IF(seq = 1700, '0000-00-00', '2020-01-01') FROM seq_1_to_3000")
		m.must(t, exitDone, "schema", "--apply", "--skip-scan")
		o := m.must(t, exitRefused, "copy", "--ingest=import", importAll)
		if !strings.Contains(o.stderr, "key (1700)") {
			t.Errorf("the row is not named: %s", o)
		}
		if n := countRows(t, m); n != 0 {
			t.Errorf("%d rows stayed", n)
		}
		m.atSource(t, "UPDATE a SET d = '2020-01-01' WHERE id = 1700")
		m.must(t, exitDone, "copy", "--ingest=import", importAll)
		compareAll(t, m, m.must(t, exitDone, "verify"))
	})
}

// TestImportFromAnAddressThatTheClusterCannotReach is refused by the trial.
func TestImportFromAnAddressThatTheClusterCannotReach(t *testing.T) {
	eachImporter(t, func(t *testing.T, target *sandbox.Server) {
		m := newMove(t, target, "CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
		m.must(t, exitDone, "schema", "--apply")
		o := m.must(t, exitRefused, "copy", "--ingest=import", importAll, "--import-address=no-such-host.invalid:39017")
		if !strings.Contains(o.stderr, "a trial import of two rows") || !strings.Contains(o.stderr, "--import-address") {
			t.Errorf("not refused as it should be: %s", o)
		}
		m.must(t, exitUsage, "copy", "--ingest=import", importAll, "--import-address=192.0.2.1")
		m.must(t, exitDone, "copy", "--ingest=import", importAll, "--import-address=127.0.0.1")
		compareAll(t, m, m.must(t, exitDone, "verify"))
	})
}
