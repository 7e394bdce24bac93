package source

import (
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/sandbox"
)

// through returns the server's address by way of a link that takes each
// connection to the next of the servers, as a balancer does, and each answer a while.
func through(t *testing.T, database string, delay time.Duration, servers ...*sandbox.Server) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var links sync.WaitGroup
	links.Go(func() {
		for i := 0; ; i++ {
			client, ended := listener.Accept()
			if ended != nil {
				return
			}
			links.Go(func() { link(ctx, client, address(t, servers[i%len(servers)].URL(database)).Addr(), delay) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		links.Wait()
	})
	u, err := url.Parse(servers[0].URL(database))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	return u.String()
}

// link carries one connection until one of its ends, or the context, is over.
func link(ctx context.Context, client net.Conn, to string, delay time.Duration) {
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
	if err != nil {
		_ = client.Close()
		return
	}
	both := func() {
		_ = client.Close()
		_ = server.Close()
	}
	stop := context.AfterFunc(ctx, both)
	defer stop()
	var done sync.WaitGroup
	done.Go(func() {
		_, _ = io.Copy(server, client)
		both()
	})
	buffer := make([]byte, 1<<16)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			break
		}
		<-time.After(delay)
		if _, err = client.Write(buffer[:n]); err != nil {
			break
		}
	}
	both()
	done.Wait()
}

// TestOneServerBehindTheAddress: two servers stand at one binlog position, and a
// lock on one of them does not hold the other: snapshots of both are no view.
func TestOneServerBehindTheAddress(t *testing.T) {
	var servers []*sandbox.Server
	for i, id := range []string{"7", "8"} {
		server, err := sandbox.StartSource(t.Context(), sandbox.Options{ExtraArgs: []string{"--server-id=" + id}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		execute(t, server, "", "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); INSERT INTO d.t VALUES (1, "+[]string{"1", "2"}[i]+"00)")
		servers = append(servers, server)
	}
	db := openAs(t, through(t, "d", 0, servers...))
	for _, mode := range []SnapshotMode{Consistent, NoSnapshot} {
		s, err := db.Snapshot(t.Context(), SnapshotOptions{Connections: 4, Mode: mode})
		if err == nil {
			t.Errorf("%s: a snapshot of two servers: %+v", mode, s.Position())
			_ = s.Close()
			continue
		}
		if fault.ClassOf(err) != fault.Refused || retry.Classify(err) != retry.Fatal ||
			!strings.Contains(err.Error(), "another server") || !strings.Contains(fault.HintOf(err), "address of one server") {
			t.Errorf("%s: %v (%s)", mode, err, fault.HintOf(err))
		}
	}
	one := take(t, openAs(t, through(t, "d", 0, servers[1])), SnapshotOptions{Connections: 4})
	if p := one.Position(); p.Connections != 4 {
		t.Errorf("one server behind a link: %+v", p)
	}
}

func TestServersAreTold(t *testing.T) {
	maria := Info{Product: MariaDB, ServerUUID: "uid", Host: "a", ServerID: 1}
	mysql := Info{Product: MySQL, ServerUUID: "uuid", Host: "a", ServerID: 1}
	for name, c := range map[string]struct {
		one, other Info
		same       bool
	}{
		"same":             {maria, maria, true},
		"uid":              {maria, Info{ServerUUID: "uie", Host: "a", ServerID: 1}, false},
		"containers":       {maria, Info{ServerUUID: "uid", Host: "b", ServerID: 1}, false},
		"replica":          {maria, Info{ServerUUID: "uid", Host: "a", ServerID: 2}, false},
		"mysql":            {mysql, Info{ServerUUID: "uuie", Host: "a", ServerID: 1}, false},
		"mysql, new host":  {mysql, Info{ServerUUID: "uuid", Host: "b", ServerID: 1}, true},
		"mysql, all alike": {mysql, mysql, true},
	} {
		if got := c.one.sameServer(c.other); got != c.same {
			t.Errorf("%s: %v", name, got)
		}
	}
}
