package kv

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/seed"
	"leap/internal/txn"
	"leap/workloads"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

// TestKV: what was loaded is read, what was put is there, and a value that
// belongs elsewhere is found by the reader and by the invariant.
func TestKV(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		config, err := pgxpool.ParseConfig(server.URL(sandboxtest.NewDatabase(t, server)))
		if err != nil {
			t.Fatal(err)
		}
		pool, err := txn.Open(t.Context(), config, txn.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		s := workloads.Settings{Seed: 3}
		var absent *workloads.NotLoadedError
		if _, err = (Workload{}).Traffic(t.Context(), pool.Pool(), s); !errors.As(err, &absent) {
			t.Errorf("an empty database: %v", err)
		}
		if r, loadErr := seed.Load(t.Context(), pool.Pool(), Workload{}, s, seed.Options{}); loadErr != nil || r.Rows != RowsPerScale {
			t.Fatal(r, loadErr)
		}
		traffic, err := (Workload{}).Traffic(t.Context(), pool.Pool(), s)
		if err != nil {
			t.Fatal(err)
		}
		session := pool.Session()
		defer session.Close()
		calls := workloads.NewCalls(s.Seed, workloads.Mix{{Op: "get", Percent: 50}, {Op: "put", Percent: 50}})
		for seq := range uint64(100) {
			call := calls.At(seq)
			if err = traffic.Do(t.Context(), session, call); err != nil {
				t.Fatal(call.Op, err)
			}
			if outcome, resolveErr := traffic.Resolve(t.Context(), session, call); outcome != workloads.Committed || resolveErr != nil {
				t.Fatal(call.Op, outcome, resolveErr)
			}
		}
		check := func() workloads.Finding {
			t.Helper()
			f, checkErr := (Workload{}).Invariants(s)[0].Check(t.Context(), pool.Pool(), nil)
			if checkErr != nil {
				t.Fatal(checkErr)
			}
			return f
		}
		if f := check(); f.Violations != 0 || f.Checked != RowsPerScale {
			t.Errorf("%+v", f)
		}
		call := workloads.NewCalls(s.Seed, workloads.Mix{{Op: "get", Percent: 100}}).At(7)
		dice := call.Dice
		key := dice.IntN(RowsPerScale)
		if _, err = pool.Pool().Exec(t.Context(), "UPDATE kv.kv SET v = v + 1 WHERE k = $1", key); err != nil {
			t.Fatal(err)
		}
		var wrong *workloads.Violation
		if err = traffic.Do(t.Context(), session, call); !errors.As(err, &wrong) {
			t.Errorf("reading a value of another key: %v", err)
		}
		if f := check(); f.Violations != 1 {
			t.Errorf("a wrong value: %+v", f)
		}
		if _, err = pool.Pool().Exec(t.Context(), "DELETE FROM kv.kv WHERE k = $1", key); err != nil {
			t.Fatal(err)
		}
		if f := check(); f.Violations != 1 {
			t.Errorf("a missing key: %+v", f)
		}
	})
}
