package ledger

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/seed"
	"leap/internal/txn"
	"leap/internal/txn/txntest"
	"leap/workloads"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

var settings = workloads.Settings{Seed: 5, Tenants: 2, Run: "test"}

// open connects through a port, which may be that of a cutter.
func open(t *testing.T, server *sandbox.Server, database string, port int) (*txn.Pool, *txn.Counter) {
	t.Helper()
	config, err := pgxpool.ParseConfig(server.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	if port != 0 {
		config.ConnConfig.Port = uint16(port)
	}
	config.MaxConns = 10
	counter := &txn.Counter{}
	pool, err := txn.Open(t.Context(), config, txn.Options{Tracer: counter})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool, counter
}

// drive runs n calls of the default mix with 8 workers and returns the
// receipts of transfers and how often attempts were repeated.
func drive(t *testing.T, pool *txn.Pool, s workloads.Settings, from uint64, n int64) (receipts []workloads.Receipt, retries int) {
	t.Helper()
	traffic, err := (Workload{}).Traffic(t.Context(), pool.Pool(), s)
	if err != nil {
		t.Fatal(err)
	}
	about := Workload{}.About()
	calls := workloads.NewCalls(s.Seed, about.Mixes[about.DefaultMix])
	var mu sync.Mutex // guards the results
	var taken atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			session := pool.Session()
			defer session.Close()
			for i := taken.Add(1) - 1; i < n; i = taken.Add(1) - 1 {
				call := calls.At(from + uint64(i))
				err := traffic.Do(t.Context(), session, call)
				outcome := workloads.Committed
				if txn.Ambiguous(err) {
					for try := 0; err != nil && try < 20; try++ { // the question may be cut off, too
						outcome, err = traffic.Resolve(t.Context(), session, call)
					}
					if err != nil {
						t.Errorf("call %d is not resolved: %v", call.Seq, err)
					}
				} else if err != nil {
					outcome = workloads.RolledBack
					if _, wrong := errors.AsType[*workloads.Violation](err); !wrong || s.Variant == "" {
						t.Errorf("call %d, %s: %v", call.Seq, call.Op, err)
					}
				}
				stats := session.Take()
				mu.Lock()
				retries += stats.Retries()
				if call.Op == "transfer" {
					receipts = append(receipts, workloads.Receipt{Seq: call.Seq, Op: call.Op, Outcome: outcome})
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return receipts, retries
}

// violations checks every invariant.
func violations(t *testing.T, db workloads.Querier, receipts []workloads.Receipt) map[string]workloads.Finding {
	t.Helper()
	bad := map[string]workloads.Finding{}
	for _, i := range (Workload{}).Invariants(settings) {
		f, err := i.Check(t.Context(), db, func(yield func(workloads.Receipt, error) bool) {
			for _, r := range receipts {
				if !yield(r, nil) {
					return
				}
			}
		})
		if err != nil || f.Checked == 0 {
			t.Errorf("%s looked at %d: %v", i.Name, f.Checked, err)
		}
		if f.Violations > 0 {
			bad[i.Name] = f
		}
	}
	return bad
}

// TestWorkload: conflicts are repeated and counted, commits in doubt resolved,
// nothing is lost; planted violations and the broken variant are found.
func TestWorkload(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		database := sandboxtest.NewDatabase(t, server)
		pool, counter := open(t, server, database, 0)
		if _, err := seed.Load(t.Context(), pool.Pool(), Workload{}, settings, seed.Options{}); err != nil {
			t.Fatal(err)
		}
		receipts, retries := drive(t, pool, settings, 0, 600)
		seen := counter.Count("40001") + counter.Count("40P01")
		t.Logf("%d attempts were repeated", retries)
		if retries != seen || counter.Count("40001") == 0 {
			t.Errorf("%d repetitions, the driver saw %d failures", retries, seen)
		}
		cutter := txntest.NewCutter(t, server, func(n int) txntest.Moment {
			return map[int]txntest.Moment{5: txntest.BeforeCommit, 12: txntest.AfterCommit}[n%20]
		})
		cut, _ := open(t, server, database, cutter.Port())
		more, _ := drive(t, cut, settings, 1<<32, 200)
		if cutter.Cuts(txntest.AfterCommit) == 0 {
			t.Error("no commit was in doubt")
		}
		receipts = append(receipts, more...)
		if bad := violations(t, pool.Pool(), receipts); len(bad) > 0 {
			t.Errorf("found %+v", bad)
		}
		testPlanted(t, pool, receipts)
		testRepeated(t, pool, receipts[0].Seq)
		broken := settings
		broken.Variant = NoLock
		drive(t, pool, broken, 2<<32, 300)
		if bad := violations(t, pool.Pool(), receipts); bad[balancesAddUp].Violations == 0 {
			t.Errorf("without locks: %+v", bad)
		}
	})
}

// testRepeated makes a call again, as another run of the same name does: it is
// known, and a transfer that does nothing is no answer.
func testRepeated(t *testing.T, pool *txn.Pool, done uint64) {
	t.Helper()
	traffic, err := (Workload{}).Traffic(t.Context(), pool.Pool(), settings)
	if err != nil {
		t.Fatal(err)
	}
	for seq, want := range map[uint64]bool{done: true, 3 << 32: false} {
		call := workloads.Call{Seq: seq, Op: "transfer", Dice: workloads.NewDice(settings.Seed, seq)}
		known, err := traffic.(workloads.Keyed).Known(t.Context(), pool.Pool(), call) //nolint:forcetypeassert // it is
		if err != nil {
			t.Fatal(err)
		}
		session := pool.Session()
		err = traffic.Do(t.Context(), session, call)
		session.Close()
		if _, wrong := errors.AsType[*workloads.Violation](err); known != want || wrong != want {
			t.Errorf("call %d is known: %v; done again: %v", seq, known, err)
		}
	}
}

func testPlanted(t *testing.T, pool *txn.Pool, receipts []workloads.Receipt) {
	t.Helper()
	const first = " WHERE (tenant_id, transfer_id) IN (SELECT tenant_id, transfer_id FROM ledger.transfers ORDER BY tenant_id, transfer_id LIMIT 1)"
	refused := append([]workloads.Receipt(nil), receipts...)
	for i := range refused {
		refused[i].Outcome = workloads.Refused
	}
	for _, plant := range []struct {
		invariant, sql string
		receipts       []workloads.Receipt
	}{
		{entriesFit, "UPDATE ledger.entries SET amount_minor = amount_minor + 1" + first + " AND entry_no = 1", receipts},
		{entriesFit, "DELETE FROM ledger.entries" + first + " AND entry_no = 2", receipts},
		{entriesFit, "INSERT INTO ledger.entries VALUES (1, 'stray', 1, 0, 0)", receipts},
		{balancesAddUp, "UPDATE ledger.accounts SET amount_minor = amount_minor + 1 WHERE tenant_id = 2 AND account_id = 3", receipts},
		{neverNegative, "UPDATE ledger.accounts SET amount_minor = -1 WHERE tenant_id = 2 AND account_id = 3", receipts},
		{receiptsTrue, "DELETE FROM ledger.transfers" + first, receipts},
		{receiptsTrue, "UPDATE ledger.transfers SET amount_minor = amount_minor + 1" + first, receipts},
		{receiptsTrue, "SELECT 1", refused},
	} {
		tx, err := pool.Pool().Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), plant.sql); err != nil {
			t.Fatal(err)
		}
		if bad := violations(t, tx, plant.receipts); bad[plant.invariant].Violations == 0 {
			t.Errorf("%s\nwas not found; found %+v", plant.sql, bad)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
