package loadgen

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/google/go-cmp/cmp"

	"leap/internal/fault"
	"leap/internal/judge"

	"leap/internal/bench"
	"leap/internal/endpoint"
	"leap/internal/hist"
	"leap/internal/live"
	"leap/internal/pace"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/txn"
	"leap/workloads"
	"leap/workloads/ledger"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

// memory keeps what a run measures.
type memory struct {
	mu        sync.Mutex // guards what follows
	intervals []*hist.Interval
	receipts  []workloads.Receipt
	events    []string
}

func (m *memory) Interval(_ bench.Interval, cut []*hist.Interval) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.intervals = append(m.intervals, cut...)
}

func (m *memory) Receipt(r workloads.Receipt) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.receipts = append(m.receipts, r)
}

func (m *memory) Event(kind, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, kind+": "+text)
}

func (m *memory) journal() workloads.Journal {
	return func(yield func(workloads.Receipt, error) bool) {
		for _, r := range m.receipts {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// viewer remembers what was shown.
type viewer struct {
	mu     sync.Mutex // guards what follows
	frames []live.Frame
	said   []string
}

func (v *viewer) Show(f live.Frame) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.frames = append(v.frames, f)
}

func (v *viewer) Say(line string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said = append(v.said, line)
}

// config is a run of the till at 200 operations per second.
func config(t *testing.T, server *sandbox.Server, database string, duration time.Duration) Config {
	t.Helper()
	e, err := endpoint.Parse(server.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	_, mix, err := NamedMix(till{}.About(), "")
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Command: "loadgen run", Version: "test", Target: e, Workload: till{}, Settings: workloads.Settings{Seed: 1, Run: "test"},
		MixName: "half", Mix: mix, Gate: till{}.About().Gate, Rate: pace.Constant(200),
		Bench: bench.Options{Duration: duration, Workers: 16, Every: time.Second}, Timeout: 10 * time.Second, Watch: &viewer{},
	}
}

// start loads the till and connects.
func start(t *testing.T, c Config) (*session, *memory) {
	t.Helper()
	if _, err := Init(t.Context(), InitConfig{Target: c.Target, Workload: c.Workload, Settings: c.Settings}); err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	s := &session{Config: c, keeper: m}
	if _, err := s.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	return s, m
}

func TestDrive(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		c := config(t, server, sandboxtest.NewDatabase(t, server), 2*time.Second)
		c.Bench.Warmup = 500 * time.Millisecond
		c.Txn = txn.Options{InjectRetries: 0.2}
		c.CheckEvery = 200 * time.Millisecond
		s, m := start(t, c)
		d, err := s.drive(t.Context(), m.journal)
		if err != nil {
			t.Fatal(err)
		}
		if n := s.pool.Pool().Stat().AcquiredConns(); n != 0 {
			t.Errorf("%d connections were kept after the load", n)
		}
		total := hist.NewOpStats("all")
		for _, i := range m.intervals {
			total.Merge(hist.Sum("all", i.Ops))
		}
		if got := total.Counts.Asked(); got != 400 || total.Counts.Failed() != 0 || total.Counts.Rejected == 0 {
			t.Errorf("%d of 400 were asked for: %+v", got, total.Counts)
		}
		if total.Counts.Retries == 0 {
			t.Error("no retry was counted")
		}
		var booked int64
		for _, o := range d.measured.ops {
			for f, n := range o.failures {
				if f.Retried {
					booked += n
				}
			}
		}
		if booked != total.Counts.Retries {
			t.Errorf("%d retries in the account, %d in the histograms", booked, total.Counts.Retries)
		}
		for _, i := range d.checked {
			if i.Verdict != verdictPass || i.Checked < 100 {
				t.Errorf("invariant %+v", i)
			}
		}
		if d.checked[1].Rounds == 0 {
			t.Error("nothing was checked during the run")
		}
		v := c.Watch.(*viewer) //nolint:forcetypeassert // config made it
		best := slices.MaxFunc(v.frames, func(a, b live.Frame) int { return int(a.Asked - b.Asked) })
		if len(best.Rows) != 3 && best.Elapsed > time.Second || best.Asked < 100 {
			t.Errorf("the busiest picture: %+v", best)
		}
		if last := v.frames[len(v.frames)-2]; len(last.Rows) != 3 || last.Rows[0].P50 == 0 || last.Retries == 0 {
			t.Errorf("the last picture: %+v", last)
		}
	})
}

// TestChecksDoNotLookBehindTheStart: the data of that time may not have been
// complete, and are none of the run's.
func TestChecksDoNotLookBehindTheStart(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		c := config(t, server, sandboxtest.NewDatabase(t, server), snapshotAge)
		c.CheckEvery = 200 * time.Millisecond
		s, m := start(t, c)
		for _, statement := range []string{"INSERT INTO till.payments (seq, amount) VALUES (-1, 2)", "UPDATE till.payments SET amount = 1", "DELETE FROM till.payments"} {
			if _, err := s.pool.Pool().Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			wait(t, time.Second)
		}
		d, err := s.drive(t.Context(), m.journal)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range d.checked {
			if i.Verdict != verdictPass {
				t.Errorf("invariant %+v", i)
			}
		}
	})
}

// TestChecksThatAreNotAnswered are no checks.
func TestChecksThatAreNotAnswered(t *testing.T) {
	server := sandboxtest.Target(t)
	s, _ := start(t, config(t, server, sandboxtest.NewDatabase(t, server), time.Second))
	r := &rounds{pool: s.pool, all: s.invariants(), worst: map[string]Checked{}, say: func(string) {}}
	if _, err := s.pool.Pool().Exec(t.Context(), "INSERT INTO till.payments (seq, amount) VALUES (-1, 1)"); err != nil {
		t.Fatal(err)
	}
	r.round(t.Context(), time.Now())
	if s.pool.Close(); r.count != 1 {
		t.Errorf("%d checks, want one", r.count)
	}
	if r.round(t.Context(), time.Now()); r.count != 1 {
		t.Errorf("%d checks, one of them by nobody", r.count)
	}
}

// TestForgottenPaymentsAreFound: the journal and the data are compared.
func TestForgottenPaymentsAreFound(t *testing.T) {
	server := sandboxtest.Target(t)
	c := config(t, server, sandboxtest.NewDatabase(t, server), time.Second)
	c.Workload = till{forget: true}
	s, m := start(t, c)
	d, err := s.drive(t.Context(), m.journal)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.checked[0]; got.Verdict != verdictFail || got.Violations == 0 || len(got.Examples) == 0 {
		t.Errorf("got %+v", got)
	}
}

// TestRunCanBeJudgedAgain: what the record says is what was measured.
func TestRunCanBeJudgedAgain(t *testing.T) {
	server := sandboxtest.Target(t)
	c := config(t, server, sandboxtest.NewDatabase(t, server), 2*time.Second)
	c.Dir = filepath.Join(t.TempDir(), "run")
	if _, err := Run(t.Context(), c); err == nil || fault.ClassOf(err) != fault.Usage {
		t.Errorf("without data: %v", err)
	}
	if _, err := Init(t.Context(), InitConfig{Target: c.Target, Workload: c.Workload, Settings: c.Settings}); err != nil {
		t.Fatal(err)
	}
	first, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	followsTheSchema(t, filepath.Join(c.Dir, "summary.json"))
	again, err := Gate([]string{c.Dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]judge.Verdict{"max<1us": judge.Fail, "p99.99<1m": judge.Inconclusive, "p50<1us": judge.Fail} {
		got, gateErr := Gate([]string{c.Dir}, []string{text})
		// A machine that was too busy is allowed to know nothing.
		if gateErr != nil || got.Gate[0].Verdict != want && (got.Health.Verdict == judge.Pass || got.Gate[0].Verdict != judge.Inconclusive) {
			t.Errorf("%s: %+v, %v", text, got.Gate, gateErr)
		}
	}
	if _, err = Gate([]string{c.Dir}, []string{"pya.p99<1s"}); err == nil || fault.ClassOf(err) != fault.Usage {
		t.Errorf("a misspelt operation: %v", err)
	}
	if err = os.Remove(filepath.Join(c.Dir, "end.json")); err != nil {
		t.Fatal(err)
	}
	killed, err := Gate([]string{c.Dir}, []string{"p50<1m"})
	if err != nil || killed.Verdict != judge.Inconclusive {
		t.Errorf("without an end: %v, %+v", err, killed)
	}
}

// followsTheSchema checks a summary by the schema that users are given.
func followsTheSchema(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("../../docs/reference/loadgen-report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Error(err)
	}
}

// TestTheSameRunAgain would do nothing but repetitions, and is refused; another
// stripe of it is not.
func TestTheSameRunAgain(t *testing.T) {
	server := sandboxtest.Target(t)
	c := config(t, server, sandboxtest.NewDatabase(t, server), time.Second)
	c.Workload, c.Settings.Run = ledger.Workload{}, "night"
	c.MixName, c.Mix, _ = NamedMix(c.Workload.About(), "transfers")
	c.Bench.Stripe, c.Gate = pace.Stripe{Index: 0, Of: 2}, []string{"transfer.p50<10s"}
	s, m := start(t, c)
	if _, err := s.drive(t.Context(), m.journal); err != nil {
		t.Fatal(err)
	}
	again := &session{Config: c, keeper: m}
	if _, err := again.connect(t.Context()); err == nil || fault.ClassOf(err) != fault.Usage {
		t.Errorf("the same run again: %v", err)
	}
	t.Cleanup(again.pool.Close)
	other := &session{Config: c, keeper: m}
	other.Bench.Stripe.Index = 1
	if _, err := other.connect(t.Context()); err != nil {
		t.Errorf("the other stripe: %v", err)
	}
	t.Cleanup(other.pool.Close)
}
