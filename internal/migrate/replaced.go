package migrate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/fault"
	"leap/internal/source"
)

// markTables remembers which tables have which names, before a snapshot is taken.
func (s *session) markTables(ctx context.Context) (err error) {
	if s.cfg.Snapshot == source.NoSnapshot {
		return nil // nobody was promised one moment
	}
	s.marked, err = s.source.Identities(ctx, nil)
	return err
}

// refuseReplaced refuses what was read when names did not stand for the same
// tables all the time: some rows may be of a table that was not meant, or not
// of the snapshot's moment.
func (s *session) refuseReplaced(ctx context.Context) error {
	if s.cfg.Snapshot == source.NoSnapshot {
		return nil
	}
	var through *source.Snapshot
	if n := s.cfg.Kindness.Connections; n > 0 {
		view, err := s.keeper.View(ctx)
		if err != nil {
			return err
		}
		if n <= view.Position().Connections+1 { // it and the one that watches the source have all
			through = view
		}
	}
	now, err := s.source.Identities(ctx, through)
	if err != nil {
		return err
	}
	if now.Blind != "" && !s.blind {
		s.blind = true
		s.step("%s meanwhile goes unnoticed: GRANT PROCESS ON *.* to the account of the source would change that", now.Blind)
	}
	var read []string
	for _, m := range s.mappings() {
		read = append(read, m.SourceName)
		if m.Slice != nil {
			for _, hop := range m.Slice.Path {
				read = append(read, hop.Table)
			}
		}
	}
	slices.Sort(read)
	replaced := s.marked.Replaced(now, slices.Compact(read))
	if len(replaced) == 0 {
		return nil
	}
	return fault.New(fault.Refused,
		"stop schema changes on the source (online ones too: gh-ost, pt-online-schema-change), empty the target and begin again",
		"the source replaced or altered %s while it was read: what was read may not be the rows of one moment", strings.Join(replaced, ", "))
}

// replacedID is under which it is noted that a job has read replaced tables. No
// database can have this name.
func (s *session) replacedID() string { return s.jobID() + "/replaced" }

// noteReplaced remembers a refusal of refuseReplaced with the job: what was copied
// stays suspect, and the next start would find nothing wrong.
func (s *session) noteReplaced(ctx context.Context, refused error) error {
	if fault.ClassOf(refused) != fault.Refused {
		return refused // the source could not be asked
	}
	return errors.Join(refused, s.target.Transaction(ctx, transaction(func(store checkpoint.Store) error {
		job, err := checkpoint.Load(ctx, store, s.jobID())
		if err != nil {
			return err
		}
		return checkpoint.SaveFacts(ctx, store, s.replacedID(), job.Started.UTC().Format(time.RFC3339Nano)+" "+refused.Error())
	})))
}

// refuseNoted refuses to go on with a job that has read replaced tables.
func (s *session) refuseNoted(ctx context.Context) error {
	store := s.target.Store()
	note, found, err := checkpoint.LoadFacts(ctx, store, s.replacedID())
	if err != nil || !found {
		return err
	}
	job, err := checkpoint.Load(ctx, store, s.jobID())
	if err != nil {
		return err
	}
	started, why, _ := strings.Cut(note, " ")
	if started != job.Started.UTC().Format(time.RFC3339Nano) {
		return nil // that was another attempt
	}
	return fault.New(fault.Refused, "empty the target, its schema _migrate included, and begin again", "an earlier start of this copy ended so: %s", why)
}
