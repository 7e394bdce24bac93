package loadgen

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"leap/internal/hist"
	"leap/internal/judge"
	"leap/internal/page"
)

// page is the HTML report.
func (e *evidence) page(s *Summary) *page.Report {
	p := &page.Report{
		Title: s.Workload + " " + s.Mix, Verdict: string(s.Verdict), Reasons: s.Reasons,
		Facts: []page.Fact{
			{Name: "begun", Value: e.end.Began.Format("2006-01-02 15:04:05 UTC")},
			{Name: "measured", Value: fmt.Sprintf("%.0f s after %s of warm-up", e.end.Elapsed, e.asked.Warmup)},
			{Name: "asked for", Value: e.load()},
			{Name: "target", Value: s.Target},
			{Name: "server", Value: serverName(s)},
		},
		Environment: e.groups(),
	}
	if len(e.healths) > 0 {
		p.Facts = append(p.Facts, page.Fact{Name: "stripes", Value: e.run.Dir})
	}
	for _, g := range s.Gate {
		why := g.Why
		if g.Doubted { // the details are among the reasons, once for all thresholds
			why, _, _ = strings.Cut(why, ": ")
		}
		p.Gates = append(p.Gates, page.Gate{Threshold: g.Threshold, Value: g.Value, Bounds: g.Bounds(), Verdict: string(g.Verdict), Reason: why})
	}
	for _, c := range s.Invariants {
		p.Invariants = append(p.Invariants, page.Invariant{Name: c.Name, Says: c.Says, Verdict: c.Verdict, Reason: c.Found()})
	}
	if len(e.run.Ops) > 1 {
		p.Operations = append(p.Operations, e.operation(hist.Sum("all operations", e.run.Ops), ""))
	}
	for _, o := range e.run.Ops {
		p.Operations = append(p.Operations, e.operation(o, o.Name))
	}
	e.series(p)
	e.retries(p)
	p.Health.Verdict = string(s.Health.Verdict)
	for _, problem := range s.Health.Problems {
		p.Health.Reasons = append(p.Health.Reasons, problem.Says+".")
	}
	h := s.Health
	p.Health.Facts = []page.Fact{
		{Name: "own lag, p99", Value: judge.Millis(h.OwnLag.P99)},
		{Name: "dispatch lag, p99", Value: judge.Millis(h.DispatchLag.P99)},
		{Name: "own CPU", Value: fmt.Sprintf("%.0f %% of %d processors", 100*h.CPU, h.Procs)},
		{Name: "queue", Value: fmt.Sprintf("at most %d", h.QueueMax)},
		{Name: "found no free connection", Value: fmt.Sprintf("%.1f %%", 100*h.Waited)},
	}
	for _, event := range e.run.Events {
		p.Marks = append(p.Marks, page.Mark{At: max(0, event.At.Sub(e.end.Began).Seconds()), Text: event.Text})
	}
	p.Marks = append(p.Marks, e.outages()...)
	return p
}

func (e *evidence) load() string {
	if e.asked.Rate == "" {
		return fmt.Sprintf("a closed loop of %d connections, think time %s", e.asked.Workers, e.asked.Think)
	}
	return e.asked.Rate + " operations per second"
}

func serverName(s *Summary) string {
	if s.StandIn {
		return s.Server + " (stand-in for CockroachDB)"
	}
	return s.Server
}

// operation turns totals into a row and its curves; name is empty for all together.
func (e *evidence) operation(o *hist.OpStats, name string) page.Operation {
	out := page.Operation{
		Name: o.Name, Count: o.Counts.Asked(), Errors: o.Counts.Failed(), Refusals: o.Counts.Rejected, Retries: o.Counts.Retries,
		Response: latency(o.Series[hist.Response]), Service: latency(o.Series[hist.Service]),
	}
	var ops []string
	for _, x := range e.run.Ops {
		ops = append(ops, x.Name)
	}
	for _, text := range e.asked.Gate {
		if t, err := judge.Parse(text, ops); err == nil && t.Op == name && t.Percentile > 0 {
			out.Limits = append(out.Limits, page.Limit{Percentile: t.Percentile, Millis: t.Limit * 1e3, Label: strings.TrimPrefix(t.Text, name+".")})
		}
	}
	for _, i := range e.drawn() {
		h := hist.New()
		for _, x := range i.Ops {
			if name == "" || x.Name == name {
				h.Merge(x.Series[hist.Response])
			}
		}
		// On a chart it is enough that a value lies above: otherwise it is the
		// maximum under another name.
		at := func(p float64) float64 {
			if float64(h.Count())*(100-p) < 100-1e-6 {
				return math.NaN()
			}
			return millis(h.Percentile(p))
		}
		out.Over.At = append(out.Over.At, i.Start.Seconds())
		out.Over.P50 = append(out.Over.P50, at(50))
		out.Over.P99 = append(out.Over.P99, at(99))
		out.Over.P999 = append(out.Over.P999, at(99.9))
		longest := math.NaN()
		if h.Count() > 0 {
			longest = millis(h.Max())
		}
		out.Over.Max = append(out.Over.Max, longest)
	}
	return out
}

// latency is a distribution with a spectrum of ten points for each nine.
func latency(h *hist.Histogram) page.Latency {
	at := func(p float64) float64 {
		if v, ok := known(h, p); ok {
			return v
		}
		return math.NaN()
	}
	l := page.Latency{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: at(100)}
	for left := 100.0; h.Count() > 0 && left*float64(h.Count()) >= 100; left *= math.Pow(10, -.1) {
		p := 100 - left
		l.Spectrum = append(l.Spectrum, page.Point{Percentile: p, Millis: millis(h.Percentile(p))})
	}
	return l
}

// drawn are the intervals that charts show. What ended in the moment after the
// last whole one is in every number, but a rate of a few milliseconds is none, and
// the moment after the end is no stall.
func (e *evidence) drawn() []*hist.Interval {
	var out []*hist.Interval
	for _, i := range e.run.Intervals {
		least := time.Duration(1)
		if i.Start.Seconds() >= e.end.Elapsed-.001 {
			least = hist.DefaultInterval / 2
		}
		if i.End-i.Start >= least {
			out = append(out, i)
		}
	}
	return out
}

// series fills what is shown second by second.
func (e *evidence) series(p *page.Report) {
	for _, i := range e.drawn() {
		length := (i.End - i.Start).Seconds()
		var all hist.Counts
		lag := hist.New()
		for _, o := range i.Ops {
			all.Add(&o.Counts)
			lag.Merge(o.Series[hist.ScheduleLag])
		}
		if i.Start.Seconds() >= e.end.Elapsed && all.Asked() == 0 {
			continue
		}
		at := i.Start.Seconds()
		p.Throughput.At = append(p.Throughput.At, at)
		p.Throughput.Done = append(p.Throughput.Done, float64(all.Answered())/length)
		p.Throughput.Errors = append(p.Throughput.Errors, float64(all.Failed()-all.Shed)/length)
		p.Throughput.Shed = append(p.Throughput.Shed, float64(all.Shed)/length)
		p.Retries.At = append(p.Retries.At, at)
		p.Retries.Over = append(p.Retries.Over, float64(all.Retries)/length)
		asked, cpu, queue := math.NaN(), math.NaN(), math.NaN()
		for _, s := range e.run.States {
			if math.Abs(s.From-at) < .01 && s.To > s.From {
				asked, cpu, queue = float64(s.Due)/(s.To-s.From), 100*s.CPU, float64(s.Queue)
			}
		}
		p.Throughput.Asked = append(p.Throughput.Asked, asked)
		p.Health.At = append(p.Health.At, at)
		p.Health.CPU = append(p.Health.CPU, cpu)
		p.Health.Queue = append(p.Health.Queue, queue)
		p.Health.Lag = append(p.Health.Lag, millis(lag.Percentile(99)))
	}
}

// retries fills the tables of failed attempts and of errors.
func (e *evidence) retries(p *page.Report) {
	kinds, codes := map[string]int64{}, map[string]int64{}
	for _, f := range e.end.Failures {
		if f.Retried {
			kinds[strings.TrimSpace(f.State+" "+f.Kind)] += f.Count
		}
	}
	for _, o := range e.run.Ops {
		for code, n := range o.Counts.Codes {
			codes[code] += n
		}
	}
	for _, kind := range sorted(kinds) {
		p.Retries.Kinds = append(p.Retries.Kinds, page.Count{Name: kind, Count: kinds[kind]})
	}
	for _, code := range sorted(codes) {
		p.Errors = append(p.Errors, page.Count{Name: code, Note: e.end.Examples[code], Count: codes[code]})
	}
	var transactions, attempts int64
	var lost float64
	for _, a := range e.end.Accounts {
		transactions, attempts, lost = transactions+a.Transactions, attempts+a.Attempts, lost+a.LostSeconds
	}
	if transactions > 0 {
		p.Retries.Summary = fmt.Sprintf("%.3f attempts per transaction; %.1f s were lost in failed attempts and back-off.", float64(attempts)/float64(transactions), lost)
	}
}

// outages marks the seconds in which more failed than was answered.
func (e *evidence) outages() []page.Mark {
	var marks []page.Mark
	for _, i := range e.run.Intervals {
		var all hist.Counts
		for _, o := range i.Ops {
			all.Add(&o.Counts)
		}
		if all.Failed() <= all.Answered() || all.Failed() == 0 {
			continue
		}
		if n := len(marks); n > 0 && math.Abs(marks[n-1].Till-i.Start.Seconds()) < .01 {
			marks[n-1].Till = i.End.Seconds()
			continue
		}
		marks = append(marks, page.Mark{At: i.Start.Seconds(), Till: i.End.Seconds(), Text: "more operations failed than were answered"})
	}
	return marks
}

// groups is the environment.
func (e *evidence) groups() []page.Group {
	a, c, v := e.asked, e.where.Client, e.where.Server
	run := page.Group{Name: "Run", Facts: []page.Fact{
		{Name: "command", Value: a.Command},
		{Name: "started", Value: a.Started.Format(time.RFC3339)},
		{Name: "workers", Value: fmt.Sprint(a.Workers)},
		{Name: "when full", Value: a.WhenFull},
		{Name: "seed", Value: fmt.Sprint(a.Seed)},
		{Name: "scale", Value: fmt.Sprint(a.Scale)},
		{Name: "run", Value: a.Run},
		{Name: "protocol", Value: a.Protocol},
		{Name: "injected retries", Value: fmt.Sprint(a.InjectRetries)},
		{Name: "timeout", Value: a.Timeout},
	}}
	for _, m := range a.Mix {
		run.Facts = append(run.Facts, page.Fact{Name: m.Op, Value: fmt.Sprintf("%g %%", m.Percent)})
	}
	client := page.Group{Name: "Generator", Facts: []page.Fact{
		{Name: "loadgen", Value: c.Loadgen},
		{Name: "git", Value: c.Revision},
		{Name: "Go", Value: c.Go},
		{Name: "system", Value: c.System},
		{Name: "processors", Value: fmt.Sprintf("%d of %d", c.Procs, c.CPUs)},
		{Name: "host", Value: c.Host},
	}}
	server := page.Group{Name: "Server", Facts: []page.Fact{{Name: "version", Value: v.Version}}}
	const shown = 25 // the rest is in environment.json
	for n, name := range sorted(v.Settings) {
		if n == shown {
			server.Facts = append(server.Facts, page.Fact{Name: "…", Value: fmt.Sprintf("%d more settings in environment.json", len(v.Settings)-shown)})
			break
		}
		server.Facts = append(server.Facts, page.Fact{Name: name, Value: v.Settings[name]})
	}
	return slices.Clip([]page.Group{run, client, server})
}
