package progress

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leap/internal/event"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// picture applies the events, one second apart, and returns the copy phase.
func picture(events ...event.Event) phaseView {
	b, now := newBoard(time.Second), noon
	for _, e := range events {
		b.apply(e, now)
		b.frame(now)
		now = now.Add(time.Second)
	}
	return b.frame(now).phases[0]
}

func TestCounts(t *testing.T) {
	plan, start := ev(event.TablePlanned, "a", 1000), ev(event.TableStarted, "a", 0)
	tests := []struct {
		name                 string
		events               []event.Event
		rows, total, percent int64
	}{
		{"nothing yet", []event.Event{plan, start}, 0, 1000, 0},
		{"on the way", []event.Event{plan, start, ev(event.RowsMoved, "a", 250)}, 250, 1000, 25},
		{"resumed", []event.Event{plan, ev(event.TableStarted, "a", 600)}, 600, 1000, 60},
		{"at the estimate", []event.Event{plan, start, ev(event.RowsMoved, "a", 1000)}, 1000, 1000, 99},
		{"above the estimate", []event.Event{plan, start, ev(event.RowsMoved, "a", 5000)}, 5000, 5000, 99},
		{"no estimate", []event.Event{start, ev(event.RowsMoved, "a", 500)}, 500, 0, -1},
		{"negative estimate", []event.Event{ev(event.TablePlanned, "a", -1), start}, 0, 0, -1},
		{"negative rows", []event.Event{plan, start, ev(event.RowsMoved, "a", -9)}, 0, 1000, 0},
		{"rows before the start", []event.Event{plan, ev(event.RowsMoved, "a", 100), start}, 100, 1000, 10},
		{"not planned", []event.Event{ev(event.RowsMoved, "a", 100)}, 100, 0, -1},
		{"finished early", []event.Event{
			plan, start, ev(event.RowsMoved, "a", 100), ev(event.TableFinished, "a", 110), ev(event.RowsMoved, "a", 100),
		}, 110, 110, 99},
		{"finished without a count", []event.Event{
			plan, start, ev(event.RowsMoved, "a", 100), ev(event.TableFinished, "a", 0), ev(event.TableFinished, "a", 0),
		}, 100, 100, 99},
		{"begun again", []event.Event{
			plan, start, ev(event.RowsMoved, "a", 100), ev(event.TableFinished, "a", 100), ev(event.TableStarted, "a", 10),
		}, 10, 1000, 1},
		{"two tables", []event.Event{
			plan, ev(event.TablePlanned, "b", 3000), start, ev(event.RowsMoved, "a", 2000),
		}, 2000, 5000, 40},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := picture(test.events...)
			if v.rows != test.rows || v.total != test.total || int64(v.percent()) != test.percent {
				t.Errorf("%d of %d rows (%d %%), want %d of %d (%d %%)",
					v.rows, v.total, v.percent(), test.rows, test.total, test.percent)
			}
		})
	}
}

func TestETA(t *testing.T) {
	for _, test := range []struct {
		rows, total int64
		rate        float64
		want        string
	}{
		{120_000, 500_000, 182_000, "3s"},
		{499_999, 500_000, 182_000, "1s"},
		{500_000, 500_000, 182_000, "-"},
		{120_000, 500_000, 0, "-"},
		{120_000, 0, 182_000, "-"},
		{0, 7200, 1, "2h00m"},
		{0, math.MaxInt64, 1, "-"},
		{0, math.MaxInt64, 5e-324, "-"},
	} {
		if got := etaText(view{rows: test.rows, total: test.total, rate: test.rate}); got != test.want {
			t.Errorf("%d of %d at %g/s: %s, want %s", test.rows, test.total, test.rate, got, test.want)
		}
	}
}

// Whatever is emitted in whatever order: never above 100 %, never a negative
// ETA, never more tables done than there are.
func TestNumbersStayInRange(t *testing.T) {
	kinds := []event.Kind{
		event.TablePlanned, event.TableStarted, event.RowsMoved, event.RowsMoved,
		event.TableFinished, event.TableFailed, event.PhaseStarted, event.PhaseFinished, event.Retried,
	}
	rapid.Check(t, func(t *rapid.T) {
		b, now := newBoard(time.Second), noon
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			b.apply(event.Event{
				Kind:      rapid.SampledFrom(kinds).Draw(t, "kind"),
				Phase:     rapid.SampledFrom([]string{"copy", "verify", ""}).Draw(t, "phase"),
				Table:     rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "table"),
				Rows:      rapid.Int64Range(-5, math.MaxInt64/1000).Draw(t, "rows"),
				TotalRows: rapid.Int64Range(-5, math.MaxInt64/1000).Draw(t, "total"),
			}, now)
			now = now.Add(time.Duration(rapid.Int64Range(0, 1e11).Draw(t, "passed")))
			f := b.frame(now)
			for _, p := range f.phases {
				if p.done < 0 || p.done > p.all || len(p.tables) > p.all {
					t.Fatalf("%d of %d tables done, %d active", p.done, p.all, len(p.tables))
				}
				for _, v := range append([]view{p.view}, p.tables...) {
					checkView(t, v)
				}
			}
		}
	})
}

func checkView(t *rapid.T, v view) {
	if p := v.percent(); p < -1 || p > 99 {
		t.Fatalf("%d %%: %+v", p, v)
	}
	if v.rows < 0 || v.rate < 0 || v.elapsed < 0 || (v.total > 0 && v.total < v.rows) {
		t.Fatalf("out of range: %+v", v)
	}
	if left, ok := v.eta(); ok && (left < time.Second || left > longestETA+time.Second) {
		t.Fatalf("ETA %v: %+v", left, v)
	}
	if strings.Contains(v.text(), "-1") {
		t.Fatalf("negative: %s", v.text())
	}
}

func TestRateIsSmooth(t *testing.T) {
	m, now, count := newMeter(noon), noon, int64(0)
	lowest, highest := math.Inf(1), 0.0
	for i := range 600 { // two minutes, a chunk of 10,000 rows each second
		now = now.Add(200 * time.Millisecond)
		if i%5 == 4 {
			count += 10_000
		}
		rate := m.sample(count, now)
		if i > 150 {
			lowest, highest = min(lowest, rate), max(highest, rate)
		}
	}
	if lowest < 9_000 || highest > 11_000 {
		t.Errorf("a steady 10,000 rows/s shows as %.0f to %.0f", lowest, highest)
	}
	for range 300 { // a minute of standstill
		now = now.Add(200 * time.Millisecond)
		m.sample(count, now)
	}
	if rate := m.sample(count, now); rate > 100 {
		t.Errorf("%.0f rows/s after a minute of standstill", rate)
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		-time.Second:                       {"0.0s", "0s"},
		440 * time.Millisecond:             {"0.4s", "0s"},
		59_949 * time.Millisecond:          {"59.9s", "1m00s"},
		59_970 * time.Millisecond:          {"1m00s", "1m00s"},
		200 * time.Second:                  {"3m20s", "3m20s"},
		2*time.Hour + 5*time.Minute:        {"2h05m", "2h05m"},
		76*time.Hour + 59*time.Minute + 59: {"3d04h", "3d04h"},
	} {
		if got := [2]string{elapsed(d), rough(d)}; got != want {
			t.Errorf("%v: %v, want %v", d, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64][2]string{
		0: {"0", "0"}, 999: {"999", "999"}, 1000: {"1,000", "1,000"}, 182_345: {"182,345", "182k"},
		1_850_000: {"1,850,000", "1.9M"}, 12_345_678_901: {"12,345,678,901", "12.3G"},
	} {
		if got := [2]string{thousands(n), compact(float64(n))}; got != want {
			t.Errorf("%d: %v, want %v", n, got, want)
		}
	}
	if got := thousands(-123_456); got != "-123,456" {
		t.Error(got)
	}
}
