package txn_test

import (
	"context"
	"testing"
	"time"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/txn"
)

// TestSessionKeepsItsConnection from one transaction to the next, and gives it
// back with the pool.
func TestSessionKeepsItsConnection(t *testing.T) {
	pool := open(t, sandboxtest.Target(t), 0, txn.Options{})
	session := pool.Session()
	for range 3 {
		if _, err := session.Exec(t.Context(), "UPDATE t SET v = v + 1"); err != nil {
			t.Fatal(err)
		}
		if n := pool.Pool().Stat().AcquiredConns(); n != 1 {
			t.Errorf("%d connections are in use", n)
		}
	}
	if n := pool.Pool().Stat().AcquireCount(); n > 3 { // the test's own, and one
		t.Errorf("%d connections were taken", n)
	}
}

// TestContextEndsStatements: the end of a context breaks off what runs under
// it, says why, and leaves nothing behind for the next operation.
func TestContextEndsStatements(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		pool := open(t, server, 0, txn.Options{})
		session := pool.Session()
		var v int
		value := func(ctx context.Context) error {
			return session.QueryRow(ctx, "SELECT v FROM t WHERE id = 1").Scan(&v)
		}
		for _, end := range []struct {
			cause error
			state string
		}{{context.DeadlineExceeded, txn.StateTimeout}, {nil, txn.StateCanceled}} {
			ctx, cancel := context.WithCancelCause(t.Context())
			if err := value(ctx); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(50*time.Millisecond, func() { cancel(end.cause) })
			began := time.Now()
			_, err := session.Exec(ctx, "SELECT pg_sleep(60)")
			s := session.Take()
			if took := time.Since(began); took > 30*time.Second || len(s.Failures) != 1 || s.Failures[0].State != end.state {
				t.Errorf("%v after %s, %+v", err, took, s)
			}
			if err = value(t.Context()); err != nil {
				t.Errorf("the next operation: %v", err)
			}
			// The end of a context between two operations is nobody's error.
			ctx, cancel = context.WithCancelCause(t.Context())
			if err = value(ctx); err != nil {
				t.Error(err)
			}
			cancel(end.cause)
			if err = value(t.Context()); err != nil {
				t.Errorf("after an end between operations: %v", err)
			}
			if s = session.Take(); len(s.Failures) != 0 {
				t.Errorf("failures %+v", s.Failures)
			}
		}
	})
}

// TestIdleConnections: a connection that broke while nothing was to be done is
// replaced, and the wait for another is booked as such.
func TestIdleConnections(t *testing.T) {
	server := sandboxtest.Target(t)
	if !server.StandIn() {
		t.Skip("this server has no pg_terminate_backend")
	}
	pool := open(t, server, 0, txn.Options{})
	session := pool.Session()
	var pid int
	ask := func() {
		t.Helper()
		if err := session.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	session.Take()
	if _, err := pool.Pool().Exec(t.Context(), "SELECT pg_terminate_backend($1)", pid); err != nil {
		t.Fatal(err)
	}
	timer := time.NewTimer(1100 * time.Millisecond) // longer than a connection may lie idle unasked
	defer timer.Stop()
	<-timer.C
	before := pid
	ask()
	if s := session.Take(); pid == before || len(s.Failures) != 0 || s.PoolWait == 0 {
		t.Errorf("backend %d, then %d, %+v", before, pid, s)
	}
}

// TestClose: a session's connection can be used by others, and one that a
// context has broken off is not given to them.
func TestClose(t *testing.T) {
	pool := open(t, sandboxtest.Target(t), 0, txn.Options{})
	session := pool.Session()
	session.Close() // it has none
	var v int
	for _, over := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		if err := session.QueryRow(ctx, "SELECT v FROM t WHERE id = 1").Scan(&v); err != nil {
			t.Fatal(err)
		}
		if over {
			cancel()
		}
		session.Close()
		cancel()
		if n := pool.Pool().Stat().AcquiredConns(); n != 0 && !over { // closing takes its time
			t.Errorf("%d connections are in use", n)
		}
		for range 3 { // its connection would be among them
			if err := pool.Pool().QueryRow(t.Context(), "SELECT v FROM t WHERE id = 1").Scan(&v); err != nil {
				t.Errorf("after a context that was over (%v): %v", over, err)
			}
		}
	}
}
