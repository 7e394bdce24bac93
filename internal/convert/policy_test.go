package convert

import (
	"slices"
	"strings"
	"testing"

	"leap/internal/fault"
	"leap/internal/schema"
)

func TestPolicySet(t *testing.T) {
	for _, c := range PolicyHelp() {
		p := DefaultPolicies()
		if got := p.Get(c.Name); got != c.Default {
			t.Errorf("%s is %q by default, the help says %q", c.Name, got, c.Default)
		}
		for _, v := range c.Values {
			if err := p.Set(c.Name, v.Value); err != nil || p.Get(c.Name) != v.Value {
				t.Errorf("%s=%s: %v, then %q", c.Name, v.Value, err, p.Get(c.Name))
			}
			if v.Meaning == "" {
				t.Errorf("%s=%s has no meaning", c.Name, v.Value)
			}
		}
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func TestPolicySetRefuses(t *testing.T) {
	for _, tt := range []struct{ name, value, known string }{
		{"zero-dates", "null", "zero-date, nul, json-duplicate"},
		{"zero-date", "NULL", "refuse, null, min"},
		{"nul", "null", "refuse, strip"},
		{"empty-enum", "min", "refuse, null"},
		{"tinyint1", "", "int2, bool"},
	} {
		p := DefaultPolicies()
		err := p.Set(tt.name, tt.value)
		if err == nil {
			t.Errorf("%s=%s was accepted", tt.name, tt.value)
			continue
		}
		if fault.ClassOf(err) != fault.Usage || !strings.Contains(fault.HintOf(err), tt.known) {
			t.Errorf("%s=%s: class %d, hint %q", tt.name, tt.value, fault.ClassOf(err), fault.HintOf(err))
		}
		if p != DefaultPolicies() {
			t.Errorf("%s=%s changed the policies", tt.name, tt.value)
		}
	}
	if _, err := Build(databaseOf(), postgres, Policies{}, nil); fault.ClassOf(err) != fault.Usage {
		t.Errorf("Build with no policies: %v", err)
	}
	p := DefaultPolicies()
	p.NUL = schema.Min
	if err := p.Validate(); err == nil {
		t.Error("nul=min is valid")
	}
}

// TestNullPolicy checks what storing NULL does to NOT NULL and to keys.
func TestNullPolicy(t *testing.T) {
	p := DefaultPolicies()
	p.ZeroDate, p.EmptyEnum = schema.Null, schema.Null
	table := tableOf("t", required("d", "date"), required("e", "enum('a')"), required("n", "int(11)"))
	plan := buildWith(t, postgres, p, nil, table)
	wantFinding(t, plan, "not-null-dropped", schema.Warning, "t.d")
	wantFinding(t, plan, "not-null-dropped", schema.Warning, "t.e")
	for name, want := range map[string]bool{"d": false, "e": false, "n": true} {
		if m := mapped(t, plan, name); m.NotNull != want {
			t.Errorf("%s NOT NULL is %v", name, m.NotNull)
		}
	}
	scanned := buildWith(t, postgres, p, Facts{"t": {"e": {EmptyEnums: 1}}}, table)
	if !mapped(t, scanned, "d").NotNull || mapped(t, scanned, "e").NotNull {
		t.Error("NOT NULL does not follow the facts")
	}
	table.PrimaryKey.Parts = on("id", "d")
	wantFinding(t, buildWith(t, postgres, p, nil, table), "policy-null-in-key", schema.Blocker, "t.d")
	wantNoFinding(t, buildWith(t, postgres, p, Facts{}, table), "policy-null-in-key")

	// A unique key that may become NULL identifies nothing.
	table.PrimaryKey = nil
	table.Indexes = []schema.Index{{Name: "u", Unique: true, Type: "BTREE", Parts: on("d")}}
	wantFinding(t, buildWith(t, postgres, p, nil, table), "no-primary-key", schema.Warning, "t")
}

func TestFacts(t *testing.T) {
	table := tableOf("t", column("s", "text"), column("d", "datetime"), column("e", "enum('a')"), column("j", "json"))
	facts := Facts{"t": {
		"s": {LossyText: 3, NULs: 2}, "d": {ZeroDates: 4}, "e": {EmptyEnums: 5}, "j": {NULs: 1},
	}}
	plan := buildWith(t, postgres, DefaultPolicies(), facts, table)
	for rule, object := range map[string]string{"text-lossy": "t.s", "zero-date": "t.d", "empty-enum": "t.e"} {
		wantFinding(t, plan, rule, schema.Blocker, object)
	}
	wantFinding(t, plan, "nul", schema.Blocker, "t.s")
	wantFinding(t, plan, "nul", schema.Blocker, "t.j")
	if f := found(plan, "zero-date")[0]; !strings.Contains(f.Problem, "4 ") || !strings.Contains(f.Advice, "zero-date=null") {
		t.Errorf("the count or the policy is missing: %+v", f)
	}
	p := Policies{
		ZeroDate: schema.Min, NUL: schema.Strip, EmptyEnum: schema.Null, JSONDuplicate: schema.Last,
		TinyInt1: "int2", UnsignedBigint: "decimal", Time: "auto", Sets: "array", Geometry: "refuse",
	}
	plan = buildWith(t, postgres, p, facts, table)
	for rule, object := range map[string]string{"zero-date-changed": "t.d", "empty-enum-changed": "t.e", "nul-changed": "t.s"} {
		wantFinding(t, plan, rule, schema.Warning, object)
	}
	// JSON is not text: nothing may be cut out of it.
	wantFinding(t, plan, "nul", schema.Blocker, "t.j")
	want := map[string]schema.ValuePolicy{
		"s": {NUL: schema.Strip}, "d": {ZeroDate: schema.Min}, "e": {EmptyEnum: schema.Null}, "j": {JSONDuplicate: schema.Last}, "id": {},
	}
	for name, policy := range want {
		if got := mapped(t, plan, name).Policy; got != policy {
			t.Errorf("policy of %s is %+v, want %+v", name, got, policy)
		}
	}
	wantNoFinding(t, buildWith(t, cockroach, DefaultPolicies(), facts, table), "nul")
	// Of February 30 no policy makes a date.
	wantFinding(t, buildWith(t, cockroach, p, Facts{"t": {"d": {ImpossibleDates: 1}}}, table), "impossible-date", schema.Blocker, "t.d")
	if b := buildWith(t, postgres, DefaultPolicies(), Facts{}, table).Blockers(); len(b) > 0 {
		t.Errorf("clean data are blocked: %+v", b)
	}
}

func TestChooseKey(t *testing.T) {
	index := func(name string, parts ...schema.KeyPart) schema.Index {
		return schema.Index{Name: name, Unique: true, Type: "BTREE", Parts: parts}
	}
	columns := []schema.Column{
		required("a", "int(11)"), required("b", "varchar(9)"), column("n", "int(11)"), required("f", "double"),
	}
	tests := []struct {
		name    string
		indexes []schema.Index
		want    string
		key     []int
	}{
		{"none", nil, "", nil},
		{"nullable", []schema.Index{index("u", on("n")...)}, "", nil},
		{"prefix", []schema.Index{index("u", schema.KeyPart{Column: "b", Prefix: 3})}, "", nil},
		{"functional", []schema.Index{index("u", schema.KeyPart{Expression: "`a`+1"})}, "", nil},
		{"float", []schema.Index{index("u", on("f")...)}, "", nil},
		{"not unique", []schema.Index{{Name: "i", Type: "BTREE", Parts: on("a")}}, "", nil},
		{"shortest", []schema.Index{index("two", on("b", "a")...), index("one", on("B")...), index("late", on("a")...)}, "one", []int{2}},
		{"ignored", []schema.Index{{Name: "one", Unique: true, Ignored: true, Type: "BTREE", Parts: on("b")}, index("two", on("b", "a")...)}, "two", []int{2, 1}},
		{"hash", []schema.Index{{Name: "one", Unique: true, Type: "HASH", Parts: on("b")}, index("two", on("b", "a")...)}, "two", []int{2, 1}},
		{"only a hash", []schema.Index{{Name: "one", Unique: true, Type: "HASH", Parts: on("b")}}, "one", []int{2}},
		{"order", []schema.Index{index("two", on("b", "a")...)}, "two", []int{2, 1}},
	}
	for _, tt := range tests {
		table := tableOf("t", columns...)
		table.PrimaryKey, table.Indexes = nil, tt.indexes
		table.Columns[0].Nullable = true
		plan := build(t, newest, table)
		m := plan.Tables[0].Mapping
		if m.KeyIndex != tt.want || !slices.Equal(m.Key, tt.key) {
			t.Errorf("%s: key %q %v, want %q %v", tt.name, m.KeyIndex, m.Key, tt.want, tt.key)
		}
		if (tt.want == "") != (len(found(plan, "no-primary-key")) == 1) {
			t.Errorf("%s: findings %+v", tt.name, plan.Findings)
		}
	}
	plan := build(t, postgres, tableOf("t"))
	if m := plan.Tables[0].Mapping; m.KeyIndex != "PRIMARY" || !slices.Equal(m.Key, []int{0}) {
		t.Errorf("primary key: %+v", m)
	}
	prefixed := tableOf("t", required("s", "text"))
	prefixed.PrimaryKey.Parts = []schema.KeyPart{{Column: "s", Prefix: 5}}
	wantFinding(t, build(t, postgres, prefixed), "prefix-key", schema.Warning, "t.s")
}
