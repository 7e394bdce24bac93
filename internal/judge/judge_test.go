package judge

import (
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
		Transactions: map[string]int64{"pay": 100}, Attempts: map[string]int64{"pay": 140}, Invariants: Pass,
	}
}

func TestGate(t *testing.T) {
	slow := facts(1000, 0, time.Millisecond) // p99 is 990 ms, with 95 % 985 to 996
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
		{"failures are slow", facts(980, 20, time.Microsecond), "pay.p99<1s", Fail},
		{"few failures are not", facts(999, 1, time.Microsecond), "pay.p99<1s", Pass},
		{"nothing measured", slow, "look.p99<1s", Inconclusive},
		{"mean passes", slow, "pay.mean<501ms", Pass},
		{"mean fails", slow, "pay.mean<500ms", Fail},
		{"max passes", slow, "pay.max<1.1s", Pass},
		{"max fails", slow, "pay.max<999ms", Fail},
		{"max with failures", facts(10, 1, time.Millisecond), "pay.max<1s", Fail},
		{"errors pass", facts(1000, 0, 1), "error_rate<0.5%", Pass},
		{"errors: too few", facts(100, 0, 1), "error_rate<0.5%", Inconclusive},
		{"errors fail", facts(980, 20, 1), "pay.error_rate<0.5%", Fail},
		{"errors: nobody knows", facts(1000, 4, 1), "error_rate<0.5%", Inconclusive},
		{"retries pass", slow, "retries_per_txn<1.5", Pass},
		{"retries fail", slow, "pay.retries_per_txn<1.4", Fail},
		{"retries of none", slow, "look.retries_per_txn<1.4", Inconclusive},
		{"throughput passes", facts(95, 5, 1), "throughput>=95%", Pass},
		{"throughput fails", facts(94, 6, 1), "throughput>=95%", Fail},
		{"throughput of nothing", facts(0, 0, 1), "throughput>=95%", Inconclusive},
		{"unresolved passes", slow, "unresolved=0", Pass},
		{"unresolved fails", &Facts{Unresolved: 1}, "unresolved=0", Fail},
		{"invariants pass", slow, "invariants", Pass},
		{"invariants fail", &Facts{Invariants: Fail}, "invariants", Fail},
		{"invariants not checked", &Facts{}, "invariants", Inconclusive},
	} {
		threshold, err := Parse(c.text, []string{"pay", "look"})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := c.facts.Gate(threshold); got.Verdict != c.want {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

// TestGateOfABusyGenerator: a latency that the client made says nothing.
func TestGateOfABusyGenerator(t *testing.T) {
	parse := func(text string) Threshold {
		threshold, err := Parse(text, []string{"pay"})
		if err != nil {
			t.Fatal(err)
		}
		return threshold
	}
	f := facts(1000, 0, time.Millisecond)
	f.Client = []string{"no CPU was left"}
	for _, text := range []string{"pay.p99<980ms", "pay.p99<2s", "pay.max<1ms"} {
		if got := f.Gate(parse(text)); got.Verdict != Inconclusive || got.Why == "" {
			t.Errorf("%s: %+v", text, got)
		}
	}
	f.Client, f.Workers = nil, []string{"64 % waited"}
	if got := f.Gate(parse("pay.p99<980ms")); got.Verdict != Inconclusive {
		t.Errorf("waiting for a connection: %+v", got)
	}
	if got := f.Gate(parse("pay.p99<500us")); got.Verdict != Fail {
		t.Errorf("a service time above the limit: %+v", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "pya.p99<200ms", "p99", "p99<200", "p99>=200ms", "p100<1s", "p0<1s", "pay.p99<abcms", "pay.p99<1..2ms", "error_rate<0.5",
		"error_rate=0%", "throughput<95%", "pay.throughput>=95%", "unresolved<1", "invariants=0", "latency<1s", "pay.p99<200ms extra", "p99<<1s",
	} {
		if got, err := Parse(text, []string{"pay"}); err == nil || fault.ClassOf(err) != fault.Usage {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestCompare(t *testing.T) {
	shifted := func(by time.Duration) []*hist.OpStats {
		o := hist.NewOpStats("pay")
		for i := range 20_000 {
			o.Series[hist.Response].Record(time.Duration(i)*time.Microsecond + by)
		}
		o.Counts.Done = 20_000
		return []*hist.OpStats{o}
	}
	for by, want := range map[time.Duration]Change{0: Same, 20 * time.Millisecond: Slower} {
		for _, s := range Compare(shifted(time.Millisecond), shifted(time.Millisecond+by)) {
			if s.Change != want || s.Detectable <= 0 {
				t.Errorf("by %v: %+v", by, s)
			}
		}
	}
	for _, s := range Compare(shifted(50*time.Millisecond), shifted(0)) {
		if s.Change != Faster || s.High >= 0 {
			t.Errorf("faster: %+v", s)
		}
	}
	few := facts(50, 0, time.Millisecond).Ops
	for _, s := range Compare(few, few) {
		if s.Op == "pay" && s.Percentile > 90 && s.Change != Unknown {
			t.Errorf("too few: %+v", s)
		}
	}
}
