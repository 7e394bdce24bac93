package damage

import (
	"bytes"
	"maps"
	"slices"

	"leap/internal/row"
	"leap/internal/schema"
)

// recipes lists everything that can be tried on the table.
func (b *bender) recipes() []*recipe {
	var out []*recipe
	add := func(kind Kind, bend func([]row.Row) ([]row.Row, Planted, bool)) {
		out = append(out, &recipe{kind: kind, why: needs[kind], bend: bend})
	}
	keyed := len(b.key) > 0
	for i := range b.columns {
		changes := ways(&b.columns[i])
		for _, kind := range slices.Sorted(maps.Keys(changes)) {
			if kind == JSONScale && !keyed {
				continue // what is equal cannot be told from what is not there
			}
			if b.inKey[i] {
				add(KeyChanged, b.bendKey(i, changes[kind]))
				continue
			}
			add(kind, b.bendCell(i, kind, changes[kind]))
		}
		if b.inKey[i] {
			continue
		}
		add(SwapRows, b.swapRows(i))
		for j := range i {
			if !b.inKey[j] && alikeColumns(&b.columns[i], &b.columns[j]) {
				add(SwapColumns, b.swapColumns(j, i))
			}
		}
	}
	add(RowRemoved, b.remove)
	add(RowReplaced, b.replace)
	add(Twins, b.twins)
	add(RowAdded, b.add)
	if b.mapping.KeyIndex != "PRIMARY" {
		add(RowDuplicated, b.duplicate)
	}
	return out
}

// each tries the rows of a group from a random one on.
func (b *bender) each(group []row.Row, try func(i int) bool) bool {
	start := b.random.IntN(len(group))
	for n := range group {
		if try((start + n) % len(group)) {
			return true
		}
	}
	return false
}

// with is the group with one row replaced.
func with(group []row.Row, i int, r row.Row) []row.Row {
	out := slices.Clone(group)
	out[i] = r
	return out
}

// put is the row with one cell replaced.
func put(r row.Row, column int, cell []byte) row.Row {
	out := slices.Clone(r)
	out[column] = cell
	return out
}

// changed is the finding of a row that keeps its key.
func (b *bender) changed(r row.Row, columns ...string) Finding {
	return Finding{Kind: Changed, Key: b.keyOf(r), Columns: columns}
}

// same reports that two cells are the same bytes, or both NULL.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// bendCell changes one cell outside the key.
func (b *bender) bendCell(column int, kind Kind, bend change) func([]row.Row) ([]row.Row, Planted, bool) {
	c := &b.columns[column]
	return func(group []row.Row) (after []row.Row, p Planted, ok bool) {
		ok = b.each(group, func(i int) bool {
			cell, can := bend(c, group[i][column], b.random)
			if !can {
				return false
			}
			after = with(group, i, put(group[i], column, cell))
			p = Planted{Columns: []string{c.Name}}
			if kind != JSONScale {
				p.Want = []Finding{b.changed(group[i], c.Name)}
			}
			return true
		})
		return after, p, ok
	}
}

// bendKey changes a column of the key: one row is gone, another one is there.
func (b *bender) bendKey(column int, bend change) func([]row.Row) ([]row.Row, Planted, bool) {
	c := &b.columns[column]
	return func(group []row.Row) (after []row.Row, p Planted, ok bool) {
		ok = b.each(group, func(i int) bool {
			cell, can := bend(c, group[i][column], b.random)
			if !can || cell == nil {
				return false
			}
			bent := put(group[i], column, cell)
			if !b.claim(bent) {
				return false
			}
			after = with(group, i, bent)
			p = Planted{Columns: []string{c.Name}, Want: []Finding{
				{Kind: Missing, Key: b.keyOf(group[i])}, {Kind: Extra, Key: b.keyOf(bent)},
			}}
			return true
		})
		return after, p, ok
	}
}

// claim takes a key that no row has.
func (b *bender) claim(r row.Row) bool {
	key := b.keyOf(r)
	if b.used[key] {
		return false
	}
	b.used[key] = true
	return true
}

// swapRows swaps the values of a column between two rows.
func (b *bender) swapRows(column int) func([]row.Row) ([]row.Row, Planted, bool) {
	c := &b.columns[column]
	return func(group []row.Row) (after []row.Row, p Planted, ok bool) {
		for i := range group {
			for j := range i {
				x, y := group[i][column], group[j][column]
				if !b.surelyDiffer(column, x, y) {
					continue
				}
				after = with(with(group, i, put(group[i], column, y)), j, put(group[j], column, x))
				p = Planted{Columns: []string{c.Name}, Want: []Finding{b.changed(group[i], c.Name), b.changed(group[j], c.Name)}}
				return after, p, true
			}
		}
		return nil, Planted{}, false
	}
}

// surelyDiffer says whether two cells of a column are different values. Cells
// of one column are printed alike, so other bytes are another value; documents
// are not.
func (b *bender) surelyDiffer(column int, x, y []byte) bool {
	if same(x, y) {
		return false
	}
	return b.columns[column].Kind != schema.JSON || x == nil || y == nil || !sameJSON(x, y)
}

// alikeColumns says whether each of two columns can hold the other's values,
// the checks included that an unsigned or a labelled column gets.
func alikeColumns(a, b *schema.ColumnMapping) bool {
	return a.Kind == b.Kind && a.Type == b.Type && a.From.Unsigned == b.From.Unsigned && slices.Equal(a.Labels, b.Labels)
}

// swapColumns swaps the values of two columns of one type.
func (b *bender) swapColumns(left, right int) func([]row.Row) ([]row.Row, Planted, bool) {
	l, r := &b.columns[left], &b.columns[right]
	return func(group []row.Row) (after []row.Row, p Planted, ok bool) {
		ok = b.each(group, func(i int) bool {
			x, y := group[i][left], group[i][right]
			if !b.surelyDiffer(left, x, y) || x == nil && r.NotNull || y == nil && l.NotNull {
				return false
			}
			after = with(group, i, put(put(group[i], left, y), right, x))
			p = Planted{Columns: []string{l.Name, r.Name}, Want: []Finding{b.changed(group[i], l.Name, r.Name)}}
			return true
		})
		return after, p, ok
	}
}
