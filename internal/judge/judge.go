package judge

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"

	"leap/internal/hist"
)

// Verdict is the outcome of a run or of a part of it.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
)

// Worse returns the verdict of two parts together.
func Worse(a, b Verdict) Verdict {
	switch {
	case a == Fail || b == Fail:
		return Fail
	case a == Pass && b == Pass:
		return Pass
	}
	return Inconclusive
}

// Confidence is that of every bound.
const Confidence = 0.95

// Facts are what a run is judged by.
type Facts struct {
	Ops []*hist.OpStats
	// Transactions and Attempts count by operation.
	Transactions, Attempts map[string]int64
	// Asked counts the operations that the schedule wanted, InTime those that
	// were answered before its end. Closed loops ask for nothing.
	Asked, InTime int64
	Closed        bool
	// Unresolved counts calls of which nobody knows whether they changed data.
	Unresolved int64
	// Invariants is their common verdict; empty when none was checked.
	Invariants Verdict
	// Client and Workers say why latencies are not the server's: the generator
	// could not keep up, or it had too few connections.
	Client, Workers []string
}

// Result is a threshold and how the run did.
type Result struct {
	Threshold string  `json:"threshold"`
	Verdict   Verdict `json:"verdict"`
	// Value is what was measured, Low and High its bounds, in words.
	Value string `json:"value"`
	Low   string `json:"low,omitempty"`
	High  string `json:"high,omitempty"`
	Why   string `json:"why,omitempty"`
}

// Bounds says between what the value lies.
func (r Result) Bounds() string {
	switch {
	case r.Low == "" && r.High == "":
		return ""
	case r.High == "":
		return "at least " + r.Low
	case r.Low == "":
		return "at most " + r.High
	}
	return r.Low + " to " + r.High
}

// Gate judges one threshold.
func (f *Facts) Gate(t Threshold) Result {
	r := Result{Threshold: t.Text}
	switch {
	case t.Percentile > 0:
		f.percentile(t, &r)
	case t.Series == "mean" || t.Series == "max":
		f.extreme(t, &r)
	case t.Series == "error_rate":
		f.errorRate(t, &r)
	case t.Series == "retries_per_txn":
		f.retries(t, &r)
	case t.Series == "throughput":
		f.throughput(t, &r)
	case t.Series == "unresolved":
		r.Value = fmt.Sprint(f.Unresolved)
		r.Verdict = t.passOrFail(float64(f.Unresolved))
	case t.Series == "invariants":
		r.Value, r.Verdict = string(f.Invariants), f.Invariants
		if f.Invariants == "" {
			r.Verdict, r.Why = Inconclusive, "no invariant was checked"
		}
	}
	return r
}

// passOrFail is the verdict on what is known for certain.
func (t Threshold) passOrFail(value float64) Verdict {
	if t.keeps(value) {
		return Pass
	}
	return Fail
}

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

// atRank returns the response time with a rank among all that were asked for.
// Those that were not answered are slower than any limit.
func atRank(h *hist.Histogram, rank int64) (time.Duration, bool) {
	return h.AtRank(rank), rank >= 1 && rank <= h.Count()
}

// percentile judges by the bounds of hist.RankBounds.
func (f *Facts) percentile(t Threshold, r *Result) {
	o := f.of(t.Op)
	h, n := o.Series[hist.Response], o.Counts.Asked()
	if n == 0 {
		r.Verdict, r.Why = Inconclusive, "nothing was measured"
		return
	}
	low, high := hist.RankBounds(n, t.Percentile, Confidence)
	value, answered := atRank(h, hist.Rank(n, t.Percentile))
	r.Value = Millis(value)
	if !answered {
		r.Value = "no answer"
	}
	under := func(rank int64) bool { // the value of a rank keeps to the limit
		v, ok := atRank(h, rank)
		return ok && t.keeps(v.Seconds())
	}
	if v, ok := atRank(h, low); ok {
		r.Low = Millis(v)
	}
	if v, ok := atRank(h, high); ok {
		r.High = Millis(v)
	}
	switch {
	case high <= n && under(high):
		r.Verdict = Pass
	case low >= 1 && !under(low):
		r.Verdict = Fail
	case high > n:
		r.Verdict = Inconclusive
		r.Why = fmt.Sprintf("%d samples, at least %d are needed", n, hist.MinSamples(t.Percentile, Confidence))
	default:
		r.Verdict, r.Why = Inconclusive, "the limit is inside the confidence interval: measure longer"
	}
	f.doubt(t, r, o)
}

// doubt takes back what the generator's own state forbids to say of a latency.
// Only a service time that breaks the limit is the server's even when all
// connections were busy.
func (f *Facts) doubt(t Threshold, r *Result, o *hist.OpStats) {
	switch {
	case len(f.Client) > 0:
		r.Verdict, r.Why = Inconclusive, "the generator could not keep up: "+f.Client[0]
	case len(f.Workers) > 0:
		if service := o.Series[hist.Service]; r.Verdict == Fail && t.Percentile > 0 && service.Count() > 0 {
			low, _ := hist.RankBounds(service.Count(), t.Percentile, Confidence)
			if v, ok := atRank(service, low); ok && !t.keeps(v.Seconds()) {
				r.Why = "the service time alone breaks the limit"
				return
			}
		}
		r.Verdict, r.Why = Inconclusive, "all connections were busy: "+f.Workers[0]
	}
}

// extreme judges the mean and the maximum, which have no bounds.
func (f *Facts) extreme(t Threshold, r *Result) {
	o := f.of(t.Op)
	h := o.Series[hist.Response]
	if h.Count() == 0 {
		r.Verdict, r.Why = Inconclusive, "nothing was answered"
		return
	}
	value := h.Max()
	if t.Series == "mean" {
		value = h.Mean()
	}
	r.Value = Millis(value)
	r.Verdict = t.passOrFail(value.Seconds())
	if n := o.Counts.Failed(); n > 0 && r.Verdict == Pass {
		r.Verdict, r.Why = Fail, fmt.Sprintf("%d operations were not answered, which is slower than any limit", n)
		if t.Series == "mean" {
			r.Verdict = Inconclusive
		}
	}
	f.doubt(t, r, o)
}

// errorRate judges by the bounds of Clopper and Pearson for a proportion (The
// use of confidence or fiducial limits, Biometrika 26, 1934): quantiles of
// beta distributions.
func (f *Facts) errorRate(t Threshold, r *Result) {
	o := f.of(t.Op)
	n, k := o.Counts.Asked(), o.Counts.Failed()
	if n == 0 {
		r.Verdict, r.Why = Inconclusive, "nothing was measured"
		return
	}
	low, high := proportion(k, n)
	r.Value, r.Low, r.High = percent(float64(k)/float64(n)), percent(low), percent(high)
	switch {
	case t.keeps(high):
		r.Verdict = Pass
	case !t.keeps(low):
		r.Verdict = Fail
	default:
		r.Verdict, r.Why = Inconclusive, fmt.Sprintf("%d errors in %d operations: measure longer", k, n)
	}
}

func proportion(k, n int64) (low, high float64) {
	low, high = 0, 1
	if k > 0 {
		low = mathext.InvRegIncBeta(float64(k), float64(n-k+1), 1-Confidence)
	}
	if k < n {
		high = mathext.InvRegIncBeta(float64(k+1), float64(n-k), Confidence)
	}
	return low, high
}

// retries judges attempts per transaction.
func (f *Facts) retries(t Threshold, r *Result) {
	var transactions, attempts int64
	for op, n := range f.Transactions {
		if t.Op == "" || t.Op == op {
			transactions += n
			attempts += f.Attempts[op]
		}
	}
	if transactions == 0 {
		r.Verdict, r.Why = Inconclusive, "there was no transaction"
		return
	}
	value := float64(attempts) / float64(transactions)
	r.Value = fmt.Sprintf("%.3f", value)
	r.Verdict = t.passOrFail(value)
}

// throughput judges the share of the asked operations that were answered in time.
func (f *Facts) throughput(t Threshold, r *Result) {
	if f.Closed || f.Asked == 0 {
		r.Verdict, r.Why = Inconclusive, "a closed loop asks for no rate"
		return
	}
	value := float64(f.InTime) / float64(f.Asked)
	r.Value = percent(value)
	r.Verdict = t.passOrFail(value)
	if r.Verdict == Fail && len(f.Client) > 0 {
		r.Verdict, r.Why = Inconclusive, "the generator could not keep up: "+f.Client[0]
	}
}

// Millis writes a time in milliseconds with three figures.
func Millis(d time.Duration) string {
	ms := d.Seconds() * 1e3
	digits := 2 - int(math.Floor(math.Log10(max(ms, 1e-3))))
	return fmt.Sprintf("%.*f ms", min(max(digits, 0), 3), ms)
}

func percent(v float64) string { return fmt.Sprintf("%.3g %%", 100*v) }
