package migrate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/convert"
	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/target"
)

// CockroachDB makes an index or a constraint in a job that goes on when who asked
// for it was killed or lost its connection, and takes it back when the rows break
// it. What such a job is at work on is there already for IF NOT EXISTS and for a
// look into the catalog. So an object counts when it is whole and no job is left
// that may take it away.

// askJobsEvery is how often jobs of the server are looked at. The list of all
// jobs of a cluster can be long.
const askJobsEvery = time.Second

// settleChanges waits until the server has ended all schema changes of these
// tables, however long it takes, and reports whether there were any.
func (s *session) settleChanges(ctx context.Context, tables []string) (waited bool, err error) {
	for {
		open, err := s.changes(ctx, tables)
		if err != nil || len(open) == 0 {
			return waited, err
		}
		waited = true
		for _, c := range open {
			if !s.tell("job " + c.Job + " " + c.Status) {
				continue
			}
			advice := ""
			if strings.HasPrefix(c.Status, "pause") {
				advice = "; RESUME JOB " + c.Job + " lets it go on"
			}
			s.step("waiting for a schema change that the target has not ended, job %s (%s): %s%s", c.Job, c.Status, c.Statement, advice)
		}
		if err := wait(ctx, askJobsEvery); err != nil {
			return waited, err
		}
	}
}

func (s *session) changes(ctx context.Context, tables []string) (open []target.Change, err error) {
	err = retry.Do(ctx, retry.Policy{For: s.cfg.RetryFor}, func() error {
		open, err = s.target.Changes(ctx, tables)
		return err
	})
	return open, err
}

func (s *session) objects(ctx context.Context) (there map[target.Object]bool, err error) {
	err = retry.Do(ctx, retry.Policy{For: s.cfg.RetryFor}, func() error {
		there, err = s.target.Objects(ctx)
		return err
	})
	return there, err
}

// insist makes act's object be as done wants it. When something of that name is
// in the way, it waits for what the server is at work on, and looks again.
func (s *session) insist(ctx context.Context, tables []string, done func() (bool, error), act func() error) error {
	for calm := false; ; {
		is, err := done()
		if err != nil || is {
			return err
		}
		refused := act()
		if refused == nil || !target.InTheWay(refused) {
			return refused
		}
		waited, err := s.settleChanges(ctx, tables)
		if err != nil {
			return err
		}
		if !waited && calm { // twice, since a job may have ended between the refusal and the look
			if is, err = done(); err != nil || is {
				return err
			}
			return refused
		}
		calm = !waited
	}
}

// plannedTables names the tables of the plan on the target.
func (s *session) plannedTables() []string {
	var names []string
	for _, m := range s.mappings() {
		names = append(names, m.Name)
	}
	return names
}

// objectOf is what a statement makes, as the target lists it.
func objectOf(st convert.Statement) target.Object {
	return target.Object{Table: st.Table, Name: st.Object, Constraint: st.Kind == convert.KindCheck || st.Kind == convert.KindForeignKey}
}

// lacking names the indexes and constraints of the plan that the target does not
// have, or not whole.
func (s *session) lacking(ctx context.Context) ([]string, error) {
	there, err := s.objects(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, st := range s.planned.After {
		if st.Object != "" && !there[objectOf(st)] {
			out = append(out, st.Name)
		}
	}
	return out, nil
}

// validateChecks has the target check the rows of imported tables by the CHECKs
// that the tables were created with: an import leaves these open.
func (s *session) validateChecks(ctx context.Context) error {
	if s.cfg.Ingest != IngestImport {
		return nil
	}
	there, err := s.objects(ctx)
	if err != nil {
		return err
	}
	var open []convert.Statement
	for _, t := range s.planned.Tables {
		table := target.Quote(target.Schema) + "." + target.Quote(t.Mapping.Name)
		for _, c := range t.Promise.Checks {
			if whole, is := there[target.Object{Table: t.Mapping.Name, Name: c.Name, Constraint: true}]; is && !whole {
				open = append(open, convert.Statement{
					Name: "validation of check " + t.Mapping.Name + "." + c.Name, Kind: convert.KindCheck, Table: t.Mapping.Name,
					SQL: "ALTER TABLE " + table + " VALIDATE CONSTRAINT " + target.Quote(c.Name),
				})
			}
		}
	}
	return s.build(ctx, open)
}

// confirmSchema makes sure, before a copy counts as finished, that everything is
// there that comes after the rows, and that nothing is going to take it away.
func (s *session) confirmSchema(ctx context.Context) error {
	if _, err := s.settleChanges(ctx, s.plannedTables()); err != nil {
		return err
	}
	missing, err := s.lacking(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	return fault.New(fault.Failed,
		"start it again: it builds what is missing. If that is taken away again, SHOW JOBS on the target says why, or somebody else drops it",
		"the rows are copied, but the target has taken away what came after them: %s", strings.Join(missing, ", "))
}

// confirmFinished refuses to call a copy finished whose target lacks something of
// the plan: older versions took an interrupted index for a built one.
func (s *session) confirmFinished(ctx context.Context, since time.Time) error {
	if _, err := s.settleChanges(ctx, s.plannedTables()); err != nil {
		return err
	}
	missing, err := s.lacking(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	return fault.New(fault.Refused,
		"create them with the statements that migrate schema prints; a statement that fails names the rows that are in its way",
		"the copy is finished since %s, but the target lacks, or has not validated: %s", since.UTC().Format(time.RFC3339), strings.Join(missing, ", "))
}

// led runs a statement in a transaction that makes sure that this process leads:
// who was taken over changes nothing any more.
func (s *session) led(ctx context.Context, statement string) error {
	return s.target.Transaction(ctx, func(tx *target.Tx) error {
		if err := checkpoint.Hold(ctx, tx, s.lease); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, statement); err != nil {
			return target.Explain(err)
		}
		return nil
	})
}

// once creates what a statement makes, unless it is there and whole.
func (s *session) once(ctx context.Context, st convert.Statement) error {
	there := func() (bool, error) {
		if st.Exists == "" {
			return false, nil
		}
		return s.target.Has(ctx, st.Exists)
	}
	create := func() error {
		if slow(st.Kind) && s.tell(st.Name) {
			s.step("%s", st.Name)
		}
		return s.target.Exec(ctx, st.SQL)
	}
	if st.Object == "" {
		if is, err := there(); err != nil || is {
			return err
		}
		return create()
	}
	return explainObstacle(st, s.insist(ctx, []string{st.Table}, there, create))
}

// explainObstacle says what to do about something that has the name of what a
// statement makes, and that nobody is at work on.
func explainObstacle(st convert.Statement, err error) error {
	if err == nil || !target.NameTaken(err) {
		return err
	}
	if st.Kind == convert.KindIndex || st.Kind == convert.KindUnique {
		return fault.Wrap(fault.Refused, "if nobody is building it (SHOW JOBS), drop or rename what has its name in the target, and start again", err)
	}
	return fault.Wrap(fault.Refused,
		"a constraint of its name is there that was not validated: if nobody is at work on it (SHOW JOBS), "+
			"ALTER TABLE .. VALIDATE CONSTRAINT, or drop it, and start again", err)
}

// onceLed is once for what comes after the rows, which only the member that leads
// may do. A sequence that is set back under an application would do harm.
func (s *session) onceLed(ctx context.Context, st convert.Statement) error {
	if st.Kind == convert.KindSetval {
		return s.led(ctx, st.SQL)
	}
	if err := checkpoint.Hold(ctx, s.target.Store(), s.lease); err != nil {
		return err
	}
	return s.once(ctx, st)
}

// takeAway drops a foreign key of the plan.
func (s *session) takeAway(ctx context.Context, st convert.Statement) error {
	gone := func() (bool, error) {
		there, err := s.objects(ctx)
		_, is := there[objectOf(st)]
		return !is, err
	}
	err := s.insist(ctx, []string{st.Table}, gone, func() error { return s.led(ctx, st.Drop) })
	if err != nil {
		return fmt.Errorf("take %s away: %w", st.Name, err)
	}
	return nil
}
