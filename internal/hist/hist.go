// Package hist owns what was measured: one Sample per operation, recorded by
// each worker without locks or allocations, kept as HdrHistograms per operation
// and series, cut into intervals, written to and read from .hlog files. It
// judges nothing and knows no clock: every time is an offset from the start of
// the run, which the caller measures.
package hist

import (
	"fmt"
	"slices"
	"time"
)

// Series is one of the things measured about an operation.
type Series uint8

// The series. Only an operation that was answered is in the first four: a
// failure that comes back at once must not make the answers look fast. It is
// in Failed instead, and whoever judges a percentile counts it as slower than
// any limit.
const (
	// Response runs from the moment the operation was due to its end. It is
	// what a customer waits, and what is judged.
	Response Series = iota
	// Service runs from the start of the operation to its end, all attempts
	// included: what a tool that ignores its own lateness would report.
	Service
	// PoolWait is the part of Service spent waiting for a connection.
	PoolWait
	// RetryCost is the part of Service lost in attempts that were rolled back
	// and in the pauses after them; 0 when the first attempt succeeded.
	RetryCost
	// ScheduleLag runs from the due moment to the start, for every operation
	// that was started, whatever became of it: the generator's own lateness.
	ScheduleLag
	// Failed is the response time of operations that were not answered.
	Failed
	// NumSeries is their number.
	NumSeries
)

var seriesNames = [NumSeries]string{"response", "service", "pool_wait", "retry_cost", "schedule_lag", "failed"}

// String returns the name used in files and reports.
func (s Series) String() string {
	if s < NumSeries {
		return seriesNames[s]
	}
	return fmt.Sprintf("series(%d)", uint8(s))
}

// SeriesNames lists the names of all series, in order.
func SeriesNames() []string { return slices.Clone(seriesNames[:]) }

// ParseSeries returns the series with the name.
func ParseSeries(name string) (Series, bool) {
	i := slices.Index(seriesNames[:], name)
	return Series(max(i, 0)), i >= 0 //nolint:gosec // an index into seven names
}

// Outcome is how an operation ended.
type Outcome uint8

// The outcomes.
const (
	// Done operations did what was asked.
	Done Outcome = iota
	// Rejected operations got a correct refusal, such as "insufficient funds".
	// That is an answer, and no error.
	Rejected
	// Errored operations were not answered: an error after all attempts.
	Errored
	// Unresolved operations may or may not have been committed, and nobody
	// could find out.
	Unresolved
	// Violated operations got an answer that is wrong, such as another
	// tenant's row.
	Violated
	// Shed operations were due and never started, because the queue was full
	// or the run was over. Of their times only Due and End count; End is when
	// they were given up.
	Shed
	numOutcomes
)

// Answered reports whether the operation got an answer in the end.
func (o Outcome) Answered() bool { return o == Done || o == Rejected }

// Sample is what one operation leaves behind. Times are offsets from the start
// of the run on one monotonic clock.
type Sample struct {
	// Op is the operation's index in Options.Ops.
	Op int32
	// Attempts counts how often the transaction was tried, the first included.
	Attempts int32
	// Due is when it should have started, Start when it did, End when the last
	// attempt was over.
	Due, Start, End time.Duration
	// RetryCost and PoolWait are parts of End-Start.
	RetryCost, PoolWait time.Duration
	// Code says why the outcome is not Done: an SQLSTATE, or a short fixed
	// word such as "timeout". Few different ones: each gets a counter.
	Code    string
	Outcome Outcome
}

// Counts are the operations of one kind that ended within some time.
type Counts struct {
	Done       int64 `json:"done"`
	Rejected   int64 `json:"rejected"`
	Errored    int64 `json:"errored"`
	Unresolved int64 `json:"unresolved"`
	Violated   int64 `json:"violated"`
	Shed       int64 `json:"shed"`
	// Retries is the sum of Attempts-1.
	Retries int64 `json:"retries"`
	// Invalid counts samples that ended before they started or were due: an
	// error in the generator. They are in no series.
	Invalid int64 `json:"invalid,omitempty"`
	// Codes counts by Sample.Code; nil when there was none.
	Codes map[string]int64 `json:"codes,omitempty"`
}

// Answered is the number of operations that got an answer.
func (c *Counts) Answered() int64 { return c.Done + c.Rejected }

// Failed is the number of operations that got none, or a wrong one.
func (c *Counts) Failed() int64 { return c.Errored + c.Unresolved + c.Violated + c.Shed }

// Asked is the number of all operations that were due.
func (c *Counts) Asked() int64 { return c.Answered() + c.Failed() + c.Invalid }

// Add adds other to c.
func (c *Counts) Add(other *Counts) {
	c.Done += other.Done
	c.Rejected += other.Rejected
	c.Errored += other.Errored
	c.Unresolved += other.Unresolved
	c.Violated += other.Violated
	c.Shed += other.Shed
	c.Retries += other.Retries
	c.Invalid += other.Invalid
	for code, n := range other.Codes {
		c.code(code, n)
	}
}

func (c *Counts) code(code string, n int64) {
	if c.Codes == nil {
		c.Codes = make(map[string]int64)
	}
	c.Codes[code] += n
}

// add counts one sample.
func (c *Counts) add(s *Sample) {
	switch s.Outcome {
	case Done:
		c.Done++
	case Rejected:
		c.Rejected++
	case Errored:
		c.Errored++
	case Unresolved:
		c.Unresolved++
	case Violated:
		c.Violated++
	case Shed:
		c.Shed++
	case numOutcomes:
	}
	c.Retries += int64(max(s.Attempts-1, 0))
	if s.Code != "" {
		c.code(s.Code, 1)
	}
}

// OpStats is all that is known of one operation over some time. It is not safe
// for use by several goroutines.
type OpStats struct {
	Name   string
	Counts Counts
	// Series holds a histogram for each Series; none is nil.
	Series [NumSeries]*Histogram
}

// NewOpStats returns an empty OpStats.
func NewOpStats(name string) *OpStats {
	o := &OpStats{Name: name}
	for i := range o.Series {
		o.Series[i] = New()
	}
	return o
}

// Merge adds other to o: as if every sample of other had been recorded in o.
func (o *OpStats) Merge(other *OpStats) {
	o.Counts.Add(&other.Counts)
	for i := range o.Series {
		o.Series[i].Merge(other.Series[i])
	}
}

// Clone returns an independent copy.
func (o *OpStats) Clone() *OpStats {
	c := NewOpStats(o.Name)
	c.Merge(o)
	return c
}

// Sum returns all operations together under the given name.
func Sum(name string, ops []*OpStats) *OpStats {
	all := NewOpStats(name)
	for _, o := range ops {
		all.Merge(o)
	}
	return all
}
