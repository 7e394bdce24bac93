// Command benchload measures the load generator itself: how late it starts
// operations that a fast server answers at once, and how many single-row reads
// "loadgen run --closed" manages compared with pgbench, on the same server with
// the same number of connections: first on the same processors, then with one half
// of them for the server and the other for its clients. It prints figures with what
// is asked of them and fails for none: a busy machine spoils both.
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
	var connections string
	flag.Float64Var(&b.rate, "rate", 10_000, "operations per second for the lateness")
	flag.DurationVar(&b.length, "length", 10*time.Second, "how long to measure the lateness; 0 leaves it out")
	flag.StringVar(&connections, "connections", "1,4,16", "numbers of connections, the same for both clients")
	flag.IntVar(&b.rounds, "rounds", 5, "turns of each in the comparison with pgbench; 0 leaves it out")
	flag.DurationVar(&b.turn, "turn", 4*time.Second, "length of a turn, in whole seconds")
	flag.StringVar(&b.loadgen, "loadgen", "bin/loadgen", "the command that is measured")
	flag.StringVar(&b.profile, "profile", "", "write a CPU profile of such turns in this process to a file, and compare nothing")
	flag.Parse()
	err := b.parse(connections)
	if err == nil {
		err = b.run(ctx)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "benchload:", err)
		os.Exit(1)
	}
}
