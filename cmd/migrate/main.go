// Command migrate streams one customer's database after another out of MySQL
// or MariaDB into CockroachDB and proves that every row arrived.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "dev"

// gcPercent lets garbage grow to four times the live heap before it is
// collected. The live heap is a few buffers; the MySQL driver's boxed cells are
// the garbage. It saves some 12 % of the CPU for about 10 MB of memory; GOGC
// overrides it.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the second one kills, as people expect.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv}))
}
