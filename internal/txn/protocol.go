package txn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/cockroach-go/v2/crdb"
	crdbpgx "github.com/cockroachdb/cockroach-go/v2/crdb/crdbpgxv5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// serializable is said for every transaction, though it is the connection's
// default: a proxy between may have reset that.
var serializable = pgx.TxOptions{IsoLevel: pgx.Serializable}

// plain makes one attempt with BEGIN and COMMIT.
func (s *Session) plain(ctx context.Context, conn *pgx.Conn, fn func(tx pgx.Tx) error) error {
	tx, err := conn.BeginTx(ctx, serializable)
	if err != nil {
		return err
	}
	if err = fn(tx); err == nil {
		err = s.inject()
	}
	if err != nil {
		rollback(ctx, tx)
		return err
	}
	return s.pool.judgeCommit(tx.Commit(ctx))
}

// cockroachGo runs a transaction through cockroach-go, which repeats it by
// itself and tells nobody. What it does is observed from both sides: attempts
// where it calls fn, failures there and in its own statements.
func (s *Session) cockroachGo(ctx context.Context, conn *pgx.Conn, fn func(tx pgx.Tx) error) error {
	o := &observer{ctx: ctx, session: s}
	ctx = crdb.WithMaxRetries(ctx, 0) // 0 is no limit there; MaxAttempts is kept below
	err := crdbpgx.ExecuteTx(ctx, observedConn{conn, o}, serializable, func(pgx.Tx) error {
		if err := o.begin(); err != nil {
			return err
		}
		err := fn(o.tx)
		if err == nil {
			err = s.inject()
		}
		o.note(err)
		return err
	})
	if o.attempts == 0 {
		s.stats.Attempts++ // BEGIN or SAVEPOINT failed
	}
	if err == nil {
		s.stats.Committed++
		return nil
	}
	if exceeded, ok := errors.AsType[*exceededError](err); ok {
		err = exceeded.last
	}
	switch {
	case o.last != nil:
		s.stats.Failures[len(s.stats.Failures)-1].Retried = false // nothing came after it
	case countable(err): // of BEGIN or SAVEPOINT
		s.stats.Failures = append(s.stats.Failures, Describe(ctx, err))
	}
	return s.pool.releaseError(err)
}

// releaseError undoes what cockroach-go does to every error of RELEASE but
// 40001: only where the answer is missing is the outcome unknown.
func (p *Pool) releaseError(err error) error {
	ambiguous, ok := errors.AsType[*crdb.AmbiguousCommitError](err)
	if !ok {
		if _, restart := errors.AsType[*crdb.TxnRestartError](err); restart {
			return fmt.Errorf("restart: %w", errors.Unwrap(err)) // not committed
		}
		return err
	}
	return p.judgeCommit(errors.Unwrap(ambiguous))
}

// observer watches one transaction of cockroach-go.
type observer struct {
	ctx      context.Context //nolint:containedctx // cockroach-go hands none to what it calls
	session  *Session
	tx       pgx.Tx // the real one
	attempts int
	last     error     // of the attempt before this one
	began    time.Time // the attempt
}

// begin counts an attempt, or ends the transaction when there were enough.
func (o *observer) begin() error {
	s := o.session
	limit := s.pool.options.MaxAttempts
	if limit > 0 && o.attempts >= limit {
		return &exceededError{o.last}
	}
	now := time.Now()
	if o.attempts > 0 {
		s.stats.RetryCost += now.Sub(o.began)
	}
	o.attempts++
	o.began, o.last = now, nil
	s.stats.Attempts++
	return nil
}

// note books the failure of an attempt.
func (o *observer) note(err error) {
	if err == nil || !countable(err) {
		return
	}
	o.last = err
	f := Describe(o.ctx, err)
	f.Retried = repeatable(err)
	o.session.stats.Failures = append(o.session.stats.Failures, f)
}

// observedConn gives cockroach-go a transaction that it does not know is watched.
type observedConn struct {
	conn *pgx.Conn
	o    *observer
}

// Begin is part of crdbpgx.Conn.
func (c observedConn) Begin(ctx context.Context) (pgx.Tx, error) { return c.BeginTx(ctx, serializable) }

// BeginTx is part of crdbpgx.Conn.
func (c observedConn) BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error) {
	tx, err := c.conn.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	c.o.tx = tx
	return observedTx{tx, c.o}, nil
}

// observedTx sees the statements that cockroach-go runs itself.
type observedTx struct {
	pgx.Tx
	o *observer
}

// Exec runs one of cockroach-go's statements.
func (t observedTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := t.Tx.Exec(ctx, sql, args...)
	if strings.HasPrefix(sql, "RELEASE") {
		t.o.note(err)
	}
	return tag, err
}

// Rollback gets a moment of its own: the context may be over.
func (t observedTx) Rollback(ctx context.Context) error {
	rollback(ctx, t.Tx)
	return nil
}

// exceededError ends a transaction. It does not unwrap: cockroach-go would
// find the 40001 in it and go on.
type exceededError struct{ last error }

func (e *exceededError) Error() string { return e.last.Error() }
