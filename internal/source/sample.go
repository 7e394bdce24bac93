package source

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"leap/internal/row"
	"leap/internal/schema"
)

// sampleSlack is how many times larger than asked for a sample may turn out:
// many rows may share the leading part of a key at which it is cut.
const sampleSlack = 4

// Sample returns a range with about the first rows of a table; an open range
// where the table has no more. It is false when no such range can be named:
// the table is larger and its rows cannot be told apart by a key.
func (s *Snapshot) Sample(ctx context.Context, m *schema.Mapping, rows int) (sample row.Range, ok bool, err error) {
	err = s.with(ctx, func(conn *sql.Conn) error {
		sample, ok, err = samplePrefix(ctx, conn, m, rows)
		return err
	})
	if err != nil {
		return sample, false, fmt.Errorf("sample %s: %w", m.SourceName, err)
	}
	return sample, ok, nil
}

func samplePrefix(ctx context.Context, conn *sql.Conn, m *schema.Mapping, rows int) (row.Range, bool, error) {
	var prefix row.Range
	if key := OrderKey(m); len(key) > 0 {
		upTo, err := keyAt(ctx, conn, m, key, rows-1)
		if err != nil {
			return prefix, false, err
		}
		prefix.UpTo = upTo
	}
	chosen, err := partRows(m, prefix)
	if err != nil {
		return prefix, false, err
	}
	most, n := rows*sampleSlack, 0
	query := "SELECT COUNT(*) FROM (SELECT 1 FROM " + chosen.from + " WHERE " + chosen.where +
		" LIMIT " + strconv.Itoa(most+1) + ") AS sample"
	if err := conn.QueryRowContext(ctx, query).Scan(&n); err != nil {
		return prefix, false, Explain(err)
	}
	return prefix, n <= most, nil
}

// keyAt is the order key of the row at that place; nil beyond the last.
func keyAt(ctx context.Context, conn *sql.Conn, m *schema.Mapping, key []schema.ColumnMapping, offset int) (row.Key, error) {
	query, err := selectRange(m, readExpressions(key), row.Range{})
	if err != nil {
		return nil, err
	}
	query += " LIMIT 1 OFFSET " + strconv.Itoa(offset)
	cells, keys := newCells(key), row.NewKeyReader(key, key)
	var out row.Key
	err = stream(ctx, conn, query, func(texts [][]byte) error {
		r, takeErr := cells.take(texts)
		if takeErr == nil {
			out = keys.Key(r)
		}
		return takeErr
	})
	return out, err
}
