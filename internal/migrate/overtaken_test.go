package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// family is a source with a parent and so many children that refer to it.
func family(t *testing.T, server *sandbox.Server, children int) string {
	t.Helper()
	from := sandboxtest.NewDatabase(t, server)
	statements := []string{"CREATE TABLE parent (id INT PRIMARY KEY AUTO_INCREMENT)", "INSERT INTO parent SELECT seq FROM seq_1_to_50"}
	for i := range children {
		statements = append(statements,
			fmt.Sprintf("CREATE TABLE child%[1]d (id INT PRIMARY KEY, p INT, CONSTRAINT fk%[1]d FOREIGN KEY (p) REFERENCES parent (id))", i),
			fmt.Sprintf("INSERT INTO child%d SELECT seq, seq FROM seq_1_to_50", i))
	}
	execAll(t, server, from, statements...)
	return from
}

// overtaken is a sink that has another process take the job over when a step is
// told for the nth time: what happens to a process that stood still there.
func overtaken(ctx context.Context, t *testing.T, db *sql.DB, step string, nth int) event.Sink {
	t.Helper()
	var mu sync.Mutex
	seen := 0
	return event.SinkFunc(func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind != event.Step || !strings.Contains(e.Message, step) {
			return
		}
		if seen++; seen != nth {
			return
		}
		for _, s := range []string{"DELETE FROM _migrate.member", "UPDATE _migrate.lease SET owner = 'another'"} {
			if _, err := db.ExecContext(ctx, s); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
	})
}

func asked(t *testing.T, db *sql.DB, query string) int {
	t.Helper()
	var text string
	if err := db.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const countForeignKeys = "SELECT count(*)::TEXT FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conname::TEXT LIKE 'fk%'"

// TestOvertakenDropsNothing: a process that stood still while it took foreign
// keys away leaves those alone that its successor has brought back.
func TestOvertakenDropsNothing(t *testing.T) {
	const children, dropped = 6, 2
	server := sandboxtest.Source(t)
	from := family(t, server, children)
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		to := sandboxtest.NewDatabase(t, target)
		cfg := testConfig(t, server, from, target, to)
		if _, err := Run(t.Context(), cfg, Schema, Copy); err != nil {
			t.Fatal(err)
		}
		db := targetHandle(t, target, to)
		if n := asked(t, db, countForeignKeys); n != children {
			t.Fatalf("%d foreign keys", n)
		}
		cfg.Ingest, cfg.Events = IngestUpsert, overtaken(t.Context(), t, db, "is taken away", dropped+1)
		refusedAsOvertaken(t, cfg)
		if n := asked(t, db, countForeignKeys); n != children-dropped {
			t.Errorf("%d foreign keys are left, want %d", n, children-dropped)
		}
	})
}

// TestOvertakenBuildsNothing: neither does it build, or set a sequence back, what
// its successor has long handed over.
func TestOvertakenBuildsNothing(t *testing.T) {
	server := sandboxtest.Source(t)
	from := family(t, server, 2)
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		to := sandboxtest.NewDatabase(t, target)
		cfg := testConfig(t, server, from, target, to)
		if _, err := Run(t.Context(), cfg, Schema); err != nil {
			t.Fatal(err)
		}
		db := targetHandle(t, target, to)
		cfg.Events = overtaken(t.Context(), t, db, "foreign key", 1)
		cfg.Workers = 1
		refusedAsOvertaken(t, cfg)
		if n := asked(t, db, countForeignKeys); n != 1 {
			t.Errorf("%d foreign keys, want the one that was under way", n)
		}
		if n := asked(t, db, "SELECT last_value::TEXT FROM parent_id_seq"); n > 1 {
			t.Errorf("the sequence was set to %d", n)
		}
	})
}

func refusedAsOvertaken(t *testing.T, cfg Config) {
	t.Helper()
	_, err := Run(t.Context(), cfg, Copy)
	if err == nil || fault.ClassOf(err) != fault.Refused || !strings.Contains(err.Error(), "another process has taken this copy over") {
		t.Errorf("got %v", err)
	}
}

func targetHandle(t *testing.T, target *sandbox.Server, name string) *sql.DB {
	t.Helper()
	db, err := target.DB(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
