package copy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/row"
	"leap/internal/schema"
)

// leave takes a process out of the job, as checkpoint.Release does.
func (t *fakeTarget) leave(owner string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data.gone[owner] = true
	for id, who := range t.data.claims {
		if who == owner {
			delete(t.data.claims, id)
		}
	}
}

// several makes tables of ten rows.
func several(n int) ([]*schema.Mapping, *fakeSource) {
	src := &fakeSource{rows: map[string][]row.Row{}, order: 1}
	var tables []*schema.Mapping
	for i := range n {
		m, rows := numbered(fmt.Sprintf("t%d", i), sequence(10)...)
		src.rows[m.Name] = rows
		tables = append(tables, m)
	}
	return tables, src
}

func owner(name string, rows *int64) Config {
	var mu sync.Mutex
	return Config{Workers: 2, ChunkRows: 3, Lease: checkpoint.Lease{Job: "j", Owner: name}, Events: event.SinkFunc(func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == event.RowsMoved {
			*rows += e.Rows
		}
	})}
}

func mustHold(t *testing.T, src *fakeSource, dst *fakeTarget, tables []*schema.Mapping) {
	t.Helper()
	for _, m := range tables {
		if diff := cmp.Diff(wanted(src.rows[m.Name]), dst.lines(m.Name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", m.Name, diff)
		}
	}
}

// TestShared: processes at once copy each segment once, and each returns when
// all is there and has told of all the rows.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tables, src := several(7)
		src.onRow = func(string, int) error { time.Sleep(10 * time.Millisecond); return nil } //nolint:forbidigo // the bubble's clock
		dst := newFakeTarget()
		// Divided by whoever leads, before the others come.
		for _, m := range tables {
			dst.data.segments = append(dst.data.segments, checkpoint.Segment{Table: m.Name})
		}
		results := make([][]TableResult, 3)
		told := make([]int64, len(results))
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				var err error
				results[i], err = Run(t.Context(), src, dst, tables, owner(fmt.Sprint("p", i), &told[i]))
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		mustHold(t, src, dst, tables)
		moved := int64(0)
		for i, list := range results {
			own := int64(0)
			for _, r := range list {
				own += r.Copied
				if r.Rows != 10 {
					t.Errorf("process %d: %s has %d rows", i, r.Table, r.Rows)
				}
			}
			if own == 0 || told[i] != 70 {
				t.Errorf("process %d moved %d rows and told of %d", i, own, told[i])
			}
			moved += own
		}
		if moved != 70 || src.reads != len(tables) {
			t.Errorf("%d rows moved, %d reads", moved, src.reads)
		}
	})
}

// TestTakenOver: what a dead process had claimed another one continues, at the
// row where it ended, or from the beginning where there is no order; and the
// dead one, should it wake up, writes nothing.
func TestTakenOver(t *testing.T) {
	for _, order := range []int{0, 1} {
		t.Run(fmt.Sprint("order ", order), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tables, src := several(1)
				src.order = order
				dst := newFakeTarget()
				asleep := make(chan struct{})
				src.onRow = func(_ string, n int) error {
					if n == 7 {
						<-asleep
					}
					return nil
				}
				var told, ignored int64
				var sleeper error
				var wg sync.WaitGroup
				wg.Go(func() { _, sleeper = Run(t.Context(), src, dst, tables, owner("sleeper", &ignored)) })
				synctest.Wait() // it sleeps with two chunks written
				awake := &fakeSource{rows: src.rows, order: order}
				var results []TableResult
				var err error
				wg.Go(func() { results, err = Run(t.Context(), awake, dst, tables, owner("other", &told)) })
				time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
				if awake.reads != 0 {
					t.Error("it read what another process has claimed")
				}
				dst.leave("sleeper")
				time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
				close(asleep)
				wg.Wait()
				if err != nil || !errors.Is(sleeper, checkpoint.ErrLeaseLost) {
					t.Fatalf("%v; the sleeper: %v", err, sleeper)
				}
				mustHold(t, src, dst, tables)
				if want := []int64{10, 4}[order]; results[0].Rows != 10 || results[0].Copied != want {
					t.Errorf("%+v, want %d copied", results[0], want)
				}
			})
		})
	}
}

// TestStrangerCannotClaim: a process that was taken out claims nothing new.
func TestStrangerCannotClaim(t *testing.T) {
	tables, src := several(2)
	dst := newFakeTarget()
	dst.leave("me")
	if _, err := run(t, tables[0], src, dst, Config{}); !errors.Is(err, checkpoint.ErrLeaseLost) {
		t.Errorf("got %v", err)
	}
	if src.reads != 0 || len(dst.lines("t0")) > 0 {
		t.Error("it copied all the same")
	}
}

// TestWaitingEnds: one who waits for others ends when it is told to.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tables, src := several(1)
		dst := newFakeTarget()
		dst.data.claims[checkpoint.SegmentID{Table: "t0"}] = "somebody"
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var told int64
		if _, err := Run(ctx, src, dst, tables, owner("me", &told)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// TestLostWhileRetrying: the server only tells of a conflict, and the reason is
// that another process has the segment.
func TestLostWhileRetrying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tables, src := several(1)
		dst := newFakeTarget()
		dst.beforeCommit = func([]byte) error {
			dst.data.claims = map[checkpoint.SegmentID]string{{Table: "t0"}: "other"}
			return stateError("40001")
		}
		dst.beforeRecord = func() error {
			if dst.writes > 1 {
				return stateError("40001")
			}
			return nil
		}
		var told int64
		cfg := owner("me", &told)
		if _, err := Run(t.Context(), src, dst, tables, cfg); !errors.Is(err, checkpoint.ErrLeaseLost) {
			t.Errorf("got %v", err)
		}
	})
}
