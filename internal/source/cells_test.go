package source

import (
	"testing"

	"leap/internal/schema"
)

// numberColumns print their numbers in a form of the server's own, but for the last.
var numberColumns = []schema.ColumnMapping{
	{Kind: schema.Int, From: schema.Type{Base: "int", Zerofill: true}},
	{Kind: schema.Int, From: schema.Type{Base: "year"}},
	{Kind: schema.Int, From: schema.Type{Base: "int", Zerofill: true}},
	{Kind: schema.Float64, From: schema.Type{Base: "double"}},
	{Kind: schema.Text, From: schema.Type{Base: "varchar"}},
}

// TestNumbers: the copier's form of a number does not depend on who read the
// row, the server's padding or its way to write an exponent.
func TestNumbers(t *testing.T) {
	c := newCells(numberColumns)
	got, err := c.take([][]byte{[]byte("00000042"), []byte("0000"), nil, []byte("1e100"), []byte("0042")})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"42", "0", "", "1e+100", "0042"} {
		if string(got[i]) != want || (got[i] == nil) != (i == 2) {
			t.Errorf("cell %d is %q, want %q", i, got[i], want)
		}
	}
	if _, err := c.take([][]byte{nil, nil, nil, []byte("one"), nil}); err == nil {
		t.Error("took a word for a number")
	}
}

// TestNumbersSteadyState: a row costs no allocation.
func TestNumbersSteadyState(t *testing.T) {
	c := newCells(numberColumns)
	cells := make([][]byte, len(numberColumns))
	padded, year, double := []byte("00000042"), []byte("2026"), []byte("0.30000000000000004")
	n := testing.AllocsPerRun(100, func() {
		cells[0], cells[1], cells[3] = padded, year, double
		if _, err := c.take(cells); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}
