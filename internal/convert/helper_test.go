package convert

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

// The three targets that the rules know.
var (
	postgres  = Dialect{MaxIdentifierBytes: 63, ExpressionIndexes: true, ComputedStored: "GENERATED ALWAYS AS (%s) STORED"}
	cockroach = Dialect{Cockroach: true, NULInText: true, ComputedStored: "AS (%s) STORED"}
	newest    = Dialect{Cockroach: true, NULInText: true, ComputedStored: "AS (%s) STORED", OnUpdate: true, ExpressionIndexes: true}
)

var dialects = map[string]Dialect{"postgres": postgres, "cockroach-20.2": cockroach, "cockroach-new": newest}

var typeForm = regexp.MustCompile(`^(\w+)(?:\((.*)\))?(.*)$`)

// sourceType reads a type as the source prints it; text types are utf8mb4_bin
// unless a collation follows.
func sourceType(raw string) schema.Type {
	parts := typeForm.FindStringSubmatch(raw)
	t := schema.Type{
		Base: parts[1], Raw: raw,
		Unsigned: strings.Contains(parts[3], "unsigned"), Zerofill: strings.Contains(parts[3], "zerofill"),
	}
	first, second, _ := strings.Cut(parts[2], ",")
	n, _ := strconv.Atoi(first)
	scale, _ := strconv.Atoi(second)
	switch t.Base {
	case "enum", "set":
		t.Labels = strings.Split(strings.Trim(parts[2], "'"), "','")
	case "decimal", "float", "double":
		t.Precision, t.Scale = n, scale
	case "datetime", "timestamp", "time":
		t.Precision = n
	case "tinytext", "text", "mediumtext", "longtext":
		t.Length = 65535
	default:
		t.Length = int64(n)
	}
	switch t.Base {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set":
		t.Charset, t.Collation = "utf8mb4", "utf8mb4_bin"
		if _, collation, ok := strings.Cut(parts[3], "collate "); ok {
			t.Collation = collation
			t.Charset, _, _ = strings.Cut(collation, "_")
		}
	}
	return t
}

// column makes a nullable column.
func column(name, raw string) schema.Column {
	return schema.Column{Name: name, Type: sourceType(raw), Nullable: true}
}

func required(name, raw string) schema.Column {
	c := column(name, raw)
	c.Nullable = false
	return c
}

func generated(name, raw, expression string) schema.Column {
	c := column(name, raw)
	c.Generated = &schema.Generated{Expression: expression, Stored: true}
	return c
}

func withDefault(c schema.Column, text string) schema.Column {
	c.Default = &schema.Default{Text: text}
	return c
}

func withExpression(c schema.Column, text string) schema.Column {
	c.Default = &schema.Default{Text: text, Expression: true}
	return c
}

// on makes the parts of an index.
func on(columns ...string) []schema.KeyPart {
	parts := make([]schema.KeyPart, len(columns))
	for i, c := range columns {
		parts[i].Column = c
	}
	return parts
}

// tableOf makes an InnoDB table with an INT primary key "id" and the columns.
func tableOf(name string, columns ...schema.Column) *schema.Table {
	return &schema.Table{
		Name: name, Engine: "InnoDB",
		Columns:    append([]schema.Column{required("id", "int(11)")}, columns...),
		PrimaryKey: &schema.Index{Name: primaryIndex, Unique: true, Type: "BTREE", Parts: on("id")},
	}
}

func databaseOf(tables ...*schema.Table) *schema.Database {
	return &schema.Database{Name: "shop", Product: "mariadb", Version: "10.11", Charset: "utf8mb4", Tables: tables}
}

// build makes the plan with the default policies and no facts.
func build(t *testing.T, d Dialect, tables ...*schema.Table) *Plan {
	t.Helper()
	return buildWith(t, d, DefaultPolicies(), nil, tables...)
}

func buildWith(t *testing.T, d Dialect, p Policies, facts Facts, tables ...*schema.Table) *Plan {
	t.Helper()
	plan, err := Build(databaseOf(tables...), d, p, facts)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return plan
}

// mapped returns what a column of the plan's first table that has it becomes.
func mapped(t *testing.T, p *Plan, source string) schema.ColumnMapping {
	t.Helper()
	for _, table := range p.Tables {
		for _, c := range table.Mapping.Columns {
			if c.Source == source {
				return c
			}
		}
	}
	t.Fatalf("the plan has no column %s", source)
	return schema.ColumnMapping{}
}

// found returns the findings of a rule.
func found(p *Plan, rule string) []schema.Finding {
	var out []schema.Finding
	for _, f := range p.Findings {
		if f.Rule == rule {
			out = append(out, f)
		}
	}
	return out
}

// wantFinding checks that a rule reported that object, once, with that severity.
func wantFinding(t *testing.T, p *Plan, rule string, severity schema.Severity, object string) {
	t.Helper()
	count := 0
	for _, f := range found(p, rule) {
		if f.Object != object {
			continue
		}
		count++
		if f.Severity != severity {
			t.Errorf("%s of %s is %s, want %s", rule, object, f.Severity, severity)
		}
		if f.Problem == "" || f.Advice == "" {
			t.Errorf("%s of %s lacks a problem or advice: %+v", rule, object, f)
		}
	}
	if count != 1 {
		t.Errorf("%d findings %s of %s, want 1; all: %+v", count, rule, object, p.Findings)
	}
}

func wantNoFinding(t *testing.T, p *Plan, rule string) {
	t.Helper()
	if f := found(p, rule); len(f) > 0 {
		t.Errorf("unexpected findings: %+v", f)
	}
}

// sqlOfKind returns the statements of a kind, one per line.
func sqlOfKind(p *Plan, kinds ...StatementKind) string {
	var out []string
	for _, list := range [][]Statement{p.Before, p.After} {
		for _, s := range list {
			for _, k := range kinds {
				if s.Kind == k {
					out = append(out, s.SQL)
				}
			}
		}
	}
	return strings.Join(out, "\n")
}

// definition returns the line of CREATE TABLE that defines a column.
func definition(t *testing.T, p *Plan, name string) string {
	t.Helper()
	for line := range strings.SplitSeq(sqlOfKind(p, KindTable), "\n") {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), quote(name)+" "); ok {
			return strings.TrimSuffix(rest, ",")
		}
	}
	t.Fatalf("no definition of %s in %s", name, sqlOfKind(p, KindTable))
	return ""
}
