package source

import (
	"fmt"
	"testing"

	"leap/internal/sandbox"
)

// TestReadingFromAReplica: its own binlog has nothing of what it applies, so that
// only a lock gives several connections one view, and the binlog's position,
// which stands still, must not be taken for that of the rows.
func TestReadingFromAReplica(t *testing.T) {
	start := func(args ...string) *sandbox.Server {
		server, err := sandbox.StartSource(t.Context(), sandbox.Options{ExtraArgs: args})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		return server
	}
	primary, replica := start(), start("--server-id=2", "--read-only", "--skip-log-slave-updates")
	if primary.Kind() == sandbox.MySQL {
		replica = start("--server-id=2", "--read-only", "--skip-log-replica-updates")
	}
	caughtUp := follow(t, primary, replica)
	execute(t, primary, "", "CREATE DATABASE d")
	execute(t, primary, "d", bookings)
	caughtUp()
	db := openAs(t, replica.URL("d"))
	for _, connections := range []int{3, 1} {
		var before Position
		for i := range 2 {
			k := keep(t, db, connections)
			s := viewOf(t, k)
			p := s.Position()
			if p.File != "" || (p.GTID == "") != (connections == 1) || p.Connections != connections {
				t.Errorf("position %+v", p)
			}
			if connections > 1 && (p.Method != MethodLock || i > 0 && p.GTID == before.GTID) {
				t.Errorf("position %+v after %+v", p, before)
			}
			before = p
			rows := looks(t, s, connections).rows
			execute(t, primary, "d", oneMore)
			caughtUp()
			if looks(t, s, connections).rows != rows {
				t.Error("the view moves")
			}
			cut(t, replica, s, connections)
			if next := viewOf(t, k).Position(); next == p {
				t.Errorf("a later view counts as the same: %+v", p)
			}
		}
	}
}

// follow makes one server the replica of another, and returns what waits for it.
func follow(t *testing.T, primary, replica *sandbox.Server) (caughtUp func()) {
	t.Helper()
	mariadb := primary.Kind() == sandbox.MariaDB
	connect := "CHANGE MASTER TO MASTER_HOST = '%s', MASTER_PORT = %d, MASTER_USER = 'root'," +
		" MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4; START SLAVE"
	if !mariadb {
		connect = "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '%s', SOURCE_PORT = %d, SOURCE_USER = 'root'," +
			" SOURCE_LOG_FILE = 'binlog.000001', SOURCE_LOG_POS = 4, GET_SOURCE_PUBLIC_KEY = 1; START REPLICA"
	}
	execute(t, replica, "", fmt.Sprintf(connect, primary.Host, primary.Port))
	ask := func(server *sandbox.Server, to any, query string, args ...any) {
		t.Helper()
		if err := pool(t, server).QueryRowContext(t.Context(), query, args...).Scan(to); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		t.Helper()
		var gtid string
		timedOut := 1
		if mariadb {
			ask(primary, &gtid, "SELECT @@gtid_binlog_pos")
			ask(replica, &timedOut, "SELECT MASTER_GTID_WAIT(?, 60)", gtid)
		} else {
			ask(primary, &gtid, "SELECT @@GLOBAL.gtid_executed")
			ask(replica, &timedOut, "SELECT WAIT_FOR_EXECUTED_GTID_SET(?, 60)", gtid)
		}
		if timedOut != 0 {
			t.Fatal("the replica does not follow")
		}
	}
}

// TestSourceWithoutBinlog: it has one view for several connections all the
// same, and no position.
func TestSourceWithoutBinlog(t *testing.T) {
	server, err := sandbox.StartSource(t.Context(), sandbox.Options{ExtraArgs: []string{"--skip-log-bin"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	execute(t, server, "", "CREATE DATABASE d")
	execute(t, server, "d", bookings)
	book(t, server, "d")
	s := viewOf(t, keep(t, openAs(t, server.URL("d")), 4))
	if p := s.Position(); p.Method != MethodLock || p.File != "" || p.GTID != "" {
		t.Errorf("position %+v", p)
	}
	if v := looks(t, s, 4); v.debit != v.credit {
		t.Errorf("the view is %+v", v)
	}
}
