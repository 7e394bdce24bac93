package source

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"
)

// groupTries bounds how often snapshots are started together until enough
// of them agree. With twice as many as wanted, two tries were enough in 60
// of 60 cases at 5,000 transactions a second.
const groupTries = 10

// errNoCommonView says that a method cannot give several connections one view.
var errNoCommonView = errors.New("no common view for several connections")

// takeNone opens plain connections.
func (db *DB) takeNone(ctx context.Context, n int) ([]*sql.Conn, Position, error) {
	conns, err := db.openConns(ctx, db.within(n))
	return conns, Position{Method: MethodNone}, err
}

// takeConsistent tries the methods from the gentlest on. Only a method that
// does not apply here makes way for the next; any other failure is final.
func (db *DB) takeConsistent(ctx context.Context, n int) ([]*sql.Conn, Position, error) {
	methods := []func(context.Context, int) ([]*sql.Conn, Position, error){db.takeGroup, db.takeLocked, db.takeTablesLocked}
	if n == 1 {
		methods = nil // one connection needs no agreement
	}
	for _, take := range methods {
		conns, position, err := take(ctx, n)
		if errors.Is(err, errLockHeld) {
			break // nothing more is locked on a source that is slow
		}
		if !errors.Is(err, errNoCommonView) {
			return conns, position, err
		}
	}
	return db.takeSingle(ctx)
}

// takeSingle starts the snapshot of one connection.
func (db *DB) takeSingle(ctx context.Context) ([]*sql.Conn, Position, error) {
	logged, err := db.everythingIsLogged(ctx)
	if err != nil {
		return nil, Position{}, err
	}
	conns, err := db.openConns(ctx, 1)
	if err != nil {
		return nil, Position{}, err
	}
	position, quiet, err := db.beginSingle(ctx, conns)
	if err != nil {
		dropAll(conns)
		return nil, Position{}, err
	}
	if !logged || !quiet {
		position = db.applied(ctx, conns[0], position)
	}
	return conns, position, nil
}

// beginSingle starts the snapshot and says where it stands, which is not known
// while XA transactions commit: the binlog may have what the snapshot has not.
func (db *DB) beginSingle(ctx context.Context, conns []*sql.Conn) (p Position, quiet bool, err error) {
	var before activity
	for range groupTries {
		before, quiet, err = beginQuiet(ctx, conns[0], conns)
		if err != nil {
			return p, false, err
		}
		if quiet {
			break
		}
	}
	at, err := standings(ctx, conns)
	if err != nil {
		return p, false, err
	}
	p = db.position(ctx, conns[0], at[0], MethodSingle)
	p.changes = before.changes
	return p, quiet, nil
}

// takeGroup starts twice as many snapshots as wanted at once and keeps those
// that stand at the same binlog position, which MariaDB reports for each.
func (db *DB) takeGroup(ctx context.Context, n int) ([]*sql.Conn, Position, error) {
	if db.info.Product != MariaDB {
		return nil, Position{}, errNoCommonView // only MariaDB says where a snapshot stands
	}
	logged, err := db.everythingIsLogged(ctx)
	if err != nil {
		return nil, Position{}, err
	}
	if !logged {
		return nil, Position{}, errNoCommonView
	}
	n = db.within(n)
	conns, err := db.openConns(ctx, db.within(2*n))
	if isServerError(err, errTooManyConns, errUserConns, errUserResource) {
		conns, err = db.openConns(ctx, n)
	}
	if err != nil {
		return nil, Position{}, err
	}
	for range groupTries {
		before, at, err := beginGroup(ctx, conns)
		if err != nil {
			dropAll(conns)
			return nil, Position{}, err
		}
		best, members := largest(at)
		if len(members) < n {
			continue // START TRANSACTION ends the old snapshots
		}
		kept := make([]*sql.Conn, 0, n)
		for i, c := range conns {
			if len(kept) < n && slices.Contains(members, i) {
				kept = append(kept, c)
			} else {
				drop(c)
			}
		}
		position := db.position(ctx, kept[0], best, MethodBinlog)
		position.changes = before.changes
		return kept, position, nil
	}
	dropAll(conns)
	return nil, Position{}, errNoCommonView
}

// beginGroup starts a snapshot on each connection and asks where they stand, which
// says nothing while XA transactions commit.
func beginGroup(ctx context.Context, conns []*sql.Conn) (activity, []binlogAt, error) {
	before, quiet, err := beginQuiet(ctx, conns[0], conns)
	if err != nil || !quiet {
		return before, nil, err
	}
	at, err := standings(ctx, conns)
	return before, at, err
}

// everythingIsLogged reports whether equal binlog positions prove equal views:
// every change must go through the binlog. A replica without
// log_slave_updates applies changes that its binlog never sees, and a filter
// (binlog_do_db) leaves databases out.
func (db *DB) everythingIsLogged(ctx context.Context) (bool, error) {
	if !db.info.BinlogEnabled {
		return false, nil
	}
	conn, err := db.conn(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	return db.logsEverything(ctx, conn)
}

// logsEverything is everythingIsLogged on a connection that is at hand.
func (db *DB) logsEverything(ctx context.Context, conn *sql.Conn) (bool, error) {
	if !db.info.BinlogEnabled {
		return false, nil
	}
	variables, err := pairs(ctx, conn, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_slave_updates', 'log_replica_updates')")
	if err != nil {
		return false, fmt.Errorf("log_slave_updates: %w", err)
	}
	if !isOn(variables["log_slave_updates"]) && !isOn(variables["log_replica_updates"]) {
		var replica bool
		if replica, err = db.isReplica(ctx, conn); err != nil || replica {
			return false, err
		}
	}
	state, err := binlogState(ctx, conn, db.info)
	if err != nil {
		return false, err
	}
	return state["binlog_do_db"] == "" && state["binlog_ignore_db"] == "", nil
}

// isReplica reports whether the server applies another one's changes. MySQL
// says so only to an account with the privilege: without, it counts as one.
func (db *DB) isReplica(ctx context.Context, conn *sql.Conn) (bool, error) {
	if db.info.Product == MySQL {
		statement := "SHOW SLAVE STATUS"
		if db.info.version.atLeast(8, 0, 22) {
			statement = "SHOW REPLICA STATUS"
		}
		state, err := oneRow(ctx, conn, statement)
		if isServerError(err, errPrivilege, errAccessDenied) {
			return true, nil
		}
		return len(state) > 0, err
	}
	status, err := pairs(ctx, conn, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Slave_running', 'Slaves_running')")
	if err != nil {
		return false, fmt.Errorf("state of replication: %w", err)
	}
	return isOn(status["slave_running"]) || (status["slaves_running"] != "" && status["slaves_running"] != "0"), nil
}

// openConns opens n connections at once.
func (db *DB) openConns(ctx context.Context, n int) ([]*sql.Conn, error) {
	conns := make([]*sql.Conn, n)
	var g errgroup.Group
	for i := range conns {
		g.Go(func() error {
			c, err := db.conn(ctx)
			conns[i] = c
			return err
		})
	}
	if err := g.Wait(); err != nil {
		dropAll(slices.DeleteFunc(conns, func(c *sql.Conn) bool { return c == nil }))
		return nil, err
	}
	return conns, nil
}

// binlogAt is the binlog position that one connection's snapshot stands at;
// empty where the server does not say.
type binlogAt struct {
	file   string
	offset uint64
}

// startAll starts a snapshot on each connection, all at once.
func startAll(ctx context.Context, conns []*sql.Conn) error {
	g, started := errgroup.WithContext(ctx)
	for _, c := range conns {
		g.Go(func() error {
			_, err := c.ExecContext(started, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
			return err //nolint:wrapcheck // wrapped below
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("start a consistent snapshot: %w", err)
	}
	return nil
}

// standings asks each connection for the position of its snapshot.
//
// MariaDB fills the status variables of all sessions into the same global
// memory before it prints them, without a lock between the two: sessions that
// ask at the same moment get each other's answer, and a position that is not
// the session's own would make two different views look like one. So this asks
// one connection after the other, against the race among ourselves, and in
// rounds, against the race with a monitoring program: what all
// rounds agree on holds. Otherwise the connection is left without a position.
func standings(ctx context.Context, conns []*sql.Conn) ([]binlogAt, error) {
	const rounds = 3
	at := make([]binlogAt, len(conns))
	for round := range rounds {
		for i, c := range conns {
			now, err := standing(ctx, c)
			if err != nil {
				return nil, fmt.Errorf("position of the snapshot: %w", err)
			}
			switch {
			case round == 0:
				at[i] = now
			case now != at[i]:
				at[i] = binlogAt{}
			}
		}
	}
	return at, nil
}

func standing(ctx context.Context, c *sql.Conn) (binlogAt, error) {
	status, err := pairs(ctx, c, "SHOW STATUS LIKE 'binlog_snapshot_%'") // no rows on MySQL
	if err != nil {
		return binlogAt{}, err
	}
	at := binlogAt{file: status["binlog_snapshot_file"]}
	if at.file == "" {
		return at, nil
	}
	at.offset, err = strconv.ParseUint(status["binlog_snapshot_position"], 10, 64)
	return at, err //nolint:wrapcheck // standings wraps it
}

// largest returns the position that most snapshots share, the latest of
// several, and the indexes of those snapshots. It leaves out snapshots without a position.
func largest(at []binlogAt) (binlogAt, []int) {
	groups := map[binlogAt][]int{}
	for i, a := range at {
		if a.file != "" {
			groups[a] = append(groups[a], i)
		}
	}
	var best binlogAt
	for a, members := range groups {
		more := cmp.Or(
			cmp.Compare(len(members), len(groups[best])),
			cmp.Compare(len(a.file), len(best.file)), // binlog.999999 comes before binlog.1000000
			cmp.Compare(a.file, best.file),
			cmp.Compare(a.offset, best.offset),
		)
		if more > 0 {
			best = a
		}
	}
	return best, groups[best]
}
