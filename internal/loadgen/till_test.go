package loadgen

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// till is a small workload for tests: payments with a key, and looks at them.
type till struct {
	// forget makes pay acknowledge without doing, for tests of the check.
	forget bool
}

func (till) About() workloads.About {
	return workloads.About{
		Name: "till", Summary: "Payments with a key.", Tables: []string{"payments"},
		Ops: []workloads.OpInfo{
			{Name: "pay", Summary: "Pays.", Writes: true, Tables: []string{"payments"}},
			{Name: "look", Summary: "Looks.", Tables: []string{"payments"}},
		},
		Mixes:      map[string]workloads.Mix{"half": {{Op: "pay", Percent: 50}, {Op: "look", Percent: 50}}},
		DefaultMix: "half", Gate: []string{"pay.p99<200ms"},
	}
}

func (till) Load(context.Context, workloads.Querier, workloads.Settings) (workloads.Loader, error) {
	return tillLoader{}, nil
}

type tillLoader struct{}

func (tillLoader) Data() string { return "till" }
func (tillLoader) Schema() (before, after []string) {
	return []string{
		"CREATE SCHEMA IF NOT EXISTS till",
		"CREATE TABLE IF NOT EXISTS till.payments (seq INT8 PRIMARY KEY, amount INT8 NOT NULL)",
	}, nil
}
func (tillLoader) Batches() int                                      { return 0 }
func (tillLoader) Write(context.Context, pgx.Tx, int) (int64, error) { return 0, nil }

func (w till) Traffic(ctx context.Context, db workloads.Querier, _ workloads.Settings) (workloads.Traffic, error) {
	return tillTraffic(w), workloads.Need(ctx, db, "till", "till")
}

type tillTraffic struct{ forget bool }

func (t tillTraffic) Do(ctx context.Context, db workloads.DB, call workloads.Call) error {
	if call.Op == "look" {
		var n int
		return db.QueryRow(ctx, "SELECT count(*) FROM till.payments WHERE seq = $1", int64(call.Seq/2)).Scan(&n)
	}
	switch {
	case call.Dice.IntN(100) == 0:
		return &workloads.Rejection{Code: "insufficient_funds", Reason: "this one always is"}
	case t.forget && call.Seq%10 == 0:
		return nil
	}
	return db.Tx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO till.payments (seq, amount) VALUES ($1, 1)", int64(call.Seq))
		return err
	})
}

func (tillTraffic) Resolve(ctx context.Context, db workloads.DB, call workloads.Call) (workloads.Outcome, error) {
	var n int
	err := db.QueryRow(ctx, "SELECT count(*) FROM till.payments WHERE seq = $1", int64(call.Seq)).Scan(&n)
	switch {
	case err != nil:
		return workloads.Unknown, err
	case n > 0:
		return workloads.Committed, nil
	}
	return workloads.RolledBack, nil
}

func (till) Invariants(workloads.Settings) []workloads.Invariant {
	return []workloads.Invariant{
		{
			Name: "acknowledged", Says: "every acknowledged payment exists exactly once, every other one does not",
			Check: func(ctx context.Context, db workloads.Querier, journal workloads.Journal) (f workloads.Finding, err error) {
				there := map[uint64]bool{}
				rows, err := db.Query(ctx, "SELECT seq FROM till.payments")
				if err != nil {
					return f, err
				}
				var seq int64
				if _, err := pgx.ForEachRow(rows, []any{&seq}, func() error {
					there[uint64(seq)] = true
					return nil
				}); err != nil {
					return f, err
				}
				for r, err := range journal {
					if err != nil {
						return f, err
					}
					f.Checked++
					if r.Outcome == workloads.Unknown {
						return f, errors.New("an outcome is not known")
					}
					if there[r.Seq] != (r.Outcome == workloads.Committed) {
						f.Add("payment %d is %s and there: %v", r.Seq, r.Outcome, there[r.Seq])
					}
					delete(there, r.Seq)
				}
				for seq := range there {
					f.Add("payment %d is in no journal", seq)
				}
				return f, nil
			},
		},
		{
			Name: "amounts", Says: "every amount is one", During: true,
			Check: func(ctx context.Context, db workloads.Querier, _ workloads.Journal) (f workloads.Finding, err error) {
				var wrong int64
				err = db.QueryRow(ctx, "SELECT count(*), count(CASE WHEN amount <> 1 THEN 1 END) FROM till.payments").Scan(&f.Checked, &wrong)
				if wrong > 0 {
					f.Add("%d are not", wrong)
				}
				return f, err
			},
		},
	}
}
