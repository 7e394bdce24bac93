package loadgen

import (
	"math"
	"testing"
	"time"

	"leap/internal/hist"
	"leap/internal/record"
)

// TestPercentilesOfFew: what a threshold could not pass by, no report gives as
// if it were known.
func TestPercentilesOfFew(t *testing.T) {
	for _, c := range []struct {
		count int64
		known int // of p50, p90, p99, p99.9, max, in that order of need
	}{{0, 0}, {1, 1}, {4, 1}, {5, 2}, {28, 2}, {29, 3}, {298, 3}, {299, 4}, {2994, 4}, {2995, 5}} {
		h := hist.New()
		h.RecordN(7*time.Millisecond, c.count)
		p, l := percentilesOf(h), latency(h)
		for n, v := range []*float64{p.Max, p.P50, p.P90, p.P99, p.P999} {
			if (v != nil) != (n < c.known) || v != nil && math.Abs(*v-7) > .1 {
				t.Errorf("%d answers: value %d of the summary is %v", c.count, n, v)
			}
		}
		for n, v := range []float64{l.Max, l.P50, l.P90, l.P99, l.P999} {
			if math.IsNaN(v) == (n < c.known) {
				t.Errorf("%d answers: value %d of the page is %v", c.count, n, v)
			}
		}
		o := hist.NewOpStats("get")
		o.Series[hist.Response] = h
		row := (&watch{recent: []*hist.Interval{{}}}).row(o)
		for n, v := range []time.Duration{row.Max, row.P50, 0, row.P99, row.P999} {
			if n != 2 && (v > 0) != (n < c.known) {
				t.Errorf("%d answers: value %d on the terminal is %v", c.count, n, v)
			}
		}
	}
}

// TestChartsEndWithTheRun: the moment in which the last operations ended is no
// second, and its rate is none.
func TestChartsEndWithTheRun(t *testing.T) {
	e := &evidence{run: &record.Run{}, end: ended{Elapsed: 2}}
	for _, i := range [][2]time.Duration{{0, time.Second}, {time.Second, 2 * time.Second}, {2 * time.Second, 2006 * time.Millisecond}, {2 * time.Second, 2700 * time.Millisecond}} {
		e.run.Intervals = append(e.run.Intervals, &hist.Interval{Start: i[0], End: i[1]})
	}
	if got := e.drawn(); len(got) != 3 || got[2].End != 2700*time.Millisecond {
		t.Errorf("%d intervals are drawn", len(got))
	}
	e.end.Elapsed, e.run.Intervals = .3, []*hist.Interval{{End: 300 * time.Millisecond}}
	if len(e.drawn()) != 1 {
		t.Error("a run that was interrupted early is not drawn")
	}
}
