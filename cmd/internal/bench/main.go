// Command bench measures migrate copy against its rivals in one run, on the
// same rows, servers and number of connections: the source read alone, psql
// \copy, pgloader where it is installed, and on CockroachDB \copy as one transaction
// and an import with and without migrate. It prints rows/s, client CPU and memory,
// the ratios, and which of the figures that are asked for were met.
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
	flag.IntVar(&b.workers, "workers", 4, "connections of each contender: migrate's --workers, whose own default this is")
	flag.StringVar(&b.target, "target", "postgres", "postgres (the stand-in) or cockroach")
	flag.StringVar(&b.migrate, "migrate", "bin/migrate", "the migrate binary")
	flag.BoolVar(&b.flat, "flat", false, "copy a table of a twentieth of the rows as well, and compare the memory")
	flag.IntVar(&b.tenants, "tenants", 0, "move the tables of so many tenants, once whole and once tenant by tenant, and nothing else")
	flag.IntVar(&b.atOnce, "at-once", 2, "tenants that move at the same time")
	flag.IntVar(&b.pool, "pool", 1024, "MiB that each server has for pages of tables")
	flag.BoolVar(&b.apart, "apart", false, "give the target one half of the processors, and the source and the clients the other")
	flag.BoolVar(&b.equal, "equal", false, "with -tenants: give all as many rows")
	flag.BoolVar(&b.markdown, "markdown", false, "print the tables in Markdown")
	readURL := flag.String("read", "", "internal: read the table at this address and exit")
	flag.Parse()
	work := b.run
	if b.tenants > 0 {
		work = b.runTenants
	}
	if *readURL != "" {
		work = func(ctx context.Context) error { return readOnly(ctx, *readURL) }
	}
	if err := work(ctx); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
