package main

import (
	"encoding/json"
	"encoding/xml"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leap/cmd/internal/cli"
	"leap/internal/hist"
	"leap/internal/judge"
	"leap/internal/loadgen"
	"leap/internal/record"
	"leap/workloads"
)

// recorded is a run of ten seconds, as a directory. Every test of the gate
// spoils one thing in it.
type recorded struct {
	pays    int           // half of them look
	latency time.Duration // of all of them
	late    time.Duration // by which one of 500 started too late
	outcome func(n int) hist.Outcome
	retries int64                  // of all payments together
	journal workloads.Outcome      // of each payment
	config  map[string]any         // more keys of config.json
	end     map[string]any         // more keys of end.json
	health  map[string]any         // more keys of its health
	checked []map[string]any       // invariants
	after   func(dir string) error // something done to the files
}

func healthy() recorded {
	return recorded{
		pays: 4000, latency: 5 * time.Millisecond, outcome: func(int) hist.Outcome { return hist.Done }, retries: 100,
		journal: workloads.Committed,
		checked: []map[string]any{{"name": "sums", "says": "entries sum to zero", "verdict": "pass", "checked": 4000, "violations": 0}},
	}
}

// write makes the directory.
func (r recorded) write(t *testing.T) string {
	t.Helper()
	config := map[string]any{
		"command": "loadgen run", "version": "test", "started": "2026-03-01T22:00:00Z", "target": "postgresql://leap@db:26257/bank", "workload": "till",
		"mix_name": "half", "mix": []map[string]any{{"op": "look", "percent": 50}, {"op": "pay", "percent": 50}}, "gate": []string{"pay.p99<200ms"},
		"rate": "800", "duration": "10s", "warmup": "0s", "workers": 8, "when_full": "queue", "seed": 1, "scale": 1, "protocol": "plain", "timeout": "30s",
	}
	health := map[string]any{"procs": 2}
	end := map[string]any{
		"began": "2026-03-01T22:00:00Z", "elapsed_seconds": 10, "health": health, "invariants": r.checked,
		"measured": map[string]any{"Due": 2 * r.pays},
		"accounts": []map[string]any{
			{"op": "look", "transactions": r.pays, "attempts": r.pays, "committed": r.pays},
			{"op": "pay", "transactions": r.pays, "attempts": int64(r.pays) + r.retries, "committed": r.pays},
		},
	}
	for to, from := range map[*map[string]any]map[string]any{&config: r.config, &end: r.end, &health: r.health} {
		maps.Copy(*to, from)
	}
	dir := filepath.Join(t.TempDir(), "run")
	w, err := record.Create(dir, config, map[string]any{"server": map[string]any{"version": "CockroachDB CCL v25.2.0"}})
	if err != nil {
		t.Fatal(err)
	}
	c := hist.NewCollector(hist.Options{Ops: []string{"look", "pay"}})
	worker := c.Recorder()
	for n := range 2 * r.pays {
		due := time.Duration(n) * 9 * time.Second / time.Duration(2*r.pays)
		s := hist.Sample{Op: int32(n % 2), Attempts: 1, Due: due, Start: due, End: due + r.latency}
		if n/2%500 == 0 {
			s.Start, s.End = s.Start+r.late, s.End+r.late
		}
		if s.Op == 1 {
			s.Outcome = r.outcome(n / 2)
			w.Receipt(workloads.Receipt{Seq: uint64(n), Op: "pay", Outcome: r.journal})
		}
		worker.Record(s)
	}
	for _, i := range c.Finish(10 * time.Second) {
		w.Interval(i)
	}
	if err = w.Finish(end); err != nil {
		t.Fatal(err)
	}
	if r.after != nil {
		if err = r.after(dir); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// called runs the command and returns its exit code and what it said.
func called(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	code = run(t.Context(), args, cli.Terminal{In: strings.NewReader(""), Out: &out, Err: &err, Env: func(string) string { return "" }})
	return code, out.String(), err.String()
}

// everyNth is one outcome out of so many.
func everyNth(nth int, o hist.Outcome) func(int) hist.Outcome {
	return func(n int) hist.Outcome {
		if n%nth == 0 {
			return o
		}
		return hist.Done
	}
}

// lateBy is the health of a generator that was late now and then.
func lateBy(d time.Duration) map[string]any {
	return map[string]any{"procs": 2, "own_lag": map[string]any{"count": 8000, "p99_ns": 50_000, "max_ns": int64(d)}}
}

// TestMutationsOfTheGate: whatever is wrong with a run, the exit code says so.
func TestMutationsOfTheGate(t *testing.T) {
	const passed, missed, unclear, wrong = 0, 3, 4, 2
	if code, out, _ := called(t, "gate", healthy().write(t)); code != passed || !strings.Contains(out, "verdict: pass") {
		t.Fatalf("a healthy run: exit code %d\n%s", code, out)
	}
	seen := map[int]string{missed: "", unclear: "", wrong: ""} // the thresholds that ended so
	for _, c := range []struct {
		name  string
		spoil func(*recorded)
		slo   string
		want  int
	}{
		{"response times", nil, "pay.p99<200ms", passed},
		{"response times too long", func(r *recorded) { r.latency = 300 * time.Millisecond }, "pay.p99<200ms", missed},
		{"response times too few", func(r *recorded) { r.pays = 298 }, "pay.p99<200ms", unclear},
		{"p99.9 too long", func(r *recorded) { r.latency = time.Second }, "p99.9<750ms", missed},
		{"p99.9 too few", func(r *recorded) { r.pays = 2994 }, "pay.p99.9<750ms", unclear},
		{"mean", nil, "pay.mean<20ms", passed},
		{"mean too long", func(r *recorded) { r.latency = time.Second }, "pay.mean<20ms", missed},
		{"mean too few", func(r *recorded) { r.pays = 20 }, "pay.mean<20ms", unclear},
		{"max", nil, "max<1s", passed},
		{"max of nothing", func(r *recorded) { r.pays = 0 }, "max<1s", unclear},
		{"max too long", func(r *recorded) { r.latency = 2 * time.Second }, "max<1s", missed},
		{"errors", nil, "error_rate<0.5%", passed},
		{"errors too many", func(r *recorded) { r.outcome = everyNth(10, hist.Errored) }, "error_rate<0.5%", missed},
		{"errors of one operation too many", func(r *recorded) { r.outcome = everyNth(10, hist.Errored) }, "pay.error_rate<0.5%", missed},
		{"errors of another operation", func(r *recorded) { r.outcome = everyNth(10, hist.Errored) }, "look.error_rate<0.5%", passed},
		{"errors too few to tell", func(r *recorded) { r.pays = 100 }, "error_rate<0.5%", unclear},
		{"errors are slow", func(r *recorded) { r.outcome = everyNth(10, hist.Errored) }, "pay.p99<200ms", missed},
		{"shed ones are slow", func(r *recorded) { r.outcome = everyNth(10, hist.Shed) }, "pay.p99<200ms", missed},
		{"refusals are answers", func(r *recorded) { r.outcome = everyNth(10, hist.Rejected) }, "error_rate<0.5%", passed},
		{"attempts", nil, "attempts_per_txn<1.5", passed},
		{"attempts too many", func(r *recorded) { r.retries = 8000 }, "attempts_per_txn<1.5", missed},
		{"attempts too few to tell", func(r *recorded) { r.pays, r.retries = 2, 0 }, "pay.attempts_per_txn<1.5", unclear},
		{"retries", nil, "pay.retries_per_txn<0.5", passed},
		{"retries too many", func(r *recorded) { r.retries = 4000 }, "pay.retries_per_txn<0.5", missed},
		{"retries too few to tell", func(r *recorded) { r.pays, r.retries = 3, 0 }, "pay.retries_per_txn<0.5", unclear},
		{"throughput", nil, "throughput>=95%", passed},
		{"throughput too low", func(r *recorded) { r.end = map[string]any{"elapsed_seconds": 7} }, "throughput>=95%", missed},
		{"throughput to the middle of a second", func(r *recorded) { r.end = map[string]any{"elapsed_seconds": 8.5} }, "throughput>=95%", unclear},
		{"throughput far too low", func(r *recorded) { r.end = map[string]any{"elapsed_seconds": 6.5} }, "throughput>=95%", missed},
		{"throughput too few", func(r *recorded) { r.pays = 20 }, "throughput>=95%", unclear},
		{"throughput of a closed loop", func(r *recorded) { r.config = map[string]any{"rate": ""} }, "throughput>=95%", unclear},
		// What is judged in every run, whatever thresholds are given.
		{"unresolved", func(r *recorded) { r.journal = workloads.Unknown }, "max<1s", missed},
		{"unresolved, and the journal cut off", func(r *recorded) {
			r.outcome = everyNth(1000, hist.Unresolved)
			r.after = func(dir string) error { return os.Truncate(filepath.Join(dir, "journal"), 0) }
		}, "pay.p50<1s", missed},
		{"unresolved, none", nil, "unresolved=0", passed},
		{"unresolved, asked for", func(r *recorded) { r.journal = workloads.Unknown }, "unresolved=0", missed},
		{"invariants, kept", nil, "invariants", passed},
		{"invariants, asked for", func(r *recorded) { r.checked[0]["verdict"] = "fail" }, "invariants", missed},
		{"invariants, none", func(r *recorded) { r.checked = nil }, "invariants", unclear},
		{"an invariant violated", func(r *recorded) { r.checked[0]["verdict"], r.checked[0]["violations"] = "fail", 1 }, "max<1s", missed},
		{"an invariant not checked", func(r *recorded) { r.checked[0]["verdict"], r.checked[0]["error"] = "inconclusive", "no answer" }, "max<1s", unclear},
		{"an invariant with a verdict nobody knows", func(r *recorded) { r.checked[0]["verdict"] = "ok" }, "max<1s", unclear},
		{"no invariants", func(r *recorded) { r.checked = nil }, "max<1s", unclear},
		{"wrong answers", func(r *recorded) { r.outcome = everyNth(1000, hist.Violated) }, "pay.p50<1s", missed},
		{"wrong answers in the warm-up", func(r *recorded) { r.end = map[string]any{"warmup_wrong": 1} }, "pay.p50<1s", missed},
		// What forbids to believe the numbers.
		{"a busy generator", func(r *recorded) { r.health = map[string]any{"cpu": 0.99} }, "max<1s", unclear},
		{"a busy generator, too slow", func(r *recorded) { r.health, r.latency = map[string]any{"cpu": 0.99}, time.Second }, "pay.p99<200ms", unclear},
		{"a busy generator and a violation", func(r *recorded) { r.health, r.checked[0]["verdict"] = map[string]any{"cpu": 0.99}, "fail" }, "max<1s", missed},
		{"too few connections", func(r *recorded) { r.health = map[string]any{"waited": 0.9} }, "max<1s", unclear},
		{"too few connections, too slow", func(r *recorded) { r.health, r.latency = map[string]any{"waited": 0.9}, time.Second }, "pay.p99<200ms", missed},
		{"all connections of a closed loop", func(r *recorded) { r.health, r.config = map[string]any{"waited": 1}, map[string]any{"rate": ""} }, "max<1s", passed},
		{"late once, and nobody knows why", func(r *recorded) { r.late = 300 * time.Millisecond }, "max<200ms", missed},
		{"a generator that stood still once", func(r *recorded) { r.late, r.health = 300*time.Millisecond, lateBy(300*time.Millisecond) }, "max<200ms", unclear},
		{"a generator that stood still once, p99.9", func(r *recorded) { r.late, r.health = 300*time.Millisecond, lateBy(300*time.Millisecond) }, "p99.9<200ms", unclear},
		{"a generator that stood still for less", func(r *recorded) { r.late, r.health = 300*time.Millisecond, lateBy(90*time.Millisecond) }, "max<200ms", missed},
		{"a generator that stood still once, too slow", func(r *recorded) { r.latency, r.health = time.Second, lateBy(time.Second) }, "max<200ms", missed},
		{"interrupted", func(r *recorded) { r.end = map[string]any{"interrupted": true} }, "max<1s", unclear},
		{"ended by an error", func(r *recorded) { r.end = map[string]any{"error": "the schedule broke"} }, "max<1s", unclear},
		{"killed", func(r *recorded) {
			r.after = func(dir string) error { return os.Remove(filepath.Join(dir, "end.json")) }
		}, "throughput>=95%", unclear},
		{"nothing measured", func(r *recorded) { r.pays = 0 }, "max<1s", unclear},
		// What may not be called a threshold.
		{"a misspelt operation", nil, "pya.p99<200ms", wrong},
		{"a misspelt operation, mean", nil, "pya.mean<20ms", wrong},
		{"a misspelt operation, max", nil, "pya.max<1s", wrong},
		{"a misspelt operation, errors", nil, "pya.error_rate<1%", wrong},
		{"a misspelt operation, attempts", nil, "pya.attempts_per_txn<1.5", wrong},
		{"a misspelt operation, retries", nil, "pya.retries_per_txn<0.5", wrong},
		{"an operation of the whole run's throughput", nil, "pay.throughput>=95%", wrong},
		{"an operation of the whole run's outcomes", nil, "pay.unresolved=0", wrong},
		{"an operation of the whole run's invariants", nil, "pay.invariants", wrong},
		{"a misspelt series", nil, "pay.eror_rate<1%", wrong},
		{"a limit without a unit", nil, "pay.p99<200", wrong},
		{"a limit that is always kept", nil, "error_rate<=100%", wrong},
	} {
		seen[c.want] += " " + c.slo
		t.Run(c.name, func(t *testing.T) {
			r := healthy()
			if c.spoil != nil {
				c.spoil(&r)
			}
			dir := r.write(t)
			code, out, said := called(t, "gate", dir, "--slo", c.slo, "--json")
			if code != c.want {
				t.Errorf("exit code %d, want %d\n%s%s", code, c.want, out, said)
			}
			if c.want != wrong {
				want := map[int]string{passed: "pass", missed: "fail", unclear: "inconclusive"}[c.want]
				got := followsTheSchema(t, out)
				if got["verdict"] != want {
					t.Errorf("the summary says %v, want %s", got["verdict"], want)
				}
				if reasons, _ := got["reasons"].([]any); c.name == "a busy generator" && len(reasons) != 1 {
					t.Errorf("the generator is said to be busy more than once: %q", reasons)
				}
			}
			if c.want == wrong && (out != "" || !strings.Contains(said, "look, pay") && !strings.Contains(said, "p50 to p99.999") && !strings.Contains(said, "needs") && !strings.Contains(said, "is of the run as a whole") && !strings.Contains(said, "above 100 %")) {
				t.Errorf("the message does not say what there is: %s", said)
			}
		})
	}
	// No kind of threshold may come without its mutations.
	_, _, said := called(t, "gate", healthy().write(t), "--slo", "pay.eror_rate<1%")
	_, list, found := strings.Cut(said, "p50 to p99.999, ")
	list, _, _ = strings.Cut(list, "\n")
	if kinds := append(strings.Split(list, ", "), "p99"); !found || len(kinds) < 9 {
		t.Errorf("the message does not list what there is: %s", said)
	} else {
		for _, kind := range kinds {
			for code, slos := range seen {
				if !strings.Contains(slos, " "+kind) && !strings.Contains(slos, "."+kind) && (kind != "unresolved" || code != unclear) {
					t.Errorf("no test in which %s ends with exit code %d", kind, code)
				}
			}
		}
	}
}

// TestGateRefusesTamperedFiles: the counts and the histograms are two accounts
// of one run.
func TestGateRefusesTamperedFiles(t *testing.T) {
	r := healthy()
	r.after = func(dir string) error { return os.Remove(filepath.Join(dir, "hist", "pay.response.hlog")) }
	if code, out, said := called(t, "gate", r.write(t)); code != 1 || !strings.Contains(said, "pay has 0 values of response, and 4000 operations") {
		t.Errorf("exit code %d\n%s%s", code, out, said)
	}
}

// TestGateRefusesMissingSeconds: those in which it was slow, say.
func TestGateRefusesMissingSeconds(t *testing.T) {
	r := healthy()
	r.after = func(dir string) error {
		files, err := filepath.Glob(filepath.Join(dir, "hist", "*.hlog"))
		for _, file := range append(files, filepath.Join(dir, "intervals.jsonl")) {
			var text []byte
			if text, err = os.ReadFile(file); err != nil {
				return err
			}
			var kept []string
			for line := range strings.Lines(string(text)) {
				if !strings.HasPrefix(line, "4.0") && !strings.HasPrefix(line, `{"start":4,`) {
					kept = append(kept, line)
				}
			}
			if err = os.WriteFile(file, []byte(strings.Join(kept, "")), 0o600); err != nil {
				return err
			}
		}
		return err
	}
	if code, out, said := called(t, "gate", r.write(t)); code != 1 || !strings.Contains(said, "8000 operations were due, and 71") {
		t.Errorf("exit code %d\n%s%s", code, out, said)
	}
}

// mixedSummary has every verdict, and text that is markup elsewhere.
func mixedSummary() *loadgen.Summary {
	return &loadgen.Summary{
		Verdict: judge.Fail, Reasons: []string{"pay.p99<200ms: 300 ms (95 % bounds: 290 ms to 310 ms)", `invariant sums: 1 violation: <b> "x" | y`},
		Started: time.Date(2026, 3, 1, 23, 0, 0, 0, time.FixedZone("CET", 3600)), Duration: 60, Workload: "till", Mix: "half_and_half",
		Rate: "800", Server: "PostgreSQL 15.1", StandIn: true,
		Ops: []loadgen.SummaryOp{{
			Name: "pay", Count: 4000, Errors: 1, Retries: 23,
			Response: loadgen.Percentiles{P50: new(4.25), P90: new(12.0), P99: new(299.8), Max: new(1234.4)},
		}},
		Gate: []judge.Result{
			{Threshold: "pay.p99<200ms", Verdict: judge.Fail, Value: "300 ms", Low: "290 ms", High: "310 ms"},
			{Threshold: "pay.p99.9<1s", Verdict: judge.Inconclusive, Value: "400 ms", Low: "310 ms", Why: "300 samples, at least 2995 are needed"},
			{Threshold: "unresolved=0", Verdict: judge.Pass, Value: "0"},
		},
		Invariants: []loadgen.Checked{
			{Name: "sums", Verdict: "fail", Checked: 10, Violations: 1, Examples: []string{`<b> "x" | y`}},
			{Name: "balances", Verdict: "pass", Checked: 10},
		},
	}
}

func TestJUnit(t *testing.T) {
	got, err := junitOf(mixedSummary())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "gate.xml", string(got))
	var back junitSuites
	if err = xml.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if s := back.Suite; s.Tests != 6 || s.Failures != 3 || s.Errors != 1 || len(s.Cases) != 6 || s.Cases[3].Failure.Message != `1 violations in 10: <b> "x" | y` {
		t.Errorf("read back: %+v", s)
	}
	// A run can be inconclusive though every threshold passes. It is never green.
	got, err = junitOf(&loadgen.Summary{Verdict: judge.Inconclusive, Reasons: []string{"interrupted"}, Gate: []judge.Result{{Threshold: "max<1s", Verdict: judge.Pass}}})
	if err != nil || !strings.Contains(string(got), `errors="1"`) {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestMarkdown(t *testing.T) {
	golden(t, "gate.md", markdownOf(mixedSummary()))
	golden(t, "compare.md", comparisonMarkdown(&loadgen.Comparison{
		Verdict: judge.Fail, Before: "runs/main", After: "runs/a|b", Reasons: []string{"pay p99: slower by at least 12 ms"}, Differences: []string{"rate: 100 before, 200 after"},
		Shifts: []judge.Shift{
			{Op: "pay", Percentile: 50, Before: 4 * time.Millisecond, After: 4 * time.Millisecond, Low: -100_000, High: 120_000, Detectable: 150_000, Change: judge.Same},
			{Op: "pay", Percentile: 99, Before: 50 * time.Millisecond, After: 64 * time.Millisecond, Low: 12 * time.Millisecond, High: 17 * time.Millisecond, Detectable: 3 * time.Millisecond, Change: judge.Slower},
			{Op: "pay", Percentile: 99.9, Before: 50 * time.Millisecond, Low: hist.Highest, High: hist.Highest, Change: judge.Slower},
			{Op: "look", Percentile: 50, Change: judge.Unknown, Why: "nothing was measured"},
		},
	}))
}

// golden compares with a file of testdata. LEAP_UPDATE_GOLDEN=1 writes it anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "ci", name)
	if os.Getenv("LEAP_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// TestCompareOfRuns: the exit code of comparisons.
func TestCompareOfRuns(t *testing.T) {
	plainRun := healthy().write(t)
	for _, c := range []struct {
		name  string
		spoil func(*recorded)
		args  []string
		want  int
		says  string
	}{
		{name: "equal", spoil: func(*recorded) {}, want: 0, says: "verdict: pass"},
		{name: "equal within a tolerance", spoil: func(*recorded) {}, args: []string{"--tolerance", "5"}, want: 0, says: "verdict: pass"},
		{name: "slower", spoil: func(r *recorded) { r.latency = 6 * time.Millisecond }, want: 3, says: "slower by at least 0.9"},
		{name: "faster", spoil: func(r *recorded) { r.latency = 4 * time.Millisecond }, want: 0, says: "faster"},
		{name: "slower by less than is tolerated", spoil: func(r *recorded) { r.latency = 6 * time.Millisecond }, args: []string{"--tolerance", "25"}, want: 0, says: "slower"},
		{name: "failing", spoil: func(r *recorded) { r.outcome = everyNth(10, hist.Errored) }, want: 3, says: "is not any more"},
		{name: "p99 not answered, perhaps by chance", spoil: func(r *recorded) { r.outcome = everyNth(98, hist.Errored) }, args: []string{"--tolerance", "25"}, want: 4, says: "pay p99: was answered before, and may not be any more"},
		{name: "interrupted", spoil: func(r *recorded) { r.end = map[string]any{"interrupted": true} }, want: 4, says: "the run was interrupted"},
		{name: "too few", spoil: func(r *recorded) { r.pays = 4 }, want: 4, says: "too few answers"},
		{name: "a busy generator", spoil: func(r *recorded) { r.health = map[string]any{"cpu": 0.99} }, want: 4, says: "the generator used 99 %"},
		{name: "a busy generator, slower", spoil: func(r *recorded) { r.health, r.latency = map[string]any{"cpu": 0.99}, time.Second }, want: 4, says: "the generator used 99 %"},
		{name: "another rate", spoil: func(r *recorded) { r.config = map[string]any{"rate": "900"} }, want: 0, says: "different: rate: 800 before, 900 after"},
		{name: "no tolerance", spoil: func(*recorded) {}, args: []string{"--tolerance", "-1"}, want: 2},
		{name: "not a tolerance", spoil: func(*recorded) {}, args: []string{"--tolerance", "NaN"}, want: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := healthy()
			c.spoil(&r)
			code, out, said := called(t, append([]string{"compare", plainRun, r.write(t)}, c.args...)...)
			if code != c.want || !strings.Contains(out, c.says) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", code, c.want, c.says, out, said)
			}
		})
	}
	code, out, _ := called(t, "compare", plainRun, plainRun, "--json")
	var c loadgen.Comparison
	if err := json.Unmarshal([]byte(out), &c); err != nil || code != 0 || c.Schema != loadgen.ComparisonSchema || len(c.Shifts) != 8 {
		t.Errorf("exit code %d, %v, %+v", code, err, c)
	}
}
