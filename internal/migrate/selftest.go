package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"leap/internal/convert"
	"leap/internal/damage"
	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/report"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/target"
	"leap/internal/verify"
)

// SelfTestOptions bound the self-test. Zero fields take the default.
type SelfTestOptions struct {
	// Rows is how many rows of a table are sampled, about. Default 1,000.
	Rows int
	// Tables is how many tables are sampled; those that add kinds of columns
	// come first. Default 12.
	Tables int
	// GroupRows is the number of rows per damage and per range of the
	// verification, so that each has to be found by itself. Default 4.
	GroupRows int
	Seed      uint64
}

func (o SelfTestOptions) withDefaults() SelfTestOptions {
	if o.Rows <= 0 {
		o.Rows = 1000
	}
	if o.Tables <= 0 {
		o.Tables = 12
	}
	if o.GroupRows <= 0 {
		o.GroupRows = 4
	}
	return o
}

// SelfTest proves that the verification works on the data at hand: it copies a
// sample of the tables into a scratch database of the target, verifies that no
// difference is seen, spoils the copy in every way that damage knows, and
// verifies again. The tables themselves are only read. The scratch database is
// removed whatever happens; where none can be made, the test is refused.
func SelfTest(ctx context.Context, cfg Config, o SelfTestOptions) (*report.SelfTest, error) {
	cfg, err := cfg.withDefaults().fit()
	t := &selfTest{options: o.withDefaults(), session: newSession(cfg, []Phase{Verify})}
	t.report = report.SelfTest{
		Version: cfg.Version, Command: cfg.Command, Started: time.Now().UTC(), Seed: t.options.Seed,
		Source: report.Source{URL: cfg.Source.String(), Database: cfg.Source.Database},
	}
	if err == nil {
		err = t.run(ctx)
	}
	t.close()
	t.report.Finished = time.Now().UTC()
	t.report.Error = report.FailureOf(err)
	t.report.Settle()
	return &t.report, err
}

// selfTest is one self-test. Its session reads the user's databases; the
// scratch session works on the copy.
type selfTest struct {
	*session
	options SelfTestOptions
	scratch *session
	taken   *taken
	bent    map[string]damage.Bent // by source name
	report  report.SelfTest
}

func (t *selfTest) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{t.open, t.plan, t.takeSnapshot} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := t.refuseBlockers(); err != nil {
		return err
	}
	t.describe()
	for _, kind := range damage.Kinds() {
		t.report.Absent(string(kind), "no table could take it") // in this order
	}
	if err := t.chooseTables(ctx); err != nil {
		return err
	}
	if len(t.sample) == 0 {
		return fault.New(fault.Inconclusive, "fill the source, or add keys to its tables", "no table can be sampled")
	}
	return t.inScratch(ctx, func() error {
		for _, step := range []func(context.Context) error{t.copySample, t.expectEqual, t.spoil, t.expectFound} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *selfTest) describe() {
	t.report.Source.Product, t.report.Source.Version = t.source.Info().Product, t.source.Info().Version
	info := t.target.Info()
	t.report.Target = report.Target{
		URL: t.cfg.Target.String(), Database: t.cfg.Target.Database,
		Product: info.Product, Version: info.Version, StandIn: t.target.StandIn(),
	}
}

// chooseTables decides what is sampled: tables that add a kind of column or of
// key first, then the others in the order of the plan.
func (t *selfTest) chooseTables(ctx context.Context) error {
	t.sample = map[string]row.Range{}
	seen := map[string]bool{}
	waiting := t.mappings()
	for len(waiting) > 0 && len(t.sample) < t.options.Tables {
		best := 0
		for i := range waiting {
			if news(waiting[i], seen) > news(waiting[best], seen) {
				best = i
			}
		}
		m := waiting[best]
		waiting = slices.Delete(waiting, best, best+1)
		snapshot, err := t.view(ctx)
		if err != nil {
			return err
		}
		sample, ok, err := snapshot.Sample(ctx, m, t.options.Rows)
		if err != nil {
			return err
		}
		if !ok {
			t.report.Skip(m.Name, "it has no key to take a part of it by, and too many rows to take them all")
			continue
		}
		t.sample[m.SourceName] = sample
		for _, trait := range traits(m) {
			seen[trait] = true
		}
	}
	for _, m := range waiting {
		t.report.Skip(m.Name, fmt.Sprintf("%d tables are enough, and it adds no kind of column", t.options.Tables))
	}
	return nil
}

// traits are what a table can add to a sample.
func traits(m *schema.Mapping) []string {
	var out []string
	for _, c := range m.Columns {
		out = append(out, string(c.Kind))
		if !c.NotNull {
			out = append(out, string(c.Kind)+" nullable")
		}
	}
	key := []string{"key"}
	for _, c := range m.KeyColumns() {
		key = append(key, string(c.Kind))
	}
	return append(out, strings.Join(key, " "))
}

func news(m *schema.Mapping, seen map[string]bool) int {
	n := 0
	for _, trait := range traits(m) {
		if !seen[trait] {
			n++
		}
	}
	return n
}

// inScratch runs fn with a session on a scratch database, and removes the
// database however fn ended.
func (t *selfTest) inScratch(ctx context.Context, fn func() error) (err error) {
	if err = t.tellLeftovers(ctx); err != nil {
		return err
	}
	name, err := t.target.CreateScratch(ctx, scratchPurpose)
	if err != nil {
		return err
	}
	t.step("scratch database %s", name)
	defer func() {
		const moment = 30 * time.Second
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
		defer cancel()
		if t.scratch != nil && t.scratch.target != nil {
			t.scratch.target.Close()
		}
		err = errors.Join(err, t.target.DropScratch(last, name))
	}()
	if err := t.openScratch(ctx, name); err != nil {
		return err
	}
	return fn()
}

// scratchPurpose is in the name of the self-test's databases.
const scratchPurpose = "selftest"

// tellLeftovers says which databases a self-test that was killed may have left.
// They are not dropped: another self-test may be running in them.
func (t *selfTest) tellLeftovers(ctx context.Context) error {
	left, err := t.target.Scratches(ctx, scratchPurpose)
	for _, name := range left {
		t.step("%s is of another self-test; when none is running, it was killed: DROP DATABASE %s", name, target.Quote(name))
	}
	return err
}

// openScratch makes the session that works on the copy: the same source, the
// same view of it, the same plan, and another database.
func (t *selfTest) openScratch(ctx context.Context, name string) error {
	place := *t.cfg.Target
	place.Database = name
	cfg := t.cfg
	t.taken = newTaken()
	cfg.Target, cfg.Events, cfg.wrap = &place, event.Discard, t.taken.wrap
	cfg.Verify = VerifyOptions{
		Tier: t.cfg.Verify.Tier, RangeRows: t.options.GroupRows, MaxFindings: allFindings, Settle: never,
	}
	s := newSession(cfg, []Phase{Schema, Copy, Verify})
	s.source, s.keeper, s.marked, s.pace = t.source, t.keeper, t.marked, t.pace
	s.database, s.facts, s.sample = t.database, t.facts, t.sample
	s.planned = sampledPlan(t.planned, t.sample)
	t.scratch = s
	var err error
	if s.target, err = openTarget(ctx, cfg); err != nil {
		return err
	}
	if have := s.target.Info().Database; have != name {
		return fmt.Errorf("connected to the database %s instead of the scratch database %s", have, name)
	}
	return nil
}

// allFindings is more findings than a sample has rows.
const allFindings = 1 << 30

// sampledPlan is the part of the plan that the sample needs. Indexes, foreign
// keys and the rest that follows the rows would only refuse some of the damage.
func sampledPlan(p *convert.Plan, sample map[string]row.Range) *convert.Plan {
	out := &convert.Plan{Database: p.Database}
	names := map[string]bool{"": true} // statements of no table
	for _, t := range p.Tables {
		if _, ok := sample[t.Mapping.SourceName]; ok {
			out.Tables = append(out.Tables, t)
			names[t.Mapping.Name] = true
		}
	}
	for _, s := range p.Before {
		if names[s.Table] {
			out.Before = append(out.Before, s)
		}
	}
	return out
}

// copySample copies the sample with the copier itself and takes its rows along.
func (t *selfTest) copySample(ctx context.Context) error {
	workers := t.scratch.cfg.Workers
	t.scratch.cfg.Workers = 1 // so that rows are taken in the order of their key
	if err := t.scratch.applySchema(ctx); err != nil {
		return err
	}
	if err := t.scratch.copy(ctx); err != nil {
		return err
	}
	t.scratch.cfg.Workers, t.scratch.cfg.wrap = workers, nil
	return nil
}

// expectEqual verifies the untouched copy: an alarm on equal data is a failure too.
func (t *selfTest) expectEqual(ctx context.Context) error {
	if err := t.scratch.compareRows(ctx, t.scratch.mappings()); err != nil {
		return err
	}
	for i := range t.scratch.verified {
		if v := &t.scratch.verified[i]; !v.Equal() {
			t.report.Alarm(fmt.Sprintf("%s: the untouched copy is called different (%d rows, drift %q)", v.Table, v.Total, v.Drift))
		}
	}
	return nil
}

// spoil writes the damaged rows in place of the copied ones.
func (t *selfTest) spoil(ctx context.Context) error {
	t.bent = map[string]damage.Bent{}
	for _, m := range t.scratch.mappings() {
		rows := t.taken.rows(m.SourceName)
		bent := damage.Bend(damage.Table{Mapping: m, Rows: rows}, damage.Options{
			Seed: t.options.Seed, GroupRows: t.options.GroupRows,
		})
		t.bent[m.SourceName] = bent
		if err := t.write(ctx, m, bent.Rows); err != nil {
			return fmt.Errorf("spoil %s: %w", m.Name, err)
		}
	}
	return nil
}

// expectFound verifies the spoiled copy and notes what was found.
func (t *selfTest) expectFound(ctx context.Context) error {
	if err := t.scratch.compareRows(ctx, t.scratch.mappings()); err != nil {
		return err
	}
	results := map[string]*verify.TableResult{}
	for i := range t.scratch.verified {
		results[t.scratch.verified[i].Table] = &t.scratch.verified[i]
	}
	for _, m := range t.scratch.mappings() {
		if err := t.judge(m, t.bent[m.SourceName], results[m.SourceName]); err != nil {
			return err
		}
	}
	return nil
}
