package source

import (
	"context"
	"database/sql"

	"leap/internal/row"
	"leap/internal/schema"
)

// Read streams the copied columns of a range as the snapshot sees them; see the
// function Read. It waits for a free connection of the snapshot.
func (s *Snapshot) Read(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	return s.with(ctx, func(conn *sql.Conn) error { return Read(ctx, conn, m, r, fn) })
}

// Scan streams all columns of a range in canonical text as the snapshot sees
// them; see the function Scan.
func (s *Snapshot) Scan(ctx context.Context, m *schema.Mapping, r row.Range, fn func(row.Row) error) error {
	return s.with(ctx, func(conn *sql.Conn) error { return Scan(ctx, conn, m, r, fn) })
}

// Bounds returns the first order-key column's smallest and largest value; see
// the function Bounds.
func (s *Snapshot) Bounds(ctx context.Context, m *schema.Mapping) (span row.Span, ok bool, err error) {
	err = s.with(ctx, func(conn *sql.Conn) error {
		span, ok, err = Bounds(ctx, conn, m)
		return err
	})
	return span, ok, err
}

// with lends a connection of the snapshot to fn. After an error the rest of a
// result may still be on the wire, so the connection is not used again. A
// *retry.LostError says that another connection may do better.
func (s *Snapshot) with(ctx context.Context, fn func(*sql.Conn) error) error {
	conn, err := s.Acquire(ctx)
	if err != nil {
		return asLost(err)
	}
	if err := fn(conn); err != nil {
		s.Discard(conn)
		return asLost(err)
	}
	s.Release(conn)
	return nil
}
