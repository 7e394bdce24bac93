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

// scanOn streams a part on one connection; see DB.Scan. After an error of fn
// the connection is closed: what the server still sends is not wanted.
func (d *DB) scanOn(ctx context.Context, conn *pgx.Conn, m *schema.Mapping, p row.Part, fn func(row.Row) error) error {
	expressions := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		expressions[i] = readExpression(c)
	}
	from, args, err := partClauses(m, p, d.caps)
	if err != nil {
		return fmt.Errorf("read %s: %w", m.Name, err)
	}
	if p.Ordered {
		from += orderBy(m)
	}
	if p.Limit > 0 {
		from += " LIMIT " + strconv.Itoa(p.Limit)
	}
	reader := conn.PgConn().ExecParams(ctx, "SELECT "+strings.Join(expressions, ", ")+from, args, nil, nil, nil)
	hexed := hexColumns(m)
	cells := make(row.Row, len(m.Columns))
	for reader.NextRow() {
		copy(cells, reader.Values())
		for _, i := range hexed {
			if cells[i], err = unhex(cells[i]); err != nil {
				break
			}
		}
		if err == nil {
			err = fn(cells)
		}
		if err != nil {
			_ = conn.Close(ctx) // it is being thrown away
			return err
		}
	}
	if _, err := reader.Close(); err != nil {
		return fmt.Errorf("read %s: %w", m.Name, Explain(err))
	}
	return nil
}

// orderBy sorts by the key. The names are qualified: alone they would mean the
// columns of the result, whose text sorts in another way.
func orderBy(m *schema.Mapping) string {
	var names []string
	for _, c := range m.KeyColumns() {
		names = append(names, qualified(m)+"."+Quote(c.Name))
	}
	if len(names) == 0 {
		return ""
	}
	return " ORDER BY " + strings.Join(names, ", ")
}

// partClauses renders FROM and WHERE of a part, with the parameters.
func partClauses(m *schema.Mapping, p row.Part, caps Capabilities) (clauses string, args [][]byte, err error) {
	var conditions []string
	bound := func(op string, key row.Key) {
		var names, params []string
		for i, c := range m.KeyColumns() {
			args = append(args, []byte(key[i]))
			names = append(names, Quote(c.Name))
			params = append(params, fmt.Sprintf(boundCast(c), len(args)))
		}
		conditions = append(conditions, "("+strings.Join(names, ", ")+") "+op+" ("+strings.Join(params, ", ")+")")
	}
	if p.Range.After != nil {
		bound(">", p.Range.After)
	}
	if p.Range.UpTo != nil {
		bound("<=", p.Range.UpTo)
	}
	if len(p.Buckets) > 0 {
		identity, err := identityText(m, caps)
		if err != nil {
			return "", nil, err
		}
		conditions = append(conditions, fmt.Sprintf("left(%s, %d) IN ('%s')",
			caps.hashText(identity), len(p.Buckets[0]), strings.Join(p.Buckets, "', '")))
	}
	clauses = " FROM " + qualified(m)
	if len(conditions) > 0 {
		clauses += " WHERE " + strings.Join(conditions, " AND ")
	}
	return clauses, args, nil
}
