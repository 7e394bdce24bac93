package checkpoint

import (
	"context"
	"encoding/json"
	"fmt"

	"leap/internal/row"
)

// Divide records how a table is divided and returns how it is: a division that
// another process, or an attempt of unknown outcome, recorded first holds. It
// must be given a serializable transaction.
func Divide(ctx context.Context, s Store, job string, segments []Segment) ([]Segment, error) {
	if len(segments) == 0 {
		return nil, nil
	}
	have, err := Segments(ctx, s, job)
	if err != nil {
		return nil, err
	}
	if first := have[segments[0].Table]; first != nil {
		return first, nil
	}
	return segments, saveSegments(ctx, s, job, segments)
}

func saveSegments(ctx context.Context, s Store, job string, segments []Segment) error {
	for _, seg := range segments {
		after, upTo, err := bounds(seg.Range)
		if err != nil {
			return err
		}
		_, err = s.Exec(ctx, `INSERT INTO `+Schema+`.segment (job, table_name, segment, after_key, up_to_key)
			VALUES ($1, $2, $3, $4, $5)`, job, seg.Table, seg.ID, after, upTo)
		if err != nil {
			return fmt.Errorf("record segment %d of %s: %w", seg.ID, seg.Table, err)
		}
	}
	return nil
}

// Segments reads how the job's tables are divided.
func Segments(ctx context.Context, s Store, job string) (map[string][]Segment, error) {
	out := map[string][]Segment{}
	err := s.Each(ctx, `SELECT table_name, segment, after_key, up_to_key FROM `+Schema+`.segment
		WHERE job = $1 ORDER BY table_name, segment`, []any{job}, func(scan func(...any) error) error {
		var seg Segment
		var after, upTo *string
		if err := scan(&seg.Table, &seg.ID, &after, &upTo); err != nil {
			return err
		}
		var err error
		if seg.Range, err = parseRange(after, upTo); err != nil {
			return err
		}
		out[seg.Table] = append(out[seg.Table], seg)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read segments of job %s: %w", job, err)
	}
	return out, nil
}

// Record writes a chunk's record. Call it in the transaction that writes the
// rows and before them: its primary key is the fence that keeps two processes,
// or one process that repeats itself, from writing a chunk twice.
func Record(ctx context.Context, s Store, job string, c Chunk) error {
	after, upTo, err := bounds(c.Range)
	if err != nil {
		return err
	}
	changes, err := json.Marshal(c.Changes)
	if err != nil {
		return fmt.Errorf("record chunk of %s: %w", c.Table, err)
	}
	n, err := s.Exec(ctx, `INSERT INTO `+Schema+`.chunk
		(job, table_name, segment, seq, after_key, up_to_key, final, row_count, byte_count, source_position, changes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (job, table_name, segment, seq) DO NOTHING`,
		job, c.Table, c.Segment, c.Seq, after, upTo, c.Final, c.Rows, c.Bytes, c.Position, string(changes))
	if err != nil {
		return fmt.Errorf("record chunk %d.%d of %s: %w", c.Segment, c.Seq, c.Table, err)
	}
	if n != 1 {
		return fmt.Errorf("record chunk %d.%d of %s: %w", c.Segment, c.Seq, c.Table, ErrTaken)
	}
	return nil
}

// Committed reports whether exactly this chunk is recorded: the way to resolve
// a commit whose outcome is unknown. A record of the same number with another
// range belongs to another process and is ErrTaken.
func Committed(ctx context.Context, s Store, job string, c Chunk) (bool, error) {
	after, upTo, err := bounds(c.Range)
	if err != nil {
		return false, err
	}
	found, same := false, false
	err = s.Each(ctx, `SELECT after_key, up_to_key, row_count, byte_count FROM `+Schema+`.chunk
		WHERE job = $1 AND table_name = $2 AND segment = $3 AND seq = $4`,
		[]any{job, c.Table, c.Segment, c.Seq}, func(scan func(...any) error) error {
			found = true
			var gotAfter, gotUpTo *string
			var rows, bytes int64
			if err = scan(&gotAfter, &gotUpTo, &rows, &bytes); err != nil {
				return err
			}
			same = equal(gotAfter, after) && equal(gotUpTo, upTo) && rows == c.Rows && bytes == c.Bytes
			return nil
		})
	if err != nil {
		return false, fmt.Errorf("look for chunk %d.%d of %s: %w", c.Segment, c.Seq, c.Table, err)
	}
	if found && !same {
		return false, fmt.Errorf("chunk %d.%d of %s: %w", c.Segment, c.Seq, c.Table, ErrTaken)
	}
	return found, nil
}

func equal(a, b *string) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}

// Chunks calls fn for every chunk of the job, by table, segment and number.
func Chunks(ctx context.Context, s Store, job string, fn func(Chunk) error) error {
	err := s.Each(ctx, `SELECT table_name, segment, seq, after_key, up_to_key, final, row_count, byte_count, source_position, changes
		FROM `+Schema+`.chunk WHERE job = $1 ORDER BY table_name, segment, seq`, []any{job},
		func(scan func(...any) error) error {
			var c Chunk
			var after, upTo *string
			var changes string
			err := scan(&c.Table, &c.Segment, &c.Seq, &after, &upTo, &c.Final, &c.Rows, &c.Bytes, &c.Position, &changes)
			if err != nil {
				return err
			}
			if c.Range, err = parseRange(after, upTo); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(changes), &c.Changes); err != nil {
				return err
			}
			return fn(c)
		})
	if err != nil {
		return fmt.Errorf("read chunks of job %s: %w", job, err)
	}
	return nil
}

// ForgetChunks forgets what was copied of a table, for a copy that starts
// again. It must be given the transaction that removes the rows, unless they are
// put by key and may stay.
func ForgetChunks(ctx context.Context, s Store, job, table string) error {
	for _, t := range []string{"chunk", "clearing"} {
		if _, err := s.Exec(ctx, `DELETE FROM `+Schema+`.`+t+` WHERE job = $1 AND table_name = $2`, job, table); err != nil {
			return fmt.Errorf("forget the chunks of %s: %w", table, err)
		}
	}
	return nil
}

// Clearing lists the tables that an older version marked before it removed
// their rows, in a transaction of its own, and whose removal it did not finish.
func Clearing(ctx context.Context, s Store, job string) (map[string]bool, error) {
	out := map[string]bool{}
	err := s.Each(ctx, `SELECT table_name FROM `+Schema+`.clearing WHERE job = $1`, []any{job},
		func(scan func(...any) error) error {
			var name string
			if err := scan(&name); err != nil {
				return err
			}
			out[name] = true
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read clearing marks of job %s: %w", job, err)
	}
	return out, nil
}

// bounds encodes a range's keys as JSON arrays; an open bound is NULL.
func bounds(r row.Range) (after, upTo *string, err error) {
	if after, err = bound(r.After); err != nil {
		return nil, nil, err
	}
	upTo, err = bound(r.UpTo)
	return after, upTo, err
}

func bound(k row.Key) (*string, error) {
	if k == nil {
		return nil, nil //nolint:nilnil // an open bound is NULL
	}
	text, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return new(string(text)), nil
}

func parseRange(after, upTo *string) (row.Range, error) {
	var r row.Range
	for _, b := range []struct {
		text *string
		key  *row.Key
	}{{after, &r.After}, {upTo, &r.UpTo}} {
		if b.text == nil {
			continue
		}
		if err := json.Unmarshal([]byte(*b.text), b.key); err != nil {
			return r, fmt.Errorf("decode key: %w", err)
		}
	}
	return r, nil
}
