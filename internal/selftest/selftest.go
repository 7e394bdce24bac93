// Package selftest proves the measurement itself: it drives servers whose
// answers are known beforehand, and compares what is reported with what a model
// computes from the moments at which the requests were due, with the server's
// own log, and with what a tool would have reported that starts its clock when
// it sends.
package selftest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"leap/internal/bench"
	"leap/internal/hist"
	"leap/internal/pace"
)

// Verdict is how a test ended.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
)

// Options choose how to test.
type Options struct {
	// Length is how long each case measures; 0 means five seconds.
	Length time.Duration
	// Timer is bench.Precise but on a fake clock.
	Timer bench.Timer
	// Notify, if set, is told the name of each case before it starts.
	Notify func(name string)
}

// Report is the result of the self-test.
type Report struct {
	Verdict Verdict `json:"verdict"`
	Cases   []Case  `json:"cases"`
}

// Case is the result with one server.
type Case struct {
	Name        string  `json:"name"`
	Says        string  `json:"says"`
	Rate        string  `json:"rate"`
	Connections int     `json:"connections"`
	Verdict     Verdict `json:"verdict"`
	// Why says what decided, when it is not a pass.
	Why  []string `json:"why,omitempty"`
	Rows []Row    `json:"rows,omitempty"`
	// Count is how many operations were measured, NaiveUnsent how many the
	// naive tool would never have sent.
	Count       int64 `json:"count"`
	NaiveUnsent int   `json:"naive_unsent"`
	// Lag is how late the generator itself was.
	Lag bench.Lag `json:"lag"`
}

// Row compares one percentile of the response time.
type Row struct {
	Percentile float64 `json:"percentile"` // 100 is the maximum
	// Reported is what our histograms say, Model what must be reported on a
	// machine that wakes up in time, Logged what the server's own log gives,
	// Naive what the naive tool says.
	Reported time.Duration `json:"reported_ns"`
	Model    time.Duration `json:"model_ns"`
	Logged   time.Duration `json:"logged_ns"`
	Naive    time.Duration `json:"naive_ns"`
}

// percentiles are what is compared.
var percentiles = []float64{50, 90, 95, 99, 99.9, 100}

// Tolerance is the difference allowed between two values of the same thing: 1 %
// or 50 us, whichever is more.
func Tolerance(of time.Duration) time.Duration {
	return max(of/100, 50*time.Microsecond)
}

// scenario is a server and the load that it gets.
type scenario struct {
	name, says  string
	server      *Server
	rate        pace.Spec
	connections int
	seed        uint64
	// want is the problem that the run must have, empty for none.
	want bench.Cause
}

// scenarios returns the cases for a length. Spells are parts of it.
func scenarios(length time.Duration) []scenario {
	const perSecond = 1000
	even := pace.Constant(perSecond)
	random, err := pace.Parse("poisson:1000")
	if err != nil {
		panic(err) // a constant
	}
	// A second in five; a shorter test has a shorter spell.
	spell := func(slower float64) []Spell {
		return []Spell{{From: length * 2 / 5, To: length * 3 / 5, Slower: slower}}
	}
	return []scenario{
		{
			name: "constant", says: "every request takes 2 ms",
			server: &Server{Work: Constant(2 * time.Millisecond)}, rate: even, connections: 32,
		},
		{
			name: "exponential", says: "requests take 5 ms on average, exponentially distributed, and come at random",
			server: &Server{Work: Exponential(5*time.Millisecond, 1)}, rate: random, connections: 32, seed: 1,
		},
		{
			name: "freeze", says: fmt.Sprintf("requests take 1 ms; the server freezes for %s", length/5),
			server: &Server{Work: Constant(time.Millisecond), Spells: spell(0)}, rate: even, connections: 32,
		},
		{
			name: "slow stretch", says: fmt.Sprintf("requests take 2 ms; for %s the server is thirty times slower", length/5),
			server: &Server{Work: Constant(2 * time.Millisecond), Spells: spell(30)}, rate: even, connections: 32,
		},
		{
			name: "overload", says: "twice as much is asked as 10 connections can carry at 10 ms each",
			server: &Server{Work: Constant(10 * time.Millisecond)}, rate: pace.Constant(2 * perSecond), connections: 10,
			want: bench.Workers,
		},
	}
}

// Run runs all cases, one after the other. Its errors say that it could not.
func Run(ctx context.Context, o Options) (Report, error) {
	if o.Length == 0 {
		o.Length = 5 * time.Second
	}
	report := Report{Verdict: Pass}
	for _, s := range scenarios(o.Length) {
		if o.Notify != nil {
			o.Notify(s.name)
		}
		c, err := s.run(ctx, o)
		if err != nil {
			return report, fmt.Errorf("self-test %s: %w", s.name, err)
		}
		report.Cases = append(report.Cases, c)
		report.Verdict = worse(report.Verdict, c.Verdict)
	}
	return report, nil
}

// worse returns the verdict of both together.
func worse(a, b Verdict) Verdict {
	switch {
	case a == Fail || b == Fail:
		return Fail
	case a == Inconclusive || b == Inconclusive:
		return Inconclusive
	}
	return Pass
}

// run drives one server and compares.
func (s scenario) run(ctx context.Context, o Options) (Case, error) {
	l, err := newLoad(s.server, s.connections, o.Timer)
	if err != nil {
		return Case{}, err
	}
	defer l.close()
	collector := hist.NewCollector(hist.Options{Ops: []string{s.name}})
	summary, err := bench.Open(ctx, s.rate, bench.Options{
		Seed: s.seed, Duration: o.Length, Workers: s.connections, Timer: o.Timer, Drain: 2 * o.Length,
	}, bench.Wiring{
		Work:     l,
		Recorder: func(int) bench.Recorder { return collector.Recorder() },
		Interval: func(i bench.Interval) { collector.Cut(i.To) },
	})
	if err != nil {
		return Case{}, fmt.Errorf("run: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Case{}, err
	}
	collector.Finish(summary.Drained)
	stats := collector.Totals()[0]
	c := Case{
		Name: s.name, Says: s.says, Rate: s.rate.String(), Connections: s.connections,
		Count: stats.Counts.Asked(), Lag: summary.Health.OwnLag,
	}
	ticks := s.ticks(o.Length)
	model := Truth(s.server, ticks, s.connections)
	logged := l.responses()
	var naive Times
	naive, c.NaiveUnsent = Naive(s.server, s.rate, o.Length, s.connections)
	for _, p := range percentiles {
		c.Rows = append(c.Rows, Row{
			Percentile: p,
			Reported:   stats.Series[hist.Response].Percentile(p),
			Model:      model.Percentile(p), Logged: logged.Percentile(p), Naive: naive.Percentile(p),
		})
	}
	c.judge(s.want, len(ticks), summary)
	return c, nil
}

// ticks returns when requests are due.
func (s scenario) ticks(length time.Duration) []pace.Tick {
	var all []pace.Tick
	schedule := s.rate.Schedule(pace.Options{Seed: s.seed, Duration: length})
	for t, ok := schedule.Next(); ok; t, ok = schedule.Next() {
		all = append(all, t)
	}
	return all
}

// responses returns the response times by the server's log.
func (l *load) responses() Times {
	var all Times
	for _, log := range l.logs {
		for _, entry := range log {
			all = append(all, entry.Answered-entry.Due)
		}
	}
	slices.Sort(all)
	return all
}

// judge decides. What is reported must be what the server's log says, and never
// less than the model: a busy machine can only make answers later. By how much
// it did says nothing about the measurement, but above the limits of
// bench.Health it could not have measured a server either.
func (c *Case) judge(want bench.Cause, due int, summary bench.Summary) {
	c.Verdict = Pass
	found, busy := false, false
	for _, p := range summary.Health.Problems(bench.DefaultLimits) {
		if p.Cause == want {
			found = true
			continue
		}
		busy = busy || p.Cause == bench.Client
		c.add(Inconclusive, "%s", p.Says)
	}
	busy = busy || c.wakesLate()
	if want != "" && !found {
		c.add(Fail, "a generator without free connections was not noticed")
	}
	if c.Count != int64(due) {
		c.add(Fail, "%d operations were due and %d are reported", due, c.Count)
	}
	for _, r := range c.Rows {
		off := r.Reported - r.Logged
		switch {
		case off.Abs() <= Tolerance(r.Logged):
		case off > 0 && busy: // stopped between the server's answer and the look at the clock
			c.add(Inconclusive, "p%g: reported %s, the server's log says %s", r.Percentile, r.Reported, r.Logged)
		default:
			c.add(Fail, "p%g: reported %s, the server's log says %s", r.Percentile, r.Reported, r.Logged)
		}
		if r.Reported < r.Model-Tolerance(r.Model) {
			c.add(Fail, "p%g: reported %s, less than the %s that follow from the due times", r.Percentile, r.Reported, r.Model)
		}
	}
}

// wakesLate reports whether the server itself answered half of the requests late, by
// twice what the comparison allows: its alarms wait for a processor then, and so
// does the client between an answer and its look at the clock.
func (c *Case) wakesLate() bool {
	for _, r := range c.Rows {
		if r.Percentile <= 50 && r.Logged-r.Model > 2*Tolerance(r.Model) {
			return true
		}
	}
	return false
}

// add makes the verdict no better than v and says why.
func (c *Case) add(v Verdict, format string, args ...any) {
	c.Verdict = worse(c.Verdict, v)
	c.Why = append(c.Why, fmt.Sprintf(format, args...))
}
