package txn

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// held is the connection that a session keeps between its transactions. To take
// it from the pool each time costs a fast operation a tenth of its time, and
// what is measured is then the pool.
type held struct {
	conn *pgxpool.Conn
	used time.Time // when the last transaction began
	// The context of a worker is the same for most of its operations. A driver
	// registers with it for every statement; here that is done once: when it is
	// over, what runs on conn is broken off. See guard.
	context context.Context //nolint:containedctx // told apart from the next one, not used
	quiet   context.Context //nolint:containedctx // the same, without its end
	release func() bool
}

// pingAfter is how long a connection may lie idle before it is asked whether it
// is still there, as the pool does: an operation that finds out itself fails.
const pingAfter = time.Second

// acquire returns the session's connection and the time. It takes one from the
// pool when there is none, and books the wait.
func (s *Session) acquire(ctx context.Context) (*pgx.Conn, time.Time, error) {
	s.stats.Transactions++
	now := time.Now()
	idle := now.Sub(s.used)
	s.used = now
	switch {
	case s.conn == nil:
	case !s.unbind(ctx): // broken off, perhaps after its last answer
		s.drop(ctx)
	case idle < pingAfter:
		return s.conn.Conn(), now, nil
	case s.conn.Ping(ctx) == nil:
		began := time.Now()
		s.stats.PoolWait += began.Sub(now)
		return s.conn.Conn(), began, nil
	default:
		s.drop(ctx)
	}
	conn, err := s.pool.pool.Acquire(ctx)
	began := time.Now()
	s.stats.PoolWait += began.Sub(now)
	if err != nil {
		s.stats.Transactions-- // it never began
		err = &acquireError{err}
		s.stats.Failures = append(s.stats.Failures, Describe(ctx, err))
		return nil, now, err
	}
	s.conn = conn
	return conn.Conn(), began, nil
}

// settle gives a connection back that cannot be used again.
func (s *Session) settle() {
	const idle = 'I' // the protocol's word for "in no transaction"
	if c := s.conn.Conn().PgConn(); c.IsClosed() || c.IsBusy() || c.TxStatus() != idle {
		s.giveBack()
	}
}

// guard returns a context for single statements on the connection. It is never
// over: the end of ctx ends them through the connection.
func (s *Session) guard(ctx context.Context) context.Context {
	if s.context == nil {
		conn := s.conn.Conn().PgConn().Conn()
		s.context, s.quiet = ctx, context.WithoutCancel(ctx)
		s.release = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	}
	return s.quiet
}

// unbind takes the connection out of the hands of any context but ctx. False
// means that such a one has broken it off.
func (s *Session) unbind(ctx context.Context) bool {
	if s.context == nil || s.context == ctx {
		return s.context == nil || ctx.Err() == nil
	}
	intact := s.release()
	s.context, s.quiet, s.release = nil, nil, nil
	return intact
}

// drop closes the connection.
func (s *Session) drop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	_ = s.conn.Conn().Close(ctx)
	s.giveBack()
}

// giveBack returns the connection to the pool, which closes what is not in
// order.
func (s *Session) giveBack() {
	if s.release != nil {
		s.release()
	}
	s.conn.Release()
	s.held = held{used: s.used}
}

// farewell bounds the time in which a connection is closed.
const farewell = time.Second
