package row

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"leap/internal/schema"
)

// AppendCanonical appends the canonical form of a cell that is not NULL: the
// same bytes for the same value, whichever server printed it and however.
//
//	int, bool       the number's digits, no sign on zero, no leading zeros
//	decimal         plain digits without exponent, sign of zero or trailing zeros
//	float32/64      the IEEE 754 bits (so -0 differs from 0), one NaN
//	bits            '0' and '1', Width of them
//	text, bytes     the bytes
//	date, datetime  the text without trailing zeros of the fraction
//	time, interval  microseconds as a number
//	enum            the label; set: the labels in definition order, each framed
//	json            keys sorted, numbers as decimals, strings unescaped
//
// The cell must be in the text form of its kind; anything else is an error,
// not a difference, since it means that a query or a mapping is wrong.
func AppendCanonical(dst []byte, c *schema.ColumnMapping, cell []byte) ([]byte, error) {
	switch c.Kind {
	case schema.Text, schema.Bytes, schema.Enum:
		return append(dst, cell...), nil
	case schema.Int, schema.Bool, schema.Decimal:
		return appendNumber(dst, cell)
	case schema.Float32:
		return appendFloat(dst, cell, 32)
	case schema.Float64:
		return appendFloat(dst, cell, 64)
	case schema.Bits:
		return appendBits(dst, cell, c.Width)
	case schema.Date, schema.DateTime, schema.Timestamp:
		return appendMoment(dst, cell)
	case schema.Time, schema.Interval:
		return appendClock(dst, cell)
	case schema.Set:
		return appendSet(dst, cell, c.Labels)
	case schema.JSON:
		return appendJSON(dst, cell)
	case schema.UUID, schema.INet:
		return append(dst, bytes.ToLower(cell)...), nil
	}
	return nil, fmt.Errorf("kind %q has no canonical form", c.Kind)
}

var errNumber = errors.New("not a decimal number")

// appendNumber appends a decimal number, with or without exponent, in plain
// notation: digits only, as few as possible. CockroachDB prints 0E-10 and 1E-7
// where MySQL prints zeros.
func appendNumber(dst, text []byte) ([]byte, error) {
	if plainInteger(text) {
		return append(dst, text...), nil
	}
	n, err := parseDecimal(text)
	if err != nil {
		return nil, err
	}
	return n.appendPlain(dst), nil
}

// plainInteger reports whether text already is canonical: the common case.
func plainInteger(text []byte) bool {
	digits := text
	if len(digits) > 1 && digits[0] == '-' {
		digits = digits[1:]
		if digits[0] == '0' {
			return false
		}
	}
	if len(digits) == 0 || (digits[0] == '0' && len(digits) > 1) {
		return false
	}
	for _, b := range digits {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

// decimal is ±0.digits × 10^point with digits free of leading and trailing zeros.
type decimal struct {
	negative bool
	digits   []byte
	point    int
}

// maxExponent bounds what a number in plain notation may expand to; JSON text
// can name 1e999999999, which no server that we read from stores.
const maxExponent = 200_000

// parseDecimal reads [sign] digits [. digits] [e[sign]digits].
func parseDecimal(text []byte) (decimal, error) {
	var d decimal
	rest := text
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		d.negative = rest[0] == '-'
		rest = rest[1:]
	}
	exponent := 0
	if e := bytes.IndexAny(rest, "eE"); e >= 0 {
		var err error
		if exponent, err = strconv.Atoi(string(rest[e+1:])); err != nil || exponent > maxExponent || exponent < -maxExponent {
			return d, fmt.Errorf("%w: exponent of %.40q", errNumber, text)
		}
		rest = rest[:e]
	}
	whole, fraction, _ := bytes.Cut(rest, []byte("."))
	if len(whole)+len(fraction) == 0 {
		return d, fmt.Errorf("%w: %.40q", errNumber, text)
	}
	digits := slices.Concat(whole, fraction)
	for _, b := range digits {
		if b < '0' || b > '9' {
			return d, fmt.Errorf("%w: %.40q", errNumber, text)
		}
	}
	d.point = len(whole) + exponent
	trimmed := bytes.TrimLeft(digits, "0")
	d.point -= len(digits) - len(trimmed)
	d.digits = bytes.TrimRight(trimmed, "0")
	if len(d.digits) == 0 {
		return decimal{}, nil
	}
	return d, nil
}

func (d decimal) appendPlain(dst []byte) []byte {
	if len(d.digits) == 0 {
		return append(dst, '0')
	}
	if d.negative {
		dst = append(dst, '-')
	}
	if d.point <= 0 {
		dst = append(dst, "0."...)
		dst = append(dst, bytes.Repeat([]byte{'0'}, -d.point)...)
		return append(dst, d.digits...)
	}
	if d.point >= len(d.digits) {
		dst = append(dst, d.digits...)
		return append(dst, bytes.Repeat([]byte{'0'}, d.point-len(d.digits))...)
	}
	dst = append(dst, d.digits[:d.point]...)
	dst = append(dst, '.')
	return append(dst, d.digits[d.point:]...)
}

func appendFloat(dst, text []byte, size int) ([]byte, error) {
	f, err := strconv.ParseFloat(string(text), size)
	if err != nil {
		return nil, fmt.Errorf("not a floating-point number: %.40q", text)
	}
	if size == 32 {
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
	}
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(f)), nil
}

func appendBits(dst, text []byte, width int) ([]byte, error) {
	if len(text) != width {
		return nil, fmt.Errorf("%d bits where %d are declared", len(text), width)
	}
	for _, b := range text {
		if b != '0' && b != '1' {
			return nil, fmt.Errorf("not a bit string: %.70q", text)
		}
	}
	return append(dst, text...), nil
}

// appendMoment trims a fraction's trailing zeros: servers differ in whether
// they print 12:00:00.5 or 12:00:00.500000.
func appendMoment(dst, text []byte) ([]byte, error) {
	if len(text) < len("2006-01-02") || text[4] != '-' || text[7] != '-' {
		return nil, fmt.Errorf("not a date: %.40q", text)
	}
	if dot := bytes.IndexByte(text, '.'); dot >= 0 {
		text = bytes.TrimRight(text, "0")
		text = bytes.TrimSuffix(text, []byte("."))
	}
	return append(dst, text...), nil
}

// appendClock reads [-]h+:mm:ss[.ffffff] and appends microseconds.
func appendClock(dst, text []byte) ([]byte, error) {
	bad := func() ([]byte, error) { return nil, fmt.Errorf("not a time: %.40q", text) }
	rest, negative := bytes.CutPrefix(text, []byte("-"))
	parts := bytes.Split(rest, []byte(":"))
	if len(parts) != 3 {
		return bad()
	}
	seconds, fraction, _ := bytes.Cut(parts[2], []byte("."))
	if len(fraction) > 6 {
		return bad()
	}
	fraction = append(slices.Clone(fraction), "000000"[len(fraction):]...)
	total := int64(0)
	for _, unit := range []struct {
		text  []byte
		micro int64
	}{{parts[0], 3_600_000_000}, {parts[1], 60_000_000}, {seconds, 1_000_000}, {fraction, 1}} {
		n, err := strconv.ParseUint(string(unit.text), 10, 32)
		if err != nil {
			return bad()
		}
		total += int64(n) * unit.micro
	}
	if negative {
		total = -total
	}
	return strconv.AppendInt(dst, total, 10), nil
}

// appendSet reads comma-joined labels (MySQL forbids commas inside them) and
// appends their positions as bits, so that the order of printing is irrelevant.
func appendSet(dst, text []byte, labels []string) ([]byte, error) {
	var mask uint64
	for len(text) > 0 {
		label, rest, more := bytes.Cut(text, []byte(","))
		i := slices.Index(labels, string(label))
		if i < 0 || i > 63 {
			return nil, fmt.Errorf("%.40q is not a label of the set", label)
		}
		if mask&(1<<i) != 0 {
			return nil, fmt.Errorf("label %.40q appears twice", label)
		}
		mask |= 1 << i
		text = rest
		if more && len(rest) == 0 {
			return nil, errors.New("set ends in a comma")
		}
	}
	return strconv.AppendUint(dst, mask, 2), nil
}
