// Command migrate streams one customer's database after another out of MySQL
// or MariaDB into CockroachDB and proves that every row arrived.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"leap/cmd/internal/cli"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the second one kills, as people expect.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], cli.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}))
}
