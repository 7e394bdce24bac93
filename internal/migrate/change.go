package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"leap/internal/fault"
	"leap/internal/mask"
	"leap/internal/plan"
	"leap/internal/schema"
	"leap/internal/source"
)

// takeChanges takes the columns out of the described source that the plan does
// not move, and gives the others the plan's names. What else of the plan's changes gets lost is said, too.
func (s *session) takeChanges() ([]schema.Finding, error) {
	var findings []schema.Finding
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Changes)) {
		at := slices.IndexFunc(s.database.Tables, func(t *schema.Table) bool { return t.Name == name })
		if at < 0 {
			return nil, fault.New(fault.Usage, "name tables as the source does", "the plan changes the table %s, which is not moved", name)
		}
		change := s.cfg.Changes[name]
		some := *s.database.Tables[at]
		some.Columns, some.Rename = nil, change.Name
		for _, c := range s.database.Tables[at].Columns {
			reason, out := change.Excluded[c.Name]
			if as := change.Masks[c.Name]; as != "" {
				findings = append(findings, schema.Finding{
					Rule: "column-masked", Severity: schema.Warning, Object: name + "." + c.Name,
					Problem: fmt.Sprintf("the values are replaced by the mask %s: this is a rehearsal, not a move", as),
					Advice:  "accept it in the plan if that is meant; otherwise take it out of mask:",
				})
			}
			if !out {
				c.Rename = change.Names[c.Name]
				some.Columns = append(some.Columns, c)
				continue
			}
			findings = append(findings, schema.Finding{
				Rule: "column-excluded", Severity: schema.Warning, Object: name + "." + c.Name,
				Problem: fmt.Sprintf("the column is not moved: %s", reason),
				Advice:  "accept it in the plan if that is meant; otherwise take it out of exclude:",
			})
		}
		s.database.Tables[at] = &some
		if change.Filter != "" {
			findings = append(findings, schema.Finding{
				Rule: "rows-filtered", Severity: schema.Warning, Object: name,
				Problem: fmt.Sprintf("rows are only moved where %s: %s", change.Filter, change.FilterReason),
				Advice:  "accept it in the plan if that is meant; the report counts the rows that stay behind",
			})
		}
	}
	return findings, nil
}

// setMasks tells the mapping of a table which columns are masked.
func (s *session) setMasks(m *schema.Mapping) error {
	masks := s.change(m.SourceName).Masks
	for i := range m.Columns {
		c := &m.Columns[i]
		as := masks[c.Source]
		switch {
		case as == "":
			continue
		case s.cfg.MaskKey.Empty():
			return fault.New(fault.Usage, "give the plan a key: under mask:", "%s.%s is to be masked, and there is no key", m.SourceName, c.Source)
		case c.Kind != schema.Text || c.Computed:
			return fault.New(fault.Usage, "exclude the column instead", "%s.%s (%s) cannot be masked: it is no text, or the target computes it", m.SourceName, c.Source, c.From.Raw)
		}
		c.Mask = &schema.Mask{As: as, KeyID: mask.KeyID(s.cfg.MaskKey), Key: s.cfg.MaskKey}
	}
	return nil
}

// change is what the plan changes about a table; empty where it changes nothing.
func (s *session) change(table string) plan.TableChange {
	if c := s.cfg.Changes[table]; c != nil {
		return *c
	}
	return plan.TableChange{}
}

// countLeft counts, in the snapshot that was read, what stays behind of the
// tables by the plan's word.
func (s *session) countLeft(ctx context.Context) error {
	s.left = map[string]source.Left{}
	for _, m := range s.mappings() {
		change := s.change(m.SourceName)
		if change.Filter == "" && len(change.Excluded) == 0 {
			continue
		}
		var left source.Left
		err := s.paced(ctx, func(v *source.Snapshot) (err error) {
			left, err = v.Left(ctx, m, slices.Sorted(maps.Keys(change.Excluded)))
			return err
		})
		if err != nil {
			return err
		}
		s.left[m.SourceName] = left
	}
	return nil
}

// lost counts what a loss of the plan's own making touched; nil when nobody counted.
func (s *session) lost(f schema.Finding) *int64 {
	for table, left := range s.left {
		if f.Rule == "rows-filtered" && f.Object == table {
			return &left.Filtered
		}
		for i, column := range slices.Sorted(maps.Keys(s.change(table).Excluded)) {
			if f.Rule == "column-excluded" && f.Object == table+"."+column {
				return &left.Values[i]
			}
		}
	}
	return nil
}
