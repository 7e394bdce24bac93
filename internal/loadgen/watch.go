package loadgen

import (
	"time"

	"leap/internal/bench"
	"leap/internal/hist"
	"leap/internal/live"
	"leap/internal/metrics"
)

// window is what the live view's percentiles speak of: long enough for a p99 at
// some tens of operations per second, short enough to see a change.
const window = 10

// watch turns the engine's intervals into what a display, Prometheus and the
// record are given. The engine calls it from one goroutine.
type watch struct {
	collector *hist.Collector
	duration  time.Duration
	workers   int
	to        Watcher
	metrics   *metrics.Load // nil for none
	// keep takes the interval for the record.
	keep func(bench.Interval, []*hist.Interval)

	recent []*hist.Interval
	errors int64
	// retries and shed count since the start of the measurement.
	retries, shed int64
}

// interval implements bench.Wiring.Interval.
func (w *watch) interval(i bench.Interval) {
	var cut []*hist.Interval
	if i.To > 0 {
		cut = w.collector.Cut(i.To)
	}
	w.keep(i, cut)
	w.add(cut)
	f := w.frame(i)
	if w.metrics != nil {
		w.metrics.Set(metrics.State{Asked: f.Asked, Queue: i.Queue, InFlight: i.InFlight, CPU: i.CPU})
	}
	w.to.Show(f)
}

// add takes in what ended in some intervals.
func (w *watch) add(cut []*hist.Interval) {
	for _, c := range cut {
		for _, o := range c.Ops {
			w.errors += o.Counts.Failed()
			w.retries += o.Counts.Retries
			w.shed += o.Counts.Shed
		}
		if w.metrics != nil {
			w.metrics.Add(c.Ops)
		}
	}
	w.recent = append(w.recent, cut...)
	w.recent = w.recent[max(0, len(w.recent)-window):]
}

// frame is the picture at the end of an interval.
func (w *watch) frame(i bench.Interval) live.Frame {
	seconds := (i.To - i.From).Seconds()
	f := live.Frame{
		Phase: "measuring", Elapsed: i.To, Total: w.duration,
		Errors: w.errors, Retries: w.retries, Shed: w.shed,
		Queue: i.Queue, InFlight: i.InFlight, Workers: w.workers, CPU: i.CPU,
		Window: time.Duration(len(w.recent)) * hist.DefaultInterval,
	}
	if seconds > 0 {
		f.Done = float64(i.Counts.Done) / seconds
		f.Asked = float64(i.Counts.Due) / seconds
	}
	switch {
	case i.To <= 0:
		f.Phase = "warm-up"
	case w.duration > 0 && i.To > w.duration:
		f.Phase = "draining"
	}
	if len(w.recent) == 0 {
		return f
	}
	ops := make([]*hist.OpStats, len(w.recent[0].Ops))
	for n, o := range w.recent[0].Ops {
		ops[n] = o.Clone()
		for _, more := range w.recent[1:] {
			ops[n].Merge(more.Ops[n])
		}
	}
	if len(ops) > 1 {
		f.Rows = append(f.Rows, w.row(hist.Sum("all operations", ops)))
	}
	for _, o := range ops {
		f.Rows = append(f.Rows, w.row(o))
	}
	return f
}

func (w *watch) row(o *hist.OpStats) live.Row {
	h := o.Series[hist.Response]
	at := func(p float64) time.Duration {
		if _, ok := known(h, p); !ok {
			return 0
		}
		return h.Percentile(p)
	}
	return live.Row{
		Name: o.Name, PerSecond: float64(o.Counts.Answered()) / float64(len(w.recent)),
		P50: at(50), P99: at(99), P999: at(99.9), Max: h.Max(),
		Errors: o.Counts.Failed(), Retries: o.Counts.Retries,
	}
}
