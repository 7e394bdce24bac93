package bank

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// wideBatch is how many rows one statement of CreateWide makes. It bounds the
// server's transaction.
const wideBatch = 100_000

// CreateWide makes the benchmarks' table in the handle's current database: a
// bigint AUTO_INCREMENT key and eight more columns, about 130 bytes per row as
// text. The ids are 1 to rows; a row's content follows from its id. The server
// makes the rows itself, which is several times faster than sending them.
//
// The table must not exist. After an error it is left as far as it got.
func CreateWide(ctx context.Context, db *sql.DB, table string, rows int) (err error) {
	if rows < 0 {
		return fmt.Errorf("bank: %d rows asked for", rows)
	}
	ld, err := openLoader(ctx, db, nil)
	if err != nil {
		return fmt.Errorf("bank: %w", err)
	}
	defer func() { err = errors.Join(err, ld.close()) }()

	name := "`" + strings.ReplaceAll(table, "`", "``") + "`"
	if err := ld.runWide(ctx, "ddl/wide.sql", "{table}", name); err != nil {
		return fmt.Errorf("bank: create table %s: %w", table, err)
	}
	if err := ld.numbers(ctx, min(rows, wideBatch)); err != nil {
		return fmt.Errorf("bank: numbers for table %s: %w", table, err)
	}
	for after := 0; after < rows; after += wideBatch {
		upTo := min(after+wideBatch, rows)
		err := ld.runWide(ctx, "ddl/wide_rows.sql", "{after}", strconv.Itoa(after), "{upto}", strconv.Itoa(upTo), "{table}", name)
		if err != nil {
			return fmt.Errorf("bank: fill table %s up to row %d: %w", table, upTo, err)
		}
	}
	return nil
}

// runWide runs an embedded statement with its placeholders replaced. They
// stand for identifiers and for numbers made here, which SQL parameters cannot
// be or need not be.
func (ld *loader) runWide(ctx context.Context, file string, oldNew ...string) error {
	stmt, err := ddl.ReadFile(file)
	if err != nil {
		return err
	}
	_, err = ld.conn.ExecContext(ctx, strings.NewReplacer(oldNew...).Replace(string(stmt)))
	return err
}

// numbers makes a temporary table that counts from 1 to n; it goes with the
// connection. Reading it in key order feeds the INSERT without sorting and
// needs neither a sequence engine (MariaDB only) nor a recursive query (limited
// in depth by default).
func (ld *loader) numbers(ctx context.Context, n int) error {
	_, err := ld.conn.ExecContext(ctx, "CREATE TEMPORARY TABLE bank_numbers (n int NOT NULL PRIMARY KEY) ENGINE=InnoDB")
	if err != nil || n == 0 {
		return err
	}
	stmt := []byte("INSERT INTO bank_numbers (n) VALUES ")
	for i := 1; i <= n; i++ {
		stmt = append(stmt, '(')
		stmt = strconv.AppendInt(stmt, int64(i), 10)
		stmt = append(stmt, "),"...)
	}
	_, err = ld.conn.ExecContext(ctx, string(stmt[:len(stmt)-1]))
	return err
}
