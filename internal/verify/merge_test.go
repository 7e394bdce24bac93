package verify

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"leap/internal/row"
	"leap/internal/schema"
)

// TestBatch: what comes out of a batch is what went in, and NULL is not ”.
func TestBatch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sizes := rapid.SampledFrom([]int{-1, 0, 1, 126, 127, 128, 129, 16_382, 16_383, 16_384})
		var b batch
		for range rapid.IntRange(1, 3).Draw(rt, "uses") {
			b.reset()
			rows := make([]row.Row, rapid.IntRange(0, 20).Draw(rt, "rows"))
			for i := range rows {
				rows[i] = make(row.Row, 3)
				for j := range rows[i] {
					if n := sizes.Draw(rt, "size"); n >= 0 {
						rows[i][j] = bytes.Repeat([]byte{byte('a' + j)}, n)
					}
				}
				b.add(rows[i])
			}
			text := b.text
			for i, want := range rows {
				for j := range want {
					var got []byte
					if got, text = cell(text); !bytes.Equal(got, want[j]) || (got == nil) != (want[j] == nil) {
						rt.Fatalf("row %d, cell %d: %.20q for %.20q", i, j, got, want[j])
					}
				}
			}
			if len(text) > 0 || b.rows != len(rows) {
				rt.Fatalf("%d bytes are left of %d rows", len(text), b.rows)
			}
		}
	})
}

// TestBatchForgetsHugeRows: memory must not stay as large as the largest row.
func TestBatchForgetsHugeRows(t *testing.T) {
	var b batch
	b.add(row.Row{make([]byte, 5*batchBytes)})
	if b.reset(); cap(b.text) > 2*batchBytes {
		t.Errorf("%d bytes stay", cap(b.text))
	}
}

// TestMerge: whatever the two sides hold and in whatever order, they are equal
// exactly when the digests of all their rows are.
func TestMerge(t *testing.T) {
	m := mapping(Ranges)
	m.Columns = append(m.Columns, schema.ColumnMapping{Name: "rate", Kind: schema.Float64})
	one := rapid.Custom(func(t *rapid.T) row.Row {
		return cells(strconv.Itoa(rapid.IntRange(0, 3).Draw(t, "id")), rapid.SampledFrom([]string{"NULL", "0", "0.00", "1.5", "1.50"}).Draw(t, "amount"),
			rapid.SampledFrom([]string{"NULL", "", "0", "x"}).Draw(t, "note"), rapid.SampledFrom([]string{"NULL", "1", "1e0", "-0", "0"}).Draw(t, "rate"))
	})
	g := newMerge(m)
	rapid.Check(t, func(rt *rapid.T) {
		source := rapid.SliceOfN(one, 0, 8).Draw(rt, "source")
		target := rapid.SliceOfN(one, 0, 8).Draw(rt, "target")
		switch rapid.IntRange(0, 3).Draw(rt, "nearly") {
		case 0:
			target = slices.Clone(source)
		case 1:
			target = rapid.Permutation(source).Draw(rt, "order")
		case 2:
			target = append(slices.Clone(source[:rapid.IntRange(0, len(source)).Draw(rt, "same")]), target...)
		}
		got, err := merged(g, source, target)
		if want := digestOf(rt, m, source) == digestOf(rt, m, target); err != nil || got != want {
			rt.Fatalf("%v, %v, want %v", got, err, want)
		}
	})
}

// merged tells what a merge makes of rows.
func merged(g *merge, source, target []row.Row) (equal bool, err error) {
	s := span{rows: &batch{}}
	for _, r := range source {
		s.rows.add(r)
	}
	g.begin(&s)
	for _, r := range target {
		if err := g.add(r); err != nil {
			return false, err
		}
	}
	return g.end()
}

func digestOf(t *rapid.T, m *schema.Mapping, rows []row.Row) row.Digest {
	hasher := row.NewForeignHasher(m.Columns)
	var d row.Digest
	var h row.Hash
	for _, r := range rows {
		if err := hasher.Hash(r, &h); err != nil {
			t.Fatal(err)
		}
		d.Add(&h)
	}
	return d
}

// TestMergeOfMalformed: a source's cell that is not of its kind is an error, not
// a difference, and not equal either, where the target has the very same text.
func TestMergeOfMalformed(t *testing.T) {
	good, bad := cells("1", "1.5", "note"), cells("2", "1,5", "note")
	for name, target := range map[string][]row.Row{
		"the same": {good, bad}, "another order": {bad, good}, "others": {good, cells("2", "1.5", "note")},
	} {
		equal, err := merged(newMerge(mapping(Ranges)), []row.Row{good, bad}, target)
		if equal || err == nil || !strings.Contains(err.Error(), "amount") {
			t.Errorf("%s: equal %v, %v", name, equal, err)
		}
	}
	// A target's is a difference.
	if equal, err := merged(newMerge(mapping(Ranges)), []row.Row{good}, []row.Row{cells("1", "1,5", "note")}); equal || err != nil {
		t.Errorf("equal %v, %v", equal, err)
	}
	r := mustCompare(t, mapping(Ranges), newEnd(bad), newEnd(bad), Config{})
	if r.Equal() || !strings.Contains(r.Unchecked, "amount") {
		t.Errorf("%+v", r)
	}
}

// TestLargeRowsMakeSmallRanges: a range holds batchBytes of text, however many
// rows one asks for.
func TestLargeRowsMakeSmallRanges(t *testing.T) {
	const rows = 40
	var source []row.Row
	for i := range rows {
		source = append(source, cells(strconv.Itoa(i), "1", strings.Repeat("x", batchBytes/4)))
	}
	dst := newEnd(source...)
	r := mustCompare(t, mapping(Ranges), newEnd(source...), dst, Config{RangeRows: 1000})
	if !r.Equal() || r.Source.Rows != rows {
		t.Fatalf("%+v", r)
	}
	if scans := <-dst.scans; scans != rows/4+1 {
		t.Errorf("%d ranges", scans)
	}
	// A difference in a range that was cut for its size is named like any other.
	changed := slices.Clone(source)
	changed[17] = cells("17", "2", string(source[17][2]))
	r = mustCompare(t, mapping(Ranges), newEnd(source...), newEnd(changed...), Config{RangeRows: 1000})
	if r.Total != 1 || r.Findings[0].Key.String() != "(17)" || !slices.Equal(r.Findings[0].Columns, []string{"amount"}) {
		t.Errorf("%+v", r)
	}
}
