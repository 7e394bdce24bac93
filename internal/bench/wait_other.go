//go:build !linux

package bench

import "time"

// alarmKnown says that newAlarm sleeps without the runtime's rounding.
const alarmKnown = false

// ticker is an alarm on the runtime's timers. The caller spins what they are
// too coarse for.
type ticker struct{ done chan struct{} }

func newAlarm() (alarm, error) { return &ticker{make(chan struct{})}, nil }

func (t *ticker) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.done:
	}
}

func (t *ticker) wake()  { close(t.done) }
func (t *ticker) close() {}
