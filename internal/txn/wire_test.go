//go:build unix

package txn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// wires returns both ends of a connection; the first one is a wire.
func wires(t *testing.T) (near, far net.Conn) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	dial := dialWire((&net.Dialer{}).DialContext)
	near, err = dial(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := near.(*wire); !ok {
		t.Fatalf("got a %T", near)
	}
	if far, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	for _, c := range []net.Conn{near, far} {
		_ = c.SetDeadline(time.Now().Add(time.Minute)) // nothing hangs for ever
	}
	return near, far
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatal(n, err)
	}
}

func expect(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// echo answers everything until the connection ends.
func echo(c net.Conn) { _, _ = io.Copy(c, c) }

func TestWireSendsWithTheRead(t *testing.T) {
	near, far := wires(t)
	send(t, near, "one ")
	send(t, near, "two")
	_ = far.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := far.Read(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes came before they were to be answered, %v", n, err)
	}
	_ = far.SetReadDeadline(time.Time{})
	go echo(far)
	expect(t, near, "one two")
	send(t, near, "three")
	expect(t, near, "thr") // the rest is there without a request
	expect(t, near, "ee")
}

func TestWireSendsWhileSomebodyReads(t *testing.T) {
	near, far := wires(t)
	var readers sync.WaitGroup
	readers.Go(func() { expect(t, near, "late") })
	for waiting := false; !waiting; {
		w := near.(*wire)
		w.mu.Lock()
		waiting = w.reading > 0
		w.mu.Unlock()
	}
	send(t, near, "late")
	echoed := make(chan struct{})
	go func() { defer close(echoed); echo(far) }()
	readers.Wait()
	_ = near.Close()
	<-echoed
}

func TestWireSaysFarewell(t *testing.T) {
	near, far := wires(t)
	send(t, near, "bye")
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(far); string(got) != "bye" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading after the end: %v", err)
	}
}

// TestWireEnds: the ways in which waiting ends are those of any connection.
func TestWireEnds(t *testing.T) {
	t.Run("deadline", func(t *testing.T) {
		near, _ := wires(t)
		send(t, near, "x")
		_ = near.SetDeadline(time.Now().Add(20 * time.Millisecond))
		var timeout net.Error
		if _, err := near.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("got %v", err)
		}
		send(t, near, "y") // as pgx does: it is told with the answer
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the next one: %v", err)
		}
	})
	t.Run("end of file", func(t *testing.T) {
		near, far := wires(t)
		send(t, near, "x")
		go func() {
			_, _ = far.Read(make([]byte, 1))
			_ = far.Close()
		}()
		if n, err := near.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("got %d, %v", n, err)
		}
	})
	t.Run("closed before", func(t *testing.T) {
		near, far := wires(t)
		_ = far.Close()
		send(t, near, "x")
		_, err := near.Read(make([]byte, 1))
		if err == nil {
			send(t, near, "x")
			_, err = near.Read(make([]byte, 1))
		}
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("close", func(t *testing.T) {
		near, _ := wires(t)
		send(t, near, "x")
		ended := make(chan error)
		go func() {
			_, err := near.Read(make([]byte, 1))
			ended <- err
		}()
		time.AfterFunc(20*time.Millisecond, func() { _ = near.Close() })
		if err := <-ended; err == nil {
			t.Error("reading from a closed connection")
		}
	})
}

// TestWireKeepsTheOrder: one writes, another reads, in pieces of all sizes, more
// than the system holds in both directions, and what comes back is what was sent.
func TestWireKeepsTheOrder(t *testing.T) {
	near, far := wires(t)
	const total = 32 << 20
	text := make([]byte, total)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	go echo(far)
	ctx, done := context.WithCancel(t.Context())
	go func() {
		defer done()
		for rest := text; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(3*holdBack))
			if random.IntN(4) == 0 {
				n = min(n, 100)
			}
			if _, err := near.Write(rest[:n]); err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
		// What is held back goes out with the next Read, or with this.
		w := near.(*wire)
		for w.held() > 0 && ctx.Err() == nil {
			_, _ = near.Write(make([]byte, holdBack))
		}
	}()
	got := make([]byte, total)
	for n := 0; n < total; {
		m, err := near.Read(got[n:min(total, n+1+n%50_000)])
		if err != nil {
			t.Fatal(n, err)
		}
		n += m
	}
	if !bytes.Equal(got, text) {
		t.Error("the bytes came back in another order")
	}
	_ = near.Close()
	<-ctx.Done()
}

func (w *wire) held() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending)
}
