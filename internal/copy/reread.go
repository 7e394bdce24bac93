package copy

import (
	"context"
	"errors"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

// errBeginAgain says that a segment without order was interrupted: nothing
// tells which of its rows are still to come.
var errBeginAgain = errors.New("the table has to be copied from its beginning")

// read reads the segment to its end. When the source is lost it waits for it,
// as long as Config.RetryFor, and goes on after the last chunk that was handed
// to the writer, from the view that it then gets. Every chunk that is handed
// over begins the patience anew.
func (c *cutter) read(ctx context.Context) error {
	for {
		from, progressed := c.seq, false
		patience := c.job.patience(c.table)
		err := retry.Do(ctx, patience, func() error {
			err := c.readOnce(ctx)
			progressed = err != nil && c.seq > from && ctx.Err() == nil && retry.Classify(err) == retry.Retryable
			if !progressed {
				return err
			}
			patience.Notify(err, 1, 0)
			return nil
		})
		switch {
		case err != nil || !progressed:
			return err
		case c.seg.whole:
			return errBeginAgain
		}
	}
}

// readOnce reads from where the last chunk ended, in one view.
func (c *cutter) readOnce(ctx context.Context) error {
	view, err := c.job.src.View(ctx)
	if err != nil {
		return err
	}
	// What an earlier view has shown since the last chunk is forgotten.
	c.at, c.last, c.rows, c.buf = view.Position(), nil, 0, c.buf[:0]
	c.values.takeChanges()
	if c.buf == nil {
		if err := c.nextBuffer(ctx); err != nil {
			return err
		}
	}
	left := row.Range{After: c.after, UpTo: c.seg.rng.UpTo}
	if err := view.Read(ctx, c.table.mapping, left, func(r row.Row) error { return c.add(ctx, r) }); err != nil {
		return err
	}
	return c.send(ctx, c.seg.rng.UpTo, true)
}

// patience is how an end that is away is waited for.
func (j *job) patience(t *table) retry.Policy {
	return retry.Policy{For: j.cfg.RetryFor, Notify: func(err error, _ int, _ time.Duration) {
		j.cfg.Events.Emit(event.Event{Kind: event.Retried, Phase: phase, Table: t.mapping.SourceName, Message: err.Error()})
	}}
}

// beginAgain begins the table of a segment that covers all of it once more.
func (j *job) beginAgain(ctx context.Context, t *table, s *segment) error {
	j.cfg.Events.Emit(event.Event{
		Kind: event.Step, Phase: phase, Table: t.mapping.SourceName,
		Message: t.mapping.SourceName + " has no key to continue by: its copy starts again",
	})
	forget := j.clear
	if j.cfg.Puts {
		forget = j.forget
	}
	if err := forget(ctx, t.mapping, s.id); err != nil {
		return err
	}
	s.seq, s.rng = 0, row.Range{}
	t.before = 0
	t.moved.Store(0)
	j.cfg.Events.Emit(event.Event{Kind: event.TableStarted, Phase: phase, Table: t.mapping.SourceName})
	return nil
}

// clear removes a table's rows and forgets its chunks, both or neither. The
// table's only segment must be claimed.
func (j *job) clear(ctx context.Context, m *schema.Mapping, segment int) error {
	forgetting := j.forgetting(ctx, m, segment)
	return j.dst.Clear(ctx, m, forgetting)
}

// forget forgets a table's chunks and leaves its rows alone, as clear does not.
func (j *job) forget(ctx context.Context, m *schema.Mapping, segment int) error {
	forgetting := j.forgetting(ctx, m, segment)
	return j.dst.Transaction(ctx, func(store checkpoint.Store) error {
		if err := forgetting.Before(store); err != nil {
			return err
		}
		return forgetting.After(store)
	})
}

func (j *job) forgetting(ctx context.Context, m *schema.Mapping, segment int) Clearing {
	return Clearing{
		Before: func(store checkpoint.Store) error {
			return checkpoint.Claimed(ctx, store, j.cfg.Lease, m.SourceName, segment)
		},
		After: func(store checkpoint.Store) error {
			return checkpoint.ForgetChunks(ctx, store, j.cfg.Lease.Job, m.SourceName)
		},
	}
}
