// Package seed writes a workload's tables and opening data: in parallel, each
// batch exactly once, going on where an earlier attempt stopped.
//
// What is done is remembered in the target, in the workload's own schema, and
// in the same transaction as the batch's rows: a table of finished batches and
// one that says which data these are. The package knows no workload.
package seed

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"leap/internal/fault"
	"leap/internal/retry"
	"leap/workloads"
)

// Options tune the loading. The zero value is useful.
type Options struct {
	// Workers is how many batches are written at a time; 0 means two for each
	// processor.
	Workers int
	// RetryFor is how long one batch goes on trying to reach the server; 0
	// means a minute.
	RetryFor time.Duration
	// Progress, if set, is called after every batch, one call at a time.
	Progress func(Progress)
}

// Progress says how far the loading is.
type Progress struct {
	Batches, Done int // of all batches; those of earlier attempts included
	Rows          int64
}

// Result says what was done.
type Result struct {
	Data    string // what the loader calls the data
	Batches int
	Found   int   // batches that an earlier attempt had written
	Rows    int64 // over all batches
	// Already is true when the data were complete before.
	Already bool
}

// batchTable holds a row for each batch that was written.
const batchTable = "loadgen_batches"

// Load writes what is missing. Other data of the same workload are refused and
// left alone: see Drop.
func Load(ctx context.Context, pool *pgxpool.Pool, w workloads.Workload, s workloads.Settings, o Options) (Result, error) {
	name := w.About().Name
	loader, err := w.Load(ctx, pool, s)
	if err != nil {
		return Result{}, fmt.Errorf("prepare the data of %s: %w", name, err)
	}
	l := &load{pool: pool, name: name, loader: loader, options: o}
	if l.options.Workers <= 0 {
		l.options.Workers = 2 * runtime.GOMAXPROCS(0)
	}
	if l.options.RetryFor <= 0 {
		l.options.RetryFor = time.Minute
	}
	l.result = Result{Data: loader.Data(), Batches: loader.Batches()}
	for _, step := range []func(context.Context) error{l.look, l.own, l.prepare, l.remember, l.write, l.finish} {
		if err := step(ctx); err != nil {
			return l.result, err
		}
		if l.result.Already {
			break
		}
	}
	return l.result, nil
}

// Drop removes a workload's tables. A schema that Load did not make is left
// alone and refused.
func Drop(ctx context.Context, pool *pgxpool.Pool, w workloads.Workload) error {
	name := w.About().Name
	_, err := workloads.Loaded(ctx, pool, name)
	var state *workloads.NotLoadedError
	switch {
	case errors.As(err, &state) && state.Have == "":
		var exists bool
		const query = "SELECT EXISTS (SELECT 1 FROM information_schema.schemata WHERE schema_name = $1)"
		if err = pool.QueryRow(ctx, query, name).Scan(&exists); err != nil || !exists {
			return err
		}
		return fault.New(fault.Refused, "look at it, and drop it yourself if it may go",
			"the schema %s was not made by loadgen", name)
	case err != nil && state == nil:
		return err
	}
	if _, err := pool.Exec(ctx, "DROP SCHEMA "+name+" CASCADE"); err != nil {
		return fmt.Errorf("drop the schema %s: %w", name, err)
	}
	return nil
}

// load is one call of Load.
type load struct {
	pool    *pgxpool.Pool
	name    string
	loader  workloads.Loader
	options Options
	done    map[int]bool
	mu      sync.Mutex // guards result while batches are written
	result  Result
}

func (l *load) table(name string) string { return l.name + "." + name }

// look finds out what is there already.
func (l *load) look(ctx context.Context) error {
	have, err := workloads.Loaded(ctx, l.pool, l.name)
	var state *workloads.NotLoadedError
	if err != nil && !errors.As(err, &state) {
		return err
	}
	if have != "" && have != l.result.Data {
		return l.others(have)
	}
	if err == nil {
		l.result.Already, l.result.Found = true, l.result.Batches
		return l.pool.QueryRow(ctx, "SELECT coalesce(sum(row_count), 0)::INT8 FROM "+l.table(batchTable)).Scan(&l.result.Rows)
	}
	return nil
}

// others refuses data of other settings.
func (l *load) others(have string) error {
	return fault.Wrap(fault.Refused, "use the settings it was loaded with, or drop it first",
		&workloads.NotLoadedError{Workload: l.name, Have: have, Want: l.result.Data})
}

// own refuses a schema in which somebody else has tables: they would be written
// to, and be gone with the next Drop.
func (l *load) own(ctx context.Context) error {
	const query = `SELECT count(CASE WHEN table_name = $2 THEN 1 END), count(*), min(table_name)
		FROM information_schema.tables WHERE table_schema = $1`
	var ours, all int
	var other *string
	if err := l.pool.QueryRow(ctx, query, l.name, workloads.StateTable).Scan(&ours, &all, &other); err != nil {
		return fmt.Errorf("look for tables of %s: %w", l.name, err)
	}
	if ours == 0 && all > 0 {
		return fault.New(fault.Refused, "use another database, or rename that schema",
			"the schema %s was not made by loadgen: it has %d tables, such as %s", l.name, all, *other)
	}
	return nil
}

// prepare makes the tables. The one that says whose schema this is comes first,
// so that own knows it after an interruption.
func (l *load) prepare(ctx context.Context) error {
	before, _ := l.loader.Schema()
	return l.run(ctx, append([]string{
		"CREATE SCHEMA IF NOT EXISTS " + l.name,
		"CREATE TABLE IF NOT EXISTS " + l.table(workloads.StateTable) + " (name VARCHAR(40) PRIMARY KEY, value VARCHAR(400) NOT NULL)",
		"CREATE TABLE IF NOT EXISTS " + l.table(batchTable) + " (batch INT8 PRIMARY KEY, row_count INT8 NOT NULL)",
	}, before...))
}

// run runs statements one by one: CockroachDB runs schema changes as jobs.
func (l *load) run(ctx context.Context, statements []string) error {
	for _, statement := range statements {
		err := retry.Do(ctx, retry.Policy{For: l.options.RetryFor}, func() error {
			_, err := l.pool.Exec(ctx, statement)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// remember writes whose data these are before there are any, and reads which
// batches are there.
func (l *load) remember(ctx context.Context) error {
	_, err := l.pool.Exec(ctx, "INSERT INTO "+l.table(workloads.StateTable)+" (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
		workloads.StateData, l.result.Data)
	if err != nil {
		return fmt.Errorf("remember the data of %s: %w", l.name, err)
	}
	var have string // somebody else may have come first
	if err = l.pool.QueryRow(ctx, "SELECT value FROM "+l.table(workloads.StateTable)+" WHERE name = $1", workloads.StateData).Scan(&have); err != nil {
		return fmt.Errorf("read whose data %s has: %w", l.name, err)
	}
	if have != l.result.Data {
		return l.others(have)
	}
	l.done = map[int]bool{}
	rows, err := l.pool.Query(ctx, "SELECT batch, row_count FROM "+l.table(batchTable))
	if err != nil {
		return fmt.Errorf("read the batches of %s: %w", l.name, err)
	}
	var batch, count int64
	_, err = pgx.ForEachRow(rows, []any{&batch, &count}, func() error {
		l.done[int(batch)] = true
		l.result.Rows += count
		return nil
	})
	l.result.Found = len(l.done)
	return err
}

// write writes the missing batches.
func (l *load) write(ctx context.Context) error {
	caller := ctx
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(l.options.Workers)
	finished := l.result.Found
	for i := range l.result.Batches {
		if l.done[i] || ctx.Err() != nil {
			continue
		}
		group.Go(func() error {
			rows, err := l.batch(ctx, i)
			if err != nil {
				return fmt.Errorf("load %s, batch %d: %w", l.name, i, err)
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			finished++
			l.result.Rows += rows
			if l.options.Progress != nil {
				l.options.Progress(Progress{Batches: l.result.Batches, Done: finished, Rows: l.result.Rows})
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return context.Cause(caller) // batches may have been left out
}

// batch writes one batch and its record in one transaction. The record comes
// first: its key keeps a second writer out, also after a commit of which
// nobody knows whether it went through.
func (l *load) batch(ctx context.Context, i int) (rows int64, err error) {
	err = retry.Do(ctx, retry.Policy{For: l.options.RetryFor}, func() error {
		return pgx.BeginTxFunc(ctx, l.pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
			_, err = tx.Exec(ctx, "INSERT INTO "+l.table(batchTable)+" (batch, row_count) VALUES ($1, 0)", i)
			if err != nil {
				return err
			}
			if rows, err = l.loader.Write(ctx, tx, i); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, "UPDATE "+l.table(batchTable)+" SET row_count = $2 WHERE batch = $1", i, rows)
			return err
		})
	})
	if server, ok := errors.AsType[*pgconn.PgError](err); ok && server.Code == "23505" && server.TableName+server.ConstraintName != "" {
		return l.written(ctx, i, err)
	}
	return rows, err
}

// written reads the record of a batch that somebody wrote: another process, or
// an attempt of ours whose commit was not answered. Without a record, the
// error is about something else.
func (l *load) written(ctx context.Context, i int, cause error) (rows int64, err error) {
	err = l.pool.QueryRow(ctx, "SELECT row_count FROM "+l.table(batchTable)+" WHERE batch = $1", i).Scan(&rows)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, cause
	}
	return rows, err
}

// finish runs what follows the last batch and says that all is there.
func (l *load) finish(ctx context.Context) error {
	_, after := l.loader.Schema()
	if err := l.run(ctx, after); err != nil {
		return err
	}
	_, err := l.pool.Exec(ctx, "INSERT INTO "+l.table(workloads.StateTable)+" (name, value) VALUES ($1, 'yes') ON CONFLICT (name) DO NOTHING",
		workloads.StateComplete)
	if err != nil {
		return fmt.Errorf("remember that %s is loaded: %w", l.name, err)
	}
	return nil
}
