package row

import (
	"bytes"

	"leap/internal/schema"
)

// Comparer compares rows of one mapping cell by cell. It keeps buffers between
// rows and so belongs to one goroutine.
type Comparer struct {
	columns []schema.ColumnMapping
	forms   []formKind
	a, b    []byte
}

// formKind is how a cell is seen to have a canonical form. The kind itself, a
// text, would cost more to tell apart than most cells to look at.
type formKind uint8

const (
	anyForm formKind = iota // every text is its own
	numberForm
	momentForm
	otherForm // it has to be made
)

// NewComparer returns a Comparer for rows with these columns.
func NewComparer(columns []schema.ColumnMapping) *Comparer {
	c := &Comparer{columns: columns, forms: make([]formKind, len(columns))}
	for i := range columns {
		c.forms[i] = formKindOf(columns[i].Kind)
	}
	return c
}

func formKindOf(k schema.Kind) formKind {
	switch k {
	case schema.Text, schema.Bytes, schema.Enum:
		return anyForm
	case schema.Int, schema.Bool, schema.Decimal:
		return numberForm
	case schema.Date, schema.DateTime, schema.Timestamp:
		return momentForm
	case schema.Float32, schema.Float64, schema.Bits, schema.Time, schema.Interval, schema.Set, schema.JSON, schema.UUID, schema.INet:
	}
	return otherForm
}

// Equal reports whether two cells of a column are equal: both NULL, or of the
// same canonical form. The same text has the same form, if it has one; a text
// that has none is equal to nothing, not even to itself.
func (c *Comparer) Equal(column int, a, b []byte) bool {
	if bytes.Equal(a, b) {
		return (a == nil) == (b == nil) && (a == nil || c.forms[column] == anyForm || c.formed(column, a))
	}
	if a == nil || b == nil || c.forms[column] == anyForm {
		return false
	}
	var err error
	if c.a, err = AppendCanonical(c.a[:0], &c.columns[column], a); err != nil {
		return false
	}
	if c.b, err = AppendCanonical(c.b[:0], &c.columns[column], b); err != nil {
		return false
	}
	return bytes.Equal(c.a, c.b)
}

// formed reports whether a cell has a canonical form, without making that of
// the common kinds: it is asked for nearly every cell.
func (c *Comparer) formed(column int, cell []byte) bool {
	switch c.forms[column] {
	case numberForm:
		if plainNumber(cell) {
			return true
		}
	case momentForm:
		_, ok := moment(cell)
		return ok
	case anyForm, otherForm:
	}
	var err error
	c.a, err = AppendCanonical(c.a[:0], &c.columns[column], cell)
	return err == nil
}
