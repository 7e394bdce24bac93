// Package bank makes the sample legacy database: an open-banking MySQL schema
// as it looks after twelve years and four teams, filled with repeatable data
// of three tenants. The demo, the benchmarks and the tests migrate it.
//
// It owns the schema (folder ddl) and the content. It opens no connection and
// knows no driver: callers hand in a [sql.DB].
package bank

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// defaultRows is big enough that a copy takes seconds and every table needs
// several chunks at small chunk sizes, and small enough for a laptop.
const defaultRows = 220_000

// Options says how much data [Create] makes. The zero value is useful.
type Options struct {
	// Rows is the number of rows over all tables; 0 means 220,000. Reference
	// tables (holidays, settings) do not shrink, so below about 3,000 the
	// database holds more rows than asked for.
	Rows int
	// Seed chooses the content. Equal Rows and Seed give equal content.
	Seed uint64
	// Progress is called from Create's goroutine after every statement with
	// the rows written to the table so far. It may be nil.
	Progress func(table string, rows int)
}

// TableCount is a table's name and its number of rows.
type TableCount struct {
	Name string
	Rows int64
}

// Summary says what [Create] made.
type Summary struct {
	Tables []TableCount // in creation order: parents before children
	Rows   int64        // over all tables
}

// Create makes the tables, the view, the procedure and the trigger in the
// handle's current database and fills the tables.
//
// The database must not hold tables of the same names. The account needs the
// right to create triggers and routines, which on a MySQL with a binary log
// means SUPER or log_bin_trust_function_creators. After an error the database
// is left as far as Create got; drop it and begin again.
func Create(ctx context.Context, db *sql.DB, opts Options) (sum Summary, err error) {
	if opts.Rows < 0 {
		return Summary{}, fmt.Errorf("bank: %d rows asked for", opts.Rows)
	}
	if opts.Rows == 0 {
		opts.Rows = defaultRows
	}
	ld, err := openLoader(ctx, db, opts.Progress)
	if err != nil {
		return Summary{}, fmt.Errorf("bank: %w", err)
	}
	defer func() { err = errors.Join(err, ld.close()) }()

	gen := &generator{seed: opts.Seed, n: sizesFor(opts.Rows)}
	for _, t := range gen.tables() {
		if err := ld.create(ctx, "ddl/"+t.name+".sql"); err != nil {
			return Summary{}, fmt.Errorf("bank: create table %s: %w", t.name, err)
		}
		if err := ld.fill(ctx, gen, t); err != nil {
			return Summary{}, fmt.Errorf("bank: fill table %s: %w", t.name, err)
		}
		sum.Tables = append(sum.Tables, TableCount{Name: t.name, Rows: int64(t.rows)})
		sum.Rows += int64(t.rows)
	}
	// Last, because the trigger must not see the load.
	if err := ld.createObjects(ctx); err != nil {
		return Summary{}, fmt.Errorf("bank: %w", err)
	}
	return sum, nil
}
