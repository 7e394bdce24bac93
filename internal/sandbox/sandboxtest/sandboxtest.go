// Package sandboxtest gives tests real database servers: one source and one
// server of each target kind for a whole test process, started when the first
// test asks and stopped at the end.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { sandboxtest.Main(m) }
//
// A test without servers to run on fails and names `make servers`. It is
// skipped instead, and says so, under `go test -short` and with
// LEAP_SKIP_SERVERS=1. LEAP_TARGETS, such as "cockroach,postgres", restricts
// the targets.
//
// For each server that ran, one line such as "sandbox: source mariadb 10.11.19"
// goes to standard error, so that no log leaves open whether a test spoke to
// CockroachDB or to its stand-in.
package sandboxtest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"leap/internal/sandbox"
)

// The environment variables that tests obey.
const (
	skipVariable    = "LEAP_SKIP_SERVERS"
	targetsVariable = "LEAP_TARGETS"
)

// shared is a server for the whole process.
type shared struct {
	once   sync.Once
	server *sandbox.Server
	err    error
}

// servers of this process, by role. Tests of one package share them on purpose:
// a start per test would take longer than the tests.
var servers = struct {
	mu     sync.Mutex // guards byRole
	byRole map[string]*shared
}{byRole: map[string]*shared{}}

// Main runs the tests of a package, stops the shared servers, checks that no
// goroutine is left and ends the process.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(stopping{m}, options...)
}

// stopping runs tests and stops the shared servers after them.
type stopping struct{ tests goleak.TestingM }

// Run returns the exit code of the tests, or 1 when a server did not stop.
func (s stopping) Run() int {
	code := s.tests.Run()
	servers.mu.Lock()
	defer servers.mu.Unlock()
	for role, shared := range servers.byRole {
		if shared.server == nil {
			continue
		}
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintf(os.Stderr, "sandbox: %s: %v\n", role, err)
			code = max(code, 1)
		}
	}
	clear(servers.byRole)
	return code
}

// Source is the shared source server.
func Source(tb testing.TB) *sandbox.Server {
	tb.Helper()
	skipWithoutServers(tb)
	return use(tb, "source", func(ctx context.Context) (*sandbox.Server, error) {
		return sandbox.StartSource(ctx, sandbox.Options{})
	})
}

// MariaDBOnly skips a test about what MySQL does not have.
func MariaDBOnly(tb testing.TB, source *sandbox.Server, why string) {
	tb.Helper()
	if source.Kind() != sandbox.MariaDB {
		tb.Skipf("not on %s: %s", source, why)
	}
}

// MySQLOnly skips a test about what MariaDB does not have.
func MySQLOnly(tb testing.TB, source *sandbox.Server, why string) {
	tb.Helper()
	if source.Kind() != sandbox.MySQL {
		tb.Skipf("not on %s: %s", source, why)
	}
}

// Target is the shared server of the preferred target kind that LEAP_TARGETS
// allows.
func Target(tb testing.TB) *sandbox.Server {
	tb.Helper()
	return target(tb, kinds(tb)[0])
}

// EachTarget runs a test on every target kind that this machine has and
// LEAP_TARGETS allows, as subtests named "cockroach" and "postgres".
func EachTarget(t *testing.T, test func(t *testing.T, target *sandbox.Server)) {
	t.Helper()
	for _, kind := range kinds(t) {
		t.Run(string(kind), func(t *testing.T) { test(t, target(t, kind)) })
	}
}

func target(tb testing.TB, kind sandbox.Kind) *sandbox.Server {
	tb.Helper()
	return use(tb, "target", func(ctx context.Context) (*sandbox.Server, error) {
		return sandbox.StartTarget(ctx, kind, sandbox.Options{})
	}, kind)
}

// use gives the shared server of a role, and of a kind where a role has
// several, starting it first if need be.
func use(tb testing.TB, role string, start func(context.Context) (*sandbox.Server, error), kind ...sandbox.Kind) *sandbox.Server {
	tb.Helper()
	servers.mu.Lock()
	key := role + fmt.Sprint(kind)
	entry, ok := servers.byRole[key]
	if !ok {
		entry = new(shared)
		servers.byRole[key] = entry
	}
	servers.mu.Unlock()
	entry.once.Do(func() {
		// The server serves later tests too: not this one's context.
		entry.server, entry.err = start(context.WithoutCancel(tb.Context()))
		if entry.err == nil {
			fmt.Fprintf(os.Stderr, "sandbox: %s %s\n", role, entry.server)
		}
	})
	if entry.err != nil {
		tb.Fatalf("no %s server (try `make servers`, or skip with %s=1): %v", role, skipVariable, entry.err)
	}
	return entry.server
}

// skipWithoutServers skips a test that was asked to do without servers.
func skipWithoutServers(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a database server, but this is -short")
	}
	if reason := skipReason(os.Getenv(skipVariable)); reason != "" {
		tb.Skip(reason)
	}
}

// skipReason judges the value of skipVariable; "" means to run.
func skipReason(value string) string {
	if value != "1" {
		return ""
	}
	return "needs a database server, but " + skipVariable + "=1"
}

// kinds are the target kinds to test on, at least one.
func kinds(tb testing.TB) []sandbox.Kind {
	tb.Helper()
	skipWithoutServers(tb)
	chosen, err := choose(sandbox.Targets(), os.Getenv(targetsVariable))
	if err != nil {
		tb.Fatalf("no target server (try `make servers`, or skip with %s=1): %v", skipVariable, err)
	}
	return chosen
}

// choose picks the wanted kinds, a list with commas, from those at hand; an
// empty list wants all. What is wanted but not there is an error: a test on
// fewer servers than asked for would pass for the wrong reason.
func choose(have []sandbox.Kind, wanted string) ([]sandbox.Kind, error) {
	var chosen []sandbox.Kind
	for name := range strings.SplitSeq(wanted, ",") {
		kind := sandbox.Kind(strings.TrimSpace(name))
		switch {
		case kind == "":
		case slices.Contains(have, kind):
			chosen = append(chosen, kind)
		default:
			return nil, fmt.Errorf("%s names %q, but this machine has %v", targetsVariable, kind, have)
		}
	}
	if len(chosen) > 0 {
		return chosen, nil
	}
	if len(have) == 0 {
		_, err := sandbox.PreferredTarget()
		return nil, err
	}
	return have, nil
}
