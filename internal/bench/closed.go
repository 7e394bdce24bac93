package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"leap/internal/fault"
	"leap/internal/pace"
)

// Closed runs operations in a loop for each worker: the next one is due when
// the last was answered and the think time is over. Think is its mean; 0 goes
// on at once. A closed loop slows down with its server and therefore measures
// throughput well and latency under a given load not at all. Its errors and
// its end are those of Open. While it runs, the runtime uses as few processors
// as suffice.
func Closed(ctx context.Context, think time.Duration, o Options, w Wiring) (Summary, error) {
	r, err := newRun(ctx, o, w)
	if err != nil {
		return Summary{}, err
	}
	if think < 0 {
		return Summary{}, fault.New(fault.Usage, "", "the think time cannot be negative")
	}
	r.watch.few = true
	r.watch.procs.use(1, r.clock.now())
	defer func() { r.watch.procs.use(r.watch.procs.most, r.clock.now()) }()
	l := &loop{think: think, limit: make(chan struct{})}
	l.reached = sync.OnceFunc(func() { close(l.limit) })
	return r.finish(ctx, l.feed, l.work), nil
}

// loop is what the workers of a closed loop share.
type loop struct {
	think   time.Duration
	taken   atomic.Uint64
	limit   chan struct{} // closed when Options.Limit is reached
	reached func()        // closes limit, once
}

// feed waits until no worker starts anything more; they feed themselves.
func (l *loop) feed(w *worker) {
	r := w.r
	var end <-chan time.Time
	if r.Duration > 0 {
		timer := time.NewTimer(r.Duration - r.clock.now())
		defer timer.Stop()
		end = timer.C
	}
	select {
	case <-end:
	case <-r.over:
	case <-l.limit:
	}
}

// work runs operations one after the other.
func (l *loop) work(w *worker) {
	r := w.r
	due := r.clock.now() + l.pause(r, ^uint64(w.n)) //nolint:gosec // a small number; the workers do not start in step
	for {
		if r.Duration > 0 && due >= r.Duration {
			return
		}
		start := due
		if l.think > 0 {
			start = r.sleep(due)
		}
		if r.stopped.Load() {
			return
		}
		// Taken when the operation really starts: the numbers have no gap.
		seq := r.Stripe.Seq(l.taken.Add(1) - 1)
		if r.Limit > 0 && seq >= r.Limit {
			l.reached()
			return
		}
		w.phase(due).due.Add(1)
		end := w.do(job{seq: seq, due: due}, start)
		due = end + l.pause(r, seq)
	}
}

// pause returns a think time: exponential like that of TPC-C (clause 5.2.5.4),
// chosen by a number and cut off at ten times the mean.
func (l *loop) pause(r *run, n uint64) time.Duration {
	if l.think == 0 {
		return 0
	}
	return time.Duration(min(10, pace.Gap(r.Seed, n)) * float64(l.think))
}

// sleep waits until due and returns when it ended.
func (r *run) sleep(due time.Duration) time.Duration {
	if d := due - r.clock.now(); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.over:
		}
	}
	return r.clock.now()
}
