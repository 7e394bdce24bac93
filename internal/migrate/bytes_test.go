package migrate

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"leap/internal/bank"
	"leap/internal/endpoint"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/verify"
)

// counter passes bytes on to a server and counts what comes back.
type counter struct {
	listener net.Listener
	server   string
	bytes    atomic.Int64
	open     sync.WaitGroup
}

// countAnswers returns the way to a server through a counter.
func countAnswers(t *testing.T, e endpoint.Endpoint) (endpoint.Endpoint, *counter) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{listener: listener, server: e.Addr()}
	c.open.Go(c.accept)
	t.Cleanup(func() {
		_ = listener.Close() // once
		c.open.Wait()
	})
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("listening on %v", listener.Addr())
	}
	e.Host, e.Port = "127.0.0.1", address.Port
	return e, c
}

func (c *counter) accept() {
	for {
		client, err := c.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		c.open.Go(func() { c.serve(client) })
	}
}

// serve passes one connection on until either side ends it.
func (c *counter) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", c.server)
	if err != nil {
		return // the client sees the end of its connection
	}
	defer func() { _ = server.Close() }()
	c.open.Go(func() {
		_, _ = io.Copy(server, client) // an end is an end
		_ = server.Close()
	})
	_, _ = io.Copy(io.MultiWriter(client, c), server)
}

// Write counts.
func (c *counter) Write(p []byte) (int, error) {
	c.bytes.Add(int64(len(p)))
	return len(p), nil
}

// TestPushdownMovesHardlyAnything compares what both servers send to the
// client for tables of 200,000 rows with what they send for empty ones of the
// same schema: what is between is for the rows. It must be below a thousandth
// of the rows themselves, which the tier stream brings here.
func TestPushdownMovesHardlyAnything(t *testing.T) {
	const rows = 200_000
	server := sandboxtest.Source(t)
	full, empty := sandboxtest.NewDatabase(t, server), sandboxtest.NewDatabase(t, server)
	for database, n := range map[string]int{full: rows, empty: 0} {
		db, err := server.DB(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		if err = bank.CreateWide(t.Context(), db, "wide", n); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{ // matched by buckets
			"CREATE TABLE named (name VARCHAR(40) PRIMARY KEY, note VARCHAR(80), at DATETIME(6))",
			"INSERT INTO named SELECT reference, description, booked_at FROM wide", "ANALYZE TABLE wide, named",
		} {
			if _, err = db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		_ = db.Close() // it was used up
	}
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		// answers are the bytes from source and target.
		answers := func(from, to string, tables []string, tier verify.Tier) [2]int64 {
			cfg := testConfig(t, server, from, target, to)
			source, sent := countAnswers(t, cfg.Source)
			dest, got := countAnswers(t, *cfg.Target)
			cfg.Source, cfg.Target, cfg.Verify = source, &dest, VerifyOptions{Tier: tier, Tables: tables, Settle: never}
			out, err := Run(t.Context(), cfg, Verify)
			if err != nil || out.Verdict != report.Pass {
				t.Fatalf("%s: %v, %v", tier, err, out.Reasons)
			}
			for _, table := range out.Tenants[0].Tables {
				if string(tier) != table.Tier {
					t.Errorf("%s is compared in the tier %s: %s", table.Name, table.Tier, table.TierReason)
				}
			}
			return [2]int64{sent.bytes.Load(), got.bytes.Load()}
		}
		moved := map[string]string{}
		for _, from := range []string{full, empty} {
			moved[from] = sandboxtest.NewDatabase(t, target)
			if out, err := Run(t.Context(), testConfig(t, server, from, target, moved[from]), Schema, Copy); err != nil {
				t.Fatalf("%v, %v", err, out.Reasons)
			}
		}
		for _, table := range []string{"wide", "named"} {
			only := []string{table}
			rest := answers(empty, moved[empty], only, verify.Pushdown)
			pushed, streamed := answers(full, moved[full], only, verify.Pushdown), answers(full, moved[full], only, verify.Stream)
			for i, side := range []string{"source", "target"} {
				all, few := streamed[i]-rest[i], pushed[i]-rest[i]
				t.Logf("%s, %s: %d bytes of rows, %d of digests", table, side, all, few)
				if all < rows*60 || few*1000 >= all {
					t.Errorf("%s, %s: %d bytes for %d of rows", table, side, few, all)
				}
			}
		}
	})
}
