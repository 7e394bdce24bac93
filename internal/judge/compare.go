package judge

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"

	"leap/internal/hist"
)

// Change is what became of a percentile from one run to another.
type Change string

// The changes.
const (
	Same    Change = "same" // no difference that could be seen
	Slower  Change = "slower"
	Faster  Change = "faster"
	Unknown Change = "unknown" // Shift.Why says why
)

// Shift is the change of one percentile of an operation's response time.
type Shift struct {
	Op         string  `json:"op"`
	Percentile float64 `json:"percentile"`
	// Before and After are 0 for a percentile that was not answered.
	Before time.Duration `json:"before_ns"`
	After  time.Duration `json:"after_ns"`
	// Low and High bound the change, all shifts of a comparison together with
	// 95 % confidence. A bound of hist.Highest means that there is none.
	Low  time.Duration `json:"low_ns"`
	High time.Duration `json:"high_ns"`
	// Detectable is the change for the worse that two runs like these show with
	// a chance of 80 %; 0 when the interval has no lower bound.
	Detectable time.Duration `json:"detectable_ns"`
	// IndependentBefore and IndependentAfter are how many independent operations
	// the percentiles are worth: operations of one stall are not.
	IndependentBefore int64  `json:"independent_before"`
	IndependentAfter  int64  `json:"independent_after"`
	Change            Change `json:"change"`
	Why               string `json:"why,omitempty"`
	// Open says that the change is unknown for want of answers, not of operations:
	// nothing bounds how much slower it is.
	Open bool `json:"-"`
}

// compared are the percentiles that Compare looks at.
var compared = []float64{50, 90, 99, 99.9}

// power is the chance with which Shift.Detectable is found.
const power = 0.8

// Compare returns the shifts of the operations that both runs have.
//
// Each run's percentile has bounds by order statistics (hist.RankBounds), which
// assume nothing about the distribution. The interval for the difference is made
// of them by recovering the variances that they stand for (MOVER: G. Y. Zou, A.
// Donner, Construction of confidence limits about effect measures: a general
// approach, Statistics in Medicine 27 (2008)): with estimates b, a and bounds
// [lb, ub], [la, ua],
//
//	low = a - b - sqrt((a-la)^2 + (ub-b)^2), high = a - b + sqrt((ua-a)^2 + (b-lb)^2).
//
// A dozen operations with four percentiles are fifty intervals, of which two or
// three would miss by chance. The error is therefore divided by their number
// (Bonferroni): two equal runs show a difference anywhere in one of twenty
// comparisons at most.
//
// The bounds are those of as many independent samples as the run's are worth
// (Run.independent). What differs from one run of the same software to the next
// for other reasons, such as a busy neighbour, is a real difference to them.
func Compare(before, after Run) []Shift {
	var pairs [][2]*hist.OpStats
	for _, a := range after.Ops {
		for _, b := range before.Ops {
			if a.Name == b.Name {
				pairs = append(pairs, [2]*hist.OpStats{b, a})
			}
		}
	}
	each := (1 - Confidence) / float64(len(pairs)*len(compared))
	var out []Shift
	for _, pair := range pairs {
		for _, p := range compared {
			b, a := quantileOf(pair[0], p, each, before.independent(pair[0], p, each)), quantileOf(pair[1], p, each, after.independent(pair[1], p, each))
			out = append(out, shift(pair[1].Name, b, a, p, each))
		}
	}
	return out
}

// quantile is a percentile with its bounds, in nanoseconds; infinity stands for
// no answer.
type quantile struct {
	value, low, high float64
	samples, worth   int64 // how many there are, and how many independent ones that is
	enough           bool  // or there are too few for an upper bound
}

// quantileOf returns a percentile of all that were asked for, with bounds that
// are both right but for the error.
func quantileOf(o *hist.OpStats, p, miss float64, worth int64) quantile {
	n, h := o.Counts.Asked(), o.Series[hist.Response]
	q := quantile{samples: n, worth: worth}
	first, last := hist.RankBounds(worth, p, 1-miss/2)
	q.enough = last <= worth
	// The same ranks among all.
	scale := float64(n) / float64(max(worth, 1))
	first, last = int64(float64(first)*scale), min(n, int64(math.Ceil(float64(last)*scale)))
	if !q.enough {
		last = n + 1
	}
	edges := func(rank int64) (from, upTo float64) {
		if f, u, ok := h.SlotAtRank(rank); ok {
			return float64(f), float64(u)
		}
		return math.Inf(1), math.Inf(1)
	}
	if first > 0 {
		q.low, _ = edges(first)
	}
	_, q.value = edges(hist.Rank(n, p))
	_, q.high = edges(last)
	return q
}

// below is the lower bound of a-b. Where an estimate is missing, the difference
// of the bounds is one too: each of them is right but for half the error.
func below(a, b quantile) float64 {
	switch {
	case math.IsInf(b.high, 1):
		return math.Inf(-1)
	case math.IsInf(a.value, 1):
		return a.low - b.high
	}
	return a.value - b.value - math.Hypot(a.value-a.low, b.high-b.value)
}

func shift(op string, b, a quantile, p, miss float64) Shift {
	low, high := below(a, b), -below(b, a)
	s := Shift{
		Op: op, Percentile: p, Before: span(b.value), After: span(a.value), Low: bound(low), High: bound(high),
		IndependentBefore: b.worth, IndependentAfter: a.worth,
	}
	switch {
	case b.samples == 0 || a.samples == 0:
		s.Change, s.Why = Unknown, "nothing was measured"
	case low > 0:
		s.Change = Slower
	case high < 0:
		s.Change = Faster
	case !a.enough || !b.enough:
		s.Change = Unknown
		s.Why = fmt.Sprintf("%d and %d samples, worth %d and %d independent ones; at least %d are needed", b.samples, a.samples, b.worth, a.worth, hist.MinSamples(p, 1-miss/2))
	case math.IsInf(low, -1) || math.IsInf(high, 1):
		s.Change, s.Why, s.Open = Unknown, "too many operations were not answered", math.IsInf(high, 1)
	default:
		s.Change = Same
	}
	if half := a.value - b.value - low; !math.IsInf(half, 0) && !math.IsNaN(half) {
		// The half width is found in every second case. It is as many standard
		// deviations as the confidence asks for.
		s.Detectable = span(half * (1 + mathext.NormalQuantile(power)/mathext.NormalQuantile(1-miss/2)))
	}
	return s
}

// span is a time, 0 for infinity.
func span(v float64) time.Duration {
	if math.IsInf(v, 0) {
		return 0
	}
	return time.Duration(v)
}

// bound is a time, hist.Highest of its sign for infinity.
func bound(v float64) time.Duration {
	return time.Duration(min(max(v, -float64(hist.Highest)), float64(hist.Highest)))
}

// Changed judges shifts by how much slower, in percent of what was, anything may
// get. With a tolerance, a pass says that nothing that could be compared got
// slower by more than it. Without one, it only says that no slowdown was seen;
// Shift.Detectable says what would have been.
func Changed(shifts []Shift, tolerance float64) (Verdict, []string) {
	verdict, reasons, known := Pass, []string{}, false
	lower := func(to Verdict, s Shift, format string, args ...any) {
		verdict = Worse(verdict, to)
		reasons = append(reasons, fmt.Sprintf("%s p%g: ", s.Op, s.Percentile)+fmt.Sprintf(format, args...))
	}
	for _, s := range shifts {
		allowed := time.Duration(float64(s.Before) * tolerance / 100)
		switch {
		case tolerance > 0 && s.Open && s.Before > 0:
			lower(Inconclusive, s, "was answered before, and may not be any more: measure longer")
		case s.Change == Unknown:
			continue
		case s.Change == Slower && s.After == 0:
			lower(Fail, s, "was answered before, and is not any more")
		case s.Change == Slower && s.Low > allowed:
			lower(Fail, s, "slower by at least %s", Millis(s.Low))
		case tolerance > 0 && s.High > allowed && s.Before > 0:
			lower(Inconclusive, s, "may be slower by up to %s, and %g %% are %s: measure longer", Millis(s.High), tolerance, Millis(allowed))
		}
		known = true
	}
	if !known {
		return Inconclusive, append(reasons, "nothing could be compared: there are too few answers")
	}
	return verdict, reasons
}
