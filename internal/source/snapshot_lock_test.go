package source

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"leap/internal/sandbox/sandboxtest"
)

// TestLockGivesWay holds a table lock that FLUSH TABLES WITH READ LOCK must
// wait for: the snapshot must give up instead of freezing the source.
func TestLockGivesWay(t *testing.T) {
	db, server := open(t, bookings)
	pool, err := server.DB(t.Context(), db.Info().Database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	holder, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close() }()
	if _, err = holder.ExecContext(t.Context(), "LOCK TABLES debit WRITE"); err != nil {
		t.Fatal(err)
	}
	if _, _, err = db.takeLocked(t.Context(), 2); !errors.Is(err, errNoCommonView) {
		t.Errorf("under a foreign lock: %v", err)
	}
	if _, err = holder.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
	conns, _, err := db.takeLocked(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer dropAll(conns)
	// The lock must be gone again.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := pool.ExecContext(ctx, "UPDATE debit SET v = v + 1"); err != nil {
		t.Errorf("the source is still locked: %v", err)
	}
}

// TestLockIsHeldBriefly: through a slow network, each round trip under the lock holds
// the application up, so that there must be few of them.
func TestLockIsHeldBriefly(t *testing.T) {
	_, server := open(t, "")
	database := sandboxtest.NewDatabase(t, server)
	execute(t, server, database, bookings)
	const roundTrip = 40 * time.Millisecond
	db := openAs(t, through(t, database, roundTrip, server))
	pool, err := server.DB(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	for method, take := range map[string]func(context.Context, int) ([]*sql.Conn, Position, error){
		MethodLock: db.takeLocked, MethodTables: db.takeTablesLocked,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		longest := make(chan time.Duration, 1)
		go func() {
			var most time.Duration
			for ctx.Err() == nil {
				began := time.Now()
				_, _ = pool.ExecContext(context.WithoutCancel(ctx), oneMore)
				most = max(most, time.Since(began))
			}
			longest <- most
		}()
		conns, position, err := take(t.Context(), 16)
		cancel()
		most := <-longest
		dropAll(conns)
		if err != nil || position.File == "" {
			t.Errorf("%s: %+v, %v", method, position, err)
		}
		if most > 15*roundTrip {
			t.Errorf("%s: an INSERT took %s", method, most)
		}
	}
}

// TestLockThatTakesTooLong is given up, and one connection used.
func TestLockThatTakesTooLong(t *testing.T) {
	db, server := open(t, bookings)
	db.info.BinlogEnabled = false
	db.hold = time.Nanosecond
	if p := take(t, db, SnapshotOptions{Connections: 3}).Position(); p.Method != MethodSingle || p.Connections != 1 {
		t.Errorf("position %+v", p)
	}
	execute(t, server, db.Info().Database, oneMore) // not locked
}
