package loadgen

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// limit gives up operations of one worker that take too long. Its context
// serves one after the other until one of them is given up: a context, a timer
// and their registrations for each would be a tenth of what a fast one costs.
type limit struct {
	// until is when the running operation is given up, in nanoseconds since
	// the limits began; or idle, or given up.
	until atomic.Int64
	mu    sync.Mutex // guards ctx and cancel, and that until is given up together with them
	// parent is what ctx was made of.
	parent, ctx context.Context //nolint:containedctx // handed to each operation
	cancel      context.CancelCauseFunc
}

// The values of limit.until that are no moments.
const (
	idle    = 0
	givenUp = -1
)

// limits are those of all workers.
type limits struct {
	timeout time.Duration
	origin  time.Time
	all     []*limit
}

// sweepEvery is how often limits are looked at: an operation is given up late by
// as much. It is shorter than the 15 ms that pgx sets a timer to with every
// request, and that saves more than it costs: the runtime wakes its poller, two
// system calls, for every timer that is due before all others.
const sweepEvery = 5 * time.Millisecond

func newLimits(workers int, timeout time.Duration) *limits {
	l := &limits{timeout: timeout, origin: time.Now()}
	for range workers {
		l.all = append(l.all, &limit{})
	}
	return l
}

// begin returns the context of an operation that starts now.
func (l *limits) begin(ctx context.Context, worker int) context.Context {
	self := l.all[worker]
	if self.parent != ctx {
		self.mu.Lock()
		self.renew(ctx)
		self.mu.Unlock()
	}
	self.until.Store(int64(time.Since(l.origin) + l.timeout))
	return self.ctx
}

// end says that the worker's operation is over.
func (l *limits) end(worker int) {
	self := l.all[worker]
	if self.until.Swap(idle) == givenUp {
		self.mu.Lock()
		defer self.mu.Unlock()
		self.renew(self.parent)
	}
}

// renew makes a new context; l.mu is held.
func (l *limit) renew(parent context.Context) {
	if l.cancel != nil {
		l.cancel(nil)
	}
	l.parent = parent
	l.ctx, l.cancel = context.WithCancelCause(parent)
}

// watch gives operations up until stop is called, which waits.
func (l *limits) watch() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				l.sweep()
			}
		}
	}()
	return func() {
		close(quit)
		<-done
		for _, one := range l.all {
			if one.cancel != nil {
				one.cancel(nil)
			}
		}
	}
}

// sweep gives up what should have ended before now.
func (l *limits) sweep() {
	now := int64(time.Since(l.origin))
	for _, one := range l.all {
		until := one.until.Load()
		if until <= idle || until > now {
			continue
		}
		one.mu.Lock()
		// The next operation has another moment: it is not mistaken for this one.
		if one.until.CompareAndSwap(until, givenUp) {
			one.cancel(context.DeadlineExceeded)
		}
		one.mu.Unlock()
	}
}
