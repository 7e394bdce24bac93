package source

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"leap/internal/row"
	"leap/internal/schema"
)

// Scan streams all columns of a range in the canonical text form of their
// kinds, for the verifier. Where a kind has more than one form the server does
// the conversion, by other expressions than the copier reads with, so that a
// mistake of one does not hide in the other. Policies that change values are
// part of the expressions. Rows come in the order of OrderKey; the cells are
// valid until fn returns.
func Scan(ctx context.Context, conn *sql.Conn, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	return ScanPart(ctx, conn, m, row.Part{Range: r}, fn)
}

// ScanPart is Scan for a part.
func ScanPart(ctx context.Context, conn *sql.Conn, m *schema.Mapping, p row.Part, fn func(row.Row) error) error {
	expressions := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		expressions[i] = scanExpression(c)
	}
	query, err := selectPart(m, expressions, p)
	if err != nil {
		return fmt.Errorf("read %s: %w", m.SourceName, err)
	}
	floats := floatColumns(m.Columns)
	var scratch []byte // when it moves to a larger array, earlier cells keep the old one
	return stream(ctx, conn, query, func(texts [][]byte) error {
		scratch = scratch[:0]
		for _, i := range floats {
			if texts[i] == nil {
				continue
			}
			f, err := strconv.ParseFloat(string(texts[i]), 64)
			if err != nil {
				return fmt.Errorf("read %s.%s: %w", m.SourceName, m.Columns[i].Source, err)
			}
			start := len(scratch)
			scratch = strconv.AppendFloat(scratch, f, 'e', -1, 64)
			texts[i] = scratch[start:len(scratch):len(scratch)]
		}
		return fn(texts)
	})
}

// floatColumns are the positions of what the server sends as numbers, in a form
// of its own; everything else is text by its expression.
func floatColumns(columns []schema.ColumnMapping) []int {
	var out []int
	for i, c := range columns {
		if c.Kind == schema.Float32 || c.Kind == schema.Float64 {
			out = append(out, i)
		}
	}
	return out
}

func scanExpression(c schema.ColumnMapping) string {
	name := quote(c.Source)
	switch c.Kind {
	case schema.Int, schema.Bool:
		// A sum has neither the zeros of ZEROFILL nor those of YEAR. It cannot
		// overflow: the server adds as BIGINT, signed or not as the column is.
		return name + "+0"
	case schema.Decimal, schema.UUID, schema.INet:
		return name
	case schema.Time, schema.Interval:
		return "CAST(" + name + " AS CHAR)"
	case schema.Float32, schema.Float64:
		// CAST(.. AS CHAR) would round; a DOUBLE of the result set is exact.
		return "1e0*" + name
	case schema.Bits:
		return "LPAD(BIN(" + name + "+0), " + strconv.Itoa(c.Width) + ", '0')"
	case schema.Date, schema.DateTime, schema.Timestamp:
		return scanDate(c, name)
	case schema.Text:
		return scanText(c, name)
	case schema.Enum:
		if c.Policy.EmptyEnum == schema.Null {
			return "IF(" + name + "+0 = 0, NULL, CONCAT(" + name + ", ''))"
		}
		return "CONCAT(" + name + ", '')"
	case schema.Set:
		return "CONCAT(" + name + ", '')"
	case schema.Bytes, schema.JSON:
		// Any function would return NULL for a value above max_allowed_packet.
		return name
	}
	return name
}

func scanDate(c schema.ColumnMapping, name string) string {
	text := "CAST(" + name + " AS CHAR)"
	replacement := ""
	switch c.Policy.ZeroDate {
	case schema.Null:
		replacement = "NULL"
	case schema.Min:
		replacement = "'0001-01-01 00:00:00'"
		if c.Kind == schema.Date {
			replacement = "'0001-01-01'"
		}
	case schema.Refuse, schema.Strip, schema.Last, schema.Keep:
		return name
	}
	return "IF(YEAR(" + name + ") = 0 OR MONTH(" + name + ") = 0 OR DAYOFMONTH(" + name + ") = 0, " + replacement + ", " + text + ")"
}

// scanText leaves the conversion to UTF-8 to the connection, which unlike
// CONVERT has no length limit, and marks values that do not survive it.
func scanText(c schema.ColumnMapping, name string) string {
	text := name
	if c.Policy.NUL == schema.Strip {
		text = "REPLACE(" + name + ", CHAR(0 USING " + c.From.Charset + "), '')"
	}
	if isASCII(c) {
		return asBytes(text) // what is no ASCII there arrived as something else
	}
	if !completeCharsets[c.From.Charset] {
		converted := "CONVERT(CONVERT(" + name + " USING utf8mb4) USING " + c.From.Charset + ")"
		text = "IF(" + name + " IS NULL OR HEX(" + converted + ") = HEX(" + name + "), " + text +
			", CONCAT('cannot be converted: ', HEX(" + name + ")))"
	}
	return text
}
