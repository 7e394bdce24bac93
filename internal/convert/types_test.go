package convert

import (
	"slices"
	"strings"
	"testing"

	"leap/internal/schema"
)

// TestTypeTable is the type table of the design.
func TestTypeTable(t *testing.T) {
	tests := []struct {
		raw  string
		kind schema.Kind
		pg   string
		crdb string // when it differs
	}{
		{"tinyint(4)", schema.Int, "INT2", ""},
		{"tinyint(1)", schema.Int, "INT2", ""},
		{"tinyint(3) unsigned", schema.Int, "INT2", ""},
		{"smallint(6)", schema.Int, "INT2", ""},
		{"smallint(5) unsigned", schema.Int, "INT4", ""},
		{"mediumint(9)", schema.Int, "INT4", ""},
		{"mediumint(8) unsigned", schema.Int, "INT4", ""},
		{"int(11)", schema.Int, "INT4", ""},
		{"int(10) unsigned zerofill", schema.Int, "INT8", ""},
		{"bigint(20)", schema.Int, "INT8", ""},
		{"bigint(20) unsigned", schema.Decimal, "DECIMAL(20,0)", ""},
		{"decimal(65,30)", schema.Decimal, "DECIMAL(65,30)", ""},
		{"decimal(10,0) unsigned", schema.Decimal, "DECIMAL(10,0)", ""},
		{"decimal", schema.Decimal, "DECIMAL(10,0)", ""},
		{"float", schema.Float32, "FLOAT4", ""},
		{"float(7,4)", schema.Float32, "FLOAT4", ""},
		{"double", schema.Float64, "FLOAT8", ""},
		{"bit(1)", schema.Bits, "BIT(1)", ""},
		{"bit(64)", schema.Bits, "BIT(64)", ""},
		{"year(4)", schema.Int, "INT2", ""},
		{"char(3)", schema.Text, "VARCHAR(3)", ""},
		{"varchar(0)", schema.Text, "VARCHAR(1)", ""},
		{"varchar(16383)", schema.Text, "VARCHAR(16383)", ""},
		{"tinytext", schema.Text, "TEXT", "STRING"},
		{"longtext", schema.Text, "TEXT", "STRING"},
		{"binary(16)", schema.Bytes, "BYTEA", "BYTES"},
		{"longblob", schema.Bytes, "BYTEA", "BYTES"},
		{"date", schema.Date, "DATE", ""},
		{"datetime", schema.DateTime, "TIMESTAMP(0)", ""},
		{"datetime(6)", schema.DateTime, "TIMESTAMP(6)", ""},
		{"timestamp(3)", schema.Timestamp, "TIMESTAMPTZ(3)", ""},
		{"time(6)", schema.Time, "TIME(6)", ""},
		{"json", schema.JSON, "JSONB", ""},
		{"uuid", schema.UUID, "UUID", ""},
		{"inet4", schema.INet, "INET", ""},
		{"inet6", schema.INet, "INET", ""},
		{"enum('a','b')", schema.Enum, `"public"."t_c"`, ""},
		{"set('a','b')", schema.Set, "TEXT[]", "STRING[]"},
	}
	for _, tt := range tests {
		for _, d := range []Dialect{postgres, cockroach} {
			want := tt.pg
			if d.Cockroach && tt.crdb != "" {
				want = tt.crdb
			}
			plan := build(t, d, tableOf("t", column("c", tt.raw)))
			m := mapped(t, plan, "c")
			if m.Kind != tt.kind || m.Type != want {
				t.Errorf("%s becomes %s %s, want %s %s", tt.raw, m.Kind, m.Type, tt.kind, want)
			}
			if got := definition(t, plan, "c"); got != want {
				t.Errorf("%s is defined as %q, want %q", tt.raw, got, want)
			}
			if n := len(plan.Blockers()); n != 0 {
				t.Errorf("%s has %d blockers", tt.raw, n)
			}
			hasCheck := strings.Contains(sqlOfKind(plan, KindTable), `CHECK ("c" >= 0)`)
			if hasCheck != strings.Contains(tt.raw, "unsigned") {
				t.Errorf("%s: check of the sign: %v", tt.raw, hasCheck)
			}
		}
	}
}

func TestTypesThatBlock(t *testing.T) {
	for _, raw := range []string{"geometry", "point", "multipolygon", "vector(3)", "xmltype"} {
		table := tableOf("t", column("c", raw))
		rule := "geometry"
		if raw == "xmltype" {
			rule = "unknown-type"
		}
		wantFinding(t, build(t, postgres, table), rule, schema.Blocker, "t.c")
		p := DefaultPolicies()
		p.Geometry = "bytes"
		plan := buildWith(t, postgres, p, nil, table)
		if blocked := len(plan.Blockers()) > 0; blocked != (raw == "xmltype") {
			t.Errorf("%s with geometry=bytes: blocked %v", raw, blocked)
		}
		if m := mapped(t, plan, "c"); m.Kind != schema.Bytes {
			t.Errorf("%s becomes %s", raw, m.Kind)
		}
	}
}

func TestPoliciesChooseTypes(t *testing.T) {
	tests := []struct {
		policy, value, raw, want, rule string
		facts                          *ColumnFacts
		severity                       schema.Severity
	}{
		{"tinyint1", "bool", "tinyint(1)", "BOOL", "tinyint1-bool", nil, schema.Info},
		{"tinyint1", "bool", "tinyint(1)", "BOOL", "", &ColumnFacts{}, ""},
		{"tinyint1", "bool", "tinyint(1)", "BOOL", "tinyint1-beyond-bool", &ColumnFacts{BeyondBool: true}, schema.Blocker},
		{"tinyint1", "bool", "tinyint(2)", "INT2", "", nil, ""},
		{"unsigned-bigint", "int8", "bigint(20) unsigned", "INT8", "unsigned-int8", nil, schema.Info},
		{"unsigned-bigint", "int8", "bigint(20) unsigned", "INT8", "", &ColumnFacts{}, ""},
		{"unsigned-bigint", "int8", "bigint(20) unsigned", "INT8", "unsigned-beyond-int8", &ColumnFacts{BeyondInt8: true}, schema.Blocker},
		{"time", "auto", "time(2)", "TIME(2)", "time-unknown", nil, schema.Info},
		{"time", "auto", "time(2)", "TIME(2)", "", &ColumnFacts{}, ""},
		{"time", "auto", "time(2)", "INTERVAL", "time-interval", &ColumnFacts{OutsideDay: true}, schema.Info},
		{"time", "interval", "time(2)", "INTERVAL", "time-interval", nil, schema.Info},
		{"time", "time", "time(2)", "TIME(2)", "time-outside-day", &ColumnFacts{OutsideDay: true}, schema.Blocker},
		{"set", "string", "set('a')", "TEXT", "set-string", nil, schema.Info},
	}
	for _, tt := range tests {
		p := DefaultPolicies()
		if err := p.Set(tt.policy, tt.value); err != nil {
			t.Fatal(err)
		}
		var facts Facts
		if tt.facts != nil {
			facts = Facts{"t": {"c": *tt.facts}}
		}
		plan := buildWith(t, postgres, p, facts, tableOf("t", column("c", tt.raw)))
		if m := mapped(t, plan, "c"); m.Type != tt.want {
			t.Errorf("%s=%s: %s becomes %s, want %s", tt.policy, tt.value, tt.raw, m.Type, tt.want)
		}
		if tt.rule != "" {
			wantFinding(t, plan, tt.rule, tt.severity, "t.c")
			continue
		}
		for _, f := range plan.Findings {
			if f.Object == "t.c" {
				t.Errorf("%s=%s: unexpected %+v", tt.policy, tt.value, f)
			}
		}
	}
}

func TestEnumLabels(t *testing.T) {
	at := strings.Repeat("x", 63)
	tests := []struct {
		labels []string
		d      Dialect
		asType bool
	}{
		{[]string{"a", "A"}, postgres, true},
		{[]string{"a,b", "it's", `"`, `\`, ""}, postgres, true},
		{[]string{at}, postgres, true},
		{[]string{at + "x"}, postgres, false},
		{[]string{at + "x"}, cockroach, true},
		{[]string{strings.Repeat("ü", 32)}, postgres, false},
		{[]string{"a", "a"}, cockroach, false},
	}
	for _, tt := range tests {
		c := column("c", "enum('x')")
		c.Type.Labels = tt.labels
		plan := build(t, tt.d, tableOf("t", c))
		m := mapped(t, plan, "c")
		if !slices.Equal(m.Labels, tt.labels) || m.Kind != schema.Enum {
			t.Errorf("%q: mapping %+v", tt.labels, m)
		}
		types := sqlOfKind(plan, KindType)
		if asType := types != ""; asType != tt.asType {
			t.Errorf("%q: own type %v, want %v", tt.labels, asType, tt.asType)
		}
		sql := types + sqlOfKind(plan, KindTable)
		if !strings.Contains(sql, "("+literals(tt.labels)+")") {
			t.Errorf("%q: the labels are not in %s", tt.labels, sql)
		}
		if !tt.asType {
			wantFinding(t, plan, "enum-as-text", schema.Warning, "t.c")
		}
	}
}

func TestSetInKeyIsText(t *testing.T) {
	table := tableOf("t", column("c", "set('a','b')"), column("other", "set('a','b')"))
	table.Indexes = []schema.Index{{Name: "i", Type: "BTREE", Parts: on("C")}}
	plan := build(t, cockroach, table)
	if m := mapped(t, plan, "c"); !m.AsText || m.Type != "STRING" {
		t.Errorf("the indexed SET becomes %+v", m)
	}
	if m := mapped(t, plan, "other"); m.AsText || m.Type != "STRING[]" {
		t.Errorf("the other SET becomes %+v", m)
	}
	wantFinding(t, plan, "set-as-text", schema.Warning, "t.c")
	wantFinding(t, plan, "set-array", schema.Info, "t.other")
}

func TestTextFindings(t *testing.T) {
	table := tableOf("t",
		column("bin", "varchar(9)"),
		column("ci", "varchar(9) collate utf8mb4_general_ci"),
		column("ai", "text collate utf8mb4_0900_ai_ci"),
		column("cs", "text collate utf8mb4_0900_as_cs"),
		column("old", "varchar(9) collate latin1_bin"),
		column("b", "varbinary(9)"), column("b2", "blob"),
	)
	plan := build(t, postgres, table)
	wantFinding(t, plan, "collation-changed", schema.Warning, "collation utf8mb4_general_ci")
	wantFinding(t, plan, "collation-changed", schema.Warning, "collation utf8mb4_0900_ai_ci")
	wantFinding(t, plan, "collation-changed", schema.Info, "collation utf8mb4_0900_as_cs")
	if n := len(found(plan, "collation-changed")); n != 3 {
		t.Errorf("%d collations reported, want 3", n)
	}
	wantFinding(t, plan, "charset-converted", schema.Info, "database shop")
	wantFinding(t, plan, "bytes-length-dropped", schema.Info, "t")
	if f := found(plan, "bytes-length-dropped")[0]; !strings.Contains(f.Problem, "b, b2") {
		t.Errorf("the columns are not listed: %s", f.Problem)
	}
}

func TestNumberFindings(t *testing.T) {
	plan := build(t, cockroach, tableOf("t", column("f", "float(7,3)"), column("d", "double"),
		column("z", "decimal(8,2) unsigned zerofill"), column("fz", "float unsigned zerofill"), column("i", "int(5) zerofill")))
	wantFinding(t, plan, "float-rounding-dropped", schema.Info, "t.f")
	if n := len(found(plan, "float-rounding-dropped")); n != 1 {
		t.Errorf("%d columns round, want 1", n)
	}
	for _, name := range []string{"z", "fz", "i"} {
		wantFinding(t, plan, "zerofill-dropped", schema.Info, "t."+name)
	}
}
