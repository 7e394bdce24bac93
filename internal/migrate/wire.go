package migrate

import (
	"context"

	"leap/internal/checkpoint"
	"leap/internal/copy"
	"leap/internal/row"
	"leap/internal/schema"
	"leap/internal/source"
	"leap/internal/target"
)

// The features declare the methods that they need in terms of their own and
// core's types; the ends know nothing of the features. These adapters carry
// calls from one to the other and do nothing else.

// reader is a snapshot as copy.Source and verify.Source.
type reader struct{ *source.Snapshot }

func (reader) OrderKey(m *schema.Mapping) []schema.ColumnMapping { return source.OrderKey(m) }

// writer is a target as copy.Target and verify.Target.
type writer struct{ *target.DB }

func (w writer) Encoder(m *schema.Mapping) copy.Encoder {
	return target.NewEncoder(m, w.Capabilities())
}

func (w writer) WriteChunk(ctx context.Context, m *schema.Mapping, data []byte, record func(checkpoint.Store) error) error {
	return w.DB.WriteChunk(ctx, m, data, transaction(record))
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
