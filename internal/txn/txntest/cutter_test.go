package txntest_test

import (
	"errors"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"leap/internal/sandbox"
	"leap/internal/txn/txntest"
)

// heard is a server that answers everything with a word, and remembers it.
func heard(t *testing.T) (*sandbox.Server, <-chan string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	said := make(chan string, 16)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				buffer := make([]byte, 1024)
				for {
					n, err := conn.Read(buffer)
					if err != nil {
						_ = conn.Close()
						return
					}
					said <- string(buffer[:n])
					_, _ = conn.Write([]byte("done"))
				}
			}()
		}
	}()
	port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // we listen on TCP
	return &sandbox.Server{Host: "127.0.0.1", Port: port}, said
}

// TestCutter: the server hears of a commit before whose answer the connection is
// cut, does not hear of one that is cut before, and of all else as if there were
// nobody between.
func TestCutter(t *testing.T) {
	server, said := heard(t)
	moments := []txntest.Moment{txntest.Never, txntest.BeforeCommit, txntest.AfterCommit}
	cutter := txntest.NewCutter(t, server, func(n int) txntest.Moment { return moments[(n-1)%len(moments)] })
	for _, commit := range []string{"COMMIT\x00", "RELEASE SAVEPOINT cockroach_restart"} {
		for _, moment := range moments {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(cutter.Port())))
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute)) // nothing hangs for ever
			answer := make([]byte, 4)
			ask := func(text string) error {
				_, writeErr := conn.Write([]byte(text))
				_, readErr := io.ReadFull(conn, answer)
				return errors.Join(writeErr, readErr)
			}
			if err = ask("select committed"); err != nil || string(answer) != "done" || <-said != "select committed" {
				t.Fatalf("what is no commit: %q, %v", answer, err)
			}
			err = ask(commit)
			if (err == nil) != (moment == txntest.Never) {
				t.Errorf("%q at %v: %v", commit, moment, err)
			}
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%q at %v: the connection was not cut", commit, moment)
			}
			_ = conn.Close()
			if moment != txntest.BeforeCommit {
				if got := <-said; got != commit {
					t.Errorf("the server heard %q, not %q", got, commit)
				}
			}
		}
	}
	select {
	case text := <-said:
		t.Errorf("the server heard %q of a commit that was cut before it", text)
	default:
	}
	for _, moment := range moments {
		if n := cutter.Cuts(moment); n != 2 {
			t.Errorf("%d commits at %v, want 2", n, moment)
		}
	}
}
