package judge

import (
	"fmt"

	"gonum.org/v1/gonum/mathext"
)

// errorRate judges by the bounds of a proportion.
func (f *Facts) errorRate(t Threshold, r *Result) {
	o := f.of(t.Op)
	n, k := o.Counts.Asked(), o.Counts.Failed()
	if n == 0 {
		r.Verdict, r.Why = Inconclusive, "nothing was measured"
		return
	}
	low, high := proportion(k, n)
	r.Value, r.Low, r.High = percent(float64(k)/float64(n)), percent(low), percent(high)
	t.settle(low, high, r, fmt.Sprintf("%d errors in %d operations: measure longer", k, n))
	alone := ""
	if tried := n - o.Counts.Shed; tried > 0 {
		if low, _ := proportion(k-o.Counts.Shed, tried); !t.keeps(low) {
			alone = "what failed without being shed"
		}
	}
	f.doubt(r, alone)
}

// proportion bounds the probability of something that happened in k of n cases:
// C. J. Clopper, E. S. Pearson, The use of confidence or fiducial limits
// illustrated in the case of the binomial, Biometrika 26 (1934), as quantiles of
// beta distributions. Each bound holds with Confidence.
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

// attempts judges attempts or retries per transaction.
func (f *Facts) attempts(t Threshold, r *Result) {
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
	if attempts < transactions {
		r.Verdict, r.Why = Inconclusive, fmt.Sprintf("%d attempts of %d transactions cannot be right", attempts, transactions)
		return
	}
	value := float64(attempts) / float64(transactions)
	low, high := tries(transactions, attempts)
	if t.Series == "retries_per_txn" {
		value, low, high = value-1, low-1, high-1
	}
	r.Value, r.Low, r.High = fmt.Sprintf("%.4f", value), fmt.Sprintf("%.4f", low), fmt.Sprintf("%.4f", high)
	t.settle(low, high, r, fmt.Sprintf("%d attempts of %d transactions: measure longer", attempts, transactions))
	f.doubt(r, "what the server refused")
}

// tries bounds the attempts that a transaction takes on average, when each
// attempt fails with the same probability whatever became of others: they are
// then tosses until the given number of successes, whose distribution function
// is a beta integral too (N. L. Johnson, A. W. Kemp, S. Kotz, Univariate Discrete
// Distributions, 3rd ed., chapter 5), and the bounds are those of Clopper and
// Pearson for it. Conflicts that come in swarms make them too narrow.
func tries(transactions, attempts int64) (low, high float64) {
	n, failed := float64(transactions), float64(attempts-transactions)
	high = 1 / mathext.InvRegIncBeta(n, failed+1, 1-Confidence)
	if failed == 0 {
		return 1, high
	}
	return 1 / mathext.InvRegIncBeta(n, failed, Confidence), high
}

// throughput judges the share of the asked operations that were answered before
// the end of the schedule, as a proportion.
func (f *Facts) throughput(t Threshold, r *Result) {
	switch {
	case f.Closed:
		r.Verdict, r.Why = Inconclusive, "a closed loop asks for no rate"
		return
	case f.Asked == 0:
		r.Verdict, r.Why = Inconclusive, "nothing was measured"
		return
	}
	low, _ := proportion(min(f.InTime, f.Asked), f.Asked)
	_, high := proportion(min(f.InTime+f.Around, f.Asked), f.Asked)
	r.Value, r.Low, r.High = percent(float64(f.InTime)/float64(f.Asked)), percent(low), percent(high)
	why := fmt.Sprintf("%d of %d operations were answered in time: measure longer", f.InTime, f.Asked)
	if f.Around > 0 {
		why = fmt.Sprintf("%d of %d operations were answered in time, and %d in the second in which the schedule ended: measure longer, for whole seconds", f.InTime, f.Asked, f.Around)
	}
	t.settle(low, high, r, why)
	f.doubt(r, "")
}
