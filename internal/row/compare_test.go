package row

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"leap/internal/schema"
)

// TestComparer: two cells are equal exactly when their hashes are, which a cell
// that is not of its kind does not have.
func TestComparer(t *testing.T) {
	columns := []schema.ColumnMapping{
		{Name: "n", Kind: schema.Int},
		{Name: "d", Kind: schema.Decimal},
		{Name: "f", Kind: schema.Float64},
		{Name: "t", Kind: schema.Text},
		{Name: "b", Kind: schema.Bytes},
		{Name: "at", Kind: schema.DateTime},
		{Name: "s", Kind: schema.Set, Labels: []string{"a", "b"}},
		{Name: "j", Kind: schema.JSON},
	}
	texts := [][]string{
		{"0", "-0", "1", "01", "-1", "x"},
		{"0", "0.00", "-0.0", "1.5", "1.50", "15e-1", "0E-10", "1", "NaN"},
		{"0", "-0", "1", "1e0", "1.0000000000000002", "x"},
		{"", "0", "a", "A", "a "},
		{"", "\x00", "a"},
		{"2024-01-01 00:00:00", "2024-01-01 00:00:00.000", "2024-01-01 00:00:00.5", "2024-01-01 00:00:00.500000", "infinity"},
		{"", "a", "b", "a,b", "b,a", "c"},
		{"1", "1.0", `"1"`, `{"a":1,"b":2}`, `{"b":2, "a":1.0}`, "{"},
	}
	comparer, source, target := NewComparer(columns), NewHasher(columns), NewForeignHasher(columns)
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string, i int) []byte {
			n := rapid.IntRange(-1, len(texts[i])-1).Draw(rt, label)
			if n < 0 {
				return nil
			}
			return []byte(texts[i][n])
		}
		i := rapid.IntRange(0, len(columns)-1).Draw(rt, "column")
		a, b := make(Row, len(columns)), make(Row, len(columns))
		a[i], b[i] = draw("a", i), draw("b", i)
		var ha, hb Hash
		malformed := source.Hash(a, &ha) != nil // and so equal to nothing, itself included
		if err := target.Hash(b, &hb); err != nil {
			rt.Fatal(err)
		}
		if got, want := comparer.Equal(i, a[i], b[i]), !malformed && ha == hb; got != want {
			rt.Fatalf("%s: %q and %q: equal %v, equal hashes %v", columns[i].Kind, a[i], b[i], got, want)
		}
	})
}

func TestComparerKeepsCells(t *testing.T) {
	columns := []schema.ColumnMapping{{Name: "d", Kind: schema.Decimal}}
	a, b := []byte("1.50"), []byte("1.5000")
	if !NewComparer(columns).Equal(0, a, b) || string(a) != "1.50" || string(b) != "1.5000" {
		t.Errorf("%s, %s", a, b)
	}
	long := []byte(strings.Repeat("9", 65))
	comparer := NewComparer(columns)
	comparer.Equal(0, a, b) // its buffers have their size now
	if n := testing.AllocsPerRun(100, func() { comparer.Equal(0, a, b) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	if comparer.Equal(0, long, a) {
		t.Error("what is left of an earlier cell counts")
	}
}

// TestPlainNumber: what it takes for a number is one, and has a canonical form.
func TestPlainNumber(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0.00": true, "007": true, "12.5": true, ".5": true, "5.": true,
		"": false, "-": false, ".": false, "-.": false, "1.2.3": false, "1e5": false, "+1": false, " 1": false, "1-": false, "NaN": false,
	} {
		if got := plainNumber([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		text := []byte(rapid.StringMatching(`[-+]?[0-9.]{0,4}[e. -]?[0-9]{0,2}`).Draw(rt, "text"))
		if _, err := appendNumber(nil, text); plainNumber(text) && err != nil {
			rt.Fatal(err)
		}
	})
}
