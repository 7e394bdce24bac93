package row

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

var errNumber = errors.New("not a decimal number")

// appendNumber appends a decimal number, with or without exponent, in plain
// notation: digits only, as few as possible. CockroachDB prints 0E-10 and 1E-7
// where MySQL prints zeros. A number that would need more than maxZeros zeros
// is written as its digits, 'e' and a power of ten instead.
func appendNumber(dst, text []byte) ([]byte, error) {
	// An integer longer than that may be mostly zeros, which count as added.
	if len(text) <= maxZeros && plainInteger(text) {
		return append(dst, text...), nil
	}
	n, err := parseDecimal(text)
	if err != nil {
		return nil, err
	}
	return n.append(dst), nil
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
	return allDigits(digits)
}

// plainNumber reports whether text is [-]digits[.digits], which appendNumber reads.
func plainNumber(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	if allDigits(text) {
		return len(text) > 0
	}
	point := bytes.IndexByte(text, '.')
	return point >= 0 && len(text) > 1 && allDigits(text[:point]) && allDigits(text[point+1:])
}

func allDigits(text []byte) bool {
	for len(text) >= 8 {
		if !eightDigits.fits(text) {
			return false
		}
		text = text[8:]
	}
	for _, b := range text {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

// form is what eight bytes of text must look like: digits in some places,
// certain characters in the others. All eight are tested at once.
type form struct {
	like uint64 // '0' where a digit stands, else the character
	six  uint64 // 6 where a digit stands: 9 and it are less than 16
	tell uint64 // the bits that must be clear then
}

var eightDigits = formOf("dddddddd")

// formOf reads a form of eight characters, d for a digit.
func formOf(text string) form {
	var f form
	for i, c := range []byte(text[:8]) {
		like, six, tell := uint64(c), uint64(0), uint64(0xFF)
		if c == 'd' {
			like, six, tell = '0', 6, 0xF0
		}
		f.like, f.six, f.tell = f.like|like<<(8*i), f.six|six<<(8*i), f.tell|tell<<(8*i)
	}
	return f
}

// fits reports whether the first eight bytes of text are of the form. An
// addition that carries into the next byte has left a bit in its own before.
func (f form) fits(text []byte) bool {
	rest := binary.LittleEndian.Uint64(text) ^ f.like
	return (rest|(rest+f.six))&f.tell == 0
}

// decimal is ±0.digits × 10^point. The digits are those of whole followed by
// those of fraction, without zeros at either end; zero has none. They stay in
// the text that was parsed, so that no memory is needed per number.
type decimal struct {
	negative        bool
	whole, fraction []byte
	point           int
}

// maxExponent keeps the arithmetic with exponents far from overflow. JSON text
// can name 1e999999999999, which no server stores as a number.
const maxExponent = 1 << 30

// maxZeros is how many zeros plain notation may add to a number's own digits:
// beyond any DECIMAL's. JSON text can name 1e200000 in eight bytes, and a
// document of such numbers must not grow to gigabytes.
const maxZeros = 400

// parseDecimal reads [sign] digits [. digits] [e[sign]digits].
func parseDecimal(text []byte) (decimal, error) {
	var d decimal
	rest := text
	if len(rest) > 0 && (rest[0] == '-' || rest[0] == '+') {
		d.negative = rest[0] == '-'
		rest = rest[1:]
	}
	exponent := 0
	if e := exponentAt(rest); e >= 0 {
		var err error
		if exponent, err = strconv.Atoi(string(rest[e+1:])); err != nil || exponent > maxExponent || exponent < -maxExponent {
			return d, fmt.Errorf("%w: exponent of %.40q", errNumber, text)
		}
		rest = rest[:e]
	}
	d.whole, d.fraction = rest, nil
	if dot := bytes.IndexByte(rest, '.'); dot >= 0 {
		d.whole, d.fraction = rest[:dot], rest[dot+1:]
	}
	if len(d.whole)+len(d.fraction) == 0 || !allDigits(d.whole) || !allDigits(d.fraction) {
		return d, fmt.Errorf("%w: %.40q", errNumber, text)
	}
	d.point = len(d.whole) + exponent
	d.trim()
	return d, nil
}

// exponentAt is where the mark of an exponent stands, or -1.
func exponentAt(text []byte) int {
	for i, b := range text {
		if b == 'e' || b == 'E' {
			return i
		}
	}
	return -1
}

// trim takes the zeros off both ends of the digits.
func (d *decimal) trim() {
	before := len(d.whole) + len(d.fraction)
	d.whole = bytes.TrimLeft(d.whole, "0")
	if len(d.whole) == 0 {
		d.fraction = bytes.TrimLeft(d.fraction, "0")
	}
	d.point -= before - len(d.whole) - len(d.fraction)
	d.fraction = bytes.TrimRight(d.fraction, "0")
	if len(d.fraction) == 0 {
		d.whole = bytes.TrimRight(d.whole, "0")
	}
}

func (d *decimal) append(dst []byte) []byte {
	count := len(d.whole) + len(d.fraction)
	if count == 0 {
		return append(dst, '0')
	}
	if d.negative {
		dst = append(dst, '-')
	}
	switch {
	case d.point < -maxZeros || d.point > count+maxZeros:
		dst = append(append(dst, d.whole...), d.fraction...)
		return strconv.AppendInt(append(dst, 'e'), int64(d.point), 10)
	case d.point <= 0:
		dst = appendZeros(append(dst, "0."...), -d.point)
		return append(append(dst, d.whole...), d.fraction...)
	case d.point >= count:
		dst = append(append(dst, d.whole...), d.fraction...)
		return appendZeros(dst, d.point-count)
	}
	dst = append(append(dst, d.whole...), d.fraction...)
	dot := len(dst) - count + d.point
	dst = append(dst, 0)
	copy(dst[dot+1:], dst[dot:])
	dst[dot] = '.'
	return dst
}

func appendZeros(dst []byte, count int) []byte {
	for range count {
		dst = append(dst, '0')
	}
	return dst
}
