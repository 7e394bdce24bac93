package bench

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"leap/internal/hist"
)

// TestHeldUp: who comes after a server that stood still with the queue full is
// late because of it, also if a worker waits for him by then.
func TestHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &run{Wiring: Wiring{Work: constant(0)}, clock: clock{time.Now()}, queue: make(chan job)}
		w := &worker{r: r, ctx: t.Context(), recorder: &tape{}, ownLag: hist.New()}
		var taker sync.WaitGroup
		taker.Go(w.take)
		<-time.After(time.Second)
		synctest.Wait() // the worker is there
		r.queue <- job{due: 100 * time.Millisecond, ready: time.Second}
		close(r.queue)
		taker.Wait()
		if w.ownLag.Count() != 1 || w.ownLag.Max() > time.Microsecond {
			t.Errorf("the generator was late by %s, it says", w.ownLag.Max())
		}
	})
}
