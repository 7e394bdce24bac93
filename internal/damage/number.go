package damage

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"leap/internal/schema"
)

// nextNumber moves a number by one unit in its last place, towards zero, where
// it always has room.
func nextNumber(c *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	text := string(cell)
	whole, fraction, _ := strings.Cut(text, ".")
	n, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return nil, false
	}
	step := big.NewInt(-1)
	switch {
	case strings.HasPrefix(text, "-"):
		step = big.NewInt(1)
	case n.Sign() == 0 && c.From.Base == "year":
		return nil, false
	case n.Sign() == 0:
		step = big.NewInt(1)
	}
	return pointed(n.Add(n, step), len(fraction)), true
}

// pointed prints n with that many digits behind the point.
func pointed(n *big.Int, fraction int) []byte {
	digits := new(big.Int).Abs(n).String()
	if len(digits) <= fraction {
		digits = strings.Repeat("0", fraction-len(digits)+1) + digits
	}
	text := digits
	if fraction > 0 {
		text = digits[:len(digits)-fraction] + "." + digits[len(digits)-fraction:]
	}
	if n.Sign() < 0 {
		text = "-" + text
	}
	return []byte(text)
}

// flipSign negates a number. What was unsigned stays as it is: the target may
// check that, and the largest BIGINT has no opposite.
func flipSign(c *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	text, negative := strings.CutPrefix(string(cell), "-")
	if strings.Trim(text, "0.") == "" || c.From.Unsigned || c.From.Base == "year" {
		return nil, false
	}
	if negative {
		n, err := strconv.ParseInt(string(cell), 10, 64)
		if c.Kind == schema.Int && (err != nil || n == math.MinInt16 || n == math.MinInt32 || n == math.MinInt64) {
			return nil, false
		}
		return []byte(text), true
	}
	return []byte("-" + text), true
}

func flipBool(_ *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	if len(cell) != 1 {
		return nil, false
	}
	return []byte{cell[0] ^ 1}, true
}

// nextFloat takes the neighbouring number nearer to zero.
func nextFloat(c *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	f, err := strconv.ParseFloat(string(cell), 64)
	if err != nil || f == 0 {
		return nil, false
	}
	if c.Kind == schema.Float32 {
		f = float64(math.Nextafter32(float32(f), 0))
	} else {
		f = math.Nextafter(f, 0)
	}
	return printFloat(f), true
}

func zeroSign(_ *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	f, err := strconv.ParseFloat(string(cell), 64)
	if err != nil || f != 0 {
		return nil, false
	}
	return printFloat(math.Copysign(0, -math.Copysign(1, f))), true
}

func flipFloat(_ *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	f, err := strconv.ParseFloat(string(cell), 64)
	if err != nil || f == 0 {
		return nil, false
	}
	return printFloat(-f), true
}

func printFloat(f float64) []byte { return strconv.AppendFloat(nil, f, 'g', -1, 64) }

// nextUUID changes the last digit.
func nextUUID(_ *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	if len(cell) == 0 {
		return nil, false
	}
	const digits = "0123456789abcdef"
	out := slices.Clone(cell)
	last := &out[len(out)-1]
	i := bytes.IndexByte([]byte(digits), *last|0x20)
	if i < 0 {
		i = bytes.IndexByte([]byte(digits), *last)
	}
	*last = digits[(i+1+random.IntN(len(digits)-1))%len(digits)]
	return out, true
}

// nextAddress takes the next address, or the one before.
func nextAddress(_ *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	address, err := netip.ParseAddr(string(cell))
	if err != nil {
		return nil, false
	}
	next := address.Next()
	if !next.IsValid() {
		next = address.Prev()
	}
	return []byte(next.String()), true
}
