// Command migrate streams one customer's database after another out of MySQL
// or MariaDB into CockroachDB and proves that every row arrived.
package main

import (
	"context"
	"os"
	"runtime/debug"

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
	os.Exit(run(cli.Interruptible(context.Background()), os.Args[1:], cli.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}))
}
