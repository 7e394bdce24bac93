package bank

import (
	"math"
	"testing"
)

func TestLiterals(t *testing.T) {
	for _, c := range []struct {
		name string
		add  func(r *row)
		want string
	}{
		{"quote and backslash", func(r *row) { r.str(`l'État \N`) }, `('l\'État \\N')`},
		{"newlines stay", func(r *row) { r.str("a\r\n\tb") }, "('a\r\n\tb')"},
		{"empty string", func(r *row) { r.str("") }, "('')"},
		{"empty bytes", func(r *row) { r.bin(nil) }, "(x'')"},
		{"bytes", func(r *row) { r.bin([]byte{0, 0x27, 0xff}) }, "(x'0027ff')"},
		{"separators", func(r *row) { r.int(-1); r.null(); r.uint(math.MaxUint64) }, "(-1,NULL,18446744073709551615)"},
		{"small decimals", func(r *row) { r.dec(-5, 2); r.dec(0, 2); r.dec(123456, 4) }, "(-0.05,0.00,12.3456)"},
		{"decimal without scale", func(r *row) { r.dec(-7, 0) }, "(-7)"},
		{"bits", func(r *row) { r.bits(5) }, "(b'00000101')"},
		{"last second of the day", func(r *row) { r.clock(86_399) }, "('23:59:59')"},
		{"shortest float", func(r *row) { r.float(0.1) }, "(1e-01)"},
	} {
		r := &row{}
		r.begin()
		c.add(r)
		r.end()
		if got := string(r.buf); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Published examples of the three countries' IBANs.
func TestIBANCheckDigits(t *testing.T) {
	for _, want := range []string{
		"DE89370400440532013000", "FR1420041010050500013M02606", "PL61109010140000071219812874",
	} {
		if got := iban(want[:2], want[4:]); got != want {
			t.Errorf("iban of %s: %s", want, got)
		}
	}
}

func TestSizesAddUpToTheRowsAskedFor(t *testing.T) {
	for _, rows := range []int{3_000, 5_000, 220_000, 3_000_001} {
		g := &generator{n: sizesFor(rows)}
		total, most := 0, 0
		for _, table := range g.tables() {
			total += table.rows
			if table.name == "transactions" || table.name == "audit_log" {
				most += table.rows
			}
		}
		if total != rows {
			t.Errorf("%d rows asked for: %d", rows, total)
		}
		if most < rows*45/100 {
			t.Errorf("of %d rows only %d are transactions and audit log", rows, most)
		}
	}
}

// literals are the values of one row.
func literals(g *generator, t table, i int) string {
	r := &row{dice: g.dice(t.name, i)}
	r.begin()
	t.fill(g, i, r)
	r.end()
	return string(r.buf)
}

// A row must not depend on the rows made before it, but on the seed.
func TestRowFollowsFromSeedAndIndex(t *testing.T) {
	g := &generator{seed: 7, n: sizesFor(5_000)}
	other := &generator{seed: 8, n: g.n}
	for _, table := range g.tables() {
		if table.rows == 0 {
			continue
		}
		last := table.rows - 1
		first := literals(g, table, last)
		literals(g, table, 0)
		if again := literals(g, table, last); again != first {
			t.Errorf("%s: row %d is %s, then %s", table.name, last, first, again)
		}
		switch table.name {
		case "tenants", "holidays", "settings":
			// Facts, or nearly.
		default:
			if literals(other, table, last) == first {
				t.Errorf("%s: row %d is the same for another seed", table.name, last)
			}
		}
	}
}
