package judge

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"leap/internal/hist"
)

// op is an operation with the response times and so many without an answer.
func op(name string, failed int64, times ...time.Duration) *hist.OpStats {
	o := hist.NewOpStats(name)
	for _, d := range times {
		o.Series[hist.Response].Record(d)
	}
	o.Counts.Done, o.Counts.Errored = int64(len(times)), failed
	return o
}

// alike compares operations that are independent of each other.
func alike(before, after []*hist.OpStats) []Shift { return Compare(Run{Ops: before}, Run{Ops: after}) }

// lognormal draws response times as databases have them: median 5 ms, p99 16 ms.
func lognormal(rng *rand.Rand, n int, scale float64) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(scale * 5e6 * math.Exp(0.5*rng.NormFloat64()))
	}
	return out
}

// quantileOfLognormal is the true percentile of what lognormal draws.
func quantileOfLognormal(z, scale float64) float64 { return scale * 5e6 * math.Exp(0.5*z) }

// z are the quantiles of the normal distribution for compared.
var z = []float64{0, 1.2815515655446004, 2.3263478740408408, 3.090232306167813}

// TestCompareCovers: the true change is inside all four intervals of an
// operation in at least 95 of 100 comparisons, and not in practically all: the
// intervals are no wider than they need to be.
func TestCompareCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for _, truth := range []struct{ before, after float64 }{{1, 1}, {1, 1.3}, {1, 0.5}} {
		const rounds = 200
		missed, each := 0, [4]int{}
		for range rounds {
			shifts := alike(
				[]*hist.OpStats{op("pay", 0, lognormal(rng, 7_000, truth.before)...)},
				[]*hist.OpStats{op("pay", 0, lognormal(rng, 6_000, truth.after)...)})
			all := true
			for i, s := range shifts {
				change := time.Duration(quantileOfLognormal(z[i], truth.after) - quantileOfLognormal(z[i], truth.before))
				if change < s.Low || change > s.High {
					all = false
					each[i]++
				}
				if s.Change == Unknown {
					t.Fatalf("7,000 and 6,000 samples are too few: %+v", s)
				}
			}
			if !all {
				missed++
			}
		}
		// 5 % of 200 are 10; a binomial has more than 20 in one of 1,000 cases.
		// Discrete ranks and Bonferroni make it less; none at all would be too wide.
		if missed > 20 || missed == 0 {
			t.Errorf("%v: missed in %d of %d comparisons, by percentile %v", truth, missed, rounds, each)
		}
	}
}

// TestCompareEqualRuns: a dozen operations, and hardly ever a false alarm.
func TestCompareEqualRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	const rounds, ops = 60, 12
	alarms := 0
	for range rounds {
		var runs [2][]*hist.OpStats
		for r := range runs {
			for i := range ops {
				runs[r] = append(runs[r], op(string(rune('a'+i)), 0, lognormal(rng, 2_000, float64(i+1))...))
			}
		}
		for _, s := range alike(runs[0], runs[1]) {
			if s.Change == Slower || s.Change == Faster {
				alarms++
				break
			}
		}
	}
	if alarms > 10 { // 3 are expected at most, more than 10 in one of 5,000 cases
		t.Errorf("%d of %d comparisons of equal runs show a difference", alarms, rounds)
	}
}

// TestCompareFindsWhatItSaysItCan: a shift of the detectable size is found in
// about 80 of 100 cases, twice as much always.
func TestCompareFindsWhatItSaysItCan(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	before := func() *hist.OpStats { return op("pay", 0, lognormal(rng, 6_000, 1)...) }
	var can [4]time.Duration
	const rounds = 60
	for range rounds {
		for i, s := range alike([]*hist.OpStats{before()}, []*hist.OpStats{before()}) {
			can[i] += s.Detectable / rounds
		}
	}
	for i, p := range compared {
		found, surely := 0, 0
		for range rounds {
			for _, factor := range []int64{1, 2} {
				times := lognormal(rng, 6_000, 1)
				for k := range times {
					times[k] += time.Duration(factor * can[i].Nanoseconds())
				}
				s := alike([]*hist.OpStats{before()}, []*hist.OpStats{op("pay", 0, times...)})[i]
				switch {
				case s.Change == Slower && factor == 1:
					found++
				case s.Change == Slower:
					surely++
				}
			}
		}
		if found < rounds*60/100 || found > rounds*97/100 || surely < rounds-1 {
			t.Errorf("p%g: a shift of %v is found in %d of %d, of twice that in %d", p, can[i], found, rounds, surely)
		}
	}
}

// TestCompareOfFailures: what is not answered is slower than everything.
func TestCompareOfFailures(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 28))
	fine := func(failed int64) []*hist.OpStats {
		return []*hist.OpStats{op("pay", failed, lognormal(rng, 10_000, 1)...)}
	}
	for _, c := range []struct {
		name       string
		before, to []*hist.OpStats
		want       [4]Change // empty: it moves a little, which may be seen or not
		verdict    Verdict
	}{
		{name: "equal", before: fine(0), to: fine(0), want: [4]Change{Same, Same, Same, Same}, verdict: Pass},
		{name: "some fail after", before: fine(0), to: fine(300), want: [4]Change{"", "", Slower, Slower}, verdict: Fail},
		{name: "some failed before", before: fine(300), to: fine(0), want: [4]Change{"", "", Faster, Faster}, verdict: Pass},
		{name: "some fail in both", before: fine(300), to: fine(300), want: [4]Change{"", "", Unknown, Unknown}, verdict: Pass},
		{name: "too few", before: []*hist.OpStats{op("pay", 0, 1, 2)}, to: fine(0), want: [4]Change{Unknown, Unknown, Unknown, Unknown}, verdict: Inconclusive},
		{name: "nothing", before: []*hist.OpStats{op("pay", 0)}, to: fine(0), want: [4]Change{Unknown, Unknown, Unknown, Unknown}, verdict: Inconclusive},
	} {
		shifts := alike(c.before, c.to)
		for i, s := range shifts {
			if c.want[i] != "" && s.Change != c.want[i] || (s.Change == Unknown) != (s.Why != "") {
				t.Errorf("%s: %+v, want %s", c.name, s, c.want[i])
			}
		}
		if v, why := Changed(shifts, 0); v != c.verdict || (v != Pass) != (len(why) > 0) {
			t.Errorf("%s: %s, %q", c.name, v, why)
		}
	}
	if got := alike(fine(0), []*hist.OpStats{op("other", 0, 1)}); len(got) != 0 {
		t.Errorf("runs with nothing in common: %+v", got)
	}
	if v, why := Changed(nil, 0); v != Inconclusive || len(why) == 0 {
		t.Errorf("no shifts: %s, %q", v, why)
	}
}

func TestChanged(t *testing.T) {
	slower := Shift{Op: "pay", Percentile: 99, Before: 100 * time.Millisecond, After: 110 * time.Millisecond, Low: 6 * time.Millisecond, High: 14 * time.Millisecond, Change: Slower}
	same := slower
	same.Low, same.Change = -6*time.Millisecond, Same
	for _, c := range []struct {
		shift     Shift
		tolerance float64
		want      Verdict
	}{
		{slower, 0, Fail},
		{slower, 5, Fail},
		{slower, 6, Inconclusive},
		{slower, 13, Inconclusive},
		{slower, 14, Pass},
		{same, 0, Pass},
		{same, 5, Inconclusive},
		{same, 14, Pass},
	} {
		if got, why := Changed([]Shift{c.shift}, c.tolerance); got != c.want || (got != Pass) != (len(why) == 1) {
			t.Errorf("%s with %g %%: %s, %q", c.shift.Change, c.tolerance, got, why)
		}
	}
	if got, _ := Changed([]Shift{same, slower}, 0); got != Fail {
		t.Errorf("one of two is slower: %s", got)
	}
}
