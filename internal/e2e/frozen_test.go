package e2e

import (
	"strings"
	"syscall"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestFrozenCopySaysNothing: a copy that stood still for so long that another
// one took it over and finished it must not call it failed, or running, when it
// wakes.
func TestFrozenCopySaysNothing(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := bigMove(t, target)
		m.must(t, exitDone, "schema", "--apply")
		p := m.start(t, "copy", "--chunk-rows=100", "--workers=2", "--max-rows-per-second=2000")
		if !p.awaitRows(t, m, "big", 500) {
			t.Fatalf("the copy ended before it could be frozen: %s", p.outcome(t))
		}
		if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		m.must(t, exitDone, "copy")
		const noted = "SELECT phase || ' ' || state FROM _migrate.journal"
		if got := m.targetValue(t, noted); got != "copy ended" {
			t.Errorf("noted is %q", got)
		}
		if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		if o := p.outcome(t); o.code != exitRefused || !strings.Contains(o.stderr, "taken this copy over") && !strings.Contains(o.stderr, "has written this chunk") {
			t.Errorf("the one that was frozen: %s", o)
		}
		if got := m.targetValue(t, noted); got != "copy ended" {
			t.Errorf("noted is %q after the one that was frozen woke", got)
		}
		compareAll(t, m, m.must(t, exitDone, "verify"))
	})
}
