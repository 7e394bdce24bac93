package hist

import (
	"errors"
	"fmt"
	"math"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The geometry of every histogram: two runs can always be merged and compared.
const (
	// lowest is the smallest difference that is kept. Nothing that crosses a
	// network is measured better.
	lowest = time.Microsecond
	// Highest is the largest value that is told apart. Anything longer is
	// counted as overflow: see Histogram.Overflow.
	Highest = 10 * time.Minute
	// figures is the number of significant decimal figures. With one, a gate
	// at 200 ms fails at 193; three cost the same.
	figures = 3
)

// The library covers values up to the next power of two above Highest. Its last
// slot, [overflowValue, 2^40), is far above Highest, so it can hold the
// overflows: they keep their rank, and a file needs no further field for them.
const overflowValue = 1<<40 - 1 // nanoseconds, 18 minutes

// ErrGeometry is returned for a histogram that was recorded with other bounds
// or another precision. Such a file can be read with any HdrHistogram tool, but
// not merged with ours.
var ErrGeometry = errors.New("the histogram was recorded with another geometry")

// Histogram counts durations with three significant figures from 1 us to
// Highest. It is sparse: its size follows the number of different values, so
// that hundreds of them fit. It is not safe for use by several goroutines.
type Histogram struct {
	packed *hdr.PackedHistogram
}

// New returns an empty histogram.
func New() *Histogram {
	return &Histogram{hdr.NewPacked(int64(lowest), int64(Highest), figures)}
}

// Record counts d once. A negative d is counted as 0.
func (h *Histogram) Record(d time.Duration) { h.RecordN(d, 1) }

// RecordN counts d n times.
func (h *Histogram) RecordN(d time.Duration, n int64) {
	// Both reasons for an error, a value out of range and more than 2^63
	// values, are excluded.
	_ = h.packed.RecordValues(slotValue(d), n)
}

// slotValue is the value in nanoseconds under which d is counted.
func slotValue(d time.Duration) int64 {
	if d > Highest {
		return overflowValue
	}
	return int64(max(d, 0))
}

// Count is the number of recorded values, overflows included.
func (h *Histogram) Count() int64 { return h.packed.TotalCount() }

// Overflow is the number of values above Highest.
func (h *Histogram) Overflow() int64 { return h.packed.CountAtValue(overflowValue) }

// Min is the lower edge of the smallest value's slot; 0 when empty.
func (h *Histogram) Min() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.packed.Min())
}

// Max is the upper edge of the largest value's slot; 0 when empty. More than
// Highest means that there were overflows.
func (h *Histogram) Max() time.Duration {
	if h.Count() == 0 {
		return 0
	}
	return time.Duration(h.packed.Max())
}

// Mean is the arithmetic mean, computed from the middles of the slots and
// therefore within 0.05 %; 0 when empty. Overflows make it too small.
func (h *Histogram) Mean() time.Duration { return time.Duration(h.packed.Mean()) }

// Percentile returns the smallest slot's upper edge that at least p percent of
// the values do not exceed: the value with the rank that Rank gives. 0 when
// empty.
func (h *Histogram) Percentile(p float64) time.Duration {
	return h.AtRank(Rank(h.Count(), p))
}

// AtRank returns the upper edge of the slot that holds the value with the given
// rank, 1 being the smallest; 0 when there is no such rank.
func (h *Histogram) AtRank(rank int64) time.Duration {
	if rank < 1 || rank > h.Count() {
		return 0
	}
	seen := int64(0)
	for v, n := range h.packed.ForEachBucket {
		if seen += n; seen >= rank {
			return upperEdge(v)
		}
	}
	return 0
}

// Each calls yield with the upper edge and the count of every slot that is not
// empty, smallest first. It is an iter.Seq2.
func (h *Histogram) Each(yield func(upTo time.Duration, n int64) bool) {
	for v, n := range h.packed.ForEachBucket {
		if !yield(upperEdge(v), n) {
			return
		}
	}
}

// CountUpTo returns how many values are in slots that end at or below d.
func (h *Histogram) CountUpTo(d time.Duration) int64 {
	total := int64(0)
	for upTo, n := range h.Each {
		if upTo > d {
			break
		}
		total += n
	}
	return total
}

// Merge adds the values of other, which has the same geometry as all have.
func (h *Histogram) Merge(other *Histogram) { h.packed.Merge(other.packed) }

// Clone returns an independent copy.
func (h *Histogram) Clone() *Histogram { return &Histogram{h.packed.Clone()} }

// Reset makes h empty and keeps its memory.
func (h *Histogram) Reset() { h.packed.Reset() }

// Equal reports whether both hold the same counts.
func (h *Histogram) Equal(other *Histogram) bool {
	if h.Count() != other.Count() || h.packed.Populated() != other.packed.Populated() {
		return false
	}
	for v, n := range h.packed.ForEachBucket {
		if other.packed.CountAtValue(v) != n {
			return false
		}
	}
	return true
}

// decode reads a histogram in the public tools' compressed V2 form, in base64.
// One with another geometry is an ErrGeometry.
func decode(text []byte) (*Histogram, error) {
	packed, err := hdr.DecodePacked(text)
	if err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	low, high, digits := packed.LowestTrackableValue(), packed.HighestTrackableValue(), packed.SignificantFigures()
	if low != int64(lowest) || high != int64(Highest) || digits != figures {
		return nil, fmt.Errorf("decode histogram: %w: %d to %d ns with %d figures", ErrGeometry, low, high, digits)
	}
	return &Histogram{packed}, nil
}

// Rank is the rank of percentile p among n values: the smallest r with
// r/n >= p/100, at least 1 (the nearest-rank definition). 0 when n is 0.
func Rank(n int64, p float64) int64 {
	if n == 0 {
		return 0
	}
	// 99.9/100*1000 is a little more than 999 in binary.
	r := math.Ceil(p/100*float64(n) - 1e-6)
	return min(max(int64(r), 1), n)
}
