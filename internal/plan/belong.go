package plan

import (
	"fmt"
	"slices"
	"strings"

	"leap/internal/schema"
)

// Belonging says how the rows of one table belong to tenants.
type Belonging struct {
	Table string
	// Column is the tenant column at the end of Path; empty for a table that is
	// moved whole or not at all.
	Column string
	Path   []schema.Hop
	// LeaveOut is the reason why the table is not moved; empty when it is.
	LeaveOut string
	// Shared says that the plan calls it reference data.
	Shared bool
}

// Sliced reports whether the table's rows are divided among tenants.
func (b Belonging) Sliced() bool { return b.Column != "" }

// String says it in the plan's own words.
func (b Belonging) String() string {
	switch {
	case b.LeaveOut != "":
		return "left out: " + b.LeaveOut
	case !b.Sliced():
		return "whole"
	}
	var out []string
	for _, h := range b.Path {
		out = append(out, hopText(h))
	}
	return strings.Join(append(out, b.Column), ", ")
}

// Slices returns the tenant's part of each table that is divided.
func Slices(t *Tenant, tables []Belonging) map[string]*schema.Slice {
	out := map[string]*schema.Slice{}
	for _, b := range tables {
		if b.Sliced() {
			out[b.Table] = &schema.Slice{Tenant: t.Name, Path: b.Path, Column: b.Column, Values: t.ID}
		}
	}
	return out
}

// LeftOut returns the tables that are not moved, with the reasons.
func LeftOut(tables []Belonging) map[string]string {
	out := map[string]string{}
	for _, b := range tables {
		if b.LeaveOut != "" {
			out[b.Table] = b.LeaveOut
		}
	}
	return out
}

// Belong finds out how each table of a source database belongs to a tenant. A
// tenant with a database of its own has all of it, but for what is left out.
// Entries of the plan that mean nothing there are no problems yet: they are in uses.
func (p *Plan) Belong(t *Tenant, db *schema.Database, uses *Uses) ([]Belonging, Problems) {
	s := &resolution{plan: p, tenant: t, db: db, uses: uses, found: map[string]*node{}, undecided: map[string][]schema.Hop{}}
	s.useRules()
	s.useColumns()
	s.useLinks()
	s.useKeys()
	s.report()
	s.checkIDs()
	out := make([]Belonging, 0, len(db.Tables))
	for _, table := range db.Tables {
		if n := s.found[table.Name]; n != nil {
			out = append(out, n.Belonging)
		}
	}
	return out, s.problems
}

// node is what is known of a table.
type node struct {
	Belonging
	level int // the length of the path
}

// resolution finds the way of every table to its tenant.
type resolution struct {
	plan   *Plan
	tenant *Tenant
	db     *schema.Database
	uses   *Uses
	found  map[string]*node
	via    map[string]via // tables whose way out a rule names
	failed map[string]bool
	links  map[string][]schema.Hop // plan-named and declared, by table
	// undecided are the tables with several ways of the same length.
	undecided map[string][]schema.Hop
	problems  Problems
}

// via is a rule's way out of a table.
type via struct {
	hop  schema.Hop
	path string // of the rule
}

func (s *resolution) complain(path, remedy, format string, args ...any) {
	s.problems = append(s.problems, s.plan.problem(path, remedy, format, args...))
}

// rule is a rule with its place in the file.
type rule struct {
	*Table
	path string
}

// ruleOf finds the rule for a table: the tenant's before the plan's, a name
// before a pattern. Two patterns for one table are a problem.
func (s *resolution) ruleOf(table string) (rule, bool) {
	own := s.plan.PathOf(s.tenant) + ".tables"
	for _, list := range []struct {
		at    string
		rules []*Table
	}{{own, s.tenant.Tables}, {"tables", s.plan.Tables}} {
		var by []rule
		for i, r := range list.rules {
			here := rule{r, fmt.Sprintf("%s[%d]", list.at, i)}
			if slices.Contains(r.Match, table) {
				return here, true
			}
			if MatchAny(r.Match, table) {
				by = append(by, here)
			}
		}
		if len(by) > 1 {
			s.complain(by[1].path+".match", "write a rule with the whole name of the table", "the patterns on lines %d and %d both mean table %s",
				s.plan.marks[by[0].path].line, s.plan.marks[by[1].path].line, table)
		}
		if len(by) > 0 {
			return by[0], true
		}
	}
	return rule{}, false
}

// useRules takes what the rules say, and finds rules that mean nothing.
func (s *resolution) useRules() {
	s.via, s.failed = map[string]via{}, map[string]bool{}
	for _, t := range s.db.Tables {
		r, ok := s.ruleOf(t.Name)
		b := Belonging{Table: t.Name}
		switch {
		case ok && r.LeaveOut != "":
			b.LeaveOut = r.LeaveOut
		case s.tenant.OwnDatabase != "": // all of it
		case ok && r.Shared:
			b.Shared = true
			if c := s.tenantColumn(t); c != "" && !slices.Contains(r.Match, t.Name) {
				s.complain(r.path+".match", "write the whole name of the table, if every tenant is to get the rows of all",
					"a pattern shares table %s, whose column %s tells tenants apart", t.Name, c)
			}
		case ok && r.Column != "":
			if t.Column(r.Column) == nil {
				s.fail(t.Name)
				s.complain(r.path+".column", didYouMean(r.Column, columnNames(t)), "table %s has no column %q", t.Name, r.Column)
				continue
			}
			b.Column = r.Column
		case ok && r.Via != "":
			l, _ := parseVia(r.Via) // Read has checked it
			if hop, fine := s.hop(r.path+".via", t, l.hop); fine {
				s.via[t.Name] = via{hop, r.path + ".via"}
			} else {
				s.fail(t.Name)
			}
			continue
		default:
			continue
		}
		s.found[t.Name] = &node{Belonging: b}
	}
	s.uselessRules()
}

// fail notes that a table's rule is wrong. Tables that lead to it are taken to
// have found their way: one slip of the pen is one problem.
func (s *resolution) fail(table string) {
	s.failed[table] = true
	s.found[table] = &node{Belonging: Belonging{Table: table, Column: "?"}}
}

// uselessRules finds rules about tables that are not there: a slip of the pen
// there moves the wrong rows. The plan's may be about another tenant's tables; in
// a database of the tenant's own, only those that leave tables out mean anything.
func (s *resolution) uselessRules() {
	own := s.tenant.OwnDatabase != ""
	means := func(pattern string) bool {
		return slices.ContainsFunc(s.db.Tables, func(t *schema.Table) bool { return Match(pattern, t.Name) })
	}
	for i, r := range s.plan.Tables {
		at := fmt.Sprintf("tables[%d].match", i)
		for j, pattern := range r.Match {
			entry := fmt.Sprintf("%s[%d]", at, j)
			switch {
			case means(pattern) && (!own || r.LeaveOut != ""):
				s.uses.meant(entry)
			case !own:
				s.uses.nothing(entry, s.noTable(at, pattern))
			}
		}
	}
	for i, r := range s.tenant.Tables {
		for _, pattern := range r.Match {
			if !means(pattern) {
				s.problems = append(s.problems, s.noTable(fmt.Sprintf("%s.tables[%d].match", s.plan.PathOf(s.tenant), i), pattern))
			}
		}
	}
}

// noTable is the problem of a name or pattern that is no table's.
func (s *resolution) noTable(path, name string) Problem {
	return s.plan.problem(path, didYouMean(name, tableNames(s.db)), "the source database %s has no table %q", s.db.Name, name)
}

// useColumns takes the tables that have the tenant column.
func (s *resolution) useColumns() {
	if s.plan.TenantColumn == "" || s.tenant.OwnDatabase != "" {
		return
	}
	some := false
	for _, t := range s.db.Tables {
		c := s.tenantColumn(t)
		some = some || c != ""
		if c != "" && s.open(t.Name) {
			s.found[t.Name] = &node{Belonging: Belonging{Table: t.Name, Column: c}}
		}
	}
	if !some {
		s.complain("tenant_column", "name the column that tells the tenants apart", "no table of the source database %s has a column %q", s.db.Name, s.plan.TenantColumn)
	}
}

// tenantColumn is what a table calls the plan's tenant column; empty without one.
// MySQL's names of columns ignore case: TENANT_ID is tenant_id.
func (s *resolution) tenantColumn(t *schema.Table) string {
	for _, c := range t.Columns {
		if strings.EqualFold(c.Name, s.plan.TenantColumn) {
			return c.Name
		}
	}
	return ""
}

// open reports whether a table is to find its way by itself.
func (s *resolution) open(table string) bool {
	_, ruled := s.via[table]
	return s.found[table] == nil && !ruled && !s.failed[table]
}

func (s *resolution) ambiguous(table string, ways []schema.Hop) {
	var texts []string
	for _, h := range ways {
		texts = append(texts, "via: "+hopText(h))
	}
	s.complain("tables", fmt.Sprintf("add a rule under tables: - match: %s with %s", table, strings.Join(texts, " or ")),
		"table %s leads to a tenant in %d ways of the same length", table, len(ways))
}

// report finds the tables that found no way.
func (s *resolution) report() {
	for _, t := range s.db.Tables {
		if ways := s.undecided[t.Name]; ways != nil {
			s.ambiguous(t.Name, ways)
		}
		if s.found[t.Name] != nil || s.failed[t.Name] {
			continue
		}
		if s.tenant.OwnDatabase != "" {
			s.found[t.Name] = &node{Belonging: Belonging{Table: t.Name}}
			continue
		}
		if v, ok := s.via[t.Name]; ok {
			s.complain(v.path, "say how that table belongs to a tenant; reference data and tables that are left out belong to none",
				"table %s belongs by %s, which leads to no tenant", t.Name, v.hop.Table)
			continue
		}
		s.complain("tables", fmt.Sprintf("add a rule under tables: - match: %s with column:, via:, shared: true (everybody gets all of it) or leave_out: and the reason", t.Name),
			"table %s has no way to a tenant: no tenant column, and no foreign key to a table that has one", t.Name)
	}
}

func tableNames(db *schema.Database) []string {
	out := make([]string, len(db.Tables))
	for i, t := range db.Tables {
		out[i] = t.Name
	}
	return out
}

func columnNames(t *schema.Table) []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Name
	}
	return out
}
