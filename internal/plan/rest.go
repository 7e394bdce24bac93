package plan

import (
	"fmt"
	"slices"

	"leap/internal/schema"
)

// RestPart is a part of a divided table that stays behind on purpose.
type RestPart struct {
	Reason string
	// Slice selects the rows; nil stands for those that lead to no value at all.
	Slice *schema.Slice
}

// RestOf returns what stays behind of each divided table. Entries about tables
// that are not divided are in uses.
func (p *Plan) RestOf(tables []Belonging, uses *Uses) map[string][]RestPart {
	out := map[string][]RestPart{}
	for i, rest := range p.Rest {
		for _, b := range tables {
			if !b.Sliced() || !MatchAny(rest.Tables, b.Table) {
				continue
			}
			part := RestPart{Reason: rest.Reason}
			if len(rest.ID) > 0 {
				part.Slice = &schema.Slice{Path: b.Path, Column: b.Column, Values: rest.ID}
			}
			out[b.Table] = append(out[b.Table], part)
		}
		p.restUses(fmt.Sprintf("rest[%d].tables", i), rest.Tables, tables, uses)
	}
	return out
}

func (p *Plan) restUses(at string, patterns List, tables []Belonging, uses *Uses) {
	for i, pattern := range patterns {
		entry := fmt.Sprintf("%s[%d]", at, i)
		if slices.ContainsFunc(tables, func(b Belonging) bool { return b.Sliced() && Match(pattern, b.Table) }) {
			uses.meant(entry)
			continue
		}
		uses.nothing(entry, p.problem(p.item(at, i), "name tables that tenants share", "%s is no table that is divided among tenants", pattern))
	}
}
