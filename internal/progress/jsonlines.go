package progress

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"time"

	"leap/internal/event"
)

// rowsEvery is how often JSON lines tell the rows that have moved: machines
// want totals, not a line for each chunk.
const rowsEvery = time.Second

// maxQueued is how many events may wait for a slow writer.
const maxQueued = 10_000

// JSONLines writes each event as one line of JSON with the keys that slog's
// JSON handler uses (time, level, msg), so that one reader understands both.
// Rows of a table that move within a second are added up. Emit never waits for
// the writer: when too many events wait, steps and retries are dropped and the
// next line says how many; rows are never lost.
type JSONLines struct {
	w io.Writer

	mu      sync.Mutex // guards what follows
	queue   []record
	moves   map[tableID]int // index in queue of the entry that may still grow
	dropped int
	closed  bool

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
	once sync.Once
}

// record is the JSON form of an event. Numbers are there when the kind of
// event has them, also when they are 0.
type record struct {
	Time           time.Time  `json:"time"`
	Level          slog.Level `json:"level"`
	Kind           event.Kind `json:"msg"`
	Tenant         string     `json:"tenant,omitempty"`
	Phase          string     `json:"phase,omitempty"`
	Table          string     `json:"table,omitempty"`
	Rows           *int64     `json:"rows,omitempty"`
	TotalRows      *int64     `json:"total_rows,omitempty"` // an estimate
	Bytes          *int64     `json:"bytes,omitempty"`
	ElapsedSeconds *float64   `json:"elapsed_seconds,omitempty"`
	// Share is the part of its speed that the copy is held to: 0 paused, 1 full.
	Share   *float64 `json:"share,omitempty"`
	Message string   `json:"message,omitempty"`
	Dropped int      `json:"dropped,omitempty"` // events before this one
}

// NewJSONLines returns a sink that writes to w until Close.
func NewJSONLines(w io.Writer) *JSONLines {
	j := &JSONLines{
		w:     w,
		moves: map[tableID]int{},
		wake:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	go j.run()
	return j
}

// Emit takes the event in and returns at once. After Close it does nothing.
func (j *JSONLines) Emit(e event.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed || j.merge(e) {
		return
	}
	if len(j.queue) >= maxQueued && (e.Kind == event.Step || e.Kind == event.Retried) {
		j.dropped++
		return
	}
	r := newRecord(e)
	r.Dropped, j.dropped = j.dropped, 0
	j.queue = append(j.queue, r)
	id := moveID(e)
	if e.Kind == event.RowsMoved {
		j.moves[id] = len(j.queue) - 1
		return // told with the next tick
	}
	delete(j.moves, id) // rows that move from now on come after this event
	select {
	case j.wake <- struct{}{}:
	default: // a token is there already
	}
}

// moveID is what rows are added up by.
func moveID(e event.Event) tableID { return tableID{e.Tenant + " " + e.Phase, e.Table} }

// merge adds moved rows to an entry that is still waiting.
func (j *JSONLines) merge(e event.Event) bool {
	i, ok := j.moves[moveID(e)]
	if e.Kind != event.RowsMoved || !ok {
		return false
	}
	r := &j.queue[i]
	*r.Rows += e.Rows
	*r.Bytes += e.Bytes
	return true
}

func newRecord(e event.Event) record {
	r := record{
		Time: e.At.UTC(), Level: slog.LevelInfo, Kind: e.Kind, Tenant: e.Tenant, Phase: e.Phase, Table: e.Table, Message: e.Message,
	}
	if e.At.IsZero() {
		r.Time = time.Now().UTC()
	}
	switch e.Kind {
	case event.RowsMoved:
		r.Rows, r.Bytes = new(e.Rows), new(e.Bytes)
	case event.TableStarted, event.TableFinished:
		r.Rows = new(e.Rows)
	case event.TablePlanned:
		if e.TotalRows > 0 {
			r.TotalRows = new(e.TotalRows)
		}
	case event.PhaseFinished:
		r.ElapsedSeconds = new(e.Elapsed.Seconds())
	case event.TableFailed:
		r.Level = slog.LevelError
	case event.Warned, event.Retried:
		r.Level = slog.LevelWarn
	case event.PaceChanged:
		r.Share = new(e.Share)
	case event.PhaseStarted, event.Step:
	}
	return r
}

// Close writes what is still waiting and returns when it is written. Closing
// again does nothing.
func (j *JSONLines) Close() {
	j.once.Do(func() { close(j.stop) })
	<-j.done
}

func (j *JSONLines) run() {
	defer close(j.done)
	ticker := time.NewTicker(rowsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-j.wake:
		case <-ticker.C:
		case <-j.stop:
			j.mu.Lock()
			j.closed = true
			j.mu.Unlock()
			j.flush()
			return
		}
		j.flush()
	}
}

// flush writes the queue outside the lock.
func (j *JSONLines) flush() {
	j.mu.Lock()
	queue := j.queue
	if j.closed && j.dropped > 0 {
		queue = append(queue, record{Time: time.Now().UTC(), Level: slog.LevelWarn, Kind: event.Warned, Dropped: j.dropped})
	}
	j.queue = nil
	clear(j.moves)
	j.mu.Unlock()
	if len(queue) == 0 {
		return
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	for _, r := range queue {
		// Fails only for a time beyond the year 9999: better the wrong time than no line.
		if err := enc.Encode(r); err != nil {
			r.Time = time.Now().UTC()
			_ = enc.Encode(r) //nolint:errchkjson // the rest is text and numbers
		}
	}
	// An error has nowhere to go: the writer is where errors are told.
	_, _ = j.w.Write(buf.Bytes())
}
