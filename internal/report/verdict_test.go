package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/fault"
	"leap/internal/schema"
)

func TestPassing(t *testing.T) {
	for name, m := range map[string]*Migration{
		"as it is":          passing(),
		"warnings":          with(func(m *Migration) { m.Assessment = []schema.Finding{{Severity: schema.Warning}} }),
		"an empty table":    with(func(m *Migration) { m.Tenants[0].Tables[0] = equalTable("accounts", 0) }),
		"stand-in":          with(func(m *Migration) { m.Target.StandIn = true }),
		"two tenants":       with(func(m *Migration) { m.Tenants = append(m.Tenants, m.Tenants[0]) }),
		"a ledger":          with(func(m *Migration) { m.Ledger = []Change{{Count: 3}} }),
		"not one view":      with(func(m *Migration) { m.Snapshot.Consistent = false }),
		"nothing was timed": with(func(m *Migration) { m.Phases[0].Seconds = nil }),
	} {
		if v, reasons := m.Judge(); v != Pass || len(reasons) != 0 {
			t.Errorf("%s: %s %q, want pass", name, v, reasons)
		}
	}
}

func with(spoil func(m *Migration)) *Migration {
	m := passing()
	spoil(m)
	return m
}

// Each row spoils one thing of a report that passes. That alone has to change
// the verdict, with one reason that names it.
func TestOneSpoiledThingChangesTheVerdict(t *testing.T) {
	table := func(m *Migration) *Table { return &m.Tenants[0].Tables[1] }
	proofs := func(m *Migration) *Proofs {
		m.Tenants[0].Proofs = sound()
		return m.Tenants[0].Proofs
	}
	tests := []struct {
		name  string
		spoil func(m *Migration)
		want  Verdict
		why   string
	}{
		{"error", func(m *Migration) { m.Error = FailureOf(errors.New("boom")) }, Fail, "boom"},
		{"refusal", func(m *Migration) { m.Error = FailureOf(fault.New(fault.Refused, "", "no")) }, Fail, "no"},
		{"undecided error", func(m *Migration) {
			m.Error = FailureOf(fault.New(fault.Inconclusive, "", "stopped"))
		}, Inconclusive, "stopped"},
		{"blocker", func(m *Migration) {
			m.Assessment = []schema.Finding{{Severity: schema.Blocker, Object: "geo", Problem: "no such type"}}
		}, Fail, "geo"},
		{"no phase", func(m *Migration) { m.Phases = nil }, Inconclusive, "no phase"},
		{"phase failed", func(m *Migration) { m.Phases[1].Verdict = Fail }, Fail, "phase verify: failed"},
		{"phase undecided", func(m *Migration) { m.Phases[1].Verdict = Inconclusive }, Inconclusive, "verify"},
		{"phase never ended", func(m *Migration) { m.Phases[1].Verdict = "" }, Inconclusive, "not finished"},
		{"phase with odd verdict", func(m *Migration) { m.Phases[1].Verdict = "ok" }, Inconclusive, "verify"},
		{"phase passed with an error", func(m *Migration) { m.Phases[1].Error = "x" }, Inconclusive, "verify: x"},
		{"no tenant", func(m *Migration) { m.Tenants = nil }, Inconclusive, "no tenant"},
		{"empty tenant", func(m *Migration) {
			m.Tenants = append(m.Tenants, Tenant{Name: "t2"})
		}, Inconclusive, "tenant t2: no table was planned"},
		{"table forgotten", func(m *Migration) {
			m.Tenants[0].Tables = m.Tenants[0].Tables[:1]
		}, Inconclusive, "transactions: planned, but missing"},
		{"table not planned", func(m *Migration) {
			m.Tenants[0].Planned = m.Tenants[0].Planned[:1]
		}, Inconclusive, "transactions: reported, but not planned"},
		{"table reported twice", func(m *Migration) {
			m.Tenants[0].Tables = append(m.Tenants[0].Tables, *table(m))
		}, Inconclusive, "twice"},
		{"table planned twice", func(m *Migration) {
			m.Tenants[0].Planned = append(m.Tenants[0].Planned, "accounts")
		}, Inconclusive, "accounts: planned, but missing"},
		{"second tenant's table", func(m *Migration) {
			m.Tenants = append(m.Tenants, Tenant{Name: "t2", Planned: []string{"x"}})
		}, Inconclusive, "table x"},
		{"table unverified", func(m *Migration) { table(m).Verdict = "" }, Inconclusive, "not verified"},
		{"table undecided", func(m *Migration) { table(m).Verdict = Inconclusive }, Inconclusive, "transactions"},
		{"table with odd verdict", func(m *Migration) { table(m).Verdict = "equal" }, Inconclusive, "transactions"},
		{"table failed", func(m *Migration) { table(m).Verdict = Fail }, Fail, "transactions"},
		{"schema", func(m *Migration) { table(m).Schema = []schema.Difference{{Kind: schema.IsMissing, Object: "index i"}} }, Fail, "its schema is not as planned"},
		{"drift", func(m *Migration) { table(m).Drift = []string{"column x is missing"} }, Fail, "column x is missing"},
		{"findings", func(m *Migration) { table(m).Findings = []Finding{{Kind: Extra}} }, Fail, "rows differ"},
		{"findings counted", func(m *Migration) { table(m).FindingsTotal = new(int64(1)) }, Fail, "1 differing"},
		{"findings not counted", func(m *Migration) { table(m).FindingsTotal = nil }, Inconclusive, "not counted"},
		{"row lost", func(m *Migration) { *table(m).TargetRows-- }, Fail, "1,234,567 rows on the source, 1,234,566"},
		{"row doubled", func(m *Migration) { *table(m).TargetRows++ }, Fail, "1,234,568"},
		{"source not counted", func(m *Migration) { table(m).SourceRows = nil }, Inconclusive, "not counted"},
		{"target not counted", func(m *Migration) { table(m).TargetRows = nil }, Inconclusive, "not counted"},
		{"digests differ", func(m *Migration) { table(m).Digest.Target = "zz" }, Fail, "digests differ"},
		{"no digest", func(m *Migration) { table(m).Digest = nil }, Inconclusive, "digests"},
		{"empty digests", func(m *Migration) { *table(m).Digest = Digest{} }, Inconclusive, "digests"},
		{"orphan", func(m *Migration) { *proofs(m).Complete.Checks[0].Wrong = 1 }, Fail, "complete: accounts: 1 rows break"},
		{"orphan, not counted", func(m *Migration) {
			c := &proofs(m).Complete.Checks[0]
			c.Wrong, c.Findings = nil, []ProofFinding{{Key: Key{Text: "(7)"}, Problem: "belongs to no tenant"}}
		}, Fail, "(7): belongs to no tenant"},
		{"parts do not add up", func(m *Migration) { proofs(m).Complete.Checks[0].Parts[1].Rows-- }, Fail, "the parts have 69 rows and the table 70"},
		{"row left behind", func(m *Migration) { *proofs(m).Closed.Checks[0].Wrong = 3 }, Fail, "closed: accounts (customer_id)"},
		{"foreign row", func(m *Migration) { *proofs(m).Clean.Checks[0].Wrong = 1 }, Fail, "clean: accounts"},
		{"proof not computed", func(m *Migration) { proofs(m).Clean.Why = "no such column" }, Inconclusive, "clean: no such column"},
		{"proof without a check", func(m *Migration) { proofs(m).Closed.Checks = nil }, Inconclusive, "closed: nothing was looked at"},
		{"check not made", func(m *Migration) { proofs(m).Closed.Checks[0].Wrong = nil }, Inconclusive, "not looked at"},
		{"check without rows", func(m *Migration) { proofs(m).Clean.Checks[0].Rows = nil }, Inconclusive, "not looked at"},
		{"unchecked", func(m *Migration) { m.Unchecked = []Gap{{"indexes", "no rights"}} }, Inconclusive, "indexes: no rights"},
		{"differs though unverified", func(m *Migration) {
			table(m).Verdict, table(m).TargetRows = "", new(int64(1))
		}, Fail, "on the target"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, reasons := with(test.spoil).Judge()
			if v != test.want || len(reasons) != 1 || !strings.Contains(reasons[0], test.why) {
				t.Errorf("%s %q, want %s for the one reason %q", v, reasons, test.want, test.why)
			}
		})
	}
}

func TestHarmlessDifferencesPass(t *testing.T) {
	m := passing()
	m.Tenants[0].Tables[0].Schema = []schema.Difference{{Kind: schema.IsExtra, Object: "index i", Harmless: true}}
	if v, reasons := m.Judge(); v != Pass || len(reasons) != 0 {
		t.Errorf("%s %q", v, reasons)
	}
}

func TestFailOutranksInconclusive(t *testing.T) {
	for _, order := range [][]Verdict{{Fail, Inconclusive}, {Inconclusive, Fail}} {
		m := passing()
		m.Tenants[0].Tables[0].Verdict, m.Tenants[0].Tables[1].Verdict = order[0], order[1]
		if v, reasons := m.Judge(); v != Fail || len(reasons) != 2 {
			t.Errorf("%v: %s %q, want fail for two reasons", order, v, reasons)
		}
	}
}

func TestSettleFillsAllVerdicts(t *testing.T) {
	m := passing()
	m.Phases[0].Verdict = ""
	m.Tenants[0].Tables[0].Digest.Target = "zz"
	m.Tenants[0].Tables[1].SourceRows = nil
	m.Settle()
	got := []Verdict{m.Verdict, m.Phases[0].Verdict, m.Tenants[0].Tables[0].Verdict, m.Tenants[0].Tables[1].Verdict}
	if want := []Verdict{Fail, Inconclusive, Fail, Inconclusive}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The verdict can be computed again from the file.
func TestVerdictSurvivesTheFile(t *testing.T) {
	for name, m := range map[string]*Migration{
		"pass": passing(), "everything": everything(), "never connected": neverConnected(),
	} {
		m.Settle()
		var buf bytes.Buffer
		if err := Encode(&buf, m); err != nil {
			t.Fatal(err)
		}
		var back Migration
		if err := json.Unmarshal(buf.Bytes(), &back); err != nil {
			t.Fatal(err)
		}
		verdict, reasons := back.Verdict, back.Reasons
		back.Settle()
		if back.Verdict != m.Verdict || back.Verdict != verdict {
			t.Errorf("%s: %s, in the file %s, again %s", name, m.Verdict, verdict, back.Verdict)
		}
		if diff := cmp.Diff(reasons, append([]string{}, back.Reasons...)); diff != "" {
			t.Errorf("%s: reasons (-file +again):\n%s", name, diff)
		}
	}
}
