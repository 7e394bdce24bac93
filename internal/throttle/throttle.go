// Package throttle keeps reading kind to the source: it holds readers to a
// number of rows per second, slows them down while the source is under
// pressure, and stops them while somebody has paused the copy. It owns the
// pace; what the source's pressure is and who pauses is told to it through two
// small interfaces, and what rows are it does not know.
package throttle

import (
	"context"
	"fmt"
	"sync"
	"time"

	"leap/internal/event"
)

// Limits are what the source may be asked to bear. Zero fields are no limit.
type Limits struct {
	// RowsPerSecond bounds all readers together.
	RowsPerSecond int
	// Threads bounds the threads that run on the source besides our own.
	Threads int
	// Lag bounds how far the source, when it is a replica, is behind.
	Lag time.Duration
}

// Watched reports whether a limit needs the source to be asked.
func (l Limits) Watched() bool { return l.Threads > 0 || l.Lag > 0 }

const (
	// batch is how many rows pass between two looks at the pace. Looking takes
	// the clock and a lock; every row would be a few percent of the hot path.
	batch = 64
	// looksPerSecond bounds a batch under a low row limit: below it a batch
	// would pass in a burst and then wait for seconds.
	looksPerSecond = 20
	// leastShare is the slowest that pressure makes the readers: slow enough to
	// be no load, and still not a stop, which only a person orders.
	leastShare = 1.0 / 32
	// recovery is the share that each calm poll gives back: from the slowest to
	// full speed in 16 polls, so that a source in trouble is not hit at once again.
	recovery = 1.0 / 16
	// longestRest bounds one rest under pressure, so that the end of the
	// pressure is noticed soon.
	longestRest = 2 * time.Second
)

// Throttle is the pace of all readers of one source. It is safe for concurrent use.
type Throttle struct {
	limits Limits
	events event.Sink

	mu       sync.Mutex // guards what follows
	share    float64    // of full speed that pressure leaves: leastShare to 1
	pressure string     // why share is below 1
	paused   string     // who paused; empty while nobody has
	resumed  chan struct{}
	due      time.Time // when the next row may pass
	lanes    int
	waiting  int // lanes that stand still because of the pause
	told     string
}

// New returns a Throttle at full speed. events are told of changes.
func New(limits Limits, events event.Sink) *Throttle {
	if events == nil {
		events = event.Discard
	}
	return &Throttle{limits: limits, events: events, share: 1, resumed: make(chan struct{})}
}

// Lane is one reader. It belongs to one goroutine.
type Lane struct {
	t       *Throttle
	size    int
	rows    int
	started time.Time // of the batch
}

// Enter begins a reader, waiting while the copy is paused. Call Leave at its end.
func (t *Throttle) Enter(ctx context.Context) (*Lane, error) {
	if err := t.waitResumed(ctx); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.lanes++
	t.mu.Unlock()
	size := batch
	if r := t.limits.RowsPerSecond; r > 0 {
		size = min(batch, max(1, r/looksPerSecond))
	}
	return &Lane{t: t, size: size, started: time.Now()}, nil
}

// Leave ends a reader.
func (l *Lane) Leave() {
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	l.t.lanes--
}

// Row counts a row that was read and waits as the pace demands.
func (l *Lane) Row(ctx context.Context) error {
	if l.rows++; l.rows < l.size {
		return nil
	}
	return l.look(ctx)
}

// look waits for what is left of the pause, the row limit and the pressure.
func (l *Lane) look(ctx context.Context) error {
	t, rows, worked := l.t, l.rows, time.Since(l.started)
	if err := t.waitResumed(ctx); err != nil {
		return err
	}
	if err := rest(ctx, t.claim(rows, worked)); err != nil {
		return err
	}
	l.rows, l.started = 0, time.Now()
	return nil
}

// claim takes the time of rows and returns how long to rest before more are
// read. Pressure is answered by resting in proportion to the time that the
// rows took, which needs no idea of how fast full speed is.
func (t *Throttle) claim(rows int, worked time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	pause := min(longestRest, time.Duration(float64(worked)*(1/t.share-1)))
	if t.limits.RowsPerSecond <= 0 {
		return pause
	}
	if t.due.Before(now) {
		t.due = now
	}
	t.due = t.due.Add(time.Duration(float64(rows) / float64(t.limits.RowsPerSecond) * float64(time.Second)))
	return max(pause, t.due.Sub(now))
}

func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// waitResumed returns when nobody has paused the copy.
func (t *Throttle) waitResumed(ctx context.Context) error {
	for {
		t.mu.Lock()
		if t.paused == "" {
			t.mu.Unlock()
			return nil
		}
		resumed := t.resumed
		t.waiting++
		t.mu.Unlock()
		select {
		case <-resumed:
		case <-ctx.Done():
		}
		t.mu.Lock()
		t.waiting--
		t.mu.Unlock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// Pause stops all readers at their next look; by says who wants it.
func (t *Throttle) Pause(by string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if by == "" {
		by = "somebody"
	}
	t.paused = by
	t.tell()
}

// Resume lets the readers go on.
func (t *Throttle) Resume() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.paused == "" {
		return
	}
	t.paused = ""
	close(t.resumed)
	t.resumed = make(chan struct{})
	t.tell()
}

// Still reports whether the pause has stopped every reader.
func (t *Throttle) Still() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.paused != "" && t.waiting >= t.lanes
}

// Own returns how many readers there are; each is a thread on the source.
func (t *Throttle) Own() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lanes
}

// press halves the speed, or takes it to the least at once.
func (t *Throttle) press(reason string, severe Severity) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.share = max(leastShare, t.share/2)
	if severe == Severe {
		t.share = leastShare
	}
	t.pressure = reason
	t.tell()
}

// ease gives some speed back.
func (t *Throttle) ease() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.share == 1 {
		return
	}
	if t.share = min(1, t.share+recovery); t.share == 1 {
		t.pressure = ""
	}
	t.tell()
}

// tell emits the pace when it has changed; mu is held.
func (t *Throttle) tell() {
	e := event.Event{Kind: event.PaceChanged, At: time.Now(), Share: t.share}
	switch {
	case t.paused != "":
		e.Share = 0
		e.Message = "paused by " + t.paused
	case t.share < 1:
		e.Message = fmt.Sprintf("held back to %.0f %% of its speed: %s", t.share*100, t.pressure)
	default:
		e.Message = "at full speed"
	}
	if e.Message != t.told {
		t.told = e.Message
		t.events.Emit(e)
	}
}
