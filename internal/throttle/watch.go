package throttle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"leap/internal/event"
)

// Load is what the source bears at a moment.
type Load struct {
	// Threads is how many threads run, ours included.
	Threads int
	// Lag is how far a replica is behind; 0 when it is none, or nobody knows.
	Lag time.Duration
	// Note is something that a person should know of the lag: that it cannot be
	// seen, or that replication is stopped.
	Note string
}

// Gauge reads the load of the source on a connection of its own.
type Gauge interface {
	Load(ctx context.Context) (Load, error)
}

// Switch says whether somebody has paused the copy.
type Switch interface {
	// Paused returns who has; empty when nobody has.
	Paused(ctx context.Context) (by string, err error)
	// Stopped is called when the readers stand still because of that.
	Stopped(ctx context.Context) error
}

// Severity says how far over a limit the source is.
type Severity int

// The severities.
const (
	Mild   Severity = iota
	Severe          // twice the limit, or no answer in time
)

const (
	// every is the time between two polls: short against what a person notices,
	// and nothing for a server.
	every = time.Second
	// answerWithin is how long a poll may take. A source that cannot say how it
	// is within that time is not well.
	answerWithin = 5 * time.Second
)

// Watch polls the source until ctx ends and sets the pace by what it hears. A
// source that does not answer in time counts as overloaded; one that cannot be
// asked is told once, and the pace stays as it was.
func (t *Throttle) Watch(ctx context.Context, g Gauge) {
	w := watch{t: t}
	w.poll(ctx, func(ctx context.Context) error {
		load, err := g.Load(ctx)
		if err != nil {
			return err
		}
		w.note(load.Note)
		t.heed(load)
		return nil
	}, func(error) { t.press("the source does not answer", Severe) })
}

// Obey polls the switch until ctx ends. While it cannot be asked, the copy
// stays as it is.
func (t *Throttle) Obey(ctx context.Context, s Switch) {
	w := watch{t: t}
	stopped := false
	w.poll(ctx, func(ctx context.Context) error {
		by, err := s.Paused(ctx)
		if err != nil {
			return err
		}
		if by == "" {
			stopped = false
			t.Resume()
			return nil
		}
		t.Pause(by)
		if stopped || !t.Still() {
			return nil
		}
		err = s.Stopped(ctx)
		stopped = err == nil
		return err
	}, nil)
}

// heed compares the load with the limits.
func (t *Throttle) heed(l Load) {
	// One more for the connection that asks.
	others := max(0, l.Threads-t.Own()-1)
	switch limit := t.limits.Threads; {
	case limit > 0 && others > limit:
		t.press(fmt.Sprintf("%d threads run on the source besides ours, the limit is %d", others, limit), severity(others, limit))
		return
	case t.limits.Lag > 0 && l.Lag > t.limits.Lag:
		t.press(fmt.Sprintf("the source is %s behind its primary, the limit is %s", l.Lag, t.limits.Lag),
			severity(int(l.Lag), int(t.limits.Lag)))
		return
	}
	t.ease()
}

func severity(have, limit int) Severity {
	if have > 2*limit {
		return Severe
	}
	return Mild
}

// watch is one polling loop with what it has told already.
type watch struct {
	t      *Throttle
	failed string
	noted  string
}

func (w *watch) poll(ctx context.Context, once func(context.Context) error, late func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, answerWithin)
		err := once(asking)
		timedOut := errors.Is(asking.Err(), context.DeadlineExceeded)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil && timedOut && late != nil {
			late(err)
		}
		w.failure(err)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// failure tells an error once, until it has passed.
func (w *watch) failure(err error) {
	text := ""
	if err != nil {
		text = "the pace cannot be looked after: " + err.Error()
	}
	if text != "" && w.failed == "" {
		w.warn(text)
	}
	w.failed = text
}

func (w *watch) note(text string) {
	if text != "" && text != w.noted {
		w.warn(text)
	}
	w.noted = text
}

func (w *watch) warn(text string) {
	w.t.events.Emit(event.Event{Kind: event.Warned, At: time.Now(), Message: text})
}
