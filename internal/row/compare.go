package row

import (
	"bytes"

	"leap/internal/schema"
)

// Comparer compares rows of one mapping cell by cell. It keeps buffers between
// rows and so belongs to one goroutine.
type Comparer struct {
	columns []schema.ColumnMapping
	a, b    []byte
}

// NewComparer returns a Comparer for rows with these columns.
func NewComparer(columns []schema.ColumnMapping) *Comparer {
	return &Comparer{columns: columns}
}

// Equal reports whether two cells of a column are equal: both NULL, or of the
// same canonical form. The same text needs no look at its form. A text that
// has none is equal to no other.
func (c *Comparer) Equal(column int, a, b []byte) bool {
	if bytes.Equal(a, b) {
		return (a == nil) == (b == nil)
	}
	if a == nil || b == nil || verbatim(c.columns[column].Kind) {
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
