package bank

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
)

// ddl holds one statement per file, so that nothing here has to split SQL.
//
//go:embed ddl
var ddl embed.FS

const (
	// rowsPerInsert is where the server's cost per statement stops mattering.
	rowsPerInsert = 1000
	// bytesPerInsert stays well below the smallest default
	// max_allowed_packet (16 MiB on MariaDB); only tables with documents
	// reach it before rowsPerInsert.
	bytesPerInsert = 1 << 20
)

// sessionSettings make the session independent of the server's defaults: the
// literals of row need backslash escapes, UTF-8 and UTC; strict mode turns a
// value that does not fit into an error. The two checks would only slow down
// the load of data that is right by construction.
var sessionSettings = []string{
	"SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci",
	"SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'",
	"SET SESSION time_zone = '+00:00'",
	"SET SESSION foreign_key_checks = 0",
	"SET SESSION unique_checks = 0",
}

// loader writes tables over one connection whose session it has changed.
type loader struct {
	conn     *sql.Conn
	progress func(table string, rows int)
}

func openLoader(ctx context.Context, db *sql.DB, progress func(string, int)) (*loader, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if progress == nil {
		progress = func(string, int) {}
	}
	ld := &loader{conn: conn, progress: progress}
	for _, s := range sessionSettings {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", s, err), ld.close())
		}
	}
	return ld, nil
}

// close ends the connection for good. Were it to go back to the pool, its next
// user would work without foreign-key checks and not know.
func (ld *loader) close() error {
	err := ld.conn.Raw(func(any) error { return driver.ErrBadConn })
	if err != nil && !errors.Is(err, driver.ErrBadConn) && !errors.Is(err, sql.ErrConnDone) {
		return fmt.Errorf("close loading connection: %w", err)
	}
	return nil
}

// create runs the one statement of an embedded file.
func (ld *loader) create(ctx context.Context, file string) error {
	stmt, err := ddl.ReadFile(file)
	if err != nil {
		return err
	}
	_, err = ld.conn.ExecContext(ctx, string(stmt))
	return err
}

// createObjects makes the view, the procedure and the trigger.
func (ld *loader) createObjects(ctx context.Context) error {
	const dir = "ddl/objects"
	files, err := ddl.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := ld.create(ctx, dir+"/"+f.Name()); err != nil {
			return fmt.Errorf("create %s: %w", f.Name(), err)
		}
	}
	return nil
}

// fill writes a table's rows in one transaction.
func (ld *loader) fill(ctx context.Context, gen *generator, t table) (err error) {
	if t.rows == 0 {
		return nil
	}
	tx, err := ld.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// The load's error is the one that matters; the connection is
			// thrown away whatever the rollback says.
			_ = tx.Rollback()
		}
	}()
	head := "INSERT INTO `" + t.name + "` (" + t.columns + ") VALUES\n"
	r := &row{buf: make([]byte, 0, bytesPerInsert+bytesPerInsert/4)}
	r.buf = append(r.buf, head...)
	for i := range t.rows {
		r.dice = gen.dice(t.name, i)
		r.begin()
		t.fill(gen, i, r)
		r.end()
		last := i == t.rows-1
		if !last && (i+1)%rowsPerInsert != 0 && len(r.buf) < bytesPerInsert {
			r.buf = append(r.buf, ",\n"...)
			continue
		}
		if _, err := tx.ExecContext(ctx, string(r.buf)); err != nil {
			return fmt.Errorf("rows up to %d: %w", i, err)
		}
		ld.progress(t.name, i+1)
		r.buf = append(r.buf[:0], head...)
	}
	return tx.Commit()
}
