package plan

import (
	"strings"
	"testing"
)

const bare = `version: 1
sources: {s: {url: mysql://u@h/db}}
targets: {t: {url: postgresql://u@h}}
`

// Several groups of keys can be merged; the first that has a key wins.
func TestMergeList(t *testing.T) {
	p, err := Read("plan.yaml", []byte(bare+`x-one: &one {domicile: unchecked, database: one}
x-two: &two {database: two, country: DE}
tenants:
  - {name: a, id: 1, <<: [*one, *two]}
  - {<<: *one, name: b, id: 2, database: b}
`))
	if err != nil {
		t.Fatal(err)
	}
	if a := p.Tenants[0]; a.Domicile != Unchecked || a.Database != "one" || a.Country != "DE" {
		t.Errorf("got %+v", a)
	}
	if b := p.Tenants[1]; b.Domicile != Unchecked || b.Database != "b" {
		t.Errorf("got %+v", b)
	}
}

// What cannot be merged is told, and not passed over.
func TestMergeNothing(t *testing.T) {
	for text, want := range map[string]string{
		"tenants:\n  - {name: a, id: 1, <<: foo}\n":                                              "plan.yaml:5:22: what tenants[0] merges is not a group of keys",
		"tenants:\n  - {name: a, id: 1, <<: [{database: x}, foo]}\n":                             "not a group of keys",
		"tenants:\n  - {name: a, id: 1, <<: *nix}\n":                                             "not a group of keys",
		"tenants:\n  - &t {name: a, id: 1, <<: *t}\n":                                            "tenants[0] merges itself",
		"x-a: &a {<<: *b}\nx-b: &b {<<: *a}\ntenants:\n  - {name: a, id: 1, <<: *a}\n":           "merges itself",
		"x-a: &a {database: x}\nx-b: &a {database: y}\ntenants:\n  - {name: a, id: 1, <<: *a}\n": "plan.yaml:5:6: the anchor &a is there twice",
	} {
		if _, err := Read("plan.yaml", []byte(bare+text)); err == nil || strings.Count(err.Error(), want) != 1 {
			t.Errorf("%sgot %v, want %s", text, err, want)
		}
	}
}
