package pace

import (
	"math"
	"time"
)

// curve is a rate over time, in seconds and operations, from 0 on. Its
// integral is known in closed form, so that the moment at which the n-th
// operation is due has no rounding that adds up.
type curve interface {
	// rate returns the operations per second at t.
	rate(t float64) float64
	// count returns the integral of rate from 0 to t.
	count(t float64) float64
	// at returns the t from which on count is above n: where the rate is 0 for
	// a while, the operation on the border waits until it is not. Infinity if
	// there is none.
	at(n float64) float64
}

// segment is a stretch of time in which the rate changes evenly.
type segment struct {
	start, length float64 // seconds; the last segment's length is infinite
	before        float64 // operations before start
	from, to      float64 // operations per second at both ends
}

// lines is a curve of segments without gaps.
type lines []segment

// leg is what a segment is made of; a last leg without length goes on for ever.
type leg struct {
	length   time.Duration
	from, to float64
}

// newLines joins the legs; the last one has no end and keeps its rate.
func newLines(legs ...leg) lines {
	var all lines
	var start, before float64
	for i, l := range legs {
		s := segment{start: start, length: l.length.Seconds(), before: before, from: l.from, to: l.to}
		if i == len(legs)-1 {
			s.length, s.to = math.Inf(1), l.from
		}
		all = append(all, s)
		start += s.length
		before += s.count(s.length)
	}
	return all
}

// slope returns how fast the rate changes.
func (s segment) slope() float64 {
	if math.IsInf(s.length, 1) {
		return 0
	}
	return (s.to - s.from) / s.length
}

// count returns the operations in the first t seconds of the segment.
func (s segment) count(t float64) float64 {
	return s.from*t + s.slope()*t*t/2
}

// at returns when the segment's n-th operation is due, from its start.
func (s segment) at(n float64) float64 {
	if s.from == 0 && s.slope() == 0 {
		return math.Inf(1)
	}
	if n == 0 {
		return 0
	}
	// n = from*t + slope*t^2/2, solved in the form that loses no digits when
	// the slope is close to zero.
	root := math.Sqrt(max(0, s.from*s.from+2*s.slope()*n))
	return 2 * n / (s.from + root)
}

func (l lines) rate(t float64) float64 {
	s := l[0]
	for _, next := range l[1:] {
		if next.start > t {
			break
		}
		s = next
	}
	return s.from + s.slope()*(t-s.start)
}

func (l lines) count(t float64) float64 {
	s := l[0]
	for _, next := range l[1:] {
		if next.start > t {
			break
		}
		s = next
	}
	return s.before + s.count(t-s.start)
}

func (l lines) at(n float64) float64 {
	s := l[0]
	for _, next := range l[1:] {
		if next.before > n {
			break
		}
		s = next
	}
	return s.start + s.at(n-s.before)
}

// wave is a sine that begins in its trough.
type wave struct {
	middle, swing float64 // operations per second; swing is at most middle
	period        float64 // seconds
}

func (w wave) rate(t float64) float64 {
	return w.middle - w.swing*math.Cos(2*math.Pi*t/w.period)
}

func (w wave) count(t float64) float64 {
	return w.middle*t - w.swing*w.period/(2*math.Pi)*math.Sin(2*math.Pi*t/w.period)
}

// at inverts count by Newton's method, kept inside a bracket that halves where
// a step would leave it: near a trough of rate 0 Newton alone would run away.
func (w wave) at(n float64) float64 {
	drift := w.swing * w.period / (2 * math.Pi) / w.middle // the sine is never further from the line
	low, high := max(0, n/w.middle-drift), n/w.middle+drift
	t := n / w.middle
	for range 100 {
		off := w.count(t) - n
		if off == 0 {
			return t
		}
		if off > 0 {
			high = t
		} else {
			low = t
		}
		next := t - off/w.rate(t)
		if !(next > low && next < high) { // also when it is NaN
			next = low + (high-low)/2
		}
		if math.Abs(next-t) <= 1e-10 { // a tenth of a nanosecond
			return next
		}
		t = next
	}
	return t
}
