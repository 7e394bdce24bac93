package checkpoint

import (
	"context"
	"fmt"
	"time"
)

// Pause is somebody's wish that a job stands still. It belongs to the job and
// not to a process: a copy that is started again stays paused.
type Pause struct {
	// By says who wants it: user@host.
	By    string
	Since time.Time
	// Stopped is when the running copy had stopped reading; zero before.
	Stopped time.Time
}

var controlDDL = []string{
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.pause (
		job TEXT PRIMARY KEY, by_whom TEXT NOT NULL, since TIMESTAMPTZ NOT NULL, stopped TIMESTAMPTZ)`,
}

// SetPause asks that the job stands still. Who asked first stays on record.
func SetPause(ctx context.Context, s Store, job, by string) error {
	_, err := s.Exec(ctx, `INSERT INTO `+Schema+`.pause (job, by_whom, since) VALUES ($1, $2, clock_timestamp())
		ON CONFLICT (job) DO NOTHING`, job, by)
	if err != nil {
		return fmt.Errorf("pause job %s: %w", job, err)
	}
	return nil
}

// EndPause lets the job go on; paused is false when it was not paused.
func EndPause(ctx context.Context, s Store, job string) (paused bool, err error) {
	n, err := s.Exec(ctx, `DELETE FROM `+Schema+`.pause WHERE job = $1`, job)
	if err != nil {
		return false, fmt.Errorf("resume job %s: %w", job, err)
	}
	return n > 0, nil
}

// NoteStopped records that the running copy has stopped reading.
func NoteStopped(ctx context.Context, s Store, job string) error {
	_, err := s.Exec(ctx, `UPDATE `+Schema+`.pause SET stopped = clock_timestamp() WHERE job = $1 AND stopped IS NULL`, job)
	if err != nil {
		return fmt.Errorf("note the pause of job %s: %w", job, err)
	}
	return nil
}

// Paused returns who wants the job to stand still; found is false when nobody does.
func Paused(ctx context.Context, s Store, job string) (p Pause, found bool, err error) {
	err = s.Each(ctx, `SELECT by_whom, since, stopped FROM `+Schema+`.pause WHERE job = $1`, []any{job},
		func(scan func(...any) error) error {
			found = true
			var stopped *time.Time
			if err = scan(&p.By, &p.Since, &stopped); err != nil {
				return err
			}
			if stopped != nil {
				p.Stopped = *stopped
			}
			return nil
		})
	if err != nil {
		return Pause{}, false, fmt.Errorf("is job %s paused: %w", job, err)
	}
	return p, found, nil
}

// HasPauses reports whether the target's checkpoint can hold pauses: one that
// an older version made cannot until Ensure has run.
func HasPauses(ctx context.Context, s Store) (bool, error) { return has(ctx, s, "pause") }

// HasImports is the same for imports.
func HasImports(ctx context.Context, s Store) (bool, error) { return has(ctx, s, "import") }

func has(ctx context.Context, s Store, table string) (bool, error) {
	found := false
	err := s.Each(ctx, `SELECT 1 FROM information_schema.tables WHERE table_schema = $1 AND table_name = $2`,
		[]any{Schema, table}, func(func(...any) error) error { found = true; return nil })
	if err != nil {
		return false, fmt.Errorf("look for the checkpoint: %w", err)
	}
	return found, nil
}

// Forget removes everything that is recorded of a job but its facts and its
// lease. It must be given a transaction.
func Forget(ctx context.Context, s Store, job string) error {
	for _, t := range []struct{ name, column string }{
		{"chunk", "job"}, {"segment", "job"}, {"claim", "job"}, {"clearing", "job"}, {"job", "id"},
	} {
		if _, err := s.Exec(ctx, `DELETE FROM `+Schema+`.`+t.name+` WHERE `+t.column+` = $1`, job); err != nil {
			return fmt.Errorf("forget job %s: %w", job, err)
		}
	}
	return nil
}
