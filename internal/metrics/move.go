package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"leap/internal/event"
)

// Move gathers what the events of a migration say, for the next scrape.
type Move struct {
	registry *prometheus.Registry
	now      func() time.Time

	mu      sync.Mutex // guards what follows
	tenants map[string]*tenant
}

// tenant is one move; the only one has the name "".
type tenant struct {
	phases map[string]*phase // what happens before the first belongs to one named ""
	newest string            // the phase that messages without one belong to
	share  float64           // of the speed that reading is held to
}

type phase struct {
	tables   map[string]*table
	began    time.Time     // zero before it was
	took     time.Duration // once it has ended
	running  bool
	progress time.Time // of the last event that was some
	retries  int64
	warnings int64
}

type table struct {
	state    state
	expected int64 // rows; an estimate until it is finished
	done     int64 // rows, whoever did them and when
	moved    int64 // rows that this process did
	bytes    int64 // of those
}

// state is how far a phase is with a table.
type state string

const (
	planned  state = "planned"
	active   state = "active"
	finished state = "finished"
	failed   state = "failed"
)

// NewMove returns metrics of a migration by this version of the program.
func NewMove(version string) *Move {
	m := &Move{now: time.Now, tenants: map[string]*tenant{}}
	m.registry = newRegistry(newMoveCollector(m, version))
	return m
}

// Serve answers scrapes; see [serve].
func (m *Move) Serve(ctx context.Context, address string) (found string, stop func() error, err error) {
	return serve(ctx, address, m.registry)
}

// Emit takes the event in.
func (m *Move) Emit(e event.Event) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tenants[e.Tenant]
	if t == nil {
		t = &tenant{phases: map[string]*phase{}, share: 1}
		m.tenants[e.Tenant] = t
	}
	if e.Kind == event.PaceChanged {
		t.share = e.Share
		return
	}
	t.phase(e).apply(e, now)
}

// phase returns the phase of an event.
func (t *tenant) phase(e event.Event) *phase {
	if e.Phase == "" {
		e.Phase = t.newest
	}
	p := t.phases[e.Phase]
	if p == nil || e.Kind == event.PhaseStarted {
		p = &phase{tables: map[string]*table{}}
		t.phases[e.Phase], t.newest = p, e.Phase
	}
	return p
}

func (p *phase) apply(e event.Event, now time.Time) {
	switch e.Kind {
	case event.PhaseStarted:
		p.running, p.began = true, now
	case event.PhaseFinished:
		p.running, p.took = false, now.Sub(p.began)
	case event.Retried:
		p.retries++
		return
	case event.Warned:
		p.warnings++
		return
	case event.TablePlanned, event.TableStarted, event.RowsMoved, event.TableFinished, event.TableFailed:
		p.table(e.Table).apply(e)
	case event.Step, event.PaceChanged:
	}
	p.progress = now
}

func (p *phase) table(name string) *table {
	t := p.tables[name]
	if t == nil {
		t = &table{state: planned}
		p.tables[name] = t
	}
	return t
}

func (t *table) apply(e event.Event) {
	switch e.Kind { //nolint:exhaustive // the others are not about a table
	case event.TablePlanned:
		t.expected = max(e.TotalRows, 0)
	case event.TableStarted:
		t.state, t.done = active, e.Rows
	case event.RowsMoved:
		if !e.Elsewhere {
			t.moved += e.Rows
			t.bytes += e.Bytes
		}
		if t.state != finished { // the final count has these rows already
			t.state = active
			t.done += e.Rows
		}
	case event.TableFinished:
		t.state = finished
		if e.Rows > 0 { // the total of the one who counted replaces the sum of the steps
			t.done = e.Rows
		}
		t.expected = t.done
	case event.TableFailed:
		t.state = failed
	}
}
