package loadgen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"leap/internal/bench"
	"leap/internal/hist"
	"leap/internal/live"
	"leap/internal/metrics"
	"leap/internal/txn"
	"leap/workloads"
)

// keeper is where the measurements of a run go while it runs. Errors are kept
// and told at the end: a full disk must not bend the load.
type keeper interface {
	Interval(bench.Interval, []*hist.Interval)
	Receipt(workloads.Receipt)
	Event(kind, text string)
}

// driven is what a run leaves behind besides what the keeper was given.
type driven struct {
	summary          bench.Summary
	warmup, measured *account
	checked          []Checked
	late             int64
}

// session is one run.
type session struct {
	Config
	pool   *txn.Pool
	work   *work
	ops    []string
	keeper keeper
}

// connect opens the target and prepares the operations. Whatever is wrong with
// the database comes out here, before anything is written.
func (s *session) connect(ctx context.Context) (Server, error) {
	var err error
	if s.pool, err = open(ctx, s.Target, s.Bench.Workers, s.Txn); err != nil {
		return Server{}, err
	}
	about := s.Workload.About()
	s.work = newWork(about, s.Mix, s.Settings.Seed)
	s.work.limits = newLimits(s.Bench.Workers, s.Timeout)
	for range s.Bench.Workers {
		s.work.workers = append(s.work.workers, &worker{session: s.pool.Session()})
	}
	for _, share := range s.Mix {
		s.ops = append(s.ops, share.Op)
	}
	if s.work.traffic, err = s.Workload.Traffic(ctx, s.pool.Pool(), s.Settings); err != nil {
		return Server{}, explainTraffic(err)
	}
	if err = s.refuseRepetition(ctx); err != nil {
		return Server{}, err
	}
	return serverOf(ctx, s.pool.Pool(), s.Target.String())
}

// drive runs the load and then checks the invariants.
func (s *session) drive(ctx context.Context, journal func() workloads.Journal) (d driven, err error) {
	collector := hist.NewCollector(hist.Options{Ops: s.ops, Interval: s.Bench.Every})
	w := &watch{
		collector: collector, duration: s.Bench.Duration, workers: s.Bench.Workers, to: s.Watch, keep: s.keeper.Interval,
	}
	if s.Metrics != "" {
		w.metrics = metrics.NewLoad(metrics.Run{
			Workload: s.Workload.About().Name, Mix: s.MixName, ID: s.Settings.Run, Stripe: s.Bench.Stripe.String(),
		}, s.ops)
		address, stop, serveErr := w.metrics.Serve(ctx, s.Metrics)
		if serveErr != nil {
			return d, serveErr
		}
		defer func() { err = errors.Join(err, stop()) }()
		s.Watch.Say("Prometheus: http://" + address + "/metrics")
	}
	if err = s.pool.Warm(ctx, s.Bench.Workers); err != nil {
		return d, err
	}
	s.work.receipt = s.keeper.Receipt
	invariants := s.invariants()
	r := &rounds{pool: s.pool, all: invariants, say: func(line string) {
		s.Watch.Say(line)
		s.keeper.Event("violation", line)
	}}
	stopRounds := r.start(ctx, s.CheckEvery)
	stopLimits := s.work.limits.watch()
	d.summary, err = s.load(ctx, bench.Wiring{
		Work: s.work, Recorder: func(int) bench.Recorder { return collector.Recorder() }, Interval: w.interval,
	})
	for _, w := range s.work.workers {
		w.session.Close() // the last checks take the connections that they need
	}
	stopLimits()
	stopRounds()
	if err != nil {
		return d, err
	}
	rest := collector.Finish(d.summary.Drained)
	s.keeper.Interval(bench.Interval{}, rest)
	w.add(rest)
	d.late = collector.Late()
	d.warmup, d.measured = s.work.accounts()
	// After Ctrl-C the run is judged as far as it went, so its data are checked
	// as well; a second Ctrl-C ends the program.
	s.Watch.Show(live.Frame{Phase: "checking", Elapsed: d.summary.Elapsed, Total: s.Bench.Duration, Workers: s.Bench.Workers})
	checkCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkFor)
	defer cancel()
	d.checked = r.merge(checkAll(checkCtx, s.pool, invariants, journal()))
	return d, nil
}

// invariants are those that the mix can prove: where nothing writes, there are no
// receipts to be compared with the data, and none is missing.
func (s *session) invariants() []workloads.Invariant {
	all := s.Workload.Invariants(s.Settings)
	if slices.Contains(s.work.writes, true) {
		return all
	}
	return slices.DeleteFunc(all, func(i workloads.Invariant) bool { return !i.During })
}

// checkFor bounds the last check of all invariants.
const checkFor = 10 * time.Minute

// load drives the open or the closed loop.
func (s *session) load(ctx context.Context, w bench.Wiring) (bench.Summary, error) {
	if s.Closed {
		return bench.Closed(ctx, s.Think, s.Bench, w)
	}
	return bench.Open(ctx, s.Rate, s.Bench, w)
}

// explainTraffic says what to do when the data are not there.
func explainTraffic(err error) error {
	if state, ok := errors.AsType[*workloads.NotLoadedError](err); ok {
		return notLoaded(state)
	}
	return fmt.Errorf("prepare the operations: %w", err)
}
