package source

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"leap/internal/row"
	"leap/internal/schema"
)

// TestSplit compares split with the plain way of cutting at separators, for
// every number of cells, NULLs included.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		forms := rapid.SliceOfN(rapid.SampledFrom([]nullForm{never, empty, signed}), 2, 12).Draw(t, "forms")
		c := newCells(layout{joined: make([]part, len(forms))})
		pieces := make([][]byte, rapid.IntRange(1, 14).Draw(t, "pieces"))
		for i := range pieces {
			pieces[i] = []byte(rapid.StringMatching(`[-+]?[a-zé0-9]{0,20}`).Draw(t, "piece"))
		}
		for i, f := range forms {
			c.layout.joined[i] = part{position: i, null: f}
		}
		want, wantOK := make(row.Row, len(forms)), len(pieces) == len(forms)
		for i := 0; wantOK && i < len(forms); i++ {
			want[i], wantOK = c.layout.joined[i].cell(pieces[i])
		}
		ok := c.split(bytes.Join(pieces, []byte{separator}))
		if ok != wantOK {
			t.Fatalf("split says %v, want %v", ok, wantOK)
		}
		for i := 0; ok && i < len(forms); i++ {
			if !bytes.Equal(c.row[i], want[i]) || (c.row[i] == nil) != (want[i] == nil) {
				t.Fatalf("cell %d is %q, want %q", i, c.row[i], want[i])
			}
		}
	})
}

// TestJoinedTextIsBounded: what a server could not send in one value stays
// in expressions of its own.
func TestJoinedTextIsBounded(t *testing.T) {
	text := func(length int64) schema.ColumnMapping {
		return schema.ColumnMapping{
			Source: "c", Kind: schema.Text,
			From: schema.Type{Base: "varchar", Length: length, Charset: "utf8mb4"},
		}
	}
	l := newLayout([]schema.ColumnMapping{text(100), text(16_384), text(0)})
	if len(l.joined) != 2 || len(l.single) != 1 || l.single[0].position != 1 {
		t.Errorf("layout %+v: want the long column alone", l)
	}
	if l.joined[1].null != signed {
		t.Error("a column of no characters tells '' from NULL as any text does")
	}
}

// TestSplitSteadyState: splitting a row costs no allocation.
func TestSplitSteadyState(t *testing.T) {
	c := newCells(layout{joined: []part{{0, never}, {1, empty}, {2, signed}}})
	text := []byte("12345\xff\xff+hello world, this is text")
	if n := testing.AllocsPerRun(100, func() { c.split(text) }); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}
