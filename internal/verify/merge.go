package verify

import (
	"leap/internal/row"
	"leap/internal/schema"
)

// merge digests the target's rows of a span beside those of the source. While
// both sides have the same rows in the same order, which is what they should
// have, comparing their cells proves as much as hashing the row once more and
// takes a third of the time. From the first row on that is another, it hashes:
// a digest does not depend on the order.
type merge struct {
	mapping  *schema.Mapping
	comparer *row.Comparer
	hasher   *row.Hasher
	hash     row.Hash

	span   span
	text   []byte // of the source's rows that were not met yet
	met    int    // rows that are equal, one after another
	apart  bool   // some row was another
	digest row.Digest
}

func newMerge(m *schema.Mapping) *merge {
	return &merge{mapping: m, comparer: row.NewComparer(m.Columns), hasher: row.NewForeignHasher(m.Columns)}
}

// begin starts with another span.
func (g *merge) begin(s span) {
	g.span, g.text = s, s.rows.text
	g.met, g.apart, g.digest = 0, false, row.Digest{}
}

// add takes the target's next row.
func (g *merge) add(cells row.Row) error {
	if !g.apart && g.meets(cells) {
		g.met++
		return nil
	}
	if !g.apart {
		g.apart = true
		if err := g.catchUp(); err != nil {
			return err
		}
	}
	return g.count(cells)
}

// meets reports whether the row is the source's next one, and takes that off.
func (g *merge) meets(cells row.Row) bool {
	if g.met == g.span.rows.rows {
		return false
	}
	text := g.text
	var from []byte
	for i, c := range cells {
		from, text = cell(text)
		if !g.comparer.Equal(i, from, c) {
			return false
		}
	}
	g.text = text
	return true
}

// catchUp digests the rows that were met before.
func (g *merge) catchUp() error {
	text := g.span.rows.text
	cells := make(row.Row, len(g.mapping.Columns))
	for range g.met {
		for i := range cells {
			cells[i], text = cell(text)
		}
		if err := g.count(cells); err != nil {
			return err
		}
	}
	return nil
}

func (g *merge) count(cells row.Row) error {
	if err := g.hasher.Hash(cells, &g.hash); err != nil {
		return err
	}
	g.digest.Add(&g.hash)
	return nil
}

// end returns the digest of all rows.
func (g *merge) end() (row.Digest, error) {
	if g.apart {
		return g.digest, nil
	}
	if g.met == g.span.rows.rows {
		return g.span.digest, nil // row by row equal to what it is of
	}
	err := g.catchUp()
	return g.digest, err
}
