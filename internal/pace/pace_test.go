package pace

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leap/internal/fault"
)

// ticks collects a schedule; one that does not end fails.
func ticks(t *testing.T, spec string, opts Options) []Tick {
	t.Helper()
	s, err := Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	var all []Tick
	schedule := s.Schedule(opts)
	for tick, ok := schedule.Next(); ok; tick, ok = schedule.Next() {
		if all = append(all, tick); len(all) > 1_000_000 {
			t.Fatalf("%s does not end", spec)
		}
	}
	return all
}

func dues(all []Tick) []time.Duration {
	var due []time.Duration
	for _, tick := range all {
		due = append(due, tick.Due)
	}
	return due
}

func ms(values ...float64) []time.Duration {
	var all []time.Duration
	for _, v := range values {
		all = append(all, time.Duration(math.Round(v*float64(time.Millisecond))))
	}
	return all
}

// TestDue compares the moments with ones worked out by hand.
func TestDue(t *testing.T) {
	for _, test := range []struct {
		spec string
		opts Options
		want []time.Duration
	}{
		{"4", Options{Duration: time.Second}, ms(0, 250, 500, 750)},
		{"constant:4", Options{Duration: time.Second + 1}, ms(0, 250, 500, 750, 1000)},
		{"0.5", Options{Duration: 5 * time.Second}, ms(0, 2000, 4000)},
		{"3", Options{Duration: time.Second}, ms(0, 1000.0/3, 2000.0/3)},
		// The warm-up comes first, and does not move what is measured.
		{"4", Options{Duration: 500 * time.Millisecond, Warmup: 600 * time.Millisecond}, ms(-500, -250, 0, 250)},
		{"4", Options{Duration: 500 * time.Millisecond, Warmup: 500 * time.Millisecond}, ms(-500, -250, 0, 250)},
		// The warm-up of a ramp keeps its foot: 2/s for a second.
		{"ramp:2..6/2s", Options{Duration: time.Millisecond, Warmup: time.Second}, ms(-1000, -500, 0)},
		// A ramp from 0 has no rate to warm up with.
		{"ramp:0..8/2s", Options{Duration: time.Second, Warmup: time.Second}, ms(0, 1000/math.Sqrt2)},
		// n = 2t + t^2: the first whole numbers are at sqrt(1+n)-1.
		{"ramp:2..6/2s", Options{Duration: time.Second}, ms(0, 1000*(math.Sqrt2-1), 1000*(math.Sqrt(3)-1))},
		{"ramp:4..0/1s", Options{Duration: time.Hour}, ms(0, 1000*(1-math.Sqrt(0.5)))},
		// After the ramp its last rate.
		{"ramp:1..3/1s", Options{Duration: 2 * time.Second}, ms(0, 1000*(math.Sqrt(5)-1)/2, 1000, 1000+1000.0/3, 1000+2000.0/3)},
		{"steps:2,0,4/1s", Options{Duration: 3 * time.Second}, ms(0, 500, 2000, 2250, 2500, 2750)},
		{"steps:2,0/1s", Options{Duration: time.Hour}, ms(0, 500)},
		{"steps:1,2/1s", Options{Duration: 2500 * time.Millisecond}, ms(0, 1000, 1500, 2000)},
		{"spike:1..4@1s/1s", Options{Duration: 4 * time.Second}, ms(0, 1000, 1250, 1500, 1750, 2000, 3000)},
		{"spike:0..2@10s/1s", Options{Duration: time.Hour}, ms(10_000, 10_500)},
		{"4", Options{Duration: time.Nanosecond}, ms(0)},
	} {
		if diff := cmp.Diff(test.want, dues(ticks(t, test.spec, test.opts))); diff != "" {
			t.Errorf("%s %+v (-want +got):\n%s", test.spec, test.opts, diff)
		}
	}
}

// TestEveryScheduleFollowsItsRate counts operations up to many moments and
// compares with the integral of the rate, taken numerically.
func TestEveryScheduleFollowsItsRate(t *testing.T) {
	for _, spec := range []string{
		"1234.5", "ramp:10..2000/7s", "ramp:2000..10/7s", "ramp:0..500/20s", "steps:100,0,900/3s",
		"spike:50..5000@4s/2s", "sine:0..1000/6s", "sine:300..300/6s", "sine:10..1000/700ms",
	} {
		s, err := Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		all := ticks(t, spec, Options{Duration: 10 * time.Second})
		if !slices.IsSortedFunc(all, func(a, b Tick) int { return int(a.Due - b.Due) }) {
			t.Errorf("%s: the moments decrease", spec)
		}
		const step = 100 * time.Microsecond
		var integral float64
		next := 0
		for at := time.Duration(0); at < 10*time.Second; at += step {
			for next < len(all) && all[next].Due < at {
				next++
			}
			// The border of a step lies inside one step of the integral.
			if math.Abs(float64(next)-integral) > 1+5000*step.Seconds() {
				t.Fatalf("%s: %d operations until %s, the rate asks for %.1f", spec, next, at, integral)
			}
			if math.Abs(s.Count(at)-integral) > 1 {
				t.Fatalf("%s: Count(%s) = %.1f, the rate asks for %.1f", spec, at, s.Count(at), integral)
			}
			integral += s.Rate(at+step/2) * step.Seconds()
		}
	}
}

// TestPoisson holds the gaps of random arrivals against the exponential
// distribution: mean, variance, and the share of gaps above the mean (1/e).
func TestPoisson(t *testing.T) {
	const rate, n = 1000, 200_000
	due := dues(ticks(t, "poisson:1000", Options{Seed: 7, Duration: n / rate * time.Second}))
	if got := float64(len(due)); math.Abs(got-n) > 5*math.Sqrt(n) {
		t.Errorf("%v arrivals, want %v within five standard deviations", got, n)
	}
	var sum, squares, above float64
	for i := 1; i < len(due); i++ {
		gap := (due[i] - due[i-1]).Seconds() * rate
		sum += gap
		squares += gap * gap
		if gap > 1 {
			above++
		}
	}
	count := float64(len(due) - 1)
	mean := sum / count
	for _, figure := range []struct {
		name      string
		got, want float64
	}{
		{"mean", mean, 1},
		{"variance", squares/count - mean*mean, 1},
		{"share above the mean", above / count, 1 / math.E},
	} {
		if math.Abs(figure.got-figure.want) > 0.02 {
			t.Errorf("%s %.4f, want %.4f", figure.name, figure.got, figure.want)
		}
	}
	if cmp.Equal(due[:100], dues(ticks(t, "poisson:1000", Options{Seed: 8, Duration: time.Second}))[:100]) {
		t.Error("another seed gives the same arrivals")
	}
}

// TestPoissonFollowsACurve compares random arrivals with the rate of a ramp.
func TestPoissonFollowsACurve(t *testing.T) {
	s, err := Parse("poisson:ramp:0..2000/10s")
	if err != nil {
		t.Fatal(err)
	}
	due := dues(ticks(t, s.String(), Options{Seed: 3, Duration: 10 * time.Second}))
	for at := time.Second; at <= 10*time.Second; at += time.Second {
		n, _ := slices.BinarySearch(due, at)
		if want := s.Count(at); math.Abs(float64(n)-want) > 5*math.Sqrt(want) {
			t.Errorf("%d arrivals until %s, want %.0f within five standard deviations", n, at, want)
		}
	}
}

// TestStripes joins the parts of several processes and expects the whole.
func TestStripes(t *testing.T) {
	for _, spec := range []string{"997", "poisson:ramp:10..900/1s", "sine:0..500/1s"} {
		rapid.Check(t, func(t *rapid.T) {
			opts := Options{
				Seed:     rapid.Uint64().Draw(t, "seed"),
				Warmup:   time.Duration(rapid.IntRange(0, 300).Draw(t, "warmup")) * time.Millisecond,
				Duration: 500 * time.Millisecond,
			}
			s, err := Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			collect := func(opts Options) []Tick {
				var all []Tick
				schedule := s.Schedule(opts)
				for tick, ok := schedule.Next(); ok; tick, ok = schedule.Next() {
					all = append(all, tick)
				}
				return all
			}
			whole := collect(opts)
			of := rapid.IntRange(1, 5).Draw(t, "of")
			var joined []Tick
			for i := range of {
				opts.Stripe = Stripe{Index: i, Of: of}
				part := collect(opts)
				for k, tick := range part {
					if want := opts.Stripe.Seq(uint64(k)); tick.Seq != want {
						t.Fatalf("operation %d of stripe %s is %d, Seq says %d", k, opts.Stripe, tick.Seq, want)
					}
				}
				joined = append(joined, part...)
			}
			slices.SortFunc(joined, func(a, b Tick) int { return int(a.Seq) - int(b.Seq) })
			if diff := cmp.Diff(whole, joined); diff != "" {
				t.Fatalf("%d stripes (-whole +joined):\n%s", of, diff)
			}
		})
	}
}

// TestLongRun looks at the far end of a day: nothing adds up to a drift.
func TestLongRun(t *testing.T) {
	schedule := Constant(1000).Schedule(Options{Duration: 24 * time.Hour, Stripe: Stripe{Index: 0, Of: 86_400_000}})
	schedule.seq, schedule.count = 86_399_999, 86_399_999
	schedule.opts.Stripe = Stripe{}
	tick, ok := schedule.Next()
	if want := 24*time.Hour - time.Millisecond; !ok || tick.Due != want {
		t.Errorf("the last operation of a day is due at %s, want %s", tick.Due, want)
	}
	if tick, ok := schedule.Next(); ok {
		t.Errorf("one more operation, at %s", tick.Due)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, spec := range []string{
		"", "0", "-1", "NaN", "1e12", "abc", "constant:", "ramp:1..2", "ramp:1/2s", "ramp:1..2/0s", "ramp:1..2/x",
		"ramp:0..0/1s", "steps:/1s", "steps:1,,2/1s", "steps:0,0/1s", "spike:1..2/1s", "spike:1..2@x/1s", "spike:0..0@1s/1s",
		"sine:2..1/1s", "sine:0..0/1s", "sine:1..2", "poisson", "poisson:", "poisson:poisson:5", "sinus:1..2/1s",
	} {
		if _, err := Parse(spec); err == nil {
			t.Errorf("%q is taken", spec)
		} else if fault.ClassOf(err) != fault.Usage || fault.HintOf(err) == "" {
			t.Errorf("%q: class %v, hint %q", spec, fault.ClassOf(err), fault.HintOf(err))
		}
	}
}

func TestParseStripe(t *testing.T) {
	got, err := ParseStripe("2/4")
	if want := (Stripe{Index: 1, Of: 4}); err != nil || got != want || got.String() != "2/4" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, text := range []string{"", "1", "0/4", "5/4", "a/b", "-1/4", "1/0"} {
		if _, err := ParseStripe(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func BenchmarkPoissonSine(b *testing.B) {
	s, err := Parse("poisson:sine:500..1500/1m")
	if err != nil {
		b.Fatal(err)
	}
	schedule := s.Schedule(Options{})
	b.ReportAllocs()
	for b.Loop() {
		schedule.Next()
	}
}
