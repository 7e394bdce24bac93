package migrate

import (
	"context"
	"errors"
	"strings"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/endpoint"
	"leap/internal/fault"
	"leap/internal/target"
)

// Order is what somebody wants of a copy that may be running elsewhere.
type Order struct {
	Target endpoint.Endpoint
	// Job is the copy's name, that of the source database; empty where the
	// target holds only one that is unfinished.
	Job string
	// By says who wants it.
	By string
}

// Ordered is what became of an order.
type Ordered struct {
	Job string `json:"job"`
	// Paused says whether the job is paused now.
	Paused bool `json:"paused"`
	// Changed is false when it was so already.
	Changed bool `json:"changed"`
	// Running says that a process is copying; Stopped that it has stopped reading.
	Running bool   `json:"running"`
	Stopped bool   `json:"stopped"`
	Process int    `json:"process,omitempty"`
	Host    string `json:"host,omitempty"`
	By      string `json:"by,omitempty"`
}

// stopsWithin is how long Pause waits for the running copy to stop: a poll, the
// rest that a throttled reader may be in, and the time of a batch of rows.
const stopsWithin = 15 * time.Second

// PauseJob marks a job as paused and waits until the process that copies it,
// if there is one, has stopped reading.
func PauseJob(ctx context.Context, o Order) (Ordered, error) {
	return o.give(ctx, func(store checkpoint.Store, out *Ordered) error {
		before, was, err := checkpoint.Paused(ctx, store, out.Job)
		if err != nil {
			return err
		}
		if err := checkpoint.SetPause(ctx, store, out.Job, o.By); err != nil {
			return err
		}
		out.Paused, out.Changed, out.By = true, !was, o.By
		if was {
			out.By = before.By
		}
		return out.awaitStop(ctx, store)
	})
}

// ResumeJob takes the mark away.
func ResumeJob(ctx context.Context, o Order) (Ordered, error) {
	return o.give(ctx, func(store checkpoint.Store, out *Ordered) error {
		var err error
		out.Changed, err = checkpoint.EndPause(ctx, store, out.Job)
		return err
	})
}

// give finds the job and carries the order out.
func (o Order) give(ctx context.Context, fn func(checkpoint.Store, *Ordered) error) (Ordered, error) {
	var out Ordered
	dst, err := target.Connect(ctx, o.Target, 2)
	if err != nil {
		return out, err
	}
	defer dst.Close()
	store := dst.Store()
	if out.Job, err = o.find(ctx, store); err != nil {
		return out, err
	}
	if err = checkpoint.Ensure(ctx, store); err != nil { // an older version made it without pauses
		return out, err
	}
	members, err := checkpoint.Members(ctx, store, out.Job)
	if err != nil {
		return out, err
	}
	for _, m := range members {
		if m.Silent <= silentFor && (m.Leads || !out.Running) {
			out.Running, out.Process, out.Host = true, m.PID, m.Host
		}
	}
	return out, fn(store, &out)
}

// awaitStop waits until the running copy says that it stands still.
func (out *Ordered) awaitStop(ctx context.Context, store checkpoint.Store) error {
	if !out.Running {
		return nil
	}
	limit := time.NewTimer(stopsWithin)
	defer limit.Stop()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		pause, found, err := checkpoint.Paused(ctx, store, out.Job)
		if err != nil {
			return err
		}
		if out.Stopped = found && !pause.Stopped.IsZero(); out.Stopped {
			return nil
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return nil // the answer says that it has not stopped yet
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// find returns the job that is meant.
func (o Order) find(ctx context.Context, store checkpoint.Store) (string, error) {
	exists, err := checkpoint.Readable(ctx, store)
	if err != nil {
		return "", err
	}
	var open, all, meant []string
	if exists {
		if all, err = checkpoint.Jobs(ctx, store); err != nil {
			return "", err
		}
	}
	for _, id := range all {
		if o.Job != "" && id != o.Job {
			continue
		}
		job, err := checkpoint.Load(ctx, store, id)
		if errors.Is(err, checkpoint.ErrNoJob) {
			continue
		}
		if err != nil {
			return "", err
		}
		meant = append(meant, id)
		if job.Finished.IsZero() {
			open = append(open, id)
		}
	}
	switch {
	case len(open) == 1:
		return open[0], nil
	case len(open) == 0 && len(meant) == 1:
		return meant[0], nil // its verification may be running
	case len(open) > 1:
		return "", fault.New(fault.Usage, "say which with --job", "several copies are unfinished in this target: %s", strings.Join(open, ", "))
	case o.Job != "":
		return "", fault.New(fault.Refused, "see migrate status", "no copy named %q is in this target", o.Job)
	}
	return "", fault.New(fault.Refused, "see migrate status", "there is no copy in this target to pause or resume")
}
