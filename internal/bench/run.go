package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"leap/internal/hist"
)

// ErrOver is the cause with which the context of operations ends that are
// still running when the time to drain is over.
var ErrOver = errors.New("the run is over")

// warmAtOnce is how many connections are opened at the same time.
const warmAtOnce = 100

// job is an operation on its way to a worker.
type job struct {
	seq uint64
	due time.Duration
	// ready is due, or later where a full queue held up those before it.
	ready time.Duration
}

// run is one run, open or closed.
type run struct {
	Options
	Wiring
	clock clock
	queue chan job // nil in the closed loop

	// opCtx is what operations run under. The end of the caller's context does
	// not end it: what is in flight may finish within Options.Drain.
	opCtx   context.Context //nolint:containedctx // each operation's context; a worker has no other
	endOps  context.CancelCauseFunc
	over    chan struct{} // closed when no operation may start any more
	stopped atomic.Bool   // the same, cheaper to ask
	stop    func()        // closes over, once

	interrupted atomic.Bool
	workers     []*worker // one more than Options.Workers: the last is the dispatcher
	watch       *watch
}

// worker is what a single goroutine writes.
type worker struct {
	r *run
	n int
	// ctx is a child of run.opCtx: drivers register with an operation's context,
	// and workers would queue for the lock of a common one.
	ctx      context.Context //nolint:containedctx // see run.opCtx
	release  context.CancelFunc
	recorder Recorder
	phases   [2]tally // warm-up, measurement
	// ownLag holds by how much measured operations started after they were ready
	// though this worker had been waiting: that is the generator's doing.
	ownLag   *hist.Histogram
	waited   uint64        // measured operations that found no worker waiting
	busy     time.Duration // time inside measured operations
	queueMax int           // the dispatcher's
	_        [64]byte      // workers do not share a cache line
}

// tally counts operations; others read it while it is written.
type tally struct {
	due, started, done, failed, shed, held, abandoned atomic.Uint64
}

func (t *tally) counts() Counts {
	return Counts{
		Due: t.due.Load(), Started: t.started.Load(), Done: t.done.Load(), Failed: t.failed.Load(),
		Shed: t.shed.Load(), Held: t.held.Load(), Abandoned: t.abandoned.Load(),
	}
}

// clock tells the time from the start of the measurement.
type clock struct{ origin time.Time }

func (c clock) now() time.Duration { return time.Since(c.origin) }

// newRun opens the connections and sets the clock.
func newRun(ctx context.Context, o Options, w Wiring) (*run, error) {
	o, err := o.Validate()
	if err != nil {
		return nil, err
	}
	if err := warm(ctx, o.Workers, w.Warm); err != nil {
		return nil, err
	}
	r := &run{Options: o, Wiring: w, over: make(chan struct{})}
	r.stop = sync.OnceFunc(func() {
		r.stopped.Store(true)
		close(r.over)
	})
	r.opCtx, r.endOps = context.WithCancelCause(context.WithoutCancel(ctx))
	for n := range o.Workers + 1 {
		opCtx, release := context.WithCancel(r.opCtx)
		r.workers = append(r.workers, &worker{r: r, n: n, ctx: opCtx, release: release, recorder: w.Recorder(n), ownLag: hist.New()})
	}
	r.clock = clock{time.Now().Add(o.Warmup)}
	r.watch = newWatch(r)
	return r, nil
}

// warm calls f for each worker.
func warm(ctx context.Context, workers int, f func(ctx context.Context, worker int) error) error {
	if f == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(warmAtOnce)
	for n := range workers {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f(ctx, n); err != nil {
				return fmt.Errorf("open connection %d of %d: %w", n+1, workers, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// finish runs the workers and what feeds them until the last operation is over.
func (r *run) finish(ctx context.Context, feed, work func(*worker)) Summary {
	defer r.endOps(ErrOver)
	restore := relaxCollector()
	defer restore()
	// The caller's context ends the start of operations at once; those that
	// are running get Drain to come to an end.
	var timers []*time.Timer
	var mu sync.Mutex // guards timers
	endIn := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		timers = append(timers, time.AfterFunc(d, func() {
			r.stop()
			r.endOps(ErrOver)
		}))
	}
	release := context.AfterFunc(ctx, func() {
		r.interrupted.Store(true)
		r.stop()
		endIn(r.Drain)
	})
	defer release()
	if r.Duration > 0 {
		endIn(r.Warmup + r.Duration + r.Drain)
	}
	stopWatch := r.watch.start()

	var workers, feeder sync.WaitGroup
	for _, w := range r.workers[:r.Workers] {
		workers.Go(func() { work(w) })
	}
	feeder.Go(func() {
		feed(r.workers[r.Workers])
		if r.Duration == 0 || r.Limit > 0 { // otherwise the end is known
			endIn(r.Drain)
		}
	})
	feeder.Wait()
	elapsed := r.clock.now()
	r.watch.end = r.watch.read()
	workers.Wait()
	drained := r.clock.now()
	for _, w := range r.workers {
		w.release()
	}

	mu.Lock()
	for _, t := range timers {
		t.Stop()
	}
	mu.Unlock()
	stopWatch()
	return r.summary(elapsed, drained)
}

// summary adds up what the goroutines counted; they have ended.
func (r *run) summary(elapsed, drained time.Duration) Summary {
	if r.Duration > 0 {
		elapsed = min(elapsed, r.Duration)
		if !r.interrupted.Load() && r.Limit == 0 {
			elapsed = r.Duration // the last operation was due a little before
		}
	}
	s := Summary{
		Began: r.clock.origin, Elapsed: max(0, elapsed), Drained: max(0, drained),
		Interrupted: r.interrupted.Load(),
	}
	s.Warmup, s.Measured = r.counts()
	s.Health = r.watch.health(s)
	return s
}

// counts adds up what the goroutines have counted so far.
func (r *run) counts() (warmup, measured Counts) {
	for _, w := range r.workers {
		warmup = warmup.Plus(w.phases[0].counts())
		measured = measured.Plus(w.phases[1].counts())
	}
	return warmup, measured
}

// phase returns the tally for an operation that is due then.
func (w *worker) phase(due time.Duration) *tally {
	if due < 0 {
		return &w.phases[0]
	}
	return &w.phases[1]
}

// do runs an operation that starts now and returns when it ended.
func (w *worker) do(j job, start time.Duration) time.Duration {
	r := w.r
	count := w.phase(j.due)
	count.started.Add(1)
	op := r.Work.Op(j.seq)
	res := r.Work.Do(w.ctx, Call{Seq: j.seq, Op: op, Worker: w.n, Due: r.clock.origin.Add(j.due), At: j.due, Warmup: j.due < 0})
	end := r.clock.now()
	if !res.Outcome.Answered() {
		count.failed.Add(1)
	}
	count.done.Add(1)
	if j.due >= 0 {
		w.busy += end - start
		w.recorder.Record(hist.Sample{
			Op: int32(op), Attempts: int32(max(1, res.Attempts)), //nolint:gosec // far below 2^31
			Due: j.due, Start: start, End: end,
			RetryCost: res.RetryCost, PoolWait: res.PoolWait,
			Outcome: res.Outcome, Code: res.Code,
		})
	}
	return end
}

// giveUp records an operation that is never started.
func (w *worker) giveUp(j job, code string) {
	if j.due < 0 {
		return
	}
	w.recorder.Record(hist.Sample{
		Op: int32(w.r.Work.Op(j.seq)), Due: j.due, End: max(j.due, w.r.clock.now()), //nolint:gosec // an index
		Outcome: hist.Shed, Code: code,
	})
}

// abandon gives up an operation because the run is over.
func (w *worker) abandon(j job) {
	w.phase(j.due).abandoned.Add(1)
	w.giveUp(j, CodeRunOver)
}
