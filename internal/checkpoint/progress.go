package checkpoint

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// TableProgress adds up what is recorded of one table.
type TableProgress struct {
	Table       string
	Segments    int // 0 before the table was divided
	Done        int // segments that are copied to their end
	Chunks      int
	Rows, Bytes int64
	First, Last time.Time // commits of the first and the newest chunk
}

// Jobs lists the ids of the jobs in this target.
func Jobs(ctx context.Context, s Store) ([]string, error) {
	var out []string
	err := s.Each(ctx, `SELECT id FROM `+Schema+`.job ORDER BY started, id`, nil, func(scan func(...any) error) error {
		var id string
		if err := scan(&id); err != nil {
			return err
		}
		out = append(out, id)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return out, nil
}

// Tables returns the progress of every table of the job, by name.
func Tables(ctx context.Context, s Store, job Job) ([]TableProgress, error) {
	progress := map[string]*TableProgress{}
	for name := range job.Tables {
		progress[name] = &TableProgress{Table: name}
	}
	segments, err := Segments(ctx, s, job.ID)
	if err != nil {
		return nil, err
	}
	for name, list := range segments {
		if p := progress[name]; p != nil {
			p.Segments = len(list)
		}
	}
	err = s.Each(ctx, `SELECT table_name, count(*)::INT8, sum(CASE WHEN final THEN 1 ELSE 0 END)::INT8,
			sum(row_count)::INT8, sum(byte_count)::INT8, min(committed), max(committed)
		FROM `+Schema+`.chunk WHERE job = $1 GROUP BY table_name`, []any{job.ID},
		func(scan func(...any) error) error {
			var t TableProgress
			if err = scan(&t.Table, &t.Chunks, &t.Done, &t.Rows, &t.Bytes, &t.First, &t.Last); err != nil {
				return err
			}
			if p := progress[t.Table]; p != nil {
				t.Segments = p.Segments
				*p = t
			}
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read progress of job %s: %w", job.ID, err)
	}
	out := make([]TableProgress, 0, len(progress))
	for _, name := range slices.Sorted(maps.Keys(progress)) {
		out = append(out, *progress[name])
	}
	return out, nil
}
