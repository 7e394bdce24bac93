package bench

import (
	"math"
	"runtime/metrics"
	"time"

	"leap/internal/hist"
)

// watch looks at the generator while it works: it tells of each interval, and
// measures this process between the start and the end of the measurement.
type watch struct {
	r          *run
	spun       func() time.Duration // the dispatcher's
	procs      *processors
	few        bool // no more processors than are needed
	begin, end reading
}

// reading is what is known of this process at a moment.
type reading struct {
	at   time.Duration
	cpu  time.Duration // used so far, without spinning
	held time.Duration // how long our threads were ready and did not run
	// The runtime's own view.
	sched, pauses *metrics.Float64Histogram
	gcCPU, goCPU  float64
	cycles        uint64
	available     time.Duration // processor time that there was so far
}

// The runtime's metrics, in the order of reading's use.
const (
	metricSched  = "/sched/latencies:seconds"
	metricPauses = "/sched/pauses/total/gc:seconds"
	metricGC     = "/cpu/classes/gc/total:cpu-seconds"
	metricCPU    = "/cpu/classes/total:cpu-seconds"
	metricCycles = "/gc/cycles/total:gc-cycles"
)

func newWatch(r *run) *watch {
	return &watch{r: r, spun: func() time.Duration { return 0 }, procs: allProcessors()}
}

func (w *watch) read() reading {
	samples := []metrics.Sample{{Name: metricSched}, {Name: metricPauses}, {Name: metricGC}, {Name: metricCPU}, {Name: metricCycles}}
	metrics.Read(samples)
	now := reading{at: w.r.clock.now(), cpu: max(0, cpuTime()-w.spun()), held: runDelay()}
	now.available = w.procs.available(now.at)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindBad {
			continue // an older or newer runtime does without it
		}
		switch s.Name {
		case metricSched:
			now.sched = s.Value.Float64Histogram()
		case metricPauses:
			now.pauses = s.Value.Float64Histogram()
		case metricGC:
			now.gcCPU = s.Value.Float64()
		case metricCPU:
			now.goCPU = s.Value.Float64()
		case metricCycles:
			now.cycles = s.Value.Uint64()
		}
	}
	return now
}

// start watches in a goroutine of its own until the returned function is
// called, which waits for it.
func (w *watch) start() (stop func()) {
	w.begin = w.read()
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		w.loop(quit)
	}()
	return func() {
		close(quit)
		<-done
	}
}

// loop ends an interval at every multiple of Options.Every.
func (w *watch) loop(quit <-chan struct{}) {
	from := w.r.clock.now()
	last := interval{from: from, cpu: w.begin.cpu, available: w.procs.available(from)}
	for {
		next := last.from.Truncate(w.r.Every)
		for next <= last.from {
			next += w.r.Every
		}
		// The measurement begins with an interval of its own.
		if last.from < 0 {
			next = min(next, 0)
		}
		timer := time.NewTimer(next - w.r.clock.now())
		select {
		case <-quit:
			timer.Stop()
			if now := w.r.clock.now(); now > last.from {
				w.tell(&last, now)
			}
			return
		case <-timer.C:
		}
		if next == 0 {
			w.begin = w.read()
		}
		w.tell(&last, next)
	}
}

// interval is where the current one began.
type interval struct {
	from   time.Duration
	counts Counts
	// As in reading.
	cpu, available time.Duration
}

// tell reports the interval that began at last and makes last the next one.
func (w *watch) tell(last *interval, to time.Duration) {
	r := w.r
	cpu, available := max(0, cpuTime()-w.spun()), w.procs.available(to)
	warmup, measured := r.counts()
	total := warmup.Plus(measured)
	i := Interval{
		From: last.from, To: to, Counts: total.minus(last.counts), Total: total,
		Queue: len(r.queue), InFlight: total.InFlight(),
		CPU: share(cpu-last.cpu, available-last.available),
	}
	*last = interval{from: to, counts: total, cpu: cpu, available: available}
	// Short ones, at the beginning and at the end, tell nothing.
	if w.few && to-i.From > r.Every/2 {
		w.procs.suffice(i.CPU, to)
	}
	if r.Interval != nil {
		r.Interval(i)
	}
}

// health puts together what was measured.
func (w *watch) health(s Summary) Health {
	b, e := w.begin, w.end
	h := Health{Procs: w.procs.count(), GC: e.cycles - b.cycles}
	own, dispatch := hist.New(), w.r.workers[w.r.Workers].ownLag
	var waited uint64
	var busy time.Duration
	for _, worker := range w.r.workers[:w.r.Workers] {
		own.Merge(worker.ownLag)
		waited += worker.waited
		busy += worker.busy
	}
	h.OwnLag, h.DispatchLag = lagOf(own), lagOf(dispatch)
	h.QueueMax = w.r.workers[w.r.Workers].queueMax
	if s.Measured.Started > 0 {
		h.Waited = float64(waited) / float64(s.Measured.Started)
	}
	h.Busy = share(busy, s.Drained*time.Duration(w.r.Workers))
	h.CPU = share(e.cpu-b.cpu, e.available-b.available)
	h.Starved = max(0, e.held-b.held) / time.Duration(max(1, s.Measured.Done)) //nolint:gosec // far below 2^63
	if e.goCPU > b.goCPU {
		h.GCShare = (e.gcCPU - b.gcCPU) / (e.goCPU - b.goCPU)
	}
	h.SchedP99 = tail(b.sched, e.sched, 0.99)
	h.PauseMax = tail(b.pauses, e.pauses, 1)
	return h
}

func lagOf(h *hist.Histogram) Lag {
	return Lag{Count: h.Count(), P50: h.Percentile(50), P99: h.Percentile(99), Max: h.Max()}
}

// share returns part/whole, 0 for an empty whole.
func share(part, whole time.Duration) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// tail returns a quantile of what end has and begin has not: the upper edge of
// its bucket, or the lower edge of the last one, which has no upper.
func tail(begin, end *metrics.Float64Histogram, q float64) time.Duration {
	if end == nil {
		return 0
	}
	count := func(i int) uint64 {
		if begin == nil || i >= len(begin.Counts) {
			return end.Counts[i]
		}
		return end.Counts[i] - begin.Counts[i]
	}
	var total uint64
	for i := range end.Counts {
		total += count(i)
	}
	rank := uint64(math.Ceil(q * float64(total)))
	var seen uint64
	for i := range end.Counts {
		if seen += count(i); seen >= rank && total > 0 {
			edge := end.Buckets[i+1]
			if math.IsInf(edge, 1) {
				edge = end.Buckets[i]
			}
			return time.Duration(edge * float64(time.Second))
		}
	}
	return 0
}
