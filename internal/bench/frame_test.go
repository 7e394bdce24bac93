package bench

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"leap/internal/pace"
)

func TestWarmConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most, total atomic.Int64
		var record tape
		w := record.wiring(constant(time.Millisecond))
		w.Warm = func(context.Context, int) error {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			total.Add(1)
			<-time.After(time.Second)
			now.Add(-1)
			return nil
		}
		s, err := Open(t.Context(), pace.Constant(10), Options{Workers: 250, Duration: time.Second, Timer: Coarse}, w)
		if err != nil || total.Load() != 250 || most.Load() != 100 {
			t.Errorf("%d opened, %d at once, %v", total.Load(), most.Load(), err)
		}
		if lag := s.Health.OwnLag.Max; lag > time.Millisecond {
			t.Errorf("opening connections made operations %s late", lag)
		}
		refused := errors.New("refused")
		w.Warm = func(_ context.Context, n int) error {
			if n == 3 {
				return refused
			}
			return nil
		}
		record.samples = nil
		if _, err := Closed(t.Context(), 0, Options{Workers: 5, Duration: time.Second}, w); !errors.Is(err, refused) || len(record.samples) > 0 {
			t.Errorf("%v, %d samples", err, len(record.samples))
		}
	})
}

// TestIntervals: they follow each other from the beginning to the end, cut at
// the start of the measurement, and add up to the totals.
func TestIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []Interval
		var record tape
		w := record.wiring(constant(20 * time.Millisecond))
		w.Interval = func(i Interval) { all = append(all, i) }
		o := Options{Workers: 1, Warmup: 1500 * time.Millisecond, Duration: 3300 * time.Millisecond, Timer: Coarse, Queue: 4, WhenFull: Shed}
		s, err := Open(t.Context(), pace.Constant(100), o, w)
		if err != nil {
			t.Fatal(err)
		}
		var ends []time.Duration
		at := -1500 * time.Millisecond
		var sum Counts
		for _, i := range all {
			if i.From != at {
				t.Errorf("an interval from %s follows one to %s", i.From, at)
			}
			at = i.To
			ends = append(ends, at)
			sum = sum.Plus(i.Counts)
			if sum != i.Total || i.InFlight != i.Total.InFlight() || i.Queue > 4 {
				t.Errorf("%+v; the sum is %+v", i, sum)
			}
		}
		if total := s.Warmup.Plus(s.Measured); sum != total || total.Shed == 0 {
			t.Errorf("the intervals add up to %+v, the run to %+v", sum, total)
		}
		want := []time.Duration{-time.Second, 0, time.Second, 2 * time.Second, 3 * time.Second, s.Drained}
		if diff := cmp.Diff(want, ends); diff != "" {
			t.Errorf("ends (-want +got):\n%s", diff)
		}
	})
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{}, {Workers: -1}, {Workers: 1, Duration: -1}, {Workers: 1, Warmup: -1}, {Workers: 1, Queue: -1}, {Workers: 1, Drain: -1}, {Workers: 1, Every: -1}} {
		if _, err := Open(t.Context(), pace.Constant(1), o, Wiring{}); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	if _, err := Closed(t.Context(), -1, Options{Workers: 1}, (&tape{}).wiring(nil)); err == nil {
		t.Error("a negative think time is taken")
	}
	for _, w := range []WhenFull{Queue, Shed} {
		if got, err := ParseWhenFull(w.String()); err != nil || got != w {
			t.Errorf("%s is read as %v, %v", w, got, err)
		}
	}
	if _, err := ParseWhenFull("drop"); err == nil {
		t.Error("drop is taken")
	}
}
