// Package pace says when the next operation is due. It is pure: a schedule
// follows from its [Spec], its seed and the sequence numbers alone, and knows
// neither a clock nor how the operations went. That keeps load honest: a slow
// server cannot delay the moments from which its answers are timed.
package pace

import (
	"math"
	"time"
)

// Tick is one operation that is due.
type Tick struct {
	// Seq numbers the operations of a run from 0, warm-up included. What the
	// operation does follows from it, whoever runs it.
	Seq uint64
	// Due is counted from the start of the measurement; it is negative during
	// the warm-up and never decreases.
	Due time.Duration
}

// Options make a [Schedule] of a [Spec].
type Options struct {
	// Seed chooses the Poisson arrivals; even ones need none.
	Seed uint64
	// Warmup comes before the measurement, at the rate with which that begins,
	// so that a ramp still starts at its foot when the measurement does.
	Warmup time.Duration
	// Duration is the length of the measurement; 0 or less has no end.
	Duration time.Duration
	// Stripe is the part of the operations to give out; the zero value is all.
	Stripe Stripe
}

// Schedule gives out the ticks of a run in order. It belongs to one goroutine.
type Schedule struct {
	spec     Spec
	opts     Options
	seq      uint64
	count    float64 // operations due until the next tick, counted from the measurement's start
	duration float64 // seconds
}

// Schedule returns the ticks of one run, or of one stripe of it. All stripes
// together are the run: the same sequence numbers, due at the same moments.
func (s Spec) Schedule(opts Options) *Schedule {
	duration := opts.Duration.Seconds()
	if opts.Duration <= 0 {
		duration = math.Inf(1)
	}
	before := s.curve.rate(0) * opts.Warmup.Seconds()
	schedule := &Schedule{spec: s, opts: opts, count: -before, duration: duration}
	if s.poisson {
		schedule.count += Gap(opts.Seed, 0)
	} else {
		// Even arrivals: the first one measured is due at 0 with any warm-up.
		schedule.count = -math.Floor(before)
	}
	return schedule
}

// Next returns the next tick of the stripe, and false after the last one.
func (s *Schedule) Next() (Tick, bool) {
	for {
		due := s.spec.at(s.count)
		if due >= s.duration {
			return Tick{}, false
		}
		tick := Tick{Seq: s.seq, Due: seconds(due)}
		s.seq++
		if s.spec.poisson {
			s.count += Gap(s.opts.Seed, s.seq)
		} else {
			s.count++
		}
		if s.opts.Stripe.Has(tick.Seq) {
			return tick, true
		}
	}
}

// Rate returns the operations per second that are asked for at t, counted from
// the start of the measurement.
func (s Spec) Rate(t time.Duration) float64 {
	return s.curve.rate(max(0, t.Seconds()))
}

// Count returns how many operations the measurement asks for until t, without
// the warm-up. Poisson arrivals scatter around it.
func (s Spec) Count(t time.Duration) float64 {
	return s.curve.count(max(0, t.Seconds()))
}

// at returns the second at which the given number of operations was asked for;
// the warm-up extends the curve to the left at its first rate.
func (s Spec) at(count float64) float64 {
	if count < 0 {
		return count / s.curve.rate(0)
	}
	return s.curve.at(count)
}

// seconds turns float seconds into a Duration; what does not fit is the end of time.
func seconds(s float64) time.Duration {
	ns := math.Round(s * 1e9)
	if ns >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ns)
}

// Gap returns the seq-th gap of a Poisson process of rate 1: a number with an
// exponential distribution and the mean 1. It is counter-based: no state, so
// that every stripe computes the same arrivals.
func Gap(seed, seq uint64) float64 {
	// SplitMix64 (Steele, Lea, Flood 2014), at a point that seed and seq choose.
	x := mix(seed^0x70616365) + (seq+1)*0x9e3779b97f4a7c15
	// 53 bits, moved by half a step: neither 0, whose logarithm is infinite, nor 1.
	u := (float64(mix(x)>>11) + 0.5) / (1 << 53)
	return -math.Log(u)
}

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
