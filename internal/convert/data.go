package convert

import (
	"fmt"

	"leap/internal/schema"
)

// checkFacts turns what a scan found in the data into findings.
func (b *builder) checkFacts(t *table) {
	for i := range t.plan.Mapping.Columns {
		m := &t.plan.Mapping.Columns[i]
		facts, looked := b.facts.of(t.src.Name, m.Source)
		if !looked {
			continue
		}
		object := t.object(m.Source)
		if facts.LossyText > 0 {
			b.block("text-lossy", object,
				fmt.Sprintf("%d values are not valid text in %s or do not survive the conversion to UTF-8", facts.LossyText, m.From.Charset),
				"repair the values on the source, or change the column to a binary type there")
		}
		if facts.ImpossibleDates > 0 {
			b.block("impossible-date", object,
				fmt.Sprintf("the column holds %d dates that no calendar has, such as 2023-02-31 (ALLOW_INVALID_DATES lets them in)", facts.ImpossibleDates),
				"repair the values on the source; no policy changes them")
		}
		b.policyFact(policyFact{
			rule: "zero-date", object: object, count: facts.ZeroDates, action: b.p.ZeroDate,
			what: "zero or partial dates, which the target does not have", choices: "zero-date=null or zero-date=min",
		})
		b.policyFact(policyFact{
			rule: "empty-enum", object: object, count: facts.EmptyEnums, action: b.p.EmptyEnum,
			what: "values '' that stand for an invalid label", choices: "empty-enum=null",
		})
		if !b.d.NULInText {
			b.policyFact(policyFact{
				rule: "nul", object: object, count: facts.NULs, action: nulAction(m, b.p.NUL),
				what: "values with U+0000, which the target cannot store in text", choices: "nul=strip",
			})
		}
	}
}

// nulAction is the policy for text; elsewhere (JSON) nothing may be removed.
func nulAction(m *schema.ColumnMapping, a schema.Action) schema.Action {
	if m.Kind != schema.Text {
		return schema.Refuse
	}
	return a
}

// policyFact is a number of values that only a policy can move.
type policyFact struct {
	rule, object  string
	count         int64
	action        schema.Action
	what, choices string
}

func (b *builder) policyFact(f policyFact) {
	switch {
	case f.count == 0:
	case f.action == schema.Refuse:
		b.block(f.rule, f.object, fmt.Sprintf("the column holds %d %s", f.count, f.what),
			"repair the values on the source, or choose "+f.choices)
	default:
		b.warn(f.rule+"-changed", f.object,
			fmt.Sprintf("%d values will be changed by policy %s=%s: %s", f.count, f.rule, f.action, f.what),
			"the report counts and lists each change")
	}
}
