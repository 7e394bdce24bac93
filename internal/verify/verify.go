// Package verify proves that the rows of a table arrived: it digests source
// and target range by range, drills down from a range that differs to the key
// and the column, and never calls a table equal that it did not compare whole.
// What "equal" means is row's; how values are read is each end's, by code that
// the copier does not use.
package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"leap/internal/event"
	"leap/internal/row"
	"leap/internal/schema"
)

// Source reads rows of the source in canonical text, ordered ranges in key order.
type Source interface {
	Scan(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error
}

// Target reads rows of the target in canonical text, in any order.
type Target interface {
	Scan(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error
	// Drift lists how the target table differs from the mapping: missing
	// tables and columns, other types. Comparable is false when there is no
	// table or column to compare with.
	Drift(ctx context.Context, m *schema.Mapping) (drift []string, comparable bool, err error)
}

// Config bounds the work. Zero fields take the default.
type Config struct {
	// Workers is how many tables are compared at once. Default 2.
	Workers int
	// RangeRows is the number of source rows per digest. Default 50,000: a
	// drill-down holds the keys of one range in memory, some 10 MB.
	RangeRows int
	// MaxFindings is how many findings are listed per table; all are counted. Default 100.
	MaxFindings int
	// Tier says who computes the digests. Default Auto.
	Tier Tier
	// ShowValues lists both values of a column that differs. Without it no
	// value but the keys leaves this package.
	ShowValues bool
	// Settle is for data that change while they are compared; see Settle.
	Settle Settle
	// Repair, if set, makes the target equal where it differs.
	Repair Repairer
	// Progress, if set, keeps what was compared, for a later run to continue.
	Progress Progress
	Events   event.Sink
}

func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = 2
	}
	if c.RangeRows <= 0 {
		c.RangeRows = 50_000
	}
	if c.MaxFindings <= 0 {
		c.MaxFindings = 100
	}
	if c.Tier == "" {
		c.Tier = Auto
	}
	if c.Events == nil {
		c.Events = event.Discard
	}
	return c
}

// Method says how a table's rows were matched.
type Method string

// The methods.
const (
	// Ranges compares ranges of a key that both servers sort alike.
	Ranges Method = "ranges"
	// Buckets groups rows by a hash of their key, where the servers sort differently.
	Buckets Method = "buckets"
	// Multiset groups rows by a hash of the whole row, where there is no key:
	// it proves that both sides hold the same rows as often, nothing about which is which.
	Multiset Method = "multiset"
)

const phase = "verify"

// Run compares the tables and returns one result each, in order. Differences
// are results, not errors, and so is a table that could not be read: Unchecked
// says why, and the others are compared all the same. An error means that the
// comparison was interrupted.
func Run(ctx context.Context, src Source, dst Target, tables []*schema.Mapping, cfg Config) ([]TableResult, error) {
	cfg = cfg.withDefaults()
	work := make([]*table, len(tables))
	for i, m := range tables {
		work[i] = &table{src: src, dst: dst, mapping: m, cfg: cfg}
		cfg.Events.Emit(event.Event{Kind: event.TablePlanned, Phase: phase, Table: m.SourceName, TotalRows: estimate(m)})
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(cfg.Workers)
	for _, t := range work {
		group.Go(func() error { return t.run(groupCtx) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if cfg.Repair != nil {
		if err := repairAll(ctx, work); err != nil {
			return nil, err
		}
	}
	results := make([]TableResult, len(work))
	for i, t := range work {
		results[i] = t.result
	}
	return results, nil
}

func estimate(m *schema.Mapping) int64 {
	if m.Source == nil {
		return 0
	}
	return m.Source.EstimatedRows
}

// table is the comparison of one table. Its methods compare parts: a part that
// is equal is added to agreed, one that is not becomes a suspect, which examine
// looks into.
type table struct {
	src     Source
	dst     Target
	mapping *schema.Mapping
	cfg     Config
	result  TableResult

	mu       sync.Mutex // guards what follows while parts are compared
	agreed   row.Digest
	suspects []suspect
	mark     watermark
}

// suspect is a part of the table of which the digests differ.
type suspect struct {
	number int // the order in which differences are reported
	pick   pick
	rows   int64 // of the source
	// What the last look found.
	looked  bool
	differs bool
	// differed says that some look found a difference.
	differed bool
	pairs    map[row.Hash]*pair
}

// agree adds a part that is equal on both sides.
func (t *table) agree(d row.Digest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.agreed.Merge(d)
}

func (t *table) doubt(s suspect) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.suspects = append(t.suspects, s)
}

// run compares the table. What goes wrong is the table's result, unless the
// whole comparison is being stopped.
func (t *table) run(ctx context.Context) error {
	started := time.Now()
	name := t.mapping.SourceName
	t.result = TableResult{Table: name, Method: method(t.mapping)}
	t.cfg.Events.Emit(event.Event{Kind: event.TableStarted, Phase: phase, Table: name})
	err := t.compare(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("verify %s: %w", name, context.Cause(ctx))
	}
	if err != nil {
		t.result.Unchecked, t.result.Compared = err.Error(), false
	}
	t.result.Elapsed = time.Since(started)
	t.tell()
	return nil
}

func (t *table) compare(ctx context.Context) error {
	drift, comparable, err := t.dst.Drift(ctx, t.mapping)
	if err != nil {
		return err
	}
	t.result.Drift = drift
	if !comparable {
		return nil
	}
	left, whole := t.resume()
	if !whole {
		if err := t.digestAll(ctx, left); err != nil {
			return err
		}
	}
	if err := t.examine(ctx); err != nil {
		return err
	}
	if err := t.settle(ctx); err != nil {
		return err
	}
	t.keepWhole()
	return nil
}

// digestAll compares the digests of a range, in the tier that plan chooses. A
// row that a server cannot hash sends all of it to the other tier.
func (t *table) digestAll(ctx context.Context, all row.Range) error {
	defer func() {
		slices.SortFunc(t.suspects, func(a, b suspect) int { return cmp.Compare(a.number, b.number) })
	}()
	p, err := t.plan(ctx)
	if err != nil {
		return err
	}
	t.result.Tier, t.result.Why = p.tier, p.why
	if p.tier == Pushdown {
		begun, mark := t.agreed, t.mark
		err := t.compareOnServers(ctx, p, all)
		if !errors.Is(err, row.ErrNullHash) {
			return err
		}
		t.agreed, t.suspects, t.mark = begun, nil, mark
		t.result.Tier, t.result.Why = Stream, err.Error()
	}
	if t.result.Method == Ranges {
		return t.compareRanges(ctx, all)
	}
	return t.compareBuckets(ctx)
}

// tell ends the table's events.
func (t *table) tell() {
	r := &t.result
	e := event.Event{Kind: event.TableFinished, Phase: phase, Table: r.Table, Rows: r.Source.Rows, Elapsed: r.Elapsed}
	if !r.Equal() {
		e.Kind = event.TableFailed
		e.Message = r.Table + ": " + r.problem()
	}
	t.cfg.Events.Emit(e)
}

// method chooses how rows are matched. Ranges need a key that both servers
// sort alike; text does not (collations), nor do uuid (MariaDB swaps bytes),
// enum and set (by position or by label), floats, or dates that a policy moves.
// And the source must be able to go on in the middle of it; see source.OrderKey.
func method(m *schema.Mapping) Method {
	if len(m.Key) == 0 {
		return Multiset
	}
	if m.Listed() < len(m.Key) {
		return Buckets
	}
	for _, c := range m.KeyColumns() {
		if c.Computed || c.Policy.ZeroDate != schema.Refuse {
			return Buckets
		}
		switch c.Kind {
		case schema.Int, schema.Decimal, schema.Date, schema.DateTime, schema.Timestamp:
			if c.From.Base == "year" {
				return Buckets
			}
		case schema.Bytes:
			if c.From.Base != "binary" && c.From.Base != "varbinary" {
				return Buckets
			}
		case schema.Bool, schema.Float32, schema.Float64, schema.Bits, schema.Text, schema.Time,
			schema.Interval, schema.Enum, schema.Set, schema.JSON, schema.UUID, schema.INet:
			return Buckets
		}
	}
	return Ranges
}
