package migrate

import (
	"context"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/endpoint"
	"leap/internal/target"
)

// Status is what a target knows of the copies into it.
type Status struct {
	Target  string      `json:"target"`
	StandIn bool        `json:"stand_in"`
	Jobs    []JobStatus `json:"jobs"`
}

// JobStatus is one copy.
type JobStatus struct {
	Name     string        `json:"name"`
	Source   string        `json:"source"`
	Started  time.Time     `json:"started"`
	Finished *time.Time    `json:"finished"` // nil while rows or indexes are missing
	Paused   *PauseStatus  `json:"paused"`   // nil unless somebody paused it
	Tables   []TableStatus `json:"tables"`
}

// PauseStatus says who paused a copy.
type PauseStatus struct {
	By    string    `json:"by"`
	Since time.Time `json:"since"`
	// Stopped is when the running copy had stopped reading; nil before, and
	// while nobody copies.
	Stopped *time.Time `json:"stopped"`
}

// TableStatus is one table of a copy.
type TableStatus struct {
	Name  string `json:"name"`
	State string `json:"state"` // "waiting", "copying" or "copied"
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	// LastCommit is when its newest chunk was committed; nil before the first.
	LastCommit *time.Time `json:"last_commit"`
	// RowsPerSecond is measured from the first to the newest chunk; nil below two chunks.
	RowsPerSecond *float64 `json:"rows_per_second"`
}

// The states of a table.
const (
	Waiting = "waiting"
	Copying = "copying"
	Copied  = "copied"
)

// ReadStatus reads the checkpoint of a target. It changes nothing, and works
// while a copy is running.
func ReadStatus(ctx context.Context, e endpoint.Endpoint) (Status, error) {
	dst, err := target.Connect(ctx, e, 2)
	if err != nil {
		return Status{}, err
	}
	defer dst.Close()
	out := Status{Target: e.String(), StandIn: dst.StandIn(), Jobs: []JobStatus{}}
	store := dst.Store()
	exists, err := checkpoint.Readable(ctx, store)
	if err != nil || !exists {
		return out, err
	}
	jobs, err := checkpoint.Jobs(ctx, store)
	if err != nil {
		return out, err
	}
	for _, id := range jobs {
		job, err := readJob(ctx, store, id)
		if err != nil {
			return out, err
		}
		out.Jobs = append(out.Jobs, job)
	}
	return out, nil
}

func readJob(ctx context.Context, store checkpoint.Store, id string) (JobStatus, error) {
	job, err := checkpoint.Load(ctx, store, id)
	if err != nil {
		return JobStatus{}, err
	}
	out := JobStatus{Name: id, Source: job.Source, Started: job.Started.UTC()}
	if !job.Finished.IsZero() {
		finished := job.Finished.UTC()
		out.Finished = &finished
	}
	if out.Paused, err = readPause(ctx, store, id); err != nil {
		return out, err
	}
	tables, err := checkpoint.Tables(ctx, store, job)
	if err != nil {
		return out, err
	}
	for _, t := range tables {
		out.Tables = append(out.Tables, tableStatus(t))
	}
	return out, nil
}

func readPause(ctx context.Context, store checkpoint.Store, id string) (*PauseStatus, error) {
	if can, err := checkpoint.HasPauses(ctx, store); err != nil || !can {
		return nil, err
	}
	p, found, err := checkpoint.Paused(ctx, store, id)
	if err != nil || !found {
		return nil, err
	}
	out := &PauseStatus{By: p.By, Since: p.Since.UTC()}
	if !p.Stopped.IsZero() {
		stopped := p.Stopped.UTC()
		out.Stopped = &stopped
	}
	return out, nil
}

func tableStatus(t checkpoint.TableProgress) TableStatus {
	out := TableStatus{Name: t.Table, Rows: t.Rows, Bytes: t.Bytes, State: Copying}
	switch {
	case t.Segments > 0 && t.Done == t.Segments:
		out.State = Copied
	case t.Chunks == 0:
		out.State = Waiting
	}
	if t.Chunks > 0 {
		last := t.Last.UTC()
		out.LastCommit = &last
	}
	if seconds := t.Last.Sub(t.First).Seconds(); t.Chunks > 1 && seconds > 0 {
		rate := float64(t.Rows) / seconds
		out.RowsPerSecond = &rate
	}
	return out
}
