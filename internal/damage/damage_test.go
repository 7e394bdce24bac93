package damage

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"leap/internal/row"
	"leap/internal/schema"
)

// sample is a table with a key and n rows.
func sample(n int) Table {
	m := &schema.Mapping{Name: "t", SourceName: "t", Key: []int{0}, KeyIndex: "PRIMARY", Columns: []schema.ColumnMapping{
		{Name: "id", Kind: schema.Int, Type: "INT8", NotNull: true},
		{Name: "a", Kind: schema.Decimal, Type: "DECIMAL(9,2)", From: schema.Type{Base: "decimal", Scale: 2}},
		{Name: "b", Kind: schema.Decimal, Type: "DECIMAL(9,2)", From: schema.Type{Base: "decimal", Scale: 2}},
		{Name: "v", Kind: schema.Text, Type: "VARCHAR(20)"},
		{Name: "j", Kind: schema.JSON, Type: "JSONB"},
	}}
	var rows []row.Row
	for i := range n {
		rows = append(rows, row.Row{
			fmt.Append(nil, i*2), fmt.Appendf(nil, "%d.%02d", i, i%100), []byte("0.00"),
			fmt.Appendf(nil, "Zoë %d", i), fmt.Appendf(nil, `{"n": %d}`, i),
		})
	}
	return Table{Mapping: m, Rows: rows}
}

func TestBendChangesOneGroupAtATimeAndSaysWhat(t *testing.T) {
	in := sample(400)
	got := Bend(in, Options{Seed: 1, GroupRows: 4})
	if len(got.Planted) != 100 {
		t.Fatalf("%d damages in 100 groups", len(got.Planted))
	}
	if again := Bend(in, Options{Seed: 1, GroupRows: 4}); fmt.Sprint(again) != fmt.Sprint(got) {
		t.Error("the same seed bent the rows in another way")
	}
	if fmt.Sprint(in.Rows) != fmt.Sprint(sample(400).Rows) {
		t.Error("the sample itself was changed")
	}
	// What is wanted follows from comparing the rows by key, byte by byte.
	want := map[string]string{}
	before, after := byKey(in.Rows), byKey(got.Rows)
	for key, r := range before {
		other := after[key]
		if other == nil {
			want[key] = "missing []"
			continue
		}
		var columns []string
		for i, c := range in.Mapping.Columns {
			if (r[i] == nil) != (other[i] == nil) || !bytes.Equal(r[i], other[i]) {
				columns = append(columns, c.Name)
			}
		}
		if columns != nil {
			want[key] = fmt.Sprint("changed ", columns)
		}
	}
	for key := range after {
		if before[key] == nil {
			want[key] = "extra []"
		}
	}
	equal := 0
	for _, p := range got.Planted {
		if p.Kind == JSONScale {
			equal++
		}
		for _, f := range p.Want {
			columns := slices.Concat(f.Columns, f.Maybe)
			slices.SortFunc(columns, func(x, y string) int { return position(in.Mapping, x) - position(in.Mapping, y) })
			if have := fmt.Sprint(f.Kind, " ", columns); want[f.Key] != have {
				t.Errorf("%s: wants %s for %q, the rows say %s", p.Kind, have, f.Key, want[f.Key])
			}
			delete(want, f.Key)
		}
	}
	if len(want) != equal {
		t.Errorf("%d rows differ and nobody says so: %v", len(want), want)
	}
	if len(got.Absent) == 0 || got.Absent[len(got.Absent)-1].Why == "" {
		t.Errorf("absent kinds need a reason: %v", got.Absent)
	}
}

func position(m *schema.Mapping, name string) int {
	return slices.IndexFunc(m.Columns, func(c schema.ColumnMapping) bool { return c.Name == name })
}

func byKey(rows []row.Row) map[string]row.Row {
	out := map[string]row.Row{}
	for _, r := range rows {
		out[string(frame(row.Row{r[0]}))] = r
	}
	return out
}

// TestChanges: each change makes the value that its name promises, and refuses
// the cell that cannot take it.
func TestChanges(t *testing.T) {
	decimal := schema.ColumnMapping{Kind: schema.Decimal, From: schema.Type{Base: "decimal"}}
	stamp := func(digits int) schema.ColumnMapping {
		return schema.ColumnMapping{Kind: schema.DateTime, From: schema.Type{Precision: digits}}
	}
	for _, tt := range []struct {
		kind   Kind
		column schema.ColumnMapping
		cell   string
		want   string // "-" when it cannot be done
	}{
		{LastPlace, decimal, "1.00", "0.99"},
		{LastPlace, decimal, "-0.01", "0.00"},
		{LastPlace, decimal, "0.00", "0.01"},
		{LastPlace, decimal, "-100", "-99"},
		{Sign, decimal, "0.00", "-"},
		{Sign, decimal, "-1.5", "1.5"},
		{Sign, schema.ColumnMapping{Kind: schema.Int}, "-2147483648", "-"},
		{Sign, schema.ColumnMapping{Kind: schema.Int, From: schema.Type{Unsigned: true}}, "7", "-"},
		{ULP, schema.ColumnMapping{Kind: schema.Float32}, "16777216", "1.6777215e+07"},
		{ULP, schema.ColumnMapping{Kind: schema.Float64}, "1", "0.9999999999999999"},
		{ZeroSign, schema.ColumnMapping{Kind: schema.Float64}, "0", "-0"},
		{ZeroSign, schema.ColumnMapping{Kind: schema.Float64}, "-0", "0"},
		{LastPlace, stamp(6), "2024-01-01 00:00:00.000000", "2023-12-31 23:59:59.999999"},
		{LastPlace, stamp(0), "2024-01-01 00:00:00", "-"},
		{Hour, stamp(3), "2024-03-31 02:30:00.125", "2024-03-31 01:30:00.125"},
		{Second, stamp(0), "0001-01-01 00:00:00", "0001-01-01 00:00:01"},
		{Second, schema.ColumnMapping{Kind: schema.Interval}, "-838:59:59", "-838:59:58"},
		{Second, schema.ColumnMapping{Kind: schema.Time}, "00:00:00", "00:00:01"},
		{Sign, schema.ColumnMapping{Kind: schema.Interval, From: schema.Type{Precision: 3}}, "-00:00:01.500", "00:00:01.500"},
		{LetterCase, schema.ColumnMapping{Kind: schema.Text}, "7é", "7É"},
		{LetterCase, schema.ColumnMapping{Kind: schema.Text}, "77", "-"},
		{TrailingSpace, schema.ColumnMapping{Kind: schema.Text, Type: "VARCHAR(2)"}, "ab", "-"},
		{TrailingSpace, schema.ColumnMapping{Kind: schema.Text, Type: "VARCHAR(2)"}, "", " "},
		{Normalisation, schema.ColumnMapping{Kind: schema.Text}, "é", "e\u0301"},
		{Normalisation, schema.ColumnMapping{Kind: schema.Text, Type: "VARCHAR(1)"}, "é", "-"},
		{LookAlike, schema.ColumnMapping{Kind: schema.Text}, "a", "\u0430"},
		{CutShort, schema.ColumnMapping{Kind: schema.Text}, "日本", "日"},
		{JSONAsText, schema.ColumnMapping{Kind: schema.JSON}, `{"1": 1}`, `{"1": "1"}`},
		{JSONScale, schema.ColumnMapping{Kind: schema.JSON}, `[1.5, 1]`, `[1.5, 1.0]`},
		{LastPlace, schema.ColumnMapping{Kind: schema.JSON}, `{"a": 19e9}`, `{"a": 18e9}`},
		{JSONAsText, schema.ColumnMapping{Kind: schema.JSON}, `{"a": "1"}`, "-"},
		{NullOrEmpty, schema.ColumnMapping{Kind: schema.Text}, "x", "-"},
		{OtherLabel, schema.ColumnMapping{Kind: schema.Enum, Labels: []string{"a", "b"}}, "a", "b"},
		{Bit, schema.ColumnMapping{Kind: schema.Bits, Width: 1}, "\x00\x00", "\x00\x01"},
		{Bit, schema.ColumnMapping{Kind: schema.Bytes}, "", "-"},
	} {
		b := newBender(sample(1), Options{})
		got, ok := ways(&tt.column)[tt.kind](&tt.column, []byte(tt.cell), b.random)
		if have := string(got); ok != (tt.want != "-") || ok && have != tt.want {
			t.Errorf("%s of %s %q: %q, %v, want %q", tt.kind, tt.column.Kind, tt.cell, have, ok, tt.want)
		}
	}
	text := schema.ColumnMapping{Kind: schema.Text}
	for _, cell := range [][]byte{nil, {}} {
		if got, ok := nullOrEmpty(&text, cell, nil); !ok || (got == nil) == (cell == nil) {
			t.Errorf("NULL and '': %v became %v, %v", cell, got, ok)
		}
	}
}

func TestRowsWithoutKeyAreCounted(t *testing.T) {
	in := sample(40)
	in.Mapping.Key, in.Mapping.KeyIndex = nil, ""
	got := Bend(in, Options{Seed: 3})
	if got.Missing-got.Extra != int64(len(in.Rows)-len(got.Rows)) || got.Missing == 0 || got.Extra == 0 {
		t.Errorf("%d missing, %d extra, %d rows became %d", got.Missing, got.Extra, len(in.Rows), len(got.Rows))
	}
	twins := []row.Row{{[]byte("c")}, {[]byte("c")}}
	others := []row.Row{{[]byte("a")}, {nil}}
	if surplus(twins, others) != 2 || surplus(others, twins) != 2 || surplus(twins, twins) != 0 {
		t.Error("twins for two others are two missing and two extra rows")
	}
}
