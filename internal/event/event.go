// Package event is the one stream that progress displays, logs and reports
// read. Features emit what happened; who listens is decided at assembly. It
// imports nothing and keeps nothing.
package event

import "time"

// Kind says what happened.
type Kind string

// The kinds of events of a migration.
const (
	PhaseStarted  Kind = "phase_started"  // Phase
	PhaseFinished Kind = "phase_finished" // Phase, Elapsed
	// TablePlanned announces a table of a phase: Table, TotalRows (an estimate).
	TablePlanned Kind = "table_planned"
	// TableStarted says that work on the table began; Rows counts what an
	// earlier run had already finished.
	TableStarted Kind = "table_started"
	// RowsMoved says that Rows more rows (Bytes on the wire) of Table are committed or compared.
	RowsMoved     Kind = "rows_moved"
	TableFinished Kind = "table_finished" // Table, Rows: the table's total
	TableFailed   Kind = "table_failed"   // Table, Message
	// Step is one line worth telling: an index being built, a snapshot taken.
	Step Kind = "step"
	// Retried says that a chunk or statement is tried again: Table, Message.
	Retried Kind = "retried"
	// PaceChanged says that reading is held back, paused, or at full speed
	// again: Share, Message.
	PaceChanged Kind = "pace_changed"
	// Warned is something the user must see: Message.
	Warned Kind = "warned"
)

// Event is one thing that happened.
type Event struct {
	Kind Kind
	At   time.Time
	// Tenant is whose move it is, where several run side by side; empty otherwise.
	Tenant    string
	Phase     string // "assess", "schema", "copy", "verify"
	Table     string
	Rows      int64
	TotalRows int64
	Bytes     int64
	// Elsewhere says of RowsMoved that another process of a shared copy moved them.
	Elsewhere bool
	Elapsed   time.Duration
	// Share is the part of its speed that a copy is held to: 0 paused, 1 full.
	Share   float64
	Message string
}

// Sink receives events. Emit is called from many goroutines and must not block.
type Sink interface {
	Emit(Event)
}

// SinkFunc makes a function a Sink.
type SinkFunc func(Event)

// Emit calls f.
func (f SinkFunc) Emit(e Event) { f(e) }

// Discard is the Sink that keeps nothing.
var Discard Sink = SinkFunc(func(Event) {})

// Tee returns a Sink that passes every event to each of sinks in order.
func Tee(sinks ...Sink) Sink {
	return SinkFunc(func(e Event) {
		for _, s := range sinks {
			s.Emit(e)
		}
	})
}
