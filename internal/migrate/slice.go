package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"leap/internal/fault"
	"leap/internal/schema"
)

// takeSlices narrows the described source to what is to be moved: it takes the
// tables out that the plan leaves behind, and finds out how the slices of the
// others are read. It returns what is to be said about that.
func (s *session) takeSlices(ctx context.Context) ([]schema.Finding, error) {
	for _, name := range slices.Sorted(maps.Keys(s.cfg.LeaveOut)) {
		if s.database.Table(name) == nil {
			return nil, fault.New(fault.Usage, "name tables as the source does", "the plan leaves out the table %s, which the source does not have", name)
		}
		if s.cfg.Slices[name] != nil {
			return nil, fault.New(fault.Usage, "say one of both in the plan", "the table %s is left out and has a slice", name)
		}
	}
	whole := *s.database
	s.slices = map[string]*schema.Slice{}
	var findings []schema.Finding
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Slices)) {
		slice, noted, err := s.source.Resolve(ctx, s.database, name, s.cfg.Slices[name])
		if err != nil {
			return nil, err
		}
		s.slices[name] = slice
		findings = append(findings, noted...)
	}
	var kept []*schema.Table
	for _, t := range s.database.Tables {
		reason, out := s.cfg.LeaveOut[t.Name]
		if out {
			findings = append(findings, leftBehind(t.Name, reason))
			continue
		}
		slice := s.slices[t.Name]
		if slice == nil && s.undecided(t.Name) {
			return nil, fault.New(fault.Refused, "say in the plan how it belongs to tenants (migrate plan check), or drop it, and start again",
				"the source has a table %s that it did not have when this run began, and all of its rows would go to one tenant", t.Name)
		}
		if slice != nil {
			t = share(t, slice.Access.Rows)
		}
		kept = append(kept, t)
	}
	s.whole = &whole
	s.database.Tables = kept
	return findings, nil
}

// undecided reports whether nobody has said whose a whole table of a shared
// database is: the plan was compared with the source when the run began, and a
// tenant's turn may come hours later.
func (s *session) undecided(table string) bool {
	return s.cfg.Tenancy != nil && s.cfg.Tenancy.Shared != nil && !s.cfg.Tenancy.Shared[table]
}

// share is a table of which only so many rows are moved. The statistics of the
// whole would make a progress bar lie and divide a small slice among readers.
func share(t *schema.Table, rows int64) *schema.Table {
	some := *t
	if t.EstimatedRows > 0 {
		some.EstimatedBytes = int64(float64(t.EstimatedBytes) / float64(t.EstimatedRows) * float64(min(rows, t.EstimatedRows)))
	}
	some.EstimatedRows = rows
	return &some
}

func leftBehind(table, reason string) schema.Finding {
	return schema.Finding{
		Rule: "table-left-out", Severity: schema.Warning, Object: table,
		Problem: fmt.Sprintf("the table is not moved: %s", reason),
		Advice:  "nothing to do if that is meant; otherwise take it out of the plan's list of tables that are not moved",
	}
}
