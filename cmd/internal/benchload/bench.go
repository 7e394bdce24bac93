package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	engine "leap/internal/bench"
	"leap/internal/hist"
	"leap/internal/pace"
	"leap/internal/sandbox"
)

// bench is what was asked for on the command line.
type bench struct {
	rate        float64
	length      time.Duration
	connections []int
	rounds      int
	turn        time.Duration
	loadgen     string
	profile     string
}

// What is asked.
const (
	lagAsked   = time.Millisecond // p99 of the schedule lag
	ratioAsked = 0.9              // transactions/s of loadgen run --closed to those of pgbench
)

func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) }

// met is the word for a goal that is reached from low to high.
func met[T cmp.Ordered](low, high T) string {
	if low <= high {
		return "met"
	}
	return "not met"
}

// parse reads the numbers of connections and finds the command.
func (b *bench) parse(connections string) error {
	for text := range strings.SplitSeq(connections, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 {
			return fmt.Errorf("-connections %q: %q is no number of connections", connections, text)
		}
		b.connections = append(b.connections, n)
	}
	if b.rounds == 0 {
		return nil
	}
	path, err := filepath.Abs(b.loadgen)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return fmt.Errorf("-loadgen: %w (make build)", err)
	}
	b.loadgen = path
	return nil
}

func (b *bench) run(ctx context.Context) error {
	say("%d processors, %s", runtime.GOMAXPROCS(0), time.Now().UTC().Format(time.DateOnly))
	if b.length > 0 && b.profile == "" {
		if err := b.lateness(ctx); err != nil {
			return err
		}
	}
	if b.rounds == 0 {
		return nil
	}
	if b.profile != "" {
		return b.compare(ctx, nil)
	}
	say("server and clients share the processors")
	if err := b.compare(ctx, nil); err != nil {
		return err
	}
	processors, err := sandbox.Apart()
	if err != nil {
		say("no comparison with a processor for each: %v", err)
		return nil
	}
	say("server and clients apart: the server has %d of the processors to itself", len(processors))
	return b.compare(ctx, processors)
}

// fast is a server that answers at once.
type fast struct{}

func (fast) Op(uint64) int                                 { return 0 }
func (fast) Do(context.Context, engine.Call) engine.Result { return engine.Result{} }

// lateness measures how late operations start that nothing holds up.
func (b *bench) lateness(ctx context.Context) error {
	for _, spec := range []string{fmt.Sprint(b.rate), fmt.Sprintf("poisson:%v", b.rate)} {
		rate, err := pace.Parse(spec)
		if err != nil {
			return err
		}
		collector := hist.NewCollector(hist.Options{Ops: []string{"op"}})
		summary, err := engine.Open(ctx, rate, engine.Options{Workers: 16, Warmup: time.Second, Duration: b.length}, engine.Wiring{
			Work:     fast{},
			Recorder: func(int) engine.Recorder { return collector.Recorder() },
			Interval: func(i engine.Interval) { collector.Cut(i.To) },
		})
		if err != nil {
			return err
		}
		collector.Finish(summary.Drained)
		lag, h := collector.Totals()[0].Series[hist.ScheduleLag], summary.Health
		say("lateness at %s/s: p50 %s  p99 %s  p99.9 %s  max %s; CPU %.0f %% of %d; held up by others %s per operation",
			spec, lag.Percentile(50), lag.Percentile(99), lag.Percentile(99.9), lag.Max(), 100*h.CPU, h.Procs, h.Starved)
		say("  asked: p99 below %s: %s", lagAsked, met(lag.Percentile(99), lagAsked))
	}
	return ctx.Err()
}

// result is one turn of a client.
type result struct {
	perSecond float64
	cpu       time.Duration // the client's, for each transaction
}

// compare lets pgbench and loadgen read in turns, so that whatever else happens
// on the machine meets both. The server has the given processors, or all.
func (b *bench) compare(ctx context.Context, processors []int) (err error) {
	server, err := sandbox.StartTarget(ctx, sandbox.Postgres, sandbox.Options{Processors: processors})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	// loadgen asks for serializable transactions, which is all that CockroachDB
	// has; PostgreSQL pays for that with predicate locks. What is compared is the
	// clients, so that both ask for the same.
	for _, statement := range []string{"CREATE DATABASE bench", "ALTER DATABASE bench SET default_transaction_isolation = 'serializable'"} {
		if err = server.Exec(ctx, "", statement); err != nil {
			return err
		}
	}
	c := clients{url: server.URL("bench"), loadgen: b.loadgen, length: b.turn}
	if err = c.init(ctx); err != nil {
		return err
	}
	defer c.close()
	say("%s, %d turns of %s each", server, b.rounds, b.turn)
	for _, n := range b.connections {
		c.connections = n
		if b.profile != "" {
			return b.profiled(ctx, &c)
		}
		if err = b.pair(ctx, &c); err != nil {
			return err
		}
	}
	return nil
}

// contender is a client in a way of using it.
type contender struct {
	name string
	turn func(ctx context.Context) (result, error)
}

// pair compares the clients with one number of connections.
func (b *bench) pair(ctx context.Context, c *clients) error {
	pgbench := func(isolation, threads string) func(context.Context) (result, error) {
		return func(ctx context.Context) (result, error) { return c.pgbench(ctx, isolation, threads) }
	}
	contenders := []contender{
		{"loadgen run --closed", c.run},
		{"pgbench -M prepared -S", pgbench("serializable", "1")},
		{"pgbench, two threads", pgbench("serializable", "2")},
		{"pgbench, two threads, read committed", pgbench(`read\ committed`, "2")},
	}
	results := make([][]result, len(contenders))
	for round := range b.rounds {
		for i := range contenders {
			n := (i + round) % len(contenders) // who comes first changes
			got, err := contenders[n].turn(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", contenders[n].name, err)
			}
			results[n] = append(results[n], got)
		}
	}
	say("%d connections", c.connections)
	for i, one := range contenders {
		say("  %-37s %8.0f transactions/s, %5.1f us of the client's CPU each", one.name,
			median(results[i], func(r result) float64 { return r.perSecond }),
			median(results[i], func(r result) float64 { return float64(r.cpu.Nanoseconds()) / 1000 }))
	}
	for i, one := range contenders[1:] {
		say("  loadgen : %s", one.name)
		middle, best := ratios(results[0], results[i+1])
		say("    %.2f, median of the turns; %.2f, best of each; asked: at least %g: %s", middle, best, ratioAsked, met(ratioAsked, middle))
	}
	return nil
}

// ratios returns the median of the turns' ratios, and the ratio of the best
// turns: others on the machine can make a client slower only.
func ratios(of, to []result) (middle, best float64) {
	var all []float64
	for n := range of {
		all = append(all, of[n].perSecond/to[n].perSecond)
	}
	faster := func(a, b result) int { return cmp.Compare(a.perSecond, b.perSecond) }
	return median(all, func(f float64) float64 { return f }), slices.MaxFunc(of, faster).perSecond / slices.MaxFunc(to, faster).perSecond
}

func median[T any](all []T, of func(T) float64) float64 {
	var values []float64
	for _, v := range all {
		values = append(values, of(v))
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
