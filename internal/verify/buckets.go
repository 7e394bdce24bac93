package verify

import (
	"context"
	"encoding/binary"

	"golang.org/x/sync/errgroup"

	"leap/internal/event"
	"leap/internal/row"
	"leap/internal/schema"
)

// bucketCount keeps a bucket of a table of 100 million rows at some 25,000
// rows, which a drill-down holds in memory; the digests take 160 kB.
const bucketCount = 4096

// identity says which row of the other side a row is compared with: the hash
// of its key, or of the whole row where there is no key.
type identity struct {
	hasher    *row.Hasher
	positions []int // of the key's cells; nil for the whole row
	key       row.Row
}

func newIdentity(m *schema.Mapping, from side) *identity {
	if len(m.Key) == 0 {
		return &identity{hasher: from.hasher(m.Columns)}
	}
	return &identity{hasher: from.hasher(m.KeyColumns()), positions: m.Key, key: make(row.Row, len(m.Key))}
}

func (id *identity) hash(cells row.Row, out *row.Hash) error {
	if id.positions == nil {
		return id.hasher.Hash(cells, out)
	}
	for i, p := range id.positions {
		id.key[i] = cells[p]
	}
	return id.hasher.Hash(id.key, out)
}

func bucketOf(h *row.Hash) int { return int(binary.BigEndian.Uint16(h[:]) % bucketCount) }

// compareBuckets reads both sides whole, each in its own order, and compares
// one digest per bucket.
func (t *table) compareBuckets(ctx context.Context) error {
	var source, target [bucketCount]row.Digest
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.fill(groupCtx, t.source(), &source, t.cfg.Events) })
	group.Go(func() error { return t.fill(groupCtx, t.target(), &target, event.Discard) })
	if err := group.Wait(); err != nil {
		return err
	}
	s := suspect{pick: pick{buckets: map[int]bool{}}}
	flush := func() {
		if len(s.pick.buckets) > 0 {
			t.doubt(s)
		}
		s = suspect{number: s.number + 1, pick: pick{buckets: map[int]bool{}}}
	}
	for i := range bucketCount {
		if source[i] == target[i] {
			t.agree(source[i])
			continue
		}
		s.pick.buckets[i] = true
		if s.rows += source[i].Rows; s.rows >= maxDrillRows {
			flush()
		}
	}
	flush()
	return nil
}

// maxDrillRows bounds the source's rows that one drill-down holds: about 200 bytes each.
const maxDrillRows = 200_000

// side is one of the two ends: how its rows are read and hashed.
type side struct {
	scan   func(ctx context.Context, m *schema.Mapping, p row.Part, fn func(row.Row) error) error
	hasher func(columns []schema.ColumnMapping) *row.Hasher
}

func (t *table) source() side { return side{scanner(t.src, t.src.Scan), row.NewHasher} }

// target hashes whatever it holds: what nobody could have copied there is a
// difference like any other, not the end of the comparison.
func (t *table) target() side { return side{scanner(t.dst, t.dst.Scan), row.NewForeignHasher} }

// scanner reads parts, where the end can, or else ranges.
func scanner(end any, scan func(context.Context, *schema.Mapping, row.Range, func(row.Row) error) error,
) func(context.Context, *schema.Mapping, row.Part, func(row.Row) error) error {
	if s, ok := end.(Summer); ok {
		return s.ScanPart
	}
	return func(ctx context.Context, m *schema.Mapping, p row.Part, fn func(row.Row) error) error {
		return scan(ctx, m, p.Range, fn)
	}
}

// digest reads and hashes the rows of a part.
func (s side) digest(ctx context.Context, m *schema.Mapping, p row.Part) (row.Digest, error) {
	hasher := s.hasher(m.Columns)
	var d row.Digest
	var hash row.Hash
	err := s.scan(ctx, m, p, func(cells row.Row) error {
		if err := hasher.Hash(cells, &hash); err != nil {
			return err
		}
		d.Add(&hash)
		return nil
	})
	return d, err
}

// reportEvery is how many rows pass between progress events.
const reportEvery = 10_000

func (t *table) fill(ctx context.Context, from side, buckets *[bucketCount]row.Digest, events event.Sink) error {
	rows := from.hasher(t.mapping.Columns)
	id := newIdentity(t.mapping, from)
	var whole, key row.Hash
	pending := int64(0)
	tell := func() {
		events.Emit(event.Event{Kind: event.RowsMoved, Phase: phase, Table: t.mapping.SourceName, Rows: pending})
		pending = 0
	}
	err := from.scan(ctx, t.mapping, row.Part{}, func(cells row.Row) error {
		if err := rows.Hash(cells, &whole); err != nil {
			return err
		}
		if err := id.hash(cells, &key); err != nil {
			return err
		}
		buckets[bucketOf(&key)].Add(&whole)
		if pending++; pending == reportEvery {
			tell()
		}
		return nil
	})
	tell()
	return err
}
