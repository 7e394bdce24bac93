package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Lease says which process works on a job. Only its holder may write: two
// copies at once would each take the other's work for an interrupted run.
type Lease struct {
	Job string
	// Owner is unique to one run of one process.
	Owner string
	// Host and PID tell people, and a successor on the same machine, who that is.
	Host string
	PID  int
}

// Holder is a lease that somebody has, and how long ago he last showed life by
// the target's clock.
type Holder struct {
	Lease
	Silent time.Duration
}

// ErrLeaseLost is returned by Hold when another process has taken the job
// over. Stop: what was committed is kept and the other one continues.
var ErrLeaseLost = errors.New("another process has taken this copy over")

// Owner ids and heartbeats are kept apart: every chunk locks the owner's row
// for reading, which a heartbeat in the same row would have to wait for.
var leaseDDL = []string{
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.lease (
		job TEXT PRIMARY KEY, owner TEXT NOT NULL, host TEXT NOT NULL, pid INT8 NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.heartbeat (job TEXT PRIMARY KEY, beat TIMESTAMPTZ NOT NULL)`,
}

// Who returns the job's holder; found is false when the job is free.
func Who(ctx context.Context, s Store, job string) (h Holder, found bool, err error) {
	h.Job = job
	err = s.Each(ctx, `SELECT l.owner, l.host, l.pid, extract(epoch FROM clock_timestamp() - h.beat)::FLOAT8
		FROM `+Schema+`.lease l JOIN `+Schema+`.heartbeat h ON h.job = l.job WHERE l.job = $1`, []any{job},
		func(scan func(...any) error) error {
			found = true
			var seconds float64
			if err = scan(&h.Owner, &h.Host, &h.PID, &seconds); err != nil {
				return err
			}
			h.Silent = time.Duration(seconds * float64(time.Second))
			return nil
		})
	if err != nil {
		return h, false, fmt.Errorf("who works on job %s: %w", job, err)
	}
	return h, found, nil
}

// Take makes l the holder in the place of previous, which is empty for a free
// job. It fails with ErrLeaseLost when somebody else came first. The update
// waits for chunks that the previous holder is committing. It must be given a
// serializable transaction.
func Take(ctx context.Context, s Store, l Lease, previous string) error {
	var n int64
	var err error
	if previous == "" {
		n, err = s.Exec(ctx, `INSERT INTO `+Schema+`.lease (job, owner, host, pid) VALUES ($1, $2, $3, $4)
			ON CONFLICT (job) DO NOTHING`, l.Job, l.Owner, l.Host, l.PID)
	} else {
		n, err = s.Exec(ctx, `UPDATE `+Schema+`.lease SET owner = $2, host = $3, pid = $4
			WHERE job = $1 AND owner IN ($5, $2)`, l.Job, l.Owner, l.Host, l.PID, previous)
	}
	if err != nil {
		return fmt.Errorf("take job %s: %w", l.Job, err)
	}
	if n != 1 {
		// A repetition after a commit of unknown outcome finds itself.
		return Hold(ctx, s, l)
	}
	_, err = s.Exec(ctx, `INSERT INTO `+Schema+`.heartbeat (job, beat) VALUES ($1, clock_timestamp())
		ON CONFLICT (job) DO UPDATE SET beat = excluded.beat`, l.Job)
	if err != nil {
		return fmt.Errorf("take job %s: %w", l.Job, err)
	}
	return nil
}

// Hold makes sure, until the end of the transaction, that l is the holder.
func Hold(ctx context.Context, s Store, l Lease) error {
	found := false
	err := s.Each(ctx, `SELECT 1 FROM `+Schema+`.lease WHERE job = $1 AND owner = $2 FOR SHARE`,
		[]any{l.Job, l.Owner}, func(func(...any) error) error { found = true; return nil })
	if err != nil {
		return fmt.Errorf("hold job %s: %w", l.Job, err)
	}
	if !found {
		return fmt.Errorf("job %s: %w", l.Job, ErrLeaseLost)
	}
	return nil
}

// Beat shows that the holder lives.
func Beat(ctx context.Context, s Store, l Lease) error {
	_, err := s.Exec(ctx, `UPDATE `+Schema+`.heartbeat SET beat = clock_timestamp() WHERE job = $1
		AND EXISTS (SELECT 1 FROM `+Schema+`.lease WHERE job = $1 AND owner = $2)`, l.Job, l.Owner)
	if err != nil {
		return fmt.Errorf("heartbeat of job %s: %w", l.Job, err)
	}
	return nil
}

// Release gives the job back. Releasing what somebody else holds does nothing.
func Release(ctx context.Context, s Store, l Lease) error {
	if _, err := s.Exec(ctx, `DELETE FROM `+Schema+`.lease WHERE job = $1 AND owner = $2`, l.Job, l.Owner); err != nil {
		return fmt.Errorf("release job %s: %w", l.Job, err)
	}
	return nil
}
