// Package txn runs a workload's transactions on CockroachDB or PostgreSQL and
// keeps account of what that took: attempts, the reason of every failed one,
// the time that was lost with them, the wait for a connection.
//
// It repeats serialisation failures and deadlocks only, because their
// transactions are known to be rolled back and the client did nothing wrong. A
// broken connection or a server that is going away is an error of the
// operation: an outage belongs in the report, not behind a retry. A commit
// whose outcome nobody knows becomes a [retry.AmbiguousError].
//
// The package knows nothing of operations, mixes or latency.
package txn

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"leap/internal/fault"
	"leap/workloads"
)

// Protocol says how a transaction is begun, committed and repeated.
type Protocol string

// The protocols.
const (
	// Plain is BEGIN and COMMIT; a failed attempt is rolled back whole and
	// repeated after a jittered back-off. It takes two round trips besides
	// the statements and works on every server.
	Plain Protocol = "plain"
	// CockroachGo is crdbpgxv5.ExecuteTx of cockroach-go: SAVEPOINT
	// cockroach_restart, RELEASE, ROLLBACK TO. It takes four round trips and
	// keeps the transaction's priority over attempts; it never waits between
	// them.
	CockroachGo Protocol = "cockroach-go"
)

// Options say how transactions are run. The zero value is useful.
type Options struct {
	Protocol Protocol // empty means Plain
	// MaxAttempts bounds the attempts of one transaction; 0 leaves that to the
	// context. (cockroach-go's own default of 50 retries is switched off.)
	MaxAttempts int
	// InjectRetries is the probability, from 0 to below 1, with which an
	// attempt fails with a 40001 of our own making after its work is done and
	// before it is committed. Injected failures are counted apart.
	InjectRetries float64
	// Seed makes the injected failures repeatable for one session. Back-off
	// draws from the same source.
	Seed uint64
	// Tracer, if set, sees every statement at the driver.
	Tracer pgx.QueryTracer
}

// Validate says what is wrong with the options.
func (o Options) Validate() error {
	switch {
	case o.Protocol != "" && o.Protocol != Plain && o.Protocol != CockroachGo:
		return fault.New(fault.Usage, fmt.Sprintf("use %s or %s", Plain, CockroachGo), "there is no protocol %q", o.Protocol)
	case !(o.InjectRetries >= 0 && o.InjectRetries < 1):
		return fault.New(fault.Usage, "use a probability such as 0.1", "retries cannot be injected with a probability of %v", o.InjectRetries)
	case o.MaxAttempts < 0:
		return fault.New(fault.Usage, "use 0 for no bound", "%d attempts make no sense", o.MaxAttempts)
	}
	return nil
}

// Pool holds the connections of a run.
type Pool struct {
	pool      *pgxpool.Pool
	options   Options
	cockroach bool

	mu       sync.Mutex // guards sessions
	sessions []*Session
}

// isolation makes statements outside a transaction serializable too, on
// servers whose default is less.
const isolation = "SET default_transaction_isolation = 'serializable'"

// Open connects. config says where to and how many connections there may be;
// Open decides how they are used.
func Open(ctx context.Context, config *pgxpool.Config, options Options) (*Pool, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	if options.Protocol == "" {
		options.Protocol = Plain
	}
	config = config.Copy()
	// The same few statements run all the time: prepare each once per
	// connection. Tables of a run do not change under it.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	config.ConnConfig.Tracer = options.Tracer
	config.ConnConfig.DialFunc = dialWire(config.ConnConfig.DialFunc)
	// A connection that is closed for its age or idleness costs somebody a
	// dial in the middle of the measurement.
	config.MaxConnLifetime, config.MaxConnIdleTime = 24*time.Hour, 24*time.Hour
	before := config.AfterConnect
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		if before != nil {
			if err := before(ctx, c); err != nil {
				return err
			}
		}
		_, err := c.PgConn().Exec(ctx, isolation).ReadAll()
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	p := &Pool{pool: pool, options: options}
	if err := p.discover(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return p, nil
}

// discover finds out who answers, and refuses a protocol that would lie there.
func (p *Pool) discover(ctx context.Context) error {
	var version string
	if err := p.pool.QueryRow(ctx, "SELECT version()").Scan(&version); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	p.cockroach = strings.HasPrefix(version, "CockroachDB")
	if p.options.Protocol == CockroachGo && !p.cockroach {
		// There, RELEASE commits nothing, and cockroach-go ignores what COMMIT
		// says: transactions that were rolled back would count as committed.
		return fault.New(fault.Usage, "use the protocol plain",
			"the protocol cockroach-go works on CockroachDB only, and this is %s", version)
	}
	return nil
}

// Cockroach reports whether the server is CockroachDB, and not its stand-in.
func (p *Pool) Cockroach() bool { return p.cockroach }

// Pool returns the connections themselves, for what is not under load: loading,
// preparing, looking at the server.
func (p *Pool) Pool() *pgxpool.Pool { return p.pool }

// Close closes all connections, those of the sessions as well: none of them may
// be running anything.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sessions {
		s.Close()
	}
	p.pool.Close()
}

// warmAtOnce is how many connections are opened at a time: TLS handshakes of
// more than that make a server's accept queue overflow.
const warmAtOnce = 100

// Warm opens n connections, so that no operation pays for a dial.
func (p *Pool) Warm(ctx context.Context, n int) error {
	n = min(n, int(p.pool.Config().MaxConns))
	var mu sync.Mutex // guards held
	var held []*pgxpool.Conn
	defer func() {
		for _, c := range held {
			c.Release()
		}
	}()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(warmAtOnce)
	for range n {
		group.Go(func() error {
			c, err := p.pool.Acquire(ctx)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			held = append(held, c)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("open %d connections: %w", n, err)
	}
	return nil
}

// Snapshot calls fn with one consistent view of the data that neither waits
// for writers nor makes them wait: on CockroachDB that of a moment before now
// (AS OF SYSTEM TIME), which must be after the tables were made; on PostgreSQL
// that of a moment during the call. Nothing can be written through it.
func (p *Pool) Snapshot(ctx context.Context, age time.Duration, fn func(workloads.Querier) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	if p.cockroach {
		options = pgx.TxOptions{BeginQuery: fmt.Sprintf("BEGIN AS OF SYSTEM TIME '-%dus'", max(age, time.Microsecond).Microseconds())}
	}
	tx, err := p.pool.BeginTx(ctx, options)
	if err != nil {
		return fmt.Errorf("begin a snapshot: %w", err)
	}
	defer rollback(ctx, tx)
	return fn(tx)
}

// rollback ends a transaction that was not committed; after a commit it does
// nothing. It gets a moment of its own, since ctx may be over; the connection
// is closed when that is not enough.
func rollback(ctx context.Context, tx pgx.Tx) {
	const moment = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
	defer cancel()
	_ = tx.Rollback(ctx) // the error that led here is the one that counts
}
