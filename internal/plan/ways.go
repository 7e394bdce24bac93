package plan

import (
	"fmt"
	"slices"

	"leap/internal/schema"
)

// useLinks gathers the foreign keys: the source's, and those of the plan.
func (s *resolution) useLinks() {
	s.links = map[string][]schema.Hop{}
	add := func(table string, h schema.Hop) {
		same := func(o schema.Hop) bool { return hopText(o) == hopText(h) }
		if h.Table != table && !slices.ContainsFunc(s.links[table], same) { // a row's parent in its own table leads nowhere
			s.links[table] = append(s.links[table], h)
		}
	}
	for _, t := range s.db.Tables {
		for _, k := range t.ForeignKeys {
			if k.RefSchema == "" && s.db.Table(k.RefTable) != nil {
				add(t.Name, schema.Hop{Columns: k.Columns, Table: k.RefTable, Parent: k.RefColumns})
			}
		}
	}
	for i, text := range s.plan.ForeignKeys {
		at := fmt.Sprintf("foreign_keys[%d]", i)
		l, _ := parseForeignKey(text) // Read has checked it
		t := s.db.Table(l.table)
		own := s.tenant.OwnDatabase != ""
		switch {
		case t != nil:
			s.uses.meant(at)
		case !own:
			s.uses.nothing(at, s.noTable(at, l.table))
		}
		if t == nil || own { // its own database needs no way; only the proofs follow the key
			continue
		}
		if hop, ok := s.hop(at, t, l.hop); ok {
			add(t.Name, hop)
		}
	}
}

// hop completes a way out of a table and checks that it is there. Without
// columns of the parent, its primary key is meant.
func (s *resolution) hop(path string, t *schema.Table, h schema.Hop) (schema.Hop, bool) {
	parent := s.db.Table(h.Table)
	if parent == nil {
		s.problems = append(s.problems, s.noTable(path, h.Table))
		return h, false
	}
	if len(h.Parent) == 0 && parent.PrimaryKey != nil {
		for _, part := range parent.PrimaryKey.Parts {
			h.Parent = append(h.Parent, part.Column)
		}
	}
	if len(h.Parent) != len(h.Columns) {
		s.complain(path, "name the columns on both sides: (a, b) -> "+h.Table+"(a, b)", "the key of %s does not have as many columns as are named", h.Table)
		return h, false
	}
	for _, side := range []struct {
		table   *schema.Table
		columns []string
	}{{t, h.Columns}, {parent, h.Parent}} {
		for _, c := range side.columns {
			if side.table.Column(c) == nil {
				s.complain(path, didYouMean(c, columnNames(side.table)), "table %s has no column %q", side.table.Name, c)
				return h, false
			}
		}
	}
	for i, c := range h.Columns {
		a, b := t.Column(c), parent.Column(h.Parent[i])
		if family(a.Type.Base) != family(b.Type.Base) {
			s.complain(path, "name columns of the same type, or correct the type on the source",
				"%s.%s (%s) and %s.%s (%s) cannot be compared without a conversion, by which '1abc' is 1", t.Name, c, a.Type.Raw, parent.Name, b.Name, b.Type.Raw)
			return h, false
		}
	}
	return h, true
}

// family tells types apart that a server compares by converting one of them.
func family(base string) string {
	switch base {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal":
		return "numbers"
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "binary", "varbinary":
		return "texts"
	}
	return base
}

// useKeys goes from the tables with a tenant column outwards, one foreign key
// at a time, so that each table finds its shortest way. Two ways of the same
// length are for a person to choose from.
func (s *resolution) useKeys() {
	for level := 1; level <= len(s.db.Tables); level++ {
		var next []*node
		for _, t := range s.db.Tables {
			if v, ok := s.via[t.Name]; ok && s.found[t.Name] == nil {
				if parent := s.found[v.hop.Table]; parent != nil && parent.Sliced() {
					next = append(next, through(t.Name, v.hop, parent))
				}
				continue
			}
			if !s.open(t.Name) {
				continue
			}
			var ways []schema.Hop
			for _, h := range s.links[t.Name] {
				if parent := s.found[h.Table]; parent != nil && parent.Sliced() && parent.level == level-1 {
					ways = append(ways, h)
				}
			}
			if len(ways) > 1 {
				s.undecided[t.Name] = ways
			}
			if len(ways) > 0 {
				next = append(next, through(t.Name, ways[0], s.found[ways[0].Table]))
			}
		}
		for _, n := range next {
			s.found[n.Table] = n
		}
	}
}

func through(table string, h schema.Hop, parent *node) *node {
	return &node{
		Belonging: Belonging{Table: table, Column: parent.Column, Path: append([]schema.Hop{h}, parent.Path...)},
		level:     parent.level + 1,
	}
}

// References returns the foreign keys that only the plan knows, by the table
// that refers. Belong has told what is wrong with them.
func (p *Plan) References(db *schema.Database) map[string][]schema.Hop {
	s := &resolution{plan: p, tenant: &Tenant{}, db: db}
	out := map[string][]schema.Hop{}
	for _, text := range p.ForeignKeys {
		l, _ := parseForeignKey(text)
		t := db.Table(l.table)
		if t == nil {
			continue
		}
		if hop, ok := s.hop("", t, l.hop); ok {
			out[t.Name] = append(out[t.Name], hop)
		}
	}
	return out
}
