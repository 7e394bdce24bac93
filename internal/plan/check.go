package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// fillIn completes what the file may leave out.
func (p *Plan) fillIn() {
	for _, t := range p.Tenants {
		if t.Source == "" && len(p.Sources) == 1 {
			t.Source = only(p.Sources)
		}
		if t.Target == "" && len(p.Targets) == 1 {
			t.Target = only(p.Targets)
		}
	}
	if p.Limits.TenantsAtOnce == 0 {
		p.Limits.TenantsAtOnce = DefaultTenantsAtOnce
	}
	if p.Limits.SourceConnections == 0 {
		p.Limits.SourceConnections = DefaultSourceConnections
	}
}

func only[T any](m map[string]T) string {
	for name := range m {
		return name
	}
	return ""
}

// check finds what is wrong with a plan by itself.
func (p *Plan) check() Problems {
	var out Problems
	if p.Version != Version {
		out = append(out, p.problem("version", "write version: 1", "this program knows no plan of version %d", p.Version))
	}
	for _, part := range []func() Problems{
		p.checkAddresses, p.checkTenants, p.checkShared, p.checkDomiciles, p.checkRegions, p.checkForeignKeys,
		func() Problems { return p.checkRules("tables", p.Tables) }, p.checkChanges, p.checkMask, p.checkAcceptances, p.checkLimits,
	} {
		out = append(out, part()...)
	}
	return out
}

var tenantName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

func (p *Plan) checkTenants() Problems {
	var out Problems
	names := map[string]string{}
	if len(p.Tenants) == 0 {
		out = append(out, p.problem("tenants", "list one after a dash: - name: acme", "the plan names no tenant"))
	}
	for i, t := range p.Tenants {
		at := fmt.Sprintf("tenants[%d]", i)
		first, twice := names[t.Name]
		switch {
		case !tenantName.MatchString(t.Name):
			out = append(out, p.problem(at+".name", "use letters, digits, _ and -", "%q cannot be a tenant's name", t.Name))
		case twice:
			out = append(out, p.problem(at+".name", "give one of them another name, or take it out", "two tenants are called %q; the first is on line %d", t.Name, p.marks[first].line))
		default:
			names[t.Name] = at + ".name"
		}
		out = append(out, p.checkEnds(at, t)...)
		out = append(out, p.checkRules(at+".tables", t.Tables)...)
	}
	return out
}

// checkEnds looks at where a tenant comes from and goes to.
func (p *Plan) checkEnds(at string, t *Tenant) Problems {
	var out Problems
	switch {
	case t.Source == "":
		out = append(out, p.problem(at, "add source: with one of "+listed(p.Sources), "tenant %s does not say from which source it comes", t.Name))
	case p.Sources[t.Source] == nil:
		out = append(out, p.problem(at+".source", didYouMean(t.Source, keys(p.Sources)), "there is no source %q", t.Source))
	}
	switch target := p.Targets[t.Target]; {
	case t.Target == "":
		out = append(out, p.problem(at, "add target: with one of "+listed(p.Targets), "tenant %s does not say to which target it goes", t.Name))
	case target == nil:
		out = append(out, p.problem(at+".target", didYouMean(t.Target, keys(p.Targets)), "there is no target %q", t.Target))
	}
	switch {
	case len(t.ID) == 0 && t.OwnDatabase == "":
		out = append(out, p.problem(at, "add id: with its value in the tenant column, or own_database: with the database that is all its own",
			"tenant %s does not say which rows are its own", t.Name))
	case len(t.ID) > 0 && t.OwnDatabase != "":
		out = append(out, p.problem(at+".own_database", "keep id: when its rows are among those of others, own_database: when the database is all its own",
			"tenant %s has an id and a database of its own", t.Name))
	}
	return out
}

// checkShared finds tenants that would get into each other's way.
func (p *Plan) checkShared() Problems {
	var out Problems
	ids, owned, into := map[string]*Tenant{}, map[string]*Tenant{}, map[string]*Tenant{}
	for i, rest := range p.Rest {
		for _, id := range rest.ID {
			if t := p.withID(id); t != nil {
				out = append(out, p.problem(fmt.Sprintf("rest[%d].id", i), "take it out here, or there", "id %s is that of tenant %s, so its rows do not stay behind", id, t.Name))
			}
		}
	}
	for i, t := range p.Tenants {
		at := fmt.Sprintf("tenants[%d]", i)
		for _, id := range t.ID {
			key := t.Source + "\x00" + id
			if other := ids[key]; other != nil {
				out = append(out, p.problem(at+".id", "each id belongs to one tenant", "id %s is that of tenant %s already", id, other.Name))
				continue
			}
			ids[key] = t
		}
		if t.OwnDatabase != "" {
			key := t.Source + "\x00" + t.OwnDatabase
			if other := owned[key]; other != nil {
				out = append(out, p.problem(at+".own_database", "each tenant has its own, or they share one and are told apart by id",
					"database %s is that of tenant %s already", t.OwnDatabase, other.Name))
			}
			owned[key] = t
		}
		if p.Targets[t.Target] == nil || t.Database == "" && p.Targets[t.Target].Database == "" {
			continue // Endpoints finds databases that addresses name
		}
		key := t.Target + "\x00" + p.databaseOf(t)
		if other := into[key]; other != nil {
			out = append(out, p.problem(at+".database", "give each tenant a database: of its own", "tenants %s and %s would both go into database %s of target %s",
				other.Name, t.Name, p.databaseOf(t), t.Target))
			continue
		}
		into[key] = t
	}
	return out
}

func (p *Plan) withID(id string) *Tenant {
	for _, t := range p.Tenants {
		if slices.Contains(t.ID, id) {
			return t
		}
	}
	return nil
}

// databaseOf is the target database that the file names for a tenant; empty
// where it is left to the target's address.
func (p *Plan) databaseOf(t *Tenant) string {
	if t.Database != "" {
		return t.Database
	}
	return p.Targets[t.Target].Database
}

func (p *Plan) checkDomiciles() Problems {
	var out Problems
	for i, t := range p.Tenants {
		at := fmt.Sprintf("tenants[%d]", i)
		if p.DomicileOf(t) == Unchecked {
			continue
		}
		allowed, known := p.Countries[t.Country]
		switch {
		case t.Country == "" && len(p.Countries) == 0:
			continue
		case t.Country == "":
			out = append(out, p.problem(at, "add country: with one of "+listed(p.Countries)+", or domicile: unchecked",
				"tenant %s has no country, so nobody can tell where it may lie", t.Name))
			continue
		case !known:
			out = append(out, p.problem(at+".country", "add it to countries: with the regions that are allowed, or say domicile: unchecked",
				"countries does not say where tenants of %s may lie", t.Country))
			continue
		}
		target := p.Targets[t.Target]
		if target != nil && target.Region != "" && !MatchAny(allowed, target.Region) {
			out = append(out, p.problem(at+".target", "choose a target in "+strings.Join(allowed, " or ")+", or allow the region under countries",
				"tenant %s of %s must not go to target %s, which is in %s", t.Name, t.Country, t.Target, target.Region))
		}
	}
	return out
}

// AllowedRegions returns the regions in which a tenant may lie. Without any,
// its domicile is not to be compared.
func (p *Plan) AllowedRegions(t *Tenant) []string {
	if p.DomicileOf(t) == Unchecked {
		return nil
	}
	return p.Countries[t.Country]
}

func (p *Plan) checkForeignKeys() Problems {
	var out Problems
	for i, text := range p.ForeignKeys {
		if _, ok := parseForeignKey(text); !ok {
			out = append(out, p.problem(fmt.Sprintf("foreign_keys[%d]", i), "write table.column -> parent.column, or table(a, b) -> parent(a, b)",
				"%q is not a foreign key", text))
		}
	}
	return out
}

func (p *Plan) checkRules(at string, rules []*Table) Problems {
	var out Problems
	seen := map[string]string{}
	for i, rule := range rules {
		here := fmt.Sprintf("%s[%d]", at, i)
		for _, pattern := range rule.Match {
			if first, ok := seen[pattern]; ok {
				out = append(out, p.problem(here+".match", "keep one of the two rules", "there are two rules for %s; the first is on line %d", pattern, p.marks[first].line))
				continue
			}
			seen[pattern] = here
		}
		given := rule.given()
		switch {
		case rule.Decide != "" && len(given) == 1:
			out = append(out, p.problem(here+".decide", "replace the line by column:, via:, shared: true or leave_out:",
				"nobody has decided yet how %s belongs to a tenant: %s", strings.Join(rule.Match, ", "), rule.Decide))
		case len(given) == 0:
			out = append(out, p.problem(here, "add column:, via:, shared: true or leave_out: with the reason", "the rule for %s does not say how the rows belong to a tenant", strings.Join(rule.Match, ", ")))
		case len(given) > 1:
			out = append(out, p.problem(here, "keep one of them", "the rule for %s says several things: %s", strings.Join(rule.Match, ", "), strings.Join(given, ", ")))
		}
		if rule.Via != "" {
			if l, ok := parseVia(rule.Via); !ok || l.table != "" {
				out = append(out, p.problem(here+".via", "write column -> parent.column, or (a, b) -> parent(a, b)", "%q does not lead from a column to a table", rule.Via))
			}
		}
	}
	return out
}

// given lists what a rule says.
func (t *Table) given() []string {
	var out []string
	for name, is := range map[string]bool{
		"column": t.Column != "", "via": t.Via != "", "shared": t.Shared, "leave_out": t.LeaveOut != "", "decide": t.Decide != "",
	} {
		if is {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (p *Plan) checkAcceptances() Problems {
	var out Problems
	seen := map[string]string{}
	for i, a := range p.Accept {
		at := fmt.Sprintf("accept[%d]", i)
		if first, ok := seen[a.ID]; ok && a.ID != "" {
			out = append(out, p.problem(at+".id", "keep one of the two", "%s is accepted twice; the first is on line %d", a.ID, p.marks[first].line))
		}
		seen[a.ID] = at + ".id"
		if strings.Trim(a.ID, "*:-. ") == "" {
			out = append(out, p.problem(at+".id", "name the losses: migrate assess --plan lists them", "accepting everything is accepting what nobody has seen"))
		}
	}
	return out
}

func (p *Plan) checkLimits() Problems {
	var out Problems
	for name, n := range map[string]int{
		"tenants_at_once": p.Limits.TenantsAtOnce, "source_connections": p.Limits.SourceConnections,
		"workers": p.Limits.Workers, "rows_per_second": p.Limits.RowsPerSecond,
	} {
		if n < 0 {
			out = append(out, p.problem("limits."+name, "use a positive number, or leave it out", "%s cannot be negative", name))
		}
	}
	const least = 3
	if n := p.Limits.SourceConnections; n > 0 && n < least {
		out = append(out, p.problem("limits.source_connections", "allow three or more: one reads, one watches the source, one asks", "%d source connections are not enough for a tenant", n))
	}
	return out
}

// CheckPolicies looks at every policy of the file with fn, which knows them.
func (p *Plan) CheckPolicies(fn func(name, value string) (remedy string, err error)) Problems {
	var out Problems
	look := func(at string, policies map[string]string) {
		for _, name := range slices.Sorted(maps.Keys(policies)) {
			if remedy, err := fn(name, policies[name]); err != nil {
				out = append(out, p.problem(at+"."+name, remedy, "%s", err))
			}
		}
	}
	look("policies", p.Policies)
	for i, t := range p.Tenants {
		look(fmt.Sprintf("tenants[%d].policies", i), t.Policies)
	}
	return out
}

func keys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

func listed[T any](m map[string]T) string { return strings.Join(keys(m), ", ") }
