package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/fault"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// threeTables, and on MariaDB one with a history.
func threeTables(t *testing.T) string {
	t.Helper()
	tables := "CREATE TABLE a (x INT); CREATE TABLE b (x INT, y INT); CREATE TABLE c (x INT); CREATE TABLE v (x INT)"
	if sandboxtest.Source(t).Kind() == sandbox.MariaDB {
		tables += " WITH SYSTEM VERSIONING"
	}
	return tables
}

func TestCheckPrivileges(t *testing.T) {
	db, server := open(t, threeTables(t))
	database := db.Info().Database
	if err := db.CheckPrivileges(t.Context(), []string{"a", "b", "c"}); err != nil {
		t.Errorf("administrator: %v", err)
	}
	one := openAs(t, account(t, server, database, "GRANT SELECT ON %DB%.a TO %A%", "GRANT SELECT (x) ON %DB%.b TO %A%"))
	if err := one.CheckPrivileges(t.Context(), []string{"a"}); err != nil {
		t.Errorf("a: %v", err)
	}
	err := one.CheckPrivileges(t.Context(), []string{"a", "b", "c"})
	if err == nil {
		t.Fatal("no error for two tables without SELECT")
	}
	if fault.ClassOf(err) != fault.Refused || !strings.HasSuffix(err.Error(), "may not read all of: b, c") {
		t.Errorf("class %d: %v", fault.ClassOf(err), err)
	}
	if hint := fault.HintOf(err); !strings.Contains(hint, "GRANT SELECT ON `"+database+"`.`b` TO 'acc_testcheckprivileges'@'%'") {
		t.Errorf("hint: %s", hint)
	}
}

func rulesOf(t *testing.T, db *DB) []string {
	t.Helper()
	findings, err := db.Visibility(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range findings {
		if f.Problem == "" || f.Advice == "" || f.Object == "" || (f.Severity == schema.Blocker) != (f.Rule == "tables-hidden") {
			t.Errorf("finding: %+v", f)
		}
		out = append(out, f.Rule)
	}
	return out
}

func TestVisibility(t *testing.T) {
	db, server := open(t, threeTables(t))
	database := db.Info().Database
	replaceRole, setRole, history := "CREATE OR REPLACE ROLE visibility_role", "SET DEFAULT ROLE visibility_role FOR %A%", []string{"history-not-moved"}
	if db.Info().Product == MySQL {
		replaceRole, setRole = "DROP ROLE IF EXISTS visibility_role; CREATE ROLE visibility_role", "SET DEFAULT ROLE visibility_role TO %A%"
		history = nil // there is none
	}
	for _, c := range []struct {
		name   string
		grants []string
		want   []string
	}{
		{"all", []string{"GRANT ALL ON %DB%.* TO %A%"}, nil},
		{"reader", []string{"GRANT SELECT ON %DB%.* TO %A%"}, []string{"triggers-hidden", "views-hidden", "events-hidden", "routines-hidden"}},
		{"one table", []string{"GRANT SELECT ON %DB%.a TO %A%", "GRANT TRIGGER, SHOW VIEW, EVENT, EXECUTE ON *.* TO %A%"}, []string{"tables-hidden"}},
		{"role", []string{
			replaceRole, "GRANT SELECT, TRIGGER, SHOW VIEW, EVENT, EXECUTE ON %DB%.* TO visibility_role",
			"GRANT visibility_role TO %A%", setRole,
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(append(c.want, history...), rulesOf(t, openAs(t, account(t, server, database, c.grants...)))); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestGrants(t *testing.T) {
	for line, want := range map[string]bool{
		"GRANT ALL PRIVILEGES ON *.* TO `u`@`h` WITH GRANT OPTION": true,
		"GRANT SELECT, TRIGGER ON `shop\\_one`.* TO `u`@`h`":       true,
		"GRANT TRIGGER ON `shop%`.* TO `u`@`h`":                    true,
		"GRANT TRIGGER ON `shop_one`.* TO `u`@`h`":                 true,
		"GRANT TRIGGER ON `shopXone`.* TO `u`@`h`":                 false,
		"GRANT TRIGGER ON `shop\\%`.* TO `u`@`h`":                  false,
		"GRANT TRIGGER ON `shop_one`.`t` TO `u`@`h`":               false,
		"GRANT SELECT ON *.* TO `u`@`h`":                           false,
		"GRANT USAGE ON *.* TO `u`@`h`":                            false,
		"GRANT `TRIGGER` TO `u`@`h`":                               false,
		"GRANT PROXY ON ``@`%` TO `u`@`h`":                         false,
	} {
		if got := (grants{}).add(line).any("shop_one", []string{"TRIGGER"}); got != want {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}
