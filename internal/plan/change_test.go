package plan

import (
	"strings"
	"testing"
)

func TestChangesProblems(t *testing.T) {
	for name, test := range map[string]struct{ plan, want, remedy string }{
		"way to a tenant":  {"exclude:\n  - {columns: [\"n*.parent\", \"*.from_account\"], reason: x}", "plan.yaml:34:29: transfers.from_account leads to the tenant", "proven"},
		"unknown column":   {"exclude:\n  - {columns: [tenants.nam], reason: x}", "plan.yaml:34:16: no column that is moved is called tenants.nam", `"name"`},
		"unknown table":    {"exclude:\n  - {columns: tenant.name, reason: x}", "plan.yaml:34:6: no column that is moved is called tenant.name", `"tenants"`},
		"table left out":   {"exclude:\n  - {columns: old_log.id, reason: x}", "plan.yaml:34:6: no column that is moved", ""},
		"tenant column":    {"exclude:\n  - {columns: accounts.tenant_id, reason: x}", "plan.yaml:34:6: accounts.tenant_id tells the tenants apart", "proven"},
		"primary key":      {"exclude:\n  - {columns: tpps.id, reason: x}", "plan.yaml:34:6: tpps.id is part of the primary key", "rows are found"},
		"filter of no one": {"filters:\n  - {tables: [notes, note], where: a = 1, reason: x}", "plan.yaml:34:22: no table that is moved is called note", `"notes"`},
		"renamed no table": {"rename:\n  - {table: Notes, to: x}", "plan.yaml:34:6: no table that is moved is called Notes", `"notes"`},
		"renamed nothing":  {"rename:\n  - {column: tenants.nam, to: x}", "plan.yaml:34:6: no column that is moved is called tenants.nam", `"name"`},
		"renamed twice":    {"rename:\n  - {table: notes, to: x}\n  - {table: notes, to: y}", "plan.yaml:35:6: notes is renamed twice", "keep one"},
		"name of another":  {"rename:\n  - {table: notes, to: tags}", "plan.yaml:33:1: notes and tags would both be called tags", "another name"},
		"name of a column": {"rename:\n  - {column: tenants.name, to: id}", "plan.yaml:33:1: tenants.id and tenants.name would both be called id", "another name"},
		"two filters":      {"filters:\n  - {tables: notes, where: a = 1, reason: x}\n  - {tables: \"n*\", where: a = 2, reason: x}", "plan.yaml:35:6: there are two filters for notes", "AND"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Read("plan.yaml", []byte(change(t, "policies:\n  zero-date: min", test.plan)))
			if err != nil {
				t.Fatal(err)
			}
			db := sample(bank)
			tables, problems := p.Belong(p.Tenant("beta"), db, nil)
			if problems != nil {
				t.Fatal(problems)
			}
			var uses Uses
			_, problems = p.Changes(db, tables, &uses)
			problems = append(problems, uses.Useless()...)
			if len(problems) == 0 || !strings.HasPrefix(problems[0].String(), test.want) || !strings.Contains(problems[0].Remedy, test.remedy) {
				t.Errorf("got %v", problems)
			}
		})
	}
}

func TestConditionProblem(t *testing.T) {
	for text, want := range map[string]string{
		"a = 1":                              "",
		"(a = 'it''s; \\' -- ' OR `b;` > 2)": "",
		"d > '2024-01-01' AND t.user = 1":    "", // a column of that name
		"a = 1; DROP TABLE t":                "end of a statement",
		"a = 1 -- AND b = 2":                 "a comment",
		"a = 1 /* or so */":                  "a comment",
		"a = 1) OR (b = 2":                   "closes a parenthesis",
		"(a = 1":                             "opens a parenthesis",
		"a = 'x":                             "nothing closes",
		"a > Rand()":                         "uses RAND",
		"a > UNIX_TIMESTAMP( ) - 86400":      "uses UNIX_TIMESTAMP",
		"UNIX_TIMESTAMP(day) > share":        "",
		"a IN (SELECT b FROM c FOR SHARE)":   "uses SHARE",
		"a = RANDOM_BYTES(3)":                "uses RANDOM_BYTES",
		"ROWNUM() < 3":                       "uses ROWNUM",
		"rownum < 3":                         "",
		"a > (SELECT b FROM c FETCH FIRST 1 ROW ONLY)": "uses FETCH",
		"a > UUID_v7()":                  "uses UUID_V7",
		"a = @x":                         "a variable",
		"a IN (SELECT b FROM c LIMIT 1)": "uses LIMIT",
	} {
		if got := conditionProblem(text); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
