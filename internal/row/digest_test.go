package row

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"leap/internal/schema"
)

func hashes() *rapid.Generator[[]Hash] {
	one := rapid.Map(rapid.SliceOfN(rapid.Byte(), 32, 32), func(b []byte) Hash { return Hash(b) })
	// Extremes make carries run through all words.
	edge := rapid.SampledFrom([]Hash{{}, Hash(bytes.Repeat([]byte{255}, 32)), {0: 1}, {31: 255}, {7: 128}, {8: 1}})
	return rapid.SliceOfN(rapid.OneOf(one, edge), 0, 20)
}

func digestOf(list []Hash) Digest {
	var d Digest
	for i := range list {
		d.Add(&list[i])
	}
	return d
}

// TestDigestIsASum checks Add and Merge against math/big: the sum modulo 2^256.
func TestDigestIsASum(t *testing.T) {
	modulus := new(big.Int).Lsh(big.NewInt(1), 256)
	rapid.Check(t, func(t *rapid.T) {
		list := hashes().Draw(t, "rows")
		want := new(big.Int)
		for _, h := range list {
			reversed := slices.Clone(h[:])
			slices.Reverse(reversed) // the words are little-endian
			want.Add(want, new(big.Int).SetBytes(reversed))
		}
		want.Mod(want, modulus)
		d := digestOf(list)
		got := new(big.Int)
		for i := range d.sum {
			got.Add(got, new(big.Int).Lsh(new(big.Int).SetUint64(d.sum[i]), uint(64*i)))
		}
		if got.Cmp(want) != 0 || d.Rows != int64(len(list)) {
			t.Fatalf("got %d rows and %x, want %d and %x", d.Rows, got, len(list), want)
		}
		shuffled := slices.Clone(list)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if digestOf(shuffled) != d {
			t.Fatal("depends on the order")
		}
		cut := rapid.IntRange(0, len(list)).Draw(t, "cut")
		merged := digestOf(list[:cut])
		merged.Merge(digestOf(list[cut:]))
		if merged != d {
			t.Fatalf("merged %v, added %v", merged, d)
		}
	})
}

func textColumns(n int) []schema.ColumnMapping {
	out := make([]schema.ColumnMapping, n)
	for i := range out {
		out[i] = schema.ColumnMapping{Name: "c" + strconv.Itoa(i), Kind: schema.Text}
	}
	return out
}

func cellsOf(texts ...string) Row {
	r := make(Row, len(texts))
	for i, s := range texts {
		if s != "NULL" {
			r[i] = []byte(s)
		}
	}
	return r
}

func tableDigest(t *testing.T, columns []schema.ColumnMapping, rows ...Row) Digest {
	t.Helper()
	h := NewHasher(columns)
	var d Digest
	var hash Hash
	for _, r := range rows {
		if err := h.Hash(r, &hash); err != nil {
			t.Fatal(err)
		}
		d.Add(&hash)
	}
	return d
}

// TestDigestSees lists changes that weaker checksums miss.
func TestDigestSees(t *testing.T) {
	for name, test := range map[string]struct{ before, after []Row }{
		"two values swapped between rows": {
			[]Row{cellsOf("1", "aaaa"), cellsOf("2", "bbbb")}, []Row{cellsOf("1", "bbbb"), cellsOf("2", "aaaa")},
		},
		"a pair of equal rows became another pair": {
			[]Row{cellsOf("1", "a"), cellsOf("1", "a")}, []Row{cellsOf("2", "b"), cellsOf("2", "b")},
		},
		"a pair of equal rows is gone": {[]Row{cellsOf("1", "a"), cellsOf("1", "a")}, nil},
		"a row is doubled":             {[]Row{cellsOf("1", "a")}, []Row{cellsOf("1", "a"), cellsOf("1", "a")}},
		"the border of cells moved":    {[]Row{cellsOf("a,b", "c")}, []Row{cellsOf("a", "b,c")}},
		"text moved between cells":     {[]Row{cellsOf("ab", "")}, []Row{cellsOf("a", "b")}},
		"NULL and empty":               {[]Row{cellsOf("NULL", "a")}, []Row{cellsOf("", "a")}},
		"NULL and 0":                   {[]Row{cellsOf("NULL", "a")}, []Row{cellsOf("0", "a")}},
		"NULL in another column":       {[]Row{cellsOf("NULL", "")}, []Row{cellsOf("", "NULL")}},
		"an empty row":                 {[]Row{cellsOf("NULL", "NULL")}, nil},
		"a trailing space":             {[]Row{cellsOf("a", "b")}, []Row{cellsOf("a ", "b")}},
		"case":                         {[]Row{cellsOf("a", "b")}, []Row{cellsOf("A", "b")}},
	} {
		if tableDigest(t, textColumns(2), test.before...) == tableDigest(t, textColumns(2), test.after...) {
			t.Errorf("not seen: %s", name)
		}
	}
}

// TestFrameIsInjective: distinct cell lists have distinct frames, whatever the
// cells imitate.
func TestFrameIsInjective(t *testing.T) {
	cell := rapid.Map(rapid.StringOfN(rapid.RuneFrom([]rune("NV\x00\x01\x02a")), 0, 4, -1), func(s string) []byte { return []byte(s) })
	rows := rapid.SliceOfN(rapid.OneOf(rapid.Just[[]byte](nil), cell), 0, 5)
	frame := func(t *rapid.T, cells Row) []byte {
		h := NewHasher(textColumns(len(cells)))
		var hash Hash
		if err := h.Hash(cells, &hash); err != nil {
			t.Fatal(err)
		}
		if hash != sha256.Sum256(h.frame) {
			t.Fatal("the hash is not that of the frame")
		}
		return h.frame
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := Row(rows.Draw(t, "a")), Row(rows.Draw(t, "b"))
		same := slices.EqualFunc(a, b, func(x, y []byte) bool { return (x == nil) == (y == nil) && bytes.Equal(x, y) })
		if same != bytes.Equal(frame(t, a), frame(t, b)) {
			t.Fatalf("%q and %q", a, b)
		}
	})
}

// TestHasherForgets: what a row leaves in the buffers must not reach the next.
func TestHasherForgets(t *testing.T) {
	columns := []schema.ColumnMapping{{Name: "d", Kind: schema.Decimal}, {Name: "t", Kind: schema.Text}}
	h := NewHasher(columns)
	var used, fresh Hash
	for _, r := range []Row{
		cellsOf("1.50", strings.Repeat("x", 100_000)), cellsOf("NULL", "NULL"), cellsOf("2.5", ""), cellsOf("1.5", "y"),
	} {
		if err := h.Hash(r, &used); err != nil {
			t.Fatal(err)
		}
		if err := NewHasher(columns).Hash(r, &fresh); err != nil {
			t.Fatal(err)
		}
		if used != fresh {
			t.Errorf("a used hasher sees %q otherwise", r)
		}
	}
	if err := h.Hash(cellsOf("x", "y"), &used); err == nil || !strings.Contains(err.Error(), "column d") {
		t.Errorf("the error does not name the column: %v", err)
	}
	if err := h.Hash(cellsOf("2.50", ""), &used); err != nil {
		t.Fatal(err)
	}
	if err := NewHasher(columns).Hash(cellsOf("2.5", ""), &fresh); err != nil || used != fresh {
		t.Errorf("after an error rows hash otherwise: %v", err)
	}
	if err := h.Hash(cellsOf("1"), &used); err == nil {
		t.Error("a row with a cell too few is hashed")
	}
}

// TestForeignHasher: what the target holds instead of a value is a difference,
// not an error, and equals no value.
func TestForeignHasher(t *testing.T) {
	columns := []schema.ColumnMapping{{Name: "d", Kind: schema.Decimal}, {Name: "s", Kind: schema.Set, Labels: []string{"a"}}}
	foreign, strict := NewForeignHasher(columns), NewHasher(columns)
	var a, b Hash
	for _, cells := range []Row{cellsOf("1.50", "a"), cellsOf("NULL", "")} {
		if errA, errB := foreign.Hash(cells, &a), strict.Hash(cells, &b); errA != nil || errB != nil || a != b {
			t.Errorf("%q: a proper row depends on the hasher: %v, %v", cells, errA, errB)
		}
	}
	seen := map[Hash]bool{}
	for _, cells := range []Row{cellsOf("NaN", "a"), cellsOf("Infinity", "a"), cellsOf("NULL", "a"), cellsOf("1", "x"), cellsOf("1", "a,a"), cellsOf("1", "a"), cellsOf("", "a")} {
		if err := foreign.Hash(cells, &a); err != nil {
			t.Fatal(err)
		}
		if seen[a] {
			t.Errorf("%q equals another row", cells)
		}
		seen[a] = true
	}
}

func TestCells(t *testing.T) {
	columns := textColumns(3)
	h := NewHasher(columns)
	a, b := make([]Hash, 3), make([]Hash, 3)
	if err := h.Cells(cellsOf("x", "NULL", "z"), a); err != nil {
		t.Fatal(err)
	}
	if err := h.Cells(cellsOf("x", "", "z"), b); err != nil {
		t.Fatal(err)
	}
	if a[0] != b[0] || a[1] == b[1] || a[2] != b[2] {
		t.Error("the differing column is not the second one alone")
	}
	if err := h.Cells(cellsOf("x"), a); err == nil {
		t.Error("a row with cells too few passes")
	}
	if err := h.Cells(cellsOf("x", "y", "z", "more"), a); err == nil {
		t.Error("a row with a cell too many passes")
	}
}

func TestDigestString(t *testing.T) {
	d := digestOf([]Hash{{0: 0xab, 7: 0xcd}})
	if got := d.String(); got != "1:ab000000000000cd" {
		t.Errorf("got %s", got)
	}
}

// benchmarkRow is a typical banking row.
func benchmarkRow() ([]schema.ColumnMapping, Row) {
	kinds := []schema.Kind{
		schema.Int, schema.Int, schema.Decimal, schema.Decimal, schema.DateTime, schema.Timestamp, schema.Date,
		schema.Text, schema.Text, schema.Enum, schema.Bool, schema.Time, schema.Set, schema.Float64, schema.UUID, schema.Text,
	}
	columns := make([]schema.ColumnMapping, len(kinds))
	for i, k := range kinds {
		columns[i] = schema.ColumnMapping{Name: "c" + strconv.Itoa(i), Kind: k, Labels: []string{"a", "b", "c"}}
	}
	return columns, cellsOf("1234567", "-42", "1234567.8900", "0.0000", "2024-05-06 07:08:09.123000", "2024-05-06 07:08:09", "2024-05-06",
		"DE89370400440532013000", "A payment for something, with a note", "b", "1", "12:34:56.5", "a,c", "0.25",
		"123e4567-e89b-12d3-a456-426614174abc", "NULL")
}

// TestHashAllocatesNothing: the verifier hashes every row of both sides.
func TestHashAllocatesNothing(t *testing.T) {
	columns, cells := benchmarkRow()
	h := NewHasher(columns)
	var hash Hash
	allocations := testing.AllocsPerRun(100, func() {
		if err := h.Hash(cells, &hash); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations per row", allocations)
	}
}

func BenchmarkHash(b *testing.B) {
	columns, cells := benchmarkRow()
	h := NewHasher(columns)
	var hash Hash
	size := 0
	for _, c := range cells {
		size += len(c)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Hash(cells, &hash); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBlock: a block is of its rows and of its text, and no rows are nothing.
func TestBlock(t *testing.T) {
	one, other := Block(2, []byte("rows")), Block(2, []byte("row5"))
	if one == other || one.Rows != 2 || one != Block(2, []byte("rows")) || one == Block(3, []byte("rows")) {
		t.Errorf("%v, %v", one, other)
	}
	if Block(0, nil) != (Digest{}) {
		t.Error("no rows have a digest")
	}
}
