package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Interruptible returns a context that ends when somebody stops the command:
// Ctrl-C, SIGTERM, or the end of its terminal. The command then ends by itself,
// with its report.
func Interruptible(ctx context.Context) context.Context {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	// After the first signal the second one kills, as people expect.
	context.AfterFunc(ctx, stop)
	return outliveTerminal(ctx)
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
