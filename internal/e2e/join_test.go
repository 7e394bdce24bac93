package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

const (
	// sharedTables are enough for three processes to have something to do.
	sharedTables = 8
	// sharedRows is how many rows each of them has.
	sharedRows = 3000
)

// shareMove has such tables, the last one without a key.
func shareMove(t *testing.T, target *sandbox.Server) move {
	t.Helper()
	var statements []string
	for i := range sharedTables - 1 {
		statements = append(statements, fmt.Sprintf("CREATE TABLE t%d (id INT PRIMARY KEY, v VARCHAR(40), KEY (v))", i),
			fmt.Sprintf("INSERT INTO t%d SELECT seq, CONCAT('row ', seq) FROM seq_1_to_%d", i, sharedRows))
	}
	m := newMove(t, target, append(statements, "CREATE TABLE loose (a INT, v VARCHAR(40))",
		fmt.Sprintf("INSERT INTO loose SELECT seq %% 500, 'same' FROM seq_1_to_%d", sharedRows))...)
	m.must(t, exitDone, "schema", "--apply")
	return m
}

// joined starts a process that shares the copy, slowly enough to be met.
func (m move) joined(t *testing.T, flags ...string) *process {
	t.Helper()
	return m.start(t, "copy", append([]string{"--join", "--workers=2", "--chunk-rows=100", "--max-rows-per-second=1500"}, flags...)...)
}

// awaitOwners waits until so many processes have claimed something.
func (p *process) awaitOwners(t *testing.T, m move, n int) {
	t.Helper()
	if !p.awaitCount(t, m, "SELECT count(DISTINCT owner) FROM _migrate.claim", n) {
		t.Fatalf("it ended before %d processes shared the work: %s", n, p.outcome(t))
	}
}

func (o outcome) copied() int64 {
	sum := int64(0)
	for _, table := range o.tables() {
		if table.CopiedRows != nil {
			sum += *table.CopiedRows
		}
	}
	return sum
}

// TestJoin: three processes begin at once and share the work.
func TestJoin(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := shareMove(t, target)
		processes := []*process{m.joined(t), m.joined(t), m.joined(t)}
		processes[0].awaitOwners(t, m, len(processes))
		if o := m.should(t, exitRefused, "copy"); !strings.Contains(o.stderr, "--join") {
			t.Errorf("a process that does not join is refused without a word about joining: %s", o)
		}
		noFailureNoted(t, m)
		sum := int64(0)
		for i, p := range processes {
			o := p.outcome(t)
			if o.code != exitDone || o.copied() == 0 {
				t.Errorf("process %d copied %d rows: %s", i, o.copied(), o)
			}
			sum += o.copied()
		}
		if sum != sharedRows*sharedTables {
			t.Errorf("together they copied %d rows", sum)
		}
		checkFinished(t, m, m.must(t, exitDone, "copy", "--join"))
	})
}

// noFailureNoted: who is refused beside a copy says nothing about that copy.
func noFailureNoted(t *testing.T, m move) {
	t.Helper()
	if n := m.targetValue(t, "SELECT count(*) FROM _migrate.journal WHERE phase = 'copy' AND state <> 'running'"); n != "0" {
		t.Error("the copy is noted as broken off or ended while it runs")
	}
}

// TestJoinedProcessesDie: of three processes two are killed, one of them the
// leading one, and the third does all that is left.
func TestJoinedProcessesDie(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := shareMove(t, target)
		leader := m.joined(t)
		leader.awaitOwners(t, m, 1)
		victim, last := m.joined(t), m.joined(t)
		last.awaitOwners(t, m, 3)
		victim.kill()
		leader.kill()
		done := last.outcome(t)
		if done.code != exitDone {
			t.Fatalf("the last one: %s", done)
		}
		for _, p := range []*process{victim, leader} {
			if !strings.Contains(done.stderr, goneWords(t, p)) {
				t.Errorf("nothing is said of the end of process %d: %s", p.cmd.Process.Pid, done)
			}
		}
		if rows := countRows(t, m); rows != sharedRows*sharedTables {
			t.Errorf("%d rows", rows)
		}
		checkFinished(t, m, done)
	})
}

// goneWords is what is said when a process's work is taken over.
func goneWords(t *testing.T, p *process) string {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("process %d on %s is gone", p.cmd.Process.Pid, host)
}

// TestJoinOfAnotherView: the source is written to before the second process
// comes. It is refused, unless chunks of a later moment are welcome, and the
// report says so.
func TestJoinOfAnotherView(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := shareMove(t, target)
		first := m.joined(t)
		first.awaitOwners(t, m, 1)
		m.atSource(t, "CREATE TABLE elsewhere (a INT)", "DROP TABLE elsewhere")
		refused := m.should(t, exitRefused, "copy", "--join")
		if !strings.Contains(refused.stderr, "--join=newer") || !strings.Contains(refused.stderr, "written to") {
			t.Errorf("the refusal does not explain itself: %s", refused)
		}
		noFailureNoted(t, m)
		second := m.joined(t, "--join=newer")
		one, two := first.outcome(t), second.outcome(t)
		if one.code != exitDone || two.code != exitDone || two.copied() == 0 || one.copied()+two.copied() != sharedRows*sharedTables {
			t.Errorf("%d and %d rows: %s\n%s", one.copied(), two.copied(), one, two)
		}
		for _, o := range []outcome{one, two} {
			if !strings.Contains(o.rawReport, "several positions") {
				t.Errorf("the report does not tell of two moments: %s", o.rawReport)
			}
		}
		m.must(t, exitDone, "verify")
	})
}
