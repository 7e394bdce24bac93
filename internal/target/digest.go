package target

import (
	"context"
	"encoding/hex"
	"fmt"

	"leap/internal/row"
	"leap/internal/schema"
)

// Scan streams all columns of a range in the canonical text form of their
// kinds, for the verifier. It shares nothing with the Encoder: what the copier
// wrote wrongly is read here as it is. Rows come in no particular order, unless
// the part asks for one. The cells are valid until fn returns.
func (d *DB) Scan(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to the target: %w", Explain(err))
	}
	defer conn.Release()
	return d.scanOn(ctx, conn.Conn(), m, row.Part{Range: r}, fn)
}

// unhex decodes in place; NULL stays NULL and empty stays empty.
func unhex(cell []byte) ([]byte, error) {
	if cell == nil {
		return nil, nil
	}
	n, err := hex.Decode(cell, cell)
	return cell[:n], err
}

func hexColumns(m *schema.Mapping) []int {
	var out []int
	for i, c := range m.Columns {
		if c.Kind == schema.Bytes {
			out = append(out, i)
		}
	}
	return out
}

// readExpression selects a column in the text that row.AppendCanonical reads.
// What the protocol prints in that text by itself is not converted first, which
// would be a third of the server's work.
func readExpression(c schema.ColumnMapping) string {
	switch c.Kind {
	case schema.Int, schema.Decimal, schema.Text, schema.Date, schema.DateTime:
		return Quote(c.Name)
	case schema.Bool, schema.Float32, schema.Float64, schema.Bits, schema.Bytes, schema.Timestamp, schema.Time, schema.Interval,
		schema.Enum, schema.Set, schema.JSON, schema.UUID, schema.INet:
	}
	return scanExpression(c)
}

// scanExpression prints a column in the text that row.AppendCanonical reads.
func scanExpression(c schema.ColumnMapping) string {
	name := Quote(c.Name)
	switch c.Kind {
	case schema.Int, schema.Decimal, schema.Float32, schema.Float64, schema.Bits, schema.Date,
		schema.DateTime, schema.Time, schema.UUID, schema.Enum, schema.JSON, schema.Interval, schema.Text:
		return name + "::TEXT"
	case schema.Bool:
		return "CASE WHEN " + name + " THEN '1' WHEN NOT " + name + " THEN '0' END"
	case schema.Timestamp:
		return "(" + name + " AT TIME ZONE 'UTC')::TEXT"
	case schema.Bytes:
		return "encode(" + name + ", 'hex')"
	case schema.INet:
		return scanINet(name)
	case schema.Set:
		if c.AsText {
			return name + "::TEXT"
		}
		return scanSet(name)
	}
	return name + "::TEXT"
}

// scanSet prints an array's labels joined by commas. What no SET becomes (a
// NULL, a comma inside a label, one empty label alone) would look like another
// set when it is joined, so it is marked.
func scanSet(name string) string {
	return "CASE WHEN strpos(array_to_string(" + name + ", '', ','), ',') > 0" +
		" OR (array_to_string(" + name + ", '') = '' AND COALESCE(array_length(" + name + ", 1), 0) > 0)" +
		" THEN 'not a set: ' || " + name + "::TEXT ELSE array_to_string(" + name + ", ',') END"
}

// scanINet prints an address without the netmask that host() would hide too.
func scanINet(name string) string {
	return "CASE WHEN masklen(" + name + ") = CASE family(" + name + ") WHEN 4 THEN 32 ELSE 128 END" +
		" THEN host(" + name + ") ELSE host(" + name + ") || '/' || masklen(" + name + ")::TEXT END"
}

// boundCast is the parameter of a range bound in the column's type.
func boundCast(c schema.ColumnMapping) string {
	switch c.Kind {
	case schema.Int:
		return "$%d::TEXT::INT8"
	case schema.Decimal:
		return "$%d::TEXT::DECIMAL"
	case schema.Bytes:
		return "decode($%d::TEXT, 'hex')"
	case schema.Date:
		return "$%d::TEXT::DATE"
	case schema.DateTime:
		return "$%d::TEXT::TIMESTAMP"
	case schema.Timestamp:
		return "($%d::TEXT || '+00:00')::TIMESTAMPTZ"
	case schema.Bool, schema.Float32, schema.Float64, schema.Bits, schema.Text, schema.Time,
		schema.Interval, schema.Enum, schema.Set, schema.JSON, schema.UUID, schema.INet:
	}
	return "$%d"
}
