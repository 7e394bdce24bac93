package source

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"leap/internal/schema"
)

// Left is what of a table's rows stays behind by the plan's word.
type Left struct {
	// Rows is the number of rows of the slice, or of the table; Filtered how
	// many of them do not pass the filter.
	Rows, Filtered int64
	// Values counts the values that are not NULL of each column that was asked
	// for, in the rows that pass the filter.
	Values []int64
}

// Left counts what stays behind of a table: rows that do not pass the filter,
// and values of columns that are not moved.
func (s *Snapshot) Left(ctx context.Context, m *schema.Mapping, columns []string) (Left, error) {
	out := Left{Values: make([]int64, len(columns))}
	// NULL is not true: such a row stays behind as well.
	passes := "COALESCE(" + filtered(m.Filter) + ", FALSE)"
	list := []string{"COUNT(*)", "COUNT(CASE WHEN NOT " + passes + " THEN 1 END)"}
	targets := []any{&out.Rows, &out.Filtered}
	for i, c := range columns {
		list = append(list, "COUNT(CASE WHEN "+passes+" AND "+quote(c)+" IS NOT NULL THEN 1 END)")
		targets = append(targets, &out.Values[i])
	}
	rows, err := selectAll(quote(m.SourceName), m.Slice)
	if err != nil {
		return out, fmt.Errorf("count what stays behind of %s: %w", m.SourceName, err)
	}
	err = s.ask(ctx, func(conn *sql.Conn) error {
		query := "SELECT " + strings.Join(list, ", ") + " FROM " + rows.from + " WHERE " + rows.where
		return Explain(conn.QueryRowContext(ctx, query).Scan(targets...))
	})
	if err != nil {
		return out, fmt.Errorf("count what stays behind of %s: %w", m.SourceName, err)
	}
	return out, nil
}

// CheckFilter asks the server whether it understands a condition over a table.
func (db *DB) CheckFilter(ctx context.Context, table, where string) error {
	rows := selection{from: quote(db.info.Database) + "." + quote(table), where: filtered(where)}
	return db.understands(ctx, "SELECT 1 FROM "+rows.from+" WHERE "+rows.where+" LIMIT 0")
}

func (db *DB) understands(ctx context.Context, query string) error {
	rows, err := db.pool.QueryContext(ctx, query)
	if err != nil {
		return Explain(err)
	}
	defer func() { _ = rows.Close() }() // Err tells of errors
	return Explain(rows.Err())
}
