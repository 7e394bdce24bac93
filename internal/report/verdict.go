package report

import (
	"fmt"
	"slices"

	"leap/internal/schema"
)

// Verdict is the outcome of a run or of a part of it.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"         // checked and equal
	Fail         Verdict = "fail"         // data differ, or a step failed
	Inconclusive Verdict = "inconclusive" // not everything was checked
)

// Settle fills the verdicts of the phases and tables, and then Verdict and
// Reasons. Settling twice gives the same result, also after the report was
// written and read back.
func (m *Migration) Settle() {
	m.Verdict, m.Reasons = m.Judge()
	for i, p := range m.Phases {
		m.Phases[i].Verdict, _ = judgePhase(p)
	}
	for i := range m.Tenants {
		for j, t := range m.Tenants[i].Tables {
			m.Tenants[i].Tables[j].Verdict, _ = judgeTable(t)
		}
		if p := m.Tenants[i].Proofs; p != nil {
			p.settle()
		}
	}
}

// Judge returns the verdict that follows from the rest of the report, and what
// keeps it from being pass. It is pass only when every planned table was
// compared and found equal, no phase failed and nothing was left unchecked. A
// difference or a failure makes it fail; what is unknown makes it inconclusive.
func (m *Migration) Judge() (Verdict, []string) {
	j := judgement{verdict: Pass}
	if m.Error != nil {
		v := Fail
		if m.Error.Class == classInconclusive {
			v = Inconclusive
		}
		j.lower(v, "the run ended early: "+m.Error.Message)
	}
	for _, f := range m.Assessment {
		if f.Severity == schema.Blocker {
			j.lower(Fail, fmt.Sprintf("assessment: %s: %s", f.Object, f.Problem))
		}
	}
	if len(m.Phases) == 0 {
		j.lower(Inconclusive, "no phase was run")
	}
	for _, p := range m.Phases {
		v, why := judgePhase(p)
		j.lower(v, "phase "+p.Name+": "+why)
	}
	if len(m.Tenants) == 0 {
		j.lower(Inconclusive, "no tenant was looked at")
	}
	for _, t := range m.Tenants {
		j.tenant(t)
	}
	for _, g := range m.Unchecked {
		j.lower(Inconclusive, "unchecked: "+g.What+": "+g.Why)
	}
	return j.verdict, j.reasons
}

// judgement gathers the reasons against pass.
type judgement struct {
	verdict Verdict
	reasons []string
}

// lower records v with its reason; pass changes nothing, and fail outranks inconclusive.
func (j *judgement) lower(v Verdict, why string) {
	if v == Pass {
		return
	}
	j.reasons = append(j.reasons, why)
	if v == Fail || j.verdict == Pass {
		j.verdict = v
	}
}

// tenant judges the tables and that they are exactly the planned ones.
func (j *judgement) tenant(t Tenant) {
	if t.Domicile != nil {
		switch t.Domicile.Verdict {
		case DomicileBroken:
			j.lower(Fail, "tenant "+t.Name+": the target is where it must not be")
		case DomicileUnknown:
			j.lower(Inconclusive, "tenant "+t.Name+": nobody can tell whether the target is where it must be")
		case DomicileHeld, DomicileUnchecked:
		}
	}
	if len(t.Planned) == 0 {
		j.lower(Inconclusive, "tenant "+t.Name+": no table was planned")
	}
	open := make(map[string]int, len(t.Planned))
	for _, name := range t.Planned {
		open[name]++
	}
	for _, table := range t.Tables {
		v, why := judgeTable(table)
		j.lower(v, "table "+table.Name+": "+why)
		if open[table.Name] == 0 {
			j.lower(Inconclusive, "table "+table.Name+": reported, but not planned (or reported twice)")
			continue
		}
		open[table.Name]--
	}
	for _, name := range t.Planned {
		if open[name] > 0 {
			j.lower(Inconclusive, "table "+name+": planned, but missing from the results")
			open[name] = 0
		}
	}
	if t.Proofs != nil {
		t.Proofs.each(func(name string, p *Proof) {
			v, why := judgeProof(*p)
			j.lower(v, "the slice is not proven "+name+": "+why)
		})
	}
}

func judgePhase(p Phase) (Verdict, string) {
	switch {
	case p.Verdict == Fail && p.Error != "":
		return Fail, p.Error
	case p.Verdict == Fail:
		return Fail, "failed"
	case p.Verdict == Pass && p.Error == "":
		return Pass, ""
	case p.Error != "":
		return Inconclusive, p.Error
	default:
		return Inconclusive, "not finished, or not everything could be checked"
	}
}

// judgeTable believes a difference from any witness, but equality only when
// all of them agree: the verification's word, both counts, both digests and
// the number of findings.
func judgeTable(t Table) (Verdict, string) {
	switch {
	case len(t.Drift) > 0:
		return Fail, t.Drift[0]
	case slices.ContainsFunc(t.Schema, func(d schema.Difference) bool { return !d.Harmless }):
		return Fail, "its schema is not as planned"
	case t.FindingsTotal != nil && *t.FindingsTotal > 0:
		return Fail, fmt.Sprintf("%s differing rows", thousands(*t.FindingsTotal))
	case slices.ContainsFunc(t.Findings, func(f Finding) bool { return !f.Moving }):
		return Fail, "rows differ"
	case t.Moving > 0:
		return Inconclusive, thousands(t.Moving) + " rows were still changing"
	case t.SourceRows != nil && t.TargetRows != nil && *t.SourceRows != *t.TargetRows:
		return Fail, fmt.Sprintf("%s rows on the source, %s on the target",
			thousands(*t.SourceRows), thousands(*t.TargetRows))
	case t.Digest != nil && t.Digest.Source != t.Digest.Target:
		return Fail, "the digests differ"
	case t.Verdict == Fail:
		return Fail, "the verification failed"
	case t.Verdict != Pass:
		return Inconclusive, "not verified"
	}
	return judgeEvidence(t)
}

// judgeEvidence looks for what a table that passed must have been measured by.
func judgeEvidence(t Table) (Verdict, string) {
	switch {
	case t.SourceRows == nil || t.TargetRows == nil:
		return Inconclusive, "the rows were not counted on both sides"
	case t.Digest == nil || t.Digest.Source == "":
		return Inconclusive, "the digests were not computed"
	case t.FindingsTotal == nil:
		return Inconclusive, "the differences were not counted"
	default:
		return Pass, ""
	}
}
