package row

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"leap/internal/schema"
)

// Part names rows of a table for servers that digest them: a range of the key,
// of which only the rows in some buckets. A row's bucket is the beginning of
// the SHA-256, in hex, of what identifies it in a digest computed by a server:
// the text of its key, or of the whole row where there is no key.
type Part struct {
	Range Range
	// Buckets are the wanted buckets, all with equally many digits; nil for all rows.
	Buckets []string
	// Digits says by how many digits of the bucket a digest is grouped; 0 for
	// one digest of the whole part.
	Digits int
	// Limit, if above 0, is how many rows are digested at most: any of them,
	// to find out how long it takes.
	Limit int
	// Ordered asks for the rows in the order of the key.
	Ordered bool
}

// String renders a part for a message.
func (p Part) String() string {
	if len(p.Buckets) == 0 {
		return p.Range.String()
	}
	return fmt.Sprintf("%s, buckets %s", p.Range, strings.Join(p.Buckets, " "))
}

// PlainScale is the largest scale of a DECIMAL of which every server prints all
// places; beyond it CockroachDB writes small numbers with an exponent.
const PlainScale = 6

// ErrNullHash says that a server could not hash some row, most often because
// its text is larger than max_allowed_packet: such rows must be compared by
// reading them. A hash of NULL would be left out of the sum, which is how a
// difference goes unseen.
var ErrNullHash = errors.New("the server cannot hash a row")

// ServerDigest makes a digest of what a server computed: how many rows there
// are, of how many it had a hash, and the sum of the first 60 bits of their
// SHA-256 as decimal digits. ErrNullHash when rows and hashed differ.
func ServerDigest(rows, hashed int64, sum string) (Digest, error) {
	if rows != hashed {
		return Digest{}, fmt.Errorf("%w: %d of %d rows have a hash", ErrNullHash, hashed, rows)
	}
	n, ok := new(big.Int).SetString(sum, 10)
	const limit = 256
	if !ok || n.Sign() < 0 || n.BitLen() > limit {
		return Digest{}, fmt.Errorf("not a sum of hashes: %.40q", sum)
	}
	var bytes [limit / 8]byte
	n.FillBytes(bytes[:])
	slices.Reverse(bytes[:])
	d := Digest{Rows: rows}
	for i := range d.sum {
		d.sum[i] = binary.LittleEndian.Uint64(bytes[8*i:])
	}
	return d, nil
}

// Nested reports whether a server replaces the column's values by the SHA-256
// of their bytes, in hex, before it hashes the row: values that may be long.
//
// The text that servers hash holds the cells in the order of the columns, each
// followed by ';': N for NULL, else what both servers print alike, strings
// behind their length in bytes and a colon. It can be read back in one way
// only, so different rows have different texts.
func Nested(c *schema.ColumnMapping) bool {
	switch c.Kind {
	case schema.Text:
		return strings.HasSuffix(c.From.Base, "text")
	case schema.Bytes:
		return c.From.Base != "binary" && c.From.Base != "varbinary"
	case schema.Int, schema.Bool, schema.Decimal, schema.Float32, schema.Float64, schema.Bits, schema.Date, schema.DateTime,
		schema.Timestamp, schema.Time, schema.Interval, schema.Enum, schema.Set, schema.JSON, schema.UUID, schema.INet:
	}
	return false
}
