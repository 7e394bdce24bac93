package loadgen

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestLimits: what takes too long is given up, once, and the next operation of
// the same worker has all its time.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 100 * time.Millisecond
		l := newLimits(2, timeout)
		stop := l.watch()
		fast := l.begin(t.Context(), 1)
		for range 3 {
			ctx := l.begin(t.Context(), 0)
			began := time.Now()
			<-ctx.Done()
			if took := time.Since(began); took < timeout || took > timeout+2*sweepEvery {
				t.Errorf("given up after %s", took)
			}
			if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
				t.Errorf("because of %v", context.Cause(ctx))
			}
			l.end(0)
			again := l.begin(t.Context(), 0)
			wait(t, timeout/2)
			l.end(0)
			if again.Err() != nil || l.begin(t.Context(), 0) != again {
				t.Errorf("the next operation has the context %v", again)
			}
			wait(t, timeout/2)
			if again.Err() != nil {
				t.Error("the time of an earlier operation was counted")
			}
			l.end(0)
		}
		if fast.Err() == nil {
			t.Error("the other worker's operation goes on for ever")
		}
		stop()
	})
}

// TestLimitsEndWithTheRun: the run's end is the end of its operations.
func TestLimitsEndWithTheRun(t *testing.T) {
	l := newLimits(1, time.Hour)
	run, over := context.WithCancelCause(t.Context())
	ctx := l.begin(run, 0)
	over(errors.New("over"))
	if <-ctx.Done(); errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		t.Error("the run's end is taken for a time-out")
	}
	if l.begin(t.Context(), 0).Err() != nil {
		t.Error("another run's operation begins with its time over")
	}
	stop := l.watch()
	stop()
}
