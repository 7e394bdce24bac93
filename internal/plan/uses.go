package plan

import "leap/internal/schema"

// Uses gathers what the entries of a plan that are for all tenants, and their
// single patterns, mean for the tenants that were looked at. One tenant may have
// no use for an entry; what means nothing for any is a slip of the pen. A nil
// *Uses gathers nothing.
type Uses struct {
	some map[string]bool // by the entry's path in the file
	none []useless
}

// useless is an entry that means nothing for a tenant.
type useless struct {
	path    string
	problem Problem // if it means nothing for the others either
}

// meant notes that an entry means something.
func (u *Uses) meant(path string) {
	if u == nil {
		return
	}
	if u.some == nil {
		u.some = map[string]bool{}
	}
	u.some[path] = true
}

// nothing notes that an entry means nothing for a tenant.
func (u *Uses) nothing(path string, problem Problem) {
	if u != nil {
		u.none = append(u.none, useless{path, problem})
	}
}

// Useless returns a problem for each entry that means nothing for any tenant.
func (u *Uses) Useless() Problems {
	var out Problems
	for _, n := range u.none {
		if !u.some[n.path] {
			out = append(out, n.problem)
		}
	}
	return out.Distinct()
}

// Settle takes away what means something for others.
func (u *Uses) Settle(others *Uses) {
	for path := range others.some {
		u.meant(path)
	}
}

// Look gathers what the plan's entries mean for a tenant, and nothing else of it.
func (p *Plan) Look(t *Tenant, db *schema.Database, uses *Uses) {
	tables, _ := p.Belong(t, db, uses)
	_, _ = p.Changes(db, tables, uses)
	if t.OwnDatabase == "" {
		p.RestOf(tables, uses)
	}
}
