// Package verify proves that the rows of a table arrived: it digests source
// and target range by range, drills down from a range that differs to the key
// and the column, and never calls a table equal that it did not compare whole.
// What "equal" means is row's; how values are read is each end's, by code that
// the copier does not use.
package verify

import (
	"context"
	"fmt"
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
	Events      event.Sink
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

// FindingKind says how a row differs.
type FindingKind string

// The kinds of findings.
const (
	Missing FindingKind = "missing" // on the source, not on the target
	Extra   FindingKind = "extra"   // on the target, not on the source
	Changed FindingKind = "changed" // on both, with different values
)

// Finding is one row that differs.
type Finding struct {
	Kind FindingKind
	// Key holds the key columns' values; for a table without a key the hash of the row.
	Key row.Key
	// Columns are the names of the differing columns of a changed row.
	Columns []string
	// Count is how many such rows there are; above 1 only without a key.
	Count int64
}

// TableResult is the outcome for one table.
type TableResult struct {
	Table  string // the source's name
	Method Method
	// Drift lists differences between the target table and the plan.
	Drift []string
	// Compared is false when the rows could not be compared at all.
	Compared bool
	// Source and Target digest all rows of each side.
	Source, Target row.Digest
	// Findings are the first MaxFindings; Total counts all.
	Findings []Finding
	Total    int64
	Elapsed  time.Duration
}

// Equal reports whether the table arrived: compared whole, without drift or difference.
func (r *TableResult) Equal() bool {
	return r.Compared && len(r.Drift) == 0 && r.Total == 0 && r.Source == r.Target
}

const phase = "verify"

// Run compares the tables and returns one result each, in order. Differences
// are results, not errors; an error means that something could not be read,
// and then nothing is said about any table.
func Run(ctx context.Context, src Source, dst Target, tables []*schema.Mapping, cfg Config) ([]TableResult, error) {
	cfg = cfg.withDefaults()
	results := make([]TableResult, len(tables))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cfg.Workers)
	for _, m := range tables {
		cfg.Events.Emit(event.Event{Kind: event.TablePlanned, Phase: phase, Table: m.SourceName, TotalRows: estimate(m)})
	}
	for i, m := range tables {
		group.Go(func() error {
			t := &table{src: src, dst: dst, mapping: m, cfg: cfg}
			if err := t.compare(ctx); err != nil {
				return fmt.Errorf("verify %s: %w", m.SourceName, err)
			}
			results[i] = t.result
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return results, nil
}

func estimate(m *schema.Mapping) int64 {
	if m.Source == nil {
		return 0
	}
	return m.Source.EstimatedRows
}

// table is the comparison of one table.
type table struct {
	src     Source
	dst     Target
	mapping *schema.Mapping
	cfg     Config
	result  TableResult
}

func (t *table) compare(ctx context.Context) error {
	started := time.Now()
	name := t.mapping.SourceName
	t.result.Table = name
	t.result.Method = method(t.mapping)
	t.cfg.Events.Emit(event.Event{Kind: event.TableStarted, Phase: phase, Table: name})
	drift, comparable, err := t.dst.Drift(ctx, t.mapping)
	if err != nil {
		return err
	}
	t.result.Drift = drift
	if comparable {
		if t.result.Method == Ranges {
			err = t.compareRanges(ctx)
		} else {
			err = t.compareBuckets(ctx)
		}
		if err != nil {
			return err
		}
		t.result.Compared = true
	}
	t.result.Elapsed = time.Since(started)
	return t.tell()
}

// tell ends the table's events. Digests that differ without a finding would
// mean that the drill-down lost something; that must not pass for equality.
func (t *table) tell() error {
	r := &t.result
	if r.Compared && r.Source != r.Target && r.Total == 0 {
		return fmt.Errorf("digests differ (%s, %s) but no row does: the data changed while it was compared", r.Source, r.Target)
	}
	e := event.Event{Kind: event.TableFinished, Phase: phase, Table: r.Table, Rows: r.Source.Rows, Elapsed: r.Elapsed}
	if !r.Equal() {
		e.Kind = event.TableFailed
		e.Message = fmt.Sprintf("%s: %d rows differ", r.Table, r.Total)
		if len(r.Drift) > 0 {
			e.Message = r.Table + ": " + r.Drift[0]
		}
	}
	t.cfg.Events.Emit(e)
	return nil
}

// method chooses how rows are matched. Ranges need a key that both servers
// sort alike; text does not (collations), nor do uuid (MariaDB swaps bytes),
// enum and set (by position or by label), or floats.
func method(m *schema.Mapping) Method {
	if len(m.Key) == 0 {
		return Multiset
	}
	for _, c := range m.KeyColumns() {
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
