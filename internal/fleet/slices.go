package fleet

import (
	"fmt"
	"maps"
	"slices"

	"leap/internal/fault"
	"leap/internal/plan"
	"leap/internal/schema"
	"leap/internal/source"
)

// checkSlices finds parts of tables that cannot be what the plan means: ids that a
// column does not hold, columns that cannot be compared. The proofs need every
// tenant's and the rest's, and would stay open at the end of the night.
func checkSlices(p *plan.Plan, db *schema.Database, at string, parts map[string]*schema.Slice) (out plan.Problems) {
	told := map[string]bool{}
	for _, table := range slices.Sorted(maps.Keys(parts)) {
		if _, err := source.Check(db, table, parts[table]); err != nil && !told[err.Error()] {
			told[err.Error()] = true
			out = append(out, p.At(at, fault.HintOf(err), "%s", err))
		}
	}
	return out
}

// checkRest is checkSlices for what stays behind of a tenant's tables.
func checkRest(p *plan.Plan, db *schema.Database, tables []plan.Belonging) (out plan.Problems) {
	for i, rest := range p.Rest {
		parts := map[string]*schema.Slice{}
		for _, b := range tables {
			if len(rest.ID) > 0 && b.Sliced() && plan.MatchAny(rest.Tables, b.Table) {
				parts[b.Table] = &schema.Slice{Tenant: "(rest)", Path: b.Path, Column: b.Column, Values: rest.ID}
			}
		}
		out = append(out, checkSlices(p, db, fmt.Sprintf("rest[%d].id", i), parts)...)
	}
	return out
}
