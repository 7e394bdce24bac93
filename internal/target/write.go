package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/retry"
	"leap/internal/schema"
)

// Tx is an open transaction or a plain connection; it runs statements for the
// checkpoint and the DDL.
type Tx struct{ q querier }

type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (commandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.q.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

// Each calls fn for every row of a query; scan copies the row's columns.
func (t *Tx) Each(ctx context.Context, query string, args []any, fn func(scan func(dest ...any) error) error) error {
	rows, err := t.q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// WriteChunk makes one attempt to write rows and their record in one
// transaction. data is COPY text from this mapping's Encoder;
// record runs first, so that its primary key fences off a second writer before
// any row is sent. When the connection breaks at COMMIT the error is a
// *retry.AmbiguousError: ask the checkpoint what happened.
func (d *DB) WriteChunk(ctx context.Context, m *schema.Mapping, data []byte, record func(*Tx) error) error {
	return d.writeChunk(ctx, record, func(conn *pgxpool.Conn) error { return copyIn(ctx, conn, m, data) })
}

func (d *DB) writeChunk(ctx context.Context, record func(*Tx) error, rows func(*pgxpool.Conn) error) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to the target: %w", Explain(err))
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, d.idle.writing(d.chunkIsolation()))
	if err != nil {
		return fmt.Errorf("begin: %w", Explain(err))
	}
	defer rollback(ctx, tx)
	if err := record(&Tx{tx}); err != nil {
		return err
	}
	if err := rows(conn); err != nil {
		return err
	}
	return commit(ctx, tx)
}

// chunkIsolation is what the fences of a chunk need: a unique key and a locked
// row, which hold in every isolation level. PostgreSQL would look for
// conflicting readers at each of the rows; CockroachDB has long had no other
// level than serializable.
func (d *DB) chunkIsolation() pgx.TxIsoLevel {
	if d.caps.Cockroach {
		return pgx.Serializable
	}
	return pgx.ReadCommitted
}

// Try writes rows and rolls back: it returns what the server says of them.
func (d *DB) Try(ctx context.Context, m *schema.Mapping, data []byte) error {
	return d.try(ctx, func(conn *pgxpool.Conn) error { return copyIn(ctx, conn, m, data) })
}

func (d *DB) try(ctx context.Context, rows func(*pgxpool.Conn) error) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to the target: %w", Explain(err))
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, d.idle.writing(d.chunkIsolation()))
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer rollback(ctx, tx)
	return rows(conn)
}

// copyIn sends the rows. The number of rows that the server counted must be
// the number of lines sent: a COPY that stops early is not an error to it.
func copyIn(ctx context.Context, conn *pgxpool.Conn, m *schema.Mapping, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	tag, err := conn.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(data), copyStatement(m))
	if err != nil {
		return fmt.Errorf("copy into %s: %w", m.Name, Explain(err))
	}
	if sent := int64(bytes.Count(data, []byte{'\n'})); tag.RowsAffected() != sent {
		return fmt.Errorf("copy into %s: the server counted %d rows of %d", m.Name, tag.RowsAffected(), sent)
	}
	return nil
}

func copyStatement(m *schema.Mapping) string {
	var names []string
	for _, c := range m.Copied() {
		names = append(names, Quote(c.Name))
	}
	return "COPY " + qualified(m) + " (" + strings.Join(names, ", ") + ") FROM STDIN"
}

// Transaction runs fn in a serializable transaction and repeats it when the
// server asks for that; fn must not keep anything from an earlier attempt.
// After a commit of unknown outcome it is repeated too, so fn must be
// idempotent.
func (d *DB) Transaction(ctx context.Context, fn func(*Tx) error) error {
	const patience = 30 * time.Second
	return retry.Do(ctx, retry.Policy{For: patience}, func() error {
		tx, err := d.pool.BeginTx(ctx, d.idle.writing(pgx.Serializable))
		if err != nil {
			return fmt.Errorf("begin: %w", Explain(err))
		}
		defer rollback(ctx, tx)
		if err = fn(&Tx{tx}); err != nil {
			return err
		}
		return repeatable(commit(ctx, tx))
	})
}

// repeatable makes a commit of unknown outcome one that retry.Do repeats: what
// was to be done is idempotent, or finds out what there is.
func repeatable(err error) error {
	ambiguous, ok := errors.AsType[*retry.AmbiguousError](err)
	if !ok {
		return err
	}
	if retry.Classify(ambiguous.Err) == retry.Ambiguous {
		return &unknownError{ambiguous.Err}
	}
	return ambiguous.Err // a lost connection, or the end of the context
}

// unknownError carries the server's word that it does not know, 40003, through
// retry.Do. It does not unwrap to it.
type unknownError struct{ err error }

func (e *unknownError) Error() string  { return "commit: " + e.err.Error() }
func (*unknownError) SQLState() string { return "40001" }

// commit commits. Only a definite answer of the server counts as one; classes
// 08 and 57P tell of a connection or a server that ended meanwhile, and 57014 of a
// statement_timeout, with which CockroachDB answers commits that are there.
func commit(ctx context.Context, tx pgx.Tx) error {
	err := tx.Commit(ctx)
	if err == nil {
		return nil
	}
	code := retry.SQLState(err)
	if code == "" || code == "40003" || code == interruptedState || strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P") {
		return &retry.AmbiguousError{Err: err}
	}
	return fmt.Errorf("commit: %w", err)
}

// rollback ends a transaction that was not committed; after a commit it does
// nothing. It gets a moment of its own, since ctx may be over.
func rollback(ctx context.Context, tx pgx.Tx) {
	const moment = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
	defer cancel()
	_ = tx.Rollback(ctx) // a broken connection rolls back by itself
}

// Clear empties a table of the plan between before and after, all in one
// transaction: before may refuse it. It is repeated as Transaction says.
// (CockroachDB takes no TRUNCATE after a statement that wrote.)
func (d *DB) Clear(ctx context.Context, m *schema.Mapping, before, after func(*Tx) error) error {
	return d.Transaction(ctx, func(tx *Tx) error {
		if err := before(tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "TRUNCATE TABLE "+qualified(m)); err != nil {
			return fmt.Errorf("empty %s: %w", m.Name, Explain(err))
		}
		return after(tx)
	})
}

// Count returns how many rows a table of the plan holds.
func (d *DB) Count(ctx context.Context, m *schema.Mapping) (int64, error) {
	var n int64
	if err := d.pool.QueryRow(ctx, "SELECT count(*) FROM "+qualified(m)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the rows of %s: %w", m.Name, Explain(err))
	}
	return n, nil
}

// Store runs statements for the checkpoint outside a transaction.
func (d *DB) Store() *Tx { return &Tx{d.pool} }
