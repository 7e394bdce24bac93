package openbanking

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/seed"
	"leap/internal/txn"
	"leap/internal/txn/txntest"
	"leap/workloads"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

// settings are small, with another tenant to be mixed up with.
var settings = workloads.Settings{Seed: 11, Tenants: 2, Run: "test"}

// rig is a loaded database.
type rig struct {
	server   *sandbox.Server
	database string
	loaded   seed.Result
}

func load(t *testing.T, server *sandbox.Server) rig {
	t.Helper()
	r := rig{server: server, database: sandboxtest.NewDatabase(t, server)}
	pool, err := pgxpool.New(t.Context(), server.URL(r.database))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err = (Workload{}).Traffic(t.Context(), pool, settings); err == nil {
		t.Error("an empty database is taken")
	}
	if r.loaded, err = seed.Load(t.Context(), pool, Workload{}, settings, seed.Options{Workers: 4}); err != nil {
		t.Fatal(err)
	}
	return r
}

// pool connects, through a port that may be that of a cutter.
func (r rig) pool(t *testing.T, port int, o txn.Options) *txn.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(r.server.URL(r.database))
	if err != nil {
		t.Fatal(err)
	}
	if port != 0 {
		config.ConnConfig.Port = uint16(port)
	}
	config.MaxConns = 12
	pool, err := txn.Open(t.Context(), config, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// outcome is all that a drive of calls came to.
type outcome struct {
	receipts []workloads.Receipt
	stats    txn.Stats
	refused  map[string]int
	violated map[string]int
	resolved map[workloads.Outcome]int
	done     map[string]int
}

func (o *outcome) journal() workloads.Journal {
	return func(yield func(workloads.Receipt, error) bool) {
		for _, r := range o.receipts {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// drive runs calls with 8 workers, as the load generator does. next returns
// the call of a number.
func drive(t *testing.T, pool *txn.Pool, traffic workloads.Traffic, n int, next func(i uint64) workloads.Call) *outcome {
	t.Helper()
	o := &outcome{refused: map[string]int{}, violated: map[string]int{}, resolved: map[workloads.Outcome]int{}, done: map[string]int{}}
	var mu sync.Mutex // guards o
	var taken atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			session := pool.Session()
			defer session.Close()
			for i := taken.Add(1) - 1; i < int64(n); i = taken.Add(1) - 1 {
				call := next(uint64(i))
				err := traffic.Do(t.Context(), session, call)
				result, resolved := settled(t, traffic, session, call, err)
				stats := session.Take()
				mu.Lock()
				o.add(call, result, stats, err)
				if resolved {
					o.resolved[result]++
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return o
}

func (o *outcome) add(call workloads.Call, result workloads.Outcome, s txn.Stats, err error) {
	if info, _ := (Workload{}).About().Op(call.Op); info.Writes {
		o.receipts = append(o.receipts, workloads.Receipt{Seq: call.Seq, Op: call.Op, Outcome: result})
	}
	o.stats.Transactions += s.Transactions
	o.stats.Attempts += s.Attempts
	o.stats.Committed += s.Committed
	o.stats.Failures = append(o.stats.Failures, s.Failures...)
	if no, ok := errors.AsType[*workloads.Rejection](err); ok {
		o.refused[no.Code]++
	}
	if wrong, ok := errors.AsType[*workloads.Violation](err); ok {
		o.violated[wrong.Invariant]++
	}
	if result == workloads.Committed {
		o.done[call.Op]++
	}
}

// settled says what became of a call.
func settled(t *testing.T, traffic workloads.Traffic, db workloads.DB, call workloads.Call, err error) (result workloads.Outcome, resolved bool) {
	t.Helper()
	_, refused := errors.AsType[*workloads.Rejection](err)
	_, violated := errors.AsType[*workloads.Violation](err)
	switch {
	case err == nil:
		return workloads.Committed, false
	case refused:
		return workloads.Refused, false
	case violated:
		return workloads.RolledBack, false
	case !txn.Ambiguous(err):
		if txn.Describe(t.Context(), err).State != txn.StateConnection { // the cutter's work
			t.Errorf("call %d, %s: %v", call.Seq, call.Op, err)
		}
		return workloads.RolledBack, false
	}
	for range 20 {
		if result, err = traffic.Resolve(t.Context(), db, call); err == nil {
			return result, true
		}
	}
	t.Errorf("call %d, %s is not resolved: %v", call.Seq, call.Op, err)
	return workloads.Unknown, true
}

// violations checks every invariant and returns the violations by name.
func violations(t *testing.T, db workloads.Querier, journal workloads.Journal) map[string]workloads.Finding {
	t.Helper()
	bad := map[string]workloads.Finding{}
	for _, i := range (Workload{}).Invariants(settings) {
		f, err := i.Check(t.Context(), db, journal)
		if err != nil {
			t.Errorf("%s: %v", i.Name, err)
		}
		if f.Checked == 0 {
			t.Errorf("%s looked at nothing", i.Name)
		}
		if f.Violations > 0 {
			bad[i.Name] = f
		}
	}
	return bad
}

// findings checks on one view of the data.
func findings(t *testing.T, pool *txn.Pool, o *outcome) (bad map[string]workloads.Finding) {
	t.Helper()
	err := pool.Snapshot(t.Context(), 0, func(db workloads.Querier) error {
		bad = violations(t, db, o.journal())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bad
}

// calls are those of a mix from a sequence number on.
func calls(t *testing.T, mix string, from uint64) func(uint64) workloads.Call {
	t.Helper()
	about := Workload{}.About()
	if err := about.Mixes[mix].Validate(about); err != nil {
		t.Fatal(err)
	}
	all := workloads.NewCalls(settings.Seed, about.Mixes[mix])
	return func(i uint64) workloads.Call { return all.At(from + i) }
}

func trafficOf(t *testing.T, pool *txn.Pool, variant string) workloads.Traffic {
	t.Helper()
	s := settings
	s.Variant = variant
	traffic, err := (Workload{}).Traffic(t.Context(), pool.Pool(), s)
	if err != nil {
		t.Fatal(err)
	}
	return traffic
}

// TestWorkload loads once, since that takes longest, and then lets the parts
// follow each other; those that break the data come last.
func TestWorkload(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		r := load(t, server)
		pool := r.pool(t, 0, txn.Options{})
		for _, part := range []struct {
			name string
			run  func(t *testing.T, r rig, pool *txn.Pool)
		}{
			{"settings", testSettings},
			{"planted violations", testPlanted},
			{"uk-mix", testEveryOperation},
			{"contention", testContention},
			{"same key at once", testSameKey},
			{"known calls", testKnown},
			{"repetitions", testRepetitions},
			{"commits in doubt", testDoubt},
			{"late statement", testLate},
			{"variant no-tenant", testNoTenant},
			{"variant no-lock", testNoLock},
			{"variant no-idempotency", testNoIdempotency},
		} {
			t.Run(part.name, func(t *testing.T) { part.run(t, r, pool) })
		}
	})
}

func testSettings(t *testing.T, _ rig, pool *txn.Pool) {
	for _, s := range []workloads.Settings{
		{Seed: 12, Tenants: 2},
		{Seed: 11, Tenants: 3},
		{Seed: 11, Tenants: 2, Scale: 2},
		{Seed: 11, Tenants: 2, Origin: "migrated"},
		{Seed: 11, Tenants: 2, Run: "12345678901234567"},
		{Seed: 11, Tenants: 2, Run: "a-b"},
		{Seed: 11, Tenants: 2, Variant: "other"},
	} {
		if _, err := (Workload{}).Traffic(t.Context(), pool.Pool(), s); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

// testEveryOperation runs each operation of the default mix, rightly.
func testEveryOperation(t *testing.T, _ rig, pool *txn.Pool) {
	o := drive(t, pool, trafficOf(t, pool, ""), 1500, calls(t, "uk-mix", 0))
	for _, op := range (Workload{}).About().Ops {
		if o.done[op.Name] == 0 {
			t.Errorf("%s never answered", op.Name)
		}
	}
	drive(t, pool, trafficOf(t, pool, ""), 100, calls(t, "ais-batch", 1<<20))
	if len(o.violated) > 0 {
		t.Errorf("violations: %v", o.violated)
	}
	if bad := findings(t, pool, o); len(bad) > 0 {
		t.Errorf("invariants: %+v", bad)
	}
}

// testContention: the server's 40001s are all repeated and counted, by the
// sessions as by the driver, and nothing goes wrong because of them.
func testContention(t *testing.T, r rig, _ *txn.Pool) {
	protocols := []txn.Protocol{txn.Plain, txn.CockroachGo}
	if r.server.StandIn() {
		protocols = protocols[:1]
	}
	for n, protocol := range protocols {
		counter := &txn.Counter{}
		pool := r.pool(t, 0, txn.Options{Protocol: protocol, Tracer: counter})
		o := drive(t, pool, trafficOf(t, pool, ""), 800, calls(t, "contention", uint64(1+n)<<32))
		kinds := map[string]int{}
		for _, f := range o.stats.Failures {
			kinds[f.State+" "+f.Kind]++
			if !f.Retried || f.Injected {
				t.Errorf("failure %+v", f)
			}
		}
		seen := counter.Count("40001") + counter.Count("40P01")
		t.Logf("%s: %d attempts for %d transactions, %v, refused %v", protocol, o.stats.Attempts, o.stats.Transactions, kinds, o.refused)
		if counter.Count("40001") == 0 {
			t.Error("there was no serialisation failure")
		}
		if seen != o.stats.Retries() || o.stats.Attempts != o.stats.Transactions+seen {
			t.Errorf("the driver saw %d failures, the account has %d of %d attempts for %d transactions",
				seen, o.stats.Retries(), o.stats.Attempts, o.stats.Transactions)
		}
		if bad := findings(t, pool, o); len(bad) > 0 || len(o.violated) > 0 {
			t.Errorf("invariants: %+v, %v", bad, o.violated)
		}
	}
}

// testSameKey submits each request eight times at once: one pays.
func testSameKey(t *testing.T, _ rig, pool *txn.Pool) {
	submit := func(i uint64) workloads.Call {
		seq := 7<<40 + i/8
		return workloads.Call{Seq: seq, Op: "payment_submit", Dice: workloads.NewDice(settings.Seed, seq)}
	}
	o := drive(t, pool, trafficOf(t, pool, ""), 160, submit)
	if o.done["payment_submit"]+o.refused[refusedFunds] != 160 || o.done["payment_submit"] < 100 {
		t.Errorf("done %v, refused %v", o.done, o.refused)
	}
	if bad := findings(t, pool, o); len(bad) > 0 {
		t.Errorf("invariants: %+v", bad)
	}
}

// repetitions are five submissions that repeat an earlier one.
func repetitions(as repeat) (calls []workloads.Call) {
	d := newTraffic(data{s: normal(settings)})
	for seq := uint64(13 << 40); len(calls) < 5; seq++ {
		call := workloads.Call{Seq: seq, Op: "payment_submit", Dice: workloads.NewDice(settings.Seed, seq)}
		if d.request(call).repeat == as {
			calls = append(calls, call)
		}
	}
	return calls
}

// testRepetitions: the same body gets the first answer, another is refused, and
// neither pays.
func testRepetitions(t *testing.T, _ rig, pool *txn.Pool) {
	count := func() (n int) {
		if err := pool.Pool().QueryRow(t.Context(), "SELECT count(*) FROM openbanking.payments").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, all := count(), append(repetitions(repeatSame), repetitions(repeatOther)...)
	o := drive(t, pool, trafficOf(t, pool, ""), len(all), func(i uint64) workloads.Call { return all[i] })
	if o.done["payment_submit"] != 5 || o.refused[refusedKey] != 5 || count() != before {
		t.Errorf("done %v, refused %v, %d payments more", o.done, o.refused, count()-before)
	}
	if bad := findings(t, pool, o); len(bad) > 0 {
		t.Errorf("invariants: %+v", bad)
	}
}

// testDoubt cuts connections before and after commits: every outcome is found
// out, and is the right one.
func testDoubt(t *testing.T, r rig, pool *txn.Pool) {
	cutter := txntest.NewCutter(t, r.server, func(n int) txntest.Moment {
		switch n % 12 {
		case 3:
			return txntest.BeforeCommit
		case 9:
			return txntest.AfterCommit
		}
		return txntest.Never
	})
	cut := r.pool(t, cutter.Port(), txn.Options{})
	o := drive(t, cut, trafficOf(t, pool, ""), 400, calls(t, "contention", 9<<40))
	t.Logf("resolved %v, cut %d before and %d after commits", o.resolved, cutter.Cuts(txntest.BeforeCommit), cutter.Cuts(txntest.AfterCommit))
	if o.resolved[workloads.Committed] == 0 || o.resolved[workloads.RolledBack] == 0 || o.resolved[workloads.Unknown] > 0 {
		t.Errorf("resolved %v", o.resolved)
	}
	if bad := findings(t, pool, o); len(bad) > 0 {
		t.Errorf("invariants: %+v", bad)
	}
}

func testNoTenant(t *testing.T, _ rig, pool *txn.Pool) {
	only := workloads.NewCalls(settings.Seed, workloads.Mix{{Op: "balance_get", Percent: 100}})
	o := drive(t, pool, trafficOf(t, pool, NoTenant), 20, only.At)
	if o.violated[tenantIsolation] != 20 {
		t.Errorf("violations: %v", o.violated)
	}
}

func testNoLock(t *testing.T, _ rig, pool *txn.Pool) {
	only := workloads.NewCalls(settings.Seed, workloads.Mix{{Op: "payment_submit", Percent: 100}})
	o := drive(t, pool, trafficOf(t, pool, NoLock), 150, func(i uint64) workloads.Call { return only.At(11<<40 + i) })
	if bad := findings(t, pool, o); bad[balancesAddUp].Violations == 0 || bad[onePaymentPerKey].Violations > 0 {
		t.Errorf("found %+v", bad)
	}
}

func testNoIdempotency(t *testing.T, _ rig, pool *txn.Pool) {
	repeated := repetitions(repeatSame)
	o := drive(t, pool, trafficOf(t, pool, NoIdempotency), len(repeated), func(i uint64) workloads.Call { return repeated[i] })
	bad := findings(t, pool, o)
	if bad[onePaymentPerKey].Violations == 0 || bad[receiptsTrue].Violations == 0 {
		t.Errorf("found %+v", bad)
	}
}

// TestRequests: half of the credits go to the merchants, and repetitions are as
// frequent as they should be.
func TestRequests(t *testing.T) {
	const n = 400_000
	d := newTraffic(data{s: normal(settings)})
	same, other, big := 0, 0, 0
	for seq := range uint64(n) {
		r := d.request(workloads.Call{Seq: seq, Op: "payment_submit", Dice: workloads.NewDice(settings.Seed, seq)})
		switch r.repeat {
		case repeatSame:
			same++
		case repeatOther:
			other++
		case repeatNot:
			if r.payee%idStep < merchants {
				big++
			}
		}
		if r.payer == r.payee || len(r.key) > 40 || r.payer/idStep != int64(r.tenant) || r.payee/idStep != int64(r.tenant) {
			t.Fatalf("request %+v", r)
		}
	}
	if same < n*45/10_000 || same > n*55/10_000 || other < n*35/100_000 || other > n*65/100_000 {
		t.Errorf("%d repetitions, %d of them with another body", same, other)
	}
	if share := float64(big) / n; share < 0.48 || share > 0.58 {
		t.Errorf("%v of the credits go to merchants", share)
	}
}
