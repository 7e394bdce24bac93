package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"leap/internal/bank"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// fleetRules say how the tables of bank.Shared belong to tenants, and what may
// get lost. The tables with tenant_id need no word, nor those with one shortest
// way of foreign keys, of one to four.
const fleetRules = `
tenant_column: tenant_id
foreign_keys:
  - events.account_no -> accounts.id
tables:
  - {match: tenants, column: id}
  - {match: messages, via: sender_id -> users.id}
  - {match: payments, via: from_account -> accounts.id}
  # Shorter ways, by the category and the tag, lead to the same tenant.
  - {match: transactions, via: account_id -> accounts.id}
  - {match: transaction_tags, via: transaction_id -> transactions.id}
  - {match: [countries, currencies, exchange_rates], shared: true}
  - {match: audit_log, leave_out: kept for ten years where it is}
accept:
  - {id: "collation-changed:*", reason: the application compares with lower()}
  - {id: "unique-collation:*", reason: all of these are written in one spelling}
  - {id: "foreign-key-collation:*", reason: all of these are written in one spelling}
  - {id: "no-primary-key:sessions", reason: a rowid does}
limits: {tenants_at_once: 4, source_connections: 16, workers: 2}
`

// fleetServers is over how many servers the tenants are spread.
const fleetServers = 3

// fleet is a source that tenants share, and one tenant's own beside it, with a
// plan to move each into a database of its own.
type fleet struct {
	source      *sandbox.Server
	shared, own string
	targets     []*sandbox.Server
	prefix      string          // of the names of the target databases
	to          map[int]*sql.DB // by the tenant's number
	outside     []*sql.DB       // each server's own database
	seen        map[int]bool    // tenants whose records are there
	plan        string          // the file
	fleetSize
}

// fleetSize says how much is moved, and how often the move is killed.
type fleetSize struct {
	customers, kills int
	patience         time.Duration // far above what any call needs
	look             time.Duration // how often the progress is looked at
}

// TestFleet moves 12 tenants out of 25 tables into 12 databases on three
// servers with one command, once undisturbed and once killed again and again,
// which must not make a difference.
func TestFleet(t *testing.T) {
	t.Parallel()
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		size, seed := fleetSize{customers: 100, kills: 5, patience: commandLimit, look: 20 * time.Millisecond}, uint64(killSeed)
		if os.Getenv(tortureVariable) == "1" {
			size, seed = fleetSize{customers: 400, kills: 10, patience: 10 * commandLimit, look: 100 * time.Millisecond}, rand.Uint64()
		} else if !target.StandIn() {
			t.Skipf("three servers of %s take minutes; %s=1 asks for them", target.Kind(), tortureVariable)
		}
		seed = seedOr(t, seed)
		calm := newFleet(t, target.Kind(), size)
		rows := calm.rows(t)
		calm.finished(t, calm.start(t).outcomeWithin(t, size.patience), rows)

		killed := calm.elsewhere(t, "killed")
		killed.killAndFinish(t, rand.New(rand.NewPCG(seed, 3)), size.kills, rows)
		for n := 1; n <= bank.Own; n++ {
			if one, other := contents(t, calm.to[n]), contents(t, killed.to[n]); !slices.Equal(one, other) {
				t.Errorf("%s: the kills made a difference\n%s", tenantName(n), firstDifference(one, other))
			}
		}
	})
}

// newFleet starts the servers and fills the source.
func newFleet(t *testing.T, kind sandbox.Kind, size fleetSize) *fleet {
	t.Helper()
	f := &fleet{source: legacySource(t), fleetSize: size}
	f.shared, f.own = sandboxtest.NewDatabase(t, f.source), sandboxtest.NewDatabase(t, f.source)
	if err := bank.Shared(t.Context(), handle(t, f.source, f.shared), size.customers, 0); err != nil {
		t.Fatal(err)
	}
	if err := bank.Shared(t.Context(), handle(t, f.source, f.own), 8, bank.Own); err != nil {
		t.Fatal(err)
	}
	for range fleetServers {
		server, err := sandbox.StartTarget(t.Context(), kind, sandbox.Options{})
		if err != nil {
			t.Fatal(err)
		}
		stopAtEnd(t, server)
		f.targets, f.outside = append(f.targets, server), append(f.outside, handle(t, server, ""))
	}
	return f.elsewhere(t, "calm")
}

// elsewhere is the same fleet with other target databases on the same servers.
func (f *fleet) elsewhere(t *testing.T, prefix string) *fleet {
	t.Helper()
	g := *f
	g.prefix, g.to, g.seen = prefix, map[int]*sql.DB{}, map[int]bool{}
	g.plan = filepath.Join(t.TempDir(), "plan.yaml")
	var text strings.Builder
	fmt.Fprintf(&text, "version: 1\nsources:\n  legacy: {url: %q}\ntargets:\n", f.source.URL(f.shared))
	for i, server := range f.targets {
		fmt.Fprintf(&text, "  cluster-%d: {url: %q}\n", i, server.URL(""))
	}
	text.WriteString("tenants:\n")
	for n := 1; n <= bank.Own; n++ {
		server := g.targets[n%fleetServers]
		if err := server.Exec(t.Context(), "", "CREATE DATABASE "+g.database(n)); err != nil {
			t.Fatal(err)
		}
		g.to[n] = handle(t, server, g.database(n))
		whose := fmt.Sprintf("id: %d", n)
		if n == bank.Own {
			whose = "own_database: " + f.own
		}
		fmt.Fprintf(&text, "  - {name: %s, %s, target: cluster-%d, database: %s}\n", tenantName(n), whose, n%fleetServers, g.database(n))
	}
	text.WriteString(fleetRules)
	if err := os.WriteFile(g.plan, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return &g
}

func (f *fleet) database(tenant int) string { return fmt.Sprintf("%s_%02d", f.prefix, tenant) }
func tenantName(n int) string               { return fmt.Sprintf("tenant-%02d", n) }

// start begins the one command that moves everybody.
func (f *fleet) start(t *testing.T) *process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "r.json")
	return startProcess(t, exec.CommandContext(t.Context(), path, "run", "--plan", f.plan, "--all", "--report", file, "--chunk-rows=50"), file)
}

// killAndFinish kills the move when so many rows are recorded, the last time
// when all are, and starts it again.
func (f *fleet) killAndFinish(t *testing.T, random *rand.Rand, kills int, rows ownRows) {
	t.Helper()
	total := rows.sum()
	var moments []int64
	for i := range int64(kills - 1) { // one in each part of the way
		moments = append(moments, (i*total+random.Int64N(total))/int64(kills-1))
	}
	moments = append(moments, total)
	for _, moment := range moments {
		p := f.start(t)
		if !f.awaitRecorded(t, p, moment) {
			t.Fatalf("the move ended before %d of %d rows were recorded: %s", moment, total, p.outcome(t))
		}
		p.hasEnded(shorter(random, 50*time.Millisecond))
		p.kill()
		<-p.ended
		if !p.killedBySignal() {
			t.Errorf("the move was over before it was killed at %d rows", moment)
		}
		t.Logf("killed with %d of %d rows recorded (asked for %d)", f.recorded(t.Context()), total, moment)
	}
	last := f.start(t).outcomeWithin(t, f.patience)
	f.finished(t, last, rows)
	if n := last.copied(); n != 0 {
		t.Errorf("the last run copied %d rows, though all had been recorded", n)
	}
	if n := f.recorded(t.Context()); n != total {
		t.Errorf("the records count %d rows of %d", n, total)
	}
}

// awaitRecorded waits for the records of all targets together; false when the
// process ended before.
func (f *fleet) awaitRecorded(t *testing.T, p *process, rows int64) bool {
	t.Helper()
	limit := time.Now().Add(f.patience)
	for f.recorded(t.Context()) < rows {
		if p.hasEnded(f.look) {
			return false
		}
		if time.Now().After(limit) {
			t.Fatalf("the records did not reach %d rows", rows)
		}
	}
	return true
}

func (f *fleet) recorded(ctx context.Context) int64 {
	sum := int64(0)
	for tenant, db := range f.to {
		if !f.begun(ctx, tenant) {
			continue
		}
		var n int64
		// A target that was not begun with has no records.
		if err := db.QueryRowContext(ctx, "SELECT coalesce(sum(row_count), 0)::INT8 FROM _migrate.chunk").Scan(&n); err == nil {
			sum += n
		}
	}
	return sum
}

// begun reports whether a tenant's target has records yet. It asks from another
// database: a session of CockroachDB 20.2 that asked for the schema before it
// was there does not see it afterwards, for minutes.
func (f *fleet) begun(ctx context.Context, tenant int) bool {
	if f.seen[tenant] {
		return true
	}
	server := f.targets[tenant%fleetServers]
	if server.StandIn() {
		return true
	}
	var there bool
	err := f.outside[tenant%fleetServers].QueryRowContext(ctx, `SELECT count(*) > 0 FROM crdb_internal.tables
		WHERE database_name = $1 AND schema_name = '_migrate' AND name = 'chunk' AND drop_time IS NULL`, f.database(tenant)).Scan(&there)
	f.seen[tenant] = err == nil && there
	return f.seen[tenant]
}

// fleetReport is the part of the fleet's report that is read besides what
// report has. Its field names are those of docs/reference/migrate-fleet.schema.json.
type fleetReport struct {
	Schema  string `json:"schema"`
	Verdict string `json:"verdict"`
	Plan    struct {
		Unused []string `json:"unused_acceptances"`
	} `json:"plan"`
	Tenants []struct {
		Name     string   `json:"name"`
		ExitCode int      `json:"exit_code"`
		Verdict  string   `json:"verdict"`
		Reasons  []string `json:"reasons"`
		Planned  []string `json:"planned"`
		Proofs   map[string]struct {
			Verdict string `json:"verdict"`
			Checks  []struct {
				Verdict string `json:"verdict"`
			} `json:"checks"`
		} `json:"proofs"`
	} `json:"tenants"`
}

// finished wants a run to say that everybody has moved, and this to be so.
func (f *fleet) finished(t *testing.T, o outcome, rows ownRows) {
	t.Helper()
	if o.code != exitDone || o.report == nil {
		t.Fatalf("migrate run --all: %s", o)
	}
	var r fleetReport
	if err := json.NewDecoder(bytes.NewBufferString(o.rawReport)).Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Schema != "leap.migrate.fleet/v1" || r.Verdict != "pass" || len(r.Tenants) != bank.Own {
		t.Fatalf("the report is a %s of %d tenants, verdict %s", r.Schema, len(r.Tenants), r.Verdict)
	}
	if len(r.Plan.Unused) > 0 {
		t.Errorf("nothing needed the acceptances of %q", r.Plan.Unused)
	}
	for i, tenant := range r.Tenants {
		n := i + 1
		if tenant.Name != tenantName(n) || tenant.Verdict != "pass" || tenant.ExitCode != exitDone || len(tenant.Planned) != len(fleetTables) {
			t.Errorf("%s: %s, exit code %d, %d tables: %q", tenant.Name, tenant.Verdict, tenant.ExitCode, len(tenant.Planned), tenant.Reasons)
		}
		// As many as there are divided tables, and foreign keys with the plan's own.
		want := map[string]int{"complete": 21, "closed": 30, "clean": 21}
		if n == bank.Own { // nothing is divided
			want["complete"], want["clean"] = 1, 1
		}
		for name, checks := range want {
			proof := tenant.Proofs[name]
			if proof.Verdict != "pass" || len(proof.Checks) != checks {
				t.Errorf("%s: %s is %q with %d checks, want %d", tenant.Name, name, proof.Verdict, len(proof.Checks), checks)
			}
		}
		f.holdsJust(t, n, rows[n])
	}
}
