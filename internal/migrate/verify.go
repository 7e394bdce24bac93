package migrate

import (
	"context"

	"leap/internal/verify"
)

// verify compares every planned table, after a copy of the same run in the
// very view that was copied.
func (s *session) verify(ctx context.Context) error {
	if err := s.takeSnapshot(ctx); err != nil {
		return err
	}
	var err error
	s.verified, err = verify.Run(ctx, reader{s.snapshot}, writer{s.target}, s.mappings(), verify.Config{
		RangeRows: s.cfg.RangeRows, Events: s.cfg.Events, Workers: max(1, s.cfg.Workers/2),
	})
	return err
}
