package bulk

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns both ends of a connection over a real socket.
func pair(t *testing.T) (server, client net.Conn) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if client, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = server.Close(), client.Close() })
	// No test may hang.
	if err := client.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return server, client
}

func send(t *testing.T, to net.Conn, size int) {
	t.Helper()
	if _, err := to.Write(bytes.Repeat([]byte{'x'}, size)); err != nil {
		t.Error(err)
	}
}

// flow makes a stream flow: the next read waits for a piece.
func flow(t *testing.T, server net.Conn, r io.Reader) {
	t.Helper()
	send(t, server, 2*piece)
	got := make([]byte, 2*piece)
	for left := 2 * piece; left > 0; {
		n, err := r.Read(got[:max(piece, left)])
		if err != nil {
			t.Fatal(err)
		}
		left -= n
	}
	if own, ok := r.(*reader); ok {
		own.last = piece // the last part may have been small
	}
}

type outcome struct {
	n   int
	err error
}

func read(r io.Reader) <-chan outcome {
	out := make(chan outcome, 1)
	go func() {
		n, err := r.Read(make([]byte, 4*piece))
		out <- outcome{n, err}
	}()
	return out
}

// TestWaitsForPiece: small parts of a stream do not wake its reader.
func TestWaitsForPiece(t *testing.T) {
	server, client := pair(t)
	r, ok := Reader(client).(*reader)
	if !ok {
		t.Skipf("%s cannot wait for more than a byte", runtime.GOOS)
	}
	r.patience = time.Hour
	// A part that is there before the reader waits is taken at once.
	const part, moment, attempts = piece / 4, 20 * time.Millisecond, 50
	for range attempts {
		flow(t, server, r)
		got := read(r)
		<-time.After(moment)
		for range 3 {
			send(t, server, part)
			<-time.After(moment)
		}
		select {
		case o := <-got:
			if o.err != nil {
				t.Fatal(o.err)
			}
			for taken := o.n; taken < 3*part; {
				r.last = 0
				n, err := r.Read(make([]byte, piece))
				if err != nil {
					t.Fatal(err)
				}
				taken += n
			}
			continue
		default:
		}
		send(t, server, part)
		if o := <-got; o.err != nil || o.n != 4*part {
			t.Errorf("%+v", o)
		}
		return
	}
	t.Error("woken by less than a piece, every time")
}

// TestEndOfStream: what is less than a piece arrives all the same, without an end of the connection.
func TestEndOfStream(t *testing.T) {
	server, client := pair(t)
	r := Reader(client)
	for range 20 {
		flow(t, server, r)
		send(t, server, 1)
		if n, err := r.Read(make([]byte, piece)); n != 1 || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
}

// waiting returns a reader of a stream that waits for a piece for as long as it takes.
func waiting(t *testing.T, server, client net.Conn) (io.Reader, <-chan outcome) {
	t.Helper()
	r := Reader(client)
	if own, ok := r.(*reader); ok {
		own.patience = time.Hour
	}
	flow(t, server, r)
	return r, read(r)
}

// TestEndOfConnection: nobody waits for a piece that cannot come any more.
func TestEndOfConnection(t *testing.T) {
	server, client := pair(t)
	_, got := waiting(t, server, client)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if o := <-got; o.n != 0 || !errors.Is(o.err, io.EOF) {
		t.Errorf("%+v", o)
	}
}

// TestDeadline: who gives a connection up need not know that it waits for a piece.
func TestDeadline(t *testing.T) {
	server, client := pair(t)
	r, got := waiting(t, server, client)
	if err := client.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if o := <-got; !errors.Is(o.err, os.ErrDeadlineExceeded) {
		t.Errorf("%+v", o)
	}
	// It can be used again, as some do.
	if err := client.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	send(t, server, 1)
	if o := <-read(r); o.n != 1 || o.err != nil {
		t.Errorf("%+v", o)
	}
}

// TestNoSocket: what has no socket is read as it is.
func TestNoSocket(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _, _ = near.Close(), far.Close() }()
	if got, ok := Reader(near).(net.Conn); !ok || got != near {
		t.Errorf("%T", got)
	}
}
