package row

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"leap/internal/schema"
)

func canonical(t *testing.T, c schema.ColumnMapping, cell string) string {
	t.Helper()
	out, err := AppendCanonical(nil, &c, []byte(cell))
	if err != nil {
		t.Fatalf("%s %q: %v", c.Kind, cell, err)
	}
	return string(out)
}

func TestCanonical(t *testing.T) {
	nines := strings.Repeat("9", 65)
	set := schema.ColumnMapping{Kind: schema.Set, Labels: []string{"a", "", `b"'\`, "ü", "last"}}
	for _, test := range []struct {
		kind       schema.Kind
		cell, want string
	}{
		{schema.Int, "0", "0"},
		{schema.Int, "-0", "0"},
		{schema.Int, "00042", "42"},
		{schema.Int, "-007", "-7"},
		{schema.Int, "-9223372036854775808", "-9223372036854775808"},
		{schema.Int, "18446744073709551615", "18446744073709551615"},
		{schema.Bool, "1", "1"},
		{schema.Decimal, "0E-10", "0"},
		{schema.Decimal, "-0.000", "0"},
		{schema.Decimal, "0.0", "0"},
		{schema.Decimal, "1E-7", "0.0000001"},
		{schema.Decimal, "1.50", "1.5"},
		{schema.Decimal, "100", "100"},
		{schema.Decimal, "1E+2", "100"},
		{schema.Decimal, "12.34e1", "123.4"},
		{schema.Decimal, "0012.3400", "12.34"},
		{schema.Decimal, "-.5", "-0.5"},
		{schema.Decimal, "5.", "5"},
		{schema.Decimal, "100.00", "100"},
		{schema.Decimal, "0.00100", "0.001"},
		{schema.Decimal, "1005.00700", "1005.007"},
		{schema.Decimal, nines, nines},
		{schema.Decimal, "-0." + strings.Repeat("0", 37) + "1", "-0." + strings.Repeat("0", 37) + "1"},
		{schema.Decimal, nines[:35] + "." + nines[:30], nines[:35] + "." + nines[:30]},
		{schema.Text, "", ""},
		{schema.Text, "\x00 A ", "\x00 A "},
		{schema.Bytes, "\xff\x00", "\xff\x00"},
		{schema.Enum, "Ab", "Ab"},
		{schema.Date, "2024-02-29", "2024-02-29"},
		{schema.Date, "0000-00-00", "0000-00-00"},
		{schema.DateTime, "2024-02-29 10:20:30", "2024-02-29 10:20:30"},
		{schema.DateTime, "2024-02-29 10:20:30.000000", "2024-02-29 10:20:30"},
		{schema.DateTime, "2024-02-29 10:20:30.500", "2024-02-29 10:20:30.5"},
		{schema.Timestamp, "2024-02-29 10:20:30.000001", "2024-02-29 10:20:30.000001"},
		{schema.Time, "00:00:00", "0"},
		{schema.Time, "23:59:59.999999", "86399999999"},
		{schema.Time, "10:00:00.5", "36000500000"},
		{schema.Interval, "-00:00:00.000001", "-1"},
		{schema.Interval, "-00:00:00", "0"},
		{schema.Interval, "-838:59:59.000000", "-3020399000000"},
		{schema.Interval, "2562047:47:16.854775", "9223372036854775"},
		{schema.UUID, "123E4567-E89B-12D3-A456-426614174ABC", "123e4567-e89b-12d3-a456-426614174abc"},
		{schema.INet, "2001:DB8:0:0::1", "2001:db8::1"},
		{schema.INet, "::ffff:1.2.3.4", "::ffff:1.2.3.4"},
		{schema.INet, "::FFFF:102:304", "::ffff:1.2.3.4"},
		{schema.INet, "10.0.0.1", "10.0.0.1"},
		{schema.INet, "10.0.0.1/8", "10.0.0.1/8"},
		{schema.Set, "", "0"},
		{schema.Set, "a", "1"},
		{schema.Set, "a,last", "10001"},
		{schema.Set, "a," + `b"'\` + ",ü", "1101"},
		{schema.Set, "a,", "11"}, // the label '' is legal, and printed last it ends the text in a comma
		{schema.Set, ",last", "10010"},
	} {
		c := schema.ColumnMapping{Kind: test.kind, Labels: set.Labels}
		if got := canonical(t, c, test.cell); got != test.want {
			t.Errorf("%s %q: got %q, want %q", test.kind, test.cell, got, test.want)
		}
	}
}

// TestCanonicalRefuses: a cell that is not in its kind's form means a wrong
// query or mapping and must not pass as some value.
func TestCanonicalRefuses(t *testing.T) {
	for kind, cells := range map[schema.Kind][]string{
		schema.Int:     {"", "-", "+", "1-2", "0x10", "1 ", " 1", "1_000", "--1"},
		schema.Decimal: {".", "e5", "1e", "1e5e5", "1e99999999999", "1.2.3", "NaN", "Infinity", "1,5", "1e+-2"},
		schema.Float64: {"", "abc", "1e999", "0x"},
		schema.Float32: {"1e39"},
		schema.Bits:    {"", "101", "10101", "10a1", "\x05"},
		schema.Date:    {"", "24-01-01", "2024-01-0", "2024/01/01", "20240-01-01", "infinity", "2024-01-0x", "2024-01-01T00:00:00"},
		schema.DateTime: {
			"2024-01-01 10:00", "2024-01-01 10:00:00+00", "2024-01-01 10:00:00.", "2024-01-01 10:00:00.1234567",
			"0044-03-15 00:00:00 BC", "2024-01-01 10:00:00.5+02",
		},
		schema.Time: {"", ":", "10:00", "10:00:00.", "10:00:00.1234567", "1:2:3", "10:0x:00", "10:00:00:00", "+10:00:00", ":00:00", "-:00:00"},
		// 4294967295 hours in microseconds are beyond 64 bits; wrapped they would equal another time.
		schema.Interval: {"1 day", "1 day 02:00:00", "4294967295:00:00", "9999999999:00:00", "--01:00:00"},
		schema.Set:      {"c", "a,a", "b,a", "A", "a, b"},
		schema.JSON: {
			"", "{", "nul", `{"a":1} x`, `{"a":1}{}`, "[1,]", "'a'", "\"\xff\"", `"\ud800"`, "01", "+1", "NaN", `{"a" 1}`, "[1,2",
		},
		schema.Kind("nonsense"): {"1"},
	} {
		for _, cell := range cells {
			c := schema.ColumnMapping{Kind: kind, Labels: []string{"a", "b"}, Width: 4}
			if got, err := AppendCanonical(nil, &c, []byte(cell)); err == nil {
				t.Errorf("%s %q is taken as %q", kind, cell, got)
			}
		}
	}
}

func TestCanonicalFloats(t *testing.T) {
	f32, f64 := schema.ColumnMapping{Kind: schema.Float32}, schema.ColumnMapping{Kind: schema.Float64}
	equal := [][2]string{
		{"1e20", "100000000000000000000"},
		{"0.1", "1e-1"},
		{"5e-324", "4.9406564584124654e-324"},
		{"1.7976931348623157e308", "1.797693134862315708145e+308"},
	}
	for _, pair := range equal {
		if canonical(t, f64, pair[0]) != canonical(t, f64, pair[1]) {
			t.Errorf("%s and %s are one double", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"0", "-0"}, {"0.1", "0.10000000000000002"}, {"5e-324", "0"}, {"1", "-1"}} {
		if canonical(t, f64, pair[0]) == canonical(t, f64, pair[1]) {
			t.Errorf("%s and %s are two doubles", pair[0], pair[1])
		}
	}
	// The source hands a FLOAT over as the shortest double, the target as the shortest float.
	if canonical(t, f32, "0.10000000149011612") != canonical(t, f32, "0.1") {
		t.Error("0.1 as FLOAT and widened differ")
	}
	if canonical(t, f32, "16777216") == canonical(t, f32, "16777218") {
		t.Error("neighbouring floats are one")
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64().Draw(t, "a"), rapid.Float64().Draw(t, "b")
		form := func(f float64, verb byte) string {
			out, err := AppendCanonical(nil, &f64, strconv.AppendFloat(nil, f, verb, -1, 64))
			if err != nil {
				t.Fatal(err)
			}
			return string(out)
		}
		if form(a, 'g') != form(a, 'f') || form(a, 'e') != form(a, 'f') {
			t.Fatalf("%v depends on its notation", a)
		}
		if same := math.Float64bits(a) == math.Float64bits(b); same != (form(a, 'g') == form(b, 'g')) {
			t.Fatalf("%v and %v", a, b)
		}
	})
}

func TestCanonicalBits(t *testing.T) {
	c := schema.ColumnMapping{Kind: schema.Bits, Width: 64}
	for _, cell := range []string{strings.Repeat("0", 64), strings.Repeat("1", 64), "1" + strings.Repeat("0", 63)} {
		if got := canonical(t, c, cell); got != cell {
			t.Errorf("got %q of %q", got, cell)
		}
	}
}

// number draws the text of a decimal number and its value.
func drawNumber(t *rapid.T, label string) (string, *big.Rat) {
	text := rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?`).Draw(t, label)
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number to math/big", text)
	}
	return text, value
}

// TestDecimalAgainstBig: two texts have one form exactly when they are one number.
func TestDecimalAgainstBig(t *testing.T) {
	c := schema.ColumnMapping{Kind: schema.Decimal}
	rapid.Check(t, func(t *rapid.T) {
		a, x := drawNumber(t, "a")
		b, y := drawNumber(t, "b")
		formA, errA := AppendCanonical(nil, &c, []byte(a))
		formB, errB := AppendCanonical(nil, &c, []byte(b))
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if (x.Cmp(y) == 0) != bytes.Equal(formA, formB) {
			t.Fatalf("%s -> %s, %s -> %s", a, formA, b, formB)
		}
		if back, ok := new(big.Rat).SetString(string(formA)); !ok || back.Cmp(x) != 0 {
			t.Fatalf("%s became %s", a, formA)
		}
		if bytes.ContainsAny(formA, "eE+") {
			t.Fatalf("%s is not plain: %s", a, formA)
		}
	})
}

// TestHugeExponents: eight bytes of JSON must not grow to 200 kB each, which a
// document full of them would multiply to gigabytes; nor may they be refused,
// or a table that holds one could not be compared.
func TestHugeExponents(t *testing.T) {
	c := schema.ColumnMapping{Kind: schema.JSON}
	forms := map[string]string{}
	for _, cell := range []string{"1e200000", "1e200001", "-1e200000", "1e-200000", "12e200000", "1e999999999", "1e400", "1e401", "1e402", "1e-400", "1e-401", "1e-402"} {
		form := canonical(t, c, cell)
		if len(form) > 500 {
			t.Errorf("%s takes %d bytes", cell, len(form))
		}
		if other, taken := forms[form]; taken {
			t.Errorf("%s and %s have one form", cell, other)
		}
		forms[form] = cell
	}
	for _, pair := range [][2]string{{"1e200000", "10E199999"}, {"0.001e-200000", "1e-200003"}, {"1e401", "0.1e402"}} {
		if canonical(t, c, pair[0]) != canonical(t, c, pair[1]) {
			t.Errorf("%s and %s are one number", pair[0], pair[1])
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	for kind, cell := range map[schema.Kind]string{
		schema.Int: "7", schema.Decimal: "12.50", schema.Float64: "1", schema.Text: "x", schema.Date: "2024-01-01",
		schema.Time: "01:02:03", schema.Set: "a", schema.JSON: `{"a":[1.5]}`, schema.UUID: "A", schema.INet: "::1", schema.Bits: "1",
	} {
		c := schema.ColumnMapping{Kind: kind, Labels: []string{"a"}, Width: 1}
		alone := canonical(t, c, cell)
		out, err := AppendCanonical([]byte("before"), &c, []byte(cell))
		if err != nil || string(out) != "before"+alone {
			t.Errorf("%s: got %q, %v", kind, out, err)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{"0", "-0", "0E-10", "1E-7", "12.50", "-.5", "1e400", "1e-9999", strings.Repeat("9", 65), "", "-", ".e1"} {
		f.Add([]byte(seed))
	}
	c := schema.ColumnMapping{Kind: schema.Decimal}
	f.Fuzz(func(t *testing.T, text []byte) {
		input := bytes.Clone(text)
		form, err := AppendCanonical(nil, &c, text)
		if !bytes.Equal(input, text) {
			t.Fatalf("%q was changed to %q", input, text)
		}
		if err != nil {
			return
		}
		again, err := AppendCanonical(nil, &c, form)
		if err != nil || !bytes.Equal(again, form) && !bytes.Contains(form, []byte("e")) {
			t.Fatalf("%q -> %q -> %q, %v", text, form, again, err)
		}
	})
}

// TestForms: eight bytes at a time are seen as they are one by one.
func TestForms(t *testing.T) {
	digits := func(text []byte) bool {
		for _, b := range text {
			if b < '0' || b > '9' {
				return false
			}
		}
		return true
	}
	bytesNear := rapid.SliceOfN(rapid.OneOf(rapid.ByteRange('0', '9'), rapid.ByteRange('0', '9'), rapid.ByteRange('0', '9'), rapid.Byte()), 0, 20)
	rapid.Check(t, func(rt *rapid.T) {
		if text := bytesNear.Draw(rt, "number"); allDigits(text) != digits(text) {
			rt.Fatalf("%q: %v", text, allDigits(text))
		}
		text := []byte(rapid.StringMatching(`[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?)?`).Draw(rt, "moment"))
		for range rapid.IntRange(0, 1).Draw(rt, "changes") {
			text[rapid.IntRange(0, len(text)-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
		}
		const date, whole = 10, 19
		want := len(text) == date || len(text) >= whole
		want = want && shaped(text, "dddd-dd-dd dd:dd:dd")
		if len(text) > whole {
			want = want && text[whole] == '.' && digits(text[whole+1:]) && len(text) > whole+1 && len(text) <= whole+7
		}
		if _, ok := moment(text); ok != want {
			rt.Fatalf("%q: %v", text, ok)
		}
	})
	// Every byte in every place.
	for at := range len("2006-01-02 15:04:05") {
		for b := range 256 {
			text := []byte("2006-01-02 15:04:05")
			text[at] = byte(b)
			if _, ok := moment(text); ok != shaped(text, "dddd-dd-dd dd:dd:dd") {
				t.Fatalf("%q: %v", text, ok)
			}
		}
	}
}
