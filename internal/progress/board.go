package progress

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"leap/internal/event"
)

// How many messages may wait for a slow writer. Warnings have to be seen, so
// they get the longer queue; even that must not eat the memory of a run whose
// terminal hangs.
const (
	maxWaiting         = 1_000
	maxWaitingWarnings = 10_000
)

// board is what the events so far add up to. It belongs to whoever holds the
// Display's lock.
type board struct {
	interval time.Duration
	phases   []*phase // those that have not ended, oldest first
	lines    []string // messages that were not shown yet
	dropped  int      // messages that did not fit into lines
	retries  map[tableID]*retries
	pace     pace
	closed   bool
}

type tableID struct{ phase, table string }

// retries gathers repeated attempts, which can come by the thousand.
type retries struct {
	count   int // not told yet
	message string
	told    time.Time
}

// phase is one step of a run and the tables it works on.
type phase struct {
	name    string
	started time.Time
	tables  map[string]*work
	active  []*work // oldest first
	done    int
	failed  int
	meter   meter
}

type workState int

const (
	planned workState = iota
	active
	finished
	failed
)

// work is what a phase does with one table.
type work struct {
	table    string
	state    workState
	started  time.Time
	estimate int64 // from the source's statistics; 0 when unknown
	before   int64 // rows that an earlier run had finished
	moved    int64 // rows that this run has finished
	meter    meter
}

func (w *work) rows() int64 { return w.before + w.moved }

// total is the best guess at the number of rows: the estimate until the count
// proves it too low, and the count when the table is done.
func (w *work) total() int64 {
	if w.state == finished {
		return w.rows()
	}
	return max(w.estimate, w.rows())
}

func newBoard(interval time.Duration) *board {
	return &board{interval: interval, retries: map[tableID]*retries{}}
}

// apply adds one event.
func (b *board) apply(e event.Event, now time.Time) {
	if b.closed {
		return
	}
	switch e.Kind {
	case event.PhaseStarted:
		b.phase(e.Phase, now)
	case event.PhaseFinished:
		b.endPhase(e, now)
	case event.TablePlanned:
		b.work(e, now).estimate = max(e.TotalRows, 0)
	case event.TableStarted:
		b.startTable(e, now)
	case event.RowsMoved:
		b.move(e, now)
	case event.TableFinished, event.TableFailed:
		b.endTable(e, now)
	case event.Step:
		b.say(maxWaiting, line(b.name(e), e.Table, e.Message))
	case event.Warned:
		b.say(maxWaitingWarnings, line(b.name(e), e.Table, "warning: "+e.Message))
	case event.Retried:
		b.retry(e, now)
	case event.PaceChanged:
		b.setPace(e, now)
	}
}

// name returns the event's phase; a message without one belongs to the newest.
func (b *board) name(e event.Event) string {
	if e.Phase == "" && len(b.phases) > 0 {
		return b.phases[len(b.phases)-1].name
	}
	return e.Phase
}

func (b *board) phase(name string, now time.Time) *phase {
	for _, p := range b.phases {
		if p.name == name {
			return p
		}
	}
	p := &phase{name: name, started: now, tables: map[string]*work{}, meter: newMeter(now)}
	b.phases = append(b.phases, p)
	return p
}

func (b *board) work(e event.Event, now time.Time) *work {
	p := b.phase(b.name(e), now)
	w := p.tables[e.Table]
	if w == nil {
		w = &work{table: e.Table, estimate: max(e.TotalRows, 0)}
		p.tables[e.Table] = w
	}
	return w
}

// startTable begins a table, or begins it again after it had ended.
func (b *board) startTable(e event.Event, now time.Time) {
	w, p := b.work(e, now), b.phase(b.name(e), now)
	switch w.state {
	case active:
		return // its first rows overtook this event
	case finished:
		p.done--
	case failed:
		p.failed--
	case planned:
	}
	w.before, w.moved = max(e.Rows, 0), 0
	b.activate(p, w, now)
}

func (*board) activate(p *phase, w *work, now time.Time) {
	w.state, w.started, w.meter = active, now, newMeter(now)
	p.active = append(p.active, w)
}

func (b *board) move(e event.Event, now time.Time) {
	w := b.work(e, now)
	if w.state == finished {
		return // the final count has these rows already
	}
	if w.state != active {
		if w.state == failed {
			b.phase(b.name(e), now).failed--
		}
		b.activate(b.phase(b.name(e), now), w, now)
	}
	w.moved += max(e.Rows, 0)
}

func (b *board) endTable(e event.Event, now time.Time) {
	w, p := b.work(e, now), b.phase(b.name(e), now)
	if w.state == finished || w.state == failed {
		return
	}
	took := time.Duration(0)
	if w.state == active {
		took = now.Sub(w.started)
	}
	p.active = slices.DeleteFunc(p.active, func(a *work) bool { return a == w })
	b.tellRetries(tableID{p.name, w.table}, now)
	delete(b.retries, tableID{p.name, w.table})
	if e.Kind == event.TableFailed {
		w.state = failed
		p.failed++
		b.lines = append(b.lines, line(p.name, w.table, "failed: "+e.Message))
		return
	}
	w.state = finished
	p.done++
	if e.Rows > 0 { // the total of the one who counted replaces the sum of the steps
		w.before = min(w.before, e.Rows)
		w.moved = e.Rows - w.before
	}
	b.lines = append(b.lines, line(p.name, w.table, "done: "+outcome(w.before, w.moved, took)))
}

func (b *board) endPhase(e event.Event, now time.Time) {
	name := b.name(e)
	p := b.phase(name, now)
	took := e.Elapsed
	if took <= 0 {
		took = now.Sub(p.started)
	}
	b.tellAllRetries(p.name, now)
	b.lines = append(b.lines, line(p.name, "", p.ending(took)))
	b.phases = slices.DeleteFunc(b.phases, func(other *phase) bool { return other == p })
}

// ending says how far a phase came. It is "done" only when all its tables are.
func (p *phase) ending(took time.Duration) string {
	if len(p.tables) == 0 {
		return "done in " + elapsed(took)
	}
	var before, moved int64
	for _, w := range p.tables {
		before += w.before
		moved += w.moved
	}
	rows := outcome(before, moved, took)
	switch {
	case p.failed > 0:
		return fmt.Sprintf("ended: %d of %d tables, %d failed, %s", p.done, len(p.tables), p.failed, rows)
	case p.done < len(p.tables):
		return fmt.Sprintf("ended: %d of %d tables, %s", p.done, len(p.tables), rows)
	default:
		return fmt.Sprintf("done: %s, %s", plural(p.done, "table"), rows)
	}
}

// end is the end of all events: what is open is told as it stands.
func (b *board) end(now time.Time) {
	b.closed = true
	for _, p := range b.phases {
		b.tellAllRetries(p.name, now)
		v, text := p.view(now), "stopped"
		if v.all > 0 {
			text = fmt.Sprintf("stopped at %d of %d tables, %s,", v.done, v.all, v.rowsText())
		}
		b.lines = append(b.lines, line(p.name, "", text+" after "+elapsed(v.elapsed)))
	}
	b.phases = nil
	b.tellAllRetries("", now)
}

func (b *board) say(limit int, text string) {
	if len(b.lines) >= limit {
		b.dropped++
		return
	}
	b.lines = append(b.lines, text)
}

// retry tells the first attempt at once and later ones together, at most once
// in an interval for each table.
func (b *board) retry(e event.Event, now time.Time) {
	id := tableID{b.name(e), e.Table}
	r := b.retries[id]
	if r == nil {
		r = &retries{}
		b.retries[id] = r
	}
	r.count++
	r.message = e.Message
	b.tellRetriesDue(id, now)
}

func (b *board) tellRetriesDue(id tableID, now time.Time) {
	if r := b.retries[id]; r.told.IsZero() || now.Sub(r.told) >= b.interval {
		b.tellRetries(id, now)
	}
}

func (b *board) tellRetries(id tableID, now time.Time) {
	r := b.retries[id]
	if r == nil || r.count == 0 {
		return
	}
	text := "retrying: " + r.message
	if r.count > 1 {
		text = fmt.Sprintf("retried %s times, last: %s", thousands(int64(r.count)), r.message)
	}
	b.say(maxWaiting, line(id.phase, id.table, text))
	r.count, r.told = 0, now
}

// tellAllRetries tells what is left of a phase, or of all for "", in name order.
func (b *board) tellAllRetries(phase string, now time.Time) {
	var ids []tableID
	for id := range b.retries {
		if phase == "" || id.phase == phase {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(x, y tableID) int {
		return cmp.Or(cmp.Compare(x.phase, y.phase), cmp.Compare(x.table, y.table))
	})
	for _, id := range ids {
		b.tellRetries(id, now)
		delete(b.retries, id)
	}
}
