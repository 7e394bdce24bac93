package fleet

import (
	"strings"
	"testing"

	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/sandbox/sandboxtest"
)

// onEvent is a sink that is a function.
type onEvent func(event.Event)

func (f onEvent) Emit(e event.Event) { f(e) }

// A table that somebody makes while other tenants move holds everybody's rows:
// it does not go whole to whoever comes next.
func TestTableOfTheNight(t *testing.T) {
	s := setUp(t)
	target := sandboxtest.Target(t)
	s.text = strings.Replace(s.text, "tenants_at_once: 2", "tenants_at_once: 1", 1)
	a, b := sandboxtest.NewDatabase(t, target), sandboxtest.NewDatabase(t, target)
	cfg := s.config(t, targets(map[string]string{"a": target.URL(a), "b": target.URL(b)}),
		"tenants:\n  - {name: alpha, id: 1, target: a}\n  - {name: beta, id: 2, target: b}\n",
		"rest:\n  - {tables: [tenants, accounts, entries, notes], id: 3, reason: it stays}\n")
	made := false
	cfg.Base.Events = onEvent(func(e event.Event) {
		if !made && e.Kind == event.PhaseStarted && e.Phase == string(migrate.Verify) {
			made = true
			if err := s.source.Exec(t.Context(), s.from, "CREATE TABLE accounts_backup (PRIMARY KEY (id)) AS SELECT * FROM accounts"); err != nil {
				t.Error(err)
			}
		}
	})
	f, err := Run(t.Context(), cfg, all...)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	checkRows(t, f.Tenants[0])
	if m := f.Tenants[1]; m.ExitCode != int(fault.Refused) || !strings.Contains(m.Error.Message, "accounts_backup") {
		t.Errorf("exit code %d: %+v", m.ExitCode, m.Error)
	}
}

// A table is everybody's or divided: who got all of it would have the others' rows.
func TestSharedByOneTenant(t *testing.T) {
	s := setUp(t)
	target := sandboxtest.Target(t)
	s.text += targets(map[string]string{"a": target.URL("a"), "b": target.URL("b"), "c": target.URL("c")})
	cfg := s.config(t, `tenants:
  - name: alpha
    id: 1
    target: a
    tables: [{match: [tenants, accounts], shared: true}, {match: [entries, notes], leave_out: not needed}]
  - {name: beta, id: 2, target: b}
  - {name: gamma, id: 3, target: c}`)
	for _, name := range []string{"alpha", "beta"} {
		cfg.Names = []string{name}
		_, err := Run(t.Context(), cfg, all...)
		if fault.ClassOf(err) != fault.Usage || strings.Count(err.Error(), "tenant alpha would get all of table accounts, in which rows are other tenants'") != 1 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Ids that no row can have are found before the night, also those of tenants
// that do not move in it and of the rest.
func TestIDsThatCannotBe(t *testing.T) {
	s := setUp(t)
	if err := s.source.Exec(t.Context(), s.from, "CREATE TABLE vaults (id INT PRIMARY KEY, vault BINARY(2) NOT NULL, KEY (vault))"); err != nil {
		t.Fatal(err)
	}
	s.text = strings.Replace(s.text, "tables:\n", "tables:\n  - {match: vaults, column: vault}\n", 1)
	s.text = strings.Replace(s.text, "  - {match: tenants, column: id}\n", "  - {match: [tenants, accounts, entries, notes], leave_out: not needed}\n", 1)
	for text, want := range map[string]string{
		"tenants:\n  - {name: alpha, id: 0a0b}\n  - {name: beta, id: 0A0C, database: b}\n":                 `plan.yaml:18:18: tenant beta: "0A0C" is no value of vaults.vault`,
		"tenants:\n  - {name: alpha, id: 0a0b}\nrest:\n  - {tables: vaults, id: 0A0C, reason: it stays}\n": `plan.yaml:19:22: tenant (rest): "0A0C" is no value of vaults.vault`,
		"tenants:\n  - {name: alpha, id: 0a0b}\n  - {name: beta, id: 0a0c, database: b}\n":                 "",
	} {
		cfg := s.config(t, targets(map[string]string{"a": "postgresql://root@127.0.0.1:1/a"}), text)
		cfg.Names = []string{"alpha"}
		_, err := prepare(t.Context(), cfg)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%sgot %v", text, err)
		}
	}
}
