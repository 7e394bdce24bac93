// Package metrics shows a running load to Prometheus. It is the only importer
// of Prometheus' client, and it only shows: verdicts come from the run's own
// histograms, which are a hundred times finer.
//
// The histograms are classic ones with the same bounds in every process and in
// every release, so that those of several generators can be added up.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"leap/internal/hist"
)

// Run names what is shown; it becomes labels of every metric.
type Run struct {
	Workload, Mix string
	// ID tells runs apart that follow each other on one address.
	ID string
	// Stripe tells the processes of one run apart, such as "2/4".
	Stripe string
}

// State is what changes without a sample.
type State struct {
	Asked           float64 // operations per second that the schedule wants now
	Queue, InFlight int
	CPU             float64 // share of all processors that the generator uses
}

// Metrics gathers what a run measures for the next scrape.
type Metrics struct {
	registry *prometheus.Registry

	mu    sync.Mutex // guards what follows
	ops   []*hist.OpStats
	state State
}

// bounds are the upper edges of the buckets in seconds: close to each other
// around the usual limits (40 to 1,000 ms), and from what a memory store
// answers to what a dead node takes. Changing them breaks everybody's sums.
var bounds = []float64{
	.0002, .0005, .001, .002, .003, .005, .0075, .01, .015, .02, .03, .04, .05, .075,
	.1, .15, .2, .25, .3, .4, .5, .75, 1, 1.5, 2, 3, 5, 10, 20, 60,
}

// shown are the series that become histograms.
var shown = []hist.Series{hist.Response, hist.Service, hist.RetryCost, hist.ScheduleLag}

// New returns metrics of a run with the operations of those names.
func New(run Run, ops []string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	for _, name := range ops {
		m.ops = append(m.ops, hist.NewOpStats(name))
	}
	m.registry.MustRegister(
		newCollector(m, run),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Add takes in what ended in an interval; ops is in the order that New was given.
func (m *Metrics) Add(ops []*hist.OpStats) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range ops {
		m.ops[i].Merge(o)
	}
}

// Set replaces the state.
func (m *Metrics) Set(s State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s
}

// Serve answers scrapes of /metrics on the address until stop is called, which
// waits for the end. The returned address has the port that was found for
// port 0.
func (m *Metrics) Serve(ctx context.Context, address string) (found string, stop func() error, err error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("listen for Prometheus: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	stop = func() error {
		closeErr := server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return errors.Join(err, closeErr)
		}
		return closeErr
	}
	return l.Addr().String(), stop, nil
}
