package progress

import (
	"math"
	"strings"
	"time"
)

// frame is a picture of the board: what a screen shows, in values of its own.
type frame struct {
	at     time.Time
	lines  []string
	phases []phaseView
}

// phaseView is a phase as a whole and its active tables, oldest first.
type phaseView struct {
	view
	done, all int
	tables    []view
	pace      string // what holds it back, in a few characters; empty for nothing
}

// view is the progress of a phase or of one table.
type view struct {
	phase, table string
	started      time.Time
	elapsed      time.Duration
	rows         int64
	total        int64 // never below rows; 0 when unknown
	rate         float64
}

// frame takes the picture and the waiting messages off the board.
func (b *board) frame(now time.Time) frame {
	for id, r := range b.retries {
		if r.count > 0 {
			b.tellRetriesDue(id, now)
		}
	}
	f := frame{at: now, lines: b.lines}
	if b.dropped > 0 {
		f.lines = append(f.lines, "("+plural(b.dropped, "more message")+" could not be shown)")
	}
	b.lines, b.dropped = nil, 0
	for _, p := range b.phases {
		v := p.view(now)
		v.pace = b.pace.label()
		f.phases = append(f.phases, v)
	}
	return f
}

// view measures the rates and returns the phase's numbers.
func (p *phase) view(now time.Time) phaseView {
	v := phaseView{
		view: view{phase: p.name, started: p.started, elapsed: now.Sub(p.started)},
		done: p.done, all: len(p.tables),
	}
	var moved, estimated int64
	for _, w := range p.tables {
		estimated += w.estimate
		v.rows += w.rows()
		v.total += w.total()
		moved += w.moved
	}
	if estimated == 0 {
		v.total = 0 // only what was counted: that says nothing about the end
	}
	v.rate = p.meter.sample(moved, now)
	for _, w := range p.active {
		t := view{
			phase: p.name, table: w.table, started: w.started, elapsed: now.Sub(w.started),
			rows: w.rows(), rate: w.meter.sample(w.moved, now),
		}
		if w.estimate > 0 {
			t.total = w.total()
		}
		v.tables = append(v.tables, t)
	}
	return v
}

// percent returns 0 to 99, or -1 when the total is unknown. Views show what is
// not finished, and an estimate that was reached is no proof of the end.
func (v view) percent() int {
	if v.total <= 0 {
		return -1
	}
	return max(0, min(99, int(float64(v.rows)/float64(v.total)*100)))
}

// longestETA is where an estimate stops being one.
const longestETA = 99 * 24 * time.Hour

// eta returns the time left, at least a second; false when it cannot be told.
func (v view) eta() (time.Duration, bool) {
	left := v.total - v.rows
	if left <= 0 || v.rate <= 0 {
		return 0, false
	}
	seconds := math.Ceil(float64(left) / v.rate)
	if seconds > longestETA.Seconds() {
		return 0, false
	}
	return time.Duration(max(seconds, 1)) * time.Second, true
}

// rowsText returns "120,000 of ~500,000 rows (24 %)".
func (v view) rowsText() string {
	if v.total <= 0 {
		return thousands(v.rows) + " rows"
	}
	return thousands(v.rows) + " of ~" + thousands(v.total) + " rows (" + percentText(v) + ")"
}

// text returns the numbers of a plain progress line.
func (v view) text() string {
	parts := []string{v.rowsText(), thousands(int64(v.rate)) + " rows/s"}
	if v.total > 0 {
		parts = append(parts, "ETA "+etaText(v))
	}
	return strings.Join(parts, gap)
}

// smoothing is the time over which a rate follows a change: chunks arrive in
// bursts, and an ETA that jumps with each of them says nothing.
const smoothing = 10 * time.Second

// meter measures a smoothed rate. It averages over the time since the start
// for as long as that is short, then over the last moments.
type meter struct {
	at     time.Time
	count  int64
	sum    float64 // of the rates, weighted by age
	weight float64 // of all samples; below 1 at the beginning
}

func newMeter(now time.Time) meter { return meter{at: now} }

// sample takes the present count and returns the rate in rows per second.
func (m *meter) sample(count int64, now time.Time) float64 {
	if passed := now.Sub(m.at).Seconds(); passed > 0 {
		keep := math.Exp(-passed / smoothing.Seconds())
		rate := float64(max(count-m.count, 0)) / passed
		m.sum = m.sum*keep + rate*(1-keep)
		m.weight = m.weight*keep + (1 - keep)
		m.at, m.count = now, count
	}
	if m.weight == 0 {
		return 0
	}
	return m.sum / m.weight
}
