package verify

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"

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

func (p *pair) equal() bool { return p.inSource == p.inTarget && p.source == p.target }

// drill finds the rows of a differing range or bucket. It reads both sides
// again: first the hash of every row, then, for the few rows that will be
// listed, the hash of every column. It holds the picked rows of the source, of
// which there are few; a target may have any number of rows besides, so of
// those it holds only what can be listed and counts the rest.
func (t *table) drill(ctx context.Context, p pick) error {
	pairs := map[row.Hash]*pair{}
	err := t.each(ctx, t.source(), p, func(id, whole *row.Hash, _ row.Row) error {
		have := pairs[*id]
		if have == nil {
			have = &pair{}
			pairs[*id] = have
		}
		have.source = *whole
		have.inSource++
		return nil
	})
	if err != nil {
		return err
	}
	room := len(pairs) + t.room()
	err = t.each(ctx, t.target(), p, func(id, whole *row.Hash, _ row.Row) error {
		have := pairs[*id]
		if have == nil {
			if len(pairs) >= room {
				t.result.Total++
				return nil
			}
			have = &pair{}
			pairs[*id] = have
		}
		have.target = *whole
		have.inTarget++
		return nil
	})
	if err != nil {
		return err
	}
	var differing []row.Hash
	for id, have := range pairs {
		if !have.equal() {
			differing = append(differing, id)
		}
	}
	// Maps have no order, but two runs over the same data must report the same.
	slices.SortFunc(differing, func(a, b row.Hash) int { return bytes.Compare(a[:], b[:]) })
	return t.name(ctx, p, pairs, differing)
}

// room is how many more findings can be listed.
func (t *table) room() int { return max(0, t.cfg.MaxFindings-len(t.result.Findings)) }

// name turns differing identities into findings with keys and columns.
func (t *table) name(ctx context.Context, p pick, pairs map[row.Hash]*pair, differing []row.Hash) error {
	count := func(id row.Hash) int64 { return max(1, abs(pairs[id].inSource-pairs[id].inTarget)) }
	some := differing[:min(t.room(), len(differing))]
	listed := map[row.Hash]*Finding{}
	for _, id := range some {
		listed[id] = &Finding{Kind: kindOf(pairs[id]), Count: count(id)}
	}
	if len(listed) > 0 {
		if err := t.describe(ctx, p, listed); err != nil {
			return err
		}
	}
	for _, id := range some {
		f := listed[id]
		if f.Key == nil {
			return errors.New("a row that differed is gone: the data changed while it was compared")
		}
		if t.result.Method == Multiset {
			f.Key = row.Key{"row sha256:" + hex.EncodeToString(id[:8])}
		}
		t.result.Findings = append(t.result.Findings, *f)
		t.result.Total += f.Count
	}
	for _, id := range differing[len(some):] {
		t.result.Total += count(id)
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
	columns := row.NewForeignHasher(t.mapping.Columns)
	cellsOf := map[row.Hash][]row.Hash{}
	key := func(f *Finding, cells row.Row) {
		if f.Key = keys.Key(cells); f.Key == nil {
			f.Key = row.Key{}
		}
	}
	err := t.each(ctx, t.source(), p, func(id, _ *row.Hash, cells row.Row) error {
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
	return t.each(ctx, t.target(), p, func(id, _ *row.Hash, cells row.Row) error {
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
func (t *table) each(ctx context.Context, from side, p pick, fn func(id, whole *row.Hash, cells row.Row) error) error {
	rows := from.hasher(t.mapping.Columns)
	id := newIdentity(t.mapping, from)
	var whole, key row.Hash
	return from.scan(ctx, t.mapping, p.rng, func(cells row.Row) error {
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
