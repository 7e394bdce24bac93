package migrate

import (
	"context"

	"leap/internal/schema"
)

// assess reports what will not survive the move. The findings are made by the
// plan; here they are counted, and a blocker refuses to go on.
func (s *session) assess(context.Context) error {
	count := map[schema.Severity]int{}
	for _, f := range s.planned.Findings {
		count[f.Severity]++
	}
	if s.target == nil {
		s.step("no target given: assuming a current CockroachDB")
	}
	s.step("%d tables; %d blockers, %d warnings, %d notes",
		len(s.planned.Tables), count[schema.Blocker], count[schema.Warning], count[schema.Info])
	return s.refuseBlockers()
}
