package source

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"leap/internal/schema"
)

// ways is into how many pieces a range of values is cut at once.
const ways = 16

// between makes up values of a key column that may lie between two of its
// values. They need not: the server says which rows are next to them. depth is
// how many characters behind the common beginning of the two are varied.
func between(c schema.ColumnMapping, low, high string, depth int) []string {
	switch c.Kind {
	case schema.Text:
		return textsBetween(low, high, depth)
	case schema.Bytes:
		a, errA := hex.DecodeString(low)
		b, errB := hex.DecodeString(high)
		if errA != nil || errB != nil {
			return nil
		}
		return bytesBetween(a, b, depth)
	case schema.UUID:
		return uuidsBetween(low, high, depth)
	case schema.Int, schema.Bool, schema.Decimal, schema.Date, schema.DateTime, schema.Timestamp, schema.Time, schema.Interval, schema.INet:
		if depth > 0 {
			return nil // a number has no depth
		}
		return numbersBetween(scales(c), low, high)
	case schema.Float32, schema.Float64, schema.Bits, schema.Enum, schema.Set, schema.JSON:
	}
	return nil
}

// scale turns values of a kind into whole numbers and back.
type scale struct {
	parse func(string) (*big.Int, bool)
	print func(*big.Int) string
}

func scales(c schema.ColumnMapping) scale {
	switch c.Kind {
	case schema.Date:
		return moments("2006-01-02", 24*time.Hour)
	case schema.DateTime, schema.Timestamp:
		return moments("2006-01-02 15:04:05.999999", time.Microsecond)
	case schema.Time, schema.Interval:
		return spans()
	case schema.INet:
		return addresses()
	case schema.Int, schema.Bool, schema.Decimal, schema.Float32, schema.Float64, schema.Bits, schema.Text, schema.Bytes,
		schema.Enum, schema.Set, schema.JSON, schema.UUID:
	}
	if c.From.Base == "decimal" {
		return decimals(mostPlaces)
	}
	return decimals(0)
}

// mostPlaces is how many places a DECIMAL has at most: 30 on MySQL, 38 on MariaDB.
const mostPlaces = 38

// numbersBetween are evenly spaced, the last one among them: what is below it
// and what it is are told apart, too.
func numbersBetween(s scale, low, high string) []string {
	a, okA := s.parse(low)
	b, okB := s.parse(high)
	if !okA || !okB || a.Cmp(b) >= 0 {
		return nil
	}
	width := new(big.Int).Sub(b, a)
	var out []string
	for i := int64(1); i <= ways; i++ {
		step := new(big.Int).Mul(width, big.NewInt(i))
		at := s.print(step.Add(a, step.Div(step, big.NewInt(ways))))
		if len(out) == 0 || out[len(out)-1] != at {
			out = append(out, at)
		}
	}
	return out
}

// decimals counts in units of the last of so many places.
func decimals(places int) scale {
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
	return scale{
		parse: func(s string) (*big.Int, bool) {
			r, ok := new(big.Rat).SetString(s)
			if !ok {
				return nil, false
			}
			r.Mul(r, new(big.Rat).SetInt(unit))
			return new(big.Int).Quo(r.Num(), r.Denom()), true
		},
		print: func(n *big.Int) string {
			return new(big.Rat).SetFrac(n, unit).FloatString(places)
		},
	}
}

// moments counts a calendar's units. A date that is none counts as the first:
// zero dates come before all others.
func moments(form string, unit time.Duration) scale {
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	return scale{
		parse: func(s string) (*big.Int, bool) {
			t, err := time.Parse(form, s)
			if err != nil {
				return new(big.Int), true
			}
			// Seconds and the rest apart: a Duration ends after 292 years.
			n := new(big.Int).Mul(big.NewInt(t.Unix()-first.Unix()), big.NewInt(int64(time.Second)))
			n.Add(n, big.NewInt(int64(t.Nanosecond())))
			return n.Div(n, big.NewInt(int64(unit))), true
		},
		print: func(n *big.Int) string {
			all := new(big.Int).Mul(n, big.NewInt(int64(unit)))
			seconds, rest := new(big.Int).DivMod(all, big.NewInt(int64(time.Second)), new(big.Int))
			return time.Unix(first.Unix()+seconds.Int64(), rest.Int64()).UTC().Format(form)
		},
	}
}

// spans counts the microseconds of TIME, which reaches from -838 to 838 hours.
func spans() scale {
	const hour, minute, second = 3600_000_000, 60_000_000, 1_000_000
	return scale{
		parse: func(s string) (*big.Int, bool) {
			digits, negative := strings.CutPrefix(s, "-")
			var h, m int64
			var sec float64
			if _, err := fmt.Sscanf(digits, "%d:%d:%f", &h, &m, &sec); err != nil {
				return nil, false
			}
			n := h*hour + m*minute + int64(sec*second)
			if negative {
				n = -n
			}
			return big.NewInt(n), true
		},
		print: func(n *big.Int) string {
			v, sign := n.Int64(), ""
			if v < 0 {
				v, sign = -v, "-"
			}
			return fmt.Sprintf("%s%02d:%02d:%02d.%06d", sign, v/hour, v/minute%60, v/second%60, v%second)
		},
	}
}

func addresses() scale {
	wide := true
	return scale{
		parse: func(s string) (*big.Int, bool) {
			a, err := netip.ParseAddr(s)
			if err != nil {
				return nil, false
			}
			wide = wide && a.Is6()
			return new(big.Int).SetBytes(a.AsSlice()), true
		},
		print: func(n *big.Int) string {
			width := 4
			if wide {
				width = 16
			}
			a, _ := netip.AddrFromSlice(n.FillBytes(make([]byte, width))) // of the right length
			return a.String()
		},
	}
}

// bytesBetween varies the byte behind what the two have in common.
func bytesBetween(a, b []byte, depth int) []string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	var out []string
	for _, from := range [][]byte{a, b} {
		if depth > 0 && len(from) < n+depth {
			continue
		}
		head := slices.Clone(from[:min(len(from), n+depth)])
		low, high := 0, 256
		if depth == 0 {
			low, high = at(a, n), at(b, n)
		}
		for i := 1; i <= ways; i++ {
			value := low + (high-low)*i/ways
			if value <= 0 || value > 255 {
				continue
			}
			out = append(out, hex.EncodeToString(append(slices.Clone(head), byte(value))))
		}
		if depth == 0 {
			break // the heads are the same
		}
	}
	return slices.Compact(out)
}

func at(b []byte, i int) int {
	if i < len(b) {
		return int(b[i])
	}
	return 0
}

// letters stand at the character that is varied: what keys are mostly made of.
// Collations order them in ways of their own, which does not matter here.
const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// textsBetween varies the character behind what the two have in common.
func textsBetween(low, high string, depth int) []string {
	a, b := []rune(low), []rune(high)
	n := 0
	for n < len(a) && n < len(b) && unicode.ToLower(a[n]) == unicode.ToLower(b[n]) { // as most collations
		n++
	}
	var out []string
	add := func(head []rune, r rune) {
		if text := string(head) + string(r); utf8.ValidString(text) && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, from := range [][]rune{a, b} {
		if len(from) < n+depth || depth == 0 && len(out) > 0 {
			continue
		}
		head := from[:n+depth]
		for _, r := range letters {
			add(head, r)
		}
		// Other scripts: characters between those that differ, and a ladder.
		if depth == 0 && n < len(a) && n < len(b) {
			for i := rune(1); i <= ways; i++ {
				add(head, a[n]+(b[n]-a[n])*i/ways)
			}
		}
		for _, r := range "àíñøžαλωбмржאםجن一中他学花金飯가나마사자하" {
			add(head, r)
		}
	}
	return out
}

// uuidsBetween varies a digit in two ways: servers order UUIDs from their
// beginning, or from the node at their end, and not all versions alike.
func uuidsBetween(low, high string, depth int) []string {
	if len(low) != uuidLength || len(high) != uuidLength {
		return nil
	}
	var out []string
	for _, sections := range [][]int{{0, 9, 14, 19, 24}, {24, 19, 14, 9, 0}} {
		order := digitOrder(sections)
		n := 0
		for n < len(order) && low[order[n]] == high[order[n]] {
			n++
		}
		for _, from := range []string{low, high} {
			if n+depth >= len(order) || depth == 0 && from == high {
				continue
			}
			for digit := range 16 {
				text := []byte(from)
				for _, i := range order[n+depth:] {
					text[i] = '0'
				}
				text[order[n+depth]] = strconv.FormatInt(int64(digit), 16)[0]
				if !slices.Contains(out, string(text)) {
					out = append(out, string(text))
				}
			}
		}
	}
	return out
}

const uuidLength = 36

// digitOrder lists the places of a UUID's digits, section by section.
func digitOrder(sections []int) []int {
	ends := map[int]int{0: 8, 9: 13, 14: 18, 19: 23, 24: uuidLength}
	var out []int
	for _, from := range sections {
		for i := from; i < ends[from]; i++ {
			out = append(out, i)
		}
	}
	return out
}
