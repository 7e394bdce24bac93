// Command loadgen drives a workload on CockroachDB, measures latency from the
// moment each request was due, accounts for every retry, and judges the run:
// pass, fail or inconclusive.
package main

import (
	"context"
	"os"

	"leap/cmd/internal/cli"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "dev"

func main() {
	os.Exit(run(cli.Interruptible(context.Background()), os.Args[1:], cli.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}))
}
