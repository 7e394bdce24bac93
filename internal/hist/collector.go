package hist

import (
	"sync"
	"sync/atomic"
	"time"
)

// Options says what a Collector collects.
type Options struct {
	// Ops names the operations; Sample.Op is an index into it.
	Ops []string
	// Interval is the length of the intervals that Cut returns; 0 means
	// DefaultInterval.
	Interval time.Duration
}

// DefaultInterval is short enough to see a stall of a second at its time.
const DefaultInterval = time.Second

// Collector gathers the samples of all workers. Each worker has a Recorder of
// its own; samples reach the histograms in batches, so that recording one costs
// a few nanoseconds and takes no lock.
//
// A sample belongs to the interval in which it ended, whenever it is gathered,
// so that intervals are the same however the work was spread over workers or
// processes.
type Collector struct {
	ops      []string
	interval time.Duration

	mu        sync.Mutex // guards all below, and every Recorder's tail
	recorders []*Recorder
	// totals is what was cut; the rest is in open.
	totals []*OpStats
	// open are the intervals that have not been cut; the first one starts at
	// next*interval.
	open  []bin
	next  int64
	spare []bin
	late  int64
}

// Interval is what ended between Start and End.
type Interval struct {
	Start, End time.Duration
	// Ops has an entry for each of Options.Ops, in that order.
	Ops []*OpStats
}

// NewCollector returns an empty collector.
func NewCollector(o Options) *Collector {
	if o.Interval <= 0 {
		o.Interval = DefaultInterval
	}
	return &Collector{ops: o.Ops, interval: o.Interval, totals: newOps(o.Ops)}
}

func newOps(names []string) []*OpStats {
	ops := make([]*OpStats, len(names))
	for i, name := range names {
		ops[i] = NewOpStats(name)
	}
	return ops
}

// ringSize is a power of two. A worker that records 1,000 samples a second
// fills its ring four times; emptying it takes about 50 us.
const ringSize = 256

// Recorder takes the samples of one worker. Only one goroutine may call Record.
type Recorder struct {
	c *Collector
	// The worker writes ring and head, whoever holds c.mu reads the ring up to
	// head and writes tail.
	head, tail atomic.Uint64
	ring       [ringSize]Sample
}

// Recorder returns a new recorder for one worker.
func (c *Collector) Recorder() *Recorder {
	r := &Recorder{c: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recorders = append(c.recorders, r)
	return r
}

// Record keeps the sample. It neither allocates nor locks, but for once in
// ringSize calls at most, when it empties its own ring into the histograms.
func (r *Recorder) Record(s Sample) {
	head := r.head.Load()
	if head-r.tail.Load() == ringSize {
		r.c.mu.Lock()
		r.c.drain(r)
		r.c.mu.Unlock()
	}
	r.ring[head%ringSize] = s
	r.head.Store(head + 1)
}

// drain moves r's samples into the histograms. c.mu is held.
func (c *Collector) drain(r *Recorder) {
	tail, head := r.tail.Load(), r.head.Load()
	for ; tail != head; tail++ {
		s := &r.ring[tail%ringSize]
		c.add(s)
		s.Code = "" // do not keep the text alive
	}
	r.tail.Store(tail)
}

// add counts a sample in its interval. A sample with an operation that does not
// exist panics: nobody could look at it.
func (c *Collector) add(s *Sample) {
	at := int64(s.End/c.interval) - c.next
	if at < 0 {
		// It ended just before a cut and was recorded just after.
		c.late++
		at = 0
	}
	c.extend(int(at) + 1)
	c.open[at][s.Op].add(s)
}

// extend makes at least n intervals open.
func (c *Collector) extend(n int) {
	for len(c.open) < n {
		if last := len(c.spare) - 1; last >= 0 {
			c.open, c.spare = append(c.open, c.spare[last]), c.spare[:last]
			continue
		}
		c.open = append(c.open, make(bin, len(c.ops)))
	}
}

// gather drains every recorder. c.mu is held.
func (c *Collector) gather() {
	for _, r := range c.recorders {
		c.drain(r)
	}
}

// Cut returns the intervals that ended at or before now, oldest first, those in
// which nothing happened included.
func (c *Collector) Cut(now time.Duration) []*Interval {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gather()
	return c.cut(int(int64(now/c.interval) - c.next))
}

// Finish returns the intervals that are left, as Cut does. The last one ends
// at now when that is earlier than its boundary. Call it when no worker records
// any more.
func (c *Collector) Finish(now time.Duration) []*Interval {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gather()
	full := int(int64(now/c.interval) - c.next)
	if now%c.interval != 0 {
		full++
	}
	cut := c.cut(max(full, len(c.open)))
	if n := len(cut); n > 0 && cut[n-1].Start < now {
		cut[n-1].End = min(cut[n-1].End, now)
	}
	return cut
}

// cut takes the first n open intervals away.
func (c *Collector) cut(n int) []*Interval {
	if n <= 0 {
		return nil
	}
	c.extend(n)
	cut := make([]*Interval, n)
	for i, b := range c.open[:n] {
		start := time.Duration(c.next) * c.interval
		cut[i] = &Interval{Start: start, End: start + c.interval, Ops: newOps(c.ops)}
		for j := range b {
			b[j].moveTo(cut[i].Ops[j])
			c.totals[j].Merge(cut[i].Ops[j])
		}
		c.next++
	}
	c.spare = append(c.spare, c.open[:n]...)
	c.open = append(c.open[:0], c.open[n:]...)
	return cut
}

// Totals returns a copy of everything recorded so far, per operation in the
// order of Options.Ops.
func (c *Collector) Totals() []*OpStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gather()
	all := make([]*OpStats, len(c.totals))
	for i, o := range c.totals {
		all[i] = o.Clone()
		for _, b := range c.open {
			b[i].addTo(all[i])
		}
	}
	return all
}

// Late is how many samples were gathered after their interval had been cut.
// They were counted in the next one.
func (c *Collector) Late() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.late
}
