package source

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"

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

// ScanPart is Scan for a part.
func (s *Snapshot) ScanPart(ctx context.Context, m *schema.Mapping, p row.Part, fn func(row.Row) error) error {
	return s.with(ctx, func(conn *sql.Conn) error { return ScanPart(ctx, conn, m, p, fn) })
}

// Sums lets the server digest the rows of a part; see the function Sums.
func (s *Snapshot) Sums(ctx context.Context, m *schema.Mapping, p row.Part) (out map[string]row.Digest, err error) {
	err = s.ask(ctx, func(conn *sql.Conn) error {
		out, err = Sums(ctx, conn, m, p)
		return err
	})
	return out, err
}

// Cut returns the key of the n-th row of a range; see the function Cut.
func (s *Snapshot) Cut(ctx context.Context, m *schema.Mapping, r row.Range, n int) (key row.Key, err error) {
	err = s.ask(ctx, func(conn *sql.Conn) error {
		key, err = Cut(ctx, conn, m, r, n)
		return err
	})
	return key, err
}

// Divide returns keys that cut a table into parts; see the function Divide.
func (s *Snapshot) Divide(ctx context.Context, m *schema.Mapping, parts int) (cuts []row.Key, err error) {
	err = asLost(s.ask(ctx, func(conn *sql.Conn) error {
		cuts, err = Divide(ctx, conn, m, parts)
		return err
	}))
	return cuts, err
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

// ask is with for questions whose answer is read whole even when it is an
// error of the server's or a row without a hash: the connection stays good.
func (s *Snapshot) ask(ctx context.Context, fn func(*sql.Conn) error) error {
	conn, err := s.Acquire(ctx)
	if err != nil {
		return err
	}
	err = fn(conn)
	_, answered := errors.AsType[*mysql.MySQLError](err)
	answered = answered && !isServerError(err, errDeadlock) // which may have ended the transaction
	if err == nil || errors.Is(err, row.ErrNullHash) || answered && ctx.Err() == nil {
		s.Release(conn)
	} else {
		s.Discard(conn)
	}
	return err
}
