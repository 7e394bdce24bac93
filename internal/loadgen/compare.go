package loadgen

import (
	"fmt"
	"os"

	"leap/internal/bench"
	"leap/internal/fault"
	"leap/internal/judge"
)

// ComparisonSchema is the first key of a comparison.
const ComparisonSchema = "leap.loadgen.comparison/v1"

// Comparison is what became of one run in another.
type Comparison struct {
	Schema  string        `json:"schema"`
	Verdict judge.Verdict `json:"verdict"`
	Reasons []string      `json:"reasons"`
	// Tolerance is in percent.
	Tolerance float64 `json:"tolerance_percent"`
	Before    string  `json:"before"`
	After     string  `json:"after"`
	// Differences are what the runs were asked for differently, and operations
	// that only one of them has.
	Differences []string      `json:"differences"`
	Shifts      []judge.Shift `json:"shifts"`
}

// Compare compares the response times of two runs. tolerance is how much slower,
// in percent, anything may get.
func Compare(before, after string, tolerance float64) (*Comparison, error) {
	c := &Comparison{
		Schema: ComparisonSchema, Reasons: []string{}, Tolerance: tolerance, Before: before, After: after, Differences: []string{}, Shifts: []judge.Shift{},
	}
	var runs [2]*evidence
	for n, dir := range []string{before, after} {
		if _, err := os.Stat(dir); err != nil {
			return nil, fault.Wrap(fault.Usage, "give two directories that loadgen run has written", err)
		}
		var err error
		if runs[n], err = readEvidence(dir); err != nil {
			return nil, err
		}
	}
	c.Shifts = append(c.Shifts, judge.Compare(runs[0].side(), runs[1].side())...)
	if len(c.Shifts) == 0 {
		return nil, fault.New(fault.Usage, "compare runs of the same workload", "%s and %s have no operation in common", before, after)
	}
	c.differ(runs[0], runs[1])
	var reasons []string
	c.Verdict, reasons = judge.Changed(c.Shifts, tolerance)
	c.Reasons = append(c.Reasons, reasons...)
	for n, e := range runs {
		if doubt := e.doubt(); doubt != "" {
			// Where the times are not the server's, neither is their change.
			c.Verdict = judge.Inconclusive
			c.Reasons = append(c.Reasons, []string{before, after}[n]+": "+doubt)
		}
	}
	return c, nil
}

// side is the run as one side of a comparison.
func (e *evidence) side() judge.Run {
	r := judge.Run{Ops: e.run.Ops}
	for _, i := range e.run.Intervals {
		r.Intervals = append(r.Intervals, i.Ops)
	}
	return r
}

// doubt says why the times of a run are not the server's; empty when they are.
func (e *evidence) doubt() string {
	switch {
	case !e.whole:
		return "the run did not come to its end"
	case e.end.Error != "":
		return "the run ended early: " + e.end.Error
	case e.end.Interrupted:
		return fmt.Sprintf("the run was interrupted after %.0f s", e.end.Elapsed)
	}
	for _, p := range e.end.Health.Problems(bench.DefaultLimits) {
		if p.Cause == bench.Client || e.asked.Rate != "" {
			return p.Says
		}
	}
	return ""
}

// differ lists what makes the runs two different experiments.
func (c *Comparison) differ(before, after *evidence) {
	facts := func(e *evidence) []fact {
		s := e.asked
		return append(s.facts(), fact{"mix", s.MixName}, fact{"workers", s.Workers}, fact{"when full", s.WhenFull}, fact{"stripe", s.Stripe},
			fact{"server", e.where.Server.Version}, fact{"generator", e.where.Client.Host})
	}
	unlike(facts(before), facts(after), func(name, was, is string) {
		c.Differences = append(c.Differences, fmt.Sprintf("%s: %s before, %s after", name, was, is))
	})
	names := func(e *evidence) map[string]bool {
		all := map[string]bool{}
		for _, o := range e.run.Ops {
			all[o.Name] = o.Counts.Asked() > 0
		}
		return all
	}
	was, is := names(before), names(after)
	for _, name := range sorted(was) {
		if was[name] && !is[name] {
			c.Differences = append(c.Differences, name+" is in the run before only")
		}
	}
	for _, name := range sorted(is) {
		if is[name] && !was[name] {
			c.Differences = append(c.Differences, name+" is in the run after only")
		}
	}
}
