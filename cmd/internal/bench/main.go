// Command bench measures migrate copy against its rivals in one run, on the
// same rows and servers: the source read alone, psql \copy alone, and pgloader
// where it is installed. It prints rows/s, client CPU and memory, and ratios.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var b bench
	flag.IntVar(&b.rows, "rows", 2_000_000, "rows of the table")
	flag.IntVar(&b.runs, "runs", 3, "counted runs of each; the median is printed")
	flag.IntVar(&b.workers, "workers", 2, "migrate's --workers")
	flag.StringVar(&b.target, "target", "postgres", "postgres (the stand-in) or cockroach")
	flag.StringVar(&b.migrate, "migrate", "bin/migrate", "the migrate binary")
	readURL := flag.String("read", "", "internal: read the table at this address and exit")
	flag.Parse()
	work := b.run
	if *readURL != "" {
		work = func(ctx context.Context) error { return readOnly(ctx, *readURL) }
	}
	if err := work(ctx); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
