package copy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

var errCrash = errors.New("the process dies here")

func setup(keys ...[]int) (*schema.Mapping, *fakeSource, *fakeTarget) {
	m, rows := numbered("t", keys...)
	return m, &fakeSource{rows: map[string][]row.Row{"t": rows}, order: len(m.Key)}, newFakeTarget()
}

func run(t *testing.T, m *schema.Mapping, src Source, dst *fakeTarget, cfg Config) ([]TableResult, error) {
	t.Helper()
	cfg.Lease.Job = "j"
	if cfg.Lease.Owner == "" {
		cfg.Lease.Owner = "me"
	}
	return Run(t.Context(), src, dst, []*schema.Mapping{m}, cfg)
}

func mustArrive(t *testing.T, src *fakeSource, dst *fakeTarget) {
	t.Helper()
	if diff := cmp.Diff(wanted(src.rows["t"]), dst.lines("t")); diff != "" {
		t.Errorf("the target does not hold the source's rows (-want +got):\n%s", diff)
	}
}

func TestRun(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 6, 7} {
		m, src, dst := setup(sequence(n)...)
		src.at = "p1"
		var moved int64
		var mu sync.Mutex
		results, err := run(t, m, src, dst, Config{ChunkRows: 3, Events: event.SinkFunc(func(e event.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Kind == event.RowsMoved {
				moved += e.Rows
			}
		})})
		if err != nil {
			t.Fatal(err)
		}
		mustArrive(t, src, dst)
		want := TableResult{
			Table: "t", Rows: int64(n), Chunks: (n-1)/3 + 1, Copied: int64(n), Positions: []string{"p1"},
			Bytes: int64(len(strings.Join(wanted(src.rows["t"]), "\n")) + 1), Elapsed: results[0].Elapsed,
		}
		if diff := cmp.Diff([]TableResult{want}, results); diff != "" {
			t.Errorf("%d rows (-want +got):\n%s", n, diff)
		}
		if moved != int64(n) {
			t.Errorf("%d rows: the events tell of %d", n, moved)
		}
		again, err := run(t, m, src, dst, Config{ChunkRows: 3})
		if err != nil || again[0].Rows != int64(n) || again[0].Copied != 0 || src.reads != 1 {
			t.Errorf("a second run: %+v, %v, %d reads", again, err, src.reads)
		}
		recalled, err := Recall(t.Context(), dst, "j", []*schema.Mapping{m})
		if err != nil || recalled[0].Rows != int64(n) || src.reads != 1 {
			t.Errorf("recalled %+v, %v", recalled, err)
		}
	}
}

func TestEmptyTable(t *testing.T) {
	m, src, dst := setup([]int{1})
	src.rows["t"] = nil
	results, err := run(t, m, src, dst, Config{})
	if err != nil || results[0].Rows != 0 || results[0].Chunks != 1 {
		t.Fatalf("%+v, %v", results, err)
	}
	if _, err := run(t, m, src, dst, Config{}); err != nil || src.reads != 1 {
		t.Errorf("an empty table is not remembered as done: %v, %d reads", err, src.reads)
	}
}

// TestCrash: whichever side of a commit the process dies on, the next run
// neither repeats nor misses a row.
func TestCrash(t *testing.T) {
	for _, when := range []string{"before commit", "after commit", "while reading"} {
		for at := range 4 {
			t.Run(fmt.Sprintf("%s %d", when, at), func(t *testing.T) {
				m, src, dst := setup(sequence(10)...)
				n := 0
				crash := func([]byte) error {
					if n++; n == at+1 {
						return errCrash
					}
					return nil
				}
				switch when {
				case "before commit":
					dst.beforeCommit = crash
				case "after commit":
					dst.afterCommit = crash
				default:
					src.onRow = func(string, int) error { return crash(nil) }
				}
				if _, err := run(t, m, src, dst, Config{ChunkRows: 3}); !errors.Is(err, errCrash) {
					t.Fatalf("got %v", err)
				}
				dst.beforeCommit, dst.afterCommit, src.onRow = nil, nil, nil
				if _, err := run(t, m, src, dst, Config{ChunkRows: 2}); err != nil {
					t.Fatal(err)
				}
				mustArrive(t, src, dst)
			})
		}
	}
}

// TestUnknownOutcome: after a broken commit the checkpoint decides, both ways.
func TestUnknownOutcome(t *testing.T) {
	for _, committed := range []bool{true, false} {
		for name, ambiguous := range map[string]error{
			"broken connection": &retry.AmbiguousError{Err: io.ErrUnexpectedEOF}, "40003": stateError("40003"),
		} {
			t.Run(fmt.Sprintf("committed %v %s", committed, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m, src, dst := setup(sequence(10)...)
					failures := 0
					hook := func([]byte) error {
						if failures++; failures <= 2 {
							return ambiguous
						}
						return nil
					}
					if committed {
						dst.afterCommit = hook
					} else {
						dst.beforeCommit = hook
					}
					retried := 0
					results, err := run(t, m, src, dst, Config{ChunkRows: 3, Workers: 1, Events: event.SinkFunc(func(e event.Event) {
						if e.Kind == event.Retried {
							retried++
						}
					})})
					if err != nil {
						t.Fatal(err)
					}
					mustArrive(t, src, dst)
					if results[0].Copied != 10 || retried != 2 {
						t.Errorf("copied %d, told of %d retries", results[0].Copied, retried)
					}
					if wantWrites := map[bool]int{true: 4, false: 6}[committed]; dst.writes != wantWrites {
						t.Errorf("%d writes, want %d", dst.writes, wantWrites)
					}
				})
			})
		}
	}
}

func TestRetryable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := setup(sequence(10)...)
		n := 0
		dst.beforeCommit = func([]byte) error {
			if n++; n%3 != 0 {
				return stateError("40001")
			}
			return nil
		}
		if _, err := run(t, m, src, dst, Config{ChunkRows: 3}); err != nil {
			t.Fatal(err)
		}
		mustArrive(t, src, dst)
	})
}

// TestGivesUp: a target that stays away ends the run, in bounded time.
func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := setup(sequence(10)...)
		dst.beforeCommit = func([]byte) error { return io.ErrUnexpectedEOF }
		started := time.Now()
		_, err := run(t, m, src, dst, Config{RetryFor: 10 * time.Second})
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "attempts") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(started); took > 10*time.Second || took < 5*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// TestSecondProcess: two runs of one job must not both write a chunk.
func TestSecondProcess(t *testing.T) {
	m, src, dst := setup(sequence(10)...)
	n := 0
	src.onRow = func(string, int) error {
		if n++; n == 5 {
			// The other process finishes the table meanwhile.
			other := &fakeSource{rows: src.rows, order: 1}
			if _, err := run(t, m, other, dst, Config{ChunkRows: 4}); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := run(t, m, src, dst, Config{ChunkRows: 20}); !errors.Is(err, checkpoint.ErrTaken) {
		t.Errorf("got %v", err)
	}
	mustArrive(t, src, dst)
}

// TestRefusedRow: the message names the one row of the chunk that the server
// does not take, wherever it stands.
func TestRefusedRow(t *testing.T) {
	for _, bad := range []int{1, 2, 6, 7, 12, 13} {
		for _, code := range []string{"22003", "23514"} {
			m, src, dst := setup(sequence(13)...)
			dst.refuses = func(line string) error {
				if strings.HasPrefix(line, strconv.Itoa(bad)+"\t") {
					return stateError(code)
				}
				return nil
			}
			_, err := run(t, m, src, dst, Config{ChunkRows: 6})
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("key (%d)", bad)) {
				t.Errorf("row %d: got %v", bad, err)
			}
			if fault.ClassOf(err) != fault.Refused || fault.HintOf(err) == "" || retry.SQLState(err) != code {
				t.Errorf("class %v, hint %q, state %q", fault.ClassOf(err), fault.HintOf(err), retry.SQLState(err))
			}
			dst.refuses = nil
			if _, err := run(t, m, src, dst, Config{}); err != nil {
				t.Fatal(err)
			}
			mustArrive(t, src, dst)
		}
	}
}

// TestRefusedRecord: when it is not a row that the server refuses, no row may
// be blamed.
func TestRefusedRecord(t *testing.T) {
	for _, n := range []int{0, 1, 5} {
		m, src, dst := setup(sequence(5)...)
		src.rows["t"] = src.rows["t"][:n]
		dst.beforeCommit = func([]byte) error { return stateError("23505") }
		_, err := run(t, m, src, dst, Config{})
		if retry.SQLState(err) != "23505" || strings.Contains(err.Error(), "key") {
			t.Errorf("%d rows: got %v", n, err)
		}
	}
}

// TestUnwritableCell: a cell that the encoder refuses is named with its row.
func TestUnwritableCell(t *testing.T) {
	m, src, dst := setup(sequence(5)...)
	src.rows["t"][3][1] = []byte("unwritable")
	_, err := run(t, m, src, dst, Config{ChunkRows: 2})
	if err == nil || !strings.Contains(err.Error(), "column v in the row with key (4): cannot be written") {
		t.Errorf("got %v", err)
	}
	if fault.ClassOf(err) != fault.Refused || fault.HintOf(err) != "mend it" {
		t.Errorf("class %v, hint %q", fault.ClassOf(err), fault.HintOf(err))
	}
}

// TestPlanningIsRepeated: every statement of the transactions around a copy may
// fail with a serialisation error, at its first attempt, and nothing is lost.
func TestPlanningIsRepeated(t *testing.T) {
	for at := 1; ; at++ {
		m, src, dst := setup(sequence(10)...)
		n := 0
		dst.onStatement = func(string) error {
			if n++; n == at {
				return stateError("40001")
			}
			return nil
		}
		results, err := run(t, m, src, dst, Config{ChunkRows: 3})
		if err != nil {
			t.Fatal(err)
		}
		mustArrive(t, src, dst)
		if results[0].Rows != 10 || results[0].Chunks != 4 {
			t.Errorf("statement %d: got %+v", at, results[0])
		}
		if n < at {
			return
		}
	}
}

// TestCancelled: Run returns soon and leaves no goroutine (goleak sees to that).
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := setup(sequence(1000)...)
		ctx, cancel := context.WithCancel(t.Context())
		dst.afterCommit = func([]byte) error {
			if dst.writes == 3 {
				cancel()
			}
			return nil
		}
		failed := &failures{}
		cfg := Config{Lease: checkpoint.Lease{Job: "j"}, ChunkRows: 3, Events: failed}
		if _, err := Run(ctx, src, dst, []*schema.Mapping{m}, cfg); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if tables := failed.list(); len(tables) > 0 {
			t.Errorf("%q were only stopped, and are said to have failed", tables)
		}
		dst.afterCommit = nil
		if got := len(dst.lines("t")); got < 9 || got == 1000 {
			t.Errorf("%d rows after the third chunk", got)
		}
		if _, err := run(t, m, src, dst, Config{}); err != nil {
			t.Fatal(err)
		}
		mustArrive(t, src, dst)
	})
}

// TestCancelledWhileAway: also while it waits for a target that is away.
func TestCancelledWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := setup(sequence(10)...)
		dst.beforeCommit = func([]byte) error { return io.ErrUnexpectedEOF }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		if _, err := Run(ctx, src, dst, []*schema.Mapping{m}, Config{Lease: checkpoint.Lease{Job: "j"}, RetryFor: time.Hour}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(started); took > time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// TestSeveralTables: an error of one ends all, and the next run finishes them.
func TestSeveralTables(t *testing.T) {
	dst := newFakeTarget()
	src := &fakeSource{rows: map[string][]row.Row{}, order: 1}
	var mappings []*schema.Mapping
	for i := range 6 {
		m, rows := numbered("t"+strconv.Itoa(i), sequence(20+i)...)
		m.Source = &schema.Table{EstimatedBytes: int64(i)}
		mappings = append(mappings, m)
		src.rows[m.SourceName] = rows
	}
	src.onRow = func(table string, n int) error {
		if table == "t2" && n == 10 {
			return errCrash
		}
		return nil
	}
	failed := &failures{}
	cfg := Config{Lease: checkpoint.Lease{Job: "j"}, ChunkRows: 4, Workers: 2, Events: failed}
	if _, err := Run(t.Context(), src, dst, mappings, cfg); !errors.Is(err, errCrash) || !strings.Contains(err.Error(), "copy t2") {
		t.Fatalf("got %v", err)
	}
	if tables := failed.list(); !slices.Equal(tables, []string{"t2"}) {
		t.Errorf("%q are said to have failed", tables)
	}
	src.onRow = nil
	results, err := Run(t.Context(), src, dst, mappings, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if want := "t" + strconv.Itoa(5-i); r.Table != want {
			t.Errorf("result %d is %s's, want %s's: large tables come first", i, r.Table, want)
		}
		if diff := cmp.Diff(wanted(src.rows[r.Table]), dst.lines(r.Table)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.Table, diff)
		}
	}
}
