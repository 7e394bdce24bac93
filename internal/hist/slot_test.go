package hist

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestSlotAtRankHoldsTheValue(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 511, 512, time.Microsecond, ms, 199_990 * time.Microsecond, time.Second, Highest} {
		h := New()
		h.Record(d)
		from, upTo, ok := h.SlotAtRank(1)
		if !ok || d < from || d > upTo || upTo-from > max(512, d/1000) {
			t.Errorf("%v is said to lie in %v to %v, %v", d, from, upTo, ok)
		}
		for _, rank := range []int64{-1, 0, 2} {
			if _, _, ok := h.SlotAtRank(rank); ok {
				t.Errorf("there is a rank %d of 1", rank)
			}
		}
	}
	h := New()
	h.Record(ms)
	h.Record(Highest + 1)
	if _, _, ok := h.SlotAtRank(2); ok {
		t.Error("an overflow has an upper edge")
	}
}

func TestMoments(t *testing.T) {
	if got := New().Moments(); got != (Moments{}) {
		t.Errorf("of nothing: %+v", got)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	h := New()
	var values []float64
	for range 100_000 {
		d := time.Duration(rng.ExpFloat64() * 5e6)
		h.Record(d)
		values = append(values, float64(d))
	}
	var mean, second, third float64
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		second += (v - mean) * (v - mean) / float64(len(values))
		third += (v - mean) * (v - mean) * (v - mean) / float64(len(values))
	}
	m := h.Moments()
	if off := math.Abs(m.Mean - mean); off > m.Error || m.Error > mean/1000 {
		t.Errorf("mean %.0f, want %.0f; said to be within %.0f", m.Mean, mean, m.Error)
	}
	if want := math.Sqrt(second); math.Abs(m.Deviation/want-1) > 1e-3 {
		t.Errorf("deviation %.0f, want %.0f", m.Deviation, want)
	}
	if want := third / math.Pow(second, 1.5); math.Abs(m.Skewness/want-1) > 1e-2 {
		t.Errorf("skewness %.3f, want %.3f", m.Skewness, want)
	}
	over := New()
	over.RecordN(Highest+1, 3)
	if got := time.Duration(over.Moments().Mean); got != Highest {
		t.Errorf("overflows have the mean %v", got)
	}
}
