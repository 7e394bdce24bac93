package plan

import (
	"strings"
	"testing"
)

// One database is not two, whatever the plan calls it.
func TestSameSources(t *testing.T) {
	const head = "version: 1\nsources:\n  legacy: {url: mysql://leap@db1/bank}\n  again: {url: \"${AGAIN}\"}\ntargets: {de: {url: postgresql://leap@crdb}}\ntenants:\n"
	outside := Outside{Env: func(name string) (string, bool) { return "mysql://other@DB1:3306/bank", name == "AGAIN" }}
	for text, want := range map[string]string{
		"  - {name: a, source: legacy, id: 1, database: a}\n  - {name: b, source: legacy, own_database: bank, database: b}\n  - {name: c, source: legacy, id: 2, database: c}\n": "the database bank is not tenant b's own: other tenants have rows there",
		"  - {name: a, source: again, own_database: bank, database: a}\n  - {name: b, source: legacy, id: 1, database: b}\n":                                                     "the database bank is not tenant a's own: other tenants have rows there",
		"  - {name: a, source: legacy, id: 1, database: a}\n  - {name: b, source: again, id: 1, database: b}\n  - {name: c, source: again, id: 2, database: c}\n":                "are one database",
		"  - {name: a, source: legacy, id: 1, database: a}\n  - {name: b, source: again, own_database: other, database: b}\n":                                                    "",
		"  - {name: a, source: legacy, id: 1, database: a}\n  - {name: b, source: legacy, own_database: other, database: b}\n":                                                   "",
	} {
		p, err := Read("plan.yaml", []byte(head+text))
		if err != nil {
			t.Fatal(err)
		}
		for _, chosen := range [][]*Tenant{p.Tenants, p.Tenants[:1], p.Tenants[1:]} {
			if _, problems := p.Endpoints(chosen, outside); (len(problems) > 0) != (want != "") || want != "" && strings.Count(problems.Err().Error(), want) != 1 {
				t.Errorf("%sgot %v", text, problems)
			}
		}
	}
}

// Who moves one tenant needs no password of another's source for that.
func TestSameSourcesWithoutPassword(t *testing.T) {
	const text = `version: 1
sources:
  legacy: {url: mysql://leap@db1/bank}
  again: {url: mysql://leap@db1/bank, password: "${NOT_AT_HAND}"}
targets: {de: {url: postgresql://leap@crdb}}
tenants:
  - {name: a, source: legacy, own_database: bank, database: a}
  - {name: b, source: again, id: 1, database: b}
`
	p, err := Read("plan.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	nothing := Outside{Env: func(string) (string, bool) { return "", false }}
	if _, problems := p.Endpoints(p.Tenants[:1], nothing); len(problems) != 1 || !strings.Contains(problems.Err().Error(), "is not tenant a's own") {
		t.Errorf("got %v", problems)
	}
}

// What is not YAML may be a password.
func TestSyntaxQuotesNothing(t *testing.T) {
	for _, line := range []string{"password: |hunter2", "password: >hunter2", "password: @hunter2", "password: \"hunter2", "password: {hunter2", "password:hunter2", "password:hunter2:", "password=hunter2: {}"} {
		_, err := Read("plan.yaml", []byte("version: 1\nsources:\n  s:\n    "+line+"\n"))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", line, err)
		}
	}
}
