package migrate

import (
	"context"
	"fmt"
	"strings"

	"leap/internal/convert"
	"leap/internal/fault"
	"leap/internal/retry"
)

// Script returns the DDL of the plan for the configured target as one script.
func Script(ctx context.Context, cfg Config) (string, error) {
	s := newSession(cfg.withDefaults(), []Phase{Schema})
	defer s.close()
	if err := s.open(ctx); err != nil {
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
	if err := s.execute(ctx, s.planned.Before); err != nil {
		return err
	}
	return s.refuseDrift(ctx)
}

// execute runs statements that are not done yet, one by one: CockroachDB runs
// schema changes as jobs, and several in one transaction may fail at its end.
func (s *session) execute(ctx context.Context, statements []convert.Statement) error {
	for _, st := range statements {
		if st.Exists != "" {
			done, err := s.target.Has(ctx, st.Exists)
			if err != nil {
				return fmt.Errorf("look for %s: %w", st.Name, err)
			}
			if done {
				continue
			}
		}
		if slow(st.Kind) {
			s.step("%s", st.Name)
		}
		policy := retry.Policy{For: s.cfg.RetryFor}
		err := retry.Do(ctx, policy, func() error { return s.target.Exec(ctx, st.SQL) })
		if err != nil {
			return explainStatement(st, err)
		}
	}
	return nil
}

// slow says which statements read the whole table and are worth a line.
func slow(kind convert.StatementKind) bool {
	switch kind {
	case convert.KindIndex, convert.KindUnique, convert.KindForeignKey, convert.KindCheck:
		return true
	case convert.KindSchema, convert.KindType, convert.KindSequence, convert.KindTable, convert.KindSetval, convert.KindComment:
	}
	return false
}

// explainStatement tells a constraint that the data break from other errors.
func explainStatement(st convert.Statement, err error) error {
	err = fmt.Errorf("create %s: %w", st.Name, err)
	if !strings.HasPrefix(retry.SQLState(err), "23") {
		return err
	}
	hint := "the source's rows break this constraint; correct them there, then copy into an empty target"
	switch st.Kind {
	case convert.KindForeignKey:
		hint = "the source holds rows without a parent (loaded with foreign_key_checks=0?); correct them there, then copy into an empty target"
	case convert.KindUnique:
		hint = "values that the source's collation tells apart, or that were never unique; correct them there, then copy into an empty target"
	case convert.KindCheck, convert.KindIndex, convert.KindSchema, convert.KindType, convert.KindSequence,
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
				"create the schema with migrate schema --apply in an empty database, or drop the table if it is a leftover",
				"target table %s is not as planned: %s", m.Name, strings.Join(drift, "; "))
		}
	}
	return nil
}
