package row

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"

	"leap/internal/schema"
)

// Hash identifies the content of one row: SHA-256 over its canonical cells.
type Hash [sha256.Size]byte

// Digest stands for a multiset of rows: how many there are and the sum of
// their hashes modulo 2^256. A sum, unlike XOR, does not cancel pairs of equal
// rows; it does not depend on the order in which the rows were seen, so two
// servers that sort differently can be compared. By chance two different sets
// agree with a probability of about 2^-256.
type Digest struct {
	Rows int64
	sum  [4]uint64 // little-endian words
}

// Add counts one more row.
func (d *Digest) Add(h *Hash) {
	var carry uint64
	for i := range d.sum {
		d.sum[i], carry = bits.Add64(d.sum[i], binary.LittleEndian.Uint64(h[8*i:]), carry)
	}
	d.Rows++
}

// Merge adds all rows of o.
func (d *Digest) Merge(o Digest) {
	var carry uint64
	for i := range d.sum {
		d.sum[i], carry = bits.Add64(d.sum[i], o.sum[i], carry)
	}
	d.Rows += o.Rows
}

// Block stands for rows that were compared with others one by one: how many they
// are, and the SHA-256 of all of their text. It costs a fraction of one hash for
// each row, and says less: it is not the digest that those would add up to, and
// depends on the order of the rows and on where blocks begin.
func Block(rows int, text []byte) Digest {
	if rows == 0 {
		return Digest{}
	}
	var d Digest
	h := Hash(sha256.Sum256(text))
	d.Add(&h)
	d.Rows = int64(rows)
	return d
}

// Fold adds the hashes of o but not its rows: o is of the same rows, of other
// columns of theirs.
func (d *Digest) Fold(o Digest) {
	rows := d.Rows
	d.Merge(o)
	d.Rows = rows
}

// String returns the count and the first 16 hex digits, for reports and messages.
func (d Digest) String() string {
	var b [32]byte
	for i, w := range d.sum {
		binary.LittleEndian.PutUint64(b[8*i:], w)
	}
	return fmt.Sprintf("%d:%s", d.Rows, hex.EncodeToString(b[:8]))
}

// MarshalText writes the digest in full: the count and 64 hex digits.
func (d Digest) MarshalText() ([]byte, error) {
	out := strconv.AppendInt(nil, d.Rows, 10)
	for _, w := range d.sum {
		out = fmt.Appendf(out, ":%016x", w)
	}
	return out, nil
}

// UnmarshalText reads what MarshalText wrote.
func (d *Digest) UnmarshalText(text []byte) error {
	*d = Digest{}
	_, err := fmt.Sscanf(string(text), "%d:%x:%x:%x:%x", &d.Rows, &d.sum[0], &d.sum[1], &d.sum[2], &d.sum[3])
	if err != nil {
		return fmt.Errorf("not a digest: %.90q", text)
	}
	return nil
}

// Hasher turns rows of one mapping into hashes. It keeps buffers between rows
// and so belongs to one goroutine.
type Hasher struct {
	columns []schema.ColumnMapping
	foreign bool // see NewForeignHasher
	frame   []byte
	canon   []byte
}

// NewHasher returns a Hasher for rows with these columns.
func NewHasher(columns []schema.ColumnMapping) *Hasher {
	return &Hasher{columns: columns}
}

// NewForeignHasher returns a Hasher for rows that anybody may have altered: to
// it a cell that is not what its kind promises (a DECIMAL of NaN, an infinite
// timestamp, a set of unknown labels) is no error but a value that differs from
// every proper one.
func NewForeignHasher(columns []schema.ColumnMapping) *Hasher {
	return &Hasher{columns: columns, foreign: true}
}

// Hash writes the row's hash to out. An error names the column whose cell is
// not what its kind promises; such a row is never "equal" to anything.
func (h *Hasher) Hash(cells Row, out *Hash) error {
	if len(cells) != len(h.columns) {
		return fmt.Errorf("row has %d cells, mapping has %d columns", len(cells), len(h.columns))
	}
	h.frame = h.frame[:0]
	for i, cell := range cells {
		if err := h.appendCell(&h.columns[i], cell); err != nil {
			return err
		}
	}
	*out = sha256.Sum256(h.frame)
	return nil
}

// Cells writes one hash per column to out, for finding the column that differs.
func (h *Hasher) Cells(cells Row, out []Hash) error {
	if len(cells) != len(h.columns) || len(out) != len(h.columns) {
		return fmt.Errorf("row has %d cells, mapping has %d columns", len(cells), len(h.columns))
	}
	for i, cell := range cells {
		h.frame = h.frame[:0]
		if err := h.appendCell(&h.columns[i], cell); err != nil {
			return err
		}
		out[i] = sha256.Sum256(h.frame)
	}
	return nil
}

// appendCell frames a cell: 'N' for NULL, else 'V', the length and the
// canonical bytes; 'X' for the bytes of a cell without a canonical form. The length makes the concatenation uniquely decodable:
// ("a,b", "c") and ("a", "b,c") differ, and NULL differs from "".
func (h *Hasher) appendCell(c *schema.ColumnMapping, cell []byte) error {
	if cell == nil {
		h.frame = append(h.frame, 'N')
		return nil
	}
	canon, tag := cell, byte('V')
	if !verbatim(c.Kind) {
		out, err := AppendCanonical(h.canon[:0], c, cell)
		switch {
		case err == nil:
			canon, h.canon = out, out
		case h.foreign:
			tag = 'X'
		default:
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	h.frame = append(h.frame, tag)
	h.frame = binary.AppendUvarint(h.frame, uint64(len(canon)))
	h.frame = append(h.frame, canon...)
	return nil
}

// verbatim reports whether a cell of the kind is its own canonical form, so
// that large values need no copy.
func verbatim(k schema.Kind) bool {
	return k == schema.Text || k == schema.Bytes || k == schema.Enum
}
