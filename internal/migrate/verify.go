package migrate

import (
	"context"
	"maps"
	"slices"

	"leap/internal/verify"
)

// verify compares every planned table, after a copy of the same run in the
// very view that was copied.
func (s *session) verify(ctx context.Context) error {
	if err := s.takeSnapshot(ctx); err != nil {
		return err
	}
	if err := s.compareRows(ctx); err != nil {
		return err
	}
	return s.findStrangers(ctx)
}

// compareRows compares the rows of every planned table.
func (s *session) compareRows(ctx context.Context) error {
	snapshot, err := s.view(ctx)
	if err != nil {
		return err
	}
	s.verified, err = verify.Run(ctx, s.reader(snapshot), s.writer(), s.mappings(), verify.Config{
		RangeRows: s.cfg.RangeRows, MaxFindings: s.cfg.MaxFindings, Events: s.cfg.Events, Workers: max(1, s.cfg.Workers/2),
	})
	return err
}

// findStrangers lists the tables that only the target has. They are a
// difference: a leftover of another attempt, or the wrong database.
func (s *session) findStrangers(ctx context.Context) error {
	tables, err := s.target.Tables(ctx)
	if err != nil {
		return err
	}
	for _, m := range s.mappings() {
		delete(tables, m.Name)
	}
	s.strangers = slices.Sorted(maps.Keys(tables))
	return nil
}
