package migrate

import (
	"context"
	"fmt"

	"leap/internal/checkpoint"
	"leap/internal/copy"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/source"
	"leap/internal/target"
	"leap/internal/verify"
)

// The features declare the methods that they need in terms of their own and
// core's types; the ends know nothing of the features. These adapters carry
// calls from one to the other and do nothing else.

// reader is a snapshot as verify.Source and as most of copy.View.
type reader struct {
	*source.Snapshot
	// sample, if set, is all that there is of each table, by source name.
	sample map[string]row.Range
}

// Divide leaves a sample whole: it is too small to be divided.
func (r reader) Divide(ctx context.Context, m *schema.Mapping, parts int) ([]row.Key, error) {
	if _, ok := r.sample[m.SourceName]; ok {
		return nil, nil
	}
	return r.Snapshot.Divide(ctx, m, parts)
}

// within narrows a range to the sample. Ranges are cut inside it, so only open
// bounds reach beyond.
func (r reader) within(m *schema.Mapping, of row.Range) row.Range {
	sample, ok := r.sample[m.SourceName]
	if ok && of.After == nil {
		of.After = sample.After
	}
	if ok && of.UpTo == nil {
		of.UpTo = sample.UpTo
	}
	return of
}

func (r reader) Read(ctx context.Context, m *schema.Mapping, of row.Range, fn func(row.Row) error) error {
	return r.Snapshot.Read(ctx, m, r.within(m, of), fn)
}

func (r reader) Scan(ctx context.Context, m *schema.Mapping, of row.Range, fn func(row.Row) error) error {
	return r.Snapshot.Scan(ctx, m, r.within(m, of), expecting(m, fn))
}

func (r reader) ScanPart(ctx context.Context, m *schema.Mapping, p row.Part, fn func(row.Row) error) error {
	p.Range = r.within(m, p.Range)
	return r.Snapshot.ScanPart(ctx, m, p, expecting(m, fn))
}

// expecting hands on what should arrive of the rows that the verifier reads,
// where the plan masks columns.
func expecting(m *schema.Mapping, fn func(row.Row) error) func(row.Row) error {
	expect := verify.Expect(m.Columns)
	if expect == nil {
		return fn
	}
	return func(r row.Row) error {
		out, err := expect.Row(r)
		if err != nil {
			return err
		}
		return fn(out)
	}
}

func (r reader) Sums(ctx context.Context, m *schema.Mapping, p row.Part) (map[string]row.Digest, error) {
	p.Range = r.within(m, p.Range)
	return r.Snapshot.Sums(ctx, m, p)
}

func (r reader) Cut(ctx context.Context, m *schema.Mapping, of row.Range, n int) (row.Key, error) {
	return r.Snapshot.Cut(ctx, m, r.within(m, of), n)
}

// views is the kept snapshot as copy.Source.
type views struct{ *session }

func (views) OrderKey(m *schema.Mapping) []schema.ColumnMapping { return source.OrderKey(m) }

func (v views) View(ctx context.Context) (copy.View, error) {
	snapshot, err := v.view(ctx)
	if err != nil {
		return nil, err
	}
	return view{v.reader(snapshot)}, nil
}

// view is a snapshot as copy.View.
type view struct{ pacedReader }

func (v view) Position() string { return positionText(v.Snapshot.Position()) }

// writer is a target as copy.Target and verify.Target.
type writer struct {
	*target.DB
	wrap wrapEncoder
	// upsert puts rows by key.
	upsert bool
}

// wrapEncoder puts something between the copier and its encoder: the self-test
// takes the rows along, tests plant mistakes.
type wrapEncoder func(m *schema.Mapping, inner copy.Encoder) copy.Encoder

func (s *session) writer() writer { return writer{s.target, s.cfg.wrap, s.cfg.Ingest == IngestUpsert} }

func (w writer) Encoder(m *schema.Mapping) copy.Encoder {
	encoder := target.NewEncoder(m, w.Capabilities())
	if w.upsert {
		encoder = target.NewUpsertEncoder(m)
	}
	if w.wrap == nil {
		return encoder
	}
	return w.wrap(m, encoder)
}

func (w writer) WriteChunk(ctx context.Context, m *schema.Mapping, data []byte, record func(checkpoint.Store) error) error {
	if w.upsert {
		return w.UpsertChunk(ctx, m, data, transaction(record))
	}
	return w.DB.WriteChunk(ctx, m, data, transaction(record))
}

func (w writer) Clear(ctx context.Context, m *schema.Mapping, record copy.Clearing) error {
	if w.upsert {
		return fmt.Errorf("empty %s: it may hold rows that are not the source's", m.Name)
	}
	return w.DB.Clear(ctx, m, transaction(record.Before), transaction(record.After))
}

func (w writer) Try(ctx context.Context, m *schema.Mapping, data []byte) error {
	if w.upsert {
		return w.TryUpsert(ctx, m, data)
	}
	return w.DB.Try(ctx, m, data)
}

func (w writer) Transaction(ctx context.Context, fn func(checkpoint.Store) error) error {
	return w.DB.Transaction(ctx, transaction(fn))
}

func (w writer) Scan(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	return w.DB.Scan(ctx, m, r, fn)
}

// transaction hands the target's transaction to code that knows a checkpoint.Store.
func transaction(fn func(checkpoint.Store) error) func(*target.Tx) error {
	return func(tx *target.Tx) error { return fn(tx) }
}
