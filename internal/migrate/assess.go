package migrate

import (
	"context"

	"github.com/dustin/go-humanize/english"

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
	s.step("%s; %s, %s, %s", english.Plural(len(s.planned.Tables), "table", ""),
		english.Plural(count[schema.Blocker], "blocker", ""), english.Plural(count[schema.Warning], "warning", ""),
		english.Plural(count[schema.Info], "note", ""))
	return s.refuseBlockers()
}
