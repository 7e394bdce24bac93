package convert

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"leap/internal/schema"
)

// unquote reads what quote and literal write, by the targets' rules: the text
// between two marks, in which a doubled mark stands for itself.
func unquote(t *rapid.T, sql string, mark byte) string {
	if len(sql) < 2 || sql[0] != mark || sql[len(sql)-1] != mark {
		t.Fatalf("%q is not in %c", sql, mark)
	}
	inner := sql[1 : len(sql)-1]
	var out strings.Builder
	for i := 0; i < len(inner); i++ {
		if inner[i] == mark {
			i++
			if i == len(inner) || inner[i] != mark {
				t.Fatalf("%q ends early", sql)
			}
		}
		out.WriteByte(inner[i])
	}
	return out.String()
}

func TestQuotingSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`['"\\;a\n-]*`)).Draw(t, "text")
		if got := unquote(t, quote(text), '"'); got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
		if got := unquote(t, literal(text), '\''); got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
	})
}

// TestSourceStringsSurvive writes a string as MySQL prints it and reads it back.
func TestSourceStringsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`['"\\a\n\t-]*`)).Draw(t, "text")
		printed := "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\x00", `\0`, "\n", `\n`).Replace(text) + "'"
		e, err := parse(printed)
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		if got := e.(stringExpr).text; got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
		name := "`" + strings.ReplaceAll(text, "`", "``") + "`"
		if e, err = parse(name); err != nil || e.(columnExpr).name != text {
			t.Errorf("%s comes back as %v, %v", name, e, err)
		}
	})
}

func TestNamespace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{0, 20, 63}).Draw(t, "limit")
		wanted := rapid.SliceOf(rapid.OneOf(
			rapid.StringN(1, 64, 192), rapid.StringMatching(`ü{20,64}`), rapid.StringMatching(`a(_2)?`),
		)).Draw(t, "wanted")
		n, again := newNamespace(limit), newNamespace(limit)
		seen := map[string]bool{}
		for _, w := range wanted {
			got := n.claim(w)
			if seen[got] {
				t.Fatalf("%q is handed out twice", got)
			}
			seen[got] = true
			if limit > 0 && len(got) > limit {
				t.Fatalf("%q has %d bytes", got, len(got))
			}
			if utf8.ValidString(w) && !utf8.ValidString(got) {
				t.Fatalf("%q was cut inside a character: %q", w, got)
			}
			if other := again.claim(w); other != got {
				t.Fatalf("%q becomes %q and %q", w, got, other)
			}
		}
	})
}

// FuzzTranslate feeds the parser what it may meet; it must answer or refuse.
func FuzzTranslate(f *testing.F) {
	for _, e := range formulas {
		f.Add(e[1])
	}
	for _, e := range refusedFormulas {
		f.Add(e)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		table := tableOf("t", append(append([]schema.Column(nil), baseColumns...), generated("gen", "int(11)", text))...)
		table.Checks = []schema.Check{{Name: "c", Expression: text, Enforced: true}}
		_, _ = Build(databaseOf(table), postgres, DefaultPolicies(), nil)
	})
}

func TestTypesAndTablesShareNames(t *testing.T) {
	plan := build(t, postgres,
		tableOf("a", column("b_c", "enum('x')")), tableOf("a_b", column("c", "enum('x')")), tableOf("a_b_c"))
	seen := map[string]bool{"a": true, "a_b": true, "a_b_c": true}
	for _, table := range plan.Tables {
		for _, name := range table.Types {
			if seen[name] {
				t.Errorf("the type name %q is taken", name)
			}
			seen[name] = true
		}
	}
	if len(seen) != 5 {
		t.Errorf("names: %v, want 5", seen)
	}
}

func TestFoldingNames(t *testing.T) {
	plan := build(t, cockroach, tableOf("Users"), tableOf("users"))
	wantFinding(t, plan, "names-fold", schema.Info, "users")
	wantFinding(t, plan, "names-upper-case", schema.Info, "database shop")
	if plan.Tables[0].Mapping.Name != "Users" || plan.Tables[1].Mapping.Name != "users" {
		t.Errorf("the names changed: %+v", plan.Tables)
	}
}

func TestObjectsAndTables(t *testing.T) {
	db := bankDatabase()
	db.Objects = append(db.Objects, schema.Object{Kind: schema.Sequence, Name: "s"}, schema.Object{Kind: schema.Function, Name: "f"})
	plan, err := Build(db, postgres, DefaultPolicies(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range db.Objects {
		wantFinding(t, plan, string(o.Kind)+"-dropped", schema.Warning, string(o.Kind)+" "+o.Name)
	}
	wantFinding(t, plan, "engine-not-transactional", schema.Warning, "Accounts")
	wantFinding(t, plan, "partitions-dropped", schema.Info, "accounts")
	wantFinding(t, plan, "invisible-column", schema.Info, "customers.note")
	if empty, err := Build(databaseOf(), postgres, DefaultPolicies(), nil); err != nil || len(empty.Tables)+len(empty.Before)+len(empty.After) > 0 {
		t.Errorf("an empty database: %+v, %v", empty, err)
	}
}

// TestGeneratedColumns looks at what only generated columns do.
func TestGeneratedColumns(t *testing.T) {
	virtual := generated("twice", "int(11)", "`once` * 2")
	virtual.Generated.Stored = false
	table := tableOf("t", column("d", "date"), virtual, generated("once", "int(11)", "`id` + 1"), generated("y", "int(11)", "year(`d`)"))
	plan := build(t, postgres, table)
	m := plan.Tables[0].Mapping
	if got := len(m.Copied()); got != 2 {
		t.Errorf("%d columns are copied, want 2", got)
	}
	if got := definition(t, plan, "twice"); strings.Contains(got, "once") {
		t.Errorf("a computed column reads another: %s", got)
	}
	wantFinding(t, plan, "virtual-stored", schema.Info, "t.twice")

	p := DefaultPolicies()
	p.ZeroDate = schema.Null
	plan = buildWith(t, postgres, p, nil, table)
	if mapped(t, plan, "y").Computed {
		t.Error("a column is computed from values that a policy may change")
	}
	wantFinding(t, plan, "generated-not-translated", schema.Warning, "t.y")
	plan = build(t, Dialect{}, table)
	if mapped(t, plan, "y").Computed {
		t.Error("a target without computed columns computes one")
	}
}
