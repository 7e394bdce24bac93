package bank

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// row builds one parenthesised tuple of SQL literals. Its methods append one
// value each, in the order of the table's columns; they assume the session of
// sessionSettings. The text is built here and not by a driver's parameters
// because that is several times faster and independent of the driver.
type row struct {
	dice
	buf   []byte
	first bool
}

func (r *row) begin() {
	r.buf = append(r.buf, '(')
	r.first = true
}

func (r *row) end() { r.buf = append(r.buf, ')') }

func (r *row) sep() {
	if !r.first {
		r.buf = append(r.buf, ',')
	}
	r.first = false
}

func (r *row) null() { r.raw("NULL") }

// raw appends text that is a literal already.
func (r *row) raw(s string) {
	r.sep()
	r.buf = append(r.buf, s...)
}

func (r *row) int(v int) {
	r.sep()
	r.buf = strconv.AppendInt(r.buf, int64(v), 10)
}

func (r *row) uint(v uint64) {
	r.sep()
	r.buf = strconv.AppendUint(r.buf, v, 10)
}

// flag appends a TINYINT(1) that is 1 in percent of the rows.
func (r *row) flag(percent int) {
	if r.chance(percent) {
		r.int(1)
		return
	}
	r.int(0)
}

// dec appends a decimal of units times 10^-scale.
func (r *row) dec(units, scale int) {
	r.sep()
	r.buf = appendDecimal(r.buf, units, scale)
}

func appendDecimal(buf []byte, units, scale int) []byte {
	if units < 0 {
		buf = append(buf, '-')
		units = -units
	}
	digits := strconv.Itoa(units)
	for len(digits) <= scale {
		digits = "0" + digits
	}
	buf = append(buf, digits[:len(digits)-scale]...)
	if scale > 0 {
		buf = append(buf, '.')
		buf = append(buf, digits[len(digits)-scale:]...)
	}
	return buf
}

// double appends the shortest text that reads back as v.
func (r *row) double(v float64) {
	r.sep()
	r.buf = strconv.AppendFloat(r.buf, v, 'e', -1, 64)
}

// float appends the shortest text that reads back as v.
func (r *row) float(v float32) {
	r.sep()
	r.buf = strconv.AppendFloat(r.buf, float64(v), 'e', -1, 32)
}

// str appends a character string.
func (r *row) str(s string) {
	r.sep()
	r.buf = append(r.buf, '\'')
	for i := range len(s) {
		switch c := s[i]; c {
		case '\'', '\\':
			r.buf = append(r.buf, '\\', c)
		case 0:
			r.buf = append(r.buf, '\\', '0')
		default:
			r.buf = append(r.buf, c)
		}
	}
	r.buf = append(r.buf, '\'')
}

// strOrNull appends s, or NULL in percent of the rows.
func (r *row) strOrNull(s string, percent int) {
	if r.chance(percent) {
		r.null()
		return
	}
	r.str(s)
}

// bin appends a binary string.
func (r *row) bin(b []byte) {
	r.sep()
	r.buf = append(r.buf, 'x', '\'')
	r.buf = hex.AppendEncode(r.buf, b)
	r.buf = append(r.buf, '\'')
}

// bits appends the value of a BIT(8).
func (r *row) bits(v int) { r.raw(fmt.Sprintf("b'%08b'", v)) }

// json appends a document.
func (r *row) json(v object) {
	b, err := json.Marshal(v)
	if err != nil {
		// Only a value that JSON cannot hold gets here, which is a fault in
		// this package's code and not in anybody's data.
		panic(fmt.Sprintf("bank: %v", err))
	}
	r.str(string(b))
}

// object is a JSON object. Its keys are written in order, so the text is the
// same every time.
type object map[string]any

// Layouts of the temporal columns, by number of fractional digits.
const (
	layoutDate = "'2006-01-02'"
	layoutSec  = "'2006-01-02 15:04:05'"
	layoutMs   = "'2006-01-02 15:04:05.000'"
	layoutUs   = "'2006-01-02 15:04:05.000000'"
)

// when appends t in one of the layouts above.
func (r *row) when(t time.Time, layout string) {
	r.sep()
	r.buf = t.AppendFormat(r.buf, layout)
}

// whenOrNull appends t, or NULL in percent of the rows.
func (r *row) whenOrNull(t time.Time, layout string, percent int) {
	if r.chance(percent) {
		r.null()
		return
	}
	r.when(t, layout)
}

// clock appends a time of day.
func (r *row) clock(seconds int) {
	r.raw(fmt.Sprintf("'%02d:%02d:%02d'", seconds/3600, seconds/60%60, seconds%60))
}
