package checkpoint

import (
	"context"
	"errors"
	"fmt"
)

// Claim makes a segment the member's own, until Release; ok is false when it is
// somebody else's. It must be given a serializable transaction.
func Claim(ctx context.Context, s Store, l Lease, table string, segment int) (ok bool, err error) {
	if err = Belong(ctx, s, l); err != nil {
		return false, err
	}
	n, err := s.Exec(ctx, `INSERT INTO `+Schema+`.claim (job, table_name, segment, owner) VALUES ($1, $2, $3, $4)
		ON CONFLICT (job, table_name, segment) DO NOTHING`, l.Job, table, segment, l.Owner)
	if err != nil {
		return false, fmt.Errorf("claim segment %d of %s: %w", segment, table, err)
	}
	if n == 1 {
		return true, nil
	}
	// A repetition after a commit of unknown outcome finds itself.
	err = Claimed(ctx, s, l, table, segment)
	if errors.Is(err, ErrLeaseLost) {
		return false, nil
	}
	return err == nil, err
}

// Claimed makes sure, until the end of the transaction, that the segment is the
// member's: the fence of every transaction that writes rows.
func Claimed(ctx context.Context, s Store, l Lease, table string, segment int) error {
	return locked(ctx, s, l, `SELECT 1 FROM `+Schema+`.claim
		WHERE job = $1 AND owner = $2 AND table_name = $3 AND segment = $4 FOR SHARE`, table, segment)
}

// Claims returns the owners of the job's claimed segments.
func Claims(ctx context.Context, s Store, job string) (map[SegmentID]string, error) {
	out := map[SegmentID]string{}
	err := s.Each(ctx, `SELECT table_name, segment, owner FROM `+Schema+`.claim WHERE job = $1`, []any{job},
		func(scan func(...any) error) error {
			var id SegmentID
			var owner string
			if err := scan(&id.Table, &id.Segment, &owner); err != nil {
				return err
			}
			out[id] = owner
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read the claims of job %s: %w", job, err)
	}
	return out, nil
}

// SegmentID names a segment within a job.
type SegmentID struct {
	Table   string
	Segment int
}

// Last returns the newest chunk of a segment, of which only number, range and
// Final are set; found is false before the first.
func Last(ctx context.Context, s Store, job string, id SegmentID) (c Chunk, found bool, err error) {
	c.Table, c.Segment = id.Table, id.Segment
	err = s.Each(ctx, `SELECT seq, after_key, up_to_key, final FROM `+Schema+`.chunk
		WHERE job = $1 AND table_name = $2 AND segment = $3 ORDER BY seq DESC LIMIT 1`, []any{job, id.Table, id.Segment},
		func(scan func(...any) error) error {
			found = true
			var after, upTo *string
			if err = scan(&c.Seq, &after, &upTo, &c.Final); err != nil {
				return err
			}
			c.Range, err = parseRange(after, upTo)
			return err
		})
	if err != nil {
		return c, false, fmt.Errorf("read the newest chunk of segment %d of %s: %w", id.Segment, id.Table, err)
	}
	return c, found, nil
}

// Moved adds up what is recorded of a segment.
func Moved(ctx context.Context, s Store, job string, id SegmentID) (rows, bytes int64, err error) {
	err = s.Each(ctx, `SELECT coalesce(sum(row_count), 0)::INT8, coalesce(sum(byte_count), 0)::INT8 FROM `+Schema+`.chunk
		WHERE job = $1 AND table_name = $2 AND segment = $3`, []any{job, id.Table, id.Segment},
		func(scan func(...any) error) error { return scan(&rows, &bytes) })
	if err != nil {
		return 0, 0, fmt.Errorf("add up segment %d of %s: %w", id.Segment, id.Table, err)
	}
	return rows, bytes, nil
}
