package fleet

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"leap/internal/endpoint"
	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/plan"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/source"
	"leap/internal/throttle"
)

// shared is a source database of three tenants.
const shared = `
CREATE TABLE tenants (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL) CHARSET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE accounts (id INT PRIMARY KEY, tenant_id INT NOT NULL, iban VARCHAR(34), KEY (tenant_id), FOREIGN KEY (tenant_id) REFERENCES tenants (id)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE entries (id INT PRIMARY KEY, account_id INT NOT NULL, cents BIGINT, KEY (account_id), FOREIGN KEY (account_id) REFERENCES accounts (id));
CREATE TABLE notes (id INT PRIMARY KEY, entry INT NOT NULL, body TEXT, KEY (entry)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE currencies (code CHAR(3) PRIMARY KEY) CHARSET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE scratch (id INT PRIMARY KEY);
INSERT INTO tenants VALUES (1, 'alpha'), (2, 'beta'), (3, 'gamma');
INSERT INTO accounts VALUES (1, 1, 'A1'), (2, 1, 'A2'), (3, 2, 'B1'), (4, 3, 'C1');
INSERT INTO entries SELECT seq, 1 + seq % 4, seq * 3 FROM seq_1_to_2000;
INSERT INTO notes SELECT seq, seq + 0, CONCAT('note ', seq) FROM seq_1_to_1000;
INSERT INTO currencies VALUES ('EUR'), ('GBP');
INSERT INTO scratch VALUES (1);
`

// stage is a source with the shared database, and a plan for it.
type stage struct {
	source *sandbox.Server
	from   string
	text   string
}

func setUp(t *testing.T) *stage {
	t.Helper()
	s := &stage{source: sandboxtest.Source(t)}
	s.from = sandboxtest.NewDatabase(t, s.source)
	if err := s.source.Exec(t.Context(), s.from, shared); err != nil {
		t.Fatal(err)
	}
	s.text = fmt.Sprintf(`version: 1
sources:
  legacy: {url: "%s"}
tenant_column: tenant_id
foreign_keys:
  - notes.entry -> entries
tables:
  - {match: tenants, column: id}
  - {match: currencies, shared: true}
  - {match: scratch, leave_out: nobody needs it}
limits: {tenants_at_once: 2, source_connections: 3}
`, s.source.URL(s.from))
	return s
}

// config reads the plan with the given targets and tenants.
func (s *stage) config(t *testing.T, more ...string) Config {
	t.Helper()
	p, err := plan.Read("plan.yaml", []byte(s.text+strings.Join(more, "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Plan: p, // With what the command line watches by default: that takes connections, too.
		Base: migrate.Config{Command: "migrate run", Snapshot: source.Consistent, Kindness: migrate.Kindness{
			Limits: throttle.Limits{Threads: migrate.DefaultMaxThreads, Lag: migrate.DefaultMaxLag},
		}},
		Outside: plan.Outside{Env: os.LookupEnv, File: os.ReadFile},
	}
}

// targets writes a target for each database of a server.
func targets(servers map[string]string) string {
	var out strings.Builder
	out.WriteString("targets:\n")
	for name, url := range servers {
		fmt.Fprintf(&out, "  %s: {url: %q}\n", name, url)
	}
	return out.String()
}

// all are the phases of a run.
var all = []migrate.Phase{migrate.Assess, migrate.Schema, migrate.Copy, migrate.Verify}

// threeTenants are alpha, beta and gamma, each with a target of that letter.
const threeTenants = `tenants:
  - {name: alpha, id: 1, target: a}
  - {name: beta, id: 2, target: b}
  - {name: gamma, id: 3, target: c}
`

// want is what each tenant has of the shared database.
var want = map[string]map[string]int64{
	"alpha": {"tenants": 1, "accounts": 2, "entries": 1000, "notes": 500, "currencies": 2},
	"beta":  {"tenants": 1, "accounts": 1, "entries": 500, "notes": 250, "currencies": 2},
	"gamma": {"tenants": 1, "accounts": 1, "entries": 500, "notes": 250, "currencies": 2},
}

// checkRows compares what a report counts with want.
func checkRows(t *testing.T, moves ...report.Move) {
	t.Helper()
	for _, m := range moves {
		if m.Verdict != report.Pass || m.ExitCode != 0 {
			t.Errorf("%s: %s, exit code %d: %v", m.Name, m.Verdict, m.ExitCode, m.Reasons)
			continue
		}
		if len(m.Tables) != len(want[m.Name]) {
			t.Errorf("%s has %d tables", m.Name, len(m.Tables))
		}
		for _, table := range m.Tables {
			if n := want[m.Name][table.Name]; *table.SourceRows != n || *table.TargetRows != n {
				t.Errorf("%s of %s: %d and %d rows, want %d", table.Name, m.Name, *table.SourceRows, *table.TargetRows, n)
			}
		}
	}
}

func standings(t *testing.T, cfg Config) (map[string]string, fault.Class) {
	t.Helper()
	tenants, worst, err := Status(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	follows(t, "migrate-status", map[string]any{"plan": cfg.Plan.Name(), "tenants": tenants})
	out := map[string]string{}
	for _, s := range tenants {
		out[s.Name] = s.State + " " + s.Phase
		if s.State == migrate.StandsUnreachable && s.Error == "" {
			t.Errorf("%s is unreachable for no reason", s.Name)
		}
	}
	return out, worst
}

// A target that is down is that tenant's trouble; the next run does what is missing.
func TestRunWithATargetDown(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		s := setUp(t)
		a, b, c := sandboxtest.NewDatabase(t, target), sandboxtest.NewDatabase(t, target), sandboxtest.NewDatabase(t, target)
		addresses := map[string]string{"a": target.URL(a), "b": target.URL(b), "c": "postgresql://root@127.0.0.1:1/" + c}
		cfg := s.config(t, targets(addresses), threeTenants)
		if got, worst := standings(t, cfg); got["alpha"] != "waiting " || worst != fault.Failed {
			t.Errorf("before: %v, worst %d", got, worst)
		}
		f, err := Run(t.Context(), cfg, all...)
		if err != nil {
			t.Fatal(err)
		}
		if f.Verdict != report.Fail || f.ExitCode() != fault.Failed || f.Tenants[2].ExitCode != 1 {
			t.Fatalf("verdict %s, exit code %d: %v", f.Verdict, f.ExitCode(), f.Reasons)
		}
		checkRows(t, f.Tenants[:2]...)
		got, worst := standings(t, cfg)
		if got["alpha"] != "done verify" || got["gamma"] != "unreachable " || worst != fault.Failed {
			t.Errorf("status: %v, worst %d", got, worst)
		}

		addresses["c"] = target.URL(c)
		cfg = s.config(t, targets(addresses), threeTenants)
		if f, err = Run(t.Context(), cfg, all...); err != nil {
			t.Fatal(err)
		}
		checkRows(t, f.Tenants...)
		for _, m := range f.Tenants {
			for _, table := range m.Tables {
				if again := m.Name != "gamma" && table.CopiedRows != nil && *table.CopiedRows > 0; again {
					t.Errorf("%s of %s was copied again", table.Name, m.Name)
				}
			}
		}
		if got, worst = standings(t, cfg); got["gamma"] != "done verify" || worst != 0 {
			t.Errorf("after: %v, worst %d", got, worst)
		}
		ends, _ := cfg.Plan.Endpoints(cfg.Plan.Tenants, cfg.Outside)
		status, err := migrate.ReadStatus(t.Context(), ends["gamma"].Target)
		if err != nil || len(status.Jobs) != 1 {
			t.Fatalf("got %+v (%v)", status, err)
		}
		follows(t, "migrate-status", status)
	})
}

// Losses stop a tenant until the plan accepts them, and the report says so.
func TestLossesNeedConsent(t *testing.T) {
	target := sandboxtest.Target(t)
	s := setUp(t)
	statements := `CREATE TRIGGER audit BEFORE INSERT ON accounts FOR EACH ROW SET NEW.iban = UPPER(NEW.iban);
		ALTER TABLE accounts ADD closed DATE NOT NULL DEFAULT '2020-01-01'; SET sql_mode = ''; UPDATE accounts SET closed = 0 WHERE id < 3;`
	if err := s.source.Exec(t.Context(), s.from, statements); err != nil {
		t.Fatal(err)
	}
	where := targets(map[string]string{"a": target.URL(sandboxtest.NewDatabase(t, target)), "b": target.URL("b"), "c": target.URL("c")})
	policies := "policies: {zero-date: null}"
	cfg := s.config(t, where, threeTenants, policies)
	cfg.Names = []string{"alpha"}
	f, err := Run(t.Context(), cfg, all...)
	if err != nil {
		t.Fatal(err)
	}
	alpha := f.Tenants[0]
	if alpha.ExitCode != 3 || alpha.Error == nil || !strings.Contains(alpha.Error.Message, "trigger-dropped:") ||
		!strings.Contains(alpha.Error.Message, "zero-date-changed:accounts.closed") {
		t.Fatalf("exit code %d: %+v", alpha.ExitCode, alpha.Error)
	}
	cfg = s.config(t, where, threeTenants, policies, "accept:", "  - {id: 'trigger-dropped:*', reason: the application does it, who: kim}",
		"  - {id: 'zero-date-changed:accounts.closed', reason: nobody reads it}", "  - {id: 'not-null-dropped:*', reason: follows}",
		"  - {id: 'view-dropped:*', reason: there is none}")
	cfg.Names = []string{"alpha"}
	if f, err = Run(t.Context(), cfg, all...); err != nil {
		t.Fatal(err)
	}
	alpha = f.Tenants[0]
	checkRows(t, alpha)
	accepted := map[string]report.Acceptance{}
	for _, a := range alpha.Accepted {
		accepted[a.By] = a
	}
	if a := accepted["zero-date-changed:accounts.closed"]; a.Values == nil || *a.Values != 2 || a.Reason != "nobody reads it" {
		t.Errorf("zero dates: %+v", a)
	}
	if a := accepted["trigger-dropped:*"]; a.Who != "kim" || a.Values != nil {
		t.Errorf("the trigger: %+v", a)
	}
	if a := accepted["leave_out"]; !strings.Contains(a.Reason, "nobody needs it") {
		t.Errorf("the table that is left out: %+v", a)
	}
}

func TestCheck(t *testing.T) {
	target := sandboxtest.Target(t)
	s := setUp(t)
	// The server makes its statistics some time after the rows, or it is asked to.
	if err := s.source.Exec(t.Context(), s.from, "ANALYZE TABLE tenants, accounts, entries, notes"); err != nil {
		t.Fatal(err)
	}
	cfg := s.config(t, targets(map[string]string{
		"a": target.URL(sandboxtest.NewDatabase(t, target)), "b": target.URL("not_there"), "c": "postgresql://root@127.0.0.1:1/c",
	}), threeTenants)
	checks, err := Check(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	follows(t, "migrate-plan-check", map[string]any{"plan": cfg.Plan.Name(), "tenants": checks})
	if checks[0].Err != nil || checks[1].Err == nil || checks[2].Err == nil || fault.ClassOf(checks[2].Err) != fault.Failed {
		t.Errorf("got %v, %v, %v", checks[0].Err, checks[1].Err, checks[2].Err)
	}
	got := map[string]TableCheck{}
	for _, table := range checks[0].Tables {
		got[table.Name] = table
	}
	// A part that is read by a scan is the source's statistics, not a count: of 500
	// in a table of 1000, which MySQL takes for all of it, as each note has its entry.
	if n := got["notes"]; n.Rows < 400 || n.Rows > 600 && s.source.Kind() == sandbox.MariaDB || n.Rows > 1100 || n.Belongs != "entry -> entries.id, account_id -> accounts.id, tenant_id" {
		t.Errorf("notes: %+v", n)
	}
	if !got["scratch"].LeftOut || got["currencies"].Belongs != "whole" {
		t.Errorf("got %+v", got)
	}
}

// A tenant of a plan that is wrong for its source is found before anything begins.
func TestRunRefusesAWrongPlan(t *testing.T) {
	s := setUp(t)
	if err := s.source.Exec(t.Context(), s.from, "CREATE TABLE island (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	where := targets(map[string]string{"a": "postgresql://root@h/a", "b": "postgresql://root@h/b", "c": "postgresql://root@h/c"})
	_, err := Run(t.Context(), s.config(t, where, threeTenants), all...)
	if err == nil || fault.ClassOf(err) != fault.Usage || strings.Count(err.Error(), "island") != 1 {
		t.Errorf("got %v", err)
	}
	cfg := s.config(t, where, threeTenants)
	cfg.Names = []string{"alpha", "delta"}
	if _, err = Run(t.Context(), cfg, all...); err == nil || !strings.Contains(err.Error(), `no tenant "delta"`) {
		t.Errorf("got %v", err)
	}
}

// What init drafts is a plan once a person has decided what is marked.
func TestDraft(t *testing.T) {
	s := setUp(t)
	if err := s.source.Exec(t.Context(), s.from, "CREATE TABLE attachments (id INT PRIMARY KEY, account_id INT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	e, err := endpoint.Parse(s.source.URL(s.from))
	if err != nil {
		t.Fatal(err)
	}
	draft, err := DraftOf(t.Context(), e, "")
	if err != nil {
		t.Fatal(err)
	}
	text := draft.Write()
	_, err = plan.Read("plan.yaml", []byte(text))
	bad, ok := errors.AsType[*plan.Error](err)
	if !ok || len(bad.Problems) != 4 || !strings.Contains(bad.Problems[0].Text, "nobody has decided yet how attachments") {
		t.Fatalf("got %v for\n%s", err, text)
	}
	if !strings.Contains(text, "# via: account_id -> accounts.id") || !strings.Contains(text, "name: gamma\n    id: \"3\"") {
		t.Errorf("the draft is\n%s", text)
	}
	decided := regexp.MustCompile(`decide: .*`).ReplaceAllString(text, "shared: true")
	if _, err := plan.Read("plan.yaml", []byte(decided)); err != nil {
		t.Errorf("%v in\n%s", err, decided)
	}
}
