package hist

import (
	"math"
	"time"
)

// SlotAtRank returns the edges of the slot that holds the value with the given
// rank, 1 being the smallest: the value is at least from and at most upTo. It is
// false when there is no such rank, and when the value is an overflow, of which
// only is known that it is above Highest.
func (h *Histogram) SlotAtRank(rank int64) (from, upTo time.Duration, ok bool) {
	if rank < 1 || rank > h.Count() {
		return 0, 0, false
	}
	seen := int64(0)
	for v, n := range h.packed.ForEachBucket {
		if seen += n; seen >= rank {
			upTo = upperEdge(v)
			return time.Duration(v), upTo, upTo < overflowValue
		}
	}
	return 0, 0, false
}

// Moments are those of the recorded values, in nanoseconds. Each value counts as
// the middle of its slot, an overflow as Highest.
type Moments struct {
	Mean, Deviation, Skewness float64
	// Error bounds how far Mean can be from that of the values themselves.
	Error float64
}

// Moments returns zeros for fewer than two values.
func (h *Histogram) Moments() Moments {
	count := float64(h.Count())
	if count < 2 {
		return Moments{}
	}
	var m Moments
	for v, n := range h.packed.ForEachBucket {
		m.Mean += middle(v) * float64(n) / count
		m.Error += float64(width(v)) / 2 * float64(n) / count
	}
	var second, third float64
	for v, n := range h.packed.ForEachBucket {
		d := middle(v) - m.Mean
		second += d * d * float64(n)
		third += d * d * d * float64(n)
	}
	m.Deviation = math.Sqrt(second / (count - 1))
	if second > 0 {
		m.Skewness = (third / count) / math.Pow(second/count, 1.5)
	}
	return m
}

// middle is the middle of the slot that begins at v.
func middle(v int64) float64 {
	return min(float64(v)+float64(width(v)-1)/2, float64(Highest))
}
