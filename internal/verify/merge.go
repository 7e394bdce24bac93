package verify

import (
	"leap/internal/row"
	"leap/internal/schema"
)

// merge compares the target's rows of a span with those of the source. While
// both sides have the same rows in the same order, which is what they should
// have, it compares their cells, and no row is hashed. From the first row on
// that is another, it hashes what is left of both sides: a digest does not
// depend on the order.
type merge struct {
	columns  []schema.ColumnMapping
	comparer *row.Comparer
	hasher   *row.Hasher

	span  *span
	text  []byte // of the source's rows that were not met yet
	met   int    // rows that are equal, one after another
	apart bool   // some row was another
	rest  row.Digest
}

func newMerge(m *schema.Mapping) *merge {
	return &merge{columns: m.Columns, comparer: row.NewComparer(m.Columns), hasher: row.NewForeignHasher(m.Columns)}
}

// begin starts with another span.
func (g *merge) begin(s *span) {
	g.span, g.text = s, s.rows.text
	g.met, g.apart, g.rest = 0, false, row.Digest{}
}

// add takes the target's next row.
func (g *merge) add(cells row.Row) error {
	if !g.apart && g.meets(cells) {
		g.met++
		return nil
	}
	g.apart = true
	return count(g.hasher, cells, &g.rest)
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

// end reports whether both sides hold the same rows. An error says that the
// source's are not what they should be.
func (g *merge) end() (equal bool, err error) {
	left := g.span.rows.rows - g.met
	if !g.apart || int64(left) != g.rest.Rows {
		return !g.apart && left == 0, nil
	}
	// What was met cancels out.
	var of row.Digest
	hasher, cells := row.NewHasher(g.columns), make(row.Row, len(g.columns))
	for text := g.text; len(text) > 0; {
		for i := range cells {
			cells[i], text = cell(text)
		}
		if err := count(hasher, cells, &of); err != nil {
			return false, err
		}
	}
	return of == g.rest, nil
}

// count adds a row to a digest.
func count(hasher *row.Hasher, cells row.Row, to *row.Digest) error {
	var hash row.Hash
	if err := hasher.Hash(cells, &hash); err != nil {
		return err
	}
	to.Add(&hash)
	return nil
}
