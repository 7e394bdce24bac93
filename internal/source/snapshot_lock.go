package source

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"leap/internal/fault"
)

const (
	// lockTries bounds how often a lock is asked for. Each try may stall the
	// writers of the source for lock_wait_timeout, 1 s.
	lockTries = 5
	// lockHeld bounds how long a lock may be held. A few round trips need
	// milliseconds; a server that takes longer is in trouble already.
	lockHeld = 3 * time.Second
)

// takeLocked starts the snapshots while nothing can be committed.
func (db *DB) takeLocked(ctx context.Context, n int) ([]*sql.Conn, Position, error) {
	return db.takeUnder(ctx, n, MethodLock)
}

// takeTablesLocked starts the snapshots while no table of the database can be
// written to. It takes the privilege LOCK TABLES, which accounts for backups
// have where RELOAD is not given away. The lock is granted when no open
// transaction has written to the tables: all that was is committed and in the
// snapshots. What happens in other databases meanwhile is not this one's affair.
func (db *DB) takeTablesLocked(ctx context.Context, n int) ([]*sql.Conn, Position, error) {
	return db.takeUnder(ctx, n, MethodTables)
}

func (db *DB) takeUnder(ctx context.Context, n int, method string) ([]*sql.Conn, Position, error) {
	statement := "FLUSH TABLES WITH READ LOCK"
	if method == MethodTables {
		var err error
		if statement, err = db.lockTables(ctx); err != nil {
			return nil, Position{}, err
		}
	}
	logged, err := db.everythingIsLogged(ctx) // before the lock is held
	if err != nil {
		return nil, Position{}, err
	}
	if n = db.within(n+1) - 1; n < 1 {
		return nil, Position{}, errNoCommonView // one connection needs no lock
	}
	conns, err := db.openConns(ctx, n+1)
	if err != nil {
		return nil, Position{}, err
	}
	// Closing the locker's connection releases the lock whatever happened.
	locker, conns := conns[0], conns[1:]
	defer drop(locker)
	if err = lock(ctx, locker, statement); err != nil {
		dropAll(conns)
		return nil, Position{}, err
	}
	position, err := db.beginLocked(ctx, locker, conns, func(held context.Context, at binlogAt) Position {
		p := db.position(held, locker, at, method)
		if !logged {
			p = db.applied(held, locker, p)
		}
		return p
	})
	if err != nil {
		dropAll(conns)
		return nil, Position{}, err
	}
	return conns, position, nil
}

// lockTables returns the statement that locks all base tables of the database;
// errNoCommonView when there are none.
func (db *DB) lockTables(ctx context.Context) (string, error) {
	conn, err := db.conn(ctx)
	if err != nil {
		return "", fmt.Errorf("list the tables to lock: %w", err)
	}
	defer func() { _ = conn.Close() }()
	rows, err := conn.QueryContext(ctx, `SELECT TABLE_NAME FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY TABLE_NAME`)
	if err != nil {
		return "", fmt.Errorf("list the tables to lock: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var locks []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return "", fmt.Errorf("list the tables to lock: %w", err)
		}
		locks = append(locks, quote(name)+" READ")
	}
	if err := rows.Err(); err != nil {
		return "", fmt.Errorf("list the tables to lock: %w", err)
	}
	if len(locks) == 0 {
		return "", errNoCommonView
	}
	return "LOCK TABLES " + strings.Join(locks, ", "), nil
}

// beginLocked starts the snapshots under the lock, asks where they stand and
// releases the lock.
func (*DB) beginLocked(ctx context.Context, locker *sql.Conn, conns []*sql.Conn, where func(context.Context, binlogAt) Position) (Position, error) {
	held, cancel := context.WithTimeoutCause(ctx, lockHeld, errLockHeld)
	defer cancel()
	at, err := beginAll(held, conns)
	if err != nil {
		if held.Err() != nil {
			return Position{}, context.Cause(held)
		}
		return Position{}, err
	}
	position := where(held, at[0])
	if _, err := locker.ExecContext(held, "UNLOCK TABLES"); err != nil {
		return Position{}, fmt.Errorf("release the read lock: %w", err)
	}
	return position, nil
}

var errLockHeld = fault.New(fault.Failed, "try again when the source is less busy, or use one source connection",
	"the source took more than %s to start snapshots under a read lock, which was released", lockHeld)

// lock takes a read lock. While it waits for running statements the server
// holds back new ones, so a try is short and the pause between tries random.
func lock(ctx context.Context, conn *sql.Conn, statement string) error {
	if _, err := conn.ExecContext(ctx, "SET SESSION lock_wait_timeout = 1"); err != nil {
		return fmt.Errorf("set lock_wait_timeout: %w", err)
	}
	for range lockTries {
		_, err := conn.ExecContext(ctx, statement)
		switch {
		case err == nil:
			return nil
		case isServerError(err, errPrivilege, errAccessDenied, errDatabaseDenied, errTableDenied):
			return errNoCommonView // the account lacks RELOAD or LOCK TABLES
		case !isServerError(err, errLockWait, errDeadlock):
			return fmt.Errorf("take the read lock: %w", err)
		}
		pause := time.NewTimer(200*time.Millisecond + rand.N(time.Second)) //nolint:gosec // spreads tries, protects nothing
		select {
		case <-ctx.Done():
			pause.Stop()
			return context.Cause(ctx)
		case <-pause.C:
		}
	}
	return errNoCommonView
}
