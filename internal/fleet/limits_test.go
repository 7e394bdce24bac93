package fleet

import (
	"testing"

	"leap/internal/sandbox/sandboxtest"
)

// Tenants share the plan's rows a second with those that run beside them, and
// with nobody else.
func TestRowsPerSecond(t *testing.T) {
	s := setUp(t)
	target := sandboxtest.Target(t)
	s.text += targets(map[string]string{"a": target.URL("a"), "b": target.URL("b"), "c": target.URL("c")})
	cfg := s.config(t, threeTenants)
	cfg.Plan.Limits.RowsPerSecond = 1000
	for want, names := range map[int][]string{1000: {"beta"}, 500: nil} { // two at once
		cfg.Names = names
		moves, err := prepare(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range moves {
			if m.cfg.Kindness.RowsPerSecond != want {
				t.Errorf("%s has %d rows a second, want %d", m.tenant.Name, m.cfg.Kindness.RowsPerSecond, want)
			}
		}
	}
}
