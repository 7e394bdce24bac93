package target

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"leap/internal/row"
	"leap/internal/schema"
)

// sumsOn lets the server digest the rows of a part and returns one digest per
// bucket; under the bucket "" for a part that is not grouped. What is hashed is
// the text that row.Nested tells of.
func sumsOn(ctx context.Context, conn *pgx.Conn, caps Capabilities, m *schema.Mapping, p row.Part) (map[string]row.Digest, error) {
	query, args, err := sumsQuery(m, p, caps)
	if err != nil {
		return nil, fmt.Errorf("digest %s: %w", m.Name, err)
	}
	out := map[string]row.Digest{}
	reader := conn.PgConn().ExecParams(ctx, query, args, nil, nil, nil)
	var bad error
	for reader.NextRow() {
		if bucket, d, err := readSum(reader.Values()); err != nil {
			bad = err
		} else {
			out[bucket] = d
		}
	}
	if _, err := reader.Close(); err != nil {
		return nil, fmt.Errorf("digest %s: %w", m.Name, Explain(err))
	}
	if bad != nil {
		return nil, fmt.Errorf("digest %s %s: %w", m.Name, p, bad)
	}
	return out, nil
}

// readSum reads bucket, count, count of hashes and their sum.
func readSum(values [][]byte) (bucket string, d row.Digest, err error) {
	rows, err := strconv.ParseInt(string(values[1]), 10, 64)
	if err != nil {
		return "", d, fmt.Errorf("not a count: %w", err)
	}
	hashed, err := strconv.ParseInt(string(values[2]), 10, 64)
	if err != nil {
		return "", d, fmt.Errorf("not a count: %w", err)
	}
	d, err = row.ServerDigest(rows, hashed, string(values[3]))
	return string(values[0]), d, err
}

// sumsQuery hashes in an inner query behind OFFSET 0, which keeps PostgreSQL
// from hashing each row once more for every mention of the hash.
func sumsQuery(m *schema.Mapping, p row.Part, caps Capabilities) (string, [][]byte, error) {
	if caps.HashHex == "" {
		return "", nil, fmt.Errorf("this server has no SHA-256 that can be added up")
	}
	whole, err := sumText(m.Columns, caps)
	if err != nil {
		return "", nil, err
	}
	from, args, err := partClauses(m, p, caps)
	if err != nil {
		return "", nil, err
	}
	bucket, group := "''", ""
	if p.Digits > 0 {
		identity, err := identityText(m, caps)
		if err != nil {
			return "", nil, err
		}
		bucket, group = "left("+caps.hashText(identity)+", "+strconv.Itoa(p.Digits)+")", " GROUP BY b"
	}
	limit := " OFFSET 0"
	if p.Limit > 0 {
		limit = " LIMIT " + strconv.Itoa(p.Limit)
	}
	hash := fmt.Sprintf(caps.HashInt, "left("+caps.hashText(whole)+", 15)")
	return "SELECT min(b), count(*), count(h), COALESCE(sum(h), 0)::TEXT FROM (SELECT " + bucket + " AS b, " + hash + " AS h" +
		from + limit + ") AS hashed" + group, args, nil
}

// hashText is the SHA-256 of a text, in hex.
func (c Capabilities) hashText(text string) string { return fmt.Sprintf(c.HashHex, text) }

// identityText is the text whose hash says which bucket a row is in.
func identityText(m *schema.Mapping, caps Capabilities) (string, error) {
	if len(m.Key) == 0 {
		return sumText(m.Columns, caps)
	}
	return sumText(m.KeyColumns(), caps)
}

// sumText is the text of the columns that is hashed.
func sumText(columns []schema.ColumnMapping, caps Capabilities) (string, error) {
	parts := make([]string, len(columns))
	for i, c := range columns {
		if reason := Summable(c); reason != "" {
			return "", fmt.Errorf("column %s: %s", c.Name, reason)
		}
		parts[i] = "COALESCE(" + sumCell(c, caps) + ", 'N')"
	}
	return strings.Join(parts, " || ';' || ") + " || ';'", nil
}

// Summable says why the server cannot digest a column; "" when it can.
func Summable(c schema.ColumnMapping) string {
	switch c.Kind {
	case schema.Float32, schema.Float64, schema.JSON:
		return "servers do not print " + string(c.Kind) + " alike"
	case schema.Int, schema.Bool, schema.Decimal, schema.Bits, schema.Text, schema.Bytes, schema.Date, schema.DateTime,
		schema.Timestamp, schema.Time, schema.Interval, schema.Enum, schema.Set, schema.UUID, schema.INet:
		return ""
	}
	return "kind " + string(c.Kind) + " has no text"
}

// sumCell prints a cell as source.sumCell prints it there.
func sumCell(c schema.ColumnMapping, caps Capabilities) string {
	name := Quote(c.Name)
	switch c.Kind {
	case schema.Decimal:
		if c.From.Scale > row.PlainScale {
			return "(" + name + " * 1" + strings.Repeat("0", c.From.Scale) + ")::DECIMAL(65, 0)::TEXT"
		}
	case schema.Text, schema.Enum, schema.Set:
		return sumString(c, caps)
	case schema.Bytes:
		if row.Nested(&c) {
			return fmt.Sprintf(caps.HashBytes, name)
		}
	case schema.Int, schema.Bool, schema.Float32, schema.Float64, schema.Bits, schema.Date, schema.DateTime,
		schema.Timestamp, schema.Time, schema.Interval, schema.JSON, schema.UUID, schema.INet:
	}
	return scanExpression(c)
}

func sumString(c schema.ColumnMapping, caps Capabilities) string {
	text := scanExpression(c)
	if row.Nested(&c) {
		return caps.hashText(text)
	}
	return "octet_length(" + text + ")::TEXT || ':' || " + text
}

// Summable says why Sums cannot digest a column; see the function Summable.
func (v *View) Summable(c schema.ColumnMapping) string {
	if v.db.caps.HashHex == "" {
		return "the target has no SHA-256 that can be added up"
	}
	return Summable(c)
}
