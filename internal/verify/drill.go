package verify

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"unicode/utf8"

	"leap/internal/row"
	"leap/internal/schema"
)

// pick selects the rows of a drill-down: a part, of which only the rows in some
// of this package's own buckets.
type pick struct {
	part    row.Part
	buckets map[int]bool // nil for all rows of the part
}

// pair is what both sides say of one identity.
type pair struct {
	source, target     row.Hash
	inSource, inTarget int64
}

func (p *pair) equal() bool { return p.inSource == p.inTarget && p.source == p.target }

// count is how many rows differ.
func (p *pair) count() int64 { return max(1, abs(p.inSource-p.inTarget)) }

func (p *pair) kind() FindingKind {
	switch {
	case p.inSource > p.inTarget:
		return Missing
	case p.inTarget > p.inSource:
		return Extra
	}
	return Changed
}

// differences are the rows of a pick that are not equal.
type differences struct {
	pairs map[row.Hash]*pair
	// more counts rows that only the target has, besides those in pairs.
	more           int64
	source, target row.Digest
}

// examine looks into the suspects: it counts what differs, and lists the first
// of it with keys and columns.
func (t *table) examine(ctx context.Context) error {
	t.begin()
	for i := range t.suspects {
		s := &t.suspects[i]
		d, err := t.drill(ctx, s.pick)
		if err != nil {
			return err
		}
		if err := t.note(ctx, s, d, nil); err != nil {
			return err
		}
	}
	t.result.Compared = true
	return nil
}

// begin forgets what an earlier look at the suspects found.
func (t *table) begin() {
	r := &t.result
	r.Source, r.Target = t.agreed, t.agreed
	r.Findings, r.Total, r.Moving, r.FalseAlarms = nil, 0, 0, 0
}

// note takes the differences of a suspect into the result; moving are those
// that were still changing.
func (t *table) note(ctx context.Context, s *suspect, d *differences, moving map[row.Hash]bool) error {
	r := &t.result
	r.Source.Merge(d.source)
	r.Target.Merge(d.target)
	s.differs = len(d.pairs) > 0 || d.more > 0
	if t.cfg.Settle.For > 0 && r.Total <= maxMoving {
		s.pairs = d.pairs
	}
	first := !s.looked
	s.looked = true
	s.differed = s.differed || s.differs
	switch {
	case s.differed: // what is equal by now was repaired, or has settled
	case r.Tier == Pushdown:
		r.FalseAlarms++
	case first:
		// What differed a moment ago is equal: without a common moment that is
		// a row on its way, with one it must not be. Either way it is no proof.
		r.Moving++
	}
	r.Total += d.more
	// Maps have no order, but two runs over the same data must report the same.
	var order []row.Hash
	for id, have := range d.pairs {
		order = append(order, id)
		if moving[id] {
			r.Moving += have.count()
		} else {
			r.Total += have.count()
		}
	}
	slices.SortFunc(order, func(a, b row.Hash) int { return bytes.Compare(a[:], b[:]) })
	listed := map[row.Hash]*Finding{}
	some := order[:min(t.room(), len(order))]
	for _, id := range some {
		listed[id] = &Finding{Kind: d.pairs[id].kind(), Count: d.pairs[id].count(), Moving: moving[id]}
	}
	if len(listed) == 0 {
		return nil
	}
	if err := t.describe(ctx, s.pick, listed); err != nil {
		return err
	}
	for _, id := range some {
		f := listed[id]
		switch {
		case f.Key == nil:
			// Gone between two looks: it moves, whatever it is. Only without a
			// common moment can that be.
			if !f.Moving {
				r.Total, r.Moving = r.Total-f.Count, r.Moving+f.Count
			}
			continue
		case r.Method == Multiset:
			f.Key = row.Key{"row sha256:" + hex.EncodeToString(id[:8])}
		}
		r.Findings = append(r.Findings, *f)
	}
	return nil
}

// room is how many more findings can be listed.
func (t *table) room() int { return max(0, t.cfg.MaxFindings-len(t.result.Findings)) }

// memory is how many more rows that only the target has can be held: what can be
// listed, or what has to be known again at another look.
func (t *table) memory() int {
	if t.cfg.Settle.For <= 0 {
		return t.room()
	}
	return max(t.room(), int(maxMoving-min(maxMoving, t.result.Total+t.result.Moving)))
}

// drill finds the differing rows of a pick. It reads both sides, the hash of
// every row. It holds the picked rows of the source, of which there are few; a
// target may have any number of rows besides, so of those it holds only some and
// counts the rest.
func (t *table) drill(ctx context.Context, p pick) (*differences, error) {
	d := &differences{pairs: map[row.Hash]*pair{}}
	err := t.source().each(ctx, t.mapping, p, func(id, whole *row.Hash, _ row.Row) error {
		have := d.pairs[*id]
		if have == nil {
			have = &pair{}
			d.pairs[*id] = have
		}
		have.source = *whole
		have.inSource++
		d.source.Add(whole)
		return nil
	})
	if err != nil {
		return nil, err
	}
	room := len(d.pairs) + t.memory()
	err = t.target().each(ctx, t.mapping, p, func(id, whole *row.Hash, _ row.Row) error {
		d.target.Add(whole)
		have := d.pairs[*id]
		if have == nil {
			if len(d.pairs) >= room {
				d.more++
				return nil
			}
			have = &pair{}
			d.pairs[*id] = have
		}
		have.target = *whole
		have.inTarget++
		return nil
	})
	for id, have := range d.pairs {
		if have.equal() {
			delete(d.pairs, id)
		}
	}
	return d, err
}

// describe reads the listed rows once more, for their keys and for the columns
// that differ.
func (t *table) describe(ctx context.Context, p pick, listed map[row.Hash]*Finding) error {
	keys := row.NewKeyReader(t.mapping.Columns, t.mapping.KeyColumns())
	columns := row.NewForeignHasher(t.mapping.Columns)
	type side struct {
		hashes []row.Hash
		texts  []*string
	}
	sources := map[row.Hash]side{}
	key := func(f *Finding, cells row.Row) {
		if f.Key = keys.Key(cells); f.Key == nil {
			f.Key = row.Key{}
		}
	}
	err := t.source().each(ctx, t.mapping, p, func(id, _ *row.Hash, cells row.Row) error {
		f := listed[*id]
		if f == nil {
			return nil
		}
		key(f, cells)
		s := side{hashes: make([]row.Hash, len(t.mapping.Columns)), texts: t.texts(cells)}
		sources[*id] = s
		return columns.Cells(cells, s.hashes)
	})
	if err != nil {
		return err
	}
	hashes := make([]row.Hash, len(t.mapping.Columns))
	return t.target().each(ctx, t.mapping, p, func(id, _ *row.Hash, cells row.Row) error {
		f := listed[*id]
		if f == nil {
			return nil
		}
		if f.Key == nil {
			key(f, cells)
		}
		source, ok := sources[*id]
		if f.Kind != Changed || !ok {
			return nil
		}
		if err := columns.Cells(cells, hashes); err != nil {
			return err
		}
		texts := t.texts(cells)
		for i := range hashes {
			if hashes[i] == source.hashes[i] {
				continue
			}
			f.Columns = append(f.Columns, t.mapping.Columns[i].Name)
			if texts != nil {
				f.Values = append(f.Values, Values{Source: source.texts[i], Target: texts[i]})
			}
		}
		return nil
	})
}

// maxShown is how many bytes of a value are shown.
const maxShown = 200

// texts returns the cells for people; nil unless values are to be shown.
func (t *table) texts(cells row.Row) []*string {
	if !t.cfg.ShowValues {
		return nil
	}
	out := make([]*string, len(cells))
	for i, cell := range cells {
		if cell != nil {
			out[i] = new(shown(&t.mapping.Columns[i], cell))
		}
	}
	return out
}

// shown is a cell as text: bytes in hex, and what is long cut off with a mark.
func shown(c *schema.ColumnMapping, cell []byte) string {
	cut := ""
	if len(cell) > maxShown {
		cell, cut = cell[:maxShown], "…"
		for len(cell) > 0 && !utf8.Valid(cell) && len(cell) > maxShown-utf8.UTFMax {
			cell = cell[:len(cell)-1]
		}
	}
	if c.Kind == schema.Bytes || !utf8.Valid(cell) {
		return hex.EncodeToString(cell) + cut
	}
	return string(cell) + cut
}

// each calls fn for the picked rows of one side.
func (s side) each(ctx context.Context, m *schema.Mapping, p pick, fn func(id, whole *row.Hash, cells row.Row) error) error {
	rows := s.hasher(m.Columns)
	id := newIdentity(m, s)
	var whole, key row.Hash
	return s.scan(ctx, m, p.part, func(cells row.Row) error {
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
