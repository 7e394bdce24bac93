package convert

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/schema"
)

// TestPromises: what is promised follows from the source, in the target's names.
func TestPromises(t *testing.T) {
	bit := schema.ColumnMapping{Kind: schema.Bits, Width: 5}
	for _, tt := range []struct {
		name    string
		d       schema.Default
		m       schema.ColumnMapping
		value   string // "-" for an expression
		written string
	}{
		{"text", schema.Default{Text: "it's"}, schema.ColumnMapping{Kind: schema.Text}, "it's", "'it''s'"},
		{"quoted", schema.Default{Text: "'a''b'", Expression: true}, schema.ColumnMapping{Kind: schema.Text}, "a'b", ""},
		{"number", schema.Default{Text: "1.50", Expression: true}, schema.ColumnMapping{Kind: schema.Decimal}, "1.50", ""},
		{"bits", schema.Default{Text: "b'101'", Expression: true}, bit, "00101", ""},
		{"bare bits", schema.Default{Text: "b'101'"}, bit, "00101", ""},
		{"midnight", schema.Default{Text: "2020-01-01"}, schema.ColumnMapping{Kind: schema.DateTime}, "2020-01-01 00:00:00", ""},
		{"label", schema.Default{Text: "ON"}, schema.ColumnMapping{Kind: schema.Enum, Labels: []string{"off", "on"}}, "on", ""},
		{"labels", schema.Default{Text: "B,a"}, schema.ColumnMapping{Kind: schema.Set, Labels: []string{"a", "b"}}, "b,a", ""},
		{"now", schema.Default{Text: "current_timestamp()", Expression: true}, schema.ColumnMapping{Kind: schema.DateTime}, "-", "localtimestamp"},
		{"sum", schema.Default{Text: "1 + 2", Expression: true}, schema.ColumnMapping{Kind: schema.Int}, "-", "(1 + 2)"},
	} {
		got := promisedDefault(&tt.d, &tt.m, tt.written)
		want := schema.PromisedDefault{Value: &tt.value}
		if tt.value == "-" {
			want = schema.PromisedDefault{Expression: tt.written}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	for name, want := range map[string]string{"": "NO ACTION", "NO ACTION": "NO ACTION", "restrict": "RESTRICT", "SET NULL": "SET NULL", "SET DEFAULT": "NO ACTION"} {
		if got := promisedAction(name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
}
