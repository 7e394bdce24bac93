package selftest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"leap/internal/bench"
	"leap/internal/pace"
)

// TestReportsTheModel runs all cases on a clock without noise: every percentile
// must be the one that the due times give, whatever the server does.
func TestReportsTheModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		report, err := Run(t.Context(), Options{Timer: bench.Coarse, Notify: func(name string) { names = append(names, name) }})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"constant", "exponential", "freeze", "slow stretch", "overload"}, names); diff != "" {
			t.Error(diff)
		}
		for _, c := range report.Cases {
			if len(c.Rows) != len(percentiles) {
				t.Errorf("%s: %d rows", c.Name, len(c.Rows))
			}
			for _, r := range c.Rows {
				if d := r.Reported - r.Model; d.Abs() > Tolerance(r.Model) {
					t.Errorf("%s: p%g is %s, the model says %s", c.Name, r.Percentile, r.Reported, r.Model)
				}
				if d := r.Reported - r.Logged; d.Abs() > Tolerance(r.Logged) {
					t.Errorf("%s: p%g is %s, the log says %s", c.Name, r.Percentile, r.Reported, r.Logged)
				}
			}
			// The processor's real load is not part of this clock: it may be
			// inconclusive.
			if c.Verdict == Fail {
				t.Errorf("%s: %s %v", c.Name, c.Verdict, c.Why)
			}
		}
		// The point of it all: a second's freeze in five.
		freeze := report.Cases[2]
		p99 := freeze.Rows[3]
		if p99.Percentile != 99 || p99.Reported < 900*time.Millisecond || p99.Naive != time.Millisecond || freeze.NaiveUnsent < 900 {
			t.Errorf("freeze: %+v, %d unsent", p99, freeze.NaiveUnsent)
		}
	})
}

// TestKnownFigure repeats what was measured elsewhere: 1,000 operations per
// second for ten seconds, a millisecond each, one freeze of a second. From the
// due times p99 is about 0.9 s; a tool that starts its clock when it sends says
// about 1 ms and never sends a tenth.
func TestKnownFigure(t *testing.T) {
	s := &Server{Work: Constant(time.Millisecond), Spells: []Spell{{From: 4 * time.Second, To: 5 * time.Second}}}
	rate := pace.Constant(1000)
	truth := Truth(s, scenario{rate: rate}.ticks(10*time.Second), 32)
	naive, unsent := Naive(s, rate, 10*time.Second, 32)
	if p99 := truth.Percentile(99); len(truth) != 10_000 || p99 < 890*time.Millisecond || p99 > 920*time.Millisecond {
		t.Errorf("%d requests, p99 %s", len(truth), p99)
	}
	if p99 := naive.Percentile(99); p99 != time.Millisecond || unsent < 960 || unsent > 1000 || len(naive)+unsent != 10_000 {
		t.Errorf("naive: %d sent, %d not, p99 %s", len(naive), unsent, p99)
	}
}

func TestAnswered(t *testing.T) {
	const ms = time.Millisecond
	frozen := []Spell{{From: 10 * ms, To: 20 * ms}}
	slow := []Spell{{From: 10 * ms, To: 20 * ms, Slower: 5}}
	for _, test := range []struct {
		name               string
		spells             []Spell
		arrived, take, end time.Duration
	}{
		{"nothing wrong", nil, 3 * ms, 4 * ms, 7 * ms},
		{"before it", frozen, 3 * ms, 7 * ms, 10 * ms},
		{"into it", frozen, 8 * ms, 3 * ms, 21 * ms},
		{"in it", frozen, 10 * ms, 3 * ms, 23 * ms},
		{"at its end", frozen, 20 * ms, 3 * ms, 23 * ms},
		{"slow, inside", slow, 11 * ms, 1 * ms, 16 * ms},
		{"slow, into", slow, 9 * ms, 2 * ms, 15 * ms},
		{"slow, out of", slow, 15 * ms, 2 * ms, 21 * ms},
		{"slow, across", slow, 9 * ms, 5 * ms, 22 * ms},
		{"two", append(frozen, Spell{From: 30 * ms, To: 40 * ms, Slower: 2}), 15 * ms, 12 * ms, 34 * ms},
	} {
		s := &Server{Work: Constant(test.take), Spells: test.spells}
		if got := s.Answered(0, test.arrived); got != test.end {
			t.Errorf("%s: answered at %s, want %s", test.name, got, test.end)
		}
	}
}

// TestJudge plants errors into a right result.
func TestJudge(t *testing.T) {
	const ms = time.Millisecond
	right := func() Case {
		return Case{Count: 100, Rows: []Row{
			{Percentile: 50, Reported: 10*ms + 90*time.Microsecond, Model: 10 * ms, Logged: 10 * ms, Naive: ms},
			{Percentile: 99, Reported: 900 * ms, Model: 500 * ms, Logged: 899 * ms, Naive: ms}, // a busy machine
		}}
	}
	late := bench.Health{OwnLag: bench.Lag{P99: time.Second}}
	full := bench.Health{Waited: 1}
	for _, test := range []struct {
		name   string
		spoil  func(*Case)
		want   bench.Cause
		health bench.Health
		expect Verdict
	}{
		{"right", func(*Case) {}, "", bench.Health{}, Pass},
		{"one is missing", func(c *Case) { c.Count-- }, "", bench.Health{}, Fail},
		{"another than the log", func(c *Case) { c.Rows[1].Logged = 890 * ms }, "", bench.Health{}, Fail},
		{"less than the model", func(c *Case) { c.Rows[0].Model = 11 * ms }, "", bench.Health{}, Fail},
		{"what a naive tool says", func(c *Case) { c.Rows[1].Reported, c.Rows[1].Logged = ms, ms }, "", bench.Health{}, Fail},
		{"a busy machine", func(*Case) {}, "", late, Inconclusive},
		{"later than the log", func(c *Case) { c.Rows[1].Reported = 950 * ms }, "", bench.Health{}, Fail},
		{"later than the log on a busy machine", func(c *Case) { c.Rows[1].Reported = 950 * ms }, "", late, Inconclusive},
		{"earlier than the log on a busy machine", func(c *Case) { c.Rows[1].Reported = 850 * ms }, "", late, Fail},
		{"later than the log where alarms are late", func(c *Case) {
			c.Rows[0].Logged, c.Rows[0].Reported = 11*ms, 11*ms+200*time.Microsecond
		}, "", bench.Health{}, Inconclusive},
		{"earlier than the log where alarms are late", func(c *Case) {
			c.Rows[0].Logged, c.Rows[0].Reported = 11*ms, 10*ms+800*time.Microsecond
		}, "", bench.Health{}, Fail},
		{"wrong on a busy machine", func(c *Case) { c.Count-- }, "", late, Fail},
		{"overload is noticed", func(*Case) {}, bench.Workers, full, Pass},
		{"overload is not noticed", func(*Case) {}, bench.Workers, bench.Health{}, Fail},
		{"overload where none should be", func(*Case) {}, "", full, Inconclusive},
	} {
		c := right()
		test.spoil(&c)
		c.judge(test.want, 100, bench.Summary{Health: test.health})
		if c.Verdict != test.expect || (len(c.Why) == 0) != (test.expect == Pass) {
			t.Errorf("%s: %s %v, want %s", test.name, c.Verdict, c.Why, test.expect)
		}
	}
}

// TestRealClock runs everything for a short time by the machine's clock. A busy
// machine may make it inconclusive, never wrong.
func TestRealClock(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	report, err := Run(t.Context(), Options{Length: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	for _, word := range []string{"freeze: ", "from due times", "p99.9", "max", "would not have sent", string(report.Verdict) + ": "} {
		if !strings.Contains(text.String(), word) {
			t.Errorf("the text lacks %q", word)
		}
	}
	// A stall between the server's answer and the next line of the client is
	// the only way to another value than the log's; a busy machine has some.
	for _, c := range report.Cases {
		for _, r := range c.Rows {
			if r.Percentile <= 90 && (r.Reported < r.Logged || r.Reported < r.Model-Tolerance(r.Model)) {
				t.Errorf("%s: p%g reported %s, logged %s, model %s", c.Name, r.Percentile, r.Reported, r.Logged, r.Model)
			}
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestPercentile follows the definition, whatever package hist says.
func TestPercentile(t *testing.T) {
	for n := 1; n <= 2000; n++ {
		times := make(Times, n)
		for i := range times {
			times[i] = time.Duration(i + 1)
		}
		for _, p := range percentiles {
			got := int(times.Percentile(p))
			// In thousandths, since 99.9 is no binary number.
			if want := int(p * 1000); got*100_000 < want*n || got > 1 && (got-1)*100_000 >= want*n {
				t.Fatalf("p%g of %d values has rank %d", p, n, got)
			}
		}
	}
}
