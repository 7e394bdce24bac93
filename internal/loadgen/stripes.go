package loadgen

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"leap/internal/fault"
	"leap/internal/hist"
	"leap/internal/judge"
	"leap/internal/pace"
	"leap/internal/record"
)

// readStripes reads the run directories of processes that shared one load and
// makes one run of them: the histograms are those that a single process would
// have written.
func readStripes(dirs []string) (*evidence, error) {
	var all []*evidence
	for _, dir := range dirs {
		e, err := readEvidence(dir)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	if err := checkStripes(dirs, all); err != nil {
		return nil, fault.Wrap(fault.Usage, "give the directories of all stripes of one load", err)
	}
	one := all[0]
	one.run.Dir = strings.Join(dirs, ", ")
	for _, e := range all[1:] {
		one.join(e)
	}
	one.asked.Stripe = ""
	slices.SortFunc(one.run.Events, func(a, b record.Event) int { return a.At.Compare(b.At) })
	return one, nil
}

// checkStripes refuses what is not one load.
func checkStripes(dirs []string, all []*evidence) error {
	seen := make([]string, len(all)) // the directory of each stripe
	for n, e := range all {
		var differs error
		unlike(sameOfStripes(all[0].asked), sameOfStripes(e.asked), func(name, would, is string) {
			differs = cmp.Or(differs, fmt.Errorf("%s and %s are not parts of one load: the %s is %s and %s", dirs[0], dirs[n], name, would, is))
		})
		if differs != nil {
			return differs
		}
		stripe, err := pace.ParseStripe(e.asked.Stripe)
		if err != nil {
			return fmt.Errorf("%s: %w", dirs[n], err)
		}
		if stripe.Of != len(all) {
			return fmt.Errorf("%s is stripe %s, and %d directories are given", dirs[n], stripe, len(all))
		}
		if other := seen[stripe.Index]; other != "" {
			return fmt.Errorf("%s and %s are both stripe %s", other, dirs[n], stripe)
		}
		seen[stripe.Index] = dirs[n]
	}
	return nil
}

// sameOfStripes is what the stripes of a load have in common.
func sameOfStripes(s saved) []fact {
	return append([]fact{{"run", s.Run}}, append(s.facts(), fact{"duration", s.Duration}, fact{"warm-up", s.Warmup}, fact{"target", s.Target})...)
}

// join adds another stripe.
func (e *evidence) join(o *evidence) {
	e.run.Ops = joinOps(e.run.Ops, o.run.Ops)
	e.run.Intervals = joinIntervals(e.run.Intervals, o.run.Intervals)
	e.run.States = joinStates(e.run.States, o.run.States)
	e.run.Events = append(e.run.Events, o.run.Events...)
	e.run.Torn = append(e.run.Torn, o.run.Torn...)
	e.asked.Workers += o.asked.Workers
	e.whole = e.whole && o.whole
	e.unknown += o.unknown
	e.healths = append(e.healths, o.end.Health)
	e.apart = max(e.apart, o.end.Began.Sub(e.end.Began).Abs())
	e.end.join(&o.end)
}

// join adds how another stripe ended.
func (e *ended) join(o *ended) {
	if o.Began.Before(e.Began) {
		e.Began = o.Began
	}
	e.Elapsed, e.Drained = max(e.Elapsed, o.Elapsed), max(e.Drained, o.Drained)
	e.Interrupted = e.Interrupted || o.Interrupted
	e.Warmup, e.Measured = e.Warmup.Plus(o.Warmup), e.Measured.Plus(o.Measured)
	e.WarmupWrong += o.WarmupWrong
	e.Error = cmp.Or(e.Error, o.Error)
	e.Checked = joinChecked(e.Checked, o.Checked)
	for _, a := range o.Accounts {
		n := slices.IndexFunc(e.Accounts, func(b opBooked) bool { return b.Op == a.Op })
		if n < 0 {
			e.Accounts = append(e.Accounts, a)
			continue
		}
		b := &e.Accounts[n]
		b.Transactions, b.Attempts, b.Committed, b.LostSeconds = b.Transactions+a.Transactions, b.Attempts+a.Attempts, b.Committed+a.Committed, b.LostSeconds+a.LostSeconds
	}
	for _, f := range o.Failures {
		same := func(b booked) bool { b.Count = f.Count; return b == f }
		if n := slices.IndexFunc(e.Failures, same); n >= 0 {
			e.Failures[n].Count += f.Count
		} else {
			e.Failures = append(e.Failures, f)
		}
	}
	if e.Examples == nil {
		e.Examples = map[string]string{}
	}
	for code, text := range o.Examples {
		e.Examples[code] = cmp.Or(e.Examples[code], text)
	}
}

// joinChecked keeps the worse of two checks of an invariant. One that only one
// of the stripes has checked stays inconclusive: its journal is the other half.
func joinChecked(a, b []Checked) []Checked {
	for n, c := range a {
		i := slices.IndexFunc(b, func(x Checked) bool { return x.Name == c.Name })
		if i < 0 {
			a[n].Verdict, a[n].Error = string(judge.Worse(judge.Verdict(c.Verdict), judge.Inconclusive)), "one of the stripes did not check it"
			continue
		}
		if judge.Worse(judge.Verdict(c.Verdict), judge.Verdict(b[i].Verdict)) != judge.Verdict(c.Verdict) {
			a[n] = b[i]
		}
	}
	for _, c := range b {
		if !slices.ContainsFunc(a, func(x Checked) bool { return x.Name == c.Name }) {
			c.Verdict, c.Error = string(judge.Worse(judge.Verdict(c.Verdict), judge.Inconclusive)), "one of the stripes did not check it"
			a = append(a, c)
		}
	}
	return a
}

// joinOps adds up operations by name.
func joinOps(a, b []*hist.OpStats) []*hist.OpStats {
	for _, o := range b {
		if n := slices.IndexFunc(a, func(x *hist.OpStats) bool { return x.Name == o.Name }); n >= 0 {
			a[n].Merge(o)
		} else {
			a = append(a, o)
		}
	}
	slices.SortFunc(a, func(x, y *hist.OpStats) int { return cmp.Compare(x.Name, y.Name) })
	return a
}

// joinIntervals adds up what happened in the same second of the measurement.
func joinIntervals(a, b []*hist.Interval) []*hist.Interval {
	for _, i := range b {
		n := slices.IndexFunc(a, func(x *hist.Interval) bool { return x.Start == i.Start })
		if n < 0 {
			a = append(a, i)
			continue
		}
		a[n].End = max(a[n].End, i.End)
		a[n].Ops = joinOps(a[n].Ops, i.Ops)
	}
	slices.SortFunc(a, func(x, y *hist.Interval) int { return cmp.Compare(x.Start, y.Start) })
	return a
}

// joinStates adds up the generators' states of the same second, of which the first
// and the last differ by the moment at which each looked at its clock; the busier
// one's CPU counts.
func joinStates(a, b []record.State) []record.State {
	for _, s := range b {
		n := slices.IndexFunc(a, func(x record.State) bool { return math.Abs(x.From-s.From) < .01 && math.Abs(x.To-s.To) < .5 })
		if n < 0 {
			a = append(a, s)
			continue
		}
		x := &a[n]
		x.From, x.To = min(x.From, s.From), max(x.To, s.To)
		x.Due, x.Done, x.Shed, x.Queue, x.InFlight, x.CPU = x.Due+s.Due, x.Done+s.Done, x.Shed+s.Shed, x.Queue+s.Queue, x.InFlight+s.InFlight, max(x.CPU, s.CPU)
	}
	slices.SortStableFunc(a, func(x, y record.State) int { return cmp.Compare(x.From, y.From) })
	return a
}

// mayBeApart is how long one stripe may begin after another: then the server
// was without a part of the load for that long, at both ends.
const mayBeApart = 5 * time.Second

// judgeApart says that the stripes did not run at the same time.
func (e *evidence) judgeApart(s *Summary) {
	if e.apart > mayBeApart {
		s.lower(judge.Inconclusive, fmt.Sprintf("the stripes began %s apart: for as long, the server had only a part of the load", e.apart.Round(time.Second)))
	}
}

// errNoDirectory is what Gate answers to nothing.
var errNoDirectory = errors.New("no run directory is given")
