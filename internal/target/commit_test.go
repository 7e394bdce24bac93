package target

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/retry"
	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// committer is a transaction whose Commit returns err.
type committer struct {
	pgx.Tx
	err error
}

func (c committer) Commit(context.Context) error { return c.err }

// TestCommitErrors: only an answer that rules out the commit is definite.
func TestCommitErrors(t *testing.T) {
	state := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, test := range []struct {
		err  error
		want retry.Class
	}{
		{state("40001"), retry.Retryable},
		{state("23505"), retry.Fatal},
		{state("40003"), retry.Ambiguous},
		{state("57P01"), retry.Ambiguous},
		{state("08006"), retry.Ambiguous},
		{state("08007"), retry.Ambiguous}, // transaction_resolution_unknown
		{io.ErrUnexpectedEOF, retry.Ambiguous},
		{context.Canceled, retry.Ambiguous},
		{pgx.ErrTxCommitRollback, retry.Ambiguous},
	} {
		if got := retry.Classify(commit(t.Context(), committer{err: test.err})); got != test.want {
			t.Errorf("%v: class %v, want %v", test.err, got, test.want)
		}
	}
	if err := commit(t.Context(), committer{}); err != nil {
		t.Error(err)
	}
}

// cutter is a proxy that breaks a connection at COMMIT while armed: before the
// server has seen it, or after the server has answered.
type cutter struct {
	listener net.Listener
	upstream string
	before   bool
	answer   []byte       // what the client gets then; nil for nothing
	armed    atomic.Int32 // how many more commits are cut
	wg       sync.WaitGroup
}

func newCutter(t *testing.T, server *sandbox.Server) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: listener, upstream: net.JoinHostPort(server.Host, strconv.Itoa(server.Port))}
	c.wg.Go(c.accept)
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		c.wg.Wait()
	})
	return c
}

func (c *cutter) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.upstream)
		if err != nil {
			_ = client.Close()
			continue
		}
		var swallow atomic.Bool
		end := sync.OnceFunc(func() {
			_ = client.Close()
			_ = server.Close()
		})
		c.wg.Go(func() { pipe(client, server, end, func([]byte) bool { return !swallow.Load() }) })
		c.wg.Go(func() {
			pipe(server, client, end, func(data []byte) bool {
				if !bytes.Contains(data, []byte("commit\x00")) || c.armed.Add(-1) < 0 {
					return true
				}
				swallow.Store(true)
				_, _ = client.Write(c.answer) // it is cut off anyway
				return !c.before
			})
		})
	}
}

// pipe copies until an end closes or pass says no.
func pipe(to io.Writer, from io.Reader, end func(), pass func([]byte) bool) {
	defer end()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !pass(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// through opens the database by way of the cutter.
func (c *cutter) through(t *testing.T, address string) *DB {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = c.listener.Addr().String()
	db, err := Open(t.Context(), parse(t, u.String()), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// TestBrokenCommit: when the connection breaks at COMMIT the error says that
// the outcome is unknown, and both outcomes do occur.
func TestBrokenCommit(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		direct, name := openNamed(t, server, createIntTable)
		for _, before := range []bool{true, false} {
			c := newCutter(t, server)
			c.before = before
			db := c.through(t, server.URL(name))
			m := intTable()
			c.armed.Store(1)
			err := write(t.Context(), db, m, cells("1", "a"))
			if ambiguous, ok := errors.AsType[*retry.AmbiguousError](err); !ok || ambiguous.Err == nil {
				t.Errorf("before %v: got %v", before, err)
			}
			want := map[bool]int{true: 0, false: 1}[before]
			if got := scanAll(t, direct, m, row.Range{}); len(got) != want {
				t.Errorf("before %v: %d rows, want %d", before, len(got), want)
			}
			if err = direct.Exec(t.Context(), "DELETE FROM t"); err != nil {
				t.Fatal(err)
			}
			// The next attempt gets a new connection.
			if err = write(t.Context(), db, m, cells("1", "a")); err != nil {
				t.Errorf("before %v: the attempt after: %v", before, err)
			}
			// Transaction repeats what is idempotent by itself.
			c.armed.Store(2)
			attempts := 0
			err = db.Transaction(t.Context(), func(tx *Tx) error {
				attempts++
				_, failure := tx.Exec(t.Context(), "INSERT INTO t VALUES (2, 'b') ON CONFLICT (id) DO NOTHING")
				return failure
			})
			if got := scanAll(t, direct, m, row.Range{}); err != nil || attempts != 3 || len(got) != 2 {
				t.Errorf("before %v: %v after %d attempts, %d rows", before, err, attempts, len(got))
			}
			if err = direct.Exec(t.Context(), "DELETE FROM t"); err != nil {
				t.Fatal(err)
			}
			db.Close()
		}
	})
}

// doNotKnow is a server's answer to COMMIT that leaves its outcome open.
func doNotKnow() []byte {
	fields := "SERROR\x00C40003\x00Mresult is ambiguous\x00\x00"
	out := append([]byte{'E'}, binary.BigEndian.AppendUint32(nil, uint32(len(fields)+4))...)
	return append(append(out, fields...), 'Z', 0, 0, 0, 5, 'I')
}

// TestUnknownCommitIsRepeated: what is idempotent, and what compares first, is
// repeated also when the server itself does not know the outcome.
func TestUnknownCommitIsRepeated(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		direct, name := openNamed(t, server, createIntTable)
		c := newCutter(t, server)
		c.before, c.answer = true, doNotKnow()
		db := c.through(t, server.URL(name))
		insert := func(tx *Tx) error {
			_, failure := tx.Exec(t.Context(), "INSERT INTO t VALUES (2, 'b') ON CONFLICT (id) DO NOTHING")
			return failure
		}
		c.armed.Store(1)
		if err := write(t.Context(), db, intTable(), cells("1", "a")); retry.SQLState(err) != "40003" || retry.Classify(err) != retry.Ambiguous {
			t.Errorf("the answer is not what it should be: %v", err)
		}
		for what, run := range map[string]func() error{
			"Transaction": func() error { return db.Transaction(t.Context(), insert) },
			"Repair":      func() error { return db.Repair(t.Context(), func(tx *RepairTx) error { return insert(&tx.Tx) }) },
		} {
			c.armed.Store(2)
			if err := run(); err != nil || c.armed.Load() >= 0 {
				t.Errorf("%s: %v, %d commits more to be cut", what, err, c.armed.Load())
			}
			if got := scanAll(t, direct, intTable(), row.Range{}); len(got) != 1 {
				t.Errorf("%s: %d rows", what, len(got))
			}
			if err := direct.Exec(t.Context(), "DELETE FROM t"); err != nil {
				t.Fatal(err)
			}
		}
		db.Close()
	})
}
