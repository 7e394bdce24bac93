package migrate

import (
	"context"
	"fmt"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/fault"
)

// Join says whether a copy shares the work of one that is running.
type Join string

// The ways.
const (
	// JoinNone refuses to work beside another process.
	JoinNone Join = ""
	// JoinSame shares the work while this process sees what another one sees.
	JoinSame Join = "same"
	// JoinNewer shares it also when the source has been written to since.
	JoinNewer Join = "newer"
)

// unnamedView is what a member shows whose view has no name that others could
// compare with theirs.
const unnamedView = "-"

// askEvery is how often a member looks at what it waits for.
const askEvery = 500 * time.Millisecond

// awaitTurn waits until this process leads, or until the one that leads has
// prepared everything that the others need: the job, and the division of every
// table.
func (s *session) awaitTurn(ctx context.Context) (leads bool, err error) {
	told := false
	for {
		lead, err := s.lead(ctx)
		if err != nil {
			return false, err
		}
		if lead.Owner == s.lease.Owner {
			return true, nil
		}
		if lead.View != "" {
			ready, err := s.divided(ctx)
			if err != nil || ready {
				return false, err
			}
		}
		if !told {
			told = true
			s.step("process %d on %s leads this copy: waiting until its tables can be shared", lead.PID, lead.Host)
		}
		if err := wait(ctx, askEvery); err != nil {
			return false, err
		}
	}
}

// lead returns the member that leads; without an owner when there is none just
// now. It fails when this process is no member any more.
func (s *session) lead(ctx context.Context) (lead checkpoint.Member, err error) {
	members, err := checkpoint.Members(ctx, s.target.Store(), s.lease.Job)
	if err != nil {
		return lead, err
	}
	member := false
	for _, m := range members {
		member = member || m.Owner == s.lease.Owner
		if m.Leads {
			lead = m
		}
	}
	if !member {
		return lead, fmt.Errorf("job %s: %w", s.lease.Job, checkpoint.ErrLeaseLost)
	}
	return lead, nil
}

// divided reports whether every table of the plan has its segments.
func (s *session) divided(ctx context.Context) (bool, error) {
	segments, err := checkpoint.Segments(ctx, s.target.Store(), s.lease.Job)
	if err != nil {
		return false, err
	}
	for _, m := range s.mappings() {
		if segments[m.SourceName] == nil {
			return false, nil
		}
	}
	return true, nil
}

// showView tells the others what this process reads of the source.
func (s *session) showView(ctx context.Context) error {
	return checkpoint.ShowView(ctx, s.target.Store(), s.lease, s.viewName())
}

// viewName names what this process reads of the source.
func (s *session) viewName() string {
	s.seen.Lock()
	defer s.seen.Unlock()
	if s.position.View == "" {
		return unnamedView
	}
	return s.position.View
}

// refuseOtherView refuses to add another moment of the source to a copy unless
// that was asked for.
func (s *session) refuseOtherView(ctx context.Context) error {
	own := s.viewName()
	members, err := checkpoint.Members(ctx, s.target.Store(), s.lease.Job)
	if err != nil {
		return err
	}
	var lead checkpoint.Member
	for _, m := range members {
		if m.Owner == s.lease.Owner {
			continue
		}
		if m.View == own && own != unnamedView {
			s.step("sharing the copy of process %d on %s: the same view of the source", m.PID, m.Host)
			return nil
		}
		if m.View != "" {
			lead = m
		}
	}
	what := fmt.Sprintf("the source was written to since process %d on %s took its snapshot at %s: this one would read it at %s",
		lead.PID, lead.Host, lead.View, own)
	if own == unnamedView || lead.View == unnamedView {
		what = "nothing tells whether this process sees the source as the others do: it has no binlog position to compare"
	}
	if s.cfg.Join == JoinNewer {
		s.step("sharing the copy though %s; each chunk remembers its position", what)
		return nil
	}
	return fault.New(fault.Refused,
		"stop the writers and start all processes again, or accept chunks of several moments with --join=newer, which the report carries", "%s", what)
}

// awaitFinish waits until the job is finished, by the member that leads, or
// until this process leads and has to finish it.
func (s *session) awaitFinish(ctx context.Context) (leads bool, err error) {
	told := false
	for {
		lead, err := s.lead(ctx)
		if err == nil && lead.Owner == s.lease.Owner {
			return true, nil
		}
		job, loadErr := checkpoint.Load(ctx, s.target.Store(), s.lease.Job)
		switch {
		case loadErr != nil:
			return false, loadErr
		case !job.Finished.IsZero():
			return false, nil
		case err != nil:
			return false, err
		}
		if !told {
			told = true
			s.step("all rows are copied: waiting for process %d on %s, which builds indexes and constraints", lead.PID, lead.Host)
		}
		if err := wait(ctx, askEvery); err != nil {
			return false, err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
