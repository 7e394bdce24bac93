package migrate

import (
	"fmt"
	"slices"
	"strings"

	"leap/internal/damage"
	"leap/internal/report"
	"leap/internal/schema"
	"leap/internal/verify"
)

// judge notes for every damage of a table whether the verification named it,
// and for every finding whether there was a damage.
func (t *selfTest) judge(m *schema.Mapping, bent damage.Bent, v *verify.TableResult) error {
	if v == nil || !v.Compared || len(v.Drift) > 0 {
		return fmt.Errorf("%s was not compared", m.Name)
	}
	entry := report.SelfTestTable{
		Name: m.Name, Method: string(v.Method), Rows: int64(len(t.taken.rows(m.SourceName))), Planted: int64(len(bent.Planted)),
	}
	for _, a := range bent.Absent {
		t.report.Absent(string(a.Kind), a.Why)
	}
	var missed []bool
	var err error
	if len(m.Key) == 0 {
		missed = t.judgeCounts(m, bent, v)
	} else if missed, err = t.judgeKeys(m, bent, v); err != nil {
		return err
	}
	for i, p := range bent.Planted {
		t.report.Plant(string(p.Kind), m.Name, p.Columns)
		if missed[i] {
			t.report.Miss(fmt.Sprintf("%s: %s%s: %s", m.Name, p.Kind, inColumns(p.Columns), wanted(p)))
			continue
		}
		entry.Found++
		t.report.Find(string(p.Kind))
	}
	t.report.Tables = append(t.report.Tables, entry)
	return nil
}

// judgeCounts judges a table without a key, where rows have no name: as many
// must be missed and found besides as the damage makes.
func (t *selfTest) judgeCounts(m *schema.Mapping, bent damage.Bent, v *verify.TableResult) []bool {
	counts := map[verify.FindingKind]int64{}
	for _, f := range v.Findings {
		counts[f.Kind] += max(1, f.Count)
	}
	missed := make([]bool, len(bent.Planted))
	if counts[verify.Missing] == bent.Missing && counts[verify.Extra] == bent.Extra && counts[verify.Changed] == 0 {
		return missed
	}
	// Which of them was not seen nobody can say: none counts as found.
	for i := range missed {
		missed[i] = true
	}
	t.report.Miss(fmt.Sprintf("%s: %d missing and %d extra rows reported, planted are %d and %d",
		m.Name, counts[verify.Missing], counts[verify.Extra], bent.Missing, bent.Extra))
	return missed
}

// judgeKeys judges a table with a key: every damage has its own findings, with
// key and columns, and there are no others.
func (t *selfTest) judgeKeys(m *schema.Mapping, bent damage.Bent, v *verify.TableResult) ([]bool, error) {
	if int64(len(v.Findings)) != v.Total {
		return nil, fmt.Errorf("%s: %d of %d findings are listed", m.Name, len(v.Findings), v.Total)
	}
	open := map[string][]verify.Finding{}
	for _, f := range v.Findings {
		key, err := damage.Canonical(m, f.Key)
		if err != nil {
			return nil, fmt.Errorf("name a finding: %w", err)
		}
		open[key] = append(open[key], f)
	}
	computed := computedColumns(m)
	missed := make([]bool, len(bent.Planted))
	for i, p := range bent.Planted {
		for _, w := range p.Want {
			at := slices.IndexFunc(open[w.Key], func(f verify.Finding) bool { return answers(f, w, computed) })
			if at < 0 {
				missed[i] = true
				continue
			}
			open[w.Key] = slices.Delete(open[w.Key], at, at+1)
		}
	}
	for _, rest := range open {
		for _, f := range rest {
			t.report.Alarm(fmt.Sprintf("%s: %s %s %v, which nobody planted", m.Name, f.Kind, f.Key, f.Columns))
		}
	}
	return missed, nil
}

// answers says whether a finding is the wanted one: the same row, the same
// kind, and exactly the columns that were bent, but for those that the target
// computes from them.
func answers(f verify.Finding, w damage.Finding, computed []string) bool {
	if string(f.Kind) != string(w.Kind) {
		return false
	}
	if w.Kind != damage.Changed {
		return true
	}
	for _, c := range w.Columns {
		if !slices.Contains(f.Columns, c) {
			return false
		}
	}
	for _, c := range f.Columns {
		if !slices.Contains(w.Columns, c) && !slices.Contains(w.Maybe, c) && !slices.Contains(computed, c) {
			return false
		}
	}
	return true
}

func computedColumns(m *schema.Mapping) []string {
	var out []string
	for _, c := range m.Columns {
		if c.Computed {
			out = append(out, c.Name)
		}
	}
	return out
}

func inColumns(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	return " in " + strings.Join(columns, ", ")
}

// wanted tells what should have been reported, without values: a key may be secret.
func wanted(p damage.Planted) string {
	if len(p.Want) == 0 {
		return "no finding was wanted"
	}
	var kinds []string
	for _, w := range p.Want {
		kinds = append(kinds, string(w.Kind))
	}
	return "not reported as " + strings.Join(kinds, " and ")
}
