package hist

import (
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// bin is what is being recorded in one interval, with an entry per operation.
type bin []hotOp

// hotOp records one operation. Its histograms are the library's dense ones:
// recording in them takes a tenth of the time of the sparse ones that the rest
// of the package uses. They have 180 kB each, so each comes into being with its
// first value and is used again in a later interval.
type hotOp struct {
	counts Counts
	dense  [NumSeries]*hdr.Histogram
}

// add records one sample.
func (o *hotOp) add(s *Sample) {
	if s.Outcome >= numOutcomes || s.End < s.Due || (s.Outcome != Shed && s.End < s.Start) {
		o.counts.Invalid++
		return
	}
	o.counts.add(s)
	if s.Outcome == Shed {
		return
	}
	// A dispatcher that spins may start a few nanoseconds early.
	o.record(ScheduleLag, s.Start-s.Due)
	if !s.Outcome.Answered() {
		o.record(Failed, s.End-s.Due)
		return
	}
	o.record(Response, s.End-s.Due)
	o.record(Service, s.End-s.Start)
	o.record(PoolWait, s.PoolWait)
	o.record(RetryCost, s.RetryCost)
}

func (o *hotOp) record(s Series, d time.Duration) {
	if o.dense[s] == nil {
		o.dense[s] = hdr.New(int64(lowest), int64(Highest), figures)
	}
	// The value is in range and there are fewer than 2^63.
	_ = o.dense[s].RecordValue(slotValue(d))
}

// addTo adds what was recorded to stats.
func (o *hotOp) addTo(stats *OpStats) {
	stats.Counts.Add(&o.counts)
	for s, dense := range o.dense {
		if dense != nil && dense.TotalCount() > 0 {
			stats.Series[s].packed.MergeFrom(dense)
		}
	}
}

// moveTo adds what was recorded to stats and makes o empty.
func (o *hotOp) moveTo(stats *OpStats) {
	o.addTo(stats)
	o.counts = Counts{}
	for _, dense := range o.dense {
		if dense != nil && dense.TotalCount() > 0 {
			dense.Reset()
		}
	}
}
