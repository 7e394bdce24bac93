package target

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/sandbox/sandboxtest"
)

// TestReadAheadByTwo: the driver reads a connection that it gives up while its
// last reader still waits. Every byte goes to one of them.
func TestReadAheadByTwo(t *testing.T) {
	near, far := net.Pipe()
	config := &pgxpool.Config{ConnConfig: &pgx.ConnConfig{}}
	config.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	readAhead(config)
	conn, err := config.ConnConfig.DialFunc(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	var got atomic.Int64
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			n, copyErr := io.Copy(io.Discard, conn)
			got.Add(n)
			if copyErr != nil {
				t.Error(copyErr)
			}
		})
	}
	const writes, size = 200, 100
	for range writes {
		if _, err := far.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	readers.Wait()
	if got.Load() != writes*size {
		t.Errorf("%d bytes of %d arrived", got.Load(), writes*size)
	}
}

// freezer passes bytes on to a server until it is frozen: then it takes them and
// says nothing, as a network does that drops packets.
type freezer struct {
	net.Listener
	frozen  atomic.Bool
	running sync.WaitGroup

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

func freeze(t *testing.T, port int) *freezer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &freezer{Listener: l}
	f.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				_ = client.Close()
				continue
			}
			f.mu.Lock()
			f.conns = append(f.conns, client, server)
			f.mu.Unlock()
			f.running.Go(func() { f.pass(server, client) })
			f.running.Go(func() { f.pass(client, server) })
		}
	})
	t.Cleanup(f.end)
	return f
}

func (f *freezer) pass(to, from net.Conn) {
	buf := make([]byte, 1<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if !f.frozen.Load() {
			_, _ = to.Write(buf[:n]) // the next read fails as well
		}
	}
}

func (f *freezer) end() {
	_ = f.Close()
	f.mu.Lock()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.running.Wait()
}

// TestFrozenIdleConnection: a connection that has died while nobody used it is
// given up in the time that one attempt to connect may take.
func TestFrozenIdleConnection(t *testing.T) {
	server := sandboxtest.Target(t)
	network := freeze(t, server.Port)
	e := parse(t, server.URL(sandboxtest.NewDatabase(t, server)))
	e.Port, e.ConnectTimeout = network.Addr().(*net.TCPAddr).Port, time.Second
	db, err := Connect(t.Context(), e, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	t.Cleanup(network.end)                // before that, or closing waits for the network
	<-time.After(1500 * time.Millisecond) // the driver asks whether it lives after a second
	network.frozen.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	started := time.Now()
	if err := db.Exec(ctx, "SELECT 1"); err == nil {
		t.Error("a frozen server answered")
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("given up after %s", took)
	}
}
