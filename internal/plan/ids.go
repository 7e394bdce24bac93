package plan

import (
	"regexp"
	"strings"
)

// checkIDs finds ids that no value of the tenant column can be.
func (s *resolution) checkIDs() {
	told := map[string]bool{}
	for _, t := range s.db.Tables {
		n := s.found[t.Name]
		if n == nil || !n.Sliced() {
			continue
		}
		holder := t
		if len(n.Path) > 0 {
			holder = s.db.Table(n.Path[len(n.Path)-1].Table)
		}
		column := holder.Column(n.Column)
		if column == nil || !strings.Contains(column.Type.Base, "int") { // nil: the rule is wrong
			continue
		}
		for _, id := range s.tenant.ID {
			if !number.MatchString(id) && !told[id] {
				told[id] = true
				s.complain(s.plan.PathOf(s.tenant)+".id", "write the number that is in the column, without zeros before it",
					"id %s cannot be in %s.%s, which holds whole numbers", id, holder.Name, n.Column)
			}
		}
	}
}

// number is a whole number as servers print it.
var number = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
