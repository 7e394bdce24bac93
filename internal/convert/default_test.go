package convert

import (
	"strings"
	"testing"

	"leap/internal/schema"
)

func TestDefaults(t *testing.T) {
	tests := []struct {
		raw, text  string
		expression bool
		want       string // empty: dropped with a finding; none: without one
	}{
		{"int(11)", "-5", false, "-5"},
		{"int(11)", "1e3", false, ""},
		{"int(11)", "007", false, "007"},
		{"int(11)", "(1 + 2) * 3", true, "((1 + 2)::INT8 * 3)::INT4"},
		{"decimal(9,2)", "-1.50", false, "-1.50"},
		{"decimal(9,2)", "NaN", false, ""},
		{"double", "1.5e-7", false, "1.5e-7"},
		{"bit(8)", "b'101'", false, "B'00000101'"},
		{"bit(8)", "0b101", true, "B'00000101'"},
		{"bit(4)", "101", false, "B'0101'"},
		{"bit(4)", "b'101'", false, "B'0101'"},
		{"bit(2)", "b'101'", false, ""},
		{"varchar(9)", "", false, "''"},
		{"varchar(9)", "NULL", false, "'NULL'"},
		{"varchar(9)", "NULL", true, "none"},
		{"varchar(9)", "it's", false, "'it''s'"},
		{"varchar(9)", "'it''s \\n'", true, "'it''s \n'"},
		{"varchar(9)", "a\x00b", false, ""},
		{"varchar(9)", "\xff", false, ""},
		{"varchar(9)", "lower('A')", true, "lower('A')"},
		{"varbinary(9)", "\x00\xff'", false, `'\x00ff27'`},
		{"varbinary(9)", "0x6162", true, `'\x6162'`},
		{"date", "2024-02-29", false, "'2024-02-29'"},
		{"date", "2023-02-29", false, ""},
		{"date", "0000-00-00", false, ""},
		{"date", "2024-00-15", false, ""},
		{"date", "curdate()", true, "current_date"},
		{"datetime", "0000-00-00 00:00:00", false, ""},
		{"datetime", "2024-02-29 23:59:59", false, "'2024-02-29 23:59:59'"},
		{"datetime", "current_timestamp()", true, "date_trunc('second', localtimestamp)"},
		{"datetime(3)", "CURRENT_TIMESTAMP(3)", true, "date_trunc('milliseconds', localtimestamp)"},
		{"datetime(6)", "now(6)", true, "localtimestamp"},
		{"timestamp(2)", "(current_timestamp(2))", true, "current_timestamp(2)"},
		{"timestamp", "2024-02-29 23:59:59", false, "'2024-02-29 23:59:59+00:00'"},
		{"timestamp", "CURRENT_TIMESTAMP + INTERVAL 1 DAY", true, ""},
		{"time", "23:59:59", false, "'23:59:59'"},
		{"time", "24:00:01", false, ""},
		{"time", "00:00:00", false, "'00:00:00'"},
		{"enum('a','b')", "b", false, `'b'::"public"."t_c"`},
		{"enum('a','b')", "z", false, ""},
		{"set('a','b')", "a,b", false, "ARRAY['a', 'b']::TEXT[]"},
		{"set('a','b')", "", false, "ARRAY[]::TEXT[]"},
		{"set('a','b')", "a,z", false, ""},
		{"json", `{"a":"it's"}`, false, `'{"a":"it''s"}'::JSONB`},
		{"uuid", "123e4567-e89b-12d3-a456-426614174000", false, "'123e4567-e89b-12d3-a456-426614174000'"},
		{"uuid", "uuid()", true, "gen_random_uuid()"},
		{"char(36)", "uuid()", true, "gen_random_uuid()::VARCHAR(36)"},
		{"binary(16)", "uuid()", true, ""},
		{"inet6", "::1", false, "'::1'"},
		{"inet6", "localhost", false, ""},
		{"int(11)", "nextval(`s`)", true, ""},
		{"int(11)", "`id` + 1", true, ""},
	}
	for _, tt := range tests {
		c := withDefault(column("c", tt.raw), tt.text)
		c.Default.Expression = tt.expression
		plan := build(t, postgres, tableOf("t", c))
		_, got, _ := strings.Cut(definition(t, plan, "c")+" DEFAULT ", " DEFAULT ")
		got = strings.TrimSuffix(got, " DEFAULT ")
		want := strings.TrimPrefix(tt.want, "none")
		if !strings.Contains(tt.raw, "varchar") || !strings.Contains(tt.text, "\\n") {
			if got != want {
				t.Errorf("%s DEFAULT %q becomes %q, want %q", tt.raw, tt.text, got, want)
			}
		} else if !strings.Contains(sqlOfKind(plan, KindTable), want) {
			t.Errorf("%s DEFAULT %q is not %q", tt.raw, tt.text, want)
		}
		if tt.want == "" {
			wantFinding(t, plan, "default-dropped", schema.Warning, "t.c")
			if f := found(plan, "default-dropped"); len(f) == 1 && !strings.Contains(f[0].Problem, tt.text) {
				t.Errorf("the finding does not name %q: %s", tt.text, f[0].Problem)
			}
		} else {
			wantNoFinding(t, plan, "default-dropped")
		}
	}
}

func TestOnUpdate(t *testing.T) {
	c := column("c", "timestamp(3)")
	c.OnUpdate = "current_timestamp(3)"
	plan := build(t, newest, tableOf("t", c))
	if got, want := definition(t, plan, "c"), "TIMESTAMPTZ(3) ON UPDATE date_trunc('milliseconds', current_timestamp)"; got != want {
		t.Errorf("defined as %s, want %s", got, want)
	}
	wantNoFinding(t, plan, "on-update-dropped")
	plan = build(t, cockroach, tableOf("t", c))
	if got := definition(t, plan, "c"); got != "TIMESTAMPTZ(3)" {
		t.Errorf("defined as %s", got)
	}
	wantFinding(t, plan, "on-update-dropped", schema.Warning, "t.c")
	c.OnUpdate = "something()"
	wantFinding(t, build(t, newest, tableOf("t", c)), "on-update-dropped", schema.Warning, "t.c")
}

func TestSequence(t *testing.T) {
	tests := []struct {
		raw    string
		next   uint64
		setval string // empty: no sequence
	}{
		{"int(11)", 0, "GREATEST(m, 0, 1), GREATEST(m, 0) >= 1)"},
		{"int(11)", 1, "GREATEST(m, 0, 1), GREATEST(m, 0) >= 1)"},
		{"bigint(20) unsigned", 42, "GREATEST(m, 41, 1), GREATEST(m, 41) >= 1)"},
		{"bigint(20) unsigned", 1<<63 - 1, "GREATEST(m, 9223372036854775806, 1)"},
		{"bigint(20) unsigned", 1 << 63, ""},
		{"double", 7, ""},
	}
	for _, tt := range tests {
		table := tableOf("t")
		table.Columns[0].Type, table.Columns[0].AutoIncrement = sourceType(tt.raw), true
		table.AutoIncrement = tt.next
		plan := build(t, postgres, table)
		got := sqlOfKind(plan, KindSetval)
		if !strings.Contains(got, tt.setval) || (got == "") != (tt.setval == "") {
			t.Errorf("%s, next %d: %q, want %q", tt.raw, tt.next, got, tt.setval)
		}
		if tt.setval == "" {
			wantFinding(t, plan, "auto-increment-dropped", schema.Warning, "t.id")
			continue
		}
		wantFinding(t, plan, "auto-increment", schema.Info, "database shop")
		if def := definition(t, plan, "id"); !strings.Contains(def, `DEFAULT nextval('"public"."t_id_seq"')`) {
			t.Errorf("%s is defined as %s", tt.raw, def)
		}
	}
}
