package target

import (
	"context"
	"testing"
	"time"

	"leap/internal/endpoint"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestOpenWhileSomebodyAsks opens a database and makes a schema in it while
// others keep asking that database for what is not there, as monitoring does.
// CockroachDB 20.2 keeps whoever creates a schema waiting for that.
func TestOpenWhileSomebodyAsks(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		name := sandboxtest.NewDatabase(t, server)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		asking, stop := context.WithCancel(ctx)
		db, err := server.DB(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { _ = db.Close() }()
			for asking.Err() == nil {
				_, _ = db.ExecContext(asking, "SELECT count(*) FROM made_here.nothing") // an error
			}
		}()
		defer func() { stop(); <-done }()
		e, err := endpoint.Parse(server.URL(name))
		if err != nil {
			t.Fatal(err)
		}
		d, err := Open(ctx, e, 3)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for range 2 { // the second time it is there
			if err = d.Store().CreateSchema(ctx, "made_here"); err != nil {
				t.Fatal(err)
			}
		}
		for _, statement := range []string{"CREATE TABLE made_here.t (a INT)", "INSERT INTO made_here.t VALUES (1)"} {
			if err = d.Exec(ctx, statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if found, failure := d.Has(ctx, "SELECT a FROM made_here.t"); failure != nil || !found {
			t.Errorf("the row is there: %v (%v)", found, failure)
		}
		if err = d.Exec(ctx, `CREATE TABLE "_migrate_probe_left_c" (a INT)`); err != nil {
			t.Fatal(err)
		}
		if tables, failure := d.Tables(ctx); failure != nil || len(tables) != 0 {
			t.Errorf("the target has %v (%v)", tables, failure)
		}
		if server.StandIn() {
			return // it is not probed
		}
		// Who comes when the checkpoint is there takes away what was left.
		if err = d.Store().CreateSchema(ctx, checkpointSchema); err != nil {
			t.Fatal(err)
		}
		again, err := Open(ctx, e, 3)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		const left = "SELECT 1 FROM pg_catalog.pg_class WHERE left(relname::TEXT, 15) = '_migrate_probe_'"
		if found, err := again.Has(ctx, left); err != nil || found {
			t.Errorf("a probe's table is left: %v (%v)", found, err)
		}
	})
}
