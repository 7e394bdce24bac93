package verify

import (
	"context"

	"golang.org/x/sync/errgroup"

	"leap/internal/event"
	"leap/internal/row"
)

// span is a range and the source's digest of it.
type span struct {
	number int
	rng    row.Range
	digest row.Digest
}

// targetReaders is how many ranges of a table the target digests at once. Two
// keep up with one source reader: both sides cost about the same to hash.
const targetReaders = 2

// compareRanges reads the source once in key order and cuts it into ranges;
// the target digests the same ranges at the same time. The last range is open,
// so rows beyond the source's largest key are seen too. Differing ranges are
// looked into afterwards, when the source connection is free again: a snapshot
// may have only one.
func (t *table) compareRanges(ctx context.Context, all row.Range) error {
	group, groupCtx := errgroup.WithContext(ctx)
	spans := make(chan span, targetReaders)
	group.Go(func() error {
		defer close(spans)
		return t.digestSource(groupCtx, all, spans)
	})
	for range targetReaders {
		group.Go(func() error { return t.digestTarget(groupCtx, spans) })
	}
	return group.Wait()
}

// digestSource streams the source and sends a span for every RangeRows rows.
func (t *table) digestSource(ctx context.Context, all row.Range, out chan<- span) error {
	hasher := row.NewHasher(t.mapping.Columns)
	keys := row.NewKeyReader(t.mapping.Columns, t.mapping.KeyColumns())
	current := span{rng: all}
	var hash row.Hash
	send := func(upTo row.Key) error {
		current.rng.UpTo = upTo
		select {
		case out <- current:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		t.cfg.Events.Emit(event.Event{Kind: event.RowsMoved, Phase: phase, Table: t.mapping.SourceName, Rows: current.digest.Rows})
		current = span{number: current.number + 1, rng: row.Range{After: upTo}}
		return nil
	}
	err := t.src.Scan(ctx, t.mapping, all, func(cells row.Row) error {
		if err := hasher.Hash(cells, &hash); err != nil {
			return err
		}
		current.digest.Add(&hash)
		if current.digest.Rows < int64(t.cfg.RangeRows) {
			return nil
		}
		return send(keys.Key(cells))
	})
	if err != nil {
		return err
	}
	return send(nil)
}

// digestTarget digests the ranges of spans.
func (t *table) digestTarget(ctx context.Context, spans <-chan span) error {
	from := t.target()
	for s := range spans {
		digest, err := from.digest(ctx, t.mapping, row.Part{Range: s.rng})
		if err != nil {
			return err
		}
		if digest == s.digest {
			t.pass(s.number, s.rng.UpTo, digest)
		} else {
			t.doubt(suspect{number: s.number, pick: pick{part: row.Part{Range: s.rng}}, rows: s.digest.Rows})
		}
	}
	return nil
}
