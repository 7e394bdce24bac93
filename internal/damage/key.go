package damage

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"leap/internal/row"
	"leap/internal/schema"
)

// Canonical is the name of a row whose key a comparison reported: one text for
// one key, however it was printed.
func Canonical(m *schema.Mapping, key row.Key) (string, error) {
	columns := m.KeyColumns()
	if len(columns) != len(key) {
		return "", fmt.Errorf("key %s has %d values, %s has %d key columns", key, len(key), m.Name, len(columns))
	}
	cells := make(row.Row, len(key))
	for i, text := range key {
		cells[i] = []byte(text)
		if columns[i].Kind == schema.Bytes {
			raw, err := hex.DecodeString(text)
			if err != nil {
				return "", fmt.Errorf("key %s of %s: %w", key, m.Name, err)
			}
			cells[i] = raw
		}
		if columns[i].Kind == schema.Bits {
			columns[i].Kind = schema.Text // printed as digits
		}
	}
	return canonical(columns, cells), nil
}

// canonical joins the canonical forms of cells. A cell without one stands for
// itself: only the naming of rows depends on it.
func canonical(columns []schema.ColumnMapping, cells row.Row) string {
	var forms row.Row
	for i, cell := range cells {
		if cell == nil {
			forms = append(forms, nil)
			continue
		}
		if columns[i].Kind == schema.Bits {
			forms = append(forms, binaryDigits(cell, columns[i].Width))
			continue
		}
		form, err := row.AppendCanonical([]byte{}, &columns[i], cell)
		if err != nil {
			form = cell
		}
		forms = append(forms, form)
	}
	return string(frame(forms))
}

// frame joins cells so that no two rows give the same bytes.
func frame(cells row.Row) []byte {
	var out []byte
	for _, cell := range cells {
		if cell == nil {
			out = append(out, 'N')
			continue
		}
		out = append(out, 'V')
		out = binary.AppendUvarint(out, uint64(len(cell)))
		out = append(out, cell...)
	}
	return out
}

// binaryDigits prints the low bits of big-endian bytes.
func binaryDigits(cell []byte, width int) []byte {
	out := make([]byte, 0, width)
	for i := max(0, len(cell)*8-width); i < len(cell)*8; i++ {
		out = append(out, '0'+cell[i/8]>>(7-i%8)&1)
	}
	return out
}
