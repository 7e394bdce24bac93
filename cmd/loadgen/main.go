// Command loadgen drives a workload on CockroachDB, measures latency from the
// moment each request was due, accounts for every retry, and judges the run:
// pass, fail or inconclusive.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"leap/cmd/internal/cli"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "dev"

// gcPercent lets garbage grow to four times the live heap before it is
// collected: collections then come seldom enough not to be seen in a p99.9.
// The live heap is some ten megabytes. GOGC overrides it.
const gcPercent = 400

// memoryLimit ends that where the heap is large: to judge a run, its seconds are
// all read, some 100 MB for an hour of the bank. GOMEMLIMIT overrides it.
const memoryLimit = 1 << 30

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	os.Exit(run(cli.Interruptible(context.Background()), os.Args[1:], cli.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}))
}
