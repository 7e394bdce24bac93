package judge

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"leap/internal/fault"
	"leap/internal/hist"
)

// facts has n payments that took 1 to n times step, and failed ones besides.
func facts(n, failed int, step time.Duration) *Facts {
	o := hist.NewOpStats("pay")
	for i := range n {
		o.Series[hist.Response].Record(time.Duration(i+1) * step)
		o.Series[hist.Service].Record(time.Millisecond)
	}
	o.Counts.Done, o.Counts.Errored = int64(n), int64(failed)
	return &Facts{
		Ops: []*hist.OpStats{o, hist.NewOpStats("look")}, Asked: int64(n + failed), InTime: int64(n),
		Transactions: map[string]int64{"pay": 10_000, "few": 5}, Attempts: map[string]int64{"pay": 14_000, "few": 5}, Invariants: Pass,
	}
}

// gate judges a threshold on a run with the operations pay, look and few.
func gate(t *testing.T, f *Facts, text string) Result {
	t.Helper()
	threshold, err := Parse(text, []string{"pay", "look", "few"})
	if err != nil {
		t.Fatal(err)
	}
	r := f.Gate(threshold)
	if r.Verdict == Inconclusive && r.Why == "" {
		t.Errorf("%s: inconclusive for no reason: %+v", text, r)
	}
	return r
}

func TestGate(t *testing.T) {
	slow := facts(1000, 0, time.Millisecond) // p99 is 990 ms, with 95 % 985 to 996
	long := facts(1000, 0, time.Millisecond)
	long.Ops[0].Series[hist.Response].RecordN(hist.Highest+1, 100)
	long.Ops[0].Counts.Done += 100
	skewed := facts(1000, 0, time.Microsecond)
	skewed.Ops[0].Series[hist.Response].Record(time.Minute)
	skewed.Ops[0].Counts.Done++
	for _, c := range []struct {
		name  string
		facts *Facts
		text  string
		want  Verdict
	}{
		{"percentile passes", slow, "pay.p99<1s", Pass},
		{"percentile fails", slow, "pay.p99<980ms", Fail},
		{"limit inside the interval", slow, "pay.p99<991ms", Inconclusive},
		{"of all operations", slow, "p99<980ms", Fail},
		{"the median fails", slow, "pay.p50<400ms", Fail},
		{"298 are too few", facts(298, 0, time.Millisecond), "pay.p99<1s", Inconclusive},
		{"299 are enough", facts(299, 0, time.Millisecond), "pay.p99<1s", Pass},
		{"2,994 are too few", facts(2994, 0, time.Microsecond), "pay.p99.9<1s", Inconclusive},
		{"2,995 are enough", facts(2995, 0, time.Microsecond), "pay.p99.9<1s", Pass},
		{"few that are all too slow", facts(10, 0, time.Second), "pay.p99<1ms", Fail},
		{"failures are slow", facts(980, 20, time.Microsecond), "pay.p99<1s", Fail},
		{"few failures are not", facts(999, 1, time.Microsecond), "pay.p99<1s", Pass},
		{"only failures", facts(0, 1000, 1), "pay.p50<1s", Fail},
		{"overflows are slower than any limit", long, "pay.p99<=10m", Fail},
		{"and do not hide what is fast", long, "pay.p50<1s", Pass},
		{"nothing measured", slow, "look.p99<1s", Inconclusive},

		{"mean passes", slow, "pay.mean<520ms", Pass},
		{"mean fails", slow, "pay.mean<480ms", Fail},
		{"mean near the limit", slow, "pay.mean<505ms", Inconclusive},
		{"mean of too few", facts(27, 0, time.Microsecond), "pay.mean<1s", Inconclusive},
		{"mean of enough", facts(28, 0, time.Microsecond), "pay.mean<1s", Pass},
		{"mean of one", facts(1, 0, time.Second), "pay.mean<1ms", Inconclusive},
		{"mean of a long tail", skewed, "pay.mean<1s", Inconclusive},
		{"mean with failures", facts(1000, 1, time.Microsecond), "pay.mean<1s", Inconclusive},
		{"mean too slow with failures", facts(1000, 1, time.Second), "pay.mean<1s", Fail},
		{"mean with overflows", long, "pay.mean<10m", Inconclusive},
		{"mean of nothing", slow, "look.mean<1s", Inconclusive},

		{"max passes", slow, "pay.max<1.1s", Pass},
		{"max fails", slow, "pay.max<999ms", Fail},
		{"max nearer than can be told", slow, "pay.max<1000ms", Inconclusive},
		{"max with failures", facts(10, 1, time.Millisecond), "pay.max<1s", Fail},
		{"max with overflows", long, "pay.max<=10m", Fail},
		{"max of nothing", slow, "look.max<1s", Inconclusive},

		{"errors pass", facts(1000, 0, 1), "error_rate<0.5%", Pass},
		{"errors: too few", facts(100, 0, 1), "error_rate<0.5%", Inconclusive},
		{"errors fail", facts(980, 20, 1), "pay.error_rate<0.5%", Fail},
		{"errors: nobody knows", facts(1000, 4, 1), "error_rate<0.5%", Inconclusive},
		{"errors of nothing", slow, "look.error_rate<1%", Inconclusive},

		{"attempts pass", slow, "attempts_per_txn<1.5", Pass},
		{"attempts fail", slow, "pay.attempts_per_txn<1.3", Fail},
		{"attempts near the limit", slow, "attempts_per_txn<1.4", Inconclusive},
		{"attempts of too few", slow, "few.attempts_per_txn<1.5", Inconclusive},
		{"attempts of none", slow, "look.attempts_per_txn<1.4", Inconclusive},
		{"attempts that cannot be", &Facts{Transactions: map[string]int64{"pay": 2}, Attempts: map[string]int64{"pay": 1}}, "attempts_per_txn<1.5", Inconclusive},
		{"retries pass", slow, "pay.retries_per_txn<0.5", Pass},
		{"retries fail", slow, "retries_per_txn<0.3", Fail},
		{"retries of too few", slow, "few.retries_per_txn<0.5", Inconclusive},

		{"throughput passes", facts(1000, 10, 1), "throughput>=95%", Pass},
		{"throughput fails", facts(900, 100, 1), "throughput>=95%", Fail},
		{"throughput near the limit", facts(950, 50, 1), "throughput>=95%", Inconclusive},
		{"throughput of too few", facts(50, 0, 1), "throughput>=95%", Inconclusive},
		{"throughput of nothing", facts(0, 0, 1), "throughput>=95%", Inconclusive},
		{"throughput of a closed loop", &Facts{Closed: true, Asked: 1000, InTime: 1000}, "throughput>=95%", Inconclusive},

		{"unresolved passes", slow, "unresolved=0", Pass},
		{"unresolved fails", &Facts{Unresolved: 1}, "unresolved=0", Fail},
		{"invariants pass", slow, "invariants", Pass},
		{"invariants fail", &Facts{Invariants: Fail}, "invariants", Fail},
		{"invariants partly checked", &Facts{Invariants: Inconclusive}, "invariants", Inconclusive},
		{"invariants not checked", &Facts{}, "invariants", Inconclusive},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := gate(t, c.facts, c.text); got.Verdict != c.want {
				t.Errorf("%+v, want %s", got, c.want)
			}
		})
	}
}

// TestGateKeepsItsWord simulates runs whose true percentile is exactly at the
// limit, where neither verdict may come more often than 1 in 20.
func TestGateKeepsItsWord(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	const rounds = 600
	got := map[string]map[Verdict]int{}
	count := func(text string, f *Facts) {
		if got[text] == nil {
			got[text] = map[Verdict]int{}
		}
		got[text][gate(t, f, text).Verdict]++
	}
	for range rounds {
		o := hist.NewOpStats("pay")
		f := &Facts{Ops: []*hist.OpStats{o}, Transactions: map[string]int64{"pay": 500}, Attempts: map[string]int64{"pay": 500}}
		const n = 2000
		for range n {
			o.Series[hist.Response].Record(time.Duration(rng.ExpFloat64() * 1e8)) // p99 460.5 ms, mean 100 ms
		}
		for range n {
			if rng.Float64() < 0.02 {
				o.Counts.Errored++
			} else {
				o.Counts.Done++
			}
		}
		for range 500 {
			for rng.Float64() < 0.2 { // 1.25 attempts per transaction
				f.Attempts["pay"]++
			}
		}
		f.Asked, f.InTime = n, o.Counts.Done
		count("error_rate<2%", f)
		count("attempts_per_txn<1.25", f)
		count("retries_per_txn<0.25", f)
		count("throughput>=98%", f)
		o.Counts.Done, o.Counts.Errored = n, 0
		count("p99<460.517ms", f)
		count("p50<69.3147ms", f)
		count("mean<100ms", f)
	}
	for text, verdicts := range got {
		// 30 are expected at most; a binomial has more than 48 in one of 1,000 cases.
		if verdicts[Pass] > 48 || verdicts[Fail] > 48 || verdicts[Inconclusive] < rounds*8/10 {
			t.Errorf("%s: %v", text, verdicts)
		}
		// Bounds that never err are wider than they say.
		if verdicts[Pass] == 0 || verdicts[Fail] == 0 {
			t.Errorf("%s: %v, no bound is ever wrong", text, verdicts)
		}
	}
}

// TestGateOfABusyGenerator: what the client made says nothing.
func TestGateOfABusyGenerator(t *testing.T) {
	f := facts(1000, 0, time.Millisecond)
	f.Client = []string{"no CPU was left"}
	for _, text := range []string{
		"pay.p99<980ms", "pay.p99<2s", "pay.max<1ms", "pay.max<1m", "mean<1ms", "mean<1m", "error_rate<1%",
		"attempts_per_txn<1.1", "retries_per_txn<2", "throughput>=90%",
	} {
		if got := gate(t, f, text); got.Verdict != Inconclusive || !strings.Contains(got.Why, "no CPU was left") {
			t.Errorf("%s: %+v", text, got)
		}
	}
	f.Client, f.Workers = nil, []string{"64 % waited"}
	f.Ops[0].Counts.Shed = 100
	f.Asked += 100
	for _, text := range []string{"pay.p99<980ms", "pay.p99<2s", "pay.p50<2s", "pay.max<500ms", "mean<100ms", "error_rate<1%", "throughput>=95%", "attempts_per_txn<2"} {
		if got := gate(t, f, text); got.Verdict != Inconclusive || !strings.Contains(got.Why, "64 % waited") {
			t.Errorf("%s, waiting for a connection: %+v", text, got)
		}
	}
	// What breaks the limit without any waiting is the server's.
	f.Ops[0].Counts.Errored = 100
	for _, text := range []string{"pay.p99<500us", "pay.max<500us", "mean<500us", "error_rate<1%", "attempts_per_txn<1.1", "retries_per_txn<0.1"} {
		if got := gate(t, f, text); got.Verdict != Fail || got.Why == "" {
			t.Errorf("%s, the server's fault: %+v", text, got)
		}
	}
	// Failures that were tried count as slow service.
	if got := gate(t, f, "pay.p99<10m"); got.Verdict != Fail {
		t.Errorf("a tenth of the calls failed: %+v", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"": "cannot be read", "pya.p99<200ms": `no operation "pya"; it has pay`, "p99": "needs < or <=", "p99<200": "needs a number with us or ms",
		"p99>=200ms": "needs < or <=", "p100<1s": "no p100", "p0<1s": "no p0", "pay.p99<abcms": "cannot be read", "pay.p99<1..2ms": "not a number",
		"error_rate<0.5": "needs a number with %", "error_rate=0%": "needs < or <=", "throughput<95%": "needs >=", "pay.throughput>=95%": "run as a whole",
		"unresolved<1": "needs =", "invariants=0": "needs", "latency<1s": `no "latency"; there are p50 to`, "pay.p99<200ms extra": "cannot be read", "p99<<1s": "cannot be read",
		"pay.eror_rate<1%": `no "eror_rate"`, "pya.error_rate<1%": "no operation", "pya.retries_per_txn<1": "no operation", "pay.unresolved=0": "as a whole",
		// What could not fail, or not pass.
		"p99<11m": "up to 10 m", "p99<0ms": "above 0", "mean<601s": "up to 10 m", "max<0s": "above 0", "error_rate<=100%": "above 100", "error_rate<101%": "above 100",
		"error_rate<0%": "below 0", "throughput>=0%": "above 0 %", "throughput>=101%": "at most 100 %", "attempts_per_txn<1": "at least one", "retries_per_txn<0": "below 0",
	} {
		if got, err := Parse(text, []string{"pay"}); err == nil || fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"error_rate<=0%", "retries_per_txn<=0", "attempts_per_txn<=1", "throughput>=100%", "p99<=10m", " pay.p99.99 < 1s "} {
		if _, err := Parse(text, []string{"pay"}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
