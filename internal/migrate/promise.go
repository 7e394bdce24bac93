package migrate

import (
	"context"
	"slices"

	"leap/internal/report"
	"leap/internal/schema"
	"leap/internal/target"
)

// compareSchema compares what the plan promised of each table with what the
// target's catalog says: a table whose rows all arrived and whose unique index
// did not is not a table that moved.
func (s *session) compareSchema(ctx context.Context, mappings []*schema.Mapping) error {
	if err := s.recallWords(ctx); err != nil {
		return err
	}
	tables := s.promised(mappings)
	found, err := s.target.Differences(ctx, tables)
	if err != nil {
		return err
	}
	s.differing = map[string]target.Differences{}
	for i, t := range tables {
		s.differing[t.Mapping.Name] = found[i]
	}
	return nil
}

// promised are tables of the plan with what it promises of them.
func (s *session) promised(mappings []*schema.Mapping) []target.Promised {
	var out []target.Promised
	for _, t := range s.planned.Tables {
		if slices.Contains(mappings, &t.Mapping) {
			out = append(out, target.Promised{Mapping: &t.Mapping, Promise: &t.Promise})
		}
	}
	return out
}

// schemaDiffers reports whether a table's schema keeps it from passing.
func (s *session) schemaDiffers() bool {
	for _, d := range s.differing {
		if slices.ContainsFunc(d.Found, func(f schema.Difference) bool { return !f.Harmless }) {
			return true
		}
	}
	return false
}

// reportSchema says what was compared of the schema, and what could not be.
func (s *session) reportSchema() {
	if s.differing == nil {
		return
	}
	s.report.Checked = append(s.report.Checked, "keys", "defaults", "indexes", "foreign keys", "checks", "sequences")
	for _, m := range s.mappings() {
		if why := s.differing[m.Name].Unchecked; why != "" {
			s.report.Unchecked = append(s.report.Unchecked, report.Gap{What: "schema of " + m.Name, Why: why})
		}
	}
}

// reportDifferences puts a table's differences into the report.
func (s *session) reportDifferences(t *report.Table) {
	t.Schema = s.differing[t.Name].Found
	for _, d := range t.Schema {
		if text := d.String(); !d.Harmless && !slices.Contains(t.Drift, text) {
			t.Drift = append(t.Drift, text)
		}
	}
}
