package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// The scripts in testdata show what a person at the terminal sees: usage needs
// no server, target runs on each kind, with an empty database in LEAP_TARGET.
func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"loadgen": main})
}

// suite runs the tests, then stops the servers; testscript.Main ends the process.
type suite struct{ tests *testing.M }

// Run returns the exit code.
func (s suite) Run() (code int) {
	sandboxtest.Main(s.tests, goleak.Cleanup(func(c int) { code = c }))
	return code
}

var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits": exits, "interrupt": interruptWith(os.Interrupt), "hangup": interruptWith(syscall.SIGHUP),
}

func TestUsage(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/usage", Cmds: commands, RequireUniqueNames: true, Setup: func(env *testscript.Env) error {
		env.Setenv("GORACE", "atexit_sleep_ms=0")
		return nil
	}})
}

func TestTarget(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		testscript.Run(t, testscript.Params{Dir: "testdata/target", Cmds: commands, RequireUniqueNames: true, Setup: func(env *testscript.Env) error {
			tb := env.T().(testing.TB) //nolint:forcetypeassert // testscript.Run promises it
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Setenv("LEAP_TARGET", target.URL(sandboxtest.NewDatabase(tb, target)))
			return nil
		}})
	})
}

// exits CODES ARGS... calls loadgen with the arguments and checks the exit code,
// one of several such as 0|4, and the form of what it prints.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODES ARGS...")
	}
	code := 0
	err := ts.Exec("loadgen", args[1:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run loadgen: %v", err)
	}
	checkCode(ts, args[0], code)
	checkOutput(ts, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
}

func checkCode(ts *testscript.TestScript, wanted string, code int) {
	for want := range strings.SplitSeq(wanted, "|") {
		if want == strconv.Itoa(code) {
			return
		}
	}
	ts.Fatalf("exit code %d, want %s", code, wanted)
}

// foul is what has no place in a message for people.
var foul = regexp.MustCompile(`panic:|goroutine \d|\.go:\d|%!|<nil>|0xc0|strconv|context (deadline exceeded|canceled)`)

func checkOutput(ts *testscript.TestScript, texts ...string) {
	for _, text := range texts {
		if bad := foul.FindString(text); bad != "" {
			ts.Fatalf("the output has %q", bad)
		}
	}
}

// interrupt CODES FILE ARGS... calls loadgen, sends SIGINT (hangup: SIGHUP) when
// something is in the file, and checks that it ends within 30 seconds with one of
// the exit codes.
func interruptWith(stop os.Signal) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) { interrupt(ts, neg, args, stop) }
}

func interrupt(ts *testscript.TestScript, neg bool, args []string, stop os.Signal) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt CODES FILE ARGS...")
	}
	path, err := exec.LookPath("loadgen")
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Env = []string{"LEAP_TARGET=" + ts.Getenv("LEAP_TARGET"), "GORACE=" + ts.Getenv("GORACE")}
	cmd.Dir = ts.MkAbs(".")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// Who is caught here is at its default there, also where nohup runs the tests.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, stop)
	defer signal.Stop(caught)
	ts.Check(cmd.Start())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // ProcessState says how it ended
	}()
	awaitContent(ts, ts.MkAbs(args[1]), done)
	ts.Check(cmd.Process.Signal(stop))
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		<-done
		ts.Fatalf("loadgen went on for 30 seconds after %s", stop)
	}
	_, _ = ts.Stdout().Write([]byte(stdout.String()))
	_, _ = ts.Stderr().Write([]byte(stderr.String()))
	checkCode(ts, args[0], cmd.ProcessState.ExitCode())
	checkOutput(ts, stdout.String(), stderr.String())
}

// awaitContent waits until there is something in a file.
func awaitContent(ts *testscript.TestScript, file string, ended <-chan struct{}) {
	limit := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if info, err := os.Stat(file); err == nil && info.Size() > 0 {
			return
		}
		select {
		case <-ended:
			ts.Fatalf("loadgen ended before it could be interrupted")
		case <-limit:
			ts.Fatalf("there is nothing in %s", file)
		case <-tick.C:
		}
	}
}
