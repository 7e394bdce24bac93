package migrate

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"leap/internal/bank"
	"leap/internal/event"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/schema"
)

// belongings say how the tables of bank.Shared belong to a tenant: the tenant
// column behind a path of foreign keys, from the table on. What is not listed
// is moved whole.
var belongings = map[string]string{
	"tenants":             "id",
	"users":               "tenant_id",
	"categories":          "tenant_id",
	"tags":                "tenant_id",
	"tenant_settings":     "tenant_id",
	"customers":           "tenant_id",
	"consents":            "tenant_id",
	"sessions":            "tenant_id",
	"messages":            "sender_id>users.id tenant_id",
	"folders":             "customer_id>customers.id tenant_id",
	"accounts":            "customer_id>customers.id tenant_id",
	"cards":               "account_id>accounts.id customer_id>customers.id tenant_id",
	"account_limits":      "account_id>accounts.id customer_id>customers.id tenant_id",
	"statements":          "account_id>accounts.id customer_id>customers.id tenant_id",
	"events":              "account_no>accounts.id customer_id>customers.id tenant_id",
	"payments":            "from_account>accounts.id customer_id>customers.id tenant_id",
	"transactions":        "account_id>accounts.id customer_id>customers.id tenant_id",
	"consent_accounts":    "consent_id>consents.id tenant_id",
	"transaction_tags":    "transaction_id>transactions.id account_id>accounts.id customer_id>customers.id tenant_id",
	"transaction_details": "transaction_id>transactions.id account_id>accounts.id customer_id>customers.id tenant_id",
	"disputes": "transaction_id,line>transaction_details.transaction_id,line transaction_id>transactions.id " +
		"account_id>accounts.id customer_id>customers.id tenant_id",
}

// belonging reads one of belongings.
func belonging(text string, tenant int) *schema.Slice {
	s := &schema.Slice{Tenant: tenantID(tenant), Values: []string{strconv.Itoa(tenant)}}
	words := strings.Fields(text)
	s.Column = words[len(words)-1]
	for _, w := range words[:len(words)-1] {
		columns, to, _ := strings.Cut(w, ">")
		table, parents, _ := strings.Cut(to, ".")
		s.Path = append(s.Path, schema.Hop{Columns: strings.Split(columns, ","), Table: table, Parent: strings.Split(parents, ",")})
	}
	return s
}

func tenantID(n int) string { return fmt.Sprintf("tenant-%02d", n) }

// estate is a source with shared tables and the targets of its tenants.
type estate struct {
	server    *sandbox.Server
	shared    string // the database that tenants share
	own       string // the one of bank.Own
	target    *sandbox.Server
	databases map[int]string
}

func newEstate(t *testing.T, target *sandbox.Server, customers int) *estate {
	t.Helper()
	e := &estate{server: sandboxtest.Source(t), target: target, databases: map[int]string{}}
	e.shared, e.own = sandboxtest.NewDatabase(t, e.server), sandboxtest.NewDatabase(t, e.server)
	for _, d := range []struct {
		database         string
		customers, owner int
	}{{e.shared, customers, 0}, {e.own, 8, bank.Own}} {
		db := e.open(t, e.server, d.database)
		if err := bank.Shared(t.Context(), db, d.customers, d.owner); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func (*estate) open(t *testing.T, server *sandbox.Server, database string) *sql.DB {
	t.Helper()
	db, err := server.DB(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// config is the move of one tenant.
func (e *estate) config(t *testing.T, tenant int) Config {
	t.Helper()
	if e.databases[tenant] == "" {
		e.databases[tenant] = sandboxtest.NewDatabase(t, e.target)
	}
	from := e.shared
	if tenant == bank.Own {
		from = e.own
	}
	cfg := testConfig(t, e.server, from, e.target, e.databases[tenant])
	cfg.LeaveOut = map[string]string{"audit_log": "kept for ten years where it is"}
	cfg.Tenancy = &Tenancy{
		Tenant: tenantID(tenant), All: map[string][]*schema.Slice{},
		References: map[string][]schema.Hop{"events": {{Columns: []string{"account_no"}, Table: "accounts", Parent: []string{"id"}}}},
	}
	if tenant == bank.Own {
		return cfg
	}
	cfg.Slices = map[string]*schema.Slice{}
	for table, text := range belongings {
		cfg.Slices[table] = belonging(text, tenant)
		for n := 1; n <= bank.Empty; n++ {
			cfg.Tenancy.All[table] = append(cfg.Tenancy.All[table], belonging(text, n))
		}
	}
	return cfg
}

func (*estate) run(t *testing.T, cfg Config, phases ...Phase) *report.Migration {
	t.Helper()
	r, err := Run(t.Context(), cfg, phases...)
	if err != nil {
		t.Fatalf("%s: %v", cfg.Tenancy.Tenant, err)
	}
	return r
}

var allPhases = []Phase{Assess, Schema, Copy, Verify}

// someTenants are all where a database is made quickly, and one of each kind elsewhere.
func someTenants(target *sandbox.Server) []int {
	if target.Kind() == sandbox.Cockroach {
		return []int{2, bank.Empty} // TestSliceResumes moves the largest
	}
	return []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, bank.Empty, bank.Own}
}

// TestTenants moves tenants out of shared tables, proves it, and breaks the
// proofs in every way.
func TestTenants(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		e := newEstate(t, target, 60)
		moved := map[string]int64{}
		for _, n := range someTenants(target) {
			r := e.run(t, e.config(t, n), allPhases...)
			if r.Verdict != report.Pass {
				t.Fatalf("tenant %d: %s: %q", n, r.Verdict, r.Reasons)
			}
			expectProofs(t, r, n)
			for _, table := range r.Tenants[0].Tables {
				if n != bank.Own {
					moved[table.SourceName] += *table.TargetRows
				}
			}
		}
		if target.Kind() != sandbox.Cockroach {
			e.expectAll(t, moved)
		}
		for _, b := range breaches() {
			if target.Kind() == sandbox.Cockroach && b.proof != "clean" {
				continue // the others ask the source alone
			}
			t.Run(strings.ReplaceAll(b.name, " ", "_"), func(t *testing.T) { e.breach(t, b) })
		}
	})
}

// expectProofs wants all proofs to hold and to have looked at something.
func expectProofs(t *testing.T, r *report.Migration, tenant int) {
	t.Helper()
	if len(r.Tenants) != 1 || r.Tenants[0].Name != tenantID(tenant) || len(r.Tenants[0].Planned) != 24 {
		t.Fatalf("tenant %d: the report is about %+v", tenant, r.Tenants)
	}
	p := r.Tenants[0].Proofs
	want := []int{len(belongings), 30, len(belongings)} // shared tables, foreign keys, shared tables
	if tenant == bank.Own {
		want[0], want[2] = 1, 1
	}
	for i, proof := range []report.Proof{p.Complete, p.Closed, p.Clean} {
		if proof.Verdict != report.Pass || len(proof.Checks) != want[i] {
			t.Errorf("tenant %d: proof %d: %s %s, %d checks, want %d", tenant, i, proof.Verdict, proof.Why, len(proof.Checks), want[i])
		}
	}
	reportFollowsSchema(t, r)
}

func reportFollowsSchema(t *testing.T, r *report.Migration) {
	t.Helper()
	var out bytes.Buffer
	if err := report.Encode(&out, r); err != nil {
		t.Fatal(err)
	}
	validate(t, "migrate-report", &out)
}

// expectAll compares the rows that arrived at all tenants with the tables.
func (e *estate) expectAll(t *testing.T, moved map[string]int64) {
	t.Helper()
	db := e.open(t, e.server, e.shared)
	for table := range belongings {
		var n int64
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil || n == 0 || n != moved[table] {
			t.Errorf("%s: %d rows in all targets, %d on the source (%v)", table, moved[table], n, err)
		}
	}
}

// breach breaks a proof and says where that must be found.
type breach struct {
	name         string
	source, undo string // statements for the source, and to undo them
	target       string // statement for the target
	config       func(*Config)
	proof        string
	verdict      report.Verdict
	object, key  string // of the finding
	problem      string // of the finding, or why the proof is open
}

func breaches() []breach {
	const off = "SET foreign_key_checks = 0; "
	return []breach{
		{
			name:   "orphan row",
			source: off + "INSERT INTO transactions VALUES (77, 999999, 20, 1, '2024-01-01', 'x')", undo: "DELETE FROM transactions WHERE id = 77",
			proof: "complete", verdict: report.Fail, object: "transactions", key: "77", problem: "belongs to no tenant: its path ends",
		},
		{
			name: "tenant that no plan knows", source: off + "INSERT INTO tags VALUES (7777, 99, 'x')", undo: "DELETE FROM tags WHERE id = 7777",
			proof: "complete", verdict: report.Fail, object: "tags", key: "7777", problem: "belongs to no tenant of the plan",
		},
		{
			name: "row owned by two",
			config: func(c *Config) {
				other := belonging(belongings["users"], 3)
				other.Values = append(other.Values, "2")
				c.Tenancy.All["users"][2] = other
			},
			proof: "complete", verdict: report.Fail, object: "users", key: "20", problem: "belongs to more than one tenant: tenant-02, tenant-03",
		},
		{
			name:   "reference to another tenant",
			source: off + "UPDATE transactions SET category_id = 10 WHERE id = 4500", undo: "UPDATE transactions SET category_id = 20 WHERE id = 4500",
			proof: "closed", verdict: report.Fail, object: "transactions (category_id) -> categories (id)", key: "4500", problem: "refers to a row of categories",
		},
		{
			name:   "missing parent",
			source: off + "UPDATE payments SET to_account = 888888 WHERE id = 451", undo: "UPDATE payments SET to_account = 450 WHERE id = 451",
			proof: "closed", verdict: report.Fail, object: "payments (to_account) -> accounts (id)", key: "451", problem: "refers to a row of accounts",
		},
		{
			name:   "reference data without a row",
			source: off + "DELETE FROM countries WHERE code = 'GB'", undo: "INSERT INTO countries VALUES ('GB', 'country 2')",
			proof: "closed", verdict: report.Fail, object: "customers (country) -> countries (code)", problem: "refers to a row of countries",
		},
		{
			name:   "foreign row in the target",
			target: "INSERT INTO tags VALUES (5555, 3, 'of another tenant')",
			proof:  "clean", verdict: report.Fail, object: "tags", key: "5555", problem: "not this tenant's",
		},
		{
			name:   "tenants find rows differently",
			config: func(c *Config) { c.Tenancy.All["users"][2] = belonging("id", 3) },
			proof:  "complete", verdict: report.Inconclusive, problem: "different paths",
		},
		{
			name:   "slice that is not in the plan",
			config: func(c *Config) { c.Tenancy.All["users"] = c.Tenancy.All["users"][2:] },
			proof:  "complete", verdict: report.Inconclusive, problem: "not among those of all tenants",
		},
	}
}

// breach plants one breach for tenant 2 and looks for it; afterwards all is as before.
func (e *estate) breach(t *testing.T, b breach) {
	cfg := e.config(t, 2)
	if b.config != nil {
		b.config(&cfg)
	}
	if b.source != "" {
		e.exec(t, e.server, e.shared, b.source)
		defer e.exec(t, e.server, e.shared, "SET foreign_key_checks = 0; "+b.undo)
	}
	if b.target != "" {
		e.exec(t, e.target, e.databases[2], b.target)
		defer e.exec(t, e.target, e.databases[2], "DELETE FROM tags WHERE id = 5555")
	}
	r := e.run(t, cfg, Verify)
	p := r.Tenants[0].Proofs
	proof := map[string]*report.Proof{"complete": &p.Complete, "closed": &p.Closed, "clean": &p.Clean}[b.proof]
	if proof.Verdict != b.verdict || r.Verdict == report.Pass {
		t.Fatalf("%s is %s (%+v), the report %s", b.proof, proof.Verdict, proof, r.Verdict)
	}
	reportFollowsSchema(t, r)
	for _, c := range proof.Checks {
		if b.verdict == report.Inconclusive && strings.Contains(c.Note, b.problem) {
			return
		}
		for _, f := range c.Findings {
			if c.Object == b.object && strings.Contains(f.Problem, b.problem) && (b.key == "" || f.Key.Columns[0].Value == b.key) {
				return
			}
		}
	}
	t.Errorf("%s was not found: %+v", b.problem, proof.Checks)
}

func (*estate) exec(t *testing.T, server *sandbox.Server, database, statements string) {
	t.Helper()
	if err := server.Exec(context.WithoutCancel(t.Context()), database, statements); err != nil {
		t.Error(err)
	}
}

// TestRest proves completeness where some rows are left behind on purpose.
func TestRest(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		if target.Kind() == sandbox.Cockroach {
			t.Skip("the proof of completeness asks the source alone")
		}
		e := newEstate(t, target, 20)
		e.exec(t, e.server, e.shared, "SET foreign_key_checks = 0; INSERT INTO tags VALUES (7777, 99, 'x'); INSERT INTO transactions VALUES (77, 999999, 20, 1, '2024-01-01', 'x')")
		cfg := e.config(t, 2)
		closed := belonging(belongings["tags"], 99)
		cfg.Tenancy.Rest = map[string][]Rest{
			"tags":         {{Reason: "closed in 2019", Slice: closed}},
			"transactions": {{Reason: "accounts were deleted"}},
		}
		r := e.run(t, cfg, allPhases...)
		p := r.Tenants[0].Proofs
		if r.Verdict != report.Pass {
			t.Fatalf("%s: %q", r.Verdict, r.Reasons)
		}
		rest := map[string]int64{}
		for _, c := range p.Complete.Checks {
			for _, part := range c.Parts {
				if name, left := strings.CutPrefix(part.Name, "left: "); left {
					rest[c.Object+": "+name] = part.Rows
				}
			}
		}
		if want := map[string]int64{"tags: closed in 2019": 1, "transactions: accounts were deleted": 1}; !maps.Equal(rest, want) {
			t.Errorf("left behind are %v, want %v", rest, want)
		}
		cfg.Verify.Tables = []string{"tags"}
		if r = e.run(t, cfg, Verify); r.Verdict != report.Inconclusive || r.Tenants[0].Proofs.Clean.Verdict != report.Inconclusive {
			t.Errorf("some of the tables prove %s (%q)", r.Verdict, r.Reasons)
		}
	})
}

// TestSliceResumes interrupts the copy of a slice at many moments; what is
// there at last is the slice, and another tenant's is refused.
func TestSliceResumes(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		e := newEstate(t, target, 60)
		cfg := e.config(t, bank.Largest)
		cfg.ChunkRows = 40
		if _, err := Run(t.Context(), cfg, Assess, Schema); err != nil {
			t.Fatal(err)
		}
		interrupted := 0
		for moment := int64(1); ; moment += 6 {
			ctx, cancel := context.WithCancel(t.Context())
			var chunks atomic.Int64
			cfg.Events = sinkFunc(func(ev event.Event) {
				if ev.Kind == event.RowsMoved && chunks.Add(1) == moment {
					cancel()
				}
			})
			_, err := Run(ctx, cfg, Copy)
			cancel()
			if err == nil {
				break
			}
			if interrupted++; interrupted > 40 {
				t.Fatalf("still not copied: %v", err)
			}
		}
		if interrupted < 3 {
			t.Errorf("interrupted %d times: this tests little", interrupted)
		}
		cfg.Events = nil
		if r := e.run(t, cfg, Verify); r.Verdict != report.Pass {
			t.Fatalf("%s: %q", r.Verdict, r.Reasons)
		}
		other := e.config(t, 2)
		other.Target = cfg.Target
		_, err := Run(t.Context(), other, Copy)
		if err == nil || !strings.Contains(err.Error(), "changed") || !strings.Contains(err.Error(), "customers") {
			t.Errorf("another tenant's rows into the same target: %v", err)
		}
	})
}

type sinkFunc func(event.Event)

func (f sinkFunc) Emit(e event.Event) { f(e) }

func TestLeftOutTables(t *testing.T) {
	s := &session{cfg: Config{LeaveOut: map[string]string{"log": "old"}}, database: &schema.Database{Tables: []*schema.Table{{Name: "a"}, {Name: "log"}}}}
	found, err := s.takeSlices(t.Context())
	if err != nil || len(found) != 1 || found[0].Rule != "table-left-out" || len(s.database.Tables) != 1 {
		t.Errorf("%v, %v, %d tables left", found, err, len(s.database.Tables))
	}
	for _, cfg := range []Config{
		{LeaveOut: map[string]string{"nowhere": "old"}},
		{LeaveOut: map[string]string{"a": "old"}, Slices: map[string]*schema.Slice{"a": {}}},
	} {
		s := &session{cfg: cfg, database: &schema.Database{Tables: []*schema.Table{{Name: "a"}}}}
		if _, err := s.takeSlices(t.Context()); err == nil {
			t.Errorf("%v was not refused", slices.Collect(maps.Keys(cfg.LeaveOut)))
		}
	}
}
