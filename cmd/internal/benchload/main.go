// Command benchload measures the load generator itself: how late it starts
// operations that a fast server answers at once, and how many single-row reads
// it manages compared with pgbench, on the same server with the same number of
// connections. It prints figures and judges none: a busy machine spoils both.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var b bench
	flag.Float64Var(&b.rate, "rate", 10_000, "operations per second for the lateness")
	flag.DurationVar(&b.length, "length", 10*time.Second, "how long to measure the lateness")
	flag.IntVar(&b.connections, "connections", 8, "connections of both, and pgbench's clients")
	flag.IntVar(&b.rounds, "rounds", 8, "turns of each in the comparison with pgbench; 0 leaves it out")
	flag.DurationVar(&b.turn, "turn", 2*time.Second, "length of a turn, in whole seconds")
	flag.StringVar(&b.profile, "profile", "", "write a CPU profile of \"loadgen run --closed\" to this file, and compare nothing")
	flag.Parse()
	if err := b.run(ctx); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "benchload:", err)
		os.Exit(1)
	}
}
