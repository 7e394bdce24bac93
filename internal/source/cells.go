package source

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"leap/internal/row"
	"leap/internal/schema"
)

// layout says which select expression carries which cell of a row. Numbers,
// dates and times travel together, joined by tabs, in the first one: the driver
// makes a value on the heap for every expression and parses integers that would
// be printed again at once, and both together are half of the client's work.
// Such values hold no tab and are never empty, so an empty part is NULL.
type layout struct {
	expressions []string
	joined      []int // positions of the cells in the first expression; none or at least two
	single      []int // positions of the cells of the other expressions
}

func newLayout(columns []schema.ColumnMapping) layout {
	var l layout
	for i, c := range columns {
		if joinable(c) {
			l.joined = append(l.joined, i)
		} else {
			l.single = append(l.single, i)
		}
	}
	if len(l.joined) < 2 {
		l.joined, l.single = nil, nil
		for i := range columns {
			l.single = append(l.single, i)
		}
	} else {
		l.expressions = append(l.expressions, joinExpression(columns, l.joined))
	}
	for _, i := range l.single {
		l.expressions = append(l.expressions, readExpression(columns[i]))
	}
	return l
}

// joinable says whether the server prints the column as text that needs no
// conversion: ZEROFILL and YEAR would come with leading zeros.
func joinable(c schema.ColumnMapping) bool {
	switch c.Kind {
	case schema.Int, schema.Bool, schema.Decimal:
		return !c.From.Zerofill && c.From.Base != "year"
	case schema.Date, schema.DateTime, schema.Timestamp, schema.Time, schema.Interval:
		return true
	case schema.Float32, schema.Float64, schema.Bits, schema.Text, schema.Bytes, schema.Enum,
		schema.Set, schema.JSON, schema.UUID, schema.INet:
	}
	return false
}

func joinExpression(columns []schema.ColumnMapping, positions []int) string {
	parts := make([]string, len(positions))
	for i, p := range positions {
		parts[i] = quote(columns[p].Source)
		if !columns[p].NotNull {
			parts[i] = "IFNULL(" + parts[i] + ", '')"
		}
	}
	// CONCAT_WS leaves NULLs out; a column that turns out to be NULL against its
	// declaration makes the row too short, which split refuses.
	return "CONCAT_WS('\\t', " + strings.Join(parts, ", ") + ")"
}

// cells turns driver values into a row without allocating per cell.
type cells struct {
	layout  layout
	row     row.Row
	scratch []byte
}

func newCells(l layout) *cells {
	return &cells{layout: l, row: make(row.Row, len(l.joined)+len(l.single))}
}

var errJoined = errors.New("the server joined another number of values than was asked for")

// take fills the row. values may hold more than the layout's expressions.
func (c *cells) take(values []driver.Value) (row.Row, error) {
	if len(c.layout.joined) > 0 {
		text, ok := values[0].([]byte)
		if !ok || !c.split(text) {
			return nil, errJoined
		}
		values = values[1:]
	}
	c.scratch = c.scratch[:0]
	for i, p := range c.layout.single {
		cell, err := c.print(values[i])
		if err != nil {
			return nil, err
		}
		c.row[p] = cell
	}
	return c.row, nil
}

// split hands out the joined cells; false when their number is another one.
func (c *cells) split(text []byte) bool {
	last := len(c.layout.joined) - 1
	for i, p := range c.layout.joined {
		end := bytes.IndexByte(text, '\t')
		if (end < 0) != (i == last) {
			return false
		}
		if end < 0 {
			end = len(text)
		}
		c.row[p] = nil
		if end > 0 {
			c.row[p] = text[:end:end]
		}
		text = text[min(end+1, len(text)):]
	}
	return true
}

// print returns a value's text; nil for NULL.
func (c *cells) print(value driver.Value) ([]byte, error) {
	start := len(c.scratch)
	switch v := value.(type) {
	case nil:
		return nil, nil
	case []byte:
		return v, nil
	case int64:
		c.scratch = strconv.AppendInt(c.scratch, v, 10)
	case uint64:
		c.scratch = strconv.AppendUint(c.scratch, v, 10)
	case float64:
		c.scratch = strconv.AppendFloat(c.scratch, v, 'g', -1, 64)
	default:
		return nil, fmt.Errorf("the MySQL driver returned a %T", v)
	}
	// When scratch moves to a larger array, earlier cells keep the old one.
	return c.scratch[start:len(c.scratch):len(c.scratch)], nil
}
