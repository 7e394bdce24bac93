package source

import (
	"context"
	"database/sql/driver"
	"math/rand/v2"
	"time"
)

// errInTransaction is the server's answer to what only the next transaction can be told.
const errInTransaction = 1568

// deadlockTries bounds how often a question is asked. Each time the server chose
// it among those that waited for one another.
const deadlockTries = 10

// QueryContext asks, and asks again where the server calls a deadlock. Reading
// takes no lock on rows, but it opens tables: while somebody runs FLUSH TABLES
// WITH READ LOCK, as backups and our own snapshots do, MySQL lets two joins of the
// same tables wait for each other until it refuses one, before its first row.
// The view of its transaction outlives that, and the question is repeated. A
// server that ended the transaction as well, as a RENAME can make it do, gets no
// second one: the rows would be of a later moment.
func (c *wiredConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	for try := 1; ; try++ {
		rows, err := c.driverConn.QueryContext(ctx, query, args)
		if !isServerError(err, errDeadlock) || try == deadlockTries || !c.inTransaction(ctx) {
			return rows, err //nolint:wrapcheck // database/sql passes it on to Explain
		}
		pause := time.NewTimer(time.Duration(try) * (5*time.Millisecond + rand.N(20*time.Millisecond))) //nolint:gosec // spreads tries, protects nothing
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil, context.Cause(ctx)
		case <-pause.C:
		}
	}
}

// inTransaction reports whether a transaction is open. MySQL has no question for
// that; what this sets otherwise is what every transaction of ours begins with.
func (c *wiredConn) inTransaction(ctx context.Context) bool {
	_, err := c.ExecContext(ctx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", nil)
	return isServerError(err, errInTransaction)
}
