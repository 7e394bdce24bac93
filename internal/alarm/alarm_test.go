package alarm

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestNeverEarly(t *testing.T) {
	a, err := Precise()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, ahead := range []time.Duration{-time.Second, 0, 1, time.Microsecond, 30 * time.Microsecond, maxSpin, 3 * time.Millisecond} {
		for range 20 {
			due := time.Now().Add(ahead)
			got := a.Until(due)
			if got.Before(due) || time.Since(got) < 0 {
				t.Fatalf("%s ahead: returned %s early", ahead, due.Sub(got))
			}
			if late := got.Sub(due); ahead >= 0 && late > 5*time.Second {
				t.Fatalf("%s ahead: returned %s late", ahead, late)
			}
		}
	}
}

func TestWake(t *testing.T) {
	precise, err := Precise()
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]*Alarm{"precise": precise, "coarse": Coarse()} {
		returned := make(chan time.Time)
		due := time.Now().Add(time.Hour)
		go func() { returned <- a.Until(due) }()
		a.Wake()
		a.Wake()
		if got := <-returned; !got.Before(due) {
			t.Errorf("%s: returned %s", name, got)
		}
		if got := a.Until(due); !got.Before(due) {
			t.Errorf("%s: waits after Wake", name)
		}
		a.Close()
	}
}

// TestMargin follows the margin: it grows while wake-ups come too late, never
// above its limit, and shrinks while they come in time.
func TestMargin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := &lateSleeper{by: time.Millisecond}
		a := &Alarm{sleeper: late, limit: maxSpin}
		for range 100 {
			a.Until(time.Now().Add(10 * time.Millisecond))
		}
		if a.margin != maxSpin {
			t.Errorf("margin %s with wake-ups that are a millisecond late, want the limit %s", a.margin, maxSpin)
		}
		// In this bubble time stands still while somebody spins: come exactly in time.
		late.by = maxSpin
		before := a.margin
		a.Until(time.Now().Add(10 * time.Millisecond))
		if a.margin != before || a.Spun() != 0 {
			t.Errorf("margin %s, spun %s", a.margin, a.Spun())
		}
	})
	a := &Alarm{sleeper: newTimer(), limit: maxSpin, margin: 50 * time.Microsecond}
	a.Until(time.Now().Add(20 * time.Microsecond)) // inside the margin: only spins
	if a.margin != 50*time.Microsecond-spinStep || a.Spun() <= 0 {
		t.Errorf("margin %s, spun %s", a.margin, a.Spun())
	}
}

// TestOthersRunFirst: who was made ready before the wait runs before the spinning,
// even where no other thread could run it.
func TestOthersRunFirst(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const tries, ahead = 20, time.Millisecond
	first := 0
	for range tries {
		a := &Alarm{sleeper: newTimer(), limit: ahead, margin: ahead} // spins all the time
		ran := make(chan struct{}, 1)
		runtime.Gosched()
		due := time.Now().Add(ahead)
		go func() { ran <- struct{}{} }()
		a.Until(due)
		first += len(ran)
	}
	// The system may stop this thread for the whole of a wait, or so long that
	// the runtime lets others run.
	if first < tries/2 {
		t.Errorf("in %d of %d waits the alarm spun while somebody waited for its thread", tries-first, tries)
	}
}

// lateSleeper sleeps too long.
type lateSleeper struct{ by time.Duration }

func (l *lateSleeper) sleep(d time.Duration) { <-time.After(d + l.by) }
func (*lateSleeper) wake()                   {}
func (*lateSleeper) close()                  {}

func TestCoarseOnAFakeClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := Coarse()
		defer a.Close()
		due := time.Now().Add(1234567 * time.Nanosecond)
		if got := a.Until(due); !got.Equal(due) {
			t.Errorf("returned at %s, want %s", got, due)
		}
	})
}
