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
	position, err := locked{db, locker, method, logged}.begin(ctx, conns)
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

// locked is a connection that holds a lock.
type locked struct {
	db     *DB
	conn   *sql.Conn
	method string // MethodLock or MethodTables
	logged bool   // everythingIsLogged
}

// begin starts the snapshots under the lock, reads the position meanwhile and
// releases the lock: three or four round trips, however many connections there are.
func (l locked) begin(ctx context.Context, conns []*sql.Conn) (Position, error) {
	held, cancel := context.WithTimeoutCause(ctx, l.db.hold, errLockHeld)
	defer cancel()
	position, err := l.under(held, conns)
	if err == nil {
		if _, err = l.conn.ExecContext(held, "UNLOCK TABLES"); err != nil {
			err = fmt.Errorf("release the read lock: %w", err)
		}
	}
	switch {
	case err != nil && held.Err() != nil:
		return Position{}, context.Cause(held)
	case err != nil:
		return Position{}, err
	case !l.logged:
		return position, nil
	}
	return l.complete(ctx, position, conns[0])
}

// under is what happens under the lock.
func (l locked) under(held context.Context, conns []*sql.Conn) (Position, error) {
	if l.method == MethodTables {
		// One after the other: XA transactions do without the locks.
		if _, quiet, err := beginQuiet(held, l.conn, conns); err != nil || !quiet {
			return Position{}, cmp.Or(err, errNoCommonView)
		}
		return l.position(held), nil
	}
	var position Position
	g, both := errgroup.WithContext(held)
	g.Go(func() error { return startAll(both, conns) })
	g.Go(func() error {
		position = l.position(both)
		return nil
	})
	err := g.Wait() // before the position is looked at
	return position, err
}

// position is the server's own, which is the snapshots' while the lock is held.
// An account that may not ask has a consistent view all the same.
func (l locked) position(ctx context.Context) Position {
	p := Position{Method: l.method}
	if !l.logged {
		return l.db.applied(ctx, l.conn, p)
	}
	state, err := binlogState(ctx, l.conn, l.db.info)
	if err != nil {
		return p
	}
	readState(&p, state)
	if p.File != "" && l.db.info.Product == MariaDB && l.method == MethodLock {
		p.GTID = gtidNow(ctx, l.conn)
	}
	return p
}

// complete asks MariaDB, after the lock, for what it did not say under it: under
// table locks the GTID goes on with other databases, and who may not see the
// binlog's status may ask a snapshot where it stands.
func (l locked) complete(ctx context.Context, p Position, member *sql.Conn) (Position, error) {
	if l.db.info.Product != MariaDB {
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
		p.GTID = gtidAt(ctx, l.conn, l.db.info, p)
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
