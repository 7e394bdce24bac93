package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what scripts have besides testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits":      exits,
	"interrupt":  interruptWith(os.Interrupt),
	"hangup":     interruptWith(syscall.SIGHUP),
	"source":     onSource,
	"target":     onTarget,
	"holds":      holds,
	"report":     checkReport,
	"mode":       fileMode,
	"listen":     listen,
	"password":   demandPassword,
	"tablespace": smallTablespace,
	"enlarge":    enlarge,
}

func stageOf(ts *testscript.TestScript) *stage {
	return ts.Value(stageKey{}).(*stage) //nolint:forcetypeassert // TestUsage and withServers set it
}

// exits CODE ARGS... calls migrate with the arguments and checks the exit code
// and the form of what it prints. There is no progress unless the script asks
// for it, so that stderr is the error and nothing else.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	want, args := number(ts, args[0]), args[1:]
	code := 0
	err := ts.Exec("migrate", quiet(args)...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run migrate: %v", err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
	checkOutput(ts, code, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
}

// quiet switches the progress display off where a subcommand has one.
func quiet(args []string) []string {
	has := len(args) > 0 && slices.Contains([]string{"assess", "schema", "copy", "verify", "run"}, args[0])
	if !has || slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--progress") }) {
		return args
	}
	return slices.Insert(slices.Clone(args), 1, "--progress=none")
}

// foul is what has no place in a message for people: traces, verbs of fmt that
// got no value, and the way in which Go's packages tell of the network.
var foul = regexp.MustCompile(`panic:|goroutine \d|\.go:\d|%!|<nil>|0xc0|dial (tcp|unix)|connect: |lookup .* on |` +
	`i/o timeout|strconv|context (deadline exceeded|canceled)|(?i)\beof\b|failed to connect|driver: |database/sql|pgx|errno `)

// checkOutput checks what every call must keep to.
func checkOutput(ts *testscript.TestScript, code int, stdout, stderr string) {
	for _, text := range []string{stdout, stderr} {
		for _, secret := range stageOf(ts).secrets {
			if strings.Contains(text, secret) {
				ts.Fatalf("the output has a password")
			}
		}
		if bad := foul.FindString(text); bad != "" {
			ts.Fatalf("the output has %q", bad)
		}
	}
	if code == 0 {
		return
	}
	// Each thing that is wrong is one line and at most one hint.
	errs, hints := 0, 0
	for line := range strings.Lines(stderr) {
		switch {
		case strings.HasPrefix(line, "migrate: "):
			errs, hints = errs+1, 0
		case errs > 0 && strings.HasPrefix(line, "hint: ") && hints == 0:
			hints++
		case errs > 0:
			ts.Fatalf("the error is not one line and a hint")
		}
	}
	if errs == 0 && (code < 3 || stdout == "") && !strings.Contains(stdout, "verdict: ") {
		// Otherwise the report on stdout has said everything.
		ts.Fatalf("exit code %d without an error on stderr", code)
	}
}

// interrupt CODE QUERY ARGS... calls migrate, waits until the query on the
// target returns true, sends SIGINT (hangup: SIGHUP), and checks that the call ends within
// five seconds with the exit code. The script goes on in the usual way.
func interruptWith(stop os.Signal) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) { interrupt(ts, neg, args, stop) }
}

func interrupt(ts *testscript.TestScript, neg bool, args []string, stop os.Signal) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt CODE QUERY ARGS...")
	}
	want, query, args := number(ts, args[0]), args[1], args[2:]
	path, err := exec.LookPath("migrate")
	ts.Check(err)
	cmd := exec.Command(path, quiet(args)...)
	for _, name := range []string{"LEAP_SOURCE", "LEAP_TARGET", "TMPDIR", "GORACE"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Dir = ts.MkAbs(".")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// Who is caught here is at its default there, also where nohup runs the tests.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, stop)
	defer signal.Stop(caught)
	ts.Check(cmd.Start())
	defer func() {
		_, _ = ts.Stdout().Write([]byte(stdout.String()))
		_, _ = ts.Stderr().Write([]byte(stderr.String()))
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // ProcessState says how it ended
	}()
	awaitTrue(ts, query, done)
	ts.Check(cmd.Process.Signal(stop))
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		_ = cmd.Process.Kill()
		<-done
		ts.Fatalf("migrate went on for five seconds after %s", stop)
	}
	if code := cmd.ProcessState.ExitCode(); code != want {
		ts.Fatalf("exit code %d, want %d; stderr: %s", code, want, stderr.String())
	}
	checkOutput(ts, want, stdout.String(), stderr.String())
}

// awaitTrue asks the target until it says true. A process that ends earlier
// fails the script.
func awaitTrue(ts *testscript.TestScript, query string, ended <-chan struct{}) {
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if got, err := ask(stageOf(ts).target, stageOf(ts).to, query); err == nil && got == "true" {
			return
		}
		select {
		case <-ended:
			ts.Fatalf("migrate ended before it could be interrupted")
		case <-limit:
			ts.Fatalf("after 30 s %q is not true", query)
		case <-tick.C:
		}
	}
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		ts.Fatalf("%q is not a number", text)
	}
	return n
}
