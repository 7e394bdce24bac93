package verify

import (
	"context"
	"fmt"
	"time"

	"leap/internal/event"
	"leap/internal/row"
)

// Settle is how differences are treated while somebody writes: a row that is on
// its way from source to target differs now and is equal later. Such rows are
// looked at again, in ever new views of both sides, until they are equal or
// the time is over. A row of which both sides stayed as they were differs; one
// that changed meanwhile is still moving, and nothing is known of it.
type Settle struct {
	// For is how long rows have to settle; 0 takes the first look for the last.
	For time.Duration
	// Active reports whether somebody may be writing; without writers the first
	// look is the last.
	Active func(ctx context.Context) (bool, error)
	// Again opens a new view of both sides.
	Again func(ctx context.Context) (Ends, error)
}

// Ends are views of both sides; Done ends them.
type Ends struct {
	Source Source
	Target Target
	Done   func()
}

const (
	// firstPause and longestPause are the times between two looks.
	firstPause, longestPause = 250 * time.Millisecond, 5 * time.Second
	// maxMoving is how many differing rows are remembered between two looks,
	// at 200 bytes each. More than that are not on their way: they differ.
	maxMoving = 200_000
)

// settle looks at the differing rows again while somebody writes.
func (t *table) settle(ctx context.Context) error {
	r := &t.result
	if t.cfg.Settle.For <= 0 || r.Total+r.Moving == 0 || r.Total+r.Moving > maxMoving {
		return nil
	}
	active, err := t.cfg.Settle.Active(ctx)
	if err != nil || !active {
		return err
	}
	before := r.Total + r.Moving
	t.cfg.Events.Emit(event.Event{
		Kind: event.Step, Phase: phase, Table: r.Table, At: time.Now(),
		Message: fmt.Sprintf("%s: %d rows differ while somebody writes: looking again for up to %s", r.Table, before, t.cfg.Settle.For),
	})
	moved := map[row.Hash]bool{}
	deadline := time.Now().Add(t.cfg.Settle.For)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := t.lookAgain(ctx, moved); err != nil {
			return err
		}
		if r.Total+r.Moving == 0 || !time.Now().Before(deadline) {
			break
		}
	}
	r.Settled = max(0, before-r.Total-r.Moving)
	return nil
}

// lookAgain examines the suspects in a new view. moved gathers the rows that
// changed since an earlier look, those included that were equal then.
func (t *table) lookAgain(ctx context.Context, moved map[row.Hash]bool) error {
	ends, err := t.cfg.Settle.Again(ctx)
	if err != nil {
		return err
	}
	defer ends.Done()
	oldSource, oldTarget := t.src, t.dst
	t.src, t.dst = ends.Source, ends.Target
	defer func() { t.src, t.dst = oldSource, oldTarget }()
	t.begin()
	for i := range t.suspects {
		s := &t.suspects[i]
		d, err := t.drill(ctx, s.pick)
		if err != nil {
			return err
		}
		for id, now := range d.pairs {
			if before := s.pairs[id]; before == nil || *before != *now {
				moved[id] = true
			}
		}
		if err := t.note(ctx, s, d, moved); err != nil {
			return err
		}
	}
	return nil
}
