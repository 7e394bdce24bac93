package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
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
	connections int
	rounds      int
	turn        time.Duration
	profile     string
}

func say(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) }

func (b *bench) run(ctx context.Context) error {
	say("%d processors, %s", runtime.GOMAXPROCS(0), time.Now().UTC().Format(time.DateOnly))
	if b.profile == "" {
		if err := b.lateness(ctx); err != nil {
			return err
		}
	}
	if b.rounds == 0 {
		return nil
	}
	return b.compare(ctx)
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
		stats, summary, err := measure(func(w engine.Wiring) (engine.Summary, error) {
			w.Work = fast{}
			return engine.Open(ctx, rate, engine.Options{Workers: 16, Warmup: time.Second, Duration: b.length}, w)
		})
		if err != nil {
			return err
		}
		lag, h := stats.Series[hist.ScheduleLag], summary.Health
		say("lateness at %s/s: p50 %s  p99 %s  p99.9 %s  max %s; CPU %.0f %% of %d; held up by others %s per operation",
			spec, lag.Percentile(50), lag.Percentile(99), lag.Percentile(99.9), lag.Max(), 100*h.CPU, h.Procs, h.Starved)
	}
	return ctx.Err()
}

// measure runs something with one kind of operation and collects its samples.
func measure(run func(engine.Wiring) (engine.Summary, error)) (*hist.OpStats, engine.Summary, error) {
	collector := hist.NewCollector(hist.Options{Ops: []string{"op"}})
	summary, err := run(engine.Wiring{
		Recorder: func(int) engine.Recorder { return collector.Recorder() },
		Interval: func(i engine.Interval) { collector.Cut(i.To) },
	})
	if err != nil {
		return nil, summary, err
	}
	collector.Finish(summary.Drained)
	return collector.Totals()[0], summary, nil
}

// result is one turn of a contender.
type result struct {
	perSecond float64
	cpu       time.Duration // the client's, for each transaction
}

// contender is a client.
type contender struct {
	name string
	turn func(ctx context.Context) (result, error)
}

// compare lets pgbench and the engine read in turns, so that whatever else
// happens on the machine meets both.
func (b *bench) compare(ctx context.Context) (err error) {
	server, err := sandbox.StartTarget(ctx, sandbox.Postgres, sandbox.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err = server.Exec(ctx, "", "CREATE DATABASE bench"); err != nil {
		return err
	}
	p := pgbench{url: server.URL("bench"), clients: b.connections, length: b.turn}
	if err = p.init(ctx); err != nil {
		return err
	}
	r := reader{length: b.turn, workers: b.connections}
	if err = r.connect(ctx, p.url); err != nil {
		return err
	}
	defer r.close(context.WithoutCancel(ctx))
	w, err := newWhole(ctx, p.url, b.connections, b.turn)
	if err != nil {
		return err
	}
	defer w.close()
	say("%s, %d connections, %d turns of %s each", server, b.connections, b.rounds, b.turn)
	if b.profile != "" {
		return b.profiled(ctx, w.turn)
	}
	pair := []contender{{"pgbench -M prepared -S", p.turn}, {"loadgen's engine on pgx", r.turn}, {"loadgen run --closed", w.turn}}
	results := make([][]result, len(pair))
	ratios := make([][]float64, len(pair))
	for round := range b.rounds {
		order := []int{0, 1, 2}
		if round%2 == 1 {
			order = []int{2, 1, 0}
		}
		for _, i := range order {
			got, err := pair[i].turn(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", pair[i].name, err)
			}
			results[i] = append(results[i], got)
		}
		for i := range pair {
			ratios[i] = append(ratios[i], results[i][round].perSecond/results[0][round].perSecond)
		}
	}
	for i, c := range pair {
		say("%-24s %8.0f transactions/s, %5.1f us of the client's CPU each", c.name,
			median(results[i], func(r result) float64 { return r.perSecond }),
			median(results[i], func(r result) float64 { return float64(r.cpu.Nanoseconds()) / 1000 }))
	}
	for i, c := range pair[1:] {
		all := ratios[i+1]
		say("%-24s ratio %.2f to pgbench (median of the turns; %.2f to %.2f)", c.name, median(all, func(f float64) float64 { return f }), slices.Min(all), slices.Max(all))
	}
	return nil
}

// profiled writes the profile of some turns.
func (b *bench) profiled(ctx context.Context, turn func(context.Context) (result, error)) (err error) {
	f, err := os.Create(b.profile)
	if err != nil {
		return fmt.Errorf("make the profile: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err = pprof.StartCPUProfile(f); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer pprof.StopCPUProfile()
	for range b.rounds {
		if _, err = turn(ctx); err != nil {
			return err
		}
	}
	return nil
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
