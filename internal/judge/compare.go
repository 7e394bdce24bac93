package judge

import (
	"time"

	"leap/internal/hist"
)

// Change is what became of a percentile from one run to another.
type Change string

// The changes.
const (
	Same    Change = "same" // no difference that could be seen
	Slower  Change = "slower"
	Faster  Change = "faster"
	Unknown Change = "unknown" // too few samples on one side
)

// Shift is the change of one percentile of an operation's response time.
type Shift struct {
	Op         string        `json:"op"`
	Percentile float64       `json:"percentile"`
	Before     time.Duration `json:"before_ns"`
	After      time.Duration `json:"after_ns"`
	// Low and High bound the change with at least 95 % confidence.
	Low  time.Duration `json:"low_ns"`
	High time.Duration `json:"high_ns"`
	// Detectable is the smallest change that these two runs could have shown.
	Detectable time.Duration `json:"detectable_ns"`
	Change     Change        `json:"change"`
}

// compared are the percentiles that Compare looks at.
var compared = []float64{50, 90, 99, 99.9}

// Compare returns the shifts of the operations that both runs have.
//
// The interval is that of Bonferroni: each run's percentile is bounded on both
// sides by order statistics (hist.RankBounds), and a quarter of the
// error is left to each of the four bounds, so that all of them hold together
// with at least 95 %; the change then lies between the difference of one run's lower and the
// other's upper bound and its counterpart. It is wider than a bootstrap's and
// needs no assumption but independent samples.
func Compare(before, after []*hist.OpStats) []Shift {
	var out []Shift
	for _, a := range after {
		for _, b := range before {
			if a.Name != b.Name {
				continue
			}
			for _, p := range compared {
				out = append(out, shift(b, a, p))
			}
		}
	}
	return out
}

func shift(before, after *hist.OpStats, p float64) Shift {
	b, bLow, bHigh, bOK := bounds(before, p)
	a, aLow, aHigh, aOK := bounds(after, p)
	s := Shift{Op: after.Name, Percentile: p, Before: b, After: a, Change: Unknown}
	if !bOK || !aOK {
		return s
	}
	s.Low, s.High = aLow-bHigh, aHigh-bLow
	// A change of more than the interval's half width on the worse side would
	// have put 0 outside of it.
	s.Detectable = max(s.High-(a-b), (a-b)-s.Low)
	switch {
	case s.Low > 0:
		s.Change = Slower
	case s.High < 0:
		s.Change = Faster
	default:
		s.Change = Same
	}
	return s
}

// bounds returns a percentile of all that were asked for, with its bounds; false
// when there are too few, or when one of them was not answered.
func bounds(o *hist.OpStats, p float64) (value, low, high time.Duration, ok bool) { //nolint:revive // an interval and its middle
	const each = 1 - (1-Confidence)/4 // Bonferroni over four bounds
	n, h := o.Counts.Asked(), o.Series[hist.Response]
	value, _ = atRank(h, hist.Rank(n, p))
	first, last := hist.RankBounds(n, p, each)
	low, okLow := atRank(h, first)
	high, okHigh := atRank(h, last)
	return value, low, high, okLow && okHigh
}
