//go:build unix

package sandbox

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

func TestLife(t *testing.T) {
	eachKind(t, func(t *testing.T, start starter) {
		t.Helper()
		dir := publicDir(t)
		var log lockedBuffer
		s := start.run(t, Options{Dir: dir, Log: &log})

		mustExec(t, s, "", "CREATE DATABASE life")
		mustExec(t, s, "life", "CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
		if n := count(t, s, "life", "SELECT count(*) FROM t"); n != 2 {
			t.Errorf("%d rows", n)
		}
		// The error of a later statement must not be lost.
		if err := s.Exec(t.Context(), "life", "INSERT INTO t VALUES (3); INSERT INTO t VALUES (3)"); err == nil {
			t.Error("a duplicate key in the second statement went unnoticed")
		}
		if err := s.Exec(t.Context(), "nowhere", "CREATE TABLE t (a INT PRIMARY KEY)"); err == nil {
			t.Error("made a table in a database that does not exist")
		}
		if len(processesIn(t, dir)) == 0 {
			t.Error("processesIn does not see the server: the test below proves nothing")
		}
		if s.Version() == "" || !strings.HasPrefix(s.String(), string(s.Kind())+" "+s.Version()) {
			t.Errorf("version %q of %s", s.Version(), s)
		}
		if s.StandIn() != strings.Contains(s.String(), "stand-in for CockroachDB") {
			t.Errorf("%s is ambiguous about being a stand-in", s)
		}

		if err := errors.Join(s.Stop(), s.Stop()); err != nil {
			t.Error(err)
		}
		// Stop waits, so there is nothing to wait for here.
		if left := processesIn(t, dir); len(left) > 0 {
			t.Errorf("still running: %s", left)
		}
		nothingLeft(t, dir)
		if err := s.Restart(t.Context()); !errors.Is(err, errStopped) {
			t.Errorf("restart after stop: %v", err)
		}
		if s.Kind() != Cockroach && log.Len() == 0 { // CockroachDB logs to files
			t.Error("the log stayed empty")
		}
	})
}

// lockedBuffer may be written while it is read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Len()
}

func TestParallelStart(t *testing.T) {
	eachKind(t, func(t *testing.T, start starter) {
		t.Helper()
		const servers = 3
		var wg sync.WaitGroup
		started := make([]*Server, servers)
		for i := range servers {
			wg.Go(func() {
				s, err := start(t.Context(), Options{})
				if err != nil {
					t.Error(err)
					return
				}
				started[i] = s
			})
		}
		wg.Wait()
		ports := map[int]bool{}
		for _, s := range started {
			if s == nil {
				continue
			}
			ports[s.Port] = true
			mustExec(t, s, "", "CREATE DATABASE mine") // fails where two are one
		}
		if len(ports) != servers {
			t.Errorf("ports %v", ports)
		}
		for _, s := range started {
			if s != nil {
				wg.Go(func() {
					if err := s.Stop(); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
	})
}

func TestKillAndRestart(t *testing.T) {
	eachKind(t, func(t *testing.T, start starter) {
		t.Helper()
		s := start.run(t, Options{Durable: true})
		port := s.Port
		mustExec(t, s, "", "CREATE DATABASE kept")
		mustExec(t, s, "kept", "CREATE TABLE t (a INT PRIMARY KEY)")
		mustExec(t, s, "kept", "INSERT INTO t VALUES (1)")

		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(t.Context(), "kept", "SELECT 1"); err == nil {
			t.Error("a killed server answers")
		}
		if left := processesIn(t, s.home.data()); len(left) > 0 {
			t.Errorf("after Kill still running: %s", left)
		}
		if err := s.Kill(); err != nil {
			t.Errorf("second Kill: %v", err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustExec(t, s, "kept", "INSERT INTO t VALUES (2)")
		if err := s.Restart(t.Context()); err != nil { // while it runs
			t.Fatal(err)
		}
		if n := count(t, s, "kept", "SELECT count(*) FROM t"); n != 2 || s.Port != port {
			t.Errorf("%d of 2 rows on port %d, before %d", n, s.Port, port)
		}
	})
}

func TestLoopbackOnly(t *testing.T) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	eachKind(t, func(t *testing.T, start starter) {
		t.Helper()
		s := start.run(t, Options{})
		for _, addr := range addrs {
			ip, ok := addr.(*net.IPNet)
			if !ok || ip.IP.IsLoopback() || ip.IP.To4() == nil {
				continue
			}
			c, err := net.DialTimeout("tcp4", strings.Replace(address(s.Port), loopback, ip.IP.String(), 1), time.Second)
			if err == nil {
				t.Errorf("reachable on %s", ip.IP)
				_ = c.Close()
			}
		}
	})
}

func TestSourceAccountAndSettings(t *testing.T) {
	needServers(t)
	s := starter(StartSource).run(t, Options{ExtraArgs: []string{"--max-connections=77"}})
	u, err := url.Parse(s.UserURL(""))
	if err != nil {
		t.Fatal(err)
	}
	password, ok := u.User.Password()
	if u.User.Username() != "leap" || !ok || len(password) < 20 || strings.Contains(s.URL(""), password) {
		t.Fatalf("accounts %q and %q", s.URL(""), u.User.Username())
	}
	if n := asLeap(t, s, password, "SELECT count(*) FROM mysql.user WHERE user = 'leap'"); n != 1 {
		t.Errorf("%d accounts called leap", n)
	}
	if err := tryLeap(t.Context(), s, "wrong", "SELECT 1", new(int)); err == nil {
		t.Error("a wrong password is accepted")
	}
	for query, want := range map[string]int{
		"SELECT @@log_bin": 1, "SELECT @@binlog_format = 'ROW'": 1, "SELECT @@server_id": 1, "SELECT @@max_connections": 77,
		"SELECT @@max_allowed_packet": mysqlPacketBytes, "SELECT @@character_set_server = 'utf8mb4'": 1,
		"SELECT @@innodb_flush_log_at_trx_commit": 2, "SELECT @@performance_schema": 0,
		"SELECT @@skip_name_resolve": 1, "SELECT count(*) FROM mysql.user WHERE user = ''": 0,
	} {
		if n := count(t, s, "", query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}

func asLeap(t *testing.T, s *Server, password, query string) (n int) {
	t.Helper()
	if err := tryLeap(t.Context(), s, password, query, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func tryLeap(ctx context.Context, s *Server, password, query string, into *int) error {
	config := mysql.NewConfig()
	config.User, config.Passwd, config.Net, config.Addr = sourceUser, password, "tcp", address(s.Port)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	return errors.Join(db.QueryRowContext(ctx, query).Scan(into), db.Close())
}

func TestURL(t *testing.T) {
	for kind, want := range map[Kind]string{
		MySQL:     "mysql://root@127.0.0.1:1234/a%20b",
		MariaDB:   "mysql://root@127.0.0.1:1234/a%20b",
		Postgres:  "postgresql://root@127.0.0.1:1234/a%20b?sslmode=disable",
		Cockroach: "postgresql://root@127.0.0.1:1234/a%20b?sslmode=disable",
	} {
		s := &Server{Port: 1234, engine: engineOf(kind)}
		if got := s.URL("a b"); got != want {
			t.Errorf("%s: got %s, want %s", kind, got, want)
		}
	}
}

// TestStartFails checks that a server that does not come up says why, soon,
// and leaves nothing.
func TestStartFails(t *testing.T) {
	eachKind(t, func(t *testing.T, start starter) {
		t.Helper()
		dir := publicDir(t)
		s, err := start(t.Context(), Options{Dir: dir, ExtraArgs: []string{"--no-such-option=1"}})
		if err == nil {
			t.Fatal(errors.Join(errors.New("started"), s.Stop()))
		}
		if !strings.Contains(err.Error(), "no-such-option") && !strings.Contains(err.Error(), "no_such_option") {
			t.Errorf("no reason in %v", err)
		}
		nothingLeft(t, dir)
	})
}

func TestStartCancelled(t *testing.T) {
	eachKind(t, func(t *testing.T, start starter) {
		t.Helper()
		for _, after := range []time.Duration{0, 30 * time.Millisecond, 150 * time.Millisecond} {
			dir := publicDir(t)
			ctx, cancel := context.WithTimeout(t.Context(), after)
			s, err := start(ctx, Options{Dir: dir})
			cancel()
			if err == nil {
				t.Logf("started within %v", after)
				err = s.Stop()
			} else if errors.Is(err, context.DeadlineExceeded) {
				err = nil
			}
			if err != nil && !strings.Contains(err.Error(), "killed") {
				t.Error(err)
			}
			nothingLeft(t, dir)
		}
	})
}

func TestUnreachableFolder(t *testing.T) {
	needServers(t)
	if os.Geteuid() != 0 {
		t.Skip("only root starts servers under another account")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := StartSource(t.Context(), Options{Dir: dir}); !errors.Is(err, errUnreachable) || !strings.Contains(err.Error(), dir) {
		t.Errorf("asked for %s, which nobody can enter: %v", dir, err)
	}
	// A TMPDIR like that is root's own affair: servers go elsewhere.
	t.Setenv("TMPDIR", dir)
	s := starter(StartSource).run(t, Options{})
	if strings.HasPrefix(s.Dir, dir) {
		t.Errorf("server in %s", s.Dir)
	}
}
