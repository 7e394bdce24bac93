package seed_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/seed"
	"leap/workloads"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

// small is a workload of numbered rows that can be made to fail.
type small struct {
	workloads.Workload
	batches int
	fail    func(batch int) error
	looked  func() // called after what is there was looked at
}

func (small) About() workloads.About { return workloads.About{Name: "small"} }

func (s small) Load(context.Context, workloads.Querier, workloads.Settings) (workloads.Loader, error) {
	return s, nil
}

func (s small) Data() string { return fmt.Sprintf("%d batches", s.batches) }

func (s small) Schema() (before, after []string) {
	if s.looked != nil {
		s.looked()
	}
	return []string{"CREATE SCHEMA IF NOT EXISTS small", "CREATE TABLE IF NOT EXISTS small.t (id INT8 PRIMARY KEY, word VARCHAR(40))"},
		[]string{"CREATE INDEX IF NOT EXISTS t_word ON small.t (word)"}
}

func (s small) Batches() int { return s.batches }

func (s small) Write(ctx context.Context, tx pgx.Tx, i int) (int64, error) {
	n, err := workloads.Copy(ctx, tx, "small.t", []string{"id", "word"}, [][]any{{2 * i, "a\tb\\c\nd\r"}, {2*i + 1, nil}})
	if err == nil && s.fail != nil {
		err = s.fail(i)
	}
	return n, err
}

func database(t *testing.T, server *sandbox.Server) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), server.URL(sandboxtest.NewDatabase(t, server)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func count(t *testing.T, pool *pgxpool.Pool) (rows, words int) {
	t.Helper()
	const query = "SELECT count(*), count(CASE WHEN word = E'a\\tb\\\\c\\nd\\r' THEN 1 END) FROM small.t"
	if err := pool.QueryRow(t.Context(), query).Scan(&rows, &words); err != nil {
		t.Fatal(err)
	}
	return rows, words
}

// TestLoadContinues stops a load in the middle, and goes on.
func TestLoadContinues(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		pool := database(t, server)
		broken := errors.New("the plug was pulled")
		w := small{batches: 20, fail: func(i int) error {
			if i == 11 {
				return broken
			}
			return nil
		}}
		_, err := seed.Load(t.Context(), pool, w, workloads.Settings{}, seed.Options{Workers: 3})
		if !errors.Is(err, broken) {
			t.Fatalf("the failure of a batch is %v", err)
		}
		if _, err = workloads.Loaded(t.Context(), pool, "small"); !isNotLoaded(err) {
			t.Errorf("a load that broke off counts as %v", err)
		}
		var last seed.Progress
		w.fail = nil
		before, _ := count(t, pool)
		result, err := seed.Load(t.Context(), pool, w, workloads.Settings{}, seed.Options{Workers: 3, Progress: func(p seed.Progress) { last = p }})
		if err != nil {
			t.Fatal(err)
		}
		if result.Found != before/2 || result.Found == 0 || result.Rows != 40 || last.Done != 20 || last.Rows != 40 {
			t.Errorf("found %d of %d rows, last %+v, result %+v", result.Found, before, last, result)
		}
		if rows, words := count(t, pool); rows != 40 || words != 20 {
			t.Errorf("%d rows, %d words", rows, words)
		}
		result, err = seed.Load(t.Context(), pool, w, workloads.Settings{}, seed.Options{})
		if err != nil || !result.Already || result.Rows != 40 {
			t.Errorf("a third time: %+v, %v", result, err)
		}
	})
}

func isNotLoaded(err error) bool {
	_, ok := errors.AsType[*workloads.NotLoadedError](err)
	return ok
}

// TestTwoLoaders load the same data at the same time.
func TestTwoLoaders(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		pool := database(t, server)
		w := small{batches: 30}
		if _, err := seed.Load(t.Context(), pool, small{}, workloads.Settings{}, seed.Options{}); err != nil {
			t.Fatal(err) // makes the tables; two at once may fail at that
		}
		if _, err := pool.Exec(t.Context(), "DELETE FROM small."+workloads.StateTable); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				result, err := seed.Load(t.Context(), pool, w, workloads.Settings{}, seed.Options{Workers: 4})
				if err != nil || result.Rows != 60 {
					t.Errorf("%+v, %v", result, err)
				}
			})
		}
		group.Wait()
		if rows, _ := count(t, pool); rows != 60 {
			t.Errorf("%d rows", rows)
		}
	})
}

// TestLoadRefuses other data, and Drop what is not ours.
func TestLoadRefuses(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		pool := database(t, server)
		if err := seed.Drop(t.Context(), pool, small{}); err != nil {
			t.Errorf("dropping nothing: %v", err)
		}
		if _, err := pool.Exec(t.Context(), "CREATE SCHEMA small"); err != nil {
			t.Fatal(err)
		}
		if err := seed.Drop(t.Context(), pool, small{}); err == nil {
			t.Error("somebody else's schema was dropped")
		}
		if _, err := seed.Load(t.Context(), pool, small{batches: 2}, workloads.Settings{}, seed.Options{}); err != nil {
			t.Fatal(err)
		}
		_, err := seed.Load(t.Context(), pool, small{batches: 3}, workloads.Settings{}, seed.Options{})
		if !isNotLoaded(err) {
			t.Errorf("other data: %v", err)
		}
		if err := seed.Drop(t.Context(), pool, small{}); err != nil {
			t.Fatal(err)
		}
		if _, err := seed.Load(t.Context(), pool, small{batches: 3}, workloads.Settings{}, seed.Options{}); err != nil {
			t.Errorf("after the drop: %v", err)
		}
	})
}

// TestLoadRefusesTablesOfOthers in a schema of the workload's name: it leaves
// nothing in it, so that Drop does not take the schema for its own.
func TestLoadRefusesTablesOfOthers(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		pool := database(t, server)
		for _, statement := range []string{"CREATE SCHEMA small", "CREATE TABLE small.customers (id INT8 PRIMARY KEY)", "INSERT INTO small.customers VALUES (1)"} {
			if _, err := pool.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		_, err := seed.Load(t.Context(), pool, small{batches: 2}, workloads.Settings{}, seed.Options{})
		if err == nil || !strings.Contains(err.Error(), "customers") {
			t.Errorf("loaded into somebody else's schema: %v", err)
		}
		if err := seed.Drop(t.Context(), pool, small{}); err == nil {
			t.Error("somebody else's schema was dropped")
		}
		var rows int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM small.customers").Scan(&rows); err != nil || rows != 1 {
			t.Errorf("%d customers are left: %v", rows, err)
		}
	})
}

// TestLoadersOfOtherData: the second one notices, though there was nothing when
// it looked.
func TestLoadersOfOtherData(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		pool := database(t, server)
		w := small{batches: 3, looked: func() {
			if _, err := seed.Load(t.Context(), pool, small{batches: 2}, workloads.Settings{}, seed.Options{}); err != nil {
				t.Error(err)
			}
		}}
		if _, err := seed.Load(t.Context(), pool, w, workloads.Settings{}, seed.Options{}); !isNotLoaded(err) {
			t.Errorf("loaded among other data: %v", err)
		}
		if rows, _ := count(t, pool); rows != 4 {
			t.Errorf("%d rows, want those of the first", rows)
		}
	})
}

// TestLoadStops when it is told to, and does not say that it is complete.
func TestLoadStops(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		pool := database(t, server)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("too slow"))
		defer cancel()
		w := small{batches: 200, fail: func(i int) error {
			if i == 20 {
				cancel()
			}
			return nil
		}}
		if _, err := seed.Load(ctx, pool, w, workloads.Settings{}, seed.Options{Workers: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := workloads.Loaded(t.Context(), pool, "small"); !isNotLoaded(err) {
			t.Errorf("a load that was stopped counts as %v", err)
		}
	})
}
