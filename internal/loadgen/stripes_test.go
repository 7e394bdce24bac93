package loadgen

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leap/internal/bench"
	"leap/internal/fault"
	"leap/internal/hist"
	"leap/internal/judge"
	"leap/internal/pace"
	"leap/internal/record"
	"leap/workloads"
)

// striped writes the run directory of a process that does a stripe of 6,000
// operations. How long each takes follows from its number, so that the whole
// is known.
func striped(t *testing.T, stripe string, change func(*saved, *ended)) string {
	t.Helper()
	part := pace.Stripe{}
	if stripe != "" {
		var err error
		if part, err = pace.ParseStripe(stripe); err != nil {
			t.Fatal(err)
		}
	}
	const n, length = 6000, 3 * time.Second
	ops := []string{"read", "write"}
	s := saved{
		Workload: "kv", MixName: "mixed", Mix: []share{{"read", 50}, {"write", 50}}, Gate: []string{"p90<1s", "error_rate<5%"}, Rate: "2000",
		Duration: length.String(), Warmup: "0s", Workers: 4, Stripe: part.String(), Seed: 1, Scale: 1, Run: "night",
	}
	e := ended{
		Began: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Elapsed: length.Seconds(), Drained: length.Seconds(), Examples: map[string]string{},
		Checked:  []Checked{{Name: "sum", Verdict: verdictPass, Checked: 7}},
		Accounts: []opBooked{{Op: "write", Transactions: 10, Attempts: 12, Committed: 10, LostSeconds: 1}},
		Failures: []booked{{Op: "write", State: "40001", Retried: true, Count: 2}},
	}
	if change != nil {
		change(&s, &e)
	}
	dir := filepath.Join(t.TempDir(), "run")
	w, err := record.Create(dir, s, Environment{})
	if err != nil {
		t.Fatal(err)
	}
	w.Began(e.Began)
	collector := hist.NewCollector(hist.Options{Ops: ops})
	recorder := collector.Recorder()
	for seq := range uint64(n) {
		if !part.Has(seq) {
			continue
		}
		due := time.Duration(seq) * length / n
		sample := hist.Sample{Op: int32(seq / 2 % 2), Due: due, Start: due + time.Duration(seq%7)*time.Microsecond}
		sample.End = sample.Start + time.Duration(workloads.Scatter(seq)%50_000)*time.Microsecond
		sample.Attempts = 1 + int32(seq%101/100)
		if seq%97 == 0 {
			sample.Outcome, sample.Code = hist.Errored, "timeout"
		}
		recorder.Record(sample)
		e.Measured.Due++
		w.Receipt(workloads.Receipt{Seq: seq, Op: "write", Outcome: workloads.Committed})
	}
	for _, i := range collector.Finish(length) {
		w.Interval(i)
	}
	// Each process looks at its clock for itself where it begins and ends.
	own := 20e-6 * float64(part.Index+1)
	w.State(record.State{From: own, To: 1, Due: e.Measured.Due})
	w.State(record.State{From: 1, To: 2 - 100*own, Due: 1})
	if err := w.Finish(e); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestStripesAreOneRun: two processes that split one seed have together the
// histograms, the counts and the verdict of a single one.
func TestStripesAreOneRun(t *testing.T) {
	whole, err := readEvidence(striped(t, "", nil))
	if err != nil {
		t.Fatal(err)
	}
	dirs := []string{striped(t, "2/3", nil), striped(t, "1/3", nil), striped(t, "3/3", nil)}
	joined, err := readStripes(dirs)
	if err != nil {
		t.Fatal(err)
	}
	same := func(where string, a, b []*hist.OpStats) {
		t.Helper()
		if len(a) != len(b) || len(a) == 0 {
			t.Fatalf("%s: %d and %d operations", where, len(a), len(b))
		}
		for n := range a {
			if a[n].Name != b[n].Name || a[n].Counts.Asked() != b[n].Counts.Asked() || a[n].Counts.Retries != b[n].Counts.Retries || a[n].Counts.Errored != b[n].Counts.Errored {
				t.Errorf("%s: counts %+v and %+v", where, a[n].Counts, b[n].Counts)
			}
			for s := range a[n].Series {
				if !a[n].Series[s].Equal(b[n].Series[s]) {
					t.Errorf("%s: %s.%s differs", where, a[n].Name, hist.Series(s))
				}
			}
		}
	}
	same("totals", joined.run.Ops, whole.run.Ops)
	if len(joined.run.Intervals) != len(whole.run.Intervals) {
		t.Fatalf("%d and %d intervals", len(joined.run.Intervals), len(whole.run.Intervals))
	}
	for n, i := range whole.run.Intervals {
		same(i.Start.String(), joined.run.Intervals[n].Ops, i.Ops)
	}
	if joined.end.Measured != whole.end.Measured || joined.run.States[0].Due != whole.run.States[0].Due || len(joined.run.States) != 2 {
		t.Errorf("due %+v and %+v", joined.end.Measured, whole.end.Measured)
	}
	if a := joined.end.Accounts[0]; len(joined.end.Accounts) != 1 || a.Attempts != 36 || a.LostSeconds != 3 || joined.end.Failures[0].Count != 6 {
		t.Errorf("accounts %+v, failures %+v", joined.end.Accounts, joined.end.Failures)
	}
	s, err := Gate(dirs, nil)
	if err != nil || s.Verdict != judge.Pass {
		t.Errorf("verdict %+v, %v", s, err)
	}
}

// TestStripesThatAreNotOneRun: what does not belong together is refused, and
// what is wrong with one of them is wrong with the whole.
func TestStripesThatAreNotOneRun(t *testing.T) {
	first := striped(t, "1/2", nil)
	for name, test := range map[string]struct {
		dirs []string
		says string
	}{
		"twice":      {[]string{first, striped(t, "1/2", nil)}, "are both stripe 1/2"},
		"one lacks":  {[]string{first, striped(t, "2/3", nil)}, "stripe 2/3, and 2 directories"},
		"seed":       {[]string{first, striped(t, "2/2", func(s *saved, _ *ended) { s.Seed = 2 })}, "the seed is 1 and 2"},
		"other run":  {[]string{first, striped(t, "2/2", func(s *saved, _ *ended) { s.Run = "day" })}, "the run is night and day"},
		"other rate": {[]string{first, striped(t, "2/2", func(s *saved, _ *ended) { s.Rate = "9" })}, "the rate is 2000 and 9"},
	} {
		if _, err := Gate(test.dirs, nil); err == nil || fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Gate(nil, nil); err == nil {
		t.Error("nothing passes")
	}
	for name, test := range map[string]struct {
		change func(*saved, *ended)
		want   judge.Verdict
	}{
		"apart":     {func(_ *saved, e *ended) { e.Began = e.Began.Add(time.Minute) }, judge.Inconclusive},
		"busy":      {func(_ *saved, e *ended) { e.Health = bench.Health{CPU: 1, Procs: 2} }, judge.Inconclusive},
		"ended":     {func(_ *saved, e *ended) { e.Error = "no more" }, judge.Inconclusive},
		"violated":  {func(_ *saved, e *ended) { e.Checked[0].Verdict, e.Checked[0].Violations = verdictFail, 1 }, judge.Fail},
		"unchecked": {func(_ *saved, e *ended) { e.Checked = nil }, judge.Inconclusive},
	} {
		for _, dirs := range [][]string{{first, striped(t, "2/2", test.change)}, {striped(t, "1/2", test.change), striped(t, "2/2", nil)}} {
			if s, err := Gate(dirs, nil); err != nil || s.Verdict != test.want {
				t.Errorf("%s: %v, %+v", name, err, s)
			}
		}
	}
}
