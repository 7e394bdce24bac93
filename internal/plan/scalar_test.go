package plan

import "testing"

// What a draft writes is what is read of it, whatever text it is.
func TestScalarText(t *testing.T) {
	for _, id := range []string{
		"~", "NULL", "<<", "- a", "a: b", " lead", "trail ", "yes", "0x10", "1_000", ".inf", ".nan", "2024-01-01", "*a", "'", "\"a\"",
		"a\\", "|", "%x", "?", "\t", "a\tb", "a\nb", "\x00", "\u00a0", "\u2028", "\u0085", "\ufeff", "😀", "-0", "1:30",
	} {
		p, err := Read("plan.yaml", []byte(bare+"tenants: [{name: a, database: x, id: "+scalarText(id)+"}]\n"))
		if err != nil || p.Tenants[0].ID[0] != id {
			t.Errorf("%q is written as %s: %v", id, scalarText(id), err)
		}
	}
}
