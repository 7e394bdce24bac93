package hist

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// RankBounds returns the ranks whose values bound percentile p of whatever
// produced n independent values: the true percentile is at least the value with
// rank low, and at most that with rank high, each with the given confidence
// (0.95 for 95 %). low is 0 when no value is a lower bound, high is n+1 when
// none is an upper one: there are too few.
//
// They are the distribution-free bounds from order statistics. The number of
// values at or below the true percentile is binomial(n, p/100), so that
//
//	P(X_(r) >= q) >= P(Bin(n, p) <= r-1)    and    P(X_(r) <= q) >= P(Bin(n, p) >= r);
//
// high is the smallest r for which the first is at least the confidence, low
// the largest for which the second is. See W. J. Conover, Practical
// Nonparametric Statistics, 3rd ed., section 3.2, or G. J. Hahn, W. Q. Meeker,
// Statistical Intervals, section 5.2.
//
// "Independent" is the catch: values of one stall come together. The bounds are
// then too narrow, and no formula knows by how much; longer runs help.
func RankBounds(n int64, p, confidence float64) (low, high int64) {
	if n <= 0 || n > math.MaxInt32*1024 {
		return 0, n + 1
	}
	q := p / 100
	// Search returns the smallest r in [0, n] for which the condition holds, n+1 for none.
	high = 1 + int64(sort.Search(int(n), func(i int) bool { return binomialCDF(int64(i), n, q) >= confidence }))
	first := sort.Search(int(n), func(i int) bool { return 1-binomialCDF(int64(i), n, q) < confidence })
	return int64(first), high
}

// MinSamples is the smallest number of values with which RankBounds has an
// upper bound for percentile p: 299 for p99 and 2,995 for p99.9 with 95 %.
func MinSamples(p, confidence float64) int64 {
	if p <= 0 {
		return 1
	}
	if p >= 100 {
		return math.MaxInt64
	}
	return int64(math.Ceil(math.Log(1-confidence)/math.Log(p/100) - 1e-9))
}

// binomialCDF is P(Bin(n, p) <= k).
func binomialCDF(k, n int64, p float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n || p <= 0:
		return 1
	case p >= 1:
		return 0
	}
	return mathext.RegIncBeta(float64(n-k), float64(k)+1, 1-p)
}
