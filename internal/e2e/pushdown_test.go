package e2e

import (
	"slices"
	"strings"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestServersAgree: the two servers compute the same digest of equal rows, for
// every type and every kind of key that they are asked to digest. A false alarm
// would be caught by reading the rows, and counted: there is none.
func TestServersAgree(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		families := append(numberFamilies(), textFamilies(t, legacySource(t))...)
		families = append(append(append(families, binaryFamilies()...), timeFamilies()...), structuredFamilies(legacySource(t))...)
		statements := keyTables(legacySource(t))
		for _, f := range families {
			statements = append(statements, f.statements()...)
		}
		m := newMove(t, target, statements...)
		m.must(t, exitDone, "run", chunked)
		o := m.should(t, exitDone, "verify", "--tier=pushdown", "--range-rows=3")
		var pushed []string
		for _, table := range o.tables() {
			if table.Verdict != "pass" || table.Reread != 0 {
				t.Errorf("%s: %s, %d parts had to be read", table.Name, table.Verdict, table.Reread)
			}
			switch {
			case table.Tier == "pushdown":
				pushed = append(pushed, table.Name)
			case !strings.Contains(table.TierReason, "column "):
				t.Errorf("%s is in tier %q without a reason: %q", table.Name, table.Tier, table.TierReason)
			}
			t.Logf("%s: %s: %s", table.Name, table.Tier, table.TierReason)
		}
		for _, name := range []string{"integers", "decimals", "bits", "k_int", "k_varchar_ci", "k_decimal", "k_varbinary"} {
			if !slices.Contains(pushed, name) {
				t.Errorf("%s is not digested by the servers", name)
			}
		}
	})
}

// TestServersFindMutations: what the stream tier finds, the servers' digests
// find, and name the same rows and columns.
func TestServersFindMutations(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, mutatedTables(legacySource(t))...).with("--tier=pushdown", unsettled)
		m.must(t, exitDone, "run", chunked)
		checkMutations(t, m)
	})
}

// TestWhatTheSourceConvertsToAQuestionMark: bytes that are no ASCII, which MariaDB
// keeps in a column of that character set and converts to '?', equal no '?'.
func TestWhatTheSourceConvertsToAQuestionMark(t *testing.T) {
	sandboxtest.MariaDBOnly(t, legacySource(t), "MySQL stores no such byte")
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := newMove(t, target, "CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(4) CHARACTER SET ascii)", "INSERT INTO a VALUES (1, 'A'), (2, 'B?')").with(unsettled)
		m.must(t, exitDone, "run")
		m.atSource(t, "UPDATE a SET v = X'42FF' WHERE id = 2")
		for _, tier := range []string{"stream", "pushdown"} {
			m.should(t, exitRefused, "verify", "--tier="+tier)
		}
	})
}
