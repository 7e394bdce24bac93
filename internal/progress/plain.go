package progress

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// heartbeat is how many intervals may pass without any progress line: a table
// of many hours crosses a step too rarely to show that it is alive.
const heartbeat = 6

// plain writes lines to something that is not a terminal: all messages, and at
// most one line of progress in an interval. A table gets one for each 10 % that
// it crosses; when none does for a while, the phase gets one.
type plain struct {
	w        io.Writer
	interval time.Duration
	started  bool
	last     time.Time           // when the last progress line was due
	steps    map[tableID]stepped // of the tables in the last frame
}

// stepped remembers the tenths that were shown of a table, and which run of it.
type stepped struct {
	tenth   int
	started time.Time
}

func newPlain(w io.Writer, interval time.Duration) *plain {
	return &plain{w: w, interval: interval, steps: map[tableID]stepped{}}
}

func (p *plain) show(f frame) {
	lines := f.lines
	if text := p.progress(f); text != "" {
		lines = append(lines, text)
	}
	if len(lines) == 0 {
		return
	}
	// An error has nowhere to go: the writer is where errors are told.
	_, _ = io.WriteString(p.w, strings.Join(lines, "\n")+"\n")
}

func (*plain) close() {}

// progress returns the line that is due, or "".
func (p *plain) progress(f frame) string {
	if len(f.phases) == 0 {
		p.started = false
		clear(p.steps)
		return ""
	}
	if !p.started {
		p.started, p.last = true, f.at
	}
	if f.at.Sub(p.last) < p.interval {
		return ""
	}
	if v, ok := p.step(f); ok {
		p.last = f.at
		return line(v.phase, v.table, v.text())
	}
	if f.at.Sub(p.last) < heartbeat*p.interval {
		return ""
	}
	p.last = f.at
	v := f.phases[len(f.phases)-1]
	return line(v.phase, "", v.text())
}

// step returns the table that has waited longest in terms of rows: the one that
// crossed the most tenths since its last line.
func (p *plain) step(f frame) (view, bool) {
	var best view
	most := 0
	steps := make(map[tableID]stepped, len(p.steps))
	for _, ph := range f.phases {
		for _, v := range ph.tables {
			id := tableID{v.phase, v.table}
			s := p.steps[id]
			if !s.started.Equal(v.started) {
				s = stepped{started: v.started}
			}
			steps[id] = s
			// A table that has only begun has no rate yet and may end at once.
			if crossed := v.percent()/10 - s.tenth; crossed > most && v.elapsed >= p.interval {
				best, most = v, crossed
			}
		}
	}
	p.steps = steps // tables that have ended are forgotten
	if most > 0 {
		steps[tableID{best.phase, best.table}] = stepped{tenth: best.percent() / 10, started: best.started}
	}
	return best, most > 0
}

// text adds the number of tables to the numbers of the phase.
func (v phaseView) text() string {
	running := elapsed(v.elapsed)
	if v.pace != "" {
		running += gap + v.pace
	}
	if v.all == 0 {
		return "running for " + running
	}
	return fmt.Sprintf("%d of %d tables", v.done, v.all) + gap + v.view.text() + gap + "elapsed " + running
}
