package judge

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"

	"leap/internal/hist"
)

// of returns the operations of a threshold, added up.
func (f *Facts) of(op string) *hist.OpStats {
	all := hist.NewOpStats(op)
	for _, o := range f.Ops {
		if op == "" || o.Name == op {
			all.Merge(o)
		}
	}
	return all
}

// sample is what a percentile is taken from: n operations, of which those that
// were not answered, or not within hist.Highest, are slower than any limit.
type sample struct {
	answered *hist.Histogram
	n        int64
}

// under reports whether the value with a rank keeps to the limit for certain,
// over whether it breaks it for certain. The histogram knows a value to three
// figures, so that both can be false.
func (s sample) under(rank int64, t Threshold) bool {
	_, upTo, ok := s.answered.SlotAtRank(rank)
	return ok && t.keeps(upTo.Seconds())
}

func (s sample) over(rank int64, t Threshold) bool {
	if rank < 1 || rank > s.n {
		return false
	}
	from, _, ok := s.answered.SlotAtRank(rank)
	return !ok || !t.keeps(from.Seconds())
}

// words writes the value with a rank.
func (s sample) words(rank int64) string {
	_, upTo, ok := s.answered.SlotAtRank(rank)
	switch {
	case ok:
		return Millis(upTo)
	case rank > s.answered.Count():
		return "no answer"
	}
	return fmt.Sprintf("over %.0f minutes", hist.Highest.Minutes())
}

// broken reports whether the percentile breaks the limit with confidence.
func (s sample) broken(t Threshold) bool {
	low, _ := hist.RankBounds(s.n, t.Percentile, Confidence)
	return s.over(low, t)
}

// percentile judges by the bounds of hist.RankBounds.
func (f *Facts) percentile(t Threshold, r *Result) {
	o := f.of(t.Op)
	s := sample{o.Series[hist.Response], o.Counts.Asked()}
	if s.n == 0 {
		r.Verdict, r.Why = Inconclusive, "nothing was measured"
		return
	}
	low, high := hist.RankBounds(s.n, t.Percentile, Confidence)
	r.Value = s.words(hist.Rank(s.n, t.Percentile))
	if from, _, ok := s.answered.SlotAtRank(low); ok {
		r.Low = Millis(from)
	}
	if _, upTo, ok := s.answered.SlotAtRank(high); ok {
		r.High = Millis(upTo)
	}
	switch {
	case s.under(high, t):
		r.Verdict = Pass
	case s.broken(t):
		r.Verdict = Fail
	case high > s.n:
		r.Verdict = Inconclusive
		r.Why = fmt.Sprintf("%d samples, at least %d are needed", s.n, hist.MinSamples(t.Percentile, Confidence))
	default:
		r.Verdict, r.Why = Inconclusive, "the limit is inside the confidence interval: measure longer"
	}
	alone := ""
	// What was shed never got to the server, and is none of its failures.
	if service := (sample{o.Series[hist.Service], s.n - o.Counts.Shed - o.Counts.Invalid}); service.broken(t) {
		alone = "the service time alone"
	}
	if t.Percentile > 99 {
		f.excuse(s, low, t, r, alone)
	}
	f.doubt(r, alone)
}

// mean judges the mean of the answers by one-sided bounds of Student's t. They
// are too low for samples with a long tail on the right, as latencies have, and
// a pass therefore needs as many as W. G. Cochran's rule asks for, in the form of
// R. A. Sugden, T. M. F. Smith, R. P. Jones, Cochran's rule for simple random
// sampling, J. R. Statist. Soc. B 62 (2000): 28 + 25 G1^2, G1 being the skewness.
// For a fail it is the other way round: the lower bound is too low, which is
// careful, unless the tail is on the left.
func (f *Facts) mean(t Threshold, r *Result) {
	o := f.of(t.Op)
	h := o.Series[hist.Response]
	if h.Count() == 0 {
		r.Verdict, r.Why = Inconclusive, "nothing was answered"
		return
	}
	r.Value = Millis(h.Mean())
	low, high := meanBounds(h)
	r.Low = Millis(nanos(low))
	why := "the limit is inside the confidence interval: measure longer"
	if math.IsInf(high, 1) {
		why = fmt.Sprintf("%d samples are too few for a distribution this skewed: measure longer", h.Count())
	} else {
		r.High = Millis(nanos(high))
	}
	t.settle(low/1e9, high/1e9, r, why)
	switch n := o.Counts.Failed(); {
	case r.Verdict != Pass:
	case n > 0:
		r.Verdict, r.Why, r.High = Inconclusive, fmt.Sprintf("%d operations were not answered; there is no mean with them", n), ""
	case h.Overflow() > 0:
		r.Verdict, r.Why, r.High = Inconclusive, fmt.Sprintf("%d answers took longer than can be told", h.Overflow()), ""
	}
	alone := ""
	if low, _ := meanBounds(o.Series[hist.Service]); !t.keeps(low / 1e9) {
		alone = "the service time alone"
	}
	f.doubt(r, alone)
}

func nanos(v float64) time.Duration { return time.Duration(max(v, 0)) }

// meanBounds returns the bounds of a mean in nanoseconds; 0 and infinity stand
// for no bound.
func meanBounds(h *hist.Histogram) (low, high float64) {
	n, m := float64(h.Count()), h.Moments()
	enough := func(skewness float64) bool {
		skewness = max(skewness, 0)
		return n >= 28+25*skewness*skewness
	}
	half := math.Inf(1)
	if n > 1 {
		half = studentT(n-1, Confidence)*m.Deviation/math.Sqrt(n) + m.Error
	}
	low, high = 0, math.Inf(1)
	if m.Skewness >= 0 || enough(-m.Skewness) {
		low = max(0, m.Mean-half)
	}
	if enough(m.Skewness) {
		high = m.Mean + half
	}
	return low, high
}

// studentT is the quantile of Student's t for a confidence.
func studentT(freedom, confidence float64) float64 {
	x := mathext.InvRegIncBeta(freedom/2, 0.5, 2*(1-confidence))
	return math.Sqrt(freedom * (1 - x) / x)
}

// max judges the longest of all, which is known for certain: it is of this run,
// and says nothing about another one.
func (f *Facts) max(t Threshold, r *Result) {
	o := f.of(t.Op)
	s := sample{o.Series[hist.Response], o.Counts.Asked()}
	if s.n == 0 {
		r.Verdict, r.Why = Inconclusive, "nothing was measured"
		return
	}
	last := s.answered.Count()
	if last > 0 {
		r.Value = s.words(last)
	}
	switch failed := s.n - last; {
	case failed > 0:
		r.Verdict, r.Why = Fail, fmt.Sprintf("%d operations were not answered, which is slower than any limit", failed)
	case s.under(last, t):
		r.Verdict = Pass
	case s.over(last, t):
		r.Verdict = Fail
	default:
		r.Verdict, r.Why = Inconclusive, "the limit is nearer to the maximum than three figures can tell"
	}
	alone := ""
	if service := (sample{o.Series[hist.Service], s.n - o.Counts.Shed - o.Counts.Invalid}); service.over(service.n, t) {
		alone = "the service time alone"
	}
	if last == s.n {
		f.excuse(s, last, t, r, alone)
	}
	f.doubt(r, alone)
}
