package target

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"leap/internal/row"
	"leap/internal/schema"
)

// Encoder turns rows into the text format of COPY, in the dialect that the
// connected server was seen to read (Capabilities). The text format is the
// safe route: CockroachDB's binary COPY refuses enums and breaks on rows that
// span two messages. An Encoder keeps no row and may be shared by goroutines.
type Encoder struct {
	columns []encodeColumn
}

type encodeColumn struct {
	name string
	// append is nil for kinds whose text form has nothing to escape.
	append func(dst, cell []byte) ([]byte, error)
}

// NewEncoder returns an Encoder for the copied columns of a mapping.
func NewEncoder(m *schema.Mapping, caps Capabilities) *Encoder {
	e := &Encoder{}
	for _, c := range m.Copied() {
		e.columns = append(e.columns, encodeColumn{name: c.Name, append: cellEncoder(c, caps)})
	}
	return e
}

// AppendRow appends one line of COPY text. On a cell that the target cannot
// hold it returns a *row.Problem and dst as it was before the row.
func (e *Encoder) AppendRow(dst []byte, cells row.Row) ([]byte, error) {
	if len(cells) != len(e.columns) {
		return dst, fmt.Errorf("row has %d cells, table takes %d", len(cells), len(e.columns))
	}
	start := len(dst)
	for i, cell := range cells {
		if i > 0 {
			dst = append(dst, '\t')
		}
		column := &e.columns[i]
		switch {
		case cell == nil:
			dst = append(dst, '\\', 'N')
			continue
		case column.append == nil:
			dst = append(dst, cell...)
			continue
		}
		out, err := column.append(dst, cell)
		if err != nil {
			return dst[:start], withColumn(err, column.name)
		}
		dst = out
	}
	return append(dst, '\n'), nil
}

func withColumn(err error, column string) error {
	if p, ok := err.(*row.Problem); ok { //nolint:errorlint // encoders return it unwrapped; this is the hot path's only check
		return &row.Problem{Column: column, What: p.What, Hint: p.Hint}
	}
	return fmt.Errorf("column %s: %w", column, err)
}

func cellEncoder(c schema.ColumnMapping, caps Capabilities) func(dst, cell []byte) ([]byte, error) {
	switch c.Kind {
	case schema.Int, schema.Decimal, schema.Float32, schema.Float64, schema.Date,
		schema.DateTime, schema.Timestamp, schema.Time, schema.Interval, schema.UUID, schema.INet:
		return nil
	case schema.Text:
		return appendText
	case schema.Enum:
		if caps.CopyUnescapes {
			return appendText
		}
		return appendVerbatim
	case schema.Bool:
		return appendBool
	case schema.Bits:
		return bitsEncoder(c.Width)
	case schema.Bytes:
		if caps.CopyHexBytes {
			return appendHexBytes
		}
		return appendEscaped
	case schema.JSON:
		if caps.CopyUnescapes {
			return appendText
		}
		return appendJSONVerbatim
	case schema.Set:
		if c.AsText {
			return appendText
		}
		if caps.CopyUnescapes {
			return appendSetArray
		}
		return appendSetExpression
	}
	return func([]byte, []byte) ([]byte, error) {
		return nil, fmt.Errorf("kind %q cannot be written", c.Kind)
	}
}

func appendBool(dst, cell []byte) ([]byte, error) {
	if len(cell) == 1 && (cell[0] == '0' || cell[0] == '1') {
		return append(dst, "ft"[cell[0]-'0']), nil
	}
	return dst, &row.Problem{
		What: "the value is neither 0 nor 1 and cannot become a BOOL",
		Hint: "keep the column an integer with --policy tinyint1=int2",
	}
}

// appendText escapes what COPY treats specially and refuses text that is not
// valid UTF-8, which no target stores. NUL has been dealt with by policy
// before; a server that cannot hold it refuses the chunk.
func appendText(dst, cell []byte) ([]byte, error) {
	if printable(cell) {
		return append(dst, cell...), nil
	}
	if !utf8.Valid(cell) {
		return dst, &row.Problem{
			What: "the text is not valid UTF-8",
			Hint: "correct the value on the source, or change the column to a binary type first",
		}
	}
	return appendEscaped(dst, cell)
}

// printable reports whether the cell is printable ASCII without a backslash,
// which travels as it is. It looks at eight bytes at a time: most text passes,
// and a look at each byte was a fifth of the client's work.
func printable(cell []byte) bool {
	const (
		wordBytes   = 8
		each        = 0x0101010101010101 // times b: the byte b in every place
		highest     = 0x80 * each
		firstBlank  = ' ' * each
		backslashes = '\\' * each
	)
	if len(cell) < wordBytes {
		for _, b := range cell {
			if b < ' ' || b == '\\' || b >= utf8.RuneSelf {
				return false
			}
		}
		return true
	}
	odd := uint64(0)
	for at := 0; ; at += wordBytes {
		// The last word overlaps the one before.
		at = min(at, len(cell)-wordBytes)
		word := binary.LittleEndian.Uint64(cell[at:])
		// Subtracting borrows into the highest bit where a byte is below a
		// blank, or is a backslash and so zero; beyond ASCII it is set anyway.
		odd |= word | (word - firstBlank) | ((word ^ backslashes) - each)
		if at == len(cell)-wordBytes {
			return odd&highest == 0
		}
	}
}

// escapes maps a byte to the letter after the backslash, 0 where none is needed.
var escapes = [256]byte{'\\': '\\', '\t': 't', '\n': 'n', '\r': 'r'}

func appendEscaped(dst, cell []byte) ([]byte, error) {
	start := 0
	for i, b := range cell {
		if e := escapes[b]; e != 0 {
			dst = append(dst, cell[start:i]...)
			dst = append(dst, '\\', e)
			start = i + 1
		}
	}
	return append(dst, cell[start:]...), nil
}

const hexDigits = "0123456789abcdef"

func appendHexBytes(dst, cell []byte) ([]byte, error) {
	dst = append(dst, `\\x`...)
	for _, b := range cell {
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst, nil
}

// bitsEncoder prints big-endian bytes as exactly width binary digits.
func bitsEncoder(width int) func(dst, cell []byte) ([]byte, error) {
	return func(dst, cell []byte) ([]byte, error) {
		if len(cell)*8 < width {
			return dst, fmt.Errorf("%d bytes for %d bits", len(cell), width)
		}
		for i := len(cell)*8 - width; i < len(cell)*8; i++ {
			dst = append(dst, '0'+cell[i/8]>>(7-i%8)&1)
		}
		return dst, nil
	}
}

// appendVerbatim writes text for a column whose COPY input is taken as it
// stands, so what would break the line cannot be carried.
func appendVerbatim(dst, cell []byte) ([]byte, error) {
	if string(cell) == `\N` {
		return dst, &row.Problem{What: `this server's COPY reads the label \N as NULL`, Hint: "rename the label on the source"}
	}
	for _, b := range cell {
		if b == '\t' || b == '\n' || b == '\r' {
			return dst, &row.Problem{What: "this server's COPY cannot carry a label with a tab or a line break", Hint: "rename the label on the source"}
		}
	}
	return appendText0(dst, cell)
}

func appendText0(dst, cell []byte) ([]byte, error) {
	if !utf8.Valid(cell) {
		return dst, &row.Problem{What: "the text is not valid UTF-8"}
	}
	return append(dst, cell...), nil
}

// appendJSONVerbatim is for servers that do not unescape JSONB in COPY: tabs
// and line breaks can only be white space between JSON tokens, so blanks
// replace them without changing the document.
func appendJSONVerbatim(dst, cell []byte) ([]byte, error) {
	start := len(dst)
	dst, err := appendText0(dst, cell)
	if err != nil {
		return dst, err
	}
	for i, b := range dst[start:] {
		if b == '\t' || b == '\n' || b == '\r' {
			dst[start+i] = ' '
		}
	}
	return dst, nil
}
