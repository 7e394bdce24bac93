package row

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"leap/internal/schema"
)

// AppendCanonical appends the canonical form of a cell that is not NULL: the
// same bytes for the same value, whichever server printed it and however.
//
//	int, bool       the number's digits, no sign on zero, no leading zeros
//	decimal         plain digits without sign of zero or trailing zeros
//	float32/64      the IEEE 754 bits (so -0 differs from 0), one NaN
//	bits            '0' and '1', Width of them
//	text, bytes     the bytes
//	date, datetime  the text without trailing zeros of the fraction
//	time, interval  microseconds as a number
//	enum            the label; set: the labels in definition order, each framed
//	json            keys sorted, numbers as decimals, strings unescaped
//	uuid, inet      lower-case hex; an address as RFC 5952 writes it
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
	case schema.UUID:
		return appendLower(dst, cell), nil
	case schema.INet:
		return appendINet(dst, cell), nil
	}
	return nil, fmt.Errorf("kind %q has no canonical form", c.Kind)
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

// appendLower appends text with its ASCII letters in lower case.
func appendLower(dst, text []byte) []byte {
	for _, b := range text {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		dst = append(dst, b)
	}
	return dst
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

// appendMoment reads YYYY-MM-DD[ hh:mm:ss[.ffffff]] and trims a fraction's
// trailing zeros: servers differ in whether they print 12:00:00.5 or
// 12:00:00.500000.
func appendMoment(dst, text []byte) ([]byte, error) {
	trimmed, ok := moment(text)
	if !ok {
		return nil, fmt.Errorf("not a date: %.40q", text)
	}
	return append(dst, trimmed...), nil
}

// moment is the text without a fraction's trailing zeros; false when it is no moment.
func moment(text []byte) ([]byte, bool) {
	const date, whole = len("2006-01-02"), len("2006-01-02 15:04:05")
	switch {
	case len(text) == date:
		return text, momentForms[0].fits(text) && momentForms[1].fits(text[2:])
	case len(text) < whole || !momentForms[0].fits(text) || !momentForms[2].fits(text[8:]) || !momentForms[3].fits(text[11:]):
		return nil, false
	case len(text) > whole:
		fraction := text[whole+1:]
		if text[whole] != '.' || len(fraction) == 0 || len(fraction) > 6 || !allDigits(fraction) {
			return nil, false
		}
		text = bytes.TrimRight(text, "0")
		text = bytes.TrimSuffix(text, []byte("."))
	}
	return text, true
}

// momentForms are the pieces of a moment: they begin at its bytes 0, 2, 8 and
// 11, the second for a date alone.
var momentForms = [...]form{formOf("dddd-dd-"), formOf("dd-dd-dd"), formOf("dd dd:dd"), formOf("dd:dd:dd")}

// shaped reports whether text has a digit for every d of the form and the
// form's own character elsewhere, as far as both reach.
func shaped(text []byte, form string) bool {
	for i, b := range text[:min(len(text), len(form))] {
		if form[i] == 'd' && (b < '0' || b > '9') || form[i] != 'd' && b != form[i] {
			return false
		}
	}
	return true
}

// maxHourDigits keeps the microseconds of a time within an int64. Servers
// store less: CockroachDB 7 digits, MySQL 3.
const maxHourDigits = 9

// appendClock reads [-]h+:mm:ss[.ffffff] and appends microseconds.
func appendClock(dst, text []byte) ([]byte, error) {
	rest, negative := bytes.CutPrefix(text, []byte("-"))
	colon := bytes.IndexByte(rest, ':')
	if colon < 1 || colon > maxHourDigits || !allDigits(rest[:colon]) {
		return nil, fmt.Errorf("not a time: %.40q", text)
	}
	const clock = len(":04:05")
	hours, rest := rest[:colon], rest[colon:]
	if len(rest) < clock || len(rest) == clock+1 || len(rest) > clock+len(".000000") || !shaped(rest, ":dd:dd.dddddd") {
		return nil, fmt.Errorf("not a time: %.40q", text)
	}
	total := number(hours)*3600 + number(rest[1:3])*60 + number(rest[4:6])
	for i := range len(".000000") - 1 {
		total *= 10
		if at := clock + 1 + i; at < len(rest) {
			total += int64(rest[at] - '0')
		}
	}
	if negative {
		total = -total
	}
	return strconv.AppendInt(dst, total, 10), nil
}

// number is the value of a few digits.
func number(digits []byte) int64 {
	n := int64(0)
	for _, b := range digits {
		n = n*10 + int64(b-'0')
	}
	return n
}

// appendSet reads comma-joined labels (MySQL forbids commas inside them) and
// appends their positions as bits. A source prints them in the order of definition;
// in another one they are another array, or another string, to the target.
func appendSet(dst, text []byte, labels []string) ([]byte, error) {
	var mask uint64
	for more := len(text) > 0; more; {
		var label []byte
		if comma := bytes.IndexByte(text, ','); comma >= 0 {
			label, text = text[:comma], text[comma+1:]
		} else {
			label, more = text, false
		}
		i := labelIndex(labels, label)
		if i < 0 || i > 63 {
			return nil, fmt.Errorf("%.40q is not a label of the set", label)
		}
		if mask>>i != 0 {
			return nil, fmt.Errorf("label %.40q appears twice, or after a later one", label)
		}
		mask |= 1 << i
	}
	return strconv.AppendUint(dst, mask, 2), nil
}

func labelIndex(labels []string, label []byte) int {
	for i, l := range labels {
		if l == string(label) {
			return i
		}
	}
	return -1
}

// appendINet writes an address in the one form that RFC 5952 asks for; servers
// differ in how they shorten IPv6. What has a netmask is no address and stays
// as it is: it equals nothing that a source holds.
func appendINet(dst, text []byte) []byte {
	address, err := netip.ParseAddr(string(text))
	if err != nil {
		return append(dst, text...)
	}
	return address.AppendTo(dst)
}
