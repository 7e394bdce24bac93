package plan

import (
	"fmt"
	"strings"

	"leap/internal/schema"
)

// RestPart is a part of a divided table that stays behind on purpose.
type RestPart struct {
	Reason string
	// Slice selects the rows; nil stands for those that lead to no value at all.
	Slice *schema.Slice
}

// RestOf returns what stays behind of each divided table. Entries about tables
// that are not divided are problems.
func (p *Plan) RestOf(tables []Belonging) (map[string][]RestPart, Problems) {
	out := map[string][]RestPart{}
	var problems Problems
	for i, rest := range p.Rest {
		some := false
		for _, b := range tables {
			if !b.Sliced() || !MatchAny(rest.Tables, b.Table) {
				continue
			}
			some = true
			part := RestPart{Reason: rest.Reason}
			if len(rest.ID) > 0 {
				part.Slice = &schema.Slice{Path: b.Path, Column: b.Column, Values: rest.ID}
			}
			out[b.Table] = append(out[b.Table], part)
		}
		if !some {
			problems = append(problems, p.problem(fmt.Sprintf("rest[%d].tables", i), "name tables that tenants share",
				"%s is no table that is divided among tenants", strings.Join(rest.Tables, ", ")))
		}
	}
	return out, problems
}
