package source

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// activity is what a server has counted since it started. Asking takes no privilege.
type activity struct {
	// xa changes with each statement that prepares or commits an XA transaction.
	xa string
	// changes stays the same only while nothing is written to InnoDB, whether
	// or not the binlog is told of it; reading leaves it alone. It is empty where
	// the server does not say.
	changes string
}

// activityNow asks for the counters. MariaDB tells how many transactions that write
// began and ended. MySQL tells how many rows they wrote, and so says nothing of
// TRUNCATE, and of a transaction that wrote before and ended after the first look.
func activityNow(ctx context.Context, conn *sql.Conn) (activity, error) {
	status, err := pairs(ctx, conn, "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_xa_prepare', 'Com_xa_commit',"+
		" 'Innodb_max_trx_id', 'Innodb_rows_inserted', 'Innodb_rows_updated', 'Innodb_rows_deleted')")
	if err != nil {
		return activity{}, fmt.Errorf("counters of the server: %w", err)
	}
	changes := []string{
		status["innodb_max_trx_id"],
		status["innodb_rows_inserted"], status["innodb_rows_updated"], status["innodb_rows_deleted"],
	}
	now := activity{xa: status["com_xa_prepare"] + "/" + status["com_xa_commit"]}
	if strings.Join(changes, "") != "" {
		now.changes = strings.Join(changes, "/")
	}
	return now, nil
}

// wroteSince reports whether something is known to have been written since a
// snapshot was taken.
func wroteSince(ctx context.Context, conn *sql.Conn, p Position) (bool, error) {
	now, err := activityNow(ctx, conn)
	return err == nil && p.changes != "" && now.changes != "" && p.changes != now.changes, err
}

// errXA is what MySQL says to who asks for XA transactions without XA_RECOVER_ADMIN.
const errXA = 1401

// prepared reports whether there are XA transactions that are prepared and not yet
// committed. Where the account may not ask, the counters must do.
func prepared(ctx context.Context, conn *sql.Conn) (bool, error) {
	branch, err := oneRow(ctx, conn, "XA RECOVER")
	if isServerError(err, errXA, errPrivilege, errAccessDenied) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("list the XA transactions: %w", err)
	}
	return len(branch) > 0, nil
}

// beginQuiet starts a snapshot on each connection and reports whether no XA
// transaction was in the middle of its commit meanwhile. XA COMMIT is in the
// binlog before it can be seen, and a session that has gone leaves a prepared
// transaction without its table locks: around it, snapshots at one position, or under
// table locks, may differ. Whoever asks is the connection that counters are read on.
func beginQuiet(ctx context.Context, asks *sql.Conn, conns []*sql.Conn) (before activity, quiet bool, err error) {
	if before, err = activityNow(ctx, asks); err != nil {
		return before, false, err
	}
	some, err := prepared(ctx, asks)
	if err != nil {
		return before, false, err
	}
	if err = startAll(ctx, conns); err != nil || some {
		return before, false, err
	}
	after, err := activityNow(ctx, asks)
	return before, before.xa == after.xa, err
}
