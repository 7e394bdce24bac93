package source

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"leap/internal/schema"
)

// Introspect describes the database: its tables with their columns, keys and
// checks, and everything else that lives in it. The server hides what the
// account may not see; Visibility says what that may be.
//
// Each question is asked once for the whole database, so that thousands of
// tables cost as many round trips as one.
func (db *DB) Introspect(ctx context.Context) (*schema.Database, error) {
	conn, err := db.conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("introspect: %w", Explain(err))
	}
	defer func() { _ = conn.Close() }()
	in := &introspection{
		conn:   conn,
		info:   db.info,
		out:    &schema.Database{Name: db.info.Database, Product: db.info.Product, Version: db.info.Version},
		tables: map[string]*schema.Table{},
	}
	steps := []struct {
		what string
		run  func(context.Context) error
	}{
		{"character set", in.readCharset},
		{"tables", in.readTables},
		{"partitions", in.readPartitions},
		{"columns", in.readColumns},
		{"indexes", in.readIndexes},
		{"foreign keys", in.readForeignKeys},
		{"periods", in.readPeriods},
		{"check constraints", in.readChecks},
		{"texts that the catalog garbles", in.restoreTexts},
		{"views", in.readViews},
		{"triggers", in.readTriggers},
		{"routines", in.readRoutines},
		{"events", in.readEvents},
	}
	for _, s := range steps {
		if err := s.run(ctx); err != nil {
			return nil, fmt.Errorf("introspect %s of %s: %w", s.what, db.info.Database, Explain(err))
		}
	}
	return in.out, nil
}

// introspection is one run of Introspect.
type introspection struct {
	conn   *sql.Conn
	info   Info
	out    *schema.Database
	tables map[string]*schema.Table // base tables by exact name
}

// each runs a query that has the database's name as its only parameter and
// calls scan for each row.
func (in *introspection) each(ctx context.Context, query string, scan func(*sql.Rows) error) error {
	rows, err := in.conn.QueryContext(ctx, query, in.out.Name)
	if err != nil {
		return err //nolint:wrapcheck // Introspect says what it was reading
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err() //nolint:wrapcheck // Introspect says what it was reading
}

func (in *introspection) readCharset(ctx context.Context) error {
	return in.each(ctx, "SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
		func(rows *sql.Rows) error {
			var charset string
			err := rows.Scan(&charset)
			in.out.Charset = charsetName(charset)
			return err //nolint:wrapcheck // Introspect says what it was reading
		})
}

func (in *introspection) readTables(ctx context.Context) error {
	const query = `SELECT TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, ''), COALESCE(TABLE_COMMENT, ''),
		COALESCE(AUTO_INCREMENT, 0), COALESCE(TABLE_ROWS, 0), COALESCE(DATA_LENGTH, 0)
		FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME`
	err := in.each(ctx, query, func(rows *sql.Rows) error {
		var kind string
		t := &schema.Table{}
		if err := rows.Scan(&t.Name, &kind, &t.Engine, &t.Comment,
			&t.AutoIncrement, &t.EstimatedRows, &t.EstimatedBytes); err != nil {
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
		switch kind {
		// A system-versioned table of MariaDB is an ordinary one with history behind it.
		case "BASE TABLE", "SYSTEM VERSIONED":
			in.tables[t.Name] = t
			in.out.Tables = append(in.out.Tables, t)
		case "SEQUENCE":
			in.out.Objects = append(in.out.Objects, schema.Object{Kind: schema.Sequence, Name: t.Name})
		}
		return nil
	})
	if err != nil {
		return err
	}
	// The catalog sorts names without regard to case: "a" and "A" would come in any order.
	slices.SortFunc(in.out.Tables, func(a, b *schema.Table) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (in *introspection) readPartitions(ctx context.Context) error {
	const query = `SELECT DISTINCT TABLE_NAME FROM information_schema.PARTITIONS
		WHERE TABLE_SCHEMA = ? AND PARTITION_NAME IS NOT NULL`
	return in.each(ctx, query, func(rows *sql.Rows) error {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err //nolint:wrapcheck // Introspect says what it was reading
		}
		if t := in.tables[name]; t != nil {
			t.Partitioned = true
		}
		return nil
	})
}
