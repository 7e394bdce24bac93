package progress

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mattn/go-runewidth"
	"go.uber.org/goleak"

	"leap/internal/event"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is a buffer that may be read while others write.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// wait lets time pass in a bubble until everybody has noticed.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func ev(kind event.Kind, table string, rows int64) event.Event {
	e := event.Event{Kind: kind, Phase: "copy", Table: table, Rows: rows}
	if kind == event.TablePlanned {
		e.Rows, e.TotalRows = 0, rows
	}
	return e
}

// migration plays a run of three phases with all that can happen in it.
func migration(d event.Sink) {
	d.Emit(event.Event{Kind: event.PhaseStarted, Phase: "assess"})
	d.Emit(event.Event{Kind: event.Warned, Phase: "assess", Message: "trigger audit_ins\nwill not exist"})
	wait(1200 * time.Millisecond)
	d.Emit(event.Event{Kind: event.PhaseFinished, Phase: "assess", Elapsed: 1200 * time.Millisecond})

	d.Emit(event.Event{Kind: event.PhaseStarted, Phase: "copy"})
	for table, rows := range map[string]int64{"accounts": 40_000, "transactions": 500_000, "notes": 0, "old": 70} {
		d.Emit(ev(event.TablePlanned, table, rows))
	}
	d.Emit(event.Event{Kind: event.Step, Message: "snapshot taken at bin.000003:4711"})
	d.Emit(ev(event.TableFinished, "old", 70)) // by an earlier run
	d.Emit(ev(event.TableStarted, "transactions", 100_000))
	wait(100 * time.Millisecond)
	d.Emit(ev(event.TableStarted, "accounts", 0))
	for range 5 {
		wait(500 * time.Millisecond)
		d.Emit(ev(event.RowsMoved, "accounts", 10_000)) // the estimate was too low
	}
	d.Emit(ev(event.TableFinished, "accounts", 50_000))
	d.Emit(ev(event.TableStarted, "notes", 0))
	for range 40 {
		wait(500 * time.Millisecond)
		d.Emit(ev(event.RowsMoved, "transactions", 9_000))
		d.Emit(ev(event.RowsMoved, "notes", 100))
	}
	for range 100 {
		d.Emit(event.Event{Kind: event.Retried, Phase: "copy", Table: "notes", Message: "restart transaction (40001)"})
	}
	wait(40 * time.Second) // stalled
	d.Emit(event.Event{Kind: event.TableFailed, Phase: "copy", Table: "notes", Message: "row 7: \x1b[2Jbad value"})
	d.Emit(ev(event.TableFinished, "transactions", 460_000))
	d.Emit(event.Event{Kind: event.PhaseFinished, Phase: "copy"})

	d.Emit(event.Event{Kind: event.PhaseStarted, Phase: "verify"})
	d.Emit(event.Event{Kind: event.TablePlanned, Phase: "verify", Table: "accounts", TotalRows: 50_000})
	d.Emit(event.Event{Kind: event.RowsMoved, Phase: "verify", Table: "accounts", Rows: 20_000})
	wait(2100 * time.Millisecond) // and interrupted
}

func TestPlain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out log
		d := New(&out, Options{})
		migration(d)
		d.Close()
		d.Close()
		d.Emit(event.Event{Kind: event.Warned, Message: "too late"})
		golden(t, "plain.txt", out.String())
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPlainKeepsTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out log
		d := New(&out, Options{Interval: 3 * time.Second})
		d.Emit(ev(event.TablePlanned, "a", 1_000_000))
		for range 1000 {
			wait(30 * time.Millisecond)
			d.Emit(ev(event.RowsMoved, "a", 1_000))
		}
		before := strings.Count(out.String(), "\n")
		d.Close()
		// 30 s, of which the first 3 and the last instant have no line.
		if before < 8 || before > 10 {
			t.Errorf("%d lines in 30 s at an interval of 3 s:\n%s", before, out.String())
		}
	})
}

// escapes are the cursor movements between two pictures.
var escapes = regexp.MustCompile(`\x1b\[[0-9]*[A-Z]`)

func TestBars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out log
		d := New(&out, Options{Terminal: true, Width: 80})
		migration(d)
		d.Close()
		text := out.String()
		if rest := escapes.ReplaceAllString(text, ""); strings.ContainsAny(rest, "\x1b\r") {
			t.Error("control characters besides cursor movements")
		}
		longest := 0
		for l := range strings.SplitSeq(escapes.ReplaceAllString(text, ""), "\n") {
			if strings.Contains(l, "rows/s  ") && strings.Contains(l, "ETA") && runewidth.StringWidth(l) > 80 {
				t.Fatalf("%d columns: %q", runewidth.StringWidth(l), l)
			}
			longest = max(longest, runewidth.StringWidth(l))
		}
		if longest < 80 {
			t.Errorf("the longest line has %d columns: no bars?", longest)
		}
		for _, want := range []string{
			"assess  warning: trigger audit_ins will not exist\n",
			"copy  accounts  done: 50,000 rows in 2.5s  20,000 rows/s\n",
			"copy  notes  failed: row 7: ?[2Jbad value\n",
			"copy  ended: 3 of 4 tables, 1 failed, 514,070 rows",
			"copy  notes  retried 99 times, last: restart transaction (40001)\n",
			"verify  stopped at 0 of 1 tables, 20,000 of ~50,000 rows (40 %), after 2.1s\n",
		} {
			if n := strings.Count(text, want); n != 1 {
				t.Errorf("%q appears %d times, want once", want, n)
			}
		}
		if !regexp.MustCompile(`\n  transactions +\[=+>-+\] +\d\d %  +[0-9,k]+ rows/s  +\d+s  ETA \d+s `).MatchString(text) {
			t.Error("no bar of transactions")
		}
		if !regexp.MustCompile(`copy 2/4 +\[`).MatchString(text) {
			t.Error("no bar of the phase")
		}
	})
}

func TestBarsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out log
		d := New(&out, Options{Terminal: true, Width: 60})
		for i := range 10 {
			d.Emit(ev(event.TablePlanned, "t"+strconv.Itoa(i), 100))
			d.Emit(ev(event.TableStarted, "t"+strconv.Itoa(i), 0))
		}
		wait(time.Second)
		if got := lastPicture(out.String()); len(got) != maxBars+1 || !strings.HasPrefix(got[0], "  t0 ") {
			t.Errorf("%d lines:\n%s", len(got), strings.Join(got, "\n"))
		}
		d.Emit(ev(event.TableFinished, "t0", 100))
		wait(time.Second)
		got := lastPicture(out.String())
		if len(got) != maxBars+1 || !strings.HasPrefix(got[0], "  t1 ") || !strings.HasPrefix(got[5], "  t6 ") ||
			!strings.HasPrefix(got[6], "copy 1/10 ") {
			t.Errorf("%d lines:\n%s", len(got), strings.Join(got, "\n"))
		}
		d.Close()
		if got := lastPicture(out.String()); len(got) > 1 {
			t.Errorf("left on the screen: %q", got)
		}
	})
}

// lastPicture returns the lines after the last cursor movement.
func lastPicture(text string) []string {
	if at := escapes.FindAllStringIndex(text, -1); len(at) > 0 {
		text = text[at[len(at)-1][1]:]
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// stuck is a writer that hangs until it is let go.
type stuck struct {
	log
	gate chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.gate
	return s.log.Write(p)
}

func TestEmitDoesNotWaitForTheWriter(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			out := &stuck{gate: make(chan struct{})}
			d := New(out, Options{Terminal: terminal})
			const workers, each = 8, 5_000
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for range each {
						d.Emit(ev(event.RowsMoved, "a", 3))
						d.Emit(event.Event{Kind: event.Step, Phase: "copy", Message: "step"})
					}
				})
			}
			wg.Wait() // would never return if Emit waited
			d.Emit(event.Event{Kind: event.Warned, Phase: "copy", Message: "precious"})
			d.Emit(event.Event{Kind: event.TableFinished, Phase: "copy", Table: "a"})
			close(out.gate)
			d.Close()
			text := out.String()
			if !strings.Contains(text, "done: 120,000 rows") {
				t.Errorf("terminal %t: rows are lost", terminal)
			}
			if !strings.Contains(text, "warning: precious\n") {
				t.Errorf("terminal %t: the warning is lost", terminal)
			}
			told := strings.Count(text, "  step\n")
			for _, m := range regexp.MustCompile(`\(([0-9,]+) more messages`).FindAllStringSubmatch(text, -1) {
				n, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
				if err != nil {
					t.Fatal(err)
				}
				told += n
			}
			if told != workers*each {
				t.Errorf("terminal %t: %d steps are told or counted, want %d", terminal, told, workers*each)
			}
		})
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestABrokenWriterStopsNothing(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		synctest.Test(t, func(*testing.T) {
			d := New(broken{}, Options{Terminal: terminal})
			migration(d)
			d.Close()
		})
	}
}

func TestConcurrentEmitAndClose(*testing.T) {
	for _, d := range []interface {
		event.Sink
		Close()
	}{New(io.Discard, Options{}), New(io.Discard, Options{Terminal: true}), NewJSONLines(io.Discard)} {
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 500 {
					d.Emit(ev(event.TableStarted, strconv.Itoa(w), 0))
					d.Emit(ev(event.RowsMoved, strconv.Itoa(w), 5))
					d.Emit(event.Event{Kind: event.Retried, Phase: "copy", Table: strconv.Itoa(w), Message: "again"})
					if i%50 == 0 {
						d.Emit(ev(event.TableFinished, strconv.Itoa(w), 0))
					}
				}
			})
		}
		wg.Go(d.Close)
		wg.Wait()
		d.Close()
	}
}
