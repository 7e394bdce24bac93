package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// The scripts in testdata show what a person at the terminal sees. They run
// the command as a process of its own:
//
//	usage:  everything that is decided before a connection; needs no server
//	source: what depends on the source; runs on one target
//	target: what depends on both; runs on each kind
//
// A script that talks to servers has an empty database on each side, whose
// addresses are in LEAP_SOURCE and LEAP_TARGET. script_test.go has the
// commands besides testscript's own.
func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"migrate": main})
}

// suite runs the tests, then stops the servers; testscript.Main ends the process.
type suite struct{ tests *testing.M }

// Run returns the exit code.
func (s suite) Run() (code int) {
	sandboxtest.Main(s.tests, goleak.Cleanup(func(c int) { code = c }))
	return code
}

func TestUsage(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/usage", Cmds: commands, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv(quickExit())
			env.Values[stageKey{}] = &stage{}
			return nil
		},
	})
}

func TestSource(t *testing.T) {
	target := sandboxtest.Target(t)
	testscript.Run(t, withServers("testdata/source", sandboxtest.Source(t), target))
}

func TestTarget(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		testscript.Run(t, withServers("testdata/target", sandboxtest.Source(t), target))
	})
}

// stage is what the commands of one script work on; without servers in TestUsage.
type stage struct {
	source, target *sandbox.Server
	from, to       string // the databases
	// secrets must not show up anywhere.
	secrets []string
}

type stageKey struct{}

func withServers(dir string, source, target *sandbox.Server) testscript.Params {
	return testscript.Params{
		Dir: dir, Cmds: commands, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			tb := env.T().(testing.TB) //nolint:forcetypeassert // testscript.Run promises it
			s := &stage{source: source, target: target}
			s.from, s.to = sandboxtest.NewDatabase(tb, source), sandboxtest.NewDatabase(tb, target)
			env.Values[stageKey{}] = s
			// The account with a password: each call then shows whether it leaks.
			address := source.UserURL(s.from)
			_, rest, _ := strings.Cut(address, "leap:")
			password, _, _ := strings.Cut(rest, "@")
			s.secrets = append(s.secrets, password)
			env.Setenv(quickExit())
			for name, value := range map[string]string{
				"LEAP_SOURCE": address,
				"LEAP_TARGET": target.URL(s.to),
				// The same without a password, for the command line.
				"SOURCE": source.URL(s.from), "TARGET": target.URL(s.to),
				"FROM": s.from, "TO": s.to,
				"SOURCE_ADDR": "127.0.0.1:" + strconv.Itoa(source.Port),
				"TARGET_ADDR": "127.0.0.1:" + strconv.Itoa(target.Port),
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "can-mount" {
				return runtime.GOOS == "linux" && os.Geteuid() == 0, nil
			}
			return sandbox.Kind(name) == target.Kind() || sandbox.Kind(name) == source.Kind(), nil
		},
	}
}

// quickExit is a setting of the race detector, which by default lets each
// process sleep for a second before it ends.
func quickExit() (name, value string) { return "GORACE", "atexit_sleep_ms=0" }
