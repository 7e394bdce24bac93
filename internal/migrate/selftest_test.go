package migrate

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"leap/internal/event"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestSelfTestTellsLeftovers: a database that a killed self-test left is named
// with the statement that removes it, and is not touched: it may be in use.
func TestSelfTestTellsLeftovers(t *testing.T) {
	server := sandboxtest.Source(t)
	from := sandboxtest.NewDatabase(t, server)
	fill(t, server, from, 40, keyedTables[0])
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		const left = "_migrate_selftest_left by a kill"
		if err := target.Exec(t.Context(), "", `CREATE DATABASE "`+left+`"`); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := target.Exec(t.Context(), "", `DROP DATABASE "`+left+`"`); err != nil {
				t.Error(err)
			}
		}()
		var mu sync.Mutex
		var told []string
		cfg := testConfig(t, server, from, target, sandboxtest.NewDatabase(t, target))
		cfg.Events = event.SinkFunc(func(e event.Event) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, e.Message)
		})
		got, err := SelfTest(t.Context(), cfg, SelfTestOptions{})
		if err != nil || got.Verdict != report.Pass {
			t.Errorf("%v, %s", err, got.Verdict)
		}
		mu.Lock()
		defer mu.Unlock()
		if !slices.ContainsFunc(told, func(m string) bool { return strings.Contains(m, `DROP DATABASE "`+left+`"`) }) {
			t.Errorf("it is not told: %q", told)
		}
		if !slices.Contains(databases(t, target), left) {
			t.Error("the database of another self-test was dropped")
		}
	})
}
