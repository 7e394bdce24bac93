package hist

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = time.Millisecond

// sample returns an answered operation that was due at due, started lag later
// and took service.
func sample(op int32, due, lag, service time.Duration) Sample {
	return Sample{Op: op, Attempts: 1, Due: due, Start: due + lag, End: due + lag + service}
}

// near reports whether got is the slot of want: at most 0.1 % or 512 ns above.
func near(got, want time.Duration) bool {
	return got >= want && got <= want+max(want/1000, 512)
}

func TestSeries(t *testing.T) {
	c := NewCollector(Options{Ops: []string{"read", "write"}})
	r := c.Recorder()
	ok := sample(0, 10*ms, 5*ms, 20*ms)
	ok.PoolWait, ok.RetryCost, ok.Attempts = 2*ms, 7*ms, 3
	r.Record(ok)
	failed := sample(0, 0, ms, ms)
	failed.Outcome, failed.Code = Errored, "57P01"
	r.Record(failed)
	r.Record(Sample{Op: 0, Due: 0, End: 3 * ms, Outcome: Shed, Code: "queue_full"})
	refused := sample(1, 0, 0, 4*ms)
	refused.Outcome, refused.Code = Rejected, "insufficient_funds"
	r.Record(refused)
	r.Record(sample(1, 20*ms, -30*ms, 4*ms)) // ends before it was due

	totals := c.Totals()
	read, write := totals[0], totals[1]
	for s, want := range map[Series]time.Duration{
		Response: 25 * ms, Service: 20 * ms, PoolWait: 2 * ms, RetryCost: 7 * ms, Failed: 2 * ms,
	} {
		if h := read.Series[s]; h.Count() != 1 || !near(h.Max(), want) {
			t.Errorf("%v: %d values, the largest %v, want one of %v", s, h.Count(), h.Max(), want)
		}
	}
	if h := read.Series[ScheduleLag]; h.Count() != 2 || !near(h.Min(), ms-512) || !near(h.Max(), 5*ms) {
		t.Errorf("schedule_lag: %d values, %v to %v", h.Count(), h.Min(), h.Max())
	}
	counts := read.Counts
	if counts.Done != 1 || counts.Errored != 1 || counts.Shed != 1 || counts.Retries != 2 || counts.Asked() != 3 || counts.Failed() != 2 {
		t.Errorf("counts %+v", counts)
	}
	if counts.Codes["57P01"] != 1 || counts.Codes["queue_full"] != 1 || len(counts.Codes) != 2 {
		t.Errorf("codes %v", counts.Codes)
	}
	if write.Counts.Rejected != 1 || write.Counts.Answered() != 1 || write.Counts.Invalid != 1 {
		t.Errorf("counts of write %+v", write.Counts)
	}
	if n := write.Series[Response].Count(); n != 1 {
		t.Errorf("%d responses: a refusal is an answer and an invalid sample is none", n)
	}
}

func TestSeriesNames(t *testing.T) {
	for i, name := range SeriesNames() {
		if s, ok := ParseSeries(name); !ok || int(s) != i || s.String() != name || name == "" {
			t.Errorf("%q: %v, %v", name, s, ok)
		}
	}
	if _, ok := ParseSeries("respons"); ok {
		t.Error("a misspelt series exists")
	}
}

func TestHistogramAgainstSortedValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 99, 100, 101, 1000, 1001, 20_000} {
		h := New()
		values := make([]time.Duration, n)
		sum := 0.0
		for i := range values {
			values[i] = time.Duration(math.Exp(rng.Float64()*20) * 1e3) // 1 us to 8 minutes
			sum += float64(values[i])
			h.Record(values[i])
		}
		slices.Sort(values)
		for _, p := range []float64{0, 0.1, 1, 50, 90, 99, 99.9, 99.99, 100} {
			// The definition, word by word.
			want := values[0]
			for i, v := range values {
				if float64(i+1)/float64(n) >= p/100-1e-12 {
					want = v
					break
				}
			}
			if got := h.Percentile(p); !near(got, want) {
				t.Errorf("n=%d p%v: %v, want %v", n, p, got, want)
			}
		}
		if mean := float64(h.Mean()); math.Abs(mean/sum*float64(n)-1) > 0.001 {
			t.Errorf("n=%d: mean %v, want %v", n, mean, sum/float64(n))
		}
		if !near(h.Max(), values[n-1]) || h.Min() > values[0] || h.Count() != int64(n) || h.Overflow() != 0 {
			t.Errorf("n=%d: min %v max %v count %d overflow %d", n, h.Min(), h.Max(), h.Count(), h.Overflow())
		}
		at := values[n/2]
		if upTo := h.CountUpTo(h.AtRank(int64(n/2 + 1))); upTo < int64(n/2+1) || h.CountUpTo(at-at/500-1024) > int64(n/2) {
			t.Errorf("n=%d: %d values up to %v", n, upTo, at)
		}
	}
}

func TestOverflowKeepsItsRank(t *testing.T) {
	h := New()
	for range 98 {
		h.Record(ms)
	}
	h.Record(Highest)
	if h.Overflow() != 0 {
		t.Fatal("the highest value is an overflow")
	}
	h.Record(Highest + 1)
	h.Record(24 * time.Hour)
	if h.Count() != 101 || h.Overflow() != 2 {
		t.Errorf("count %d, overflow %d", h.Count(), h.Overflow())
	}
	if h.Max() <= Highest || h.Percentile(99) <= Highest || h.Percentile(98) > Highest+time.Second {
		t.Errorf("p98 %v, p99 %v, max %v", h.Percentile(98), h.Percentile(99), h.Max())
	}
	if h.Record(-ms); !near(h.AtRank(1), 0) {
		t.Errorf("a negative value became %v", h.AtRank(1))
	}
}

func TestEmpty(t *testing.T) {
	h := New()
	if h.Min() != 0 || h.Max() != 0 || h.Mean() != 0 || h.Percentile(99) != 0 || h.AtRank(1) != 0 || h.Count() != 0 {
		t.Error("an empty histogram has values")
	}
}

// TestWidth: our slots are those of the library.
func TestWidth(t *testing.T) {
	h := New()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		h.Reset()
		v := rng.Int64N(int64(Highest) >> rng.IntN(40))
		h.Record(time.Duration(v))
		if got, want := h.AtRank(1), h.Max(); got != want {
			t.Fatalf("%d: slot ends at %d, the library says %d", v, got, want)
		}
	}
}

// TestIntervals records the same samples with one worker and with many, cuts
// at different moments, and must get the same intervals.
func TestIntervals(t *testing.T) {
	var samples []Sample
	for i := range 5000 {
		samples = append(samples, sample(int32(i%2), time.Duration(i)*ms, 0, time.Duration(1+i%7)*ms))
	}
	samples = append(samples, sample(0, 7900*ms, 0, 50*ms)) // after a hole of two intervals
	ops := []string{"a", "b"}

	one := NewCollector(Options{Ops: ops})
	r := one.Recorder()
	for _, s := range samples {
		r.Record(s)
	}
	want := one.Finish(8100 * ms)
	if len(want) != 9 || want[8].End != 8100*ms || want[7].End != 8000*ms || want[6].Ops[0].Counts.Asked() != 0 {
		t.Fatalf("%d intervals, the last to %v", len(want), want[len(want)-1].End)
	}

	many := NewCollector(Options{Ops: ops})
	var wg sync.WaitGroup
	for w := range 4 {
		r := many.Recorder()
		wg.Go(func() {
			for i := w; i < len(samples); i += 4 {
				r.Record(samples[i])
			}
		})
	}
	wg.Wait()
	var got []*Interval
	keep := func(cut []*Interval) {
		for _, i := range cut {
			c := &Interval{Start: i.Start, End: i.End}
			for _, o := range i.Ops {
				c.Ops = append(c.Ops, o.Clone())
			}
			got = append(got, c)
		}
	}
	for now := time.Duration(0); now < 8100*ms; now += 700 * ms {
		keep(many.Cut(now))
	}
	keep(many.Finish(8100 * ms))
	sameIntervals(t, got, want)
	if many.Late() != 0 {
		t.Errorf("%d samples late", many.Late())
	}
	for i, o := range many.Totals() {
		all := NewOpStats(o.Name)
		for _, in := range got {
			all.Merge(in.Ops[i])
		}
		sameStats(t, "total", o, all)
	}
}

func sameIntervals(t *testing.T, got, want []*Interval) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d intervals, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].Start != want[i].Start || got[i].End != want[i].End {
			t.Errorf("interval %d: %v to %v, want %v to %v", i, got[i].Start, got[i].End, want[i].Start, want[i].End)
		}
		for j := range want[i].Ops {
			sameStats(t, want[i].Start.String(), got[i].Ops[j], want[i].Ops[j])
		}
	}
}

func sameStats(t *testing.T, at string, got, want *OpStats) {
	t.Helper()
	for s := range want.Series {
		if !got.Series[s].Equal(want.Series[s]) {
			t.Errorf("%s: %s %v: %d values, want %d", at, want.Name, Series(s), got.Series[s].Count(), want.Series[s].Count())
		}
	}
	if g, w := got.Counts, want.Counts; g.Asked() != w.Asked() || g.Done != w.Done || g.Retries != w.Retries || len(g.Codes) != len(w.Codes) {
		t.Errorf("%s: %s counts %+v, want %+v", at, want.Name, g, w)
	}
}

func TestLateSamplesAreNotLost(t *testing.T) {
	c := NewCollector(Options{Ops: []string{"a"}})
	r := c.Recorder()
	r.Record(sample(0, 1500*ms, 0, ms))
	if cut := c.Cut(3 * time.Second); len(cut) != 3 || cut[1].Ops[0].Counts.Done != 1 {
		t.Fatalf("%d intervals", len(cut))
	}
	r.Record(sample(0, 2900*ms, 0, ms))
	rest := c.Finish(3 * time.Second)
	if len(rest) != 1 || rest[0].Ops[0].Counts.Done != 1 || c.Late() != 1 {
		t.Errorf("%d intervals, %d late", len(rest), c.Late())
	}
	if done := c.Totals()[0].Counts.Done; done != 2 {
		t.Errorf("%d in total", done)
	}
}

// TestConcurrentRecording runs workers against a cutting goroutine; with -race
// it also proves the hand-over.
func TestConcurrentRecording(t *testing.T) {
	const workers, each = 8, 20_000
	c := NewCollector(Options{Ops: []string{"a"}, Interval: 10 * ms})
	var wg sync.WaitGroup
	for range workers {
		r := c.Recorder()
		wg.Go(func() {
			for i := range each {
				r.Record(sample(0, time.Duration(i)*time.Microsecond, 0, ms))
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()
	seen := int64(0)
	count := func(cut []*Interval) {
		for _, i := range cut {
			seen += i.Ops[0].Series[Response].Count()
		}
	}
	now := time.Duration(0)
	for running := true; running; {
		select {
		case <-finished:
			running = false
		default:
			now += ms
			count(c.Cut(now))
		}
	}
	count(c.Finish(now))
	if seen != workers*each || c.Totals()[0].Counts.Done != workers*each {
		t.Errorf("%d in the intervals, %d in total, want %d", seen, c.Totals()[0].Counts.Done, workers*each)
	}
}

func TestRecordDoesNotAllocate(t *testing.T) {
	c := NewCollector(Options{Ops: []string{"a"}})
	r := c.Recorder()
	s := sample(0, 0, ms, ms)
	for range 10 * ringSize {
		r.Record(s)
	}
	if n := testing.AllocsPerRun(10*ringSize, func() { r.Record(s) }); n != 0 {
		t.Errorf("%v allocations a sample", n)
	}
}

func TestRankBounds(t *testing.T) {
	// The figures of the textbook tables.
	for _, test := range []struct {
		n             int64
		p, confidence float64
		low, high     int64
	}{
		{298, 99, 0.95, 292, 299},      // one too few: no upper bound
		{299, 99, 0.95, 293, 299},      // the largest value is one
		{2994, 99.9, 0.95, 2988, 2995}, // likewise
		{2995, 99.9, 0.95, 2989, 2995},
		{10, 50, 0.975, 2, 9}, // the interval of a median in every textbook
		{1, 50, 0.95, 0, 2},
		{0, 50, 0.95, 0, 1},
		{1000, 99, 0.975, 983, 997},    // p98.3 to p99.7
		{10000, 99, 0.975, 9880, 9920}, // p98.8 to p99.2
	} {
		low, high := RankBounds(test.n, test.p, test.confidence)
		if low != test.low || high != test.high {
			t.Errorf("n=%d p%v %v: ranks %d and %d, want %d and %d", test.n, test.p, test.confidence, low, high, test.low, test.high)
		}
	}
}

// TestRankBoundsAgainstTheSum computes the binomial sums term by term.
func TestRankBoundsAgainstTheSum(t *testing.T) {
	for _, n := range []int64{1, 2, 5, 58, 59, 60, 300, 1500} {
		for _, p := range []float64{1, 50, 90, 95, 99, 99.9} {
			cdf := make([]float64, n+1)
			sum := 0.0
			for k := range cdf {
				a, _ := math.Lgamma(float64(n) + 1)
				b, _ := math.Lgamma(float64(k) + 1)
				c, _ := math.Lgamma(float64(n-int64(k)) + 1)
				sum += math.Exp(a - b - c + float64(k)*math.Log(p/100) + float64(n-int64(k))*math.Log(1-p/100))
				cdf[k] = sum
			}
			wantHigh, wantLow := n+1, int64(0)
			for r := n; r >= 1; r-- {
				if cdf[r-1] >= 0.95 {
					wantHigh = r
				}
			}
			for r := int64(1); r <= n; r++ {
				if 1-cdf[r-1] >= 0.95 {
					wantLow = r
				}
			}
			if low, high := RankBounds(n, p, 0.95); low != wantLow || high != wantHigh {
				t.Errorf("n=%d p%v: ranks %d and %d, want %d and %d", n, p, low, high, wantLow, wantHigh)
			}
		}
	}
}

// TestRankBoundsCover draws samples of a known distribution and counts how
// often the bounds hold.
func TestRankBoundsCover(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const runs, n = 4000, 500
	truth := -math.Log(1 - 0.99) // p99 of the exponential distribution
	low, high := RankBounds(n, 99, 0.95)
	below, above := 0, 0
	values := make([]float64, n)
	for range runs {
		for i := range values {
			values[i] = rng.ExpFloat64()
		}
		slices.Sort(values)
		if values[low-1] <= truth {
			below++
		}
		if values[high-1] >= truth {
			above++
		}
	}
	// At least nominal; ranks are whole numbers, so it may be a little more.
	for name, held := range map[string]int{"lower": below, "upper": above} {
		if share := float64(held) / runs; share < 0.94 || share > 0.985 {
			t.Errorf("the %s bound held in %.3f of the runs, want about 0.95", name, share)
		}
	}
}

func TestMinSamples(t *testing.T) {
	for p, want := range map[float64]int64{50: 5, 90: 29, 95: 59, 99: 299, 99.9: 2995, 99.99: 29956} {
		if got := MinSamples(p, 0.95); got != want {
			t.Errorf("p%v: %d, want %d", p, got, want)
		}
		if _, high := RankBounds(want, p, 0.95); high > want {
			t.Errorf("p%v: %d values have no upper bound", p, want)
		}
		if _, high := RankBounds(want-1, p, 0.95); high <= want-1 {
			t.Errorf("p%v: %d values have an upper bound", p, want-1)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	c := NewCollector(Options{Ops: []string{"a"}})
	r := c.Recorder()
	rng := rand.New(rand.NewPCG(7, 8))
	samples := make([]Sample, 4096)
	for i := range samples {
		samples[i] = sample(0, 0, time.Duration(rng.ExpFloat64()*1e5), time.Duration(rng.ExpFloat64()*1e6))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r.Record(samples[i%len(samples)])
		i++
	}
}

// BenchmarkPush is the part of Record that every call pays.
func BenchmarkPush(b *testing.B) {
	r := NewCollector(Options{Ops: []string{"a"}}).Recorder()
	s := sample(0, 0, ms, ms)
	b.ReportAllocs()
	for b.Loop() {
		r.Record(s)
		r.tail.Store(r.head.Load())
	}
}
