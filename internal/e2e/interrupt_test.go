package e2e

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"
	"time"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// killSeed makes the moments of the kills the same in every run, as far as
// the machine allows.
const killSeed = 7

var (
	saysContinue = regexp.MustCompile(`(?i)continue|resume|again`)
	saysFinished = regexp.MustCompile(`(?i)finished|nothing to|already|complete|done`)
)

// TestKilledCopyContinues kills the copy at random moments and starts it again
// until it is done.
func TestKilledCopyContinues(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := move{source: legacySource(t), target: target, from: sharedBank(t), to: sandboxtest.NewDatabase(t, target)}
		m.must(t, exitDone, "schema", "--apply")
		random := rand.New(rand.NewPCG(killSeed, 1))
		const kills = 4
		midway, before := 0, 0
		for range kills {
			p := m.start(t, "copy", smallChunks)
			// A kill that waits for rows meets a copy on every machine; the
			// moment within a chunk is still anybody's guess.
			if !p.awaitCommitted(t, m, before+1) {
				if o := p.outcome(t); o.code != exitDone {
					t.Fatalf("a continued copy fails: %s", o)
				}
				break
			}
			p.hasEnded(time.Duration(random.Int64N(int64(100 * time.Millisecond))))
			p.kill()
			<-p.ended
			after := countRows(t, m)
			if after <= before {
				t.Errorf("%d rows after the kill, %d at the last one", after, before)
			}
			midway++
			before = after
		}
		if midway < 2 {
			t.Errorf("only %d kills met a copy that had moved rows: the test proves nothing", midway)
		}
		t.Logf("%d kills met a copy that moved rows", midway)
		o := m.must(t, exitDone, "copy", smallChunks)
		checkFinished(t, m, o)
	})
}

// checkFinished compares everything and calls copy once more, which must
// change nothing.
func checkFinished(t *testing.T, m move, o outcome) {
	t.Helper()
	verified := m.must(t, exitDone, "verify")
	compareAll(t, m, verified)
	rows := countRows(t, m)
	again := m.must(t, exitDone, "copy", smallChunks)
	if !saysFinished.MatchString(again.stdout + again.stderr) {
		t.Errorf("a copy with nothing to do does not say so: %s", again)
	}
	if got := countRows(t, m); got != rows {
		t.Errorf("%d rows after another copy, %d before", got, rows)
	}
	m.must(t, exitDone, "verify")
	if t.Failed() {
		t.Logf("the copy that finished: %s", o)
	}
}

// TestInterruptedCopyStops sends what Ctrl-C sends.
func TestInterruptedCopyStops(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := bigMove(t, target)
		m.must(t, exitDone, "schema", "--apply")
		p := m.start(t, "copy", "--chunk-rows=100", "--workers=2")
		if !p.awaitRows(t, m, "big", 500) {
			t.Fatalf("the copy ended before it could be interrupted: %s", p.outcome(t))
		}
		if err := interrupt(p); err != nil {
			t.Fatal(err)
		}
		const patience = 5 * time.Second
		if !p.hasEnded(patience) {
			t.Fatalf("the command still runs %v after the interrupt", patience)
		}
		o := p.outcome(t)
		if o.code == exitDone || p.killedBySignal() {
			t.Errorf("want an exit code of its own that is not 0: %s", o)
		}
		if !saysContinue.MatchString(o.stderr) {
			t.Errorf("it does not say how to continue: %s", o)
		}
		if rows := countRows(t, m); rows >= bigRows*2 {
			t.Errorf("all %d rows were there already: the test proves nothing", rows)
		}
		m.must(t, exitDone, "copy")
		compareAll(t, m, m.must(t, exitDone, "verify"))
	})
}

// bigRows is the number of rows of each table of a bigMove.
const bigRows = 15_000

// bigMove has two plain tables, one without a key.
func bigMove(t *testing.T, target *sandbox.Server) move {
	t.Helper()
	return newMove(t, target,
		"CREATE TABLE big (id INT PRIMARY KEY, v VARCHAR(40))", "INSERT INTO big SELECT seq, CONCAT('row ', seq) FROM seq_1_to_15000",
		"CREATE TABLE loose (a INT, v VARCHAR(40))", "INSERT INTO loose SELECT seq % 500, 'same' FROM seq_1_to_15000")
}

// TestChangedSourceIsRefused alters a table between two starts.
func TestChangedSourceIsRefused(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := bigMove(t, target)
		m.must(t, exitDone, "schema", "--apply")
		p := m.start(t, "copy", "--chunk-rows=100")
		if !p.awaitRows(t, m, "big", 500) {
			t.Fatalf("the copy ended before it could be killed: %s", p.outcome(t))
		}
		p.kill()
		<-p.ended
		m.atSource(t, "ALTER TABLE big ADD COLUMN later INT DEFAULT 5")
		rows := countRows(t, m)
		o := m.should(t, exitRefused, "copy")
		if got := countRows(t, m); got != rows {
			t.Errorf("a refused copy changed %d rows to %d", rows, got)
		}
		if said := o.stdout + o.stderr; !regexp.MustCompile(`\bbig\b|later`).MatchString(said) {
			t.Errorf("the refusal names neither the table nor the column: %s", o)
		}
		m.atSource(t, "ALTER TABLE big DROP COLUMN later")
		m.must(t, exitDone, "copy")
		compareAll(t, m, m.must(t, exitDone, "verify"))
	})
}

// TestTwoCopiesAtOnce starts the command twice, as two people in a hurry do.
// Either may fail; no row may arrive twice
// or be left out once a copy says that it is done.
func TestTwoCopiesAtOnce(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := bigMove(t, target)
		m.must(t, exitDone, "schema", "--apply")
		first, second := m.start(t, "copy", smallChunks), m.start(t, "copy", smallChunks)
		one, two := first.outcome(t), second.outcome(t)
		m.must(t, exitDone, "copy", smallChunks)
		compareAll(t, m, m.should(t, exitDone, "verify"))
		if t.Failed() {
			t.Logf("the two copies: %s\n%s", one, two)
		}
	})
}

// TestServersDie kills the target and then the source in the middle of a copy.
// The servers are the test's own: others must not feel it.
func TestServersDie(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, shared *sandbox.Server) {
		t.Parallel()
		source, err := sandbox.StartSource(t.Context(), sandbox.Options{Durable: true})
		if err != nil {
			t.Fatal(err)
		}
		stopAtEnd(t, source)
		target, err := sandbox.StartTarget(t.Context(), shared.Kind(), sandbox.Options{Durable: true})
		if err != nil {
			t.Fatal(err)
		}
		stopAtEnd(t, target)
		fillBank(t, source, "bank", bankRows/3)
		if err := target.Exec(t.Context(), "", "CREATE DATABASE bank"); err != nil {
			t.Fatal(err)
		}
		m := move{source: source, target: target, from: "bank", to: "bank"}
		m.must(t, exitDone, "schema", "--apply")
		midway := 0
		for i, victim := range []*sandbox.Server{target, source} {
			p := m.start(t, "copy", smallChunks)
			if p.hasEnded(time.Duration(400+100*i) * time.Millisecond) {
				if o := p.outcome(t); o.code != exitDone {
					t.Fatalf("a continued copy fails: %s", o)
				}
				break
			}
			midway++
			if err := victim.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := victim.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			// It may wait for the server and go on, or end and say so.
			if o := p.outcome(t); o.code != exitDone && o.stderr == "" {
				t.Errorf("the copy ended without a word when %s died: %s", victim, o)
			}
		}
		if midway == 0 {
			t.Error("no server was killed during a copy: the test proves nothing")
		}
		checkFinished(t, m, m.must(t, exitDone, "copy", smallChunks))
	})
}

func stopAtEnd(t *testing.T, server *sandbox.Server) {
	t.Helper()
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestKeysThatTheServerSorts kills copies of tables whose keys the server does
// not list in the order that it compares by: going on in the middle of one would
// lose rows and double others.
func TestKeysThatTheServerSorts(t *testing.T) {
	const rows = 4000
	long := "CONCAT(REPEAT('x', 1500), LPAD((seq * 7919) % 30011, 6, '0'))"
	for name, table := range map[string]struct{ ddl, values string }{
		"beginnings": {"(a LONGTEXT NOT NULL, b INT NOT NULL, PRIMARY KEY (a(5), b))", long + ", (seq * 104729) % 1000003"},
		"hashes":     {"(a TEXT NOT NULL UNIQUE, b INT)", long + ", seq"},
		"padding":    {"(a CHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin PRIMARY KEY, b INT)", "CONCAT('k', seq DIV 2, IF(seq % 2, '\t', '')), seq"},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "beginnings" && legacySource(t).Kind() == sandbox.MySQL {
				t.Skip("MySQL has no such key")
			}
			m := newMove(t, sandboxtest.Target(t), "CREATE TABLE sorted "+table.ddl, fmt.Sprintf("INSERT INTO sorted SELECT %s FROM seq_1_to_%d", table.values, rows))
			m.must(t, exitDone, "schema", "--apply")
			p := m.start(t, "copy", "--chunk-rows=100", "--max-rows-per-second=2000")
			if !p.awaitRows(t, m, "sorted", 500) {
				t.Fatalf("the copy ended before it could be killed: %s", p.outcome(t))
			}
			p.kill()
			<-p.ended
			m.must(t, exitDone, "copy", "--chunk-rows=100")
			if n := countRows(t, m); n != rows {
				t.Errorf("%d rows of %d", n, rows)
			}
			m.must(t, exitDone, "verify")
		})
	}
}
