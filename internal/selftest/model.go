package selftest

import (
	"container/heap"
	"math"
	"slices"
	"time"

	"leap/internal/pace"
)

// Times are response times, sorted.
type Times []time.Duration

// Percentile returns the smallest one that at least p percent of all, counted to
// a thousandth, do not exceed. It counts for itself: with hist.Rank, a mistake
// there would be on both sides of the comparison.
func (t Times) Percentile(p float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	const whole = 100_000
	share := int(math.Round(p * whole / 100))
	return t[max(1, (share*len(t)+whole-1)/whole)-1]
}

// Truth computes what the customers of a server wait who come when ticks say:
// each is served by the first of a number of connections that is free, in the
// order of arrival, and waits from the moment it came.
func Truth(s *Server, ticks []pace.Tick, connections int) Times {
	free := make(moments, connections)
	for i := range free {
		free[i] = ticks[0].Due
	}
	times := make(Times, 0, len(ticks))
	for _, t := range ticks {
		start := max(t.Due, free[0])
		end := s.Answered(t.Seq, start)
		free[0] = end
		heap.Fix(&free, 0)
		if t.Due >= 0 {
			times = append(times, end-t.Due)
		}
	}
	slices.Sort(times)
	return times
}

// Naive computes what a tool reports that takes a token of a rate limiter when
// it has a free connection and starts its clock then: while the server stands
// still such a tool takes no tokens, and the requests that were due meanwhile
// are never sent and never counted. unsent is their number.
func Naive(s *Server, rate pace.Spec, length time.Duration, connections int) (times Times, unsent int) {
	free := make(moments, connections)
	var token time.Duration
	for seq := uint64(0); ; seq++ {
		start := max(token, free[0])
		if start >= length {
			break
		}
		end := s.Answered(seq, start)
		free[0] = end
		heap.Fix(&free, 0)
		times = append(times, end-start)
		// The bucket holds a single token: what is not taken in time is lost.
		token = start + time.Duration(float64(time.Second)/rate.Rate(start))
	}
	slices.Sort(times)
	return times, max(0, int(rate.Count(length))-len(times))
}

// moments is a heap of times, the earliest first.
type moments []time.Duration

func (m moments) Len() int           { return len(m) }
func (m moments) Less(i, j int) bool { return m[i] < m[j] }
func (m moments) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *moments) Push(x any)        { *m = append(*m, x.(time.Duration)) } //nolint:forcetypeassert // only container/heap calls it
func (*moments) Pop() any            { panic("the number of connections does not change") }
