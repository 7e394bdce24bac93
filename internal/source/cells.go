package source

import (
	"bytes"
	"fmt"
	"strconv"

	"leap/internal/row"
	"leap/internal/schema"
)

// cells brings the server's text of a row into the forms that schema.Kind
// documents, without allocating per cell.
type cells struct {
	numbers []numeral
	scratch []byte
}

// numeral is a column whose text may have to change, by its position in the row.
type numeral struct {
	position int
	double   bool // to the shortest form that round-trips; else the leading zeros go
}

func newCells(columns []schema.ColumnMapping) *cells {
	c := &cells{}
	for i, m := range columns {
		switch m.Kind {
		case schema.Float32, schema.Float64:
			c.numbers = append(c.numbers, numeral{i, true})
		case schema.Int, schema.Bool:
			if m.From.Zerofill || m.From.Base == "year" {
				c.numbers = append(c.numbers, numeral{i, false})
			}
		case schema.Decimal, schema.Bits, schema.Text, schema.Bytes, schema.Date, schema.DateTime, schema.Timestamp,
			schema.Time, schema.Interval, schema.Enum, schema.Set, schema.JSON, schema.UUID, schema.INet:
		}
	}
	return c
}

// take changes the cells in place and returns them as a row.
func (c *cells) take(texts [][]byte) (row.Row, error) {
	c.scratch = c.scratch[:0]
	for _, n := range c.numbers {
		text := texts[n.position]
		switch {
		case text == nil:
		case n.double:
			var err error
			if texts[n.position], err = c.shortest(text); err != nil {
				return nil, err
			}
		default:
			texts[n.position] = unpadded(text)
		}
	}
	return texts, nil
}

// unpadded is the number without leading zeros.
func unpadded(text []byte) []byte {
	if digits := bytes.TrimLeft(text, "0"); len(digits) > 0 {
		return digits
	}
	return text[:min(len(text), 1)]
}

func (c *cells) shortest(text []byte) ([]byte, error) {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil, fmt.Errorf("the server sent %q for a floating-point number: %w", text, err)
	}
	start := len(c.scratch)
	c.scratch = strconv.AppendFloat(c.scratch, f, 'g', -1, 64)
	// When scratch moves to a larger array, earlier cells keep the old one.
	return c.scratch[start:len(c.scratch):len(c.scratch)], nil
}
