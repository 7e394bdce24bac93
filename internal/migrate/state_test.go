package migrate

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"leap/internal/event"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestStateOfAnEndedComparison: one that was interrupted goes on at its moment of
// the target; one that came to its end begins anew, and sees what changed since.
func TestStateOfAnEndedComparison(t *testing.T) {
	server := sandboxtest.Source(t)
	told := server.Kind() == sandbox.MariaDB // a single connection: where its view stands
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		from, to := sandboxtest.NewDatabase(t, server), sandboxtest.NewDatabase(t, target)
		execAll(t, server, from, "CREATE TABLE a (id INT PRIMARY KEY, v INT)", "INSERT INTO a VALUES (1, 1), (2, 2), (3, 3)",
			"CREATE TABLE b (id INT PRIMARY KEY)", "INSERT INTO b VALUES (1)")
		cfg := testConfig(t, server, from, target, to)
		if r := mustRun(t, cfg, Schema, Copy, Verify); r.Verdict != report.Pass {
			t.Fatalf("%s %v", r.Verdict, r.Reasons)
		}
		cfg.Workers, cfg.Verify.Settle, cfg.Verify.StateFile = 1, never, filepath.Join(t.TempDir(), "state")
		interruptVerify(t, cfg)
		resumed := func(r *report.Migration) (rows int64) {
			for _, table := range r.Tenants[0].Tables {
				rows += table.ResumedRows
			}
			return rows
		}
		between, continues := time.Now(), told && !target.StandIn()
		r := mustRun(t, cfg, Verify)
		if n := resumed(r); r.Verdict != report.Pass || (n > 0) != continues {
			t.Errorf("interrupted: %s, %d rows were not compared again", r.Verdict, n)
		}
		if at := r.Target.Moment.TakenAt; at.Before(between) != continues {
			t.Errorf("the moment of the target is said to be of %s", at)
		}
		execAll(t, target, to, "UPDATE a SET v = 9 WHERE id = 2")
		r = mustRun(t, cfg, Verify)
		if n := resumed(r); r.Verdict != report.Fail || n != 0 {
			t.Errorf("ended, and the target changed: %s, %d rows were not compared again", r.Verdict, n)
		}
		execAll(t, target, to, "UPDATE a SET v = 2 WHERE id = 2")
		interruptVerify(t, cfg)
		execAll(t, server, from, "UPDATE a SET v = 9 WHERE id = 2")
		r = mustRun(t, cfg, Verify)
		if n := resumed(r); r.Verdict != report.Fail || n != 0 {
			t.Errorf("interrupted, and the source changed: %s, %d rows were not compared again", r.Verdict, n)
		}
	})
}

// interruptVerify ends a comparison after its first table.
func interruptVerify(t *testing.T, cfg Config) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg.Events = event.SinkFunc(func(e event.Event) {
		if e.Kind == event.TableFinished && e.Phase == string(Verify) {
			cancel()
		}
	})
	if _, err := Run(ctx, cfg, Verify); err == nil {
		t.Fatal("it was not interrupted")
	}
}
