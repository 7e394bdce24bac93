// Command gotest runs `go test` with the arguments it is given, prints what
// `go test` prints, and ends with what the result rests on: the servers that
// the tests ran against, the tests that were skipped and why, and the counts.
// A green run on a stand-in, or one that skipped half of its tests, then looks
// different from one on the real thing.
//
// Its exit code is that of `go test`, except that a run in which no test
// passed is a failure too.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// sandboxLog names the environment variable with the file to which each test
// process appends one line for every server that it starts.
const sandboxLog = "LEAP_SANDBOX_LOG"

// stopGrace is how long an interrupted `go test` may take to stop the servers
// that its tests have started before it is killed.
const stopGrace = 30 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
}

// run runs `go test -json args...` and writes its rendering and the summary to
// w. It returns an error when tests failed, none passed, or the output could
// not be understood.
func run(ctx context.Context, args []string, w io.Writer) (err error) {
	log, err := os.CreateTemp("", "gotest-servers-")
	if err != nil {
		return fmt.Errorf("make the server log: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close(), os.Remove(log.Name())) }()

	//nolint:gosec // running what the command line says is the purpose
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Env = append(os.Environ(), sandboxLog+"="+log.Name())
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopGrace
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("connect to go test: %w", err)
	}
	if err = cmd.Start(); err != nil {
		return fmt.Errorf("start go test: %w", err)
	}
	res := newResult(w)
	readErr := res.read(out)
	testErr := cmd.Wait()
	servers, logErr := io.ReadAll(log)
	res.addServers(string(servers))
	res.summarize()
	switch {
	case testErr != nil:
		return fmt.Errorf("go test: %w", testErr)
	case readErr != nil:
		return fmt.Errorf("read the results: %w", readErr)
	case logErr != nil:
		return fmt.Errorf("read the server log: %w", logErr)
	case res.writeErr != nil:
		return fmt.Errorf("print the results: %w", res.writeErr)
	case res.passed == 0:
		return errors.New("no test passed: nothing was tested")
	}
	return nil
}
