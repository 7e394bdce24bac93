package verify

import (
	"context"
	"encoding/hex"
	"errors"

	"leap/internal/row"
)

// pick selects the rows of a drill-down: a range, or the rows in some buckets.
type pick struct {
	rng     row.Range
	buckets map[int]bool // nil for all rows of the range
}

// pair is what both sides say of one identity.
type pair struct {
	source, target     row.Hash
	inSource, inTarget int64
}

// drill finds the rows of a differing range or bucket. It reads both sides
// again: first the hash of every row, then, for the few rows that will be
// listed, the hash of every column.
func (t *table) drill(ctx context.Context, p pick) error {
	pairs := map[row.Hash]*pair{}
	get := func(id row.Hash) *pair {
		have := pairs[id]
		if have == nil {
			have = &pair{}
			pairs[id] = have
		}
		return have
	}
	err := t.each(ctx, t.src.Scan, p, func(id, whole *row.Hash, _ row.Row) error {
		have := get(*id)
		have.source = *whole
		have.inSource++
		return nil
	})
	if err != nil {
		return err
	}
	err = t.each(ctx, t.dst.Scan, p, func(id, whole *row.Hash, _ row.Row) error {
		have := get(*id)
		have.target = *whole
		have.inTarget++
		return nil
	})
	if err != nil {
		return err
	}
	for id, have := range pairs {
		if have.inSource == have.inTarget && have.source == have.target {
			delete(pairs, id)
		}
	}
	return t.name(ctx, p, pairs)
}

// name turns differing identities into findings with keys and columns.
func (t *table) name(ctx context.Context, p pick, pairs map[row.Hash]*pair) error {
	room := t.cfg.MaxFindings - len(t.result.Findings)
	listed := map[row.Hash]*Finding{}
	var rest []Finding
	for id, have := range pairs {
		f := Finding{Kind: kindOf(have), Count: max(1, abs(have.inSource-have.inTarget))}
		if len(listed) < room {
			listed[id] = &f
		} else {
			rest = append(rest, f)
		}
	}
	if len(listed) > 0 {
		if err := t.describe(ctx, p, listed); err != nil {
			return err
		}
	}
	for id, f := range listed {
		if f.Key == nil {
			return errors.New("a row that differed is gone: the data changed while it was compared")
		}
		if t.result.Method == Multiset {
			f.Key = row.Key{"row sha256:" + hex.EncodeToString(id[:8])}
		}
		t.add(*f)
	}
	for _, f := range rest {
		t.add(f)
	}
	return nil
}

func kindOf(p *pair) FindingKind {
	switch {
	case p.inSource > p.inTarget:
		return Missing
	case p.inTarget > p.inSource:
		return Extra
	}
	return Changed
}

// describe reads the listed rows a second time for their keys and for the
// columns that differ.
func (t *table) describe(ctx context.Context, p pick, listed map[row.Hash]*Finding) error {
	keys := row.NewKeyReader(t.mapping.Columns, t.mapping.KeyColumns())
	columns := row.NewHasher(t.mapping.Columns)
	cellsOf := map[row.Hash][]row.Hash{}
	key := func(f *Finding, cells row.Row) {
		if f.Key = keys.Key(cells); f.Key == nil {
			f.Key = row.Key{}
		}
	}
	err := t.each(ctx, t.src.Scan, p, func(id, _ *row.Hash, cells row.Row) error {
		f := listed[*id]
		if f == nil {
			return nil
		}
		key(f, cells)
		hashes := make([]row.Hash, len(t.mapping.Columns))
		cellsOf[*id] = hashes
		return columns.Cells(cells, hashes)
	})
	if err != nil {
		return err
	}
	hashes := make([]row.Hash, len(t.mapping.Columns))
	return t.each(ctx, t.dst.Scan, p, func(id, _ *row.Hash, cells row.Row) error {
		f := listed[*id]
		if f == nil {
			return nil
		}
		if f.Key == nil {
			key(f, cells)
		}
		source := cellsOf[*id]
		if f.Kind != Changed || source == nil {
			return nil
		}
		if err := columns.Cells(cells, hashes); err != nil {
			return err
		}
		for i := range hashes {
			if hashes[i] != source[i] {
				f.Columns = append(f.Columns, t.mapping.Columns[i].Name)
			}
		}
		return nil
	})
}

// each calls fn for the picked rows of one side.
func (t *table) each(ctx context.Context, read scan, p pick, fn func(id, whole *row.Hash, cells row.Row) error) error {
	rows := row.NewHasher(t.mapping.Columns)
	id := newIdentity(t.mapping)
	var whole, key row.Hash
	return read(ctx, t.mapping, p.rng, func(cells row.Row) error {
		if err := id.hash(cells, &key); err != nil {
			return err
		}
		if p.buckets != nil && !p.buckets[bucketOf(&key)] {
			return nil
		}
		if err := rows.Hash(cells, &whole); err != nil {
			return err
		}
		return fn(&key, &whole, cells)
	})
}

func abs(n int64) int64 { return max(n, -n) }
