package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"leap/internal/checkpoint"
	"leap/internal/copy"
	"leap/internal/fault"
	"leap/internal/schema"
	"leap/internal/source"
)

// copy moves the rows and builds what comes after them. It continues an
// unfinished copy by itself; a finished one it only confirms.
func (s *session) copy(ctx context.Context) error {
	if err := s.refuseBlockers(); err != nil {
		return err
	}
	if s.cfg.Ingest == IngestImport {
		if err := s.refuseImport(); err != nil {
			return err
		}
	}
	if err := checkpoint.Ensure(ctx, s.target.Store()); err != nil {
		return err
	}
	s.quiet.Store(true) // until it turns out that this process leads
	release, err := s.holdJob(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if lost := release(); lost {
			s.quiet.Store(true)
		}
		s.leading.Store(nil)
	}()
	err = s.copyAsMember(ctx)
	if errors.Is(err, checkpoint.ErrLeaseLost) || errors.Is(err, checkpoint.ErrTaken) {
		return fault.Wrap(fault.Refused, "this process was silent for too long; the other one continues, see migrate status", err)
	}
	return err
}

// copyAsMember copies as one of the processes that work on the job, or as the only one.
func (s *session) copyAsMember(ctx context.Context) error {
	leads, err := s.awaitTurn(ctx)
	if err != nil {
		return err
	}
	begin, move := s.follow, s.copyRows
	if leads {
		s.speak()
		begin, move = s.prepare, s.moveRows
	}
	job, err := begin(ctx)
	if err != nil {
		return err
	}
	if !job.Finished.IsZero() {
		if err = s.confirmFinished(ctx, job.Finished); err != nil {
			return err
		}
		s.step("the copy is finished since %s: nothing to do", job.Finished.UTC().Format(time.RFC3339))
		return s.recall(ctx)
	}
	if err = move(ctx); err != nil {
		return err
	}
	if err = s.refuseReplaced(ctx); err != nil {
		return s.noteReplaced(ctx, err)
	}
	if leads, err = s.awaitFinish(ctx); err != nil || !leads {
		return err
	}
	s.speak()
	fewer, err := s.tellOutside(ctx)
	if err != nil {
		return err
	}
	if err = s.finishSchema(ctx); err != nil {
		return err
	}
	if err = s.keepWords(ctx); err != nil {
		return err
	}
	if err = s.finish(ctx, job.ID); err != nil {
		return err
	}
	return fewer
}

// finish records that everything is in place.
func (s *session) finish(ctx context.Context, job string) error {
	return s.target.Transaction(ctx, transaction(func(store checkpoint.Store) error {
		if err := checkpoint.Hold(ctx, store, s.lease); err != nil {
			return err
		}
		return checkpoint.Finish(ctx, store, job)
	}))
}

// speak has this process note where the copy stands, because it leads.
func (s *session) speak() {
	s.leading.Store(&s.lease.Owner)
	s.quiet.Store(false)
}

// prepare begins or opens the job and everything that must be there before the
// rows. Only the member that leads does it.
func (s *session) prepare(ctx context.Context) (checkpoint.Job, error) {
	if err := s.settleImports(ctx); err != nil {
		return checkpoint.Job{}, err
	}
	job, err := s.openJob(ctx)
	if err != nil || !job.Finished.IsZero() {
		return job, err
	}
	if err = s.refuseNoted(ctx); err != nil {
		return job, err
	}
	if err = s.makeRoom(ctx); err != nil {
		return job, err
	}
	if err = s.indexesFirst(ctx); err != nil {
		return job, err
	}
	if err = s.takeSnapshot(ctx); err != nil {
		return job, err
	}
	return job, s.showView(ctx)
}

// follow opens the job that another process has begun.
func (s *session) follow(ctx context.Context) (checkpoint.Job, error) {
	job, err := s.openJob(ctx)
	if err != nil || !job.Finished.IsZero() {
		return job, err
	}
	if err = s.takeSnapshot(ctx); err != nil {
		return job, err
	}
	if err = s.refuseOtherView(ctx); err != nil {
		return job, err
	}
	return job, s.showView(ctx)
}

// moveRows moves the rows of all tables, in one way or two. What is imported is
// imported before other members begin.
func (s *session) moveRows(ctx context.Context) error {
	rest, err := s.importTables(ctx, s.copyConfig())
	if err != nil {
		return err
	}
	return s.copyTables(ctx, rest)
}

// copyRows moves the rows of all tables together with the member that leads.
func (s *session) copyRows(ctx context.Context) error { return s.copyTables(ctx, s.mappings()) }

func (s *session) copyTables(ctx context.Context, tables []*schema.Mapping) error {
	copied, err := copy.Run(ctx, views{s}, s.writer(), tables, s.copyConfig())
	s.copied = append(s.copied, copied...)
	return err
}

func (s *session) copyConfig() copy.Config {
	return copy.Config{
		Lease: s.lease, Workers: s.cfg.Workers, ChunkRows: s.cfg.ChunkRows, ChunkBytes: s.cfg.ChunkBytes,
		RetryFor: s.cfg.RetryFor, Puts: s.cfg.Ingest == IngestUpsert, Events: s.cfg.Events,
	}
}

// recall reads what a finished copy wrote, for the report.
func (s *session) recall(ctx context.Context) error {
	var err error
	s.copied, err = copy.Recall(ctx, s.writer(), s.jobID(), s.mappings())
	return err
}

// openJob begins the job or opens the one that is there. A target with rows
// that no job wrote, and a job that was begun for another source or another
// plan, are refused: continuing would mix two things.
func (s *session) openJob(ctx context.Context) (checkpoint.Job, error) {
	fingerprints := map[string]string{}
	for _, m := range s.mappings() {
		f, err := m.Fingerprint()
		if err != nil {
			return checkpoint.Job{}, err
		}
		fingerprints[m.SourceName] = f
	}
	want := checkpoint.Job{ID: s.jobID(), Source: s.sourceIdentity(), Tables: fingerprints, Tool: s.cfg.Version}
	store := s.target.Store()
	if err := s.refuseOther(ctx); err != nil {
		return want, err
	}
	job, err := checkpoint.Load(ctx, store, want.ID)
	if err == nil && s.cfg.Ingest == IngestUpsert && !job.Finished.IsZero() {
		if err = s.startOver(ctx, want.ID); err == nil {
			err = checkpoint.ErrNoJob
		}
	}
	begun := !errors.Is(err, checkpoint.ErrNoJob)
	if begun {
		if err == nil {
			err = sameJob(job, want)
		}
		if err != nil {
			return want, err
		}
	}
	if err = s.refuseDrift(ctx); err != nil || begun {
		return job, err
	}
	return s.beginJob(ctx, want)
}

// beginJob records a new job, in a target that holds no rows yet unless they
// are put by key.
func (s *session) beginJob(ctx context.Context, want checkpoint.Job) (checkpoint.Job, error) {
	refuse := s.refuseRows
	if s.cfg.Ingest == IngestUpsert {
		refuse = s.refuseKeys
	}
	if err := refuse(ctx); err != nil {
		return want, err
	}
	leads := func(store checkpoint.Store) error { return checkpoint.Hold(ctx, store, s.lease) }
	if err := s.keepFacts(ctx, leads); err != nil {
		return want, err
	}
	err := s.target.Transaction(ctx, transaction(func(store checkpoint.Store) error {
		if err := leads(store); err != nil {
			return err
		}
		// With the job, before the first row: tables without rows are nobody's.
		if err := s.keepOwner(ctx, store); err != nil {
			return err
		}
		return checkpoint.Begin(ctx, store, want)
	}))
	return want, err
}

// sourceIdentity names the server and database that rows come from.
func (s *session) sourceIdentity() string {
	info := s.source.Info()
	return info.ServerUUID + "/" + info.Database
}

// refuseRows refuses to copy into tables that already hold something.
func (s *session) refuseRows(ctx context.Context) error {
	var full []string
	for _, m := range s.mappings() {
		empty, err := s.target.Empty(ctx, m)
		if err != nil {
			return err
		}
		if !empty {
			full = append(full, m.Name)
		}
	}
	if len(full) == 0 {
		return nil
	}
	return fault.New(fault.Refused, "empty these tables, copy into a new database, or put the rows by key with --ingest=upsert",
		"the target is not empty: %s hold rows that this tool did not copy", strings.Join(full, ", "))
}

// sameJob refuses a job that was begun for something else.
func sameJob(have, want checkpoint.Job) error {
	const again = "to copy anew, drop the tables and the schema " + checkpoint.Schema + " in the target and start again"
	if have.Source != want.Source {
		return fault.New(fault.Refused, again, "this target holds a copy of another source: %s, not %s", have.Source, want.Source)
	}
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(have.Tables)) {
		if f, ok := want.Tables[name]; !ok {
			changed = append(changed, name+" is gone")
		} else if f != have.Tables[name] {
			changed = append(changed, name+" changed")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want.Tables)) {
		if _, ok := have.Tables[name]; !ok {
			changed = append(changed, name+" is new")
		}
	}
	if len(changed) > 0 {
		return fault.New(fault.Refused, again+", or undo the change of schema or policy",
			"the plan changed since the copy was begun: %s", strings.Join(changed, ", "))
	}
	return nil
}

// takeSnapshot opens the consistent view, unless an earlier phase has one.
func (s *session) takeSnapshot(ctx context.Context) error {
	if s.keeper != nil {
		return nil
	}
	if err := s.refuseEngines(); err != nil {
		return err
	}
	err := s.markTables(ctx)
	if err != nil {
		return err
	}
	s.keeper, err = s.source.Keep(ctx, source.SnapshotOptions{Connections: s.cfg.Workers, Mode: s.cfg.Snapshot})
	if err != nil {
		return err
	}
	if _, err = s.view(ctx); err != nil {
		return err
	}
	return s.startPace(ctx)
}

// view returns the snapshot to read from now and says so when it is a new one.
func (s *session) view(ctx context.Context) (*source.Snapshot, error) {
	snapshot, err := s.keeper.View(ctx)
	if err != nil {
		return nil, err
	}
	p := snapshot.Position()
	s.seen.Lock()
	defer s.seen.Unlock()
	if p != s.position {
		what := "snapshot"
		if s.position != (source.Position{}) {
			what = "the source's snapshot was lost; a newer one"
		}
		s.position = p
		s.step("%s by %s at %s, %s", what, p.Method, positionText(p), english.Plural(p.Connections, "connection", ""))
	}
	return snapshot, nil
}

// refuseEngines refuses tables that a snapshot does not cover.
func (s *session) refuseEngines() error {
	if s.cfg.Snapshot == source.NoSnapshot {
		return nil
	}
	var outside []string
	for _, t := range s.database.Tables {
		if !transactional(t) {
			outside = append(outside, fmt.Sprintf("%s (%s)", t.Name, t.Engine))
		}
	}
	if len(outside) == 0 {
		return nil
	}
	return fault.New(fault.Refused,
		"ALTER TABLE .. ENGINE=InnoDB on the source; or stop all writers and use --snapshot=none",
		"no consistent view is possible of tables outside InnoDB: %s", strings.Join(outside, ", "))
}

func transactional(t *schema.Table) bool {
	return strings.EqualFold(t.Engine, "InnoDB") || strings.EqualFold(t.Engine, "ROCKSDB")
}

func sourceOptions(connections int, mode source.SnapshotMode) source.SnapshotOptions {
	return source.SnapshotOptions{Connections: connections, Mode: mode}
}
