package convert

import (
	"fmt"
	"strings"
	"testing"

	"leap/internal/schema"
)

func TestIndexes(t *testing.T) {
	prefix := func(c string) schema.KeyPart { return schema.KeyPart{Column: c, Prefix: 7} }
	tests := []struct {
		name     string
		d        Dialect
		index    schema.Index
		want     string // what follows CREATE; empty: not created
		rule     string
		object   string
		severity schema.Severity
	}{
		{"plain", postgres, schema.Index{Parts: on("n", "S")}, `INDEX "x" ON "public"."t" ("n", "s")`, "", "", ""},
		{"descending", cockroach, schema.Index{Parts: []schema.KeyPart{{Column: "n", Descending: true}}}, `INDEX "x" ON "public"."t" ("n" DESC)`, "", "", ""},
		{"unique", cockroach, schema.Index{Unique: true, Parts: on("n")}, `UNIQUE INDEX "x" ON "public"."t" ("n")`, "", "", ""},
		{"unique ci", cockroach, schema.Index{Unique: true, Parts: on("ci")}, `UNIQUE INDEX`, "unique-collation", "t.ci", schema.Warning},
		{"prefix", cockroach, schema.Index{Parts: []schema.KeyPart{prefix("s")}}, `INDEX "x" ON "public"."t" ("s")`, "index-prefix-dropped", "t.x", schema.Info},
		{"unique prefix", cockroach, schema.Index{Unique: true, Parts: []schema.KeyPart{prefix("s")}}, `INDEX "x" ON "public"."t" ("s")`, "unique-prefix-dropped", "t.x", schema.Warning},
		{"unique prefix kept", newest, schema.Index{Unique: true, Parts: []schema.KeyPart{prefix("s")}}, `UNIQUE INDEX "x" ON "public"."t" ((left("s", 7)))`, "", "", ""},
		{"unique prefix of bytes", newest, schema.Index{Unique: true, Parts: []schema.KeyPart{prefix("b")}}, `UNIQUE INDEX "x" ON "public"."t" ((substr("b", 1, 7)))`, "", "", ""},
		{"fulltext", newest, schema.Index{Type: "FULLTEXT", Parts: on("s")}, "", "index-type-dropped", "t.x", schema.Warning},
		{"spatial", newest, schema.Index{Type: "SPATIAL", Parts: on("b")}, "", "index-type-dropped", "t.x", schema.Warning},
		{"json", newest, schema.Index{Parts: []schema.KeyPart{prefix("j")}}, "", "index-dropped", "t.x", schema.Warning},
		{"functional", newest, schema.Index{Parts: []schema.KeyPart{{Expression: "(`n` + 1)"}}}, `INDEX "x" ON "public"."t" ((("n"::INT8 + 1)))`, "", "", ""},
		{"functional, old", cockroach, schema.Index{Parts: []schema.KeyPart{{Expression: "(`n` + 1)"}}}, "", "index-dropped", "t.x", schema.Warning},
		{"functional, unknown", newest, schema.Index{Parts: []schema.KeyPart{{Expression: "json_value(`j`,'$')"}}}, "", "index-dropped", "t.x", schema.Warning},
		{"functional, unique", cockroach, schema.Index{Unique: true, Parts: []schema.KeyPart{{Expression: "(`n` + 1)"}}}, "", "index-dropped", "t.x", schema.Warning},
		{"long", postgres, schema.Index{Parts: on("s")}, `INDEX`, "index-long-values", "t.x", schema.Info},
	}
	for _, tt := range tests {
		table := tableOf("t", column("n", "int(11)"), column("s", "text"), column("b", "blob"), column("j", "json"),
			column("ci", "varchar(9) collate utf8mb4_unicode_ci"))
		tt.index.Name = "x"
		if tt.index.Type == "" {
			tt.index.Type = "BTREE"
		}
		table.Indexes = []schema.Index{tt.index}
		plan := build(t, tt.d, table)
		got := sqlOfKind(plan, KindIndex, KindUnique)
		if (tt.want == "") != (got == "") || !strings.HasPrefix(got, strings.TrimSuffix("CREATE "+tt.want, "CREATE ")) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if tt.rule != "" {
			wantFinding(t, plan, tt.rule, tt.severity, tt.object)
		}
		if tt.rule == "index-dropped" && strings.Contains(fmt.Sprint(plan.Findings), "UNIQUE is not checked") != tt.index.Unique {
			t.Errorf("%s: what it says of UNIQUE: %v", tt.name, plan.Findings)
		}
		if n := len(plan.Tables[0].Indexes); n != strings.Count(got, "CREATE") {
			t.Errorf("%s: %d index names", tt.name, n)
		}
	}
}

// TestIndexNames keeps apart what PostgreSQL keeps in one namespace.
func TestIndexNames(t *testing.T) {
	a, b := tableOf("a", column("n", "int(11)")), tableOf("b", column("n", "int(11)"))
	c := tableOf("c_idx")
	a.Indexes = []schema.Index{{Name: "idx", Parts: on("n")}, {Name: "b", Parts: on("n")}, {Name: "a_pkey", Parts: on("n")}, {Name: "own", Parts: on("n")}}
	b.Indexes = []schema.Index{{Name: "idx", Parts: on("n")}, {Name: strings.Repeat("i", 64), Parts: on("n")}}
	plan := build(t, postgres, a, b, c)
	seen := map[string]bool{"a": true, "b": true, "c_idx": true, "a_pkey": true, "b_pkey": true, "c_idx_pkey": true}
	for _, table := range plan.Tables {
		for _, name := range table.Indexes {
			if seen[name] || len(name) > 63 {
				t.Errorf("the name %q is taken or too long", name)
			}
			seen[name] = true
		}
	}
	for _, want := range []string{"a_idx", "b_idx", "a_b", "a_a_pkey", "own"} {
		if !seen[want] {
			t.Errorf("no index %s in %v", want, seen)
		}
	}
	wantFinding(t, plan, "index-renamed", schema.Info, "a.idx")
	plan = build(t, cockroach, a, b, c)
	wantNoFinding(t, plan, "index-renamed")
}

func TestForeignKeys(t *testing.T) {
	tests := []struct {
		name string
		fk   schema.ForeignKey
		want string // what follows FOREIGN KEY; empty: not created, and why
		why  string
	}{
		{"cascade", schema.ForeignKey{Columns: []string{"p"}, RefTable: "parent", RefColumns: []string{"ID"}, OnDelete: "CASCADE", OnUpdate: "SET NULL"}, `("p") REFERENCES "public"."parent" ("id") ON DELETE CASCADE ON UPDATE SET NULL`, ""},
		{"restrict", schema.ForeignKey{Columns: []string{"p"}, RefTable: "Parent", RefColumns: []string{"id"}, OnDelete: "RESTRICT", OnUpdate: "NO ACTION"}, `("p") REFERENCES "public"."parent" ("id") ON DELETE RESTRICT`, ""},
		{"same database", schema.ForeignKey{Columns: []string{"p"}, RefSchema: "shop", RefTable: "parent", RefColumns: []string{"id"}}, `("p") REFERENCES "public"."parent" ("id")`, ""},
		{"other order", schema.ForeignKey{Columns: []string{"p", "s"}, RefTable: "parent", RefColumns: []string{"two", "one"}}, `("s", "p") REFERENCES "public"."parent" ("one", "two")`, ""},
		{"other database", schema.ForeignKey{Columns: []string{"p"}, RefSchema: "other", RefTable: "parent", RefColumns: []string{"id"}}, "", "another database"},
		{"no table", schema.ForeignKey{Columns: []string{"p"}, RefTable: "nobody", RefColumns: []string{"id"}}, "", "not part of the plan"},
		{"not unique", schema.ForeignKey{Columns: []string{"p"}, RefTable: "parent", RefColumns: []string{"two"}}, "", "not unique"},
		{"part of a key", schema.ForeignKey{Columns: []string{"s"}, RefTable: "parent", RefColumns: []string{"one"}}, "", "not unique"},
		{"types", schema.ForeignKey{Columns: []string{"s"}, RefTable: "parent", RefColumns: []string{"id"}}, "", "s is VARCHAR(9) and parent.id is INT4"},
		{"unique prefix", schema.ForeignKey{Columns: []string{"s"}, RefTable: "parent", RefColumns: []string{"cut"}}, "", "not unique"},
		{"enum", schema.ForeignKey{Columns: []string{"e"}, RefTable: "parent", RefColumns: []string{"e"}}, "", `e is "public"."child_e"`},
	}
	for _, tt := range tests {
		parent := tableOf("parent", required("one", "varchar(20)"), required("two", "int(11)"), column("cut", "varchar(20)"), column("e", "enum('a')"))
		parent.Indexes = []schema.Index{
			{Name: "u", Unique: true, Parts: on("one", "two")},
			{Name: "cut", Unique: true, Parts: []schema.KeyPart{{Column: "cut", Prefix: 3}}},
			{Name: "e", Unique: true, Parts: on("e")},
		}
		child := tableOf("child", column("p", "int(11)"), column("s", "varchar(9)"), column("e", "enum('a')"))
		tt.fk.Name = "fk"
		child.ForeignKeys = []schema.ForeignKey{tt.fk}
		plan := build(t, postgres, child, parent)
		got := sqlOfKind(plan, KindForeignKey)
		want := ""
		if tt.want != "" {
			want = `ALTER TABLE "public"."child" ADD CONSTRAINT "fk" FOREIGN KEY ` + tt.want
		}
		if got != want {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
		if tt.want == "" {
			wantFinding(t, plan, "foreign-key-dropped", schema.Warning, "child.fk")
			if f := found(plan, "foreign-key-dropped"); !strings.Contains(f[0].Problem, tt.why) {
				t.Errorf("%s: %s, want %s", tt.name, f[0].Problem, tt.why)
			}
		}
	}
}

func TestForeignKeyCollation(t *testing.T) {
	parent := tableOf("parent", required("c", "varchar(9) collate utf8mb4_general_ci"))
	parent.PrimaryKey.Parts = on("c")
	child := tableOf("child", column("c", "varchar(9) collate utf8mb4_general_ci"))
	child.ForeignKeys = []schema.ForeignKey{{Name: "fk", Columns: []string{"c"}, RefTable: "parent", RefColumns: []string{"c"}}}
	plan := build(t, postgres, parent, child)
	wantFinding(t, plan, "foreign-key-collation", schema.Warning, "child.fk")
	wantFinding(t, plan, "unique-collation", schema.Warning, "parent.c")
}

func TestChecks(t *testing.T) {
	tests := []struct{ expression, want string }{
		{"`n` > 0", `(("n" > 0))`},
		{"`n`", `(("n" <> 0))`},
		{"`flag` in (0,1)", `(("flag" IN (FALSE, TRUE)))`},
		{"`flag` = 1 or `flag` <> 2", `((("flag" = TRUE) OR (("flag"::INT4) <> 2)))`},
		{"`ci` = 'It''s '", `((lower(rtrim("ci", ' ')) = 'it''s'))`},
		{"`ai` <> 'X '", `((lower("ai") <> 'x '))`},
		{"`s` in (_utf8mb4'a',_utf8mb4'B ')", `((rtrim("s", ' ') IN ('a', 'B')))`},
		{"(`s` = _utf8mb4\\'it\\\\\\'s\\')", `((rtrim("s", ' ') = 'it''s'))`},
		{"octet_length(`s`) < 5", `((octet_length("s") < 5))`},
		{"`ci` = 'é'", ""},
		{"`ci` = `ai`", ""},
		{"`s` like 'a%'", `(("s" LIKE 'a%'))`},
		{"`ci` like 'a%'", ""},
		{"`ci` < 'b'", ""},
		{"length(`old`) < 5", ""},
		{"`s` in (1)", ""},
		{"`y` >= 1970", `(("y" >= 1970))`},
		{"`y` = 0", `(("y" = 0))`},
		{"`y` >= 70", ""},
		{"`y` = 70.0", ""},
		{"`y` in (1970,1)", ""},
		{"69 between `n` and `y`", ""},
		{"unknown(`s`)", ""},
		{"", ""},
	}
	p := DefaultPolicies()
	p.TinyInt1 = "bool"
	for _, tt := range tests {
		table := tableOf("t", column("n", "int(11)"), column("flag", "tinyint(1)"), column("s", "varchar(9)"),
			column("ci", "varchar(9) collate utf8mb4_general_ci"), column("ai", "varchar(9) collate utf8mb4_0900_ai_ci"),
			column("old", "varchar(9) collate latin1_bin"), column("y", "year"))
		table.Checks = []schema.Check{{Name: "c", Expression: tt.expression, Enforced: true}}
		plan := buildWith(t, postgres, p, nil, table)
		got := sqlOfKind(plan, KindCheck)
		if tt.want == "" {
			wantFinding(t, plan, "check-dropped", schema.Warning, "t.c")
			if got != "" {
				t.Errorf("%s: %s", tt.expression, got)
			}
			continue
		}
		if want := `ALTER TABLE "public"."t" ADD CONSTRAINT "c" CHECK ` + tt.want; got != want {
			t.Errorf("%s:\n%s, want\n%s", tt.expression, got, want)
		}
		if folded := strings.Contains(got, "lower("); folded != (len(found(plan, "check-changed")) == 1) {
			t.Errorf("%s: the change of case is not reported rightly", tt.expression)
		}
	}
	off := tableOf("t")
	off.Checks = []schema.Check{{Name: "c", Expression: "1"}}
	plan := build(t, postgres, off)
	wantFinding(t, plan, "check-not-enforced", schema.Info, "t.c")
	if sql := sqlOfKind(plan, KindCheck); sql != "" {
		t.Errorf("NOT ENFORCED is created: %s", sql)
	}
}

func TestOverlaps(t *testing.T) {
	table := tableOf("t", required("s", "date"), required("e", "date"))
	table.PrimaryKey.Parts, table.PrimaryKey.WithoutOverlaps = on("id", "e", "s"), true
	table.Indexes = []schema.Index{{Name: "u", Unique: true, Type: "BTREE", WithoutOverlaps: true, Parts: on("id", "e", "s")}}
	plan := build(t, cockroach, table)
	wantFinding(t, plan, "overlaps-unchecked", schema.Warning, "t.PRIMARY")
	wantFinding(t, plan, "overlaps-unchecked", schema.Warning, "t.u")
}

// TestUniqueExpressionIgnoresCase: as a column of that collation would.
func TestUniqueExpressionIgnoresCase(t *testing.T) {
	table := tableOf("t", column("ci", "varchar(9) collate utf8mb4_general_ci"), column("s", "varchar(9)"))
	part := func(expression string) []schema.KeyPart { return []schema.KeyPart{{Expression: expression}} }
	table.Indexes = []schema.Index{
		{Name: "u", Unique: true, Type: "BTREE", Parts: part("concat(`ci`,'x')")},
		{Name: "exact", Unique: true, Type: "BTREE", Parts: part("concat(`s`,'x')")},
		{Name: "k", Type: "BTREE", Parts: part("concat(`ci`,'x')")},
	}
	plan := build(t, postgres, table)
	wantFinding(t, plan, "unique-collation", schema.Warning, "t.u")
	if n := len(found(plan, "unique-collation")); n != 1 {
		t.Errorf("%d keys reported, want 1", n)
	}
}

// TestBlanksInKeys: padded collations take 'a' and 'a ' for one key.
func TestBlanksInKeys(t *testing.T) {
	table := tableOf("t", column("u", "varchar(9)"), column("f", "varchar(9) collate latin1_general_cs"), column("c", "char(9)"), column("other", "varchar(9)"),
		column("n", "varchar(9) collate utf8mb4_0900_bin"))
	table.Indexes = []schema.Index{{Name: "u", Unique: true, Type: "BTREE", Parts: on("u", "c", "n")}}
	table.ForeignKeys = []schema.ForeignKey{{Name: "f", Columns: []string{"f"}, RefTable: "t", RefColumns: []string{"u"}}}
	plan := build(t, postgres, table)
	wantFinding(t, plan, "blanks-compared", schema.Info, "collation utf8mb4_bin")
	wantFinding(t, plan, "blanks-compared", schema.Info, "collation latin1_general_cs")
	for _, f := range found(plan, "blanks-compared") {
		if strings.Contains(f.Problem, "t.c") || strings.Contains(f.Problem, "t.other") || strings.Contains(f.Problem, "t.n") {
			t.Errorf("too many: %s", f.Problem)
		}
	}
}
