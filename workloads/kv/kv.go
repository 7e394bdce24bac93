// Package kv is the workload that asks the least of a database: one table, one
// row by its key. What it measures is the floor under all others: the network,
// the protocol, and the load generator itself.
package kv

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// RowsPerScale is the number of rows for each unit of [workloads.Settings]
// Scale: as many as pgbench makes, so that the two can be compared.
const RowsPerScale = 100_000

// batchRows is large enough that a commit does not matter and small enough to
// be lost without regret.
const batchRows = 10_000

const dataVersion = 1

// Workload is the workload kv.
type Workload struct{}

// About implements [workloads.Workload].
func (Workload) About() workloads.About {
	table := []string{"kv"}
	return workloads.About{
		Name:    "kv",
		Summary: "One row by its key: the floor under all other workloads. A unit of scale is 100,000 rows.",
		Ops: []workloads.OpInfo{
			{Name: "get", Summary: "Reads the value of a key, all keys alike.", Tables: table},
			{Name: "put", Summary: "Sets the value of a key.", Writes: true, Tables: table},
		},
		Mixes: map[string]workloads.Mix{
			"read":  {{Op: "get", Percent: 100}},
			"mixed": {{Op: "get", Percent: 95}, {Op: "put", Percent: 5}},
			"write": {{Op: "put", Percent: 100}},
		},
		DefaultMix: "read",
		Gate:       []string{"get.p99<20ms", "put.p99<50ms", "error_rate<0.1%", "unresolved=0"},
		Tables:     table,
	}
}

func normal(s workloads.Settings) workloads.Settings {
	s.Scale, s.Tenants, s.Origin = max(s.Scale, 1), 1, "synthetic"
	return s
}

// rows is the number of rows n; the keys are 0 to n-1.
func rows(s workloads.Settings) int { return normal(s).Scale * RowsPerScale }

// Load implements [workloads.Workload].
func (Workload) Load(_ context.Context, _ workloads.Querier, s workloads.Settings) (workloads.Loader, error) {
	return loader{normal(s)}, nil
}

// Traffic implements [workloads.Workload].
func (Workload) Traffic(ctx context.Context, db workloads.Querier, s workloads.Settings) (workloads.Traffic, error) {
	if err := workloads.Need(ctx, db, "kv", loader{normal(s)}.Data()); err != nil {
		return nil, err
	}
	return &traffic{rows: rows(s)}, nil
}

// Invariants implements [workloads.Workload].
func (Workload) Invariants(s workloads.Settings) []workloads.Invariant {
	n := rows(s)
	return []workloads.Invariant{{
		Name: "values_of_keys", Says: "every key is there and has a value that was written for it", During: true,
		Check: func(ctx context.Context, db workloads.Querier, _ workloads.Journal) (f workloads.Finding, err error) {
			var wrong int64
			err = db.QueryRow(ctx, `SELECT count(*), count(CASE WHEN k < 0 OR k >= $1 OR v % $1 <> k THEN 1 END) FROM kv.kv`, n).
				Scan(&f.Checked, &wrong)
			if err != nil {
				return f, err
			}
			if f.Checked != int64(n) {
				f.Add("there are %d keys, not %d", f.Checked, n)
			}
			if wrong > 0 {
				f.Add("%d keys have a value that was never written for them", wrong)
				f.Violations += wrong - 1
			}
			return f, nil
		},
	}}
}

type loader struct{ s workloads.Settings }

// Data implements [workloads.Loader].
func (l loader) Data() string { return workloads.DataName(dataVersion, l.s) }

// Schema implements [workloads.Loader].
func (loader) Schema() (before, after []string) {
	return []string{
		"CREATE SCHEMA IF NOT EXISTS kv",
		"CREATE TABLE IF NOT EXISTS kv.kv (k INT8 PRIMARY KEY, v INT8 NOT NULL)",
	}, nil
}

// Batches implements [workloads.Loader].
func (l loader) Batches() int { return rows(l.s) / batchRows }

// Write implements [workloads.Loader].
func (l loader) Write(ctx context.Context, tx pgx.Tx, i int) (int64, error) {
	lines := make([][]any, batchRows)
	for j := range lines {
		k := i*batchRows + j
		dice := workloads.NewDice(l.s.Seed, uint64(k)) //nolint:gosec // not negative
		lines[j] = []any{k, value(&dice, k, rows(l.s))}
	}
	return workloads.Copy(ctx, tx, "kv.kv", []string{"k", "v"}, lines)
}

// value throws a value for a key: any number whose remainder is the key, so
// that a reader can tell a value that belongs elsewhere.
func value(d *workloads.Dice, key, n int) int { return d.IntN(1_000_000)*n + key }

type traffic struct{ rows int }

// Do implements [workloads.Traffic].
func (t *traffic) Do(ctx context.Context, db workloads.DB, call workloads.Call) error {
	key := call.Dice.IntN(t.rows)
	if call.Op == "put" {
		_, err := db.Exec(ctx, "UPDATE kv.kv SET v = $2 WHERE k = $1", key, value(&call.Dice, key, t.rows))
		return err
	}
	var v int
	if err := db.QueryRow(ctx, "SELECT v FROM kv.kv WHERE k = $1", key).Scan(&v); err != nil {
		return err
	}
	if v%t.rows != key {
		return &workloads.Violation{Invariant: "values_of_keys", Detail: fmt.Sprintf("the value of %d is %d", key, v)}
	}
	return nil
}

// Resolve implements [workloads.Traffic]. A put sets a value, whatever was
// there before: done again, it is done.
func (t *traffic) Resolve(ctx context.Context, db workloads.DB, call workloads.Call) (workloads.Outcome, error) {
	if err := t.Do(ctx, db, call); err != nil {
		return workloads.Unknown, err
	}
	return workloads.Committed, nil
}
