package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"leap/internal/schema"
)

// Exclusion is columns that are not moved.
type Exclusion struct {
	Columns List   `yaml:"columns" required:"true" doc:"table.column, * standing for anything: customers.photo, *.legacy_id."`
	Reason  string `yaml:"reason" required:"true" doc:"Why nobody needs them on the target. The report shows it."`
}

// Filter is a condition that rows must meet to be moved.
type Filter struct {
	Tables List   `yaml:"tables" required:"true" doc:"Names of tables, * standing for anything."`
	Where  string `yaml:"where" required:"true" doc:"A condition in the source's SQL; rows of which it is not true stay behind: booked_on >= '2024-01-01'."`
	Reason string `yaml:"reason" required:"true" doc:"Why the other rows stay behind. The report shows it."`
}

// Changes is what of a tenant's tables arrives otherwise than it is, by the
// table's name on the source. What it does not name is moved as it is.
type Changes map[string]*TableChange

// TableChange is one table of Changes.
type TableChange struct {
	// Name is the table's on the target, Names those of its columns by their
	// names on the source; empty where they keep their own.
	Name  string
	Names map[string]string
	// Excluded are the columns that are not moved, with the reasons.
	Excluded map[string]string
	// Masks are the columns whose values are replaced.
	Masks map[string]schema.MaskKind
	// Filter is the condition for a row to be moved, FilterReason why; both
	// empty for all rows.
	Filter, FilterReason string
}

// of returns the entry of a table.
func (c Changes) of(table string) *TableChange {
	if c[table] == nil {
		c[table] = &TableChange{Excluded: map[string]string{}, Names: map[string]string{}, Masks: map[string]schema.MaskKind{}}
	}
	return c[table]
}

// Changes finds out what the plan changes about the tables of a source database
// that are moved, and what of that cannot be. Entries that mean nothing there are
// no problems yet: they are in uses.
func (p *Plan) Changes(db *schema.Database, tables []Belonging, uses *Uses) (Changes, Problems) {
	r := &changer{plan: p, db: db, uses: uses, out: Changes{}, fixed: map[string]string{}}
	for _, b := range tables {
		t := db.Table(b.Table)
		if b.LeaveOut != "" || t == nil {
			continue
		}
		r.tables = append(r.tables, t)
		r.fix(b)
	}
	r.exclude()
	r.filter()
	r.rename()
	r.mask()
	return r.out, r.problems
}

// changer makes Changes.
type changer struct {
	plan   *Plan
	db     *schema.Database
	uses   *Uses
	tables []*schema.Table // that are moved
	// ways are the foreign keys by which rows find their tenant.
	ways []owned
	// fixed are columns by which rows find their tenant, as table.column, with
	// what they are for.
	fixed    map[string]string
	out      Changes
	problems Problems
}

func (r *changer) complain(path, remedy, format string, args ...any) {
	r.problems = append(r.problems, r.plan.problem(path, remedy, format, args...))
}

// fix notes the columns on a table's way to its tenant.
func (r *changer) fix(b Belonging) {
	at := b.Table
	for _, h := range b.Path {
		r.ways = append(r.ways, owned{at, h})
		for i := range h.Columns {
			for _, name := range []string{at + "." + h.Columns[i], h.Table + "." + h.Parent[i]} {
				if r.fixed[name] == "" {
					r.fixed[name] = leadsToTenant
				}
			}
		}
		at = h.Table
	}
	if b.Sliced() {
		r.fixed[at+"."+b.Column] = tellsTenants
	}
}

// What fixed columns are for.
const (
	leadsToTenant = "leads to the tenant"
	tellsTenants  = "tells the tenants apart"
)

// columns calls fn for each column that a pattern means, with the pattern's path.
func (r *changer) columns(path string, patterns List, fn func(at string, t *schema.Table, c *schema.Column)) {
	for i, pattern := range patterns {
		at, some := r.plan.item(path, i), false
		for _, t := range r.tables {
			for j := range t.Columns {
				if c := &t.Columns[j]; Match(pattern, t.Name+"."+c.Name) {
					some = true
					fn(at, t, c)
				}
			}
		}
		if entry := fmt.Sprintf("%s[%d]", path, i); some {
			r.uses.meant(entry)
		} else {
			r.noColumn(entry, at, pattern)
		}
	}
}

// noColumn notes a name or pattern that means no column that is moved. Where its
// table is moved, that is a problem whatever others have.
func (r *changer) noColumn(entry, at, pattern string) {
	problem := r.plan.problem(at, r.whichColumn(pattern), "no column that is moved is called %s", pattern)
	if slices.ContainsFunc(r.tables, func(t *schema.Table) bool { return strings.HasPrefix(pattern, t.Name+".") }) {
		r.problems = append(r.problems, problem)
		return
	}
	r.uses.nothing(entry, problem)
}

// noTable notes a name or pattern that means no table that is moved.
func (r *changer) noTable(entry, at, pattern string) {
	r.uses.nothing(entry, r.plan.problem(at, didYouMean(pattern, r.tableNames()), "no table that is moved is called %s", pattern))
}

// item is the path of one text of a list, or of the text that stands alone.
func (p *Plan) item(path string, i int) string {
	if at := fmt.Sprintf("%s[%d]", path, i); p.marks[at] != (mark{}) {
		return at
	}
	return path
}

// whichColumn is the remedy for a pattern that means no column.
func (r *changer) whichColumn(pattern string) string {
	table, column, ok := strings.Cut(pattern, ".")
	if !ok {
		return "write table.column"
	}
	for _, t := range r.tables {
		if t.Name == table {
			return didYouMean(column, columnNames(t))
		}
	}
	return didYouMean(table, r.tableNames())
}

func (r *changer) tableNames() []string {
	var out []string
	for _, t := range r.tables {
		out = append(out, t.Name)
	}
	return out
}

// exclude takes columns out.
func (r *changer) exclude() {
	for i, e := range r.plan.Exclude {
		r.columns(fmt.Sprintf("exclude[%d].columns", i), e.Columns, func(path string, t *schema.Table, c *schema.Column) {
			name := t.Name + "." + c.Name
			switch why := r.fixed[name]; {
			case why != "":
				r.complain(path, "move it: without it nothing can be proven of the tenant's rows", "%s %s, so it cannot be excluded", name, why)
			case t.PrimaryKey != nil && hasPart(*t.PrimaryKey, c.Name):
				r.complain(path, "move it: rows are found and compared by it", "%s is part of the primary key, so it cannot be excluded", name)
			default:
				r.out.of(t.Name).Excluded[c.Name] = e.Reason
			}
		})
	}
	for _, t := range r.tables {
		if change := r.out[t.Name]; change != nil && len(change.Excluded) == len(t.Columns) {
			r.complain("exclude", "leave the table out instead: leave_out: under tables", "all columns of %s are excluded", t.Name)
		}
	}
}

func hasPart(i schema.Index, column string) bool {
	return slices.ContainsFunc(i.Parts, func(p schema.KeyPart) bool { return strings.EqualFold(p.Column, column) })
}

// filter takes the conditions.
func (r *changer) filter() {
	for i, f := range r.plan.Filters {
		path := fmt.Sprintf("filters[%d]", i)
		for j, pattern := range f.Tables {
			some := false
			for _, t := range r.tables {
				if !Match(pattern, t.Name) {
					continue
				}
				some = true
				change := r.out.of(t.Name)
				if change.Filter != "" && change.Filter != f.Where {
					r.complain(path+".tables", "join the conditions with AND in one filter", "there are two filters for %s", t.Name)
				}
				change.Filter, change.FilterReason = f.Where, f.Reason
			}
			if entry := fmt.Sprintf("%s.tables[%d]", path, j); some {
				r.uses.meant(entry)
			} else {
				r.noTable(entry, r.plan.item(path+".tables", j), pattern)
			}
		}
	}
}

// checkChanges looks at what of the changes needs no source.
func (p *Plan) checkChanges() Problems {
	var out Problems
	for i, e := range p.Exclude {
		for j, pattern := range e.Columns {
			if table, column, ok := strings.Cut(pattern, "."); !ok || table == "" || column == "" {
				path := p.item(fmt.Sprintf("exclude[%d].columns", i), j)
				out = append(out, p.problem(path, "write table.column, such as customers.photo or *.photo", "%q does not name a column", pattern))
			}
		}
	}
	for i, n := range p.Rename {
		out = append(out, p.checkRenaming(fmt.Sprintf("rename[%d]", i), n)...)
	}
	for i, f := range p.Filters {
		if wrong := conditionProblem(f.Where); wrong != "" {
			out = append(out, p.problem(fmt.Sprintf("filters[%d].where", i), "write one condition over the row's own columns, with values that are always the same", "the condition %s", wrong))
		}
	}
	return out
}

// EachFilter calls fn for every filter with its condition and the tables that
// it is for, and makes a problem of what fn returns: only the source can tell
// whether it understands a condition.
func (p *Plan) EachFilter(changes Changes, fn func(table, where string) error) Problems {
	var out Problems
	for i, f := range p.Filters {
		for _, table := range slices.Sorted(maps.Keys(changes)) {
			if changes[table].Filter != f.Where || !MatchAny(f.Tables, table) {
				continue
			}
			if err := fn(table, f.Where); err != nil {
				out = append(out, p.problem(fmt.Sprintf("filters[%d].where", i), "try it on the source: SELECT COUNT(*) FROM "+table+" WHERE ...",
					"the source cannot filter %s by it: %s", table, err))
			}
		}
	}
	return out
}
