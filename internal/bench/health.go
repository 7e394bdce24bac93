package bench

import (
	"fmt"
	"time"
)

// Health is what is known of the generator itself during the measurement: data
// to judge whether the numbers are the server's.
type Health struct {
	// OwnLag is by how much operations started too late although a worker was
	// waiting for them: the generator's own doing, wherever it came from.
	OwnLag Lag `json:"own_lag"`
	// DispatchLag is by how much they came into the queue too late, held-up
	// ones not counted.
	DispatchLag Lag `json:"dispatch_lag"`
	// Waited is the share of the operations started that found every worker
	// busy. 1 in the whole run means more work than connections.
	Waited float64 `json:"waited"`
	// Busy is the share of their time that workers spent inside operations.
	Busy float64 `json:"busy"`
	// QueueMax is the longest that the queue was.
	QueueMax int `json:"queue_max"`
	// CPU is the share of its processors that this process used, spinning not
	// counted. Procs is how many it had at the end: a closed loop begins with one
	// and takes more when it needs them.
	CPU   float64 `json:"cpu"`
	Procs int     `json:"procs"`
	// Starved is how long, for each operation, threads of this process were
	// ready to run while something else had the processor; 0 where the kernel
	// does not tell.
	Starved time.Duration `json:"starved_ns"`
	// SchedP99 is how long goroutines that were ready waited for a thread.
	SchedP99 time.Duration `json:"sched_p99_ns"`
	// GC counts collections, GCShare is their share of the CPU time, PauseMax
	// the longest time for which they stopped everything.
	GC       uint64        `json:"gc"`
	GCShare  float64       `json:"gc_share"`
	PauseMax time.Duration `json:"pause_max_ns"`
}

// Lag is how late something was.
type Lag struct {
	Count int64         `json:"count"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"`
}

// Limits say from where on the generator is the bottleneck.
type Limits struct {
	// Lag bounds the p99 of own lag, dispatch lag and goroutine scheduling, and
	// the longest collection pause.
	Lag time.Duration
	// Starved bounds a mean.
	Starved time.Duration
	// CPU, GC and Waited bound the shares of those names.
	CPU, GC, Waited float64
}

// DefaultLimits judge runs against thresholds of tens of milliseconds.
var DefaultLimits = Limits{
	// A quarter of the strictest default threshold, 40 ms. It is part of the
	// response times already: they are too long by at most that.
	Lag: 10 * time.Millisecond,
	// A tenth of that on average is more for some.
	Starved: time.Millisecond,
	// With less room than that, answers wait for a processor to be read.
	CPU: 0.9,
	// What the Go runtime aims at most at when the heap grows: 25 % of the CPU.
	GC: 0.25,
	// A stall of the server makes operations wait for as long as it lasts and
	// as it takes to catch up. Over half of the run that is no stall any more.
	Waited: 0.5,
}

// Cause says what a Problem means for a verdict.
type Cause string

// The causes.
const (
	// Client: this process or its machine could not keep up. Response and
	// service times contain its delays, and nothing can be said of the server.
	Client Cause = "client"
	// Workers: all connections were busy most of the time. Response times
	// contain the wait for one. Service times are the server's: if they break a
	// limit it is too slow; if only response times do, more connections or a
	// lower rate would tell.
	Workers Cause = "workers"
)

// Problem is one reason why a run cannot tell about the server.
type Problem struct {
	Cause Cause `json:"cause"`
	// Says what was measured and the limit, Advice what to do.
	Says   string `json:"says"`
	Advice string `json:"advice"`
}

// Problems returns what makes a run inconclusive; none for a healthy one.
func (h Health) Problems(l Limits) []Problem {
	const more = "lower the rate, use a bigger or less busy machine, or share the load between several with --stripe"
	var all []Problem
	add := func(cause Cause, advice, format string, args ...any) {
		all = append(all, Problem{Cause: cause, Advice: advice, Says: fmt.Sprintf(format, args...)})
	}
	if h.OwnLag.P99 > l.Lag {
		add(Client, more, "1 %% of the operations started %s or more too late although a connection was free (limit %s)", round(h.OwnLag.P99), l.Lag)
	}
	if h.DispatchLag.P99 > l.Lag {
		add(Client, more, "1 %% of the operations were %s or more late for the queue (limit %s)", round(h.DispatchLag.P99), l.Lag)
	}
	if h.CPU > l.CPU {
		add(Client, more, "the generator used %.0f %% of its %d processors (limit %.0f %%)", 100*h.CPU, h.Procs, 100*l.CPU)
	}
	if h.Starved > l.Starved {
		add(Client, more, "for each operation the generator waited %s for a processor that others used (limit %s)", round(h.Starved), l.Starved)
	}
	if h.SchedP99 > l.Lag {
		add(Client, more, "1 %% of the goroutines waited %s or more for a thread (limit %s)", round(h.SchedP99), l.Lag)
	}
	if h.GCShare > l.GC || h.PauseMax > l.Lag {
		add(Client, "set GOMEMLIMIT, or lower the rate", "garbage collection took %.0f %% of the CPU time and stopped everything for up to %s (limits %.0f %%, %s)",
			100*h.GCShare, round(h.PauseMax), 100*l.GC, l.Lag)
	}
	if h.Waited > l.Waited {
		add(Workers, "use more --workers, or lower the rate", "%.0f %% of the operations found every connection busy (limit %.0f %%)", 100*h.Waited, 100*l.Waited)
	}
	return all
}

// round keeps three figures or so.
func round(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}
