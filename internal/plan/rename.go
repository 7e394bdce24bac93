package plan

import (
	"fmt"
	"strings"
)

// Renaming is a name that differs on the target. Just one of Table and Column is set.
type Renaming struct {
	Table  string `yaml:"table" doc:"A table, by its name on the source."`
	Column string `yaml:"column" doc:"A column, as table.column with the names of the source."`
	To     string `yaml:"to" required:"true" doc:"Its name on the target."`
}

func (p *Plan) checkRenaming(at string, n *Renaming) Problems {
	const remedy = "write table: name, or column: table.name, with the names of the source"
	switch {
	case (n.Table == "") == (n.Column == ""):
		return Problems{p.problem(at, remedy, "a renaming is of one table or of one column")}
	case strings.Contains(n.Table+n.Column, "*"):
		return Problems{p.problem(at, "name each by itself", "two things cannot have one name on the target, so a renaming has no *")}
	case n.Column != "" && !strings.Contains(n.Column, "."):
		return Problems{p.problem(at+".column", remedy, "%q does not name a column", n.Column)}
	case n.Table == "" && strings.Contains(n.To, "."):
		return Problems{p.problem(at+".to", "write the new name of the column alone", "%q has a dot", n.To)}
	}
	return nil
}

// rename takes the new names, and finds those that two would have.
func (r *changer) rename() {
	for i, n := range r.plan.Rename {
		at, some := fmt.Sprintf("rename[%d]", i), false
		for _, t := range r.tables {
			switch {
			case n.Table == t.Name:
				some = true
				r.once(at, n.Table, &r.out.of(t.Name).Name, n.To)
			case n.Column != "":
				for _, c := range t.Columns {
					if n.Column == t.Name+"."+c.Name {
						some = true
						r.renameColumn(at, t.Name, c.Name, n)
					}
				}
			}
		}
		switch {
		case some:
			r.uses.meant(at)
		case n.Table != "":
			r.noTable(at, at+".table", n.Table)
		default:
			r.noColumn(at, at+".column", n.Column)
		}
	}
	r.collisions()
}

func (r *changer) once(at, what string, name *string, to string) {
	if *name != "" {
		r.complain(at, "keep one of the two", "%s is renamed twice", what)
	}
	*name = to
}

func (r *changer) renameColumn(at, table, column string, n *Renaming) {
	change := r.out.of(table)
	if _, out := change.Excluded[column]; out {
		r.complain(at, "take it out here, or there", "%s is excluded, so it has no name on the target", n.Column)
		return
	}
	name := change.Names[column]
	r.once(at, n.Column, &name, n.To)
	change.Names[column] = name
}

// collisions finds names that two tables, or two columns of a table, would have.
func (r *changer) collisions() {
	tables := map[string]string{}
	for _, t := range r.tables {
		name, change := t.Name, r.out[t.Name]
		if change != nil && change.Name != "" {
			name = change.Name
		}
		if other, taken := tables[name]; taken {
			r.complain("rename", "give one of them another name", "%s and %s would both be called %s on the target", other, t.Name, name)
		}
		tables[name] = t.Name
		if change == nil {
			continue
		}
		columns := map[string]string{}
		for _, c := range t.Columns {
			name := c.Name
			if _, out := change.Excluded[c.Name]; out {
				continue
			}
			if to := change.Names[c.Name]; to != "" {
				name = to
			}
			if other, taken := columns[name]; taken {
				r.complain("rename", "give one of them another name", "%s.%s and %s.%s would both be called %s on the target", t.Name, other, t.Name, c.Name, name)
			}
			columns[name] = c.Name
		}
	}
}
