// Package row owns what a row is between the two databases: its cells, the key
// that names it, the half-open ranges that name work, and the canonical form
// and digest that decide whether two rows are equal. Nothing else in Leap
// judges equality.
package row

import (
	"fmt"
	"strings"
)

// Row holds the cells of one row in the order of a mapping's columns. A nil
// cell is NULL; an empty one is not. The cells belong to whoever produced the
// row and are valid until it produces the next: keep a copy, not the slice.
type Row [][]byte

// InvalidEnum is the cell of an ENUM that holds no label (index 0) when ” is
// one of its labels; without that label such a cell is empty.
const InvalidEnum = "\x00"

// Key is the values of the key columns in key order, each in the text form of
// its kind. Bytes are lower-case hex. It names a row to people and bounds a
// Range for both ends, each of which renders it as its own SQL.
type Key []string

// String renders a key for a message: "(7, 'a')" without quoting rules that
// anyone could rely on.
func (k Key) String() string {
	if len(k) == 0 {
		return "(no key)"
	}
	return "(" + strings.Join(k, ", ") + ")"
}

// Range is the rows whose key lies in (After, UpTo]. A nil bound is open.
// Ranges that follow each other share a bound, so together they cover a table
// without gap or overlap, and rows beyond the largest known key fall into the last.
type Range struct {
	After Key `json:"after,omitempty"`
	UpTo  Key `json:"up_to,omitempty"`
}

// Span is the smallest and the largest value of an integer column.
type Span struct{ Low, High int64 }

// String renders a range for a message.
func (r Range) String() string {
	after, upTo := "start", "end"
	if r.After != nil {
		after = r.After.String()
	}
	if r.UpTo != nil {
		upTo = r.UpTo.String()
	}
	return fmt.Sprintf("(%s, %s]", after, upTo)
}
