package migrate

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"leap/internal/fault"
	"leap/internal/plan"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

func phrase(low string) func(*rand.Rand, int) string {
	return func(r *rand.Rand, i int) string {
		return "'" + low + " " + strconv.Itoa(i) + " " + strconv.Itoa(r.IntN(90)) + "'"
	}
}

func counted(_ *rand.Rand, i int) string { return strconv.Itoa(i) }

// changed are the tables of a plan that changes all that can be changed: one
// with an ordinary key, one with a key that is masked, one without.
var changed = []generated{
	{"c_plain", []generatedColumn{
		{"id", "INT NOT NULL", counted},
		{"holder", "VARCHAR(60)", sometimes("''", phrase("Łukasz"))},
		{"mail", "VARCHAR(60)", phrase("mail")},
		{"out_of_it", "INT", counted},
		{"amount", "DECIMAL(10,2)", counted},
		{"old", "INT NOT NULL", func(r *rand.Rand, _ int) string { return strconv.Itoa(r.IntN(2)) }},
	}, ", PRIMARY KEY (id)"},
	{"c_keyed", []generatedColumn{{"code", "VARCHAR(40) NOT NULL", phrase("code")}, {"v", "DOUBLE", counted}}, ", PRIMARY KEY (code)"},
	{"c_loose", []generatedColumn{{"note", "TEXT", phrase("note")}, {"v", "INT", counted}}, ""},
}

// TestSelfTestOfChanges wants every damage found where columns are masked,
// excluded and renamed and rows filtered.
func TestSelfTestOfChanges(t *testing.T) {
	server := sandboxtest.Source(t)
	from := sandboxtest.NewDatabase(t, server)
	for _, g := range changed {
		fill(t, server, from, 900, g)
		if err := server.Exec(t.Context(), from, "ALTER TABLE "+g.name+" CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
			t.Fatal(err)
		}
	}
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		cfg := testConfig(t, server, from, target, sandboxtest.NewDatabase(t, target))
		cfg.MaskKey = schema.NewMaskKey("a secret for this test only")
		cfg.Changes = plan.Changes{
			"c_plain": {
				Name: "Plain", Names: map[string]string{"holder": "Owner"}, Excluded: map[string]string{"out_of_it": "old"},
				Filter: "old = 0", FilterReason: "archived", Masks: map[string]schema.MaskKind{"holder": schema.MaskName, "mail": schema.MaskEmail},
			},
			"c_keyed": {Masks: map[string]schema.MaskKind{"code": schema.MaskIBAN}},
			"c_loose": {Masks: map[string]schema.MaskKind{"note": schema.MaskHash}},
		}
		for _, tier := range tiers {
			cfg.Verify.Tier = tier
			got, err := SelfTest(t.Context(), cfg, SelfTestOptions{Rows: 1 << 20, Tables: 20, GroupRows: 4, Seed: 20261125})
			if err != nil {
				t.Fatalf("%s: %v", tier, err)
			}
			planted, columns := int64(0), map[string]bool{}
			for _, k := range got.Kinds {
				planted += k.Planted
				for _, c := range k.Columns {
					columns[c] = true
				}
			}
			if got.Verdict != report.Pass || planted < 100 || len(got.Tables) != len(changed) {
				t.Errorf("%s: verdict %s, %d planted in %v\nmissed %q\nalarms %q", tier, got.Verdict, planted, got.Tables, some(got.Missed), some(got.Alarms))
			}
			for c := range columns {
				if strings.Contains(c, "out_of_it") {
					t.Errorf("%s: %s is in the target", tier, c)
				}
			}
			if len(columns) < 6 {
				t.Errorf("%s: damage in %v only", tier, columns)
			}
		}
	})
}

// TestMaskNeedsAKey refuses masks without one, and of what is no text.
func TestMaskNeedsAKey(t *testing.T) {
	server, target := sandboxtest.Source(t), sandboxtest.Target(t)
	from := sandboxtest.NewDatabase(t, server)
	fill(t, server, from, 1, changed[1])
	cfg := testConfig(t, server, from, target, sandboxtest.NewDatabase(t, target))
	cfg.Changes = plan.Changes{"c_keyed": {Masks: map[string]schema.MaskKind{"code": schema.MaskHash}}}
	if _, err := Run(t.Context(), cfg, Assess); fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), "there is no key") {
		t.Errorf("without a key: %v", err)
	}
	cfg.MaskKey = schema.NewMaskKey("a secret for this test only")
	cfg.Changes["c_keyed"].Masks["v"] = schema.MaskHash
	if _, err := Run(t.Context(), cfg, Assess); fault.ClassOf(err) != fault.Usage || !strings.Contains(err.Error(), "c_keyed.v (double) cannot be masked") {
		t.Errorf("of a counted: %v", err)
	}
}
