package source

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"leap/internal/schema"
)

// Peek reads some columns of the first rows of a table, as text, in the order
// of the first column; NULL reads as "", bytes as a Slice has them. It is for looking at small tables.
func (db *DB) Peek(ctx context.Context, t *schema.Table, columns []string, limit int) ([][]string, error) {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = quote(c)
		if column := t.Column(c); column != nil && kindOfColumn(column) == schema.Bytes {
			quoted[i] = "LOWER(HEX(" + quoted[i] + "))"
		}
	}
	rows, err := db.pool.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s.%s ORDER BY %s LIMIT %d",
		strings.Join(quoted, ", "), quote(db.info.Database), quote(t.Name), quoted[0], limit))
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", t.Name, Explain(err))
	}
	defer func() { _ = rows.Close() }()
	var out [][]string
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("look at %s: %w", t.Name, Explain(err))
		}
		texts := make([]string, len(columns))
		for i, c := range cells {
			texts[i] = c.String
		}
		out = append(out, texts)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look at %s: %w", t.Name, Explain(err))
	}
	return out, nil
}
