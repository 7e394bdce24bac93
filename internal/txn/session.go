package txn

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/retry"
	"leap/workloads"
)

// Stats is the account of what one operation's transactions took.
type Stats struct {
	// Transactions counts calls of Tx, Read, QueryRow and Exec that had a
	// connection. Attempts counts how often they were tried, Committed how many
	// of them went through.
	Transactions, Attempts, Committed int
	// RetryCost is the time from a transaction's first attempt to its last:
	// failed attempts, rolling back, and back-off.
	RetryCost time.Duration
	// PoolWait is the time spent waiting for a connection.
	PoolWait time.Duration
	// Failures holds one entry for every attempt that failed, in order, and for
	// a connection that could not be had.
	Failures []Failure
}

// Retries counts the failed attempts that were followed by another.
func (s Stats) Retries() int {
	n := 0
	for _, f := range s.Failures {
		if f.Retried {
			n++
		}
	}
	return n
}

// Session is the [workloads.DB] of one worker: it runs one operation at a time
// and keeps the account of it. It takes a connection from the pool with its
// first transaction and keeps it as long as it is good.
type Session struct {
	pool   *Pool
	random *rand.Rand
	stats  Stats
	held
}

var _ workloads.DB = (*Session)(nil)

// Session returns a new session. One belongs to one goroutine, and to the pool,
// whose Close ends it. It keeps a connection: a pool with fewer of them than
// sessions makes the last ones wait until another is closed.
func (p *Pool) Session() *Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := uint64(len(p.sessions)) + 1
	s := &Session{pool: p, random: rand.New(rand.NewPCG(p.options.Seed, workloads.Scatter(n)))} //nolint:gosec // spreads load, guards nothing
	p.sessions = append(p.sessions, s)
	return s
}

// Close gives the session's connection back to the pool. The session takes
// another when it is used again.
func (s *Session) Close() {
	switch {
	case s.conn == nil:
	case s.release != nil && !s.release(): // its context has broken it off
		s.drop(s.quiet)
	default:
		s.giveBack()
	}
}

// Take returns the account since the last Take and begins a new one.
func (s *Session) Take() Stats {
	taken := s.stats
	s.stats = Stats{}
	return taken
}

// Tx implements [workloads.DB].
func (s *Session) Tx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	conn, began, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer s.settle()
	if s.pool.options.Protocol == CockroachGo {
		return s.cockroachGo(ctx, conn, fn)
	}
	return s.repeat(ctx, began, func() error { return s.plain(ctx, conn, fn) })
}

// Read implements [workloads.DB].
func (s *Session) Read(ctx context.Context, rows func(pgx.Rows) error, sql string, args ...any) error {
	conn, began, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer s.settle()
	guarded := s.guard(ctx)
	return s.repeat(ctx, began, func() error {
		result, err := conn.Query(guarded, sql, args...)
		if err != nil {
			return err
		}
		defer result.Close()
		if err := rows(result); err != nil {
			return errors.Join(err, result.Err())
		}
		result.Close()
		if err := result.Err(); err != nil {
			return err
		}
		return s.inject()
	})
}

// Exec implements [workloads.DB].
func (s *Session) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	conn, began, err := s.acquire(ctx)
	if err != nil {
		return tag, err
	}
	defer s.settle()
	guarded := s.guard(ctx)
	err = s.repeat(ctx, began, func() (err error) {
		// The statement commits itself: only before it can be pretended that
		// it failed.
		if err = s.inject(); err != nil {
			return err
		}
		tag, err = conn.Exec(guarded, sql, args...)
		return s.pool.judgeCommit(err)
	})
	return tag, err
}

// QueryRow implements [workloads.DB].
func (s *Session) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return &lateRow{session: s, ctx: ctx, sql: sql, args: args}
}

// lateRow runs its statement when the values are wanted, so that it can be
// repeated.
type lateRow struct {
	session *Session
	ctx     context.Context //nolint:containedctx // a pgx.Row has no other way to carry it
	sql     string
	args    []any
}

// Scan implements [pgx.Row].
func (r *lateRow) Scan(dest ...any) error {
	s := r.session
	conn, began, err := s.acquire(r.ctx)
	if err != nil {
		return err
	}
	defer s.settle()
	guarded := s.guard(r.ctx)
	return s.repeat(r.ctx, began, func() error {
		if err := conn.QueryRow(guarded, r.sql, r.args...).Scan(dest...); err != nil {
			return err
		}
		return s.inject()
	})
}

// inject fails with the probability that was asked for.
func (s *Session) inject() error {
	if p := s.pool.options.InjectRetries; p > 0 && s.random.Float64() < p {
		return errInjected
	}
	return nil
}

// repeat makes attempts until one succeeds or must not be followed by another.
// The first one begins now.
func (s *Session) repeat(ctx context.Context, now time.Time, attempt func() error) error {
	first := now
	for n := 1; ; n++ {
		s.stats.Attempts++
		err := attempt()
		if err == nil {
			s.stats.Committed++
			return nil
		}
		if !countable(err) {
			return err
		}
		failure := Describe(ctx, err)
		failure.Retried = repeatable(err) && (s.pool.options.MaxAttempts == 0 || n < s.pool.options.MaxAttempts) && ctx.Err() == nil
		if failure.Retried {
			failure.Retried = s.backOff(ctx, n) == nil
		}
		s.stats.Failures = append(s.stats.Failures, failure)
		if !failure.Retried {
			return err
		}
		s.stats.RetryCost += time.Since(first)
		first = time.Now()
	}
}

// countable reports whether an error is a failure of the attempt. The
// application's own words are not: a refusal, a wrong answer, no rows.
func countable(err error) bool {
	if _, ok := errors.AsType[*workloads.Rejection](err); ok {
		return false
	}
	if _, ok := errors.AsType[*workloads.Violation](err); ok {
		return false
	}
	return !errors.Is(err, pgx.ErrNoRows)
}

// The back-off before the n-th repetition is thrown in [0, base*2^n), at most
// the cap: full jitter, which spreads the contenders best (Brooker, "Exponential
// backoff and jitter", 2015). The base is about one transaction on a fast
// network, the cap a noticeable part of a user's patience.
const (
	backOffBase = time.Millisecond
	backOffCap  = 100 * time.Millisecond
)

// backOff waits before the n-th repetition.
func (s *Session) backOff(ctx context.Context, n int) error {
	const steps = 10 // base*2^10 is far above the cap
	limit := min(backOffCap, backOffBase<<min(n, steps))
	timer := time.NewTimer(time.Duration(s.random.Int64N(int64(limit))))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Ambiguous reports whether an error leaves open what became of the
// transaction: ask [workloads.Traffic.Resolve].
func Ambiguous(err error) bool {
	_, ok := errors.AsType[*retry.AmbiguousError](err)
	return ok
}
