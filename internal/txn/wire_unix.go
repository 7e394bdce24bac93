//go:build unix

package txn

import (
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// wire is a connection that sends a request when its answer is awaited: one
// visit to the runtime's poller writes, sleeps, and reads. Apart, a driver's
// write and read cost a third system call, in which the reader learns that no
// answer is there yet; for the reading of one row that is a tenth of the
// client's work.
//
// Nothing is held back for good: what was written goes out with the next Read,
// at once while a Read waits, and before Close. An error of the write comes out
// of the Read.
type wire struct {
	net.Conn
	raw syscall.RawConn

	mu      sync.Mutex // guards what follows; nothing waits for the network while it is held
	pending []byte
	reading int        // how many wait for an answer
	unused  *exchange  // of a Read that is over
	out     sync.Mutex // held by whoever sends; taken before mu is given up, so that the order is kept
}

// holdBack is how much is held back for the next Read; more goes out at once. A
// socket's buffer takes it without waiting.
const holdBack = 4 << 10

// dialWire makes the connections of dial wires, where they can be.
func dialWire(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c, ok := conn.(syscall.Conn)
		if !ok {
			return conn, nil
		}
		raw, err := c.SyscallConn()
		if err != nil {
			return conn, nil //nolint:nilerr // works without, as any connection does
		}
		return &wire{Conn: conn, raw: raw}, nil
	}
}

// Write implements [net.Conn].
func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	if w.reading == 0 && len(w.pending)+len(b) <= holdBack {
		w.pending = append(w.pending, b...)
		w.mu.Unlock()
		return len(b), nil
	}
	before := w.pending
	w.pending = nil
	w.out.Lock()
	defer w.out.Unlock()
	w.mu.Unlock()
	if len(before) > 0 {
		if _, err := w.Conn.Write(before); err != nil {
			return 0, err
		}
	}
	return w.Conn.Write(b)
}

// Read implements [net.Conn].
func (w *wire) Read(b []byte) (int, error) {
	w.mu.Lock()
	w.reading++
	if len(w.pending) == 0 {
		w.mu.Unlock()
		n, err := w.Conn.Read(b)
		w.mu.Lock()
		w.reading--
		w.mu.Unlock()
		return n, err
	}
	x := w.unused
	if w.unused = nil; x == nil {
		x = &exchange{wire: w}
		x.stepped = x.step
	}
	x.request, x.answer = w.pending, b
	w.pending = nil
	w.out.Lock()
	w.mu.Unlock()
	return w.exchange(x)
}

// exchange sends a request and reads the first bytes of its answer.
func (w *wire) exchange(x *exchange) (int, error) {
	whole := x.request[:0]
	err := w.raw.Read(x.stepped)
	if !x.sent {
		w.out.Unlock()
	}
	n, failed, rest, b := x.n, x.err, len(x.request), x.answer
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.reading--
		if rest > 0 {
			return // somebody still sends from it
		}
		if w.pending == nil {
			w.pending = whole
		}
		*x = exchange{wire: w, stepped: x.stepped}
		w.unused = x
	}()
	switch {
	case err != nil:
		return 0, err
	case failed != nil:
		return 0, &net.OpError{Op: "exchange", Net: w.RemoteAddr().Network(), Source: w.LocalAddr(), Addr: w.RemoteAddr(), Err: failed}
	case rest > 0:
		return w.Conn.Read(b)
	case n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// exchange is one request and the first bytes of its answer. It is used again
// for the next one: a new one for each would be a quarter of a read's garbage.
type exchange struct {
	*wire
	stepped         func(uintptr) bool // step, bound once
	request, answer []byte
	n               int
	err             error
	sent            bool
}

// step sends, or reads; false waits until there is something to be read. The
// poller listens since before the first call, so that no answer to what is sent
// here can be missed.
func (x *exchange) step(fd uintptr) bool {
	if !x.sent {
		x.sent = true
		return x.send(fd)
	}
	x.n, x.err = again(rawRead, fd, x.answer)
	if x.err == syscall.EAGAIN { //nolint:errorlint // a number of the system
		x.err = nil
		return false
	}
	return true
}

// send sends the request and reports whether there is nothing to wait for.
func (x *exchange) send(fd uintptr) bool {
	n, err := again(rawWrite, fd, x.request)
	if err == syscall.EAGAIN { //nolint:errorlint // a number of the system
		err = nil
	}
	x.request, x.err = x.request[n:], err
	if err != nil || len(x.request) == 0 {
		x.out.Unlock()
		return err != nil
	}
	// The system takes no more, perhaps because the server waits for us to
	// read: the rest has to go out meanwhile. Close ends it.
	go func(rest []byte) {
		defer x.out.Unlock()
		_, _ = x.Conn.Write(rest) // a connection that cannot be written to cannot be read from either
	}(x.request)
	return true
}

// again calls a system call until no signal interrupts it.
func again(call func(int, []byte) (int, error), fd uintptr, b []byte) (int, error) {
	for {
		n, err := call(int(fd), b)
		if err != syscall.EINTR { //nolint:errorlint // a number of the system
			return max(n, 0), err
		}
	}
}

// Close implements [net.Conn].
func (w *wire) Close() error {
	// What is held back is the word that ends a session, unless somebody sends
	// or waits: then the connection is cut.
	if w.mu.TryLock() {
		if len(w.pending) > 0 && w.out.TryLock() {
			_ = w.SetWriteDeadline(time.Now().Add(farewell))
			_, _ = w.Conn.Write(w.pending) // nobody waits for it to be heard
			w.pending = nil
			w.out.Unlock()
		}
		w.mu.Unlock()
	}
	err := w.Conn.Close()
	w.out.Lock() // whoever was sending was interrupted
	defer w.out.Unlock()
	return err
}
