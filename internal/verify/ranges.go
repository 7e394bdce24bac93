package verify

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"leap/internal/event"
	"leap/internal/row"
)

// span is a range and what the source says of it.
type span struct {
	number int
	rng    row.Range
	digest row.Digest // where the server made it
	rows   *batch     // where the rows came to this side
}

// batches is how many batches of a table are in memory: one that is being filled,
// one that waits, and one for each of at most two readers of the target.
const batches = 4

// compareRanges reads the source once in key order and cuts it into ranges;
// the target is asked for the same ranges at the same time. The last range is
// open, so rows beyond the source's largest key are seen too. Differing ranges
// are looked into afterwards, when the source connection is free again: a
// snapshot may have only one.
func (t *table) compareRanges(ctx context.Context, all row.Range) error {
	group, groupCtx := errgroup.WithContext(ctx)
	first, second, free := make(chan span, 1), make(chan span), make(chan *batch, batches)
	for range batches {
		free <- &batch{}
	}
	group.Go(func() error {
		defer close(first)
		defer close(second)
		c := cutting{t: t, free: free, first: first, second: second}
		return c.run(groupCtx, all)
	})
	for _, spans := range []<-chan span{first, second} {
		group.Go(func() error { return t.compareWithTarget(groupCtx, spans, free) })
	}
	return group.Wait()
}

// cutting reads the source and sends a span for every RangeRows rows, or fewer
// where rows are large.
type cutting struct {
	t    *table
	free <-chan *batch
	// first has room for one span that waits. Only when that is taken does second
	// get one, where that pays.
	first, second chan<- span
	readers       readers
	current       span
}

func (c *cutting) run(ctx context.Context, all row.Range) error {
	m := c.t.mapping
	keys := row.NewKeyReader(m.Columns, m.KeyColumns())
	if err := c.next(ctx, 0, all); err != nil {
		return err
	}
	err := c.t.src.Scan(ctx, m, all, func(cells row.Row) error {
		s := &c.current
		s.rows.add(cells)
		if s.rows.rows < c.t.cfg.RangeRows && !s.rows.full() {
			return nil
		}
		upTo, number := keys.Key(cells), s.number
		if err := c.send(ctx, upTo); err != nil {
			return err
		}
		return c.next(ctx, number+1, row.Range{After: upTo, UpTo: all.UpTo})
	})
	if err != nil {
		return err
	}
	return c.send(ctx, all.UpTo)
}

// next begins a span, when there is memory for it.
func (c *cutting) next(ctx context.Context, number int, rng row.Range) error {
	select {
	case b := <-c.free:
		b.reset()
		c.current = span{number: number, rng: rng, rows: b}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send ends the current span.
func (c *cutting) send(ctx context.Context, upTo row.Key) error {
	c.current.rng.UpTo = upTo
	rows := int64(c.current.rows.rows) // the target's side has it afterwards
	second := c.second
	if !c.readers.second {
		second = nil // never ready
	}
	select {
	case c.first <- c.current:
	default:
		select {
		case c.first <- c.current:
		case second <- c.current:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	c.readers.told(rows, time.Now())
	c.t.cfg.Events.Emit(event.Event{
		Kind: event.RowsMoved, Phase: phase, Table: c.t.mapping.SourceName, Rows: rows,
	})
	return nil
}

// compareWithTarget compares spans with the target.
func (t *table) compareWithTarget(ctx context.Context, spans <-chan span, free chan<- *batch) error {
	from, m := t.target(), newMerge(t.mapping)
	for s := range spans {
		m.begin(&s)
		part := row.Part{Range: s.rng, Ordered: true}
		if err := from.scan(ctx, t.mapping, part, m.add); err != nil {
			return err
		}
		equal, err := m.end()
		if err != nil {
			return err
		}
		if equal {
			t.pass(s.number, s.rng.UpTo, row.Block(s.rows.rows, s.rows.text))
		} else {
			t.doubt(suspect{number: s.number, pick: pick{part: row.Part{Range: s.rng}}, rows: int64(s.rows.rows)})
		}
		free <- s.rows // it has room for all of them
	}
	return nil
}
