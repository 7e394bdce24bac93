package fleet

import (
	"strings"
	"testing"

	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// A target that holds one tenant's copy takes no row of another, in whatever way
// it is asked to, and is nobody else's in the status.
func TestTargetOfAnotherTenant(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		s := setUp(t)
		cfg, database := s.oneTenant(t, target)
		mistaken := s.config(t, targets(map[string]string{"a": target.URL("a"), "b": target.URL(database), "c": target.URL("c")}), threeTenants)
		mistaken.Names = []string{"beta"}
		// Tables without rows are nobody's yet: the mistake can be mended.
		if m := runOne(t, mistaken, migrate.Schema); m.ExitCode != 0 {
			t.Fatalf("exit code %d: %+v", m.ExitCode, m.Error)
		}
		checkRows(t, runOne(t, cfg, all...))
		if got, _ := standings(t, mistaken); !strings.HasPrefix(got["beta"], migrate.StandsFailed) {
			t.Errorf("got %v", got)
		}
		for _, way := range []migrate.Ingest{migrate.IngestCopy, migrate.IngestUpsert} {
			mistaken.Base.Ingest = way
			m := runOne(t, mistaken, all...)
			if m.ExitCode != int(fault.Refused) || m.Error == nil || !strings.Contains(m.Error.Message, "the tenant with id 1") {
				t.Errorf("%s: exit code %d: %+v", way, m.ExitCode, m.Error)
			}
		}
		db, err := target.DB(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM accounts WHERE tenant_id <> 1").Scan(&n); err != nil || n > 0 {
			t.Errorf("%d accounts of others, %v", n, err)
		}
		if got, _ := standings(t, cfg); !strings.HasPrefix(got["alpha"], migrate.StandsDone) {
			t.Errorf("got %v", got)
		}
	})
}
