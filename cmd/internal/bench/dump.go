package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
)

// dumpTable writes the table's rows as COPY text, in as many files as there are
// connections. CockroachDB has no COPY TO, so the rows are read with a query
// there and here alike.
func (b *bench) dumpTable(ctx context.Context, db string) (err error) {
	handle, err := b.dest.DB(ctx, db)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Close() }()
	rows, err := handle.QueryContext(ctx, "SELECT * FROM "+tableName+" ORDER BY id")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for i := range b.workers {
		share := b.rows*(i+1)/b.workers - b.rows*i/b.workers
		if err := dumpRows(rows, b.part(i), share); err != nil {
			return err
		}
	}
	return rows.Err()
}

var escape = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// dumpRows writes the next rows to a file.
func dumpRows(rows *sql.Rows, path string, most int) (err error) {
	file, err := os.Create(path) //nolint:gosec // in a folder of our own
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]*string, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	out := bufio.NewWriterSize(file, 1<<20)
	for n := 0; n < most && rows.Next(); n++ {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		for i, v := range values {
			if i > 0 {
				_ = out.WriteByte('\t') // Flush tells of errors
			}
			if v == nil {
				_, _ = out.WriteString(`\N`)
			} else {
				_, _ = escape.WriteString(out, *v)
			}
		}
		_ = out.WriteByte('\n')
	}
	return out.Flush()
}
