package convert

import (
	"fmt"
	"strings"

	"leap/internal/schema"
)

// createChecks moves the CHECK constraints. They are added after the rows: a
// source may hold rows from before the constraint, and those must not stop the
// copy in its middle.
func (b *builder) createChecks(t *table) {
	for i, c := range t.src.Checks {
		want := c.Name
		if want == "" {
			want = fmt.Sprintf("%s_check_%d", t.name, i+1)
		}
		object := t.object(want)
		if !c.Enforced {
			b.info("check-not-enforced", object,
				"the CHECK is NOT ENFORCED on the source and is not created: "+c.Expression,
				"add it after the move if it is wanted")
			continue
		}
		tr := &translator{b: b, t: t, purpose: forCheck}
		condition, err := tr.condition(c.Expression)
		if err != nil {
			b.warn("check-dropped", object,
				fmt.Sprintf("the CHECK is not created: %s is not translated because %v", c.Expression, err),
				"add it in the target's SQL after the move")
			continue
		}
		if len(tr.notes) > 0 {
			b.warn("check-changed", object,
				"the CHECK is translated; "+strings.Join(tr.notes, "; "),
				"look at the constraint, and at the rows when adding it fails")
		}
		name := t.constraints.claim(want)
		if c.Name != "" {
			b.renamed("constraint", object, c.Name, name)
		}
		t.plan.Constraints = append(t.plan.Constraints, name)
		t.plan.Promise.Checks = append(t.plan.Promise.Checks, schema.PromisedCheck{Name: name, Condition: condition})
		b.after(Statement{
			Name: "check " + t.name + "." + name, Kind: KindCheck, Table: t.name,
			SQL:    "ALTER TABLE " + t.ref + " ADD CONSTRAINT " + quote(name) + " CHECK (" + condition + ")",
			Exists: b.constraintExists(t.name, name), Object: name,
		})
	}
}
