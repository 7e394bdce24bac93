package txn_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/retry"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/txn"
	"leap/internal/txn/txntest"
	"leap/workloads"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

// eachProtocol runs a test on every target with every protocol that it takes.
func eachProtocol(t *testing.T, test func(t *testing.T, server *sandbox.Server, o txn.Options)) {
	t.Helper()
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		t.Run("plain", func(t *testing.T) { test(t, server, txn.Options{}) })
		if !server.StandIn() {
			t.Run("cockroach-go", func(t *testing.T) { test(t, server, txn.Options{Protocol: txn.CockroachGo}) })
		}
	})
}

// open connects to a new database with a table of two rows. port may be that
// of a cutter.
func open(t *testing.T, server *sandbox.Server, port int, o txn.Options) *txn.Pool {
	t.Helper()
	database := sandboxtest.NewDatabase(t, server)
	if err := server.Exec(t.Context(), database, "CREATE TABLE t (id INT8 PRIMARY KEY, v INT8 NOT NULL); INSERT INTO t VALUES (1, 0), (2, 0)"); err != nil {
		t.Fatal(err)
	}
	config, err := pgxpool.ParseConfig(server.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	if port != 0 {
		config.ConnConfig.Port = uint16(port)
	}
	config.MaxConns = 8
	pool, err := txn.Open(t.Context(), config, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func value(t *testing.T, pool *txn.Pool) (sum int) {
	t.Helper()
	if err := pool.Pool().QueryRow(t.Context(), "SELECT sum(v)::INT8 FROM t").Scan(&sum); err != nil {
		t.Fatal(err)
	}
	return sum
}

// increment reads both rows and writes one of them: every pair of such
// transactions is in conflict.
func increment(t *testing.T, id int) func(pgx.Tx) error {
	ctx := t.Context()
	return func(tx pgx.Tx) error {
		var sum int
		if err := tx.QueryRow(ctx, "SELECT sum(v)::INT8 FROM t").Scan(&sum); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE t SET v = $2 - (SELECT v FROM t WHERE id <> $1) WHERE id = $1", id, sum+1)
		return err
	}
}

// TestConflicts: the server's 40001s are all repeated and counted, none of
// the increments is lost, and the account agrees with a count at the driver.
func TestConflicts(t *testing.T) {
	const workers, each = 6, 40
	eachProtocol(t, func(t *testing.T, server *sandbox.Server, o txn.Options) {
		counter := &txn.Counter{}
		o.Tracer = counter
		pool := open(t, server, 0, o)
		if err := pool.Warm(t.Context(), workers); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex // guards total
		var total txn.Stats
		var group sync.WaitGroup
		for w := range workers {
			group.Go(func() {
				session := pool.Session()
				for range each {
					if err := session.Tx(t.Context(), increment(t, 1+w%2)); err != nil {
						t.Error(err)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				s := session.Take()
				total.Transactions += s.Transactions
				total.Attempts += s.Attempts
				total.Committed += s.Committed
				total.RetryCost += s.RetryCost
				total.Failures = append(total.Failures, s.Failures...)
			})
		}
		group.Wait()
		if got := value(t, pool); got != workers*each {
			t.Errorf("%d increments of %d", got, workers*each)
		}
		kinds := map[string]int{}
		for _, f := range total.Failures {
			kinds[f.State+" "+f.Kind]++
			if f.Kind == txn.KindOther || f.Injected || !f.Retried {
				t.Errorf("failure %+v", f)
			}
		}
		seen := counter.Count("40001") + counter.Count("40P01")
		t.Logf("%d attempts for %d transactions: %v, %s lost", total.Attempts, total.Transactions, kinds, total.RetryCost.Round(time.Millisecond))
		if seen == 0 || len(total.Failures) != seen || total.Retries() != seen {
			t.Errorf("the driver saw %d failures, the account has %d", seen, len(total.Failures))
		}
		if total.Transactions != workers*each || total.Committed != total.Transactions || total.Attempts != total.Transactions+seen {
			t.Errorf("account %+v", total)
		}
		if total.RetryCost <= 0 {
			t.Error("the failed attempts took no time")
		}
	})
}

// TestInjectedRetries: with failures injected at a rate of p, a transaction
// takes 1/(1-p) attempts.
func TestInjectedRetries(t *testing.T) {
	const p, n = 0.1, 4000
	eachProtocol(t, func(t *testing.T, server *sandbox.Server, o txn.Options) {
		o.InjectRetries, o.Seed = p, 7
		counter := &txn.Counter{}
		o.Tracer = counter
		pool := open(t, server, 0, o)
		session := pool.Session()
		for range n {
			if err := session.Tx(t.Context(), func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), "SELECT 1")
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		s := session.Take()
		perTxn := float64(s.Attempts) / float64(s.Transactions)
		if want := 1 / (1 - p); math.Abs(perTxn/want-1) > 0.05 {
			t.Errorf("%.4f attempts per transaction, not %.4f", perTxn, want)
		}
		if len(s.Failures) != s.Attempts-n || counter.Count("40001") != 0 {
			t.Errorf("%d failures in %d attempts, %d from the server", len(s.Failures), s.Attempts, counter.Count("40001"))
		}
		for _, f := range s.Failures {
			if f != (txn.Failure{State: "40001", Kind: txn.KindInjected, Injected: true, Retried: true}) {
				t.Fatalf("failure %+v", f)
			}
		}
		if again := session.Take(); again.Transactions != 0 || again.Failures != nil {
			t.Errorf("after Take: %+v", again)
		}
	})
}

// TestInjectedStatements: single statements are repeated too, and a statement
// that changes data changes them once.
func TestInjectedStatements(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		const n = 200
		pool := open(t, server, 0, txn.Options{InjectRetries: 0.5, Seed: 3})
		session := pool.Session()
		for range n {
			if _, err := session.Exec(t.Context(), "UPDATE t SET v = v + 1 WHERE id = $1", 1); err != nil {
				t.Fatal(err)
			}
			var v, rows int
			if err := session.QueryRow(t.Context(), "SELECT v FROM t WHERE id = $1", 2).Scan(&v); err != nil {
				t.Fatal(err)
			}
			if err := session.Read(t.Context(), func(r pgx.Rows) error {
				rows = 0 // of this attempt
				for r.Next() {
					rows++
				}
				return nil
			}, "SELECT v FROM t"); err != nil || rows != 2 {
				t.Fatal(rows, err)
			}
		}
		s := session.Take()
		if got := value(t, pool); got != n || s.Transactions != 3*n || s.Committed != 3*n || s.Attempts < 5*n || s.Attempts > 7*n {
			t.Errorf("%d increments, %+v", got, s.Attempts)
		}
	})
}

// TestMaxAttempts: the last error comes out as it is.
func TestMaxAttempts(t *testing.T) {
	eachProtocol(t, func(t *testing.T, server *sandbox.Server, o txn.Options) {
		o.MaxAttempts, o.InjectRetries = 3, math.Nextafter(1, 0)
		pool := open(t, server, 0, o)
		session := pool.Session()
		calls := 0
		err := session.Tx(t.Context(), func(pgx.Tx) error { calls++; return nil })
		s := session.Take()
		if calls != 3 || s.Attempts != 3 || len(s.Failures) != 3 || s.Retries() != 2 || s.Committed != 0 {
			t.Errorf("%d calls, %+v", calls, s)
		}
		if retry.SQLState(err) != "40001" || txn.Ambiguous(err) {
			t.Errorf("error %v", err)
		}
	})
}

// TestAnswers: the application's own words are neither failures nor repeated,
// and roll back.
func TestAnswers(t *testing.T) {
	eachProtocol(t, func(t *testing.T, server *sandbox.Server, o txn.Options) {
		pool := open(t, server, 0, o)
		session := pool.Session()
		for _, want := range []error{&workloads.Rejection{Code: "x"}, &workloads.Violation{Invariant: "x"}, pgx.ErrNoRows} {
			calls := 0
			err := session.Tx(t.Context(), func(tx pgx.Tx) error {
				calls++
				if _, err := tx.Exec(t.Context(), "UPDATE t SET v = 99"); err != nil {
					return err
				}
				return fmt.Errorf("pay: %w", want)
			})
			if s := session.Take(); !errors.Is(err, want) || calls != 1 || len(s.Failures) != 0 || s.Attempts != 1 || s.Committed != 0 {
				t.Errorf("%v: %d calls, %+v", err, calls, s)
			}
		}
		err := session.Tx(t.Context(), func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "INSERT INTO t VALUES (1, 1)")
			return err
		})
		if s := session.Take(); retry.SQLState(err) != "23505" || len(s.Failures) != 1 || s.Failures[0].State != "23505" || s.Failures[0].Retried {
			t.Errorf("%v, %+v", err, s)
		}
		if got := value(t, pool); got != 0 {
			t.Errorf("something was written: %d", got)
		}
	})
}

// TestAmbiguousCommit: a connection that is cut at COMMIT leaves the outcome
// open, whatever it was, and is never repeated.
func TestAmbiguousCommit(t *testing.T) {
	eachProtocol(t, func(t *testing.T, server *sandbox.Server, o txn.Options) {
		var moment atomic.Value // a txntest.Moment; the cutter's goroutines read it
		moment.Store(txntest.Never)
		cutter := txntest.NewCutter(t, server, func(int) txntest.Moment { return moment.Load().(txntest.Moment) })
		pool := open(t, server, cutter.Port(), o)
		session := pool.Session()
		for i, test := range []struct {
			moment    txntest.Moment
			ambiguous bool
			sum       int
		}{{txntest.Never, false, 1}, {txntest.BeforeCommit, true, 1}, {txntest.AfterCommit, true, 2}, {txntest.Never, false, 3}} {
			moment.Store(test.moment)
			calls := 0
			err := session.Tx(t.Context(), func(tx pgx.Tx) error {
				calls++
				_, err := tx.Exec(t.Context(), "UPDATE t SET v = v + 1 WHERE id = 1")
				return err
			})
			moment.Store(txntest.Never)
			if s := session.Take(); txn.Ambiguous(err) != test.ambiguous || (err != nil) != test.ambiguous || calls != 1 || s.Attempts != 1 {
				t.Errorf("%d: %v after %d calls, %+v", i, err, calls, s)
			} else if test.ambiguous && (len(s.Failures) != 1 || s.Failures[0].State != txn.StateConnection) {
				t.Errorf("%d: failures %+v", i, s.Failures)
			}
			if got := value(t, pool); got != test.sum {
				t.Errorf("%d: the sum is %d, not %d", i, got, test.sum)
			}
		}
	})
}

// TestCockroachGoOnTheStandIn is refused: there, RELEASE commits nothing.
func TestCockroachGoOnTheStandIn(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		config, err := pgxpool.ParseConfig(server.URL(""))
		if err != nil {
			t.Fatal(err)
		}
		pool, err := txn.Open(t.Context(), config, txn.Options{Protocol: txn.CockroachGo})
		if err == nil {
			pool.Close()
		}
		if (err != nil) != server.StandIn() || err != nil && !strings.Contains(err.Error(), "works on CockroachDB only") {
			t.Errorf("got %v", err)
		}
	})
}

// TestSnapshot sees one moment, and writes nothing.
func TestSnapshot(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		pool := open(t, server, 0, txn.Options{})
		err := pool.Snapshot(t.Context(), 0, func(q workloads.Querier) error {
			for range 2 {
				var sum int
				if err := q.QueryRow(t.Context(), "SELECT sum(v)::INT8 FROM t").Scan(&sum); err != nil || sum != 0 {
					t.Errorf("the sum is %d, %v", sum, err)
				}
				if _, err := pool.Pool().Exec(t.Context(), "UPDATE t SET v = v + 1"); err != nil {
					t.Error(err)
				}
			}
			rows, err := q.Query(t.Context(), "INSERT INTO t VALUES (3, 3) RETURNING v")
			if err == nil {
				rows.Close()
				err = rows.Err()
			}
			if err == nil {
				t.Error("the snapshot wrote")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if got := value(t, pool); got != 4 {
			t.Errorf("the sum is %d", got)
		}
	})
}

// TestPoolWait is counted, and a pool that gives nothing in time says so.
func TestPoolWait(t *testing.T) {
	pool := open(t, sandboxtest.Target(t), 0, txn.Options{})
	for range 8 {
		c, err := pool.Pool().Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Release)
	}
	session := pool.Session()
	ctx, cancel := contextWithTimeout(t, 50*time.Millisecond)
	defer cancel()
	_, err := session.Exec(ctx, "SELECT 1")
	s := session.Take()
	if err == nil || txn.Ambiguous(err) || len(s.Failures) != 1 || s.Failures[0].State != txn.StatePool || s.PoolWait < 50*time.Millisecond {
		t.Errorf("%v, %+v", err, s)
	}
	if s.Transactions != 0 || s.Attempts != 0 {
		t.Errorf("what never began makes the others look as if they took fewer attempts: %+v", s)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []txn.Options{{Protocol: "x"}, {InjectRetries: 1}, {InjectRetries: -0.1}, {InjectRetries: math.NaN()}, {MaxAttempts: -1}} {
		if o.Validate() == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
