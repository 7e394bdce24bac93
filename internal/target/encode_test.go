package target

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"leap/internal/row"
	"leap/internal/schema"
)

// TestEncoderRefuses: a row that cannot be written leaves what is before it
// untouched and names the column.
func TestEncoderRefuses(t *testing.T) {
	for kind, cell := range map[schema.Kind]string{
		schema.Text: "\xff", schema.Bool: "2", schema.Enum: "\xc3", schema.JSON: "\"\xff\"", schema.Set: "a,\xff", schema.Bits: "\x01",
	} {
		for _, caps := range []Capabilities{Newest(), {}} {
			m := &schema.Mapping{Columns: []schema.ColumnMapping{{Name: "a", Kind: schema.Int}, {Name: "bad", Kind: kind, Width: 10}}}
			out, err := NewEncoder(m, caps).AppendRow([]byte("before\n"), cells("1", cell))
			if err == nil || !strings.Contains(err.Error(), "column bad") || string(out) != "before\n" {
				t.Errorf("%s: got %q, %v", kind, out, err)
			}
		}
	}
	m := intTable()
	if out, err := NewEncoder(m, Newest()).AppendRow([]byte("x"), cells("1")); err == nil || string(out) != "x" {
		t.Errorf("a cell too few: %q, %v", out, err)
	}
}

// TestOneLinePerRow: whatever the cells hold, a row is one line with one field
// per cell; the count of lines guards every COPY.
func TestOneLinePerRow(t *testing.T) {
	kinds := []schema.Kind{schema.Text, schema.Bytes, schema.Enum, schema.JSON, schema.Set}
	rapid.Check(t, func(t *rapid.T) {
		m := &schema.Mapping{}
		var r row.Row
		for i := range rapid.IntRange(1, 4).Draw(t, "columns") {
			m.Columns = append(m.Columns, schema.ColumnMapping{Name: strconv.Itoa(i), Kind: rapid.SampledFrom(kinds).Draw(t, "kind")})
			r = append(r, []byte(rapid.StringOf(rapid.RuneFrom([]rune("a\\\t\n\r,'\"N.é\x00"))).Draw(t, "cell")))
		}
		caps := rapid.SampledFrom([]Capabilities{Newest(), {}, {CopyHexBytes: true}}).Draw(t, "caps")
		out, err := NewEncoder(m, caps).AppendRow(nil, r)
		if err != nil {
			return
		}
		line := string(out)
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || strings.Count(line, "\t") != len(r)-1 || strings.Contains(line, "\r") {
			t.Fatalf("got %q", line)
		}
	})
}

func encoderRow() (*schema.Mapping, row.Row) {
	kinds := []schema.Kind{
		schema.Int, schema.Int, schema.Decimal, schema.DateTime, schema.Text, schema.Text, schema.Text,
		schema.Enum, schema.Bool, schema.Bytes, schema.Bits, schema.Float64, schema.UUID, schema.JSON,
	}
	m := &schema.Mapping{}
	for i, k := range kinds {
		m.Columns = append(m.Columns, schema.ColumnMapping{Name: strconv.Itoa(i), Kind: k, Width: 8})
	}
	return m, cells("1234567", "-42", "1234567.8900", "2024-05-06 07:08:09.123000", "DE89370400440532013000", "Grüße, größer",
		"a note with a tab\t and a line\nbreak", "active", "1", "\x00\x01\xff0123456789", "\xa5", "0.25", "123e4567-e89b-12d3-a456-426614174abc", `{"a": [1, 2]}`)
}

func TestEncoderAllocatesNothing(t *testing.T) {
	for _, caps := range []Capabilities{Newest(), {}} {
		m, r := encoderRow()
		e := NewEncoder(m, caps)
		buffer := make([]byte, 0, 1<<10)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := e.AppendRow(buffer, r); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%v allocations per row", n)
		}
	}
}

func BenchmarkAppendRow(b *testing.B) {
	for name, caps := range map[string]Capabilities{"newest": Newest(), "oldest": {}} {
		b.Run(name, func(b *testing.B) {
			m, r := encoderRow()
			e := NewEncoder(m, caps)
			buffer, err := e.AppendRow(nil, r)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(buffer)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.AppendRow(buffer[:0], r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestPrintable: looking at eight bytes at once says the same as looking at each.
func TestPrintable(t *testing.T) {
	for length := range 20 {
		cell := bytes.Repeat([]byte("a"), length)
		if !printable(cell) {
			t.Errorf("%d letters are printable", length)
		}
		for at := range cell {
			for b := range 256 {
				cell[at] = byte(b)
				want := b >= ' ' && b < 0x80 && b != '\\'
				if printable(cell) != want {
					t.Errorf("byte %#x at %d of %d: printable %v, want %v", b, at, length, !want, want)
				}
			}
			cell[at] = "a\x1f\x80\\~ "[at%6]
			if at%6 != 0 && at%6 < 4 && printable(cell) {
				t.Errorf("%q is not printable", cell)
			}
			cell[at] = 'a'
		}
	}
}
