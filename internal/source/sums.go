package source

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"leap/internal/row"
	"leap/internal/schema"
)

// Sums lets the server digest the rows of a part and returns one digest per
// bucket; under the bucket "" for a part that is not grouped. What is hashed is
// the text that row.Nested tells of. A column without such a text is an error.
func Sums(ctx context.Context, conn *sql.Conn, m *schema.Mapping, p row.Part) (map[string]row.Digest, error) {
	query, err := sumsQuery(m, p)
	if err != nil {
		return nil, fmt.Errorf("digest %s: %w", m.SourceName, err)
	}
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("digest %s: %w", m.SourceName, Explain(err))
	}
	defer func() { _ = rows.Close() }() // Err tells of errors
	out := map[string]row.Digest{}
	for rows.Next() {
		var bucket sql.NullString // of no row at all
		var sum string
		var count, hashed int64
		if err = rows.Scan(&bucket, &count, &hashed, &sum); err != nil {
			return nil, fmt.Errorf("digest %s: %w", m.SourceName, err)
		}
		if out[bucket.String], err = row.ServerDigest(count, hashed, sum); err != nil {
			return nil, fmt.Errorf("digest %s %s: %w", m.SourceName, p, err)
		}
	}
	if err = rows.Err(); err != nil {
		return nil, fmt.Errorf("digest %s: %w", m.SourceName, Explain(err))
	}
	return out, nil
}

func sumsQuery(m *schema.Mapping, p row.Part) (string, error) {
	whole, err := sumText(m.Columns)
	if err != nil {
		return "", err
	}
	from, err := partClauses(m, p)
	if err != nil {
		return "", err
	}
	bucket, group := "''", ""
	if p.Digits > 0 {
		identity, err := identityText(m)
		if err != nil {
			return "", err
		}
		bucket, group = "LEFT(SHA2("+identity+", 256), "+strconv.Itoa(p.Digits)+")", " GROUP BY b"
	}
	if p.Limit > 0 {
		from += " LIMIT " + strconv.Itoa(p.Limit)
	}
	// CAST: without it the sum is a DOUBLE, which loses digits.
	return "SELECT MIN(b), COUNT(*), COUNT(h), COALESCE(SUM(h), 0) FROM (SELECT " + bucket + " AS b, " +
		"CAST(CONV(LEFT(SHA2(" + whole + ", 256), 15), 16, 10) AS UNSIGNED) AS h" + from + ") AS hashed" + group, nil
}

// partClauses renders FROM and WHERE of a part.
func partClauses(m *schema.Mapping, p row.Part) (string, error) {
	rows, err := partRows(m, p.Range)
	if err != nil {
		return "", err
	}
	if rows.where, err = inBuckets(m, rows.where, p.Buckets); err != nil {
		return "", err
	}
	return " FROM " + rows.from + " WHERE " + rows.where, nil
}

// partRows selects the rows of a range in any order.
func partRows(m *schema.Mapping, r row.Range) (selection, error) {
	if r.After != nil || r.UpTo != nil {
		return selectRows(m, r)
	}
	s, err := selectAll(quote(m.SourceName), m.Slice)
	s.where = both(s.where, filtered(m.Filter))
	return s, err
}

// inBuckets adds to a condition that a row is in one of the buckets.
func inBuckets(m *schema.Mapping, where string, buckets []string) (string, error) {
	if len(buckets) == 0 {
		return where, nil
	}
	identity, err := identityText(m)
	if err != nil {
		return "", err
	}
	return where + " AND LEFT(SHA2(" + identity + ", 256), " + strconv.Itoa(len(buckets[0])) + ") IN ('" +
		strings.Join(buckets, "', '") + "')", nil
}

// identityText is the text whose hash says which bucket a row is in.
func identityText(m *schema.Mapping) (string, error) {
	if len(m.Key) == 0 {
		return sumText(m.Columns)
	}
	return sumText(m.KeyColumns())
}

// sumText is the text of the columns that is hashed. It begins with an empty
// binary string, which makes all of it one: texts of several collations could
// not be joined, and no character set can come between two servers.
func sumText(columns []schema.ColumnMapping) (string, error) {
	parts := make([]string, 0, 1+len(columns))
	parts = append(parts, "X''")
	for _, c := range columns {
		text, null, err := sumCell(c)
		if err != nil {
			return "", err
		}
		// Not IFNULL: a function's NULL for a value that is too long must stay
		// NULL and make the row's hash NULL.
		parts = append(parts, "IF("+null+", 'N', "+text+"), ';'")
	}
	return "CONCAT(" + strings.Join(parts, ", ") + ")", nil
}

// sumCell prints a cell as target.sumCell prints it there, and says when it is
// NULL there.
func sumCell(c schema.ColumnMapping) (text, null string, err error) {
	name := quote(c.Source)
	null = name + " IS NULL"
	if reason := Summable(c); reason != "" {
		return "", "", fmt.Errorf("column %s: %s", c.Source, reason)
	}
	switch c.Kind {
	case schema.Int, schema.Bool:
		if c.From.Unsigned || c.From.Base == "year" {
			return "CAST(" + name + " AS UNSIGNED)", null, nil
		}
		return "CAST(" + name + " AS SIGNED)", null, nil
	case schema.Decimal:
		return sumDecimal(c, name), null, nil
	case schema.Date, schema.DateTime, schema.Timestamp:
		text, null = sumDate(c, name)
		return text, null, nil
	case schema.Time, schema.Interval:
		return trimmed(c, name), null, nil
	case schema.Bits:
		return "LPAD(BIN(" + name + "+0), " + strconv.Itoa(c.Width) + ", '0')", null, nil
	case schema.UUID, schema.INet:
		return "CAST(" + name + " AS CHAR)", null, nil
	case schema.Text:
		return sumString(c, name), null, nil
	case schema.Enum:
		if c.Policy.EmptyEnum == schema.Null {
			null = "(" + null + " OR " + name + "+0 = 0)"
		}
		return sumString(c, name), null, nil
	case schema.Set:
		return sumString(c, name), null, nil
	case schema.Bytes:
		if row.Nested(&c) {
			return "SHA2(" + name + ", 256)", null, nil
		}
		return "LOWER(HEX(" + name + "))", null, nil
	case schema.Float32, schema.Float64, schema.JSON:
	}
	return "", "", fmt.Errorf("column %s: no text for %s", c.Source, c.Kind)
}

// Summable says why Sums cannot digest a column; "" when it can.
func Summable(c schema.ColumnMapping) string {
	if c.Mask != nil {
		return "the source does not know what masked values become"
	}
	switch c.Kind {
	case schema.Float32, schema.Float64, schema.JSON:
		return "servers do not print " + string(c.Kind) + " alike"
	case schema.Decimal:
		const widest = 65 // digits of a DECIMAL
		if c.From.Scale > row.PlainScale && c.From.Precision+c.From.Scale+1 > widest {
			return "the DECIMAL is too wide to be shifted by its scale"
		}
	case schema.Text:
		if c.Policy.NUL == schema.Strip {
			return "the policy nul=strip has no expression"
		}
		if !completeCharsets[c.From.Charset] && c.From.Charset != ascii {
			return "text of " + c.From.Charset + " may not survive the conversion"
		}
	case schema.Bytes:
		if base := c.From.Base; !strings.HasSuffix(base, "blob") && base != "binary" && base != "varbinary" {
			return base + " is compared by its bytes"
		}
	case schema.Int, schema.Bool, schema.Bits, schema.Date, schema.DateTime, schema.Timestamp, schema.Time,
		schema.Interval, schema.Enum, schema.Set, schema.UUID, schema.INet:
	}
	return ""
}

func sumString(c schema.ColumnMapping, name string) string {
	text := "CONVERT(" + name + " USING utf8mb4)"
	if c.From.Charset == ascii {
		text = asBytes(name)
	}
	if row.Nested(&c) {
		return "SHA2(" + text + ", 256)"
	}
	return "CONCAT(LENGTH(" + text + "), ':', " + text + ")"
}

// sumDecimal prints a number of many places as a whole one: CockroachDB prints
// small ones as 1E-7.
func sumDecimal(c schema.ColumnMapping, name string) string {
	switch {
	case c.From.Base == "bigint":
		return "CAST(" + name + " AS UNSIGNED)"
	case c.From.Scale > row.PlainScale:
		return "CAST(" + name + " * 1" + strings.Repeat("0", c.From.Scale) + " AS DECIMAL(65, 0))"
	}
	if c.From.Zerofill { // would print leading zeros
		name = fmt.Sprintf("CAST(%s AS DECIMAL(%d, %d))", name, c.From.Precision, c.From.Scale)
	}
	return "CAST(" + name + " AS CHAR)"
}

// sumDate applies the policy for zero dates.
func sumDate(c schema.ColumnMapping, name string) (text, null string) {
	text, null = trimmed(c, name), name+" IS NULL"
	zero := "YEAR(" + name + ") = 0 OR MONTH(" + name + ") = 0 OR DAYOFMONTH(" + name + ") = 0"
	switch c.Policy.ZeroDate {
	case schema.Null:
		return text, "(" + null + " OR " + zero + ")"
	case schema.Min:
		least := "'0001-01-01 00:00:00'"
		if c.Kind == schema.Date {
			least = "'0001-01-01'"
		}
		return "IF(" + zero + ", " + least + ", " + text + ")", null
	case schema.Refuse, schema.Strip, schema.Last, schema.Keep:
	}
	return text, null
}

// trimmed prints a date or time without the trailing zeros of its fraction.
func trimmed(c schema.ColumnMapping, name string) string {
	text := "CAST(" + name + " AS CHAR)"
	if c.Kind == schema.Date || c.From.Precision == 0 {
		return text
	}
	return "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM " + text + "))"
}

// Cut returns the key of the n-th row of a range in the order of the key; nil
// when the range has fewer rows. The table must be one that OrderKey orders by
// its whole key.
func Cut(ctx context.Context, conn *sql.Conn, m *schema.Mapping, r row.Range, n int) (row.Key, error) {
	key := m.KeyColumns()
	expressions := make([]string, len(key))
	for i, c := range key {
		expressions[i] = scanExpression(c)
	}
	query, err := selectRange(m, expressions, r)
	if err != nil {
		return nil, fmt.Errorf("divide %s: %w", m.SourceName, err)
	}
	rows, err := conn.QueryContext(ctx, query+" LIMIT 1 OFFSET "+strconv.Itoa(n-1))
	if err != nil {
		return nil, fmt.Errorf("divide %s: %w", m.SourceName, Explain(err))
	}
	defer func() { _ = rows.Close() }() // Err tells of errors
	var found row.Key
	for rows.Next() {
		cells := make(row.Row, len(key))
		targets := make([]any, len(key))
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("divide %s: %w", m.SourceName, err)
		}
		found = row.NewKeyReader(key, key).Key(cells)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("divide %s: %w", m.SourceName, Explain(err))
	}
	return found, nil
}

// Summable says why Sums cannot digest a column; see the function Summable.
func (*Snapshot) Summable(c schema.ColumnMapping) string { return Summable(c) }
