package bench

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"leap/internal/hist"
	"leap/internal/pace"
)

// TestProblems breaks each limit alone: the one problem must name it.
func TestProblems(t *testing.T) {
	healthy := Health{
		OwnLag: Lag{P99: DefaultLimits.Lag}, DispatchLag: Lag{P99: DefaultLimits.Lag}, SchedP99: DefaultLimits.Lag,
		PauseMax: DefaultLimits.Lag, CPU: DefaultLimits.CPU, Starved: DefaultLimits.Starved, GCShare: DefaultLimits.GC,
		Waited: DefaultLimits.Waited, Procs: 2,
	}
	if got := healthy.Problems(DefaultLimits); len(got) != 0 {
		t.Errorf("at the limits: %v", got)
	}
	for _, test := range []struct {
		name  string
		spoil func(*Health)
		cause Cause
		says  string
	}{
		{"own lag", func(h *Health) { h.OwnLag.P99 = 20 * time.Millisecond }, Client, "started 20ms or more too late"},
		{"dispatch lag", func(h *Health) { h.DispatchLag.P99 = 20 * time.Millisecond }, Client, "20ms or more late for the queue"},
		{"cpu", func(h *Health) { h.CPU = 0.97 }, Client, "used 97 % of its 2 processors"},
		{"starved", func(h *Health) { h.Starved = 3 * time.Millisecond }, Client, "waited 3ms for a processor"},
		{"scheduler", func(h *Health) { h.SchedP99 = 20 * time.Millisecond }, Client, "goroutines waited 20ms"},
		{"gc", func(h *Health) { h.GCShare = 0.5 }, Client, "50 % of the CPU time"},
		{"pause", func(h *Health) { h.PauseMax = 20 * time.Millisecond }, Client, "stopped everything for up to 20ms"},
		{"workers", func(h *Health) { h.Waited = 0.75 }, Workers, "75 % of the operations found every connection busy"},
	} {
		h := healthy
		test.spoil(&h)
		got := h.Problems(DefaultLimits)
		if len(got) != 1 || got[0].Cause != test.cause || !strings.Contains(got[0].Says, test.says) || got[0].Advice == "" {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// burner is a fast server behind a client that computes for a millisecond.
type burner struct{}

func (burner) Op(uint64) int { return 0 }

func (burner) Do(context.Context, Call) Result {
	for begin := time.Now(); time.Since(begin) < time.Millisecond; {
		continue
	}
	return Result{}
}

// TestOverloadedClient asks a client that is busy computing for far more than
// twice of what it can do. It must say that it was the bottleneck.
func TestOverloadedClient(t *testing.T) {
	collector := hist.NewCollector(hist.Options{Ops: []string{"burn"}})
	s, err := Open(t.Context(), pace.Constant(100_000), Options{Workers: 200, Duration: time.Second, Drain: time.Millisecond},
		Wiring{Work: burner{}, Recorder: func(int) Recorder { return collector.Recorder() }})
	if err != nil {
		t.Fatal(err)
	}
	if got := causes(s.Health, Client); len(got) == 0 {
		t.Errorf("no problem of the client: %+v", s.Health)
	}
	if c := s.Measured; c.Due != 100_000 || c.Due != c.Done+c.Abandoned || c.Abandoned == 0 {
		t.Errorf("%+v", c)
	}
}

// TestRealTime drives a fast server by the real clock. A busy machine may make
// it late, but not lose or invent anything.
func TestRealTime(t *testing.T) {
	collector := hist.NewCollector(hist.Options{Ops: []string{"nothing"}})
	work := instant{}
	s, err := Open(t.Context(), pace.Constant(5000), Options{Workers: 8, Duration: 500 * time.Millisecond, Warmup: 100 * time.Millisecond},
		Wiring{Work: work, Recorder: func(int) Recorder { return collector.Recorder() }})
	if err != nil {
		t.Fatal(err)
	}
	if s.Measured.Done != 2500 || s.Warmup.Done != 500 {
		t.Errorf("%+v after %+v", s.Measured, s.Warmup)
	}
	collector.Finish(s.Drained)
	if got := collector.Totals()[0]; got.Counts.Done != 2500 || got.Counts.Invalid != 0 {
		t.Errorf("recorded %+v", got.Counts)
	}
	if s.Health.CPU <= 0 || s.Health.Procs < 1 || s.Health.OwnLag.Count == 0 || s.Health.DispatchLag.Count != 2500 || s.Health.SchedP99 <= 0 {
		t.Errorf("%+v", s.Health)
	}
}

// instant is a server that answers at once.
type instant struct{}

func (instant) Op(uint64) int                   { return 0 }
func (instant) Do(context.Context, Call) Result { return Result{Attempts: 1} }

// TestNoAllocations: an operation must not make garbage in the engine.
func TestNoAllocations(t *testing.T) {
	r := &run{Options: Options{Workers: 1}, Wiring: Wiring{Work: instant{}}, clock: clock{time.Now()}}
	w := &worker{r: r, ctx: t.Context(), recorder: hist.NewCollector(hist.Options{Ops: []string{"nothing"}}).Recorder(), ownLag: hist.New()}
	w.ownLag.Record(0)
	seq := uint64(0)
	if n := testing.AllocsPerRun(100, func() {
		seq++
		w.do(job{seq: seq}, r.clock.now())
	}); n != 0 {
		t.Errorf("%v allocations for each operation", n)
	}
}

// BenchmarkEngine is what the engine costs for each operation of a closed loop
// with one worker, recording included.
func BenchmarkEngine(b *testing.B) {
	collector := hist.NewCollector(hist.Options{Ops: []string{"nothing"}})
	b.ReportAllocs()
	_, err := Closed(b.Context(), 0, Options{Workers: 1, Limit: uint64(b.N)},
		Wiring{Work: instant{}, Recorder: func(int) Recorder { return collector.Recorder() }})
	if err != nil {
		b.Fatal(err)
	}
}

// TestProcessorsOfAClosedLoop: it begins with one, gets more when an interval
// used it up, and leaves as many as there were.
func TestProcessorsOfAClosedLoop(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var seen []int
	s, err := Closed(t.Context(), 0, Options{Workers: 2, Limit: 10}, Wiring{
		Work: constant(time.Millisecond), Recorder: func(int) Recorder { return &tape{} },
		Interval: func(Interval) { seen = append(seen, runtime.GOMAXPROCS(0)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) == 0 || seen[0] != 1 || s.Health.Procs != 1 || runtime.GOMAXPROCS(0) != 4 {
		t.Errorf("%v processors, %d at the end and %d after it; want 1 and 4", seen, s.Health.Procs, runtime.GOMAXPROCS(0))
	}
	r := &run{Options: Options{Every: time.Second}, clock: clock{time.Now()}}
	w := newWatch(r)
	for _, test := range []struct {
		few    bool
		length time.Duration
		want   int
	}{{false, time.Second, 1}, {true, time.Millisecond, 1}, {true, time.Second, 2}, {true, time.Second, 4}, {true, time.Second, 4}} {
		w.few = test.few
		if !test.few {
			w.procs.use(1, 0)
		}
		last := interval{cpu: -time.Hour} // an hour was used since
		if w.tell(&last, test.length); runtime.GOMAXPROCS(0) != test.want {
			t.Errorf("%+v: %d processors", test, runtime.GOMAXPROCS(0))
		}
	}
}

func TestAvailableProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	p := allProcessors()
	p.use(1, 2*time.Second)
	p.suffice(fullProcessor, 3*time.Second) // not above it
	if got := p.available(4 * time.Second); got != 8*time.Second || p.count() != 1 {
		t.Errorf("%s of %d processors", got, p.count())
	}
	p.suffice(0.9, 4*time.Second)
	p.suffice(0.9, 5*time.Second)
	p.suffice(0.9, 6*time.Second)
	if got := p.available(7 * time.Second); got != 16*time.Second || p.count() != 3 {
		t.Errorf("%s of %d processors", got, p.count())
	}
}
