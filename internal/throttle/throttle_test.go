package throttle

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"leap/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// readRows reads rows on a number of lanes, each row taking work, and returns
// how long it took.
func readRows(t *testing.T, th *Throttle, lanes, rows int, work time.Duration) time.Duration {
	t.Helper()
	started := time.Now()
	var done sync.WaitGroup
	for range lanes {
		done.Go(func() {
			lane, err := th.Enter(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer lane.Leave()
			for range rows {
				if work > 0 {
					<-time.After(work)
				}
				if err := lane.Row(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	return time.Since(started)
}

func TestRowsPerSecondBoundsAllLanesTogether(t *testing.T) {
	for name, tt := range map[string]struct {
		limit, lanes, rows int
		want               time.Duration
	}{
		"one lane":      {1000, 1, 6400, 6400 * time.Millisecond},
		"four lanes":    {1000, 4, 1600, 6400 * time.Millisecond},
		"one row in 2s": {1, 2, 5, 10 * time.Second},
		"no limit":      {0, 4, 10_000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := readRows(t, New(Limits{RowsPerSecond: tt.limit}, nil), tt.lanes, tt.rows, 0)
				// Less than a batch of each lane may pass unpaid at the end.
				slack := time.Duration(0)
				if tt.limit > 0 {
					slack = time.Duration(tt.lanes*min(batch, max(1, tt.limit/looksPerSecond))) * time.Second / time.Duration(tt.limit)
				}
				if got > tt.want || got < tt.want-slack {
					t.Errorf("took %s, want %s (at most %s less)", got, tt.want, slack)
				}
			})
		})
	}
}

// TestAPauseDoesNotEarnRows: the time of a pause is not made up for afterwards.
func TestAPauseDoesNotEarnRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := New(Limits{RowsPerSecond: 100}, nil)
		th.Pause("a test")
		go func() {
			<-time.After(time.Hour)
			th.Resume()
		}()
		if got, least := readRows(t, th, 1, 1000, 0), time.Hour+9*time.Second; got < least {
			t.Errorf("1000 rows took %s, want at least %s", got, least)
		}
	})
}

func TestPressureSlowsInProportion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows, work = 64 * 100, time.Millisecond
		th := New(Limits{}, nil)
		full := readRows(t, th, 1, rows, work)
		th.press("a test", Mild)
		half := readRows(t, th, 1, rows, work)
		if full != rows*work || half != 2*full {
			t.Errorf("full speed took %s, half of it %s", full, half)
		}
		th.press("a test", Severe)
		if th.share != leastShare {
			t.Errorf("severe pressure leaves %v", th.share)
		}
		for range 16 {
			th.ease()
		}
		if th.share != 1 {
			t.Errorf("16 calm polls give back %v", th.share)
		}
	})
}

func TestPauseStopsEveryLaneAndResumeContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := New(Limits{}, nil)
		var passed atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		for range 3 {
			done.Go(func() {
				lane, err := th.Enter(ctx)
				if err != nil {
					return
				}
				defer lane.Leave()
				for lane.Row(ctx) == nil {
					passed.Add(1)
					<-time.After(time.Millisecond)
				}
			})
		}
		<-time.After(time.Second)
		if th.Still() {
			t.Error("stands still without a pause")
		}
		th.Pause("ops@db1")
		<-time.After(time.Second)
		before := passed.Load()
		if !th.Still() || before == 0 {
			t.Errorf("still: %v, after %d rows", th.Still(), before)
		}
		<-time.After(time.Hour)
		if got := passed.Load(); got != before {
			t.Errorf("%d rows passed during the pause", got-before)
		}
		th.Resume()
		<-time.After(time.Second)
		if got := passed.Load(); got == before {
			t.Error("nothing passed after the pause")
		}
		th.Pause("again")
		<-time.After(time.Second)
		cancel() // a paused lane must end with its context
		done.Wait()
		if th.Own() != 0 {
			t.Errorf("%d lanes are left", th.Own())
		}
	})
}

// gauge answers by a function.
type gauge func(context.Context) (Load, error)

func (g gauge) Load(ctx context.Context) (Load, error) { return g(ctx) }

// heard gathers the events.
type heard struct {
	mu     sync.Mutex
	events []event.Event
}

func (h *heard) Emit(e event.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
}

func (h *heard) texts(kind event.Kind) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, e := range h.events {
		if e.Kind == kind {
			out = append(out, e.Message)
		}
	}
	return out
}

func TestWatchFollowsTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := &heard{}
		th := New(Limits{Threads: 10, Lag: 30 * time.Second}, said)
		lane, err := th.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer lane.Leave()
		var load atomic.Pointer[Load]
		load.Store(&Load{Threads: 12}) // our lane, our question and 10 others
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { th.Watch(ctx, gauge(func(context.Context) (Load, error) { return *load.Load(), nil })) })
		share := func() float64 { th.mu.Lock(); defer th.mu.Unlock(); return th.share }
		<-time.After(3500 * time.Millisecond)
		if share() != 1 {
			t.Errorf("at the limit the share is %v", share())
		}
		load.Store(&Load{Threads: 13})
		<-time.After(time.Second)
		if share() != 0.5 {
			t.Errorf("one thread over the limit the share is %v", share())
		}
		load.Store(&Load{Threads: 2, Lag: 31 * time.Second})
		<-time.After(time.Second)
		if share() != 0.25 {
			t.Errorf("with lag the share is %v", share())
		}
		load.Store(&Load{Threads: 200})
		<-time.After(time.Second)
		if share() != leastShare {
			t.Errorf("far over the limit the share is %v", share())
		}
		load.Store(&Load{Threads: 2, Note: "the lag cannot be seen"})
		<-time.After(time.Minute)
		if share() != 1 {
			t.Errorf("a calm minute later the share is %v", share())
		}
		cancel()
		done.Wait()
		paces, warnings := said.texts(event.PaceChanged), said.texts(event.Warned)
		if len(paces) < 4 || !strings.Contains(paces[0], "50 %") || !strings.Contains(paces[0], "11 threads") ||
			!strings.Contains(paces[1], "31s behind") || paces[len(paces)-1] != "at full speed" {
			t.Errorf("told: %q", paces)
		}
		if len(warnings) != 1 {
			t.Errorf("warned: %q", warnings)
		}
	})
}

func TestASourceThatDoesNotAnswerIsSparedAndOneThatFailsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := &heard{}
		th := New(Limits{Threads: 10}, said)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		th.Watch(ctx, gauge(func(ctx context.Context) (Load, error) { <-ctx.Done(); return Load{}, ctx.Err() }))
		if th.share != leastShare {
			t.Errorf("a silent source leaves the share at %v", th.share)
		}
		said.events = nil
		th = New(Limits{Threads: 10}, said)
		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		th.Watch(ctx, gauge(func(context.Context) (Load, error) { return Load{}, errors.New("access denied") }))
		if w := said.texts(event.Warned); th.share != 1 || len(w) != 1 || !strings.Contains(w[0], "access denied") {
			t.Errorf("share %v, warned %q", th.share, w)
		}
	})
}

// knob is a Switch.
type knob struct {
	by      atomic.Pointer[string]
	stopped atomic.Int64
	broken  atomic.Bool
}

func (k *knob) Paused(context.Context) (string, error) {
	if k.broken.Load() {
		return "", errors.New("the target is away")
	}
	return *k.by.Load(), nil
}
func (k *knob) Stopped(context.Context) error { k.stopped.Add(1); return nil }

func TestObeyPausesTellsAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := &heard{}
		th := New(Limits{}, said)
		k := &knob{}
		k.by.Store(new("ops@db1"))
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { th.Obey(ctx, k) })
		<-time.After(5500 * time.Millisecond)
		if !th.Still() || k.stopped.Load() != 1 {
			t.Errorf("still %v, told so %d times", th.Still(), k.stopped.Load())
		}
		k.broken.Store(true)
		<-time.After(time.Minute)
		if !th.Still() {
			t.Error("a pause ends while the switch cannot be asked")
		}
		k.broken.Store(false)
		k.by.Store(new(""))
		<-time.After(2 * time.Second)
		if th.Still() {
			t.Error("still paused")
		}
		k.by.Store(new("ops@db1"))
		<-time.After(2 * time.Second)
		if k.stopped.Load() != 2 {
			t.Errorf("a second pause is told %d times in all", k.stopped.Load())
		}
		cancel()
		done.Wait()
		if got := strings.Join(said.texts(event.PaceChanged), "; "); got != "paused by ops@db1; at full speed; paused by ops@db1" {
			t.Errorf("told: %s", got)
		}
	})
}
