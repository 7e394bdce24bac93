package damage

import (
	"slices"

	"leap/internal/row"
	"leap/internal/schema"
)

// remove leaves a row out.
func (b *bender) remove(group []row.Row) ([]row.Row, Planted, bool) {
	i := b.random.IntN(len(group))
	p := Planted{Want: []Finding{{Kind: Missing, Key: b.keyOf(group[i])}}}
	return slices.Delete(slices.Clone(group), i, i+1), p, true
}

// duplicate writes a row twice, where nothing forbids it.
func (b *bender) duplicate(group []row.Row) ([]row.Row, Planted, bool) {
	i := b.random.IntN(len(group))
	p := Planted{Want: []Finding{{Kind: Extra, Key: b.keyOf(group[i])}}}
	return append(slices.Clone(group), group[i]), p, true
}

// add writes one more row: a copy with a key of its own, or with another value
// where there is no key.
func (b *bender) add(group []row.Row) ([]row.Row, Planted, bool) {
	columns := b.key
	if len(columns) == 0 {
		columns = b.random.Perm(len(b.columns))
	}
	var after []row.Row
	var p Planted
	ok := b.each(group, func(i int) bool {
		for _, column := range slices.Backward(columns) {
			bent, can := b.other(group[i], column)
			if !can || len(b.key) > 0 && !b.claim(bent) {
				continue
			}
			after = append(slices.Clone(group), bent)
			p = Planted{Want: []Finding{{Kind: Extra, Key: b.keyOf(bent)}}}
			return true
		}
		return false
	})
	return after, p, ok
}

// other is the row with another value in a column, of a kind that is always
// another row.
func (b *bender) other(r row.Row, column int) (row.Row, bool) {
	c := &b.columns[column]
	changes := ways(c)
	for _, kind := range []Kind{LastPlace, Bit, ULP, OtherLabel, TrailingSpace, CutShort, Second} {
		bend, ok := changes[kind]
		if !ok {
			continue
		}
		if cell, can := bend(c, r[column], b.random); can && cell != nil {
			return put(r, column, cell), true
		}
	}
	return nil, false
}

// copyOf is the row to with the contents of the row from; its key stays.
// Columns that surely differ afterwards and those that may are told apart.
func (b *bender) copyOf(to, from row.Row) (row.Row, Finding, bool) {
	out, f := slices.Clone(to), b.changed(to)
	for i := range b.columns {
		if b.inKey[i] || same(to[i], from[i]) {
			continue
		}
		out[i] = from[i]
		if b.columns[i].Kind == schema.JSON && !b.surelyDiffer(i, to[i], from[i]) {
			f.Maybe = append(f.Maybe, b.columns[i].Name)
			continue
		}
		f.Columns = append(f.Columns, b.columns[i].Name)
	}
	return out, f, len(f.Columns) > 0
}

// replace overwrites a row with the contents of another.
func (b *bender) replace(group []row.Row) ([]row.Row, Planted, bool) {
	for i := range group {
		for j := range group {
			if i == j {
				continue
			}
			if bent, f, ok := b.copyOf(group[i], group[j]); ok {
				return with(group, i, bent), Planted{Want: []Finding{f}}, true
			}
		}
	}
	return nil, Planted{}, false
}

// twins overwrites two rows with the contents of a third: two equal rows where
// the source has two others, which cancel each other in an XOR of row hashes.
func (b *bender) twins(group []row.Row) ([]row.Row, Planted, bool) {
	for k := range group {
		after, p := slices.Clone(group), Planted{}
		for i := range group {
			if i == k || len(p.Want) == 2 {
				continue
			}
			if bent, f, ok := b.copyOf(group[i], group[k]); ok {
				after[i] = bent
				p.Want = append(p.Want, f)
			}
		}
		if len(p.Want) == 2 {
			return after, p, true
		}
	}
	return nil, Planted{}, false
}
