package report

import "fmt"

// Proofs are what was proven of one tenant's slice, besides that its rows are
// equal on both sides.
type Proofs struct {
	// Complete: the slices of all tenants and the listed rest are the whole of
	// each shared table; no row belongs to nobody or to two.
	Complete Proof `json:"complete"`
	// Closed: no foreign key of a moved row points to a row that is left behind.
	Closed Proof `json:"closed"`
	// Clean: the target holds no row of another tenant.
	Clean Proof `json:"clean"`
}

// Proof is one of them. Its verdict follows from the checks: one that was not
// made, or that lacks a number, leaves it open.
type Proof struct {
	Verdict Verdict `json:"verdict"` // filled by Settle
	// Why says why it could not be computed; empty when it was.
	Why    string  `json:"why,omitempty"`
	Checks []Check `json:"checks"`
}

// Check is what a proof found about one table or one foreign key.
type Check struct {
	// Object is a table, or "accounts (customer_id) -> customers (id)".
	Object  string  `json:"object"`
	Verdict Verdict `json:"verdict"` // filled by Settle
	// Rows is how many rows were looked at, Wrong how many of them break the
	// proof; nil when that is not known.
	Rows  *int64 `json:"rows"`
	Wrong *int64 `json:"wrong"`
	// Parts say whose the rows are; together they are Rows when the check passes.
	Parts []Part `json:"parts,omitempty"`
	// Note says what else there is to know: how it was found out, what was not
	// looked at and why.
	Note     string         `json:"note,omitempty"`
	Findings []ProofFinding `json:"findings"` // some of the wrong rows
}

// Part is a part of a shared table.
type Part struct {
	Name string `json:"name"` // the tenant, "other tenants", or why it is left
	Rows int64  `json:"rows"`
}

// ProofFinding is one row that breaks a proof.
type ProofFinding struct {
	Key     Key    `json:"key"`
	Problem string `json:"problem"`
}

func (p *Proofs) each(do func(name string, p *Proof)) {
	do("complete", &p.Complete)
	do("closed", &p.Closed)
	do("clean", &p.Clean)
}

// Judge is the worst verdict of the proofs.
func (p *Proofs) Judge() Verdict {
	j := judgement{verdict: Pass}
	p.each(func(name string, proof *Proof) {
		v, _ := judgeProof(*proof)
		j.lower(v, name)
	})
	return j.verdict
}

// settle fills the verdicts.
func (p *Proofs) settle() {
	p.each(func(_ string, proof *Proof) {
		proof.Verdict, _ = judgeProof(*proof)
		for i, c := range proof.Checks {
			proof.Checks[i].Verdict, _ = judgeCheck(c)
		}
	})
}

// judgeProof believes a fault from any check, and the absence of faults only
// when every check was made.
func judgeProof(p Proof) (Verdict, string) {
	verdict, why, count := Pass, "", 0
	lower := func(v Verdict, reason string) {
		if v == Pass {
			return
		}
		count++
		if verdict == Pass || verdict == Inconclusive && v == Fail {
			verdict, why = v, reason
		}
	}
	for _, c := range p.Checks {
		v, reason := judgeCheck(c)
		lower(v, c.Object+": "+reason)
	}
	if p.Why != "" {
		lower(Inconclusive, p.Why)
	} else if len(p.Checks) == 0 {
		lower(Inconclusive, "nothing was looked at")
	}
	if count > 1 {
		why += fmt.Sprintf(" (and %d more)", count-1)
	}
	return verdict, why
}

func judgeCheck(c Check) (Verdict, string) {
	if c.Wrong != nil && *c.Wrong > 0 || len(c.Findings) > 0 {
		what := "rows break the proof"
		if len(c.Findings) > 0 {
			what = "rows, such as " + c.Findings[0].Key.String() + ": " + c.Findings[0].Problem
		}
		if c.Wrong == nil {
			return Fail, what
		}
		return Fail, thousands(*c.Wrong) + " " + what
	}
	if c.Rows == nil || c.Wrong == nil {
		if c.Note != "" {
			return Inconclusive, c.Note
		}
		return Inconclusive, "not looked at"
	}
	if len(c.Parts) > 0 {
		sum := int64(0)
		for _, p := range c.Parts {
			sum += p.Rows
		}
		if sum != *c.Rows {
			return Fail, fmt.Sprintf("the parts have %s rows and the table %s", thousands(sum), thousands(*c.Rows))
		}
	}
	return Pass, ""
}

func proofsForWriting(p *Proofs) *Proofs {
	if p == nil {
		return nil
	}
	out := *p
	out.each(func(_ string, proof *Proof) {
		proof.Why = hideSecrets(proof.Why)
		proof.Checks = list(proof.Checks)
		for i := range proof.Checks {
			proof.Checks[i].Findings = list(proof.Checks[i].Findings)
		}
	})
	return &out
}

// proofs writes one line for each proof and the rows that break it.
func (p *printer) proofs(t Tenant) {
	if t.Proofs == nil {
		return
	}
	p.line("")
	t.Proofs.each(func(name string, proof *Proof) {
		v, why := judgeProof(*proof)
		if why == "" {
			why = proven(name, proof.Checks)
		}
		p.narrow("%-9s %s  %s", name, p.paint(v, string(v)), why)
		for _, c := range proof.Checks {
			for _, f := range c.Findings[:min(len(c.Findings), maxFindings)] {
				p.narrow("  %s %s: %s", c.Object, f.Key, f.Problem)
			}
		}
	})
}

// proven says what a proof that holds looked at.
func proven(name string, checks []Check) string {
	rows := int64(0)
	for _, c := range checks {
		rows += *c.Rows
	}
	what := map[string]string{
		"complete": "tables: all tenants and the listed rest are the whole of each",
		"closed":   "foreign keys: none leads to a row left behind",
		"clean":    "tables: no row of another tenant",
	}[name]
	return fmt.Sprintf("%d %s (%s rows looked at)", len(checks), what, thousands(rows))
}
