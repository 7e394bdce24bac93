// Package alarm wakes a goroutine at a moment, late by microseconds where the
// runtime's timers round up to a millisecond. It does not know what the moment
// is for.
package alarm

import (
	"runtime"
	"sync/atomic"
	"time"
)

// sleeper lets a goroutine sleep.
type sleeper interface {
	// sleep returns after d, or once wake was called.
	sleep(d time.Duration)
	wake()
	close()
}

// Alarm sleeps until shortly before a moment and spins the rest. How long
// before, it learns: long enough for nine wake-ups of ten to be in time, and
// never more than maxSpin, so that a machine that wakes late does not spin all
// the time instead. It serves one goroutine; only Wake and Spun may be called
// by others.
type Alarm struct {
	sleeper sleeper
	limit   time.Duration // 0 never spins
	margin  time.Duration // how long before the moment to wake up
	woken   atomic.Bool
	spent   atomic.Int64
}

const (
	// maxSpin bounds the spinning before one moment. Waking up takes 50 us on
	// an idle machine.
	maxSpin = 100 * time.Microsecond
	// spinStep is how fast the margin is learnt.
	spinStep = 500 * time.Nanosecond
)

// Precise returns an alarm that uses what the system offers. Close it.
func Precise() (*Alarm, error) {
	s, err := newSleeper()
	if err != nil {
		return nil, err
	}
	a := &Alarm{sleeper: s}
	// With a single processor, who spins keeps the others from running.
	if runtime.GOMAXPROCS(0) > 1 {
		a.limit = maxSpin
	}
	return a, nil
}

// Coarse returns an alarm that uses nothing but the runtime's timers. The clock
// of testing/synctest knows no other.
func Coarse() *Alarm {
	return &Alarm{sleeper: newTimer()}
}

// Until returns the time as soon as due has come, or earlier once Wake was
// called. It never returns early otherwise.
func (a *Alarm) Until(due time.Time) time.Time {
	now := time.Now()
	if !now.Before(due) {
		return now
	}
	// Whoever was woken for the last moment waits for this thread: another one
	// would have to be woken for it, and would find it after tens of
	// microseconds, or only once this one sleeps.
	runtime.Gosched()
	if now = time.Now(); due.Sub(now) > a.margin && !a.woken.Load() {
		a.sleeper.sleep(due.Sub(now) - a.margin)
		now = time.Now()
	}
	// The margin settles where one wake-up of ten comes too late.
	if !now.Before(due) {
		a.margin = min(a.limit, a.margin+9*spinStep)
		return now
	}
	a.margin = max(0, a.margin-spinStep)
	begin := now
	for now.Before(due) && !a.woken.Load() {
		now = time.Now()
	}
	a.spent.Add(int64(now.Sub(begin)))
	return now
}

// Wake ends all waiting, now and later.
func (a *Alarm) Wake() {
	if !a.woken.Swap(true) {
		a.sleeper.wake()
	}
}

// Spun is the CPU time spent waiting.
func (a *Alarm) Spun() time.Duration { return time.Duration(a.spent.Load()) }

// Close frees what the alarm holds.
func (a *Alarm) Close() { a.sleeper.close() }

// timer is a sleeper on the runtime's timers.
type timer struct{ done chan struct{} }

func newTimer() *timer { return &timer{make(chan struct{})} }

func (t *timer) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.done:
	}
}

func (t *timer) wake() { close(t.done) }
func (*timer) close()  {}
