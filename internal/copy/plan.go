package copy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"leap/internal/checkpoint"
	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/schema"
)

// splitRows is how many rows make a segment worth its own connection: about
// two seconds of reading. Smaller tables are parallel with each other.
const splitRows = 500_000

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

// clearIfBegun empties the table of a claimed segment that cannot be continued:
// one without a usable key whose copy was interrupted, or one whose clearing was,
// by an older version.
func (j *job) clearIfBegun(ctx context.Context, t *table, s *segment) error {
	if begun := s.seq > 0; !t.restart && (!t.whole || !begun) {
		return nil
	}
	t.restart = false
	return j.beginAgain(ctx, t, s)
}

// divide cuts a table's key space into segments of about equal width when its
// first key column is an integer, and records them. Gaps in the numbers make
// segments uneven, never wrong: together they cover everything.
func (j *job) divide(ctx context.Context, m *schema.Mapping) ([]checkpoint.Segment, error) {
	segments := []checkpoint.Segment{{Table: m.SourceName}}
	parts := int64(0)
	if m.Source != nil {
		parts = min(m.Source.EstimatedRows/splitRows, int64(j.cfg.Workers))
	}
	if parts > 1 && len(j.src.OrderKey(m)) == 1 {
		var span row.Span
		var ok bool
		err := retry.Do(ctx, j.patience(&table{mapping: m}), func() error {
			view, err := j.src.View(ctx)
			if err == nil {
				span, ok, err = view.Bounds(ctx, m)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if ok {
			segments = split(m.SourceName, span, parts)
		}
	}
	var recorded []checkpoint.Segment
	err := j.held(ctx, func(store checkpoint.Store) error {
		// Not into segments: a failed attempt returns nil, and the next one
		// would record a table without segments, which counts as copied.
		var err error
		recorded, err = checkpoint.Divide(ctx, store, j.cfg.Lease.Job, segments)
		return err
	})
	return recorded, err
}

// split divides (-inf, +inf) at parts-1 points of the span.
func split(name string, span row.Span, parts int64) []checkpoint.Segment {
	var out []checkpoint.Segment
	var after row.Key
	// The width as uint64 is right even from math.MinInt64 to math.MaxInt64.
	width := uint64(span.High) - uint64(span.Low) //nolint:gosec // two's complement difference
	for i := int64(1); i < parts; i++ {
		step := width / uint64(parts) * uint64(i)                     //nolint:gosec // parts is positive
		bound := row.Key{strconv.FormatInt(span.Low+int64(step), 10)} //nolint:gosec // stays between low and high
		out = append(out, checkpoint.Segment{Table: name, ID: len(out), Range: row.Range{After: after, UpTo: bound}})
		after = bound
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
