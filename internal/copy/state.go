package copy

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/row"
	"leap/internal/schema"
)

// state is what the checkpoint knows when a run starts.
type state struct {
	segments map[string][]checkpoint.Segment
	clearing map[string]bool
	last     map[segmentID]checkpoint.Chunk // the newest chunk of each segment
	rows     map[segmentID]int64            // of each segment
	totals   map[string]*TableResult
}

type segmentID struct {
	table string
	id    int
}

func newState() *state {
	return &state{last: map[segmentID]checkpoint.Chunk{}, rows: map[segmentID]int64{}, totals: map[string]*TableResult{}}
}

func (j *job) load(ctx context.Context) (*state, error) {
	s := newState()
	err := j.dst.Transaction(ctx, func(store checkpoint.Store) error {
		var err error
		if s.segments, err = checkpoint.Segments(ctx, store, j.cfg.Lease.Job); err != nil {
			return err
		}
		for table, segments := range s.segments {
			if s.segments[table], err = j.seals.openAll(segments); err != nil {
				return err
			}
		}
		if s.clearing, err = checkpoint.Clearing(ctx, store, j.cfg.Lease.Job); err != nil {
			return err
		}
		clear(s.last)
		clear(s.rows)
		clear(s.totals)
		return checkpoint.Chunks(ctx, store, j.cfg.Lease.Job, func(c checkpoint.Chunk) error {
			c.Range, err = j.seals.open(c.Table, c.Range)
			s.add(c)
			return err
		})
	})
	return s, err
}

func (s *state) add(c checkpoint.Chunk) {
	s.last[segmentID{c.Table, c.Segment}] = c
	s.rows[segmentID{c.Table, c.Segment}] += c.Rows
	t := s.totals[c.Table]
	if t == nil {
		t = &TableResult{Table: c.Table}
		s.totals[c.Table] = t
	}
	t.Rows += c.Rows
	t.Bytes += c.Bytes
	t.Chunks++
	if !slices.Contains(t.Positions, c.Position) {
		t.Positions = append(t.Positions, c.Position)
	}
	for _, change := range c.Changes {
		t.Changes = mergeChange(t.Changes, change)
	}
}

func (s *state) result(table string) TableResult {
	if t := s.totals[table]; t != nil {
		return *t
	}
	return TableResult{Table: table}
}

// mergeChange adds a count to the list, keeping a few examples.
func mergeChange(list []checkpoint.Change, c checkpoint.Change) []checkpoint.Change {
	for i := range list {
		have := &list[i]
		if have.Column == c.Column && have.Policy == c.Policy && have.Action == c.Action {
			have.Count += c.Count
			room := max(0, maxExamples-len(have.Examples))
			have.Examples = append(have.Examples, c.Examples[:min(room, len(c.Examples))]...)
			return list
		}
	}
	return append(list, c)
}

// maxExamples is how many keys a ledger entry lists; the count is always whole.
const maxExamples = 5

// table is one table's work in a run.
type table struct {
	mapping  *schema.Mapping
	encoder  Encoder
	segments []*segment
	whole    bool // not readable in order: all or nothing
	restart  bool // an older version was interrupted while it emptied the table
	size     size
	before   int64 // rows that earlier runs committed
	open     atomic.Int32
	moved    atomic.Int64
	// elsewhere counts rows that other processes have moved meanwhile, as far as
	// their segments are done.
	elsewhere atomic.Int64
	refused   atomic.Bool  // by the server's import
	started   atomic.Int64 // unix nanoseconds of the first read; 0 before
	ended     atomic.Int64
}

// segment is a part of a table with the point from which to go on.
type segment struct {
	id     int
	rng    row.Range // what is left
	seq    int       // the next chunk's number
	before int64     // rows that were recorded when the run began
	done   bool      // when the run began
	whole  bool      // not readable in order: all or nothing
}

func (t *table) announce(events event.Sink) {
	name := t.mapping.SourceName
	estimate := int64(0)
	if t.mapping.Source != nil {
		estimate = t.mapping.Source.EstimatedRows
	}
	events.Emit(event.Event{Kind: event.TablePlanned, Phase: phase, Table: name, TotalRows: max(estimate, t.before)})
	if t.open.Load() == 0 {
		events.Emit(event.Event{Kind: event.TableStarted, Phase: phase, Table: name, Rows: t.before})
		events.Emit(event.Event{Kind: event.TableFinished, Phase: phase, Table: name, Rows: t.before})
	}
}

// begin notes that the first of the table's segments is being read.
func (t *table) begin(events event.Sink) {
	if !t.started.CompareAndSwap(0, time.Now().UnixNano()) {
		return
	}
	events.Emit(event.Event{Kind: event.TableStarted, Phase: phase, Table: t.mapping.SourceName, Rows: t.before})
}

func (t *table) segmentDone(events event.Sink) {
	if t.open.Add(-1) > 0 {
		return
	}
	t.ended.Store(time.Now().UnixNano())
	events.Emit(event.Event{
		Kind: event.TableFinished, Phase: phase, Table: t.mapping.SourceName,
		Rows: t.before + t.moved.Load() + t.elsewhere.Load(), Elapsed: t.elapsed(),
	})
}

func (t *table) elapsed() time.Duration {
	started, ended := t.started.Load(), t.ended.Load()
	if started == 0 || ended == 0 {
		return 0
	}
	return time.Duration(ended - started)
}
