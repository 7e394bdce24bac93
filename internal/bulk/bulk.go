// Package bulk reads streams of rows from a socket in large pieces. A server sends
// what it has as soon as 8 or 16 kB are there, and every time wakes a reader who has
// caught up with it: with a million rows a second, an eighth of what client and
// servers do is to fall asleep and to wake up.
package bulk

import (
	"io"
	"net"
	"time"
)

const (
	// piece is what a reader waits for while a stream flows. A kernel gives a
	// socket several times as much room from the start.
	piece = 32 << 10
	// flowing is how much a read must have brought for the next one to wait for a
	// piece: less is an answer, or the end of a stream.
	flowing = 8 << 10
	// patience is how long a piece may take to arrive; then what is there will do.
	// The end of a stream is hardly ever a whole piece, and is late by this.
	patience = time.Millisecond
)

// Reader returns a reader of a connection, for one goroutine at a time. It waits for
// larger pieces than the connection's own Read while a stream flows, on systems where
// that can be had. Deadlines of the connection hold, and its end is seen at once.
func Reader(conn net.Conn) io.Reader {
	r := &reader{conn: conn, patience: patience}
	if r.wake = waker(conn); r.wake == nil {
		return conn
	}
	r.enough = time.AfterFunc(time.Hour, func() { r.wake(1) })
	r.enough.Stop()
	return r
}

type reader struct {
	conn     net.Conn
	patience time.Duration
	last     int // what the last read brought
	// wake has the kernel wake who waits when so many bytes are there, at once when
	// they already are. False says that it did not hear.
	wake   func(bytes int) bool
	enough *time.Timer // ends the wait for a piece
}

// Read implements [io.Reader].
func (r *reader) Read(p []byte) (n int, err error) {
	if r.last < flowing || len(p) < piece || !r.wake(piece) {
		n, err = r.conn.Read(p)
	} else {
		r.enough.Reset(r.patience)
		n, err = r.conn.Read(p)
		// The timer may still be about to say the same: that makes a later read
		// wait for less, never for more.
		r.enough.Stop()
		r.wake(1)
	}
	r.last = n
	return n, err //nolint:wrapcheck // the connection's own
}
