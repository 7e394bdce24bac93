package verify

import (
	"cmp"
	"context"
	"slices"

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
func (t *table) compareRanges(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	spans := make(chan span, targetReaders)
	group.Go(func() error {
		defer close(spans)
		return t.digestSource(groupCtx, spans)
	})
	var readers [targetReaders]targetReader
	for i := range readers {
		group.Go(func() error { return t.digestTarget(groupCtx, spans, &readers[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var differing []span
	for _, r := range readers {
		t.result.Target.Merge(r.total)
		differing = append(differing, r.differing...)
	}
	slices.SortFunc(differing, func(a, b span) int { return cmp.Compare(a.number, b.number) })
	for _, s := range differing {
		if err := t.drill(ctx, pick{rng: s.rng}); err != nil {
			return err
		}
	}
	return nil
}

// targetReader is what one reader of the target found.
type targetReader struct {
	total     row.Digest
	differing []span
}

// digestSource streams the source and sends a span for every RangeRows rows.
func (t *table) digestSource(ctx context.Context, out chan<- span) error {
	hasher := row.NewHasher(t.mapping.Columns)
	keys := row.NewKeyReader(t.mapping.Columns, t.mapping.KeyColumns())
	var current span
	var hash row.Hash
	send := func(upTo row.Key) error {
		current.rng.UpTo = upTo
		select {
		case out <- current:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		t.result.Source.Merge(current.digest)
		t.cfg.Events.Emit(event.Event{Kind: event.RowsMoved, Phase: phase, Table: t.mapping.SourceName, Rows: current.digest.Rows})
		current = span{number: current.number + 1, rng: row.Range{After: upTo}}
		return nil
	}
	err := t.src.Scan(ctx, t.mapping, row.Range{}, func(cells row.Row) error {
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

// digestTarget digests the ranges of spans and keeps those that differ.
func (t *table) digestTarget(ctx context.Context, spans <-chan span, out *targetReader) error {
	hasher := t.target().hasher(t.mapping.Columns)
	var hash row.Hash
	for s := range spans {
		var digest row.Digest
		err := t.dst.Scan(ctx, t.mapping, s.rng, func(cells row.Row) error {
			if err := hasher.Hash(cells, &hash); err != nil {
				return err
			}
			digest.Add(&hash)
			return nil
		})
		if err != nil {
			return err
		}
		out.total.Merge(digest)
		if digest != s.digest {
			out.differing = append(out.differing, s)
		}
	}
	return nil
}
