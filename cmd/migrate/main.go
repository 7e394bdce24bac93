// Command migrate streams one customer's database after another out of MySQL
// or MariaDB into CockroachDB and proves that every row arrived.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"leap/cmd/internal/cli"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "dev"

// gcPercent keeps the heap near what is in use, a few megabytes of buffers that
// hold no pointers: to look through them costs next to nothing, and rows on
// their way leave hardly any garbage. At the usual 100 a copy of 20 million rows
// came to 30 MiB, at 20 to 25. GOGC overrides it.
const gcPercent = 25

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the second one kills, as people expect.
	context.AfterFunc(ctx, stop)
	ctx = outliveTerminal(ctx)
	os.Exit(run(ctx, os.Args[1:], cli.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}))
}

// outliveTerminal lets the command end by itself when its terminal is gone: a lost
// session stops it as Ctrl-C does, however often it is told so (the shell repeats
// it), and who only watched the progress through a pipe may leave. A command that
// nohup started goes on.
func outliveTerminal(ctx context.Context) context.Context {
	// The write then fails with EPIPE, which counts where it is the report's.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if signal.Ignored(syscall.SIGHUP) {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		<-hangup
		cancel()
	}()
	return ctx
}
