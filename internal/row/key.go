package row

import (
	"encoding/hex"

	"leap/internal/schema"
)

// KeyReader takes the key of a mapping out of its rows.
type KeyReader struct {
	positions []int
	kinds     []schema.Kind
}

// NewKeyReader returns a KeyReader for the named columns of rows whose cells
// are in the order of columns. A name that is not among them is left out.
func NewKeyReader(columns, key []schema.ColumnMapping) KeyReader {
	var r KeyReader
	for _, k := range key {
		for i, c := range columns {
			if c.Name == k.Name {
				r.positions = append(r.positions, i)
				r.kinds = append(r.kinds, c.Kind)
			}
		}
	}
	return r
}

// Len returns the number of key columns.
func (r KeyReader) Len() int { return len(r.positions) }

// Key copies the key out of a row; nil when there is no key. Bytes
// become lower-case hex, everything else is copied as it is.
func (r KeyReader) Key(cells Row) Key {
	if len(r.positions) == 0 {
		return nil
	}
	key := make(Key, len(r.positions))
	for i, p := range r.positions {
		cell := cells[p]
		switch {
		case cell == nil:
			key[i] = "NULL"
		case r.kinds[i] == schema.Bytes:
			key[i] = hex.EncodeToString(cell)
		default:
			key[i] = string(cell)
		}
	}
	return key
}

// Same reports whether the row has this key.
func (r KeyReader) Same(cells Row, key Key) bool {
	for i, p := range r.positions {
		if r.kinds[i] == schema.Bytes {
			if hex.EncodeToString(cells[p]) != key[i] {
				return false
			}
			continue
		}
		if string(cells[p]) != key[i] {
			return false
		}
	}
	return true
}
