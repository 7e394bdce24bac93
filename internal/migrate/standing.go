package migrate

import (
	"context"
	"errors"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/endpoint"
	"leap/internal/target"
)

// Standing is where one move stands, as its target remembers it.
type Standing struct {
	// State is one of the constants below.
	State string `json:"state"`
	// Phase is the last that was begun; empty before the first.
	Phase string `json:"phase"`
	// Rows counts what is copied.
	Rows int64 `json:"rows"`
	// Percent of the phase, RowsPerSecond and ETASeconds are nil where they are not
	// known. The last two are those of the process that leads a shared copy.
	Percent       *float64 `json:"percent"`
	RowsPerSecond *float64 `json:"rows_per_second"`
	ETASeconds    *float64 `json:"eta_seconds"`
	// Error is why it broke off last.
	Error string `json:"error,omitempty"`
}

// The states of a Standing.
const (
	StandsWaiting     = "waiting"     // nothing was begun
	StandsRunning     = "running"     // somebody works on it
	StandsStopped     = "stopped"     // it was stopped, or whoever worked on it is gone without a word; Error says which
	StandsPaused      = "paused"      // somebody told it to stand still
	StandsFailed      = "failed"      // it broke off; Error says why
	StandsPrepared    = "prepared"    // the tables are there
	StandsCopied      = "copied"      // the rows are there, and nothing is compared
	StandsDone        = "done"        // all rows were compared and are equal
	StandsUnreachable = "unreachable" // the target cannot be asked; Error says why
)

// ReadStanding asks a target where the copy of a source database stands, or of the
// tenant with these ids there. It changes nothing.
func ReadStanding(ctx context.Context, e endpoint.Endpoint, database string, ids []string) (Standing, error) {
	out := Standing{State: StandsWaiting}
	dst, err := target.Connect(ctx, e, 2)
	if err != nil {
		return out, err
	}
	defer dst.Close()
	store := dst.Store()
	exists, err := checkpoint.Readable(ctx, store)
	if err != nil || !exists {
		return out, err
	}
	other, err := otherOwner(ctx, store, database, ids)
	if err != nil {
		return out, err
	}
	if other != "" {
		out.State, out.Error = StandsFailed, "the target holds the rows of "+other
		return out, nil
	}
	if err = out.readJob(ctx, store, database); err != nil {
		return out, err
	}
	has, err := checkpoint.HasJournal(ctx, store)
	if err != nil || !has {
		return out, err
	}
	entry, found, err := checkpoint.Noted(ctx, store, database)
	if err == nil && found {
		out.apply(entry)
	}
	return out, err
}

// readJob reads what the copy itself wrote.
func (out *Standing) readJob(ctx context.Context, store checkpoint.Store, database string) error {
	job, err := checkpoint.Load(ctx, store, database)
	if errors.Is(err, checkpoint.ErrNoJob) {
		return nil
	}
	if err != nil {
		return err
	}
	tables, err := checkpoint.Tables(ctx, store, job)
	if err != nil {
		return err
	}
	for _, t := range tables {
		out.Rows += t.Rows
	}
	out.Phase, out.State = string(Copy), StandsStopped
	if !job.Finished.IsZero() {
		out.State = StandsCopied
		return nil
	}
	pause, err := readPause(ctx, store, database)
	if pause != nil {
		out.State, out.Error = StandsPaused, "paused by "+pause.By
	}
	return err
}

// goneAfter is how long a process may be silent before it counts as gone: a few
// of its notes.
const goneAfter = 5 * noteEvery

// apply adds what the process that works on it noted.
func (out *Standing) apply(e checkpoint.Entry) {
	out.Phase = e.Phase
	percent := func(done, total int64) {
		if total > 0 {
			p := min(100, 100*float64(done)/float64(total))
			out.Percent = &p
		}
	}
	switch {
	case e.State == checkpoint.Broken:
		out.State, out.Error = StandsFailed, e.Error
		percent(out.done(e), e.Total)
	case e.State == checkpoint.Stopped:
		out.State, out.Error = StandsStopped, "somebody stopped it "+e.Silent.Round(time.Second).String()+" ago"
		percent(out.done(e), e.Total)
	case e.State == checkpoint.Ended:
		out.ended(Phase(e.Phase))
	case e.Silent > goneAfter:
		out.State = StandsStopped
		out.Error = "nobody works on it since " + e.Silent.Round(time.Second).String()
		percent(out.done(e), e.Total)
	default:
		if out.State != StandsPaused {
			out.State = StandsRunning
		}
		percent(out.done(e), e.Total)
		if e.Rate > 0 {
			out.RowsPerSecond = &e.Rate
		}
		if left := float64(e.Total - out.done(e)); left > 0 && e.Rate > 0 {
			seconds := left / e.Rate
			out.ETASeconds = &seconds
		}
	}
}

// done is how many rows of the phase are done. The process that notes knows its
// own; what others copied that share the work is in the checkpoint.
func (out *Standing) done(e checkpoint.Entry) int64 {
	if Phase(e.Phase) == Copy {
		return max(e.Done, out.Rows)
	}
	return e.Done
}

func (out *Standing) ended(p Phase) {
	all := 100.0
	switch p {
	case Verify:
		out.State, out.Percent = StandsDone, &all
	case Copy:
		out.State, out.Percent = StandsCopied, &all
	case Schema:
		out.State = StandsPrepared
	case Assess:
		out.State = StandsWaiting
	}
}
