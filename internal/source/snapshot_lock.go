package source

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

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
// have where RELOAD is not given away. The lock is granted when no session has
// a transaction that wrote to the tables: all that was is committed and in the
// snapshots. Only an XA transaction whose session has gone is prepared without
// holding the lock up, and may be committed under it; beginQuiet looks for
// those. What happens in other databases meanwhile is not this one's affair.
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
	before, err := activityNow(ctx, locker)
	if err != nil {
		dropAll(conns)
		return nil, Position{}, err
	}
	if err = lock(ctx, locker, statement); err != nil {
		dropAll(conns)
		return nil, Position{}, err
	}
	position, err := db.beginLocked(ctx, locker, conns, method, logged)
	if err != nil {
		dropAll(conns)
		return nil, Position{}, err
	}
	position.changes = before.changes
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

// beginLocked starts the snapshots under the lock, reads the position meanwhile and
// releases the lock: three or four round trips, however many connections there are.
func (db *DB) beginLocked(ctx context.Context, locker *sql.Conn, conns []*sql.Conn, method string, logged bool) (Position, error) {
	held, cancel := context.WithTimeoutCause(ctx, db.hold, errLockHeld)
	defer cancel()
	position, err := db.begunLocked(held, locker, conns, method, logged)
	if err == nil {
		if _, err = locker.ExecContext(held, "UNLOCK TABLES"); err != nil {
			err = fmt.Errorf("release the read lock: %w", err)
		}
	}
	switch {
	case err != nil && held.Err() != nil:
		return Position{}, context.Cause(held)
	case err != nil:
		return Position{}, err
	case !logged:
		return position, nil
	}
	return db.completed(ctx, locker, conns[0], position)
}

// begunLocked is what happens under the lock.
func (db *DB) begunLocked(held context.Context, locker *sql.Conn, conns []*sql.Conn, method string, logged bool) (Position, error) {
	if method == MethodTables {
		// One after the other: XA transactions do without the locks.
		if _, quiet, err := beginQuiet(held, locker, conns); err != nil || !quiet {
			return Position{}, cmp.Or(err, errNoCommonView)
		}
		return db.lockedPosition(held, locker, method, logged), nil
	}
	var position Position
	g, both := errgroup.WithContext(held)
	g.Go(func() error { return startAll(both, conns) })
	g.Go(func() error {
		position = db.lockedPosition(both, locker, method, logged)
		return nil
	})
	err := g.Wait() // before the position is looked at
	return position, err
}

// lockedPosition is the server's own position, which is the snapshots' while the
// lock is held. An account that may not ask has a consistent view all the same.
func (db *DB) lockedPosition(ctx context.Context, locker *sql.Conn, method string, logged bool) Position {
	p := Position{Method: method}
	if !logged {
		return db.applied(ctx, locker, p)
	}
	state, err := binlogState(ctx, locker, db.info)
	if err != nil {
		return p
	}
	readState(&p, state)
	if p.File != "" && db.info.Product == MariaDB && method == MethodLock {
		p.GTID = gtidNow(ctx, locker)
	}
	return p
}

// completed asks MariaDB, after the lock, for what it did not say under it: under
// table locks the GTID goes on with other databases, and who may not see the
// binlog's status may ask a snapshot where it stands.
func (db *DB) completed(ctx context.Context, locker, member *sql.Conn, p Position) (Position, error) {
	if db.info.Product != MariaDB {
		return p, nil
	}
	if p.File == "" {
		at, err := standings(ctx, []*sql.Conn{member})
		if err != nil {
			return p, err
		}
		p.File, p.Offset = at[0].file, at[0].offset
	}
	if p.File != "" && p.GTID == "" {
		p.GTID = gtidAt(ctx, locker, db.info, p)
	}
	return p, nil
}

var errLockHeld = fault.New(fault.Failed, "use one source connection (--workers 1)",
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
