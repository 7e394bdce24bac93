package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"leap/internal/checkpoint"
	"leap/internal/convert"
	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/target"
)

// Script returns the DDL of the plan for the configured target as one script.
func Script(ctx context.Context, cfg Config) (string, error) {
	s := newSession(cfg.withDefaults(), []Phase{Schema})
	defer s.close()
	if err := s.open(ctx); err != nil {
		return "", err
	}
	if err := s.checkRegions(ctx); err != nil {
		return "", err
	}
	if err := s.plan(ctx); err != nil {
		return "", err
	}
	return s.planned.SQL(), nil
}

// applySchema creates what must be there before the rows. It may be repeated;
// a table that is there in another shape is refused and left alone.
func (s *session) applySchema(ctx context.Context) error {
	if err := s.refuseBlockers(); err != nil {
		return err
	}
	if slices.Contains(s.phases, Copy) {
		if err := s.refuseEngines(); err != nil { // better now than when the tables are made
			return err
		}
	}
	if s.cfg.Ingest == IngestImport {
		if err := s.refuseImport(); err != nil {
			return err
		}
	}
	if err := s.settleLeftovers(ctx); err != nil {
		return err
	}
	if err := s.execute(ctx, s.planned.Before, s.once); err != nil {
		return err
	}
	if err := s.refuseDrift(ctx); err != nil {
		return err
	}
	return s.keepFacts(ctx, func(checkpoint.Store) error { return nil }) // nobody leads before a copy
}

// IndexOrder says when secondary indexes are built.
type IndexOrder string

// The orders.
const (
	// IndexesAfter builds them when the rows are there, which is faster.
	IndexesAfter IndexOrder = "after"
	// IndexesBefore builds them on the empty tables: each row then pays for them
	// as it is written, and one that breaks a unique index is refused by name.
	IndexesBefore IndexOrder = "before"
)

// indexesFirst builds the secondary indexes where they are wanted before the
// rows. Constraints are not: rows arrive in no order that a foreign key allows.
func (s *session) indexesFirst(ctx context.Context) error {
	if s.cfg.Indexes != IndexesBefore {
		return nil
	}
	return s.build(ctx, s.plannedIndexes())
}

func (s *session) plannedIndexes() []convert.Statement {
	var out []convert.Statement
	for _, st := range s.planned.After {
		if st.Kind == convert.KindIndex || st.Kind == convert.KindUnique {
			out = append(out, st)
		}
	}
	return out
}

// finishSchema builds what comes after the rows, stage by stage, and makes sure
// in the end that it stays.
func (s *session) finishSchema(ctx context.Context) error {
	if _, err := s.settleChanges(ctx, s.plannedTables()); err != nil {
		return err
	}
	if err := s.validateChecks(ctx); err != nil {
		return err
	}
	after := s.planned.After
	for len(after) > 0 {
		end := slices.IndexFunc(after, func(st convert.Statement) bool { return stage(st.Kind) != stage(after[0].Kind) })
		if end < 0 {
			end = len(after)
		}
		if err := s.build(ctx, after[:end]); err != nil {
			return err
		}
		after = after[end:]
	}
	return s.confirmSchema(ctx)
}

// build runs the statements of one stage. Tables are worked on side by side:
// CockroachDB runs each schema change as a job that mostly waits. Those of one
// table follow each other, except for indexes where the target can build
// several of a table at once.
func (s *session) build(ctx context.Context, statements []convert.Statement) error {
	apart := s.target.Capabilities().ParallelIndexes
	lanes := map[string][]convert.Statement{}
	var order []string
	for _, st := range statements {
		lane := "table " + st.Table
		if apart && (st.Kind == convert.KindIndex || st.Kind == convert.KindUnique) {
			lane = st.Name
		}
		if lanes[lane] == nil {
			order = append(order, lane)
		}
		lanes[lane] = append(lanes[lane], st)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(s.cfg.Workers)
	for _, lane := range order {
		group.Go(func() error { return s.execute(groupCtx, lanes[lane], s.onceLed) })
	}
	return group.Wait()
}

// stage orders the kinds of statements that need each other across tables.
func stage(kind convert.StatementKind) int {
	switch kind {
	case convert.KindRegion, convert.KindSchema, convert.KindType, convert.KindSequence, convert.KindTable:
		return 0
	case convert.KindIndex, convert.KindUnique:
		return 1
	case convert.KindCheck:
		return 2
	case convert.KindForeignKey:
		return 3
	case convert.KindSetval, convert.KindComment:
	}
	return 4
}

// execute runs statements that are not done yet, one by one: several schema
// changes in one transaction may fail at its end on CockroachDB.
func (s *session) execute(
	ctx context.Context, statements []convert.Statement, attempt func(context.Context, convert.Statement) error,
) error {
	for _, st := range statements {
		// The check is part of the attempt: a statement whose connection broke
		// may have been carried out, or still be.
		err := retry.Do(ctx, retry.Policy{For: s.cfg.RetryFor}, func() error { return attempt(ctx, st) })
		if err != nil {
			return explainStatement(st, err)
		}
	}
	return nil
}

// tell reports whether a statement is told for the first time: an index that
// was built before the rows is only made sure of after them.
func (s *session) tell(name string) bool {
	_, told := s.told.LoadOrStore(name, true)
	return !told
}

// slow says which statements read the whole table and are worth a line.
func slow(kind convert.StatementKind) bool {
	switch kind {
	case convert.KindIndex, convert.KindUnique, convert.KindForeignKey, convert.KindCheck:
		return true
	case convert.KindRegion, convert.KindSchema, convert.KindType, convert.KindSequence, convert.KindTable, convert.KindSetval, convert.KindComment:
	}
	return false
}

// explainStatement tells a constraint that the data break from other errors.
func explainStatement(st convert.Statement, err error) error {
	err = fmt.Errorf("create %s: %w", st.Name, err)
	if !strings.HasPrefix(retry.SQLState(err), "23") || target.NameTaken(err) {
		return err
	}
	hint := "the source's rows break this constraint; correct them there, then copy into an empty target"
	switch st.Kind {
	case convert.KindForeignKey:
		hint = "the source holds rows without a parent (loaded with foreign_key_checks=0?), or with one whose key differs in case or in blanks at the end, " +
			"or the parent is another tenant's, or a filter of the plan leaves it behind; correct that, then copy into an empty target"
	case convert.KindUnique:
		hint = "values that the source's collation tells apart, or that were never unique; correct them there, then copy into an empty target"
	case convert.KindCheck, convert.KindIndex, convert.KindRegion, convert.KindSchema, convert.KindType, convert.KindSequence,
		convert.KindTable, convert.KindSetval, convert.KindComment:
	}
	return fault.Wrap(fault.Refused, hint, err)
}

// refuseDrift refuses a target whose tables are not what the plan says.
func (s *session) refuseDrift(ctx context.Context) error {
	for _, m := range s.mappings() {
		drift, _, err := s.target.Drift(ctx, m)
		if err != nil {
			return err
		}
		if len(drift) > 0 {
			return fault.New(fault.Refused,
				"create the schema with migrate schema --apply in an empty database, or drop the table, and the types of its columns, if they are leftovers",
				"target table %s is not as planned: %s", m.Name, strings.Join(drift, "; "))
		}
	}
	return nil
}
