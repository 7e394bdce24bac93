package judge

import (
	"math/rand/v2"
	"testing"
	"time"

	"leap/internal/hist"
)

// stalling is a run whose seconds depend on each other: in one of ten, a stall of
// two seconds begins.
func stalling(rng *rand.Rand, seconds int) Run {
	r := Run{Ops: []*hist.OpStats{hist.NewOpStats("pay")}}
	left := 0
	for range seconds {
		if left--; left < 0 && rng.Float64() < .1 {
			left = 2
		}
		scale := 1.0
		if left > 0 {
			scale = 8
		}
		o := op("pay", 0, lognormal(rng, 150, scale)...)
		r.Ops[0].Merge(o)
		r.Intervals = append(r.Intervals, []*hist.OpStats{o})
	}
	return r
}

// TestCompareOfStalls: equal runs with stalls of their own show no difference in
// 19 of 20 comparisons, where operations taken for independent show one most of
// the time.
func TestCompareOfStalls(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	const rounds = 150
	differs := func(shifts []Shift) bool {
		for _, s := range shifts {
			if s.Change == Slower || s.Change == Faster {
				return true
			}
		}
		return false
	}
	alarms, naive := 0, 0
	for range rounds {
		before, after := stalling(rng, 60), stalling(rng, 60)
		if differs(Compare(before, after)) {
			alarms++
		}
		if differs(alike(before.Ops, after.Ops)) {
			naive++
		}
	}
	if alarms > 15 || naive < rounds/3 { // 7.5 are expected at most, more than 15 in one of 500 cases
		t.Errorf("%d of %d comparisons of equal runs show a difference, %d with operations taken for independent", alarms, rounds, naive)
	}
	t.Logf("false alarms: %d of %d, naive %d", alarms, rounds, naive)
}

// TestCompareStillSees: what is really slower is found through the stalls.
func TestCompareStillSees(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	found := 0
	const rounds = 20
	for range rounds {
		before, after := stalling(rng, 120), Run{Ops: []*hist.OpStats{hist.NewOpStats("pay")}}
		for range 120 {
			o := op("pay", 0, lognormal(rng, 150, 2)...)
			after.Ops[0].Merge(o)
			after.Intervals = append(after.Intervals, []*hist.OpStats{o})
		}
		if s := Compare(before, after)[0]; s.Change == Slower && s.Percentile == 50 {
			found++
		}
	}
	if found < rounds-2 {
		t.Errorf("a median of twice the time was found in %d of %d", found, rounds)
	}
}

// TestIndependent: how many independent operations a run is worth.
func TestIndependent(t *testing.T) {
	rng := rand.New(rand.NewPCG(35, 36))
	second := func(times ...time.Duration) []*hist.OpStats { return []*hist.OpStats{op("pay", 0, times...)} }
	run := func(seconds ...[]*hist.OpStats) Run {
		r := Run{Ops: []*hist.OpStats{hist.NewOpStats("pay")}, Intervals: seconds}
		for _, s := range seconds {
			r.Ops[0].Merge(s[0])
		}
		return r
	}
	var even, uneven [][]*hist.OpStats
	for i := range 64 {
		even = append(even, second(lognormal(rng, 100, 1)...))
		uneven = append(uneven, second(lognormal(rng, 100, 1+9*float64(i%8/4))...))
	}
	for _, c := range []struct {
		name      string
		run       Run
		low, high int64
	}{
		{"no intervals", Run{Ops: run(even...).Ops}, 6400, 6400},
		{"nothing", Run{Ops: []*hist.OpStats{hist.NewOpStats("pay")}, Intervals: even}, 0, 0},
		{"a second", run(even[0]), 1, 1},
		{"seconds alike", run(even...), 2000, 6000},
		{"four seconds slow, four fast", run(uneven...), 5, 120},
	} {
		if got := c.run.independent(c.run.Ops[0], 50, .01); got < c.low || got > c.high {
			t.Errorf("%s: worth %d, want %d to %d", c.name, got, c.low, c.high)
		}
	}
}
