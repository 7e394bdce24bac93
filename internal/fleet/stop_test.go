package fleet

import (
	"context"
	"testing"

	"leap/internal/event"
	"leap/internal/migrate"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// Who stops a move knows that it stands still: it is not one that failed.
func TestStoppedIsNotFailed(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		s := setUp(t)
		cfg, _ := s.oneTenant(t, target)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		cfg.Base.Events = onEvent(func(e event.Event) {
			if e.Kind == event.RowsMoved {
				stop()
			}
		})
		if _, err := Run(ctx, cfg, all...); err != nil {
			t.Fatal(err)
		}
		if got, _ := standings(t, cfg); got["alpha"] != migrate.StandsStopped+" copy" {
			t.Errorf("got %v", got)
		}
		cfg.Base.Events = nil
		checkRows(t, runOne(t, cfg, all...))
		if got, _ := standings(t, cfg); got["alpha"] != migrate.StandsDone+" verify" {
			t.Errorf("got %v", got)
		}
	})
}
