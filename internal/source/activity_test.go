package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// bookXA is bookOnce as an XA transaction, up to where it is prepared.
func bookXA(ctx context.Context, c *sql.Conn, xid string, id int) error {
	for _, statement := range []string{
		"XA START " + xid,
		fmt.Sprintf("UPDATE debit SET v = v + 1 WHERE id = %d", id),
		"INSERT INTO n VALUES ()",
		fmt.Sprintf("UPDATE credit SET v = v + 1 WHERE id = %d", id),
		"XA END " + xid,
		"XA PREPARE " + xid,
	} {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// TestPreparedXA: the session that prepared it is gone, so that nothing but the
// global read lock keeps another one from committing it.
func TestPreparedXA(t *testing.T) {
	db, server := open(t, bookings)
	writers, err := server.DB(t.Context(), db.Info().Database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writers.Close() }()
	c, err := writers.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err = bookXA(t.Context(), c, "'left'", 0); err != nil {
		t.Fatal(err)
	}
	drop(c)
	commit := func() error {
		for {
			err := server.Exec(t.Context(), "", "XA COMMIT 'left'")
			if err == nil || t.Context().Err() != nil {
				return err
			}
			<-time.After(10 * time.Millisecond) // until the session is gone
		}
	}
	for method, take := range map[string]func(context.Context, int) ([]*sql.Conn, Position, error){
		MethodBinlog: db.takeGroup, MethodTables: db.takeTablesLocked,
	} {
		conns, position, err := take(t.Context(), 3)
		dropAll(conns)
		if !errors.Is(err, errNoCommonView) {
			t.Errorf("%s beside a prepared XA transaction: %+v, %v", method, position, err)
		}
	}
	if p := take(t, db, SnapshotOptions{Connections: 3}).Position(); p.Method != MethodLock || p.Connections != 3 {
		t.Errorf("beside a prepared XA transaction: %+v", p)
	}
	if p := take(t, db, SnapshotOptions{Connections: 1}).Position(); p.File != "" || p.View != "" {
		t.Errorf("one connection has a position beside a prepared XA transaction: %+v", p)
	}
	if err := commit(); err != nil {
		t.Fatal(err)
	}
	for _, connections := range []int{1, 3} {
		p := take(t, db, SnapshotOptions{Connections: connections}).Position()
		if db.Info().Product == MariaDB && (p.Method == MethodLock || p.View == "") {
			t.Errorf("after it: %+v", p)
		}
	}
}

// TestViewBesideXA takes snapshots while XA transactions are prepared and committed.
func TestViewBesideXA(t *testing.T) {
	db, server := open(t, bookings)
	writers, err := server.DB(t.Context(), db.Info().Database)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	for i := range 4 {
		g.Go(func() error {
			c, err := writers.Conn(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			whole := context.WithoutCancel(ctx) // it ends between two transactions
			for n := 0; ctx.Err() == nil; n++ {
				xid := fmt.Sprintf("'r%d_%d'", i, n)
				if err := bookXA(whole, c, xid, i); err != nil {
					return err
				}
				if _, err := c.ExecContext(whole, "XA COMMIT "+xid); err != nil {
					return err
				}
			}
			return nil
		})
	}
	defer func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Errorf("writer: %v", err)
		}
		_ = writers.Close()
	}()
	methods := map[string]int{}
	for range iterations {
		s, err := db.Snapshot(t.Context(), SnapshotOptions{Connections: 6})
		if err != nil {
			t.Fatal(err)
		}
		methods[s.Position().Method]++
		if v := looks(t, s, s.Position().Connections); v.debit != v.credit || v.debit != v.rows {
			t.Errorf("%s: %+v", s.Position().Method, v)
		}
		_ = s.Close()
	}
	t.Logf("methods: %v", methods)
}
