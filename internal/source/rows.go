package source

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
)

// Read streams the copied columns of a range in the order of OrderKey and
// calls fn for each row; the row is valid until fn returns. It stops at the
// first error of fn and returns it as it is.
//
// It goes below database/sql, and without TLS below the driver; see wire.
func Read(ctx context.Context, conn *sql.Conn, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	columns := m.Copied()
	guarded := guards(columns)
	expressions := readExpressions(columns)
	for _, g := range guarded {
		expressions = append(expressions, g.expression)
	}
	query, err := selectRange(m, expressions, r)
	if err != nil {
		return fmt.Errorf("read %s: %w", m.SourceName, err)
	}
	cells, names, plain := newCells(columns), row.NewKeyReader(columns, m.KeyColumns()), asciiColumns(columns)
	return stream(ctx, conn, query, func(texts [][]byte) error {
		out, err := cells.take(texts[:len(columns)])
		if err != nil {
			return fmt.Errorf("read %s: %w", m.SourceName, err)
		}
		for i, g := range guarded {
			if string(texts[len(columns)+i]) != "1" {
				return g.refuse(names, out)
			}
		}
		for _, i := range plain {
			if beyondASCII(out[i]) {
				return lossy(columns[i]).refuse(names, out)
			}
		}
		return fn(out)
	})
}

func readExpressions(columns []schema.ColumnMapping) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = readExpression(c)
	}
	return out
}

// readExpression selects a column in the form that schema.Kind documents.
func readExpression(c schema.ColumnMapping) string {
	name := quote(c.Source)
	switch {
	case c.Kind == schema.Float32 || c.Kind == schema.Float64:
		// FLOAT as text is rounded to six digits, DOUBLE(15,4) to four places;
		// the result of a subtraction is a DOUBLE in full. (Adding 0 would make
		// 0 of -0.)
		return name + "-0e0"
	case c.Kind == schema.Enum && slices.Contains(c.Labels, ""):
		// '' is a label here, and what MySQL stores for an invalid one prints alike.
		return "IF(" + name + "+0 = 0, X'" + hex.EncodeToString([]byte(row.InvalidEnum)) + "', " + name + ")"
	case isASCII(c):
		return asBytes(name)
	}
	return name
}

// selectRange builds the SELECT over a range in key order.
func selectRange(m *schema.Mapping, expressions []string, r row.Range) (string, error) {
	return selectPart(m, expressions, row.Part{Range: r})
}

// selectPart builds the SELECT over a part in key order.
func selectPart(m *schema.Mapping, expressions []string, p row.Part) (string, error) {
	rows, err := selectRows(m, p.Range)
	if err != nil {
		return "", err
	}
	if rows.where, err = inBuckets(m, rows.where, p.Buckets); err != nil {
		return "", err
	}
	query := "SELECT " + strings.Join(expressions, ", ") + " FROM " + rows.from + " WHERE " + rows.where
	if len(rows.order) > 0 {
		query += " ORDER BY " + strings.Join(rows.order, ", ")
	}
	if p.Limit > 0 {
		query += " LIMIT " + strconv.Itoa(p.Limit)
	}
	return query, nil
}

// guard is a select expression that is 1 when a value can be read as it is. Of a
// text the server replaces a character that it cannot convert to UTF-8 by '?', and
// says nothing.
type guard struct {
	expression string
	refusal    row.Problem
}

// refuse names the row.
func (g guard) refuse(names row.KeyReader, r row.Row) error {
	where := "in a row without key"
	if names.Len() > 0 {
		where = "in the row with key " + names.Key(r).String()
	}
	return fault.New(fault.Refused, g.refusal.Hint, "column %s %s: %s", g.refusal.Column, where, g.refusal.What)
}

// completeCharsets convert to Unicode without loss for every byte sequence
// that a column can hold. (MySQL's latin1 is cp1252 with the gaps filled. ascii is
// none of them: MariaDB stores any byte there, and converts those above 0x7F to '?'.)
var completeCharsets = map[string]bool{
	"": true, "latin1": true, "binary": true, "utf8mb3": true, "utf8mb4": true,
	"ucs2": true, "utf16": true, "utf16le": true, "utf32": true,
}

func guards(columns []schema.ColumnMapping) []guard {
	var out []guard
	for _, c := range columns {
		name, charset := quote(c.Source), c.From.Charset
		switch empty := slices.Index(c.Labels, ""); {
		case c.Kind == schema.Text && !completeCharsets[charset] && charset != ascii:
			g := lossy(c)
			g.expression = fmt.Sprintf(
				"(%[1]s IS NULL OR CAST(%[1]s AS BINARY) = CAST(CONVERT(CONVERT(%[1]s USING utf8mb4) USING %[2]s) AS BINARY))",
				name, charset)
			out = append(out, g)
		case c.Kind == schema.Set && empty >= 0:
			out = append(out, guard{
				expression: fmt.Sprintf("(%[1]s IS NULL OR ((%[1]s|0) & %[2]d) = 0)", name, uint64(1)<<empty),
				refusal: row.Problem{
					Column: c.Name,
					What:   "the SET has its empty label, which the source prints as if it were not there",
					Hint:   "correct the value on the source, or give the label another name there",
				},
			})
		}
	}
	return out
}

// lossy is the guard of a text.
func lossy(c schema.ColumnMapping) guard {
	return guard{refusal: row.Problem{
		Column: c.Name,
		What:   "the text has a character of " + c.From.Charset + " that does not convert to UTF-8",
		Hint:   "correct the value on the source, or change the column to a binary type first",
	}}
}

// stream runs a query and calls fn for each row with the server's text of each
// cell, nil for NULL, valid until fn returns. Where a row comes from the driver,
// numbers are printed anew: without leading zeros, doubles in their shortest form.
func stream(ctx context.Context, conn *sql.Conn, query string, fn func(texts [][]byte) error) error {
	var inner error
	err := conn.Raw(func(dc any) error {
		on, ok := dc.(*wiredConn)
		if !ok {
			return fmt.Errorf("a %T is no connection of this package", dc)
		}
		inner = on.stream(ctx, query, fn)
		// An error returned here would make database/sql close the rows, which
		// reads what the server still sends; the caller discards the connection.
		return nil
	})
	if inner == nil {
		inner = err
	}
	var problem *row.Problem
	if errors.As(inner, &problem) || inner == nil {
		return inner
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return inner
}

// stream reads the rows from the wire where it can, and what is left of the
// result, its end at least, from the driver.
func (c *wiredConn) stream(ctx context.Context, query string, fn func([][]byte) error) error {
	rows, err := c.QueryContext(ctx, query, nil)
	if err != nil {
		return Explain(err)
	}
	columns := len(rows.Columns())
	if !c.wire.opaque {
		err := c.wire.rows(columns, fn)
		if err != nil && c.wire.broken == nil {
			return err
		}
	}
	return drain(rows, columns, fn)
}

func drain(rows driver.Rows, columns int, fn func([][]byte) error) error {
	values, texts := make([]driver.Value, columns), make([][]byte, columns)
	var scratch []byte // when it moves to a larger array, earlier texts keep the old one
	for {
		err := rows.Next(values)
		if errors.Is(err, io.EOF) {
			return rows.Close()
		}
		if err != nil {
			_ = rows.Close() // nothing follows an error; it ends the driver's watch over ctx
			return Explain(err)
		}
		scratch = scratch[:0]
		for i, v := range values {
			var ok bool
			if texts[i], scratch, ok = textOf(v, scratch); !ok {
				return fmt.Errorf("the MySQL driver returned a %T", v)
			}
		}
		if err := fn(texts); err != nil {
			return err
		}
	}
}

// Bounds returns the smallest and the largest value of the first order-key
// column when it is an integer, for splitting a table among readers; ok is
// false when it is not, or the table is empty. Of a slice that a scan filters
// they are the table's, which its readers pass over as well.
func Bounds(ctx context.Context, conn *sql.Conn, m *schema.Mapping) (span row.Span, ok bool, err error) {
	key := OrderKey(m)
	if len(key) == 0 || key[0].Kind != schema.Int {
		return row.Span{}, false, nil
	}
	column := quote(key[0].Source)
	var low, high sql.NullInt64
	rows := selection{from: quote(m.SourceName), where: "TRUE"}
	if m.Slice != nil && m.Slice.Access.ByIndex {
		if rows, err = selectRows(m, row.Range{}); err != nil {
			return row.Span{}, false, fmt.Errorf("bounds of %s: %w", m.SourceName, err)
		}
	}
	query := "SELECT MIN(" + column + "), MAX(" + column + ") FROM " + rows.from + " WHERE " + rows.where
	if err := conn.QueryRowContext(ctx, query).Scan(&low, &high); err != nil {
		return row.Span{}, false, fmt.Errorf("bounds of %s: %w", m.SourceName, Explain(err))
	}
	return row.Span{Low: low.Int64, High: high.Int64}, low.Valid && high.Valid, nil
}
