package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// moveCollector turns what a Move has gathered into metrics when it is asked.
type moveCollector struct {
	move     *Move
	rows     *prometheus.Desc
	bytes    *prometheus.Desc
	done     *prometheus.Desc
	expected *prometheus.Desc
	tables   *prometheus.Desc
	running  *prometheus.Desc
	seconds  *prometheus.Desc
	progress *prometheus.Desc
	retries  *prometheus.Desc
	warnings *prometheus.Desc
	pace     *prometheus.Desc
}

func newMoveCollector(m *Move, version string) *moveCollector {
	constant := prometheus.Labels{"version": version}
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("leap_migrate_"+name, help, append([]string{"tenant"}, labels...), constant)
	}
	return &moveCollector{
		move:     m,
		rows:     describe("rows_total", "Rows that this process has copied or compared.", "phase", "table"),
		bytes:    describe("bytes_total", "Bytes that this process has sent to the target for those rows.", "phase", "table"),
		done:     describe("table_rows", "Rows of a table that are done, those of earlier runs and other processes included.", "phase", "table"),
		expected: describe("table_rows_expected", "Rows of a table in all; the source's estimate until the table is finished.", "phase", "table"),
		tables:   describe("tables", "Tables by how far the phase is with them.", "phase", "state"),
		running:  describe("phase_running", "1 while the phase runs, 0 when it has ended.", "phase"),
		seconds:  describe("phase_seconds", "How long the phase has run, or ran.", "phase"),
		progress: describe("last_progress_timestamp_seconds", "When rows moved last in the phase, or a step of it was done.", "phase"),
		retries:  describe("retries_total", "Chunks and statements that were tried again.", "phase"),
		warnings: describe("warnings_total", "Warnings that the progress showed.", "phase"),
		pace:     describe("pace_ratio", "Part of its speed that reading the source is held to: 0 paused, 1 full."),
	}
}

// Describe implements [prometheus.Collector].
func (c *moveCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.rows, c.bytes, c.done, c.expected, c.tables, c.running, c.seconds, c.progress, c.retries, c.warnings, c.pace,
	} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *moveCollector) Collect(out chan<- prometheus.Metric) {
	c.move.mu.Lock()
	defer c.move.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	now := c.move.now()
	for tenant, t := range c.move.tenants {
		gauge(c.pace, t.share, tenant)
		for name, p := range t.phases {
			counter(c.retries, p.retries, tenant, name)
			counter(c.warnings, p.warnings, tenant, name)
			if p.began.IsZero() {
				continue
			}
			running, took := 0.0, p.took
			if p.running {
				running, took = 1, now.Sub(p.began)
			}
			gauge(c.running, running, tenant, name)
			gauge(c.seconds, took.Seconds(), tenant, name)
			gauge(c.progress, float64(p.progress.UnixMilli())/1000, tenant, name)
			states := map[state]int{planned: 0, active: 0, finished: 0, failed: 0}
			for table, w := range p.tables {
				states[w.state]++
				counter(c.rows, w.moved, tenant, name, table)
				counter(c.bytes, w.bytes, tenant, name, table)
				gauge(c.done, float64(w.done), tenant, name, table)
				gauge(c.expected, float64(max(w.expected, w.done)), tenant, name, table)
			}
			for s, n := range states {
				gauge(c.tables, float64(n), tenant, name, string(s))
			}
		}
	}
}
