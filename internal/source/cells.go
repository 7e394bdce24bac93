package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	mathbits "math/bits"
	"strconv"
	"strings"

	"leap/internal/row"
	"leap/internal/schema"
)

// layout says which select expression carries which cell of a row. Numbers,
// dates, times and short text travel together in the first one: where rows come
// from the driver (see wire), it makes a value on the heap for every expression
// and parses integers, and both together are half of the client's work.
type layout struct {
	expressions []string
	joined      []part // the cells in the first expression; none or at least two
	single      []lone // the cells of the other expressions
}

// lone is a cell with an expression of its own.
type lone struct {
	position int // in the row
	form     numberForm
}

// numberForm says what the server's text of a cell needs.
type numberForm int

const (
	asSent numberForm = iota // nothing
	padded                   // its leading zeros removed: ZEROFILL, YEAR
	double                   // to be printed as the shortest form that round-trips
)

func formOf(c schema.ColumnMapping) numberForm {
	switch {
	case c.Kind == schema.Float32 || c.Kind == schema.Float64:
		return double
	case (c.Kind == schema.Int || c.Kind == schema.Bool) && (c.From.Zerofill || c.From.Base == "year"):
		return padded
	}
	return asSent
}

// part is one cell of a joined expression.
type part struct {
	position int // in the row
	null     nullForm
}

// nullForm says how a joined cell tells NULL.
type nullForm int

const (
	never  nullForm = iota // the column is NOT NULL
	empty                  // by nothing between the separators: a number is never empty
	signed                 // by '-', where every text begins with '+'
)

// separator joins cells. No UTF-8 text holds the byte 0xFF; and cast to BINARY
// it makes the whole a binary string, which no conversion touches.
const separator = 0xFF

// joinedText bounds the text in one joined expression, in bytes. A result
// longer than the source's max_allowed_packet (16 MB by default) would be NULL,
// which split refuses.
const joinedText = 64 << 10

func newLayout(columns []schema.ColumnMapping) layout {
	var l layout
	room := int64(joinedText)
	for i, c := range columns {
		size, ok := joinable(c)
		if !ok || size > room {
			l.single = append(l.single, lone{i, formOf(c)})
			continue
		}
		room -= size
		p := part{position: i}
		switch {
		case c.NotNull:
		case c.Kind == schema.Text:
			p.null = signed
		default:
			p.null = empty
		}
		l.joined = append(l.joined, p)
	}
	if len(l.joined) < 2 {
		l.joined, l.single = nil, nil
		for i, c := range columns {
			l.single = append(l.single, lone{i, formOf(c)})
		}
	} else {
		l.expressions = append(l.expressions, joinExpression(columns, l.joined))
	}
	for _, s := range l.single {
		l.expressions = append(l.expressions, readExpression(columns[s.position]))
	}
	return l
}

// joinable says whether the column can be part of a joined expression, and how
// many bytes of text it may hold; 0 for the other kinds, whose form is short and
// never empty. ZEROFILL and YEAR would come with leading zeros.
func joinable(c schema.ColumnMapping) (size int64, ok bool) {
	switch c.Kind {
	case schema.Int, schema.Bool, schema.Decimal:
		return 0, !c.From.Zerofill && c.From.Base != "year"
	case schema.Date, schema.DateTime, schema.Timestamp, schema.Time, schema.Interval:
		return 0, true
	case schema.Text:
		const longest = 4 // bytes of a character
		return c.From.Length * longest, (c.From.Base == "char" || c.From.Base == "varchar") && isUTF8[c.From.Charset]
	case schema.Float32, schema.Float64, schema.Bits, schema.Bytes, schema.Enum,
		schema.Set, schema.JSON, schema.UUID, schema.INet:
	}
	return 0, false
}

// isUTF8 names the character sets whose bytes are UTF-8 as they lie.
var isUTF8 = map[string]bool{"ascii": true, "utf8": true, "utf8mb3": true, "utf8mb4": true}

func joinExpression(columns []schema.ColumnMapping, parts []part) string {
	terms := make([]string, len(parts))
	for i, p := range parts {
		name := quote(columns[p.position].Source)
		switch p.null {
		case never:
			terms[i] = name
		case empty:
			terms[i] = "IFNULL(" + name + ", '')"
		case signed:
			terms[i] = "IFNULL(CONCAT('+', " + name + "), '-')"
		}
	}
	// CONCAT_WS leaves NULLs out; a column that turns out to be NULL against its
	// declaration makes the row too short, which split refuses.
	return "CONCAT_WS(CAST(X'FF' AS BINARY), " + strings.Join(terms, ", ") + ")"
}

// cells turns the server's text into a row without allocating per cell.
type cells struct {
	layout  layout
	row     row.Row
	scratch []byte
}

func newCells(l layout) *cells {
	return &cells{layout: l, row: make(row.Row, len(l.joined)+len(l.single))}
}

var errJoined = errors.New("the server joined another number of values than was asked for;" +
	" a text that is not valid UTF-8, or a max_allowed_packet below 128 kB, would explain it")

// take fills the row. texts may hold more than the layout's expressions.
func (c *cells) take(texts [][]byte) (row.Row, error) {
	if len(c.layout.joined) > 0 {
		if texts[0] == nil || !c.split(texts[0]) {
			return nil, errJoined
		}
		texts = texts[1:]
	}
	c.scratch = c.scratch[:0]
	for i, s := range c.layout.single {
		text := texts[i]
		if text != nil && s.form != asSent {
			var err error
			if text, err = c.print(s.form, text); err != nil {
				return nil, err
			}
		}
		c.row[s.position] = text
	}
	return c.row, nil
}

// split hands out the joined cells; false when their number is another one. It
// looks for separators in eight bytes at a time: most cells are too short for
// bytes.IndexByte to pay.
func (c *cells) split(text []byte) bool {
	done, start := 0, 0
	for at := 0; at < len(text); at += wordBytes {
		for found := separators(text, at); found != 0; found &= found - 1 {
			end := at + mathbits.TrailingZeros64(found)/8
			if done == len(c.layout.joined) || !c.put(done, text[start:end:end]) {
				return false
			}
			done++
			start = end + 1
		}
	}
	return done == len(c.layout.joined)-1 && c.put(done, text[start:])
}

const (
	wordBytes = 8
	lowBits   = 0x7f7f7f7f7f7f7f7f // all bits of each byte but the highest
)

// separators has the highest bit of each byte set that is a separator among the
// eight that begin at a position, the first byte lowest.
func separators(text []byte, at int) uint64 {
	var word uint64
	if at+wordBytes <= len(text) {
		word = binary.LittleEndian.Uint64(text[at:])
	} else {
		for i, b := range text[at:] {
			word |= uint64(b) << (8 * i)
		}
	}
	// A byte is 0xFF where its complement is zero: adding 0x7F to the low bits
	// of any other sets the highest.
	word = ^word
	return ^((word&lowBits + lowBits) | word | lowBits)
}

// put stores the joined cell of that index.
func (c *cells) put(index int, text []byte) bool {
	p := c.layout.joined[index]
	cell, ok := p.cell(text)
	c.row[p.position] = cell
	return ok
}

// cell undoes the form that tells NULL.
func (p part) cell(text []byte) (cell []byte, ok bool) {
	switch p.null {
	case never:
		return text, true
	case empty:
		if len(text) == 0 {
			return nil, true
		}
		return text, true
	case signed:
		if len(text) == 0 || text[0] == '-' {
			return nil, len(text) == 1
		}
		return text[1:], text[0] == '+'
	}
	return nil, false
}

// print brings a number into its own form.
func (c *cells) print(form numberForm, text []byte) ([]byte, error) {
	if form == padded {
		digits := bytes.TrimLeft(text, "0")
		if len(digits) == 0 {
			digits = text[len(text)-1:]
		}
		return digits, nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil, fmt.Errorf("the server sent %q for a floating-point number: %w", text, err)
	}
	start := len(c.scratch)
	c.scratch = strconv.AppendFloat(c.scratch, f, 'g', -1, 64)
	// When scratch moves to a larger array, earlier cells keep the old one.
	return c.scratch[start:len(c.scratch):len(c.scratch)], nil
}
