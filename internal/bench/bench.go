// Package bench drives load and measures it honestly. In the open loop a
// dispatcher hands every operation out at the moment that its schedule has
// fixed beforehand, whether or not earlier ones were answered; in the closed
// loop each worker starts the next one when the last was answered.
//
// What an operation is, how it is repeated and what its answer means belongs to
// [Work]; histograms belong to package hist, verdicts to others. This package
// owns the clock, the queue, the workers, and knowing whether the generator
// itself was the bottleneck ([Health]).
package bench

import (
	"context"
	"time"

	"leap/internal/fault"
	"leap/internal/hist"
	"leap/internal/pace"
)

// Call is one operation to run.
type Call struct {
	// Seq numbers the operations of a run. What the operation does follows from
	// it and the run's seed, not from the worker.
	Seq uint64
	// Op is what Work.Op said of Seq.
	Op int
	// Worker is the number of the worker that runs it, from 0: for state that
	// workers need not share, such as a connection.
	Worker int
	// Due is the moment from which the response time counts, At the same
	// counted from the start of the measurement.
	Due time.Time
	At  time.Duration
	// Warmup says that the call is not measured. It changes data all the same.
	Warmup bool
}

// Result is what became of a call.
type Result struct {
	// Attempts counts how often it was tried; 0 means once.
	Attempts int
	// RetryCost is the time lost in attempts that failed and in the pauses
	// after them, PoolWait the time spent waiting for a connection.
	RetryCost, PoolWait time.Duration
	// Outcome says how it ended, Code why if not well: see hist.Sample.
	Outcome hist.Outcome
	Code    string
}

// Work is what the load consists of. Both methods are called from all workers.
type Work interface {
	// Op returns the index of the operation with a sequence number. It is pure:
	// the same seed and number give the same operation in every process.
	Op(seq uint64) int
	// Do runs one operation with all its repetitions and returns when it is
	// known, as far as it can be, how it ended. When ctx is done, the run is
	// over and Do returns soon.
	Do(ctx context.Context, call Call) Result
}

// Recorder takes the samples of one goroutine; *hist.Recorder is one.
type Recorder interface {
	Record(s hist.Sample)
}

// Wiring connects a run with what it drives and where its measurements go.
type Wiring struct {
	Work Work
	// Recorder returns the recorder of one goroutine; it is called once for
	// each number from 0 to Options.Workers: the last one is the dispatcher's,
	// which records what it sheds. The times of samples count from the start of
	// the measurement.
	Recorder func(n int) Recorder
	// Warm, if set, is called once for each worker before the run begins, for
	// at most a hundred workers at a time: a server that is asked for all
	// connections at once answers none in time.
	Warm func(ctx context.Context, worker int) error
	// Interval, if set, is called from one goroutine at the end of each
	// interval. The load does not wait for it.
	Interval func(Interval)
}

// WhenFull says what happens to an operation that is due while the queue is full.
type WhenFull int

// The ways to meet a full queue. Both are counted.
const (
	// Queue makes it wait outside the queue, and all operations after it. Their
	// response times count from when they were due.
	Queue WhenFull = iota
	// Shed gives it up at once: recorded as hist.Shed, never run.
	Shed
)

// ParseWhenFull reads "queue" or "shed". Its errors are of class fault.Usage.
func ParseWhenFull(text string) (WhenFull, error) {
	switch text {
	case "queue":
		return Queue, nil
	case "shed":
		return Shed, nil
	}
	return 0, fault.New(fault.Usage, "write queue or shed", "%q does not say what to do with operations when the queue is full", text)
}

// String returns the text that ParseWhenFull reads.
func (w WhenFull) String() string {
	if w == Shed {
		return "shed"
	}
	return "queue"
}

// Timer chooses how to wait for a moment.
type Timer int

// The timers.
const (
	// Precise is late by microseconds, not by the millisecond to which the Go
	// runtime rounds up.
	Precise Timer = iota
	// Coarse uses nothing but the Go runtime. The clock of testing/synctest
	// knows no other.
	Coarse
)

// Options bound a run.
type Options struct {
	// Seed chooses Poisson arrivals and think times.
	Seed uint64
	// Stripe is this process's part of the operations; the zero value is all.
	Stripe pace.Stripe
	// Warmup comes before the measurement. Operations due in it are run to
	// their end and not recorded.
	Warmup time.Duration
	// Duration is the length of the measurement; 0 goes on until the context
	// is done or Limit is reached.
	Duration time.Duration
	// Limit, if not 0, is the number of operations after which the run ends,
	// warm-up and all stripes included.
	Limit uint64
	// Workers is how many operations run at the same time.
	Workers int
	// Queue is how many operations may be due and wait for a worker; 0 means
	// DefaultQueue. WhenFull says what becomes of the others.
	Queue    int
	WhenFull WhenFull
	// Drain is how long operations that were due in time may take after the
	// end; 0 means DefaultDrain. Then they are cancelled, and those that were
	// not started are recorded as hist.Shed.
	Drain time.Duration
	// Every is the length of the intervals; 0 means a second.
	Every time.Duration
	Timer Timer
}

const (
	// DefaultQueue holds ten seconds of 1,000 operations per second in 240 kB.
	DefaultQueue = 10_000
	// DefaultDrain is about twice as long as CockroachDB takes to move a dead
	// node's leases, after which stuck operations go on.
	DefaultDrain = 20 * time.Second
)

// CodeQueueFull and CodeRunOver are the codes of hist.Shed samples: the
// operation found the queue full; the run ended before a worker was free.
const (
	CodeQueueFull = "queue_full"
	CodeRunOver   = "run_over"
)

// Validate returns o with its defaults, or what is wrong with it.
func (o Options) Validate() (Options, error) {
	switch {
	case o.Workers < 1:
		return o, fault.New(fault.Usage, "", "%d workers can do nothing; at least 1 is needed", o.Workers)
	case o.Duration < 0 || o.Warmup < 0 || o.Drain < 0 || o.Every < 0 || o.Queue < 0:
		return o, fault.New(fault.Usage, "", "times and the queue's length cannot be negative")
	}
	if o.Queue == 0 {
		o.Queue = DefaultQueue
	}
	if o.Drain == 0 {
		o.Drain = DefaultDrain
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	return o, nil
}

// Counts are numbers of operations. Once a run is over,
// Due = Done + Shed + Abandoned.
type Counts struct {
	// Due counts those whose moment has come.
	Due uint64
	// Started and Done count those that a worker began and ended, however they
	// ended; Failed those of Done that got no answer or a wrong one.
	Started, Done, Failed uint64
	// Shed counts those that found the queue full and were given up, Held those
	// that found it full and waited outside (see WhenFull).
	Shed, Held uint64
	// Abandoned counts those that were due and not started when the run ended.
	Abandoned uint64
}

// InFlight is the number of operations that a worker has begun and not ended.
func (c Counts) InFlight() int { return int(c.Started - c.Done) } //nolint:gosec // bounded by the number of workers

func (c Counts) minus(d Counts) Counts {
	return Counts{
		c.Due - d.Due, c.Started - d.Started, c.Done - d.Done, c.Failed - d.Failed,
		c.Shed - d.Shed, c.Held - d.Held, c.Abandoned - d.Abandoned,
	}
}

// Plus adds up two counts.
func (c Counts) Plus(d Counts) Counts {
	return Counts{
		c.Due + d.Due, c.Started + d.Started, c.Done + d.Done, c.Failed + d.Failed,
		c.Shed + d.Shed, c.Held + d.Held, c.Abandoned + d.Abandoned,
	}
}

// Interval is what a display needs about a short time.
type Interval struct {
	// From and To count from the start of the measurement; they are negative
	// during the warm-up.
	From, To time.Duration
	// Counts are those of the interval, Total those since the run began, warm-up
	// included in both.
	Counts, Total Counts
	// Queue and InFlight are as they were at To.
	Queue, InFlight int
	// CPU is the share of the available CPU time that this process used.
	CPU float64
}

// Summary is what is left of a run besides its samples.
type Summary struct {
	// Began is the start of the measurement.
	Began time.Time
	// Elapsed is how long operations became due: Options.Duration, less when
	// the run was interrupted.
	Elapsed time.Duration
	// Drained is when the last operation ended, counted from Began.
	Drained time.Duration
	// Interrupted says that the context was done before the run was.
	Interrupted bool
	// Warmup and Measured count by when an operation was due.
	Warmup, Measured Counts
	Health           Health
}
