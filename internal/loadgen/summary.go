package loadgen

import (
	"encoding/json"
	"fmt"
	"time"

	"leap/internal/bench"
	"leap/internal/fault"
	"leap/internal/hist"
	"leap/internal/judge"
	"leap/internal/page"
	"leap/internal/record"
	"leap/workloads"
)

// SummarySchema is the first key of summary.json.
const SummarySchema = "leap.loadgen.report/v1"

// Summary is summary.json: the verdict and what it rests on.
type Summary struct {
	Schema   string        `json:"schema"`
	Verdict  judge.Verdict `json:"verdict"`
	Reasons  []string      `json:"reasons"`
	Version  string        `json:"version"`
	Command  string        `json:"command"`
	Started  time.Time     `json:"started"`
	Duration float64       `json:"duration_seconds"`
	Workload string        `json:"workload"`
	Mix      string        `json:"mix"`
	Rate     string        `json:"rate"`
	Target   string        `json:"target"`
	Server   string        `json:"server"`
	StandIn  bool          `json:"stand_in"`

	Ops        []SummaryOp    `json:"ops"`
	Gate       []judge.Result `json:"gate"`
	Invariants []Checked      `json:"invariants"`
	Health     SummaryHealth  `json:"health"`
	Failures   []booked       `json:"failed_attempts"`

	// Dir is where the run is.
	Dir string `json:"-"`
}

// SummaryHealth is how the generator did.
type SummaryHealth struct {
	Verdict  judge.Verdict   `json:"verdict"`
	Problems []bench.Problem `json:"problems"`
	bench.Health
}

// SummaryOp is one operation.
type SummaryOp struct {
	Name      string      `json:"name"`
	Count     int64       `json:"count"`
	Errors    int64       `json:"errors"`
	Refusals  int64       `json:"refusals"`
	Retries   int64       `json:"retries"`
	Shed      int64       `json:"shed"`
	Response  Percentiles `json:"response"`
	Service   Percentiles `json:"service"`
	RetryCost Percentiles `json:"retry_cost"`
}

// Percentiles are in milliseconds. One for which too few operations were answered
// is nil: see known.
type Percentiles struct {
	P50  *float64 `json:"p50"`
	P90  *float64 `json:"p90"`
	P99  *float64 `json:"p99"`
	P999 *float64 `json:"p99.9"`
	Max  *float64 `json:"max"`
}

func percentilesOf(h *hist.Histogram) Percentiles {
	at := func(p float64) *float64 {
		if v, ok := known(h, p); ok {
			return &v
		}
		return nil
	}
	return Percentiles{at(50), at(90), at(99), at(99.9), at(100)}
}

// known returns a percentile in milliseconds where as many operations were
// answered as the gate wants for a pass. Of fewer, nobody knows how much higher
// it is; p100 is the maximum of those that were.
func known(h *hist.Histogram, p float64) (float64, bool) {
	need := int64(1)
	if p < 100 {
		need = hist.MinSamples(p, judge.Confidence)
	}
	return millis(h.Percentile(p)), h.Count() >= need
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// evidence is a run directory, taken apart.
type evidence struct {
	run     *record.Run
	asked   saved
	where   Environment
	end     ended
	whole   bool
	unknown int64
	// Of stripes that were joined: the other processes' health, and how long
	// one began after another.
	healths []bench.Health
	apart   time.Duration
}

func readEvidence(dir string) (*evidence, error) {
	run, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	e := &evidence{run: run, whole: run.End != nil}
	for _, part := range []struct {
		text json.RawMessage
		to   any
	}{{run.Config, &e.asked}, {run.Environment, &e.where}, {run.End, &e.end}} {
		if part.text == nil {
			continue
		}
		if err := json.Unmarshal(part.text, part.to); err != nil {
			return nil, fault.Wrap(fault.Failed, "the files of the run were changed", fmt.Errorf("read the run %s: %w", dir, err))
		}
	}
	if err := e.complete(); err != nil {
		return nil, err
	}
	if e.end.Interrupted {
		// Whoever pressed Ctrl-C gave up what was still waiting, not the server.
		for _, o := range run.Ops {
			o.Counts.Shed -= o.Counts.Codes[bench.CodeRunOver]
			delete(o.Counts.Codes, bench.CodeRunOver)
		}
	}
	for n, c := range e.end.Checked {
		if c.Verdict != verdictPass && c.Verdict != verdictFail {
			e.end.Checked[n].Verdict = verdictInconclusive // and so is a word that nobody knows
		}
	}
	for r, err := range record.Journal(dir) {
		if err != nil {
			return nil, err
		}
		if r.Outcome == workloads.Unknown {
			e.unknown++
		}
	}
	// A journal that was cut off does not make them known.
	e.unknown = max(e.unknown, hist.Sum("", run.Ops).Counts.Unresolved)
	return e, nil
}

// complete refuses a run that has lost some of its operations: the engine counted
// them apart from the recorder, and the files may have been cut off later.
func (e *evidence) complete() error {
	if !e.whole || e.end.Error != "" {
		return nil
	}
	recorded := hist.Sum("", e.run.Ops).Counts.Asked()
	if due := e.end.Measured.Due; due != uint64(recorded) { //nolint:gosec // not negative
		return fault.New(fault.Failed, "the files of the run were changed, or some are missing",
			"%s: %d operations were due, and %d are recorded", e.run.Dir, due, recorded)
	}
	return nil
}

// judgeRun computes the summary and the page of a run directory, or of those of
// all stripes of a run.
func judgeRun(dirs, thresholds []string) (*Summary, *page.Report, error) {
	e, err := readStripes(dirs)
	if err != nil {
		return nil, nil, err
	}
	s := &Summary{
		Schema: SummarySchema, Verdict: judge.Pass, Reasons: []string{}, Version: e.asked.Version, Command: e.asked.Command,
		Started: e.asked.Started, Duration: e.end.Elapsed, Workload: e.asked.Workload, Mix: e.asked.MixName, Rate: e.asked.Rate,
		Target: e.asked.Target, Server: e.where.Server.Version, StandIn: e.where.Server.StandIn,
		Invariants: append([]Checked{}, e.end.Checked...), Failures: append([]booked{}, e.end.Failures...), Dir: dirs[0],
		Ops: []SummaryOp{}, Gate: []judge.Result{},
	}
	facts := e.facts(s)
	if len(thresholds) == 0 {
		thresholds = e.asked.Gate
	}
	var ops []string
	for _, m := range e.asked.Mix {
		ops = append(ops, m.Op)
	}
	// What no threshold may leave out.
	thresholds = append(append([]string{}, thresholds...), "unresolved=0", "invariants")
	seen := map[string]bool{}
	for _, text := range thresholds {
		t, err := judge.Parse(text, ops)
		if err != nil {
			return nil, nil, err
		}
		if seen[t.Text] {
			continue
		}
		seen[t.Text] = true
		r := facts.Gate(t)
		if e.end.Interrupted && r.Verdict == judge.Fail && t.Series != "invariants" && t.Series != "unresolved" {
			r.Verdict, r.Why = judge.Inconclusive, "the run was interrupted"
		}
		if !e.whole && t.Series == "throughput" {
			// Without an end nobody knows what "in time" was.
			r = judge.Result{Threshold: t.Text, Verdict: judge.Inconclusive, Why: "the run did not come to its end"}
		}
		s.Gate = append(s.Gate, r)
		if r.Doubted { // judgeEnd says why, once for all thresholds
			s.Verdict = judge.Worse(s.Verdict, r.Verdict)
			continue
		}
		s.lower(r.Verdict, t.Text+": "+r.Says())
	}
	e.judgeEnd(s)
	e.judgeApart(s)
	for _, o := range e.run.Ops {
		s.Ops = append(s.Ops, SummaryOp{
			Name: o.Name, Count: o.Counts.Asked(), Errors: o.Counts.Failed(), Refusals: o.Counts.Rejected, Retries: o.Counts.Retries, Shed: o.Counts.Shed,
			Response: percentilesOf(o.Series[hist.Response]), Service: percentilesOf(o.Series[hist.Service]), RetryCost: percentilesOf(o.Series[hist.RetryCost]),
		})
	}
	return s, e.page(s), nil
}

// lower records a verdict with its reason.
func (s *Summary) lower(v judge.Verdict, why string) {
	if v != judge.Pass {
		s.Verdict = judge.Worse(s.Verdict, v)
		s.Reasons = append(s.Reasons, why)
	}
}

// facts gathers what thresholds are judged by.
func (e *evidence) facts(s *Summary) *judge.Facts {
	f := &judge.Facts{
		Ops: e.run.Ops, Transactions: map[string]int64{}, Attempts: map[string]int64{}, Closed: e.asked.Rate == "", Unresolved: e.unknown,
	}
	for _, a := range e.end.Accounts {
		f.Transactions[a.Op], f.Attempts[a.Op] = a.Transactions, a.Attempts
	}
	for _, i := range e.run.Intervals {
		for _, o := range i.Ops {
			switch {
			case i.End.Seconds() <= e.end.Elapsed+.001:
				f.InTime += o.Counts.Answered()
			case i.Start.Seconds() < e.end.Elapsed-.001:
				f.Around += o.Counts.Answered()
			}
			f.Asked += o.Counts.Asked()
		}
	}
	for n, c := range e.end.Checked {
		if n == 0 {
			f.Invariants = judge.Pass
		}
		f.Invariants = judge.Worse(f.Invariants, judge.Verdict(c.Verdict))
	}
	s.Health = SummaryHealth{Verdict: judge.Pass, Health: e.end.Health, Problems: []bench.Problem{}}
	var problems []bench.Problem
	for _, h := range append([]bench.Health{e.end.Health}, e.healths...) {
		problems = append(problems, h.Problems(bench.DefaultLimits)...)
		f.Late = max(f.Late, h.OwnLag.Max, h.DispatchLag.Max)
	}
	for _, p := range problems {
		if f.Closed && p.Cause == bench.Workers {
			continue // there, all connections are busy by intention
		}
		s.Health.Verdict = judge.Inconclusive
		s.Health.Problems = append(s.Health.Problems, p)
		if p.Cause == bench.Client {
			f.Client = append(f.Client, p.Says)
		} else {
			f.Workers = append(f.Workers, p.Says)
		}
	}
	return f
}

// judgeEnd adds what has no threshold: how the run ended, the generator's
// health, wrong answers.
func (e *evidence) judgeEnd(s *Summary) {
	switch {
	case !e.whole:
		s.lower(judge.Inconclusive, "the run did not come to its end")
	case e.end.Error != "":
		s.lower(judge.Inconclusive, "the run ended early: "+e.end.Error)
	case e.end.Interrupted:
		s.lower(judge.Inconclusive, fmt.Sprintf("the run was interrupted after %.0f s", e.end.Elapsed))
	}
	for _, p := range s.Health.Problems {
		s.lower(judge.Inconclusive, "generator: "+p.Says+"; "+p.Advice)
	}
	var all hist.Counts
	for _, o := range e.run.Ops {
		all.Add(&o.Counts)
	}
	if all.Asked() == 0 {
		s.lower(judge.Inconclusive, "nothing was measured")
	}
	if all.Violated > 0 {
		s.lower(judge.Fail, fmt.Sprintf("%d answers were wrong", all.Violated))
	}
	if e.end.WarmupWrong > 0 {
		s.lower(judge.Fail, fmt.Sprintf("%d answers of the warm-up were wrong", e.end.WarmupWrong))
	}
	if all.Invalid > 0 {
		s.lower(judge.Inconclusive, fmt.Sprintf("%d samples ended before they began", all.Invalid))
	}
	for _, c := range s.Invariants {
		if c.Verdict != verdictPass {
			s.lower(judge.Verdict(c.Verdict), "invariant "+c.Name+": "+c.Found())
		}
	}
}
