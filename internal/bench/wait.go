package bench

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// waiter waits for moments on a clock. Only wake may be called from another
// goroutine.
type waiter interface {
	// until returns the time as soon as due has come, or earlier once wake was
	// called.
	until(due time.Duration) time.Duration
	// wake ends all waiting, now and later.
	wake()
	// spun is the CPU time spent waiting, which is not the work's.
	spun() time.Duration
	close()
}

// newWaiter returns the waiter for a timer.
func newWaiter(t Timer, c clock) (waiter, error) {
	// With a single processor, who spins keeps the workers from running.
	if t == Coarse || runtime.GOMAXPROCS(0) == 1 && !alarmKnown {
		return newCoarse(c), nil
	}
	a, err := newAlarm()
	if err != nil {
		return nil, err
	}
	p := &precise{clock: c, alarm: a}
	if runtime.GOMAXPROCS(0) > 1 {
		p.limit = maxSpin
	}
	return p, nil
}

// coarse waits with the runtime's timers.
type coarse struct {
	clock clock
	done  chan struct{}
	once  sync.Once
}

func newCoarse(c clock) *coarse { return &coarse{clock: c, done: make(chan struct{})} }

func (w *coarse) until(due time.Duration) time.Duration {
	now := w.clock.now()
	if now >= due {
		return now
	}
	timer := time.NewTimer(due - now)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.done:
	}
	return w.clock.now()
}

func (w *coarse) wake()             { w.once.Do(func() { close(w.done) }) }
func (*coarse) spun() time.Duration { return 0 }
func (*coarse) close()              {}

// alarm wakes a sleeping goroutine more precisely than the runtime's timers.
type alarm interface {
	// sleep returns after d, or once wake was called.
	sleep(d time.Duration)
	wake()
	close()
}

// precise sleeps until shortly before the moment and spins the rest. How long
// before, it learns: long enough for nine wake-ups of ten to be in time, and
// never more than maxSpin, so that a machine that wakes late does not spin all
// the time instead.
type precise struct {
	clock  clock
	alarm  alarm
	limit  time.Duration // 0 never spins
	margin time.Duration // how long before the moment to wake up
	woken  atomic.Bool
	spent  atomic.Int64
}

const (
	// maxSpin bounds the spinning before one moment. Waking up takes 50 us on
	// an idle machine.
	maxSpin = 100 * time.Microsecond
	// spinStep is how fast the margin is learnt.
	spinStep = 500 * time.Nanosecond
)

func (w *precise) until(due time.Duration) time.Duration {
	now := w.clock.now()
	if now >= due {
		return now
	}
	if d := due - now - w.margin; d > 0 && !w.woken.Load() {
		w.alarm.sleep(d)
		now = w.clock.now()
	}
	// The margin settles where one wake-up of ten comes too late.
	if now >= due {
		w.margin = min(w.limit, w.margin+9*spinStep)
		return now
	}
	w.margin = max(0, w.margin-spinStep)
	begin := now
	for now < due && !w.woken.Load() {
		now = w.clock.now()
	}
	w.spent.Add(int64(now - begin))
	return now
}

func (w *precise) wake() {
	w.woken.Store(true)
	w.alarm.wake()
}

func (w *precise) spun() time.Duration { return time.Duration(w.spent.Load()) }
func (w *precise) close()              { w.alarm.close() }
