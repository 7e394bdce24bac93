package migrate

import (
	"fmt"
	"strings"

	"leap/internal/fault"
	"leap/internal/plan"
	"leap/internal/report"
	"leap/internal/schema"
)

// Consent is what a plan says of losses: which are known and wanted. A run with
// one refuses to go on while anything else gets lost.
type Consent struct {
	Accepted []plan.Acceptance
}

// accepts returns the acceptance of a finding, or nil. That a table is left out
// is what the plan itself says, with its reason.
func (c *Consent) accepts(f schema.Finding) *plan.Acceptance {
	if f.Rule == "table-left-out" {
		return &plan.Acceptance{ID: "leave_out", Reason: f.Problem}
	}
	for i, a := range c.Accepted {
		if plan.Match(a.ID, f.ID()) {
			return &c.Accepted[i]
		}
	}
	return nil
}

// refuseLosses stops what would write while the plan has not accepted all that
// gets lost. Blockers cannot be accepted; notes lose nothing.
func (s *session) refuseLosses() error {
	if s.cfg.Consent == nil {
		return nil
	}
	var open []string
	for _, f := range s.planned.Findings {
		if f.Severity == schema.Warning && s.cfg.Consent.accepts(f) == nil {
			open = append(open, f.ID())
		}
	}
	if len(open) == 0 {
		return nil
	}
	const some = 3
	text := strings.Join(open[:min(some, len(open))], ", ")
	if more := len(open) - some; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return fault.New(fault.Refused,
		"look at what they mean (migrate assess --plan), then write each under accept: with its id: and a reason:, or mend it on the source",
		"the plan does not accept everything that gets lost: %s", text)
}

// reportConsent lists what was accepted, and how many values it touched.
func (s *session) reportConsent(changes []report.Change) []report.Acceptance {
	if s.cfg.Consent == nil {
		return nil
	}
	var out []report.Acceptance
	for _, f := range s.planned.Findings {
		a := s.cfg.Consent.accepts(f)
		if a == nil || f.Severity != schema.Warning {
			continue
		}
		entry := report.Acceptance{ID: f.ID(), By: a.ID, Reason: a.Reason, Who: a.Who, Problem: f.Problem}
		rule, changed := strings.CutSuffix(f.Rule, "-changed")
		switch {
		case changed:
			entry.Values = s.touched(rule, f.Object, changes)
		case f.Rule == "column-masked":
			entry.Values = s.touched("mask", f.Object, changes)
		default:
			entry.Values = s.lost(f)
		}
		out = append(out, entry)
	}
	return out
}

// touched counts the values that a policy changed in table.column; nil where no
// policy of that name changes values.
func (s *session) touched(policy, object string, changes []report.Change) *int64 {
	if _, known := map[string]bool{"zero-date": true, "nul": true, "empty-enum": true, "mask": true}[policy]; !known || s.copied == nil {
		return nil
	}
	sum := int64(0)
	for _, c := range changes {
		for _, m := range s.mappings() {
			if c.Policy == policy && c.Table == m.Name && object == m.SourceName+"."+sourceColumn(m, c.Column) {
				sum += c.Count
			}
		}
	}
	return &sum
}

// sourceColumn is the source's name of a column that is called name on either side.
func sourceColumn(m *schema.Mapping, name string) string {
	for _, c := range m.Columns {
		if c.Name == name {
			return c.Source
		}
	}
	return name
}
