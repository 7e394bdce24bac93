// Package txntest makes connections fail at the worst moment, for tests.
package txntest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"leap/internal/sandbox"
)

// Moment is when a connection is cut.
type Moment int32

// The moments.
const (
	Never Moment = iota
	// BeforeCommit: the server never hears of the commit, and rolls back.
	BeforeCommit
	// AfterCommit: the server commits, and nobody hears of it.
	AfterCommit
)

// Cutter stands between a client and a server, and cuts connections at COMMIT,
// or at the RELEASE with which cockroach-go commits. It cuts where the
// messages of the extended protocol meet those of the simple one, so it knows
// no statement but these.
type Cutter struct {
	listener net.Listener
	server   *sandbox.Server
	wait     sync.WaitGroup
	mu       sync.Mutex // guards all below
	next     func(n int) Moment
	commits  int
	cuts     map[Moment]int
	open     map[net.Conn]bool
}

// NewCutter starts a cutter in front of a server, and ends it with the test.
// next decides what becomes of the n-th commit, from 1.
func NewCutter(tb testing.TB, server *sandbox.Server, next func(n int) Moment) *Cutter {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the test
	if err != nil {
		tb.Fatal(err)
	}
	c := &Cutter{listener: listener, server: server, next: next, cuts: map[Moment]int{}, open: map[net.Conn]bool{}}
	c.wait.Go(c.accept)
	tb.Cleanup(c.close)
	return c
}

// Port is where the cutter listens, on the server's host.
func (c *Cutter) Port() int { return c.listener.Addr().(*net.TCPAddr).Port } //nolint:forcetypeassert // we listen on TCP

// Cuts counts the connections that were cut at a moment.
func (c *Cutter) Cuts(m Moment) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cuts[m]
}

func (c *Cutter) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	for conn := range c.open {
		_ = conn.Close()
	}
	c.mu.Unlock()
	c.wait.Wait()
}

func (c *Cutter) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("tcp", net.JoinHostPort(c.server.Host, strconv.Itoa(c.server.Port))) //nolint:noctx // local
		if err != nil {
			_ = client.Close()
			continue
		}
		c.mu.Lock()
		c.open[client], c.open[server] = true, true
		c.mu.Unlock()
		muted := make(chan struct{})
		c.wait.Go(func() { c.up(client, server, muted) })
		c.wait.Go(func() { c.down(client, server, muted) })
	}
}

// up carries requests, and looks for the commit in them.
func (c *Cutter) up(client, server net.Conn, muted chan struct{}) {
	defer c.drop(server)
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if n > 0 {
			switch c.judge(buffer[:n]) {
			case BeforeCommit:
				c.drop(client)
				return
			case AfterCommit:
				close(muted) // the answer goes nowhere; down cuts when it comes
			case Never:
			}
			if _, writeErr := server.Write(buffer[:n]); writeErr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// judge decides about the bytes of a request.
func (c *Cutter) judge(request []byte) Moment {
	request = bytes.ToLower(request)
	if !bytes.Contains(request, []byte("commit\x00")) && !bytes.Contains(request, []byte("release savepoint")) {
		return Never
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits++
	moment := c.next(c.commits)
	c.cuts[moment]++
	return moment
}

// down carries answers, unless they are to be lost.
func (c *Cutter) down(client, server net.Conn, muted chan struct{}) {
	defer c.drop(client)
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil && !errors.Is(err, io.EOF) {
			return
		}
		select {
		case <-muted:
			return // the server has answered, so it has committed
		default:
		}
		if n > 0 {
			if _, writeErr := client.Write(buffer[:n]); writeErr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *Cutter) drop(conn net.Conn) {
	c.mu.Lock()
	delete(c.open, conn)
	c.mu.Unlock()
	_ = conn.Close()
}
