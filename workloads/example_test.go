package workloads_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"leap/workloads"
)

// greeter is about the smallest workload there can be: one row, one operation.
type greeter struct{}

func (greeter) About() workloads.About {
	return workloads.About{
		Name: "greeter", Summary: "Reads one row.",
		Ops:        []workloads.OpInfo{{Name: "greet", Summary: "Reads the greeting.", Tables: []string{"greeting"}}},
		Mixes:      map[string]workloads.Mix{"only": {{Op: "greet", Percent: 100}}},
		DefaultMix: "only",
		Gate:       []string{"greet.p99<20ms"},
		Tables:     []string{"greeting"},
	}
}

func (greeter) Load(context.Context, workloads.Querier, workloads.Settings) (workloads.Loader, error) {
	return greeterLoad{}, nil
}

func (greeter) Traffic(context.Context, workloads.Querier, workloads.Settings) (workloads.Traffic, error) {
	return greeterTraffic{}, nil
}

func (greeter) Invariants(workloads.Settings) []workloads.Invariant {
	return []workloads.Invariant{{
		Name: "one_greeting", Says: "there is exactly one greeting", During: true,
		Check: func(ctx context.Context, db workloads.Querier, _ workloads.Journal) (f workloads.Finding, err error) {
			err = db.QueryRow(ctx, "SELECT count(*) FROM greeter.greeting").Scan(&f.Checked)
			if err == nil && f.Checked != 1 {
				f.Add("there are %d", f.Checked)
			}
			return f, err
		},
	}}
}

// greeterLoad makes one table in the workload's own schema, and one row.
type greeterLoad struct{}

func (greeterLoad) Data() string { return "one greeting" }
func (greeterLoad) Schema() (before, after []string) {
	return []string{
		"CREATE SCHEMA IF NOT EXISTS greeter",
		"CREATE TABLE IF NOT EXISTS greeter.greeting (id INT8 PRIMARY KEY, words VARCHAR(40) NOT NULL)",
	}, nil
}
func (greeterLoad) Batches() int { return 1 }
func (greeterLoad) Write(ctx context.Context, tx pgx.Tx, _ int) (int64, error) {
	tag, err := tx.Exec(ctx, "INSERT INTO greeter.greeting VALUES (1, 'hello')")
	return tag.RowsAffected(), err
}

type greeterTraffic struct{}

func (greeterTraffic) Do(ctx context.Context, db workloads.DB, _ workloads.Call) error {
	var words string
	return db.QueryRow(ctx, "SELECT words FROM greeter.greeting WHERE id = $1", 1).Scan(&words)
}

func (greeterTraffic) Resolve(context.Context, workloads.DB, workloads.Call) (workloads.Outcome, error) {
	return workloads.RolledBack, nil // it never changes anything
}

// A run asks for calls by their number; the workload runs them.
func ExampleWorkload() {
	var w workloads.Workload = greeter{}
	about := w.About()
	mix := about.Mixes[about.DefaultMix]
	if err := mix.Validate(about); err != nil {
		fmt.Println(err)
		return
	}
	calls := workloads.NewCalls(42, mix)
	first, again := calls.At(0), calls.At(0)
	fmt.Println(first.Op, first == again, first.Dice == calls.At(1).Dice)
	// Output: greet true false
}
