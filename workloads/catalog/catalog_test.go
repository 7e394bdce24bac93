package catalog_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"leap/internal/judge"
	"leap/workloads"
	"leap/workloads/catalog"
)

// TestEveryWorkload: what a workload says of itself fits together.
func TestEveryWorkload(t *testing.T) {
	word := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := map[string]bool{}
	for _, w := range catalog.All() {
		a := w.About()
		if seen[a.Name] || !word.MatchString(a.Name) {
			t.Errorf("the name %q is taken, or no word", a.Name)
		}
		seen[a.Name] = true
		found, ok := catalog.Find(a.Name)
		if !ok || found.About().Name != a.Name {
			t.Errorf("%s is not found by its name", a.Name)
		}
		t.Run(a.Name, func(t *testing.T) { fits(t, a, word) })
		invariants := map[string]bool{}
		for _, i := range w.Invariants(workloads.Settings{Seed: 1}) {
			if !word.MatchString(i.Name) || invariants[i.Name] || i.Says == "" || i.Check == nil {
				t.Errorf("%s: invariant %+v", a.Name, i)
			}
			invariants[i.Name] = true
		}
		if len(invariants) == 0 {
			t.Errorf("%s promises nothing: no run of it can pass", a.Name)
		}
	}
	if _, ok := catalog.Find("nonsense"); ok {
		t.Error("nonsense is found")
	}
}

func fits(t *testing.T, a workloads.About, word *regexp.Regexp) {
	t.Helper()
	if a.Mixes[a.DefaultMix] == nil || a.Summary == "" {
		t.Errorf("no default mix, or no summary: %+v", a)
	}
	used := map[string]bool{}
	for name, mix := range a.Mixes {
		if err := mix.Validate(a); err != nil {
			t.Errorf("mix %s: %v", name, err)
		}
		for _, s := range mix {
			used[s.Op] = true
		}
	}
	var ops []string
	for _, op := range a.Ops {
		ops = append(ops, op.Name)
		if !word.MatchString(op.Name) || op.Summary == "" || !used[op.Name] {
			t.Errorf("operation %+v has no name, no summary, or no mix", op)
		}
		for _, table := range op.Tables {
			// Those of a migrated bank are another schema's.
			if !slices.Contains(a.Tables, table) && !strings.Contains(table, ".") {
				t.Errorf("%s uses the table %s, which the workload does not list", op.Name, table)
			}
		}
	}
	for _, text := range a.Gate {
		if _, err := judge.Parse(text, ops); err != nil {
			t.Error(err)
		}
	}
}
