package checkpoint

import (
	"context"
	"fmt"
	"time"
)

// Entry is where a job stands, as the process that works on it last noted. It
// is for people: nothing is decided by it.
type Entry struct {
	Job string
	// By is the owner of the lease that the process holds which notes this; empty
	// when it holds none. It is not kept.
	By string
	// Phase is the last that was begun; State is one of the constants below.
	Phase string
	State string
	// Error is why it broke off.
	Error string
	// Done and Total count the phase's rows, those of earlier runs included;
	// Total is an estimate. Rate is the rows per second of this run.
	Done, Total int64
	Rate        float64
	// Silent is how long ago that was noted, by the target's clock.
	Silent time.Duration
}

// The states of an Entry.
const (
	Running = "running"
	Ended   = "ended"
	Broken  = "broken"
	Stopped = "stopped" // by a person, who sees to it that it goes on
)

var journalDDL = []string{
	`CREATE TABLE IF NOT EXISTS ` + Schema + `.journal (
		job TEXT PRIMARY KEY, phase TEXT NOT NULL, state TEXT NOT NULL, error TEXT NOT NULL,
		done INT8 NOT NULL, total INT8 NOT NULL, rate FLOAT8 NOT NULL, noted TIMESTAMPTZ NOT NULL)`,
}

// HasJournal reports whether the target has a journal: older versions made
// checkpoints without.
func HasJournal(ctx context.Context, s Store) (bool, error) {
	found := false
	err := s.Each(ctx, `SELECT 1 FROM information_schema.tables WHERE table_schema = $1 AND table_name = 'journal'`,
		[]any{Schema}, func(func(...any) error) error { found = true; return nil })
	if err != nil {
		return false, fmt.Errorf("look for the journal: %w", err)
	}
	return found, nil
}

// Note replaces the job's entry, unless e.By held the lease and does not any more.
func Note(ctx context.Context, s Store, e Entry) error {
	_, err := s.Exec(ctx, `INSERT INTO `+Schema+`.journal (job, phase, state, error, done, total, rate, noted)
		SELECT $1::TEXT, $2::TEXT, $3::TEXT, $4::TEXT, $5::INT8, $6::INT8, $7::FLOAT8, clock_timestamp()
		WHERE $8::TEXT = '' OR EXISTS (SELECT 1 FROM `+Schema+`.lease WHERE job = $1::TEXT AND owner = $8::TEXT)
		ON CONFLICT (job) DO UPDATE SET phase = excluded.phase, state = excluded.state, error = excluded.error,
		done = excluded.done, total = excluded.total, rate = excluded.rate, noted = excluded.noted`,
		e.Job, e.Phase, e.State, e.Error, e.Done, e.Total, e.Rate, e.By)
	if err != nil {
		return fmt.Errorf("note where job %s stands: %w", e.Job, err)
	}
	return nil
}

// Noted returns the job's entry; found is false when there is none.
func Noted(ctx context.Context, s Store, job string) (e Entry, found bool, err error) {
	e.Job = job
	err = s.Each(ctx, `SELECT phase, state, error, done, total, rate, extract(epoch FROM clock_timestamp() - noted)::FLOAT8
		FROM `+Schema+`.journal WHERE job = $1`, []any{job}, func(scan func(...any) error) error {
		found = true
		var silent float64
		if err = scan(&e.Phase, &e.State, &e.Error, &e.Done, &e.Total, &e.Rate, &silent); err != nil {
			return err
		}
		e.Silent = time.Duration(silent * float64(time.Second))
		return nil
	})
	if err != nil {
		return e, false, fmt.Errorf("read where job %s stands: %w", job, err)
	}
	return e, found, nil
}
