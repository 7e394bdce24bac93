package source

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"

	"leap/internal/retry"
)

// deadlocked is a connection that meets deadlocks.
type deadlocked struct {
	driverConn
	deadlocks int  // left
	open      bool // the transaction, after a deadlock
	asked     int
}

func (d *deadlocked) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	d.asked++
	if d.deadlocks--; d.deadlocks >= 0 {
		return nil, &mysql.MySQLError{Number: errDeadlock}
	}
	return nil, nil //nolint:nilnil // nobody reads it
}

func (d *deadlocked) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	if d.open {
		return nil, &mysql.MySQLError{Number: errInTransaction}
	}
	return driver.ResultNoRows, nil
}

// TestDeadlock repeats a question while its transaction is open, not for ever.
func TestDeadlock(t *testing.T) {
	for _, test := range []struct {
		deadlocks    int
		open, refuse bool
		asked        int
	}{
		{0, true, false, 1},
		{1, true, false, 2},
		{deadlockTries - 1, true, false, deadlockTries},
		{deadlockTries, true, true, deadlockTries},
		{1, false, true, 1},
	} {
		fake := &deadlocked{deadlocks: test.deadlocks, open: test.open}
		_, err := (&wiredConn{driverConn: fake}).QueryContext(t.Context(), "SELECT 1", nil)
		if isServerError(err, errDeadlock) != test.refuse || fake.asked != test.asked {
			t.Errorf("%+v: %v after %d questions", test, err, fake.asked)
		}
		if err != nil && retry.Classify(asLost(err)) != retry.Retryable {
			t.Errorf("%v is not for another connection", err)
		}
	}
}

// TestInTransaction: the server tells the connection of a snapshot from others.
func TestInTransaction(t *testing.T) {
	db, _ := open(t, "CREATE TABLE t (id INT PRIMARY KEY)")
	s := take(t, db, SnapshotOptions{Connections: 1})
	inside := func() (inside bool) {
		err := errors.Join(s.ask(t.Context(), func(c *sql.Conn) error {
			return c.Raw(func(dc any) error { inside = dc.(*wiredConn).inTransaction(t.Context()); return nil })
		}))
		if err != nil {
			t.Fatal(err)
		}
		return inside
	}
	for range 2 { // asking does not end it
		if !inside() {
			t.Error("a snapshot is no transaction")
		}
	}
	outside := true
	err := db.onConn(t.Context(), func(c *sql.Conn) error {
		return c.Raw(func(dc any) error { outside = dc.(*wiredConn).inTransaction(t.Context()); return nil })
	})
	if err != nil || outside {
		t.Errorf("a question outside is in a transaction: %v, %v", outside, err)
	}
}
