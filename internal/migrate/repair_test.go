package migrate

import (
	"errors"
	"testing"

	"leap/internal/checkpoint"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
	"leap/internal/target"
	"leap/internal/verify"
)

// openSession opens the target's end of a session; the database has a name and nothing in it.
func openSession(t *testing.T, server *sandbox.Server, name string) *session {
	t.Helper()
	cfg := testConfig(t, sandboxtest.Source(t), "nothing", server, name)
	db, err := openTarget(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s := newSession(cfg.withDefaults(), []Phase{Verify})
	s.target, s.database = db, &schema.Database{Name: "shop"}
	return s
}

// TestRepairIsFenced: a process that was taken for dead repairs nothing more,
// whichever job somebody else works on meanwhile.
func TestRepairIsFenced(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		t.Parallel()
		s := openSession(t, server, sandboxtest.NewDatabase(t, server))
		ctx := t.Context()
		for i := range s.jobs() {
			release, err := s.holdForRepair(ctx)
			if err != nil {
				t.Fatal(err)
			}
			ran := 0
			repair := func() error {
				return repairer{s}.Transaction(ctx, func(verify.Tx) error { ran++; return nil })
			}
			if err = repair(); err != nil || ran != 1 {
				t.Errorf("held, and refused: %v", err)
			}
			err = s.target.Transaction(ctx, func(tx *target.Tx) error { return checkpoint.Release(ctx, tx, s.repairing[i]) })
			if err != nil {
				t.Fatal(err)
			}
			if err = repair(); !errors.Is(err, checkpoint.ErrLeaseLost) || ran != 1 {
				t.Errorf("repaired without the lease on %s: %v", s.jobs()[i].id, err)
			}
			release()
		}
	})
}
