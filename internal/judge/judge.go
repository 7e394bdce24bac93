package judge

import (
	"fmt"
	"math"
	"strings"
	"time"

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
	// were answered before its end, Around those that were answered in the second
	// in which it ended, before or after. Closed loops ask for nothing.
	Asked, InTime, Around int64
	Closed                bool
	// Unresolved counts calls of which nobody knows whether they changed data.
	Unresolved int64
	// Invariants is their common verdict; empty when none was checked.
	Invariants Verdict
	// Client and Workers say why latencies are not the server's: the generator
	// could not keep up, or it had too few connections.
	Client, Workers []string
	// Late is by how much the generator itself was late at most. Client looks at
	// 99 % of the operations: of the last one it says nothing.
	Late time.Duration
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
	// Doubted says that Why is the state of the generator, the same for all.
	Doubted bool `json:"-"`
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

// Says puts the result in a line.
func (r Result) Says() string {
	text := r.Value
	if b := r.Bounds(); b != "" {
		text += " (95 % bounds: " + b + ")"
	}
	if r.Why != "" {
		text += "; " + r.Why
	}
	return strings.TrimPrefix(text, "; ")
}

// Gate judges one threshold.
func (f *Facts) Gate(t Threshold) Result {
	r := Result{Threshold: t.Text}
	switch {
	case t.Percentile > 0:
		f.percentile(t, &r)
	case t.Series == "mean":
		f.mean(t, &r)
	case t.Series == "max":
		f.max(t, &r)
	case t.Series == "error_rate":
		f.errorRate(t, &r)
	case t.Series == "attempts_per_txn" || t.Series == "retries_per_txn":
		f.attempts(t, &r)
	case t.Series == "throughput":
		f.throughput(t, &r)
	case t.Series == "unresolved":
		r.Value, r.Verdict = fmt.Sprint(f.Unresolved), Fail
		if t.keeps(float64(f.Unresolved)) {
			r.Verdict = Pass
		}
	case t.Series == "invariants":
		f.invariants(&r)
	default: // no threshold of Parse comes here, and none may pass unseen
		r.Verdict, r.Why = Inconclusive, "nobody knows how to judge "+t.Series
	}
	return r
}

func (f *Facts) invariants(r *Result) {
	r.Value, r.Verdict = string(f.Invariants), f.Invariants
	switch f.Invariants {
	case Pass:
	case Fail:
		r.Why = "an invariant is violated"
	case "":
		r.Verdict, r.Why = Inconclusive, "no invariant was checked"
	case Inconclusive:
		r.Why = "an invariant could not be checked"
	}
}

// settle is the verdict on a value that lies between two bounds. why says what
// is missing when neither of them decides.
func (t Threshold) settle(low, high float64, r *Result, why string) {
	worse, better := high, low
	if t.AtLeast {
		worse, better = low, high
	}
	switch {
	case math.IsNaN(low) || math.IsNaN(high):
		r.Verdict, r.Why = Inconclusive, "the bounds cannot be computed"
	case t.keeps(worse):
		r.Verdict = Pass
	case !t.keeps(better):
		r.Verdict = Fail
	default:
		r.Verdict, r.Why = Inconclusive, why
	}
}

// doubt takes back what the generator's own state forbids to say: a client that
// cannot keep up makes latencies, time-outs and a smaller load of its own, and so
// does a want of connections. alone says what breaks the limit without any wait
// for a connection, and is empty when nothing does: that is the server's fault.
func (f *Facts) doubt(r *Result, alone string) {
	switch {
	case len(f.Client) > 0:
		r.Verdict, r.Why, r.Doubted = Inconclusive, "the generator could not keep up: "+f.Client[0], true
	case len(f.Workers) > 0 && r.Verdict == Fail && alone != "":
		r.Why = alone + " breaks the limit"
	case len(f.Workers) > 0:
		r.Verdict, r.Why, r.Doubted = Inconclusive, "all connections were busy: "+f.Workers[0], true
	}
}

// excuse takes a fail back that may be the generator's lateness alone: without it,
// the value with that rank would keep to the limit. Where the service time alone
// breaks the limit it is the server.
func (f *Facts) excuse(s sample, rank int64, t Threshold, r *Result, alone string) {
	from, _, ok := s.answered.SlotAtRank(rank)
	if r.Verdict == Fail && alone == "" && ok && t.keeps((from - f.Late).Seconds()) {
		r.Verdict, r.Why = Inconclusive, "the generator itself was late by up to "+Millis(f.Late)
	}
}

// Millis writes a time in milliseconds with three figures.
func Millis(d time.Duration) string {
	ms := d.Seconds() * 1e3
	digits := 2 - int(math.Floor(math.Log10(max(ms, 1e-3))))
	return fmt.Sprintf("%.*f ms", min(max(digits, 0), 3), ms)
}

func percent(v float64) string { return fmt.Sprintf("%.3g %%", 100*v) }
