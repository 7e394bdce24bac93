package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// dump writes the rows as COPY text for psql, from a copy made by migrate.
func (b *bench) dump(ctx context.Context) error {
	const db = "bench_dump"
	if err := b.dest.Exec(ctx, "", "CREATE DATABASE "+db); err != nil {
		return err
	}
	if err := b.prepare(ctx, db); err != nil {
		return err
	}
	if _, err := b.copyOnce(ctx, db); err != nil {
		return err
	}
	return errors.Join(b.dumpTable(ctx, db), b.dest.Exec(ctx, "", "DROP DATABASE "+db))
}

// part is one of as many files as there are connections.
func (b *bench) part(i int) string {
	return filepath.Join(b.dir, fmt.Sprintf("%s.%d.copy", tableName, i))
}

// runPsql copies a file on each connection.
func (b *bench) runPsql(ctx context.Context, db string) (measurement, error) {
	return b.psqls(ctx, db, func(copyPart string) []string { return []string{copyPart} })
}

// runAtomic does the same, each file in a transaction: what CockroachDB makes of
// \copy by itself since 22.2 (https://github.com/cockroachdb/cockroach/pull/85986).
func (b *bench) runAtomic(ctx context.Context, db string) (measurement, error) {
	return b.psqls(ctx, db, func(copyPart string) []string { return []string{"BEGIN", copyPart, "COMMIT"} })
}

// psqls runs a psql for each connection, with what commands makes of its copying.
func (b *bench) psqls(ctx context.Context, db string, commands func(copyPart string) []string) (measurement, error) {
	if err := b.prepare(ctx, db); err != nil {
		return measurement{}, err
	}
	var clients []func(context.Context) (measurement, error)
	for i := range b.workers {
		clients = append(clients, func(ctx context.Context) (measurement, error) {
			return psql(ctx, b.dest.URL(db), commands(`\copy `+tableName+` from '`+b.part(i)+`'`)...)
		})
	}
	m, err := together(ctx, clients)
	if err != nil {
		return m, err
	}
	return m, b.checkCount(ctx, db, tableName)
}

// psql runs commands one after the other in one session.
func psql(ctx context.Context, url string, commands ...string) (measurement, error) {
	args := []string{"-X", "-q", "-v", "ON_ERROR_STOP=1", url}
	for _, c := range commands {
		args = append(args, "-c", c)
	}
	return client(ctx, "psql", args...)
}

// runPlainImport has the cluster fetch the file, without migrate.
func (b *bench) runPlainImport(ctx context.Context, db string) (measurement, error) {
	if err := b.prepare(ctx, db); err != nil {
		return measurement{}, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return measurement{}, err
	}
	const patience = 10 * time.Second
	server := &http.Server{Handler: http.HandlerFunc(b.serveParts), ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(listener) }() // until Close
	defer func() { _ = server.Close() }()
	m, err := psql(ctx, b.dest.URL(db), "IMPORT INTO "+tableName+" PGCOPY DATA ('http://"+listener.Addr().String()+"/rows') WITH max_row_size = '256MB'")
	if err != nil {
		return m, err
	}
	return m, b.checkCount(ctx, db, tableName)
}

// serveParts sends all parts as one file.
func (b *bench) serveParts(w http.ResponseWriter, r *http.Request) {
	size := int64(0)
	for i := range b.workers {
		info, err := os.Stat(b.part(i))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		size += info.Size()
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	if r.Method == http.MethodHead {
		return
	}
	for i := range b.workers {
		file, err := os.Open(b.part(i))
		if err != nil {
			return // the length tells the reader
		}
		_, err = io.Copy(w, file)
		if err = errors.Join(err, file.Close()); err != nil {
			return
		}
	}
}

// runPgloader loads the table with pgloader's defaults and as many workers.
func (b *bench) runPgloader(ctx context.Context, path, db string) (measurement, error) {
	script := fmt.Sprintf("LOAD DATABASE FROM %s INTO %s\n WITH include drop, create tables, workers = %d, concurrency = 1\n",
		b.source.URL(database), b.dest.URL(db), b.workers)
	file := filepath.Join(b.dir, "load")
	if err := os.WriteFile(file, []byte(script+";\n"), 0o600); err != nil {
		return measurement{}, err
	}
	m, err := client(ctx, path, "--root-dir", b.dir, file)
	if err != nil {
		return m, err
	}
	// pgloader puts the table into a schema named after the source database.
	return m, b.checkCount(ctx, db, database+"."+tableName)
}

// checkCount refuses a rival's figure when rows are missing.
func (b *bench) checkCount(ctx context.Context, db, table string) error {
	handle, err := b.dest.DB(ctx, db)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Close() }()
	var n int
	if err := handle.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		return err
	}
	if n != b.rows {
		return fmt.Errorf("%d rows arrived of %d", n, b.rows)
	}
	return nil
}
