package fleet

import (
	"fmt"
	"strings"
	"testing"

	"leap/internal/fault"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// A server without regions refuses tables that are REGIONAL BY ROW before
// anything is made, whatever is asked for.
func TestRegionsNeedAServer(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		s := setUp(t)
		database := sandboxtest.NewDatabase(t, target)
		cfg := s.config(t, fmt.Sprintf("targets:\n  a: {url: %q, regions: [eu-central-1, eu-west-1]}", target.URL(database)),
			"tenants:\n  - {name: alpha, id: 1, crdb_region: eu-west-1}")
		result, err := Run(t.Context(), cfg, all...)
		if err != nil {
			t.Fatal(err)
		}
		move := result.Tenants[0]
		const problem = "the plan gives the database the regions eu-central-1, eu-west-1, and the target is "
		const after = ", which knows no regions"
		if move.ExitCode != int(fault.Refused) || move.Error == nil || !strings.Contains(move.Error.Message, problem) ||
			!strings.Contains(move.Error.Message, after) || !strings.Contains(move.Error.Hint, "take regions: of the target out of the plan") {
			t.Errorf("exit code %d, %+v", move.ExitCode, move.Error)
		}
		if _, err = Script(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("the script: %v", err)
		}
		checks, err := Check(t.Context(), cfg)
		if err != nil || checks[0].Err == nil || !strings.Contains(checks[0].Err.Error(), problem) {
			t.Errorf("the check: %v, %+v", err, checks[0].Error)
		}
		db, err := target.DB(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		var tables int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'").Scan(&tables); err != nil || tables != 0 {
			t.Errorf("%d tables were made (%v)", tables, err)
		}
	})
}
