package bench

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"leap/internal/hist"
	"leap/internal/pace"
)

// server is a Work whose calls take a time that the test chooses.
type server struct {
	take func(call Call) time.Duration
	ops  int // how many kinds; seq modulo ops chooses

	mu        sync.Mutex // guards all below
	calls     []Call
	cancelled []error // the causes
}

func (s *server) Op(seq uint64) int { return int(seq) % max(1, s.ops) }

func (s *server) Do(ctx context.Context, call Call) Result {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	s.mu.Unlock()
	timer := time.NewTimer(s.take(call))
	defer timer.Stop()
	select {
	case <-timer.C:
		return Result{Attempts: 1}
	case <-ctx.Done():
		s.mu.Lock()
		s.cancelled = append(s.cancelled, context.Cause(ctx))
		s.mu.Unlock()
		return Result{Outcome: hist.Errored, Code: "cancelled"}
	}
}

// seqs returns the numbers of the calls, sorted.
func (s *server) seqs() []uint64 {
	var all []uint64
	for _, c := range s.calls {
		all = append(all, c.Seq)
	}
	slices.Sort(all)
	return all
}

func constant(d time.Duration) *server {
	return &server{take: func(Call) time.Duration { return d }}
}

// tape keeps all samples.
type tape struct {
	mu      sync.Mutex // guards samples
	samples []hist.Sample
}

func (t *tape) Record(s hist.Sample) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.samples = append(t.samples, s)
}

func (t *tape) wiring(w Work) Wiring {
	return Wiring{Work: w, Recorder: func(int) Recorder { return t }}
}

// count counts the samples of an outcome and a code.
func (t *tape) count(o hist.Outcome, code string) uint64 {
	var n uint64
	for _, s := range t.samples {
		if s.Outcome == o && s.Code == code {
			n++
		}
	}
	return n
}

// open runs an open loop on a fake clock and checks what is true of every run.
func open(t *testing.T, rate string, o Options, w Work) (Summary, *tape) {
	t.Helper()
	spec, err := pace.Parse(rate)
	if err != nil {
		t.Fatal(err)
	}
	o.Timer = Coarse
	var record tape
	s, err := Open(t.Context(), spec, o, record.wiring(w))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Counts{"warm-up": s.Warmup, "measured": s.Measured} {
		if c.Due != c.Done+c.Shed+c.Abandoned || c.Started != c.Done {
			t.Errorf("%s: the counts do not add up: %+v", name, c)
		}
	}
	if n := uint64(len(record.samples)); n != s.Measured.Due {
		t.Errorf("%d samples of %d operations", n, s.Measured.Due)
	}
	return s, &record
}

func TestQueueing(t *testing.T) {
	// One worker, 101 ms each, 20 operations 50 ms apart: the n-th is answered
	// at 101 ms * (n+1) and was due at 50 ms * n.
	for _, test := range []struct {
		name       string
		o          Options
		held, shed uint64
	}{
		{"long queue", Options{Queue: 100}, 0, 0},
		{"held", Options{Queue: 2}, 1, 0},
		// Those due at 200, 300 ... 900 ms find one in work and two waiting.
		{"shed", Options{Queue: 2, WhenFull: Shed}, 0, 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test.o.Workers, test.o.Duration = 1, time.Second
				s, record := open(t, "20", test.o, constant(101*time.Millisecond))
				if s.Measured.Due != 20 || s.Measured.Shed != test.shed || s.Measured.Abandoned != 0 {
					t.Errorf("%+v, want 20 due, %d shed", s.Measured, test.shed)
				}
				if (s.Measured.Held > 0) != (test.held > 0) {
					t.Errorf("%d held", s.Measured.Held)
				}
				if got := record.count(hist.Shed, CodeQueueFull); got != test.shed {
					t.Errorf("%d samples say shed, want %d", got, test.shed)
				}
				if test.shed == 0 {
					for i, sample := range record.samples {
						want := hist.Sample{
							Attempts: 1, Due: time.Duration(i) * 50 * time.Millisecond,
							Start: time.Duration(i) * 101 * time.Millisecond, End: time.Duration(i+1) * 101 * time.Millisecond,
						}
						if diff := cmp.Diff(want, sample); diff != "" {
							t.Errorf("operation %d (-want +got):\n%s", i, diff)
						}
					}
				}
				if s.Health.Waited < 0.8 || len(causes(s.Health, Workers)) == 0 {
					t.Errorf("%.2f of the operations waited: %v", s.Health.Waited, s.Health.Problems(DefaultLimits))
				}
				if s.Health.OwnLag.Max > time.Microsecond || s.Health.DispatchLag.Max > time.Microsecond {
					t.Errorf("the wait for the server is called the generator's: %+v", s.Health)
				}
			})
		})
	}
}

// TestEnoughWorkers: a slow server is not the generator's fault.
func TestEnoughWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// 995 ms: nothing ends in the moment in which something is due.
		s, _ := open(t, "100", Options{Workers: 101, Duration: 10 * time.Second}, constant(995*time.Millisecond))
		// The very first operation may be there before its worker.
		if s.Health.Waited > 0.001 || len(causes(s.Health, Workers)) != 0 {
			t.Errorf("%.2f of the operations waited", s.Health.Waited)
		}
		if s.Health.Busy < 0.8 || s.Health.Busy > 1 {
			t.Errorf("workers were busy for %.2f of the time", s.Health.Busy)
		}
		if s.Elapsed != 10*time.Second || s.Drained != 10*time.Second+985*time.Millisecond {
			t.Errorf("elapsed %s, drained %s", s.Elapsed, s.Drained)
		}
	})
}

func causes(h Health, c Cause) []Problem {
	return slices.DeleteFunc(h.Problems(DefaultLimits), func(p Problem) bool { return p.Cause != c })
}

// TestWarmup: what is due before the measurement runs to its end, is told so,
// and leaves no sample, even when it ends inside the measurement.
func TestWarmup(t *testing.T) {
	for _, closed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			work := constant(300 * time.Millisecond)
			o := Options{Workers: 10, Warmup: time.Second, Duration: 2 * time.Second, Timer: Coarse}
			var s Summary
			var record *tape
			if closed {
				record = &tape{}
				var err error
				if s, err = Closed(t.Context(), 0, o, record.wiring(work)); err != nil {
					t.Fatal(err)
				}
			} else {
				s, record = open(t, "10", o, work)
				if s.Warmup.Done != 10 || s.Measured.Done != 20 {
					t.Errorf("warm-up %+v, measured %+v", s.Warmup, s.Measured)
				}
			}
			if s.Warmup.Done == 0 || s.Warmup.Failed != 0 || len(work.cancelled) != 0 {
				t.Errorf("warm-up %+v, cancelled %v", s.Warmup, work.cancelled)
			}
			if uint64(len(record.samples)) != s.Measured.Done {
				t.Errorf("%d samples, %d measured", len(record.samples), s.Measured.Done)
			}
			for _, sample := range record.samples {
				if sample.Due < 0 || sample.Start < sample.Due {
					t.Errorf("recorded: %+v", sample)
				}
			}
			for _, call := range work.calls {
				if call.Warmup != (call.At < 0) || !call.Due.Equal(s.Began.Add(call.At)) {
					t.Errorf("call %+v, the measurement began at %s", call, s.Began)
				}
			}
		})
	}
}

// TestSameOperations: the same seed gives the same operations at the same
// moments, however many workers there are and however slow the server is.
func TestSameOperations(t *testing.T) {
	type op struct {
		Seq uint64
		Op  int
		At  time.Duration
	}
	run := func(workers int, take time.Duration, stripe pace.Stripe) []op {
		var all []op
		synctest.Test(t, func(t *testing.T) {
			work := constant(take)
			work.ops = 7
			o := Options{Seed: 5, Workers: workers, Warmup: time.Second, Duration: 3 * time.Second, Drain: time.Hour, Stripe: stripe}
			open(t, "poisson:100", o, work)
			for _, c := range work.calls {
				all = append(all, op{c.Seq, c.Op, c.At})
			}
		})
		slices.SortFunc(all, func(a, b op) int { return int(a.Seq) - int(b.Seq) })
		return all
	}
	want := run(1, time.Millisecond, pace.Stripe{})
	if len(want) < 300 || want[len(want)-1].Seq != uint64(len(want)-1) {
		t.Fatalf("%d operations", len(want))
	}
	for _, workers := range []int{3, 64} {
		if diff := cmp.Diff(want, run(workers, 40*time.Millisecond, pace.Stripe{})); diff != "" {
			t.Errorf("%d workers (-want +got):\n%s", workers, diff)
		}
	}
	var joined []op
	for i := range 3 {
		joined = append(joined, run(2, time.Millisecond, pace.Stripe{Index: i, Of: 3})...)
	}
	slices.SortFunc(joined, func(a, b op) int { return int(a.Seq) - int(b.Seq) })
	if diff := cmp.Diff(want, joined); diff != "" {
		t.Errorf("three stripes (-want +got):\n%s", diff)
	}
}

// TestClosed counts the loops of workers, with and without think time.
func TestClosed(t *testing.T) {
	for _, test := range []struct {
		name     string
		think    time.Duration
		o        Options
		min, max uint64
	}{
		{"no think time", 0, Options{Workers: 4, Duration: time.Second}, 400, 400},
		{"think time", 40 * time.Millisecond, Options{Workers: 4, Duration: 50 * time.Second}, 3800, 4200},
		{"limit", 0, Options{Workers: 4, Limit: 37}, 37, 37},
		{"limit of all stripes", 0, Options{Workers: 4, Limit: 37, Stripe: pace.Stripe{Index: 1, Of: 3}}, 12, 12},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				work := constant(10 * time.Millisecond)
				var record tape
				s, err := Closed(t.Context(), test.think, test.o, record.wiring(work))
				if err != nil {
					t.Fatal(err)
				}
				if n := s.Measured.Done; n < test.min || n > test.max || n != s.Measured.Due || n != uint64(len(record.samples)) {
					t.Errorf("%+v, %d samples; want %d to %d", s.Measured, len(record.samples), test.min, test.max)
				}
				for i, seq := range work.seqs() {
					if seq != test.o.Stripe.Seq(uint64(i)) {
						t.Fatalf("the %d-th operation is %d", i, seq)
					}
				}
				for _, sample := range record.samples {
					if sample.Start != sample.Due || sample.End-sample.Start != 10*time.Millisecond {
						t.Errorf("%+v", sample)
					}
				}
				if test.o.Duration > 0 && s.Elapsed != test.o.Duration {
					t.Errorf("elapsed %s", s.Elapsed)
				}
			})
		})
	}
}

// TestDrain: what still runs when the time to drain is over is cancelled, what
// has not started is given up, and both are in the samples.
func TestDrain(t *testing.T) {
	for _, queue := range []int{3, 1000} {
		synctest.Test(t, func(t *testing.T) {
			work := constant(time.Hour)
			s, record := open(t, "10", Options{Workers: 2, Duration: 2 * time.Second, Drain: time.Second, Queue: queue}, work)
			if s.Measured.Due != 20 || s.Measured.Done != 2 || s.Measured.Failed != 2 || s.Measured.Abandoned != 18 {
				t.Errorf("queue of %d: %+v", queue, s.Measured)
			}
			if len(work.cancelled) != 2 || !errors.Is(work.cancelled[0], ErrOver) {
				t.Errorf("cancelled %v", work.cancelled)
			}
			if n := record.count(hist.Shed, CodeRunOver); n != 18 {
				t.Errorf("%d samples say that the run was over", n)
			}
			if s.Drained != 3*time.Second || s.Elapsed != 2*time.Second || s.Interrupted {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestInterrupt: when the caller gives up, nothing more starts, and what runs
// may come to its end.
func TestInterrupt(t *testing.T) {
	for _, test := range []struct {
		name   string
		closed bool
		o      Options
		take   time.Duration
		failed uint64
	}{
		{"open", false, Options{Workers: 2, Duration: time.Hour}, 300 * time.Millisecond, 0},
		{"open, full queue", false, Options{Workers: 2, Duration: time.Hour, Queue: 1}, 300 * time.Millisecond, 0},
		{"open, no end", false, Options{Workers: 2}, 300 * time.Millisecond, 0},
		{"open, stuck", false, Options{Workers: 2, Drain: time.Second}, time.Hour, 2},
		{"closed", true, Options{Workers: 2}, 300 * time.Millisecond, 0},
		{"closed, stuck", true, Options{Workers: 2, Drain: time.Second}, time.Hour, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2050*time.Millisecond)
				defer cancel()
				work := constant(test.take)
				test.o.Timer = Coarse
				var record tape
				var s Summary
				var err error
				if test.closed {
					s, err = Closed(ctx, 0, test.o, record.wiring(work))
				} else {
					s, err = Open(ctx, pace.Constant(100), test.o, record.wiring(work))
				}
				if err != nil {
					t.Fatal(err)
				}
				c := s.Measured
				if !s.Interrupted || s.Elapsed != 2050*time.Millisecond || c.Failed != test.failed || uint64(len(work.cancelled)) != test.failed {
					t.Errorf("%+v, cancelled %v", s, work.cancelled)
				}
				if c.Due != c.Done+c.Abandoned || c.Due != uint64(len(record.samples)) {
					t.Errorf("%+v, %d samples", c, len(record.samples))
				}
				if !test.closed && c.Due != 206 && c.Due != 205 { // one is due with the interruption
					t.Errorf("%d were due in 2.05 s of 100 per second", c.Due)
				}
				for _, call := range work.calls {
					if call.At > 2050*time.Millisecond {
						t.Errorf("%d was due after the end", call.Seq)
					}
				}
				if want := 2050*time.Millisecond + min(250*time.Millisecond, test.o.Drain); test.o.Drain > 0 && s.Drained < want {
					t.Errorf("drained after %s", s.Drained)
				}
			})
		})
	}
}
