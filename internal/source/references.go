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

// Broken is what References found.
type Broken struct {
	// Rows refer to something, Wrong of them to nothing that is moved.
	Rows, Wrong int64
	Keys        []row.Key // of some of them
}

// References counts the rows of a table's mapping, those that are moved, that
// refer by a foreign key to a row that is not there, or that is not moved with
// to, the table they refer to; nil for all of that table. A NULL in any of the
// columns refers to nothing.
func (s *Snapshot) References(ctx context.Context, m *schema.Mapping, key schema.Hop, to *schema.Mapping) (out Broken, err error) {
	path, condition, filter := []schema.Hop{key}, "TRUE", ""
	if to != nil {
		filter = to.Filter
	}
	if to != nil && to.Slice != nil {
		path = append(path, to.Slice.Path...)
		if condition, err = owned(parent+strconv.Itoa(len(path)), to.Slice); err != nil {
			return out, err
		}
	}
	arrives := existsIn(quote(m.SourceName), path, filter, condition)
	rows, err := partRows(m, row.Range{})
	if err != nil {
		return out, err
	}
	for _, c := range key.Columns {
		rows.where += " AND " + quote(c) + " IS NOT NULL"
	}
	err = s.ask(ctx, func(conn *sql.Conn) (failure error) {
		query := "SELECT COUNT(*), COALESCE(SUM(NOT " + arrives + "), 0) FROM " + rows.from + " WHERE " + rows.where
		if failure = conn.QueryRowContext(ctx, query).Scan(&out.Rows, &out.Wrong); failure != nil {
			return Explain(failure)
		}
		if out.Wrong == 0 {
			return nil
		}
		columns := []string{"1"}
		if len(m.Key) > 0 {
			columns = nil
		}
		for _, c := range m.KeyColumns() {
			columns = append(columns, scanExpression(c))
		}
		query = "SELECT " + strings.Join(columns, ", ") + " FROM " + rows.from + " WHERE " + rows.where + " AND NOT " + arrives +
			" LIMIT " + strconv.Itoa(maxStrays)
		return eachKey(ctx, conn, query, m, func(k row.Key, _ []sql.NullString) { out.Keys = append(out.Keys, k) })
	})
	if err != nil {
		return out, fmt.Errorf("check where %s (%s) leads: %w", m.SourceName, strings.Join(key.Columns, ", "), err)
	}
	return out, nil
}
