package copy

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

const (
	// splitRows is how many rows make a segment: a fifth of a second of copying at
	// full speed, many times what it costs to begin one. Smaller tables are parallel
	// with each other.
	splitRows = 50_000
	// splitSlice is the same for a slice whose rows are found by way of other tables:
	// each segment finds the rows of those anew.
	splitSlice = 200_000
	// mostSegments bounds what is looked up and recorded of one table. It is many
	// more than there are workers, so that none is idle for long while another copies
	// the last one, and other processes have something to take over.
	mostSegments = 64
)

// plan brings every table to the point where its segments can be copied: it
// divides new tables and finds where to go on in begun ones. Large tables come first.
func (j *job) plan(ctx context.Context, mappings []*schema.Mapping, s *state) ([]*table, error) {
	var out []*table
	for _, m := range mappings {
		t := &table{mapping: m, encoder: j.dst.Encoder(m)}
		segments := s.segments[m.SourceName]
		if segments == nil {
			var err error
			if segments, err = j.divide(ctx, m); err != nil {
				return nil, fmt.Errorf("plan %s: %w", m.SourceName, err)
			}
		}
		t.whole = len(j.src.OrderKey(m)) == 0
		t.restart = s.clearing[m.SourceName]
		t.resume(segments, s)
		t.before = s.result(m.SourceName).Rows
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b *table) int {
		return cmp.Compare(estimate(b.mapping), estimate(a.mapping))
	})
	return out, nil
}

func estimate(m *schema.Mapping) int64 {
	if m.Source == nil {
		return 0
	}
	return m.Source.EstimatedBytes
}

// clearIfBegun begins the table of a claimed segment again that cannot be continued:
// one without a usable key whose copy was interrupted, or one whose clearing was,
// by an older version.
func (j *job) clearIfBegun(ctx context.Context, t *table, s *segment) error {
	begun := s.seq > 0
	// A version that could not read the table in order recorded no ends.
	unordered := t.whole || s.rng.After == nil
	if !t.restart && (!begun || !unordered) {
		return nil
	}
	t.restart = false
	return j.beginAgain(ctx, t, s)
}

// divide cuts a table's key space into segments of about equally many rows and
// records them. Whatever the cuts are, together the segments cover everything.
func (j *job) divide(ctx context.Context, m *schema.Mapping) ([]checkpoint.Segment, error) {
	var cuts []row.Key
	if parts := segmentsOf(m); parts > 1 && len(j.src.OrderKey(m)) > 0 {
		err := retry.Do(ctx, j.patience(&table{mapping: m}), func() error {
			view, err := j.src.View(ctx)
			if err == nil {
				cuts, err = view.Divide(ctx, m, parts)
			}
			return err
		})
		if err != nil && (ctx.Err() != nil || retry.Classify(err) != retry.Fatal) {
			return nil, err
		}
		if err != nil {
			cuts = nil
			j.cfg.Events.Emit(event.Event{
				Kind: event.Warned, Phase: phase, Table: m.SourceName,
				Message: m.SourceName + " is read by one reader, because no keys were found to divide it at: " + err.Error(),
			})
		}
	}
	segments, err := j.seals.closeAll(between(m.SourceName, cuts))
	if err != nil {
		return nil, err
	}
	var recorded []checkpoint.Segment
	err = j.held(ctx, func(store checkpoint.Store) error {
		// Not into segments: a failed attempt returns nil, and the next one
		// would record a table without segments, which counts as copied.
		recorded, err = checkpoint.Divide(ctx, store, j.cfg.Lease.Job, segments)
		return err
	})
	if err != nil {
		return nil, err
	}
	return j.seals.openAll(recorded)
}

// segmentsOf is how many segments a table is worth.
func segmentsOf(m *schema.Mapping) int {
	if m.Source == nil {
		return 1
	}
	size := int64(splitRows)
	if m.Slice != nil && len(m.Slice.Path) > 0 {
		size = splitSlice
	}
	return int(min(m.Source.EstimatedRows/size, mostSegments))
}

// between divides (-inf, +inf) at the cuts.
func between(name string, cuts []row.Key) []checkpoint.Segment {
	var out []checkpoint.Segment
	var after row.Key
	for _, upTo := range cuts {
		out = append(out, checkpoint.Segment{Table: name, ID: len(out), Range: row.Range{After: after, UpTo: upTo}})
		after = upTo
	}
	return append(out, checkpoint.Segment{Table: name, ID: len(out), Range: row.Range{After: after}})
}

// resume notes which segments are done, and how far the others were when the
// run began; where they go on is found out when they are claimed.
func (t *table) resume(segments []checkpoint.Segment, s *state) {
	for _, seg := range segments {
		id := segmentID{seg.Table, seg.ID}
		next := &segment{id: seg.ID, rng: seg.Range, whole: t.whole, before: s.rows[id]}
		if last, ok := s.last[id]; ok {
			next.done = last.Final && !t.restart
		}
		if !next.done {
			t.open.Add(1)
		}
		t.segments = append(t.segments, next)
	}
}

// resume sets a segment to continue after its newest chunk.
func (s *segment) resume(last checkpoint.Chunk) {
	s.seq = last.Seq + 1
	s.rng.After = last.Range.UpTo
}
