package metrics

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

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

// Load gathers what a load run measures for the next scrape.
//
// The histograms are classic ones with the same bounds in every process and in
// every release, so that those of several generators can be added up.
type Load struct {
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

// NewLoad returns metrics of a run with the operations of those names.
func NewLoad(run Run, ops []string) *Load {
	l := &Load{}
	for _, name := range ops {
		l.ops = append(l.ops, hist.NewOpStats(name))
	}
	l.registry = newRegistry(newLoadCollector(l, run))
	return l
}

// Add takes in what ended in an interval; ops is in the order that New was given.
func (l *Load) Add(ops []*hist.OpStats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, o := range ops {
		l.ops[i].Merge(o)
	}
}

// Set replaces the state.
func (l *Load) Set(s State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
}

// Serve answers scrapes; see [serve].
func (l *Load) Serve(ctx context.Context, address string) (found string, stop func() error, err error) {
	return serve(ctx, address, l.registry)
}
