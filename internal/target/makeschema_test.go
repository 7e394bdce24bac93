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
		done := make(chan struct{})
		go func() {
			defer close(done)
			db, err := server.DB(asking, name)
			if err != nil {
				t.Error(err)
				return
			}
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
			if err := d.Store().CreateSchema(ctx, "made_here"); err != nil {
				t.Fatal(err)
			}
		}
		for _, statement := range []string{"CREATE TABLE made_here.t (a INT)", "INSERT INTO made_here.t VALUES (1)"} {
			if err := d.Exec(ctx, statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if found, err := d.Has(ctx, "SELECT a FROM made_here.t"); err != nil || !found {
			t.Errorf("the row is there: %v (%v)", found, err)
		}
		if err := d.Exec(ctx, `CREATE TABLE "_migrate_probe_left_c" (a INT)`); err != nil {
			t.Fatal(err)
		}
		if tables, err := d.Tables(ctx); err != nil || len(tables) != 0 {
			t.Errorf("the target has %v (%v)", tables, err)
		}
	})
}
