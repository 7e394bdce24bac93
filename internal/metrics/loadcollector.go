package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"leap/internal/hist"
)

// loadCollector turns the histograms of the run into those of Prometheus when it
// is asked. Observing each value there, too, would cost more than recording it.
type loadCollector struct {
	load       *Load
	latency    map[hist.Series]*prometheus.Desc
	operations *prometheus.Desc
	retries    *prometheus.Desc
	codes      *prometheus.Desc
	asked      *prometheus.Desc
	queue      *prometheus.Desc
	inFlight   *prometheus.Desc
	cpu        *prometheus.Desc
}

func newLoadCollector(l *Load, run Run) *loadCollector {
	constant := prometheus.Labels{"workload": run.Workload, "mix": run.Mix, "run": run.ID, "stripe": run.Stripe}
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("leap_loadgen_"+name, help, labels, constant)
	}
	help := map[hist.Series]string{
		hist.Response:    "Time from the moment an operation was due to its answer.",
		hist.Service:     "Time from the moment an operation was sent to its answer.",
		hist.RetryCost:   "Part of the service time that was lost in failed attempts and back-off.",
		hist.ScheduleLag: "Time from the moment an operation was due to the moment it was sent.",
	}
	c := &loadCollector{
		load: l, latency: map[hist.Series]*prometheus.Desc{},
		operations: describe("operations_total", "Operations by how they ended.", "op", "outcome"),
		retries:    describe("retries_total", "Attempts after the first one.", "op"),
		codes:      describe("codes_total", "Operations that ended otherwise than done, by SQLSTATE or word.", "op", "code"),
		asked:      describe("asked_per_second", "Operations per second that the schedule asks for."),
		queue:      describe("queue_length", "Operations that are due and wait for a worker."),
		inFlight:   describe("in_flight", "Operations that were sent and not answered."),
		cpu:        describe("cpu_ratio", "Share of all processors that the generator itself uses."),
	}
	for _, s := range shown {
		c.latency[s] = describe(s.String()+"_seconds", help[s], "op")
	}
	return c
}

// Describe implements [prometheus.Collector].
func (c *loadCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.latency {
		out <- d
	}
	for _, d := range []*prometheus.Desc{c.operations, c.retries, c.codes, c.asked, c.queue, c.inFlight, c.cpu} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *loadCollector) Collect(out chan<- prometheus.Metric) {
	l := c.load
	l.mu.Lock()
	defer l.mu.Unlock()
	number := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	for _, o := range l.ops {
		for _, s := range shown {
			out <- histogram(c.latency[s], o.Series[s], o.Name)
		}
		n := &o.Counts
		for outcome, count := range map[string]int64{
			"done": n.Done, "rejected": n.Rejected, "errored": n.Errored,
			"unresolved": n.Unresolved, "violated": n.Violated, "shed": n.Shed,
		} {
			number(c.operations, prometheus.CounterValue, float64(count), o.Name, outcome)
		}
		number(c.retries, prometheus.CounterValue, float64(n.Retries), o.Name)
		for code, count := range n.Codes {
			number(c.codes, prometheus.CounterValue, float64(count), o.Name, code)
		}
	}
	number(c.asked, prometheus.GaugeValue, l.state.Asked)
	number(c.queue, prometheus.GaugeValue, float64(l.state.Queue))
	number(c.inFlight, prometheus.GaugeValue, float64(l.state.InFlight))
	number(c.cpu, prometheus.GaugeValue, l.state.CPU)
}

// histogram counts the values up to each bound. The slots of a
// [hist.Histogram] are 0.1 % wide: a value that close above a bound may be
// counted on either side of it.
func histogram(d *prometheus.Desc, h *hist.Histogram, op string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(bounds))
	var sum time.Duration
	var seen uint64
	next := 0
	for upTo, n := range h.Each {
		for next < len(bounds) && upTo.Seconds() > bounds[next] {
			buckets[bounds[next]] = seen
			next++
		}
		seen += uint64(n) //nolint:gosec // a count
		sum += upTo * time.Duration(n)
	}
	for ; next < len(bounds); next++ {
		buckets[bounds[next]] = seen
	}
	return prometheus.MustNewConstHistogram(d, seen, sum.Seconds(), buckets, op)
}
