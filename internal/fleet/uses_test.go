package fleet

import (
	"fmt"
	"strings"
	"testing"

	"leap/internal/fault"
	"leap/internal/report"
	"leap/internal/sandbox/sandboxtest"
)

// theirs are entries of which each means something for some tenant only.
const theirs = `foreign_keys: [audit.vault -> vault.id, notes.entry -> entries]
exclude:
  - {columns: vault.code, reason: the old core's}
filters:
  - {tables: notes, where: "entry > 10", reason: archived}
rename:
  - {table: vault, to: safe}
mask:
  key: ${FLEET_TEST_MASK_KEY}
  columns:
    - {match: vault.pin, as: hash}
    - {match: notes.body, as: name}
rest:
  - {tables: notes, id: 4, reason: it stays}
accept:
  - {id: "column-*", reason: a rehearsal}
  - {id: "rows-filtered:*", reason: archived}
`

// differing are tenants of the shared database, of which one leaves notes out, and
// one from a database of its own.
const differing = `tenants:
  - {name: alpha, id: 1, source: legacy, target: a, tables: [{match: notes, leave_out: not needed}]}
  - {name: beta, id: 2, source: legacy, target: b}
  - {name: gamma, id: 3, source: legacy, target: c}
  - {name: delta, source: legacy, own_database: %s, target: d}
`

// An entry of the plan may mean nothing for a tenant, if it does for another that
// need not be chosen. One that means nothing for any is never passed over.
func TestEntriesOfSomeTenants(t *testing.T) {
	t.Setenv(maskKeyVariable, maskSecret)
	s, target := setUp(t), sandboxtest.Target(t)
	own := sandboxtest.NewDatabase(t, s.source)
	if err := s.source.Exec(t.Context(), own, `CREATE TABLE vault (id INT PRIMARY KEY, pin VARCHAR(40), code INT) CHARSET utf8mb4 COLLATE utf8mb4_bin;
		CREATE TABLE audit (id INT PRIMARY KEY, vault INT NOT NULL); INSERT INTO vault VALUES (1, 'secret', 1); INSERT INTO audit VALUES (1, 1)`); err != nil {
		t.Fatal(err)
	}
	s.text = strings.NewReplacer("foreign_keys:\n  - notes.entry -> entries\n", "", "sources:\n", "sources:\n  other: {url: \"${FLEET_TEST_NOWHERE}\"}\n").Replace(s.text)
	into := map[string]string{"b": "postgresql://root@127.0.0.1:1/b", "c": "postgresql://root@127.0.0.1:1/c"}
	a, d := sandboxtest.NewDatabase(t, target), sandboxtest.NewDatabase(t, target)
	into["a"], into["d"] = target.URL(a), target.URL(d)
	plan := func(own string) string { return targets(into) + fmt.Sprintf(differing, own) + theirs }

	cfg := s.config(t, plan(own))
	for _, name := range []string{"alpha", "delta"} {
		cfg.Names = []string{name}
		if m := runOne(t, cfg, all...); m.Verdict != report.Pass || m.ExitCode != 0 {
			t.Errorf("%s: %s, exit code %d: %q %+v", name, m.Verdict, m.ExitCode, m.Reasons, m.Error)
		}
	}
	db, err := target.DB(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var pin string
	if err := db.QueryRowContext(t.Context(), "SELECT pin FROM safe").Scan(&pin); err != nil || len(pin) != 32 {
		t.Errorf("the pin arrived as %q, %v", pin, err)
	}

	others := "plan.yaml:20:6: what means nothing for other tenants may mean something for tenant delta, whose source could not be looked at: "
	fewer := "foreign_keys: [notes.entry -> entries]\n" + theirs[strings.Index(theirs, "mask:"):]
	for name, test := range map[string]struct {
		plan  string
		names string
		want  []string
	}{
		"everybody":        {plan(own), "", nil},
		"beta":             {plan(own), "beta", nil},
		"slip in a mask":   {strings.Replace(plan(own), "vault.pin", "vaults.pin", 1), "alpha", []string{"no column that is moved is called vaults.pin"}},
		"slip, everybody":  {strings.Replace(plan(own), "vault.pin", "vaults.pin", 1), "", []string{"no column that is moved is called vaults.pin"}},
		"slip in a filter": {strings.Replace(plan(own), "tables: notes, where", "tables: note, where", 1), "alpha delta", []string{"no table that is moved is called note"}},
		"no such database": {plan("not_there"), "beta", []string{"no column that is moved is called vault.pin", others, "Unknown database"}},
		"no address": {
			strings.Replace(plan(own), "legacy, own_database", "other, own_database", 1), "beta",
			[]string{"no column that is moved is called vault.pin", others, "the environment has no FLEET_TEST_NOWHERE"},
		},
		"nothing to look for": {strings.Replace(plan("not_there"), theirs, strings.Replace(fewer, "    - {match: vault.pin, as: hash}\n", "", 1), 1), "beta", nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := s.config(t, test.plan)
			cfg.Names = strings.Fields(test.names)
			_, err := prepare(t.Context(), cfg)
			if (err == nil) != (test.want == nil) || err != nil && fault.ClassOf(err) != fault.Usage {
				t.Fatalf("got %v", err)
			}
			for _, text := range test.want {
				if strings.Count(err.Error(), text) != 1 {
					t.Errorf("%q is not there once: %v", text, err)
				}
			}
		})
	}
}
