package source

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/sandbox"
)

func keep(t *testing.T, db *DB, connections int) *Keeper {
	t.Helper()
	k, err := db.Keep(t.Context(), SnapshotOptions{Connections: connections})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func viewOf(t *testing.T, k *Keeper) *Snapshot {
	t.Helper()
	s, err := k.View(t.Context())
	if err != nil {
		t.Fatalf("%v (%s)", err, fault.HintOf(err))
	}
	return s
}

// cut kills n connections of a snapshot on the server and lets the snapshot notice.
func cut(t *testing.T, server *sandbox.Server, s *Snapshot, n int) {
	t.Helper()
	var lent []*sql.Conn
	for range n {
		c, err := s.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var id int64
		if err := c.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
			t.Fatal(err)
		}
		execute(t, server, "", fmt.Sprintf("KILL %d", id))
		lent = append(lent, c)
	}
	for _, c := range lent {
		if alive(t.Context(), c) {
			t.Error("the connection was not killed")
		}
		s.Discard(c)
	}
}

// looks returns what all connections of the snapshot see; they must agree.
func looks(t *testing.T, s *Snapshot, connections int) view {
	t.Helper()
	var lent []*sql.Conn
	var first view
	for i := range connections {
		c, err := s.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		lent = append(lent, c)
		v := look(t, c)
		if i == 0 {
			first = v
		}
		if v != first {
			t.Errorf("connection %d sees %+v, the first %+v", i, v, first)
		}
	}
	for _, c := range lent {
		s.Release(c)
	}
	return first
}

const oneMore = "INSERT INTO n VALUES ()"

// TestLostConnectionComesBack: nobody wrote, so that a new connection shows the same view.
func TestLostConnectionComesBack(t *testing.T) {
	for _, method := range []string{MethodBinlog, MethodLock} {
		t.Run(method, func(t *testing.T) {
			db, server := open(t, bookings)
			switch {
			case db.Info().Product == MySQL && method == MethodBinlog:
				t.Skip("MySQL does not say where a snapshot stands")
			case db.Info().Product == MariaDB && method == MethodLock:
				db.info.Product, db.info.version = MySQL, version{8, 0, 0}
			}
			k := keep(t, db, 3)
			s := viewOf(t, k)
			if s.Position().Method != method {
				t.Fatalf("method %s", s.Position().Method)
			}
			before := looks(t, s, 3)
			cut(t, server, s, 2)
			if again := viewOf(t, k); again != s {
				t.Error("another snapshot, though one connection was left")
			}
			if missing, _ := s.missing(); missing != 0 {
				t.Fatalf("%d connections are missing", missing)
			}
			if after := looks(t, s, 3); after != before {
				t.Errorf("the view is %+v, was %+v", after, before)
			}
		})
	}
}

// TestViewOutlivesWrites: somebody wrote, so that a lost connection cannot come
// back; the remaining one keeps the view, and only its loss ends it.
func TestViewOutlivesWrites(t *testing.T) {
	db, server := open(t, bookings)
	k := keep(t, db, 3)
	s := viewOf(t, k)
	first := s.Position()
	before := looks(t, s, 3)
	execute(t, server, db.Info().Database, oneMore)
	cut(t, server, s, 2)
	if again := viewOf(t, k); again != s || !k.moved {
		t.Fatalf("the snapshot was given up (moved: %v)", k.moved)
	}
	if missing, _ := s.missing(); missing != 2 {
		t.Fatalf("%d connections are missing, want 2: a later view was mixed in", missing)
	}
	if after := looks(t, s, 1); after != before {
		t.Errorf("the view is %+v, was %+v", after, before)
	}
	cut(t, server, s, 1)
	next := viewOf(t, k)
	if next == s || next.Position().Offset <= first.Offset || next.Position().Connections != 3 {
		t.Errorf("position %+v after %+v", next.Position(), first)
	}
	if after := looks(t, next, 3); after.rows != before.rows+1 {
		t.Errorf("the newer snapshot sees %+v", after)
	}
}

// TestUnseenWrites: the binlog stands where it did, and rows changed all the same.
func TestUnseenWrites(t *testing.T) {
	const change = "UPDATE debit SET v = v + 1; INSERT INTO n VALUES (); UPDATE credit SET v = v + 1"
	reset := func(db *DB) string {
		if db.Info().Product == MySQL && db.Info().version.atLeast(8, 2, 0) {
			return "RESET BINARY LOGS AND GTIDS"
		}
		return "RESET MASTER"
	}
	for name, write := range map[string]func(db *DB) string{
		"unlogged": func(*DB) string { return "SET sql_log_bin = 0; " + change + "; SET sql_log_bin = 1" },
		"reset":    func(db *DB) string { return change + "; " + reset(db) },
	} {
		for _, all := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, all %v", name, all), func(t *testing.T) {
				server, err := sandbox.StartSource(t.Context(), sandbox.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = server.Stop() })
				execute(t, server, "", "CREATE DATABASE d")
				execute(t, server, "d", bookings)
				db := openAs(t, server.URL("d"))
				execute(t, server, "d", reset(db))
				k := keep(t, db, 3)
				s := viewOf(t, k)
				first, before := s.Position(), looks(t, s, 3)
				execute(t, server, "d", write(db))
				lost := 1
				if all {
					lost = 3
				}
				cut(t, server, s, lost)
				next := viewOf(t, k)
				if p := next.Position(); all && (next == s || p == first) {
					t.Errorf("a later view counts as the same: %+v", p)
				}
				if !all && looks(t, next, len(next.live)) != before {
					t.Errorf("the view moved: %+v", next.Position())
				}
				if !all && len(next.live) != 2 {
					t.Errorf("%d connections", len(next.live))
				}
			})
		}
	}
}

// TestWholeSnapshotComesBack: all connections are lost, and nobody wrote.
func TestWholeSnapshotComesBack(t *testing.T) {
	db, server := open(t, bookings)
	k := keep(t, db, 2)
	s := viewOf(t, k)
	cut(t, server, s, 2)
	next := viewOf(t, k)
	if next == s || next.Position() != s.Position() {
		t.Errorf("position %+v, was %+v", next.Position(), s.Position())
	}
	looks(t, next, 2)
}

// TestSourceRestarts: while it is away the caller is told to come again; then
// the snapshot is a later one even if nobody wrote, since a server that crashed
// may have lost what was written last.
func TestSourceRestarts(t *testing.T) {
	server, err := sandbox.StartSource(t.Context(), sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	execute(t, server, "", "CREATE DATABASE d")
	execute(t, server, "d", bookings)
	db := openAs(t, server.URL("d"))
	k := keep(t, db, 2)
	first := viewOf(t, k).Position()
	if err = server.Kill(); err != nil {
		t.Fatal(err)
	}
	viewOf(t, k).pingIdle(t.Context())
	if _, err = k.View(t.Context()); err == nil || retry.Classify(err) != retry.Retryable || fault.HintOf(err) == "" {
		t.Errorf("while the source is away: %v", err)
	}
	if err = server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := viewOf(t, k)
	if p := next.Position(); p.File == first.File || p.GTID != first.GTID {
		t.Errorf("position %+v after %+v", p, first)
	}
	looks(t, next, 2)
}

func TestForeignSourceIsRefused(t *testing.T) {
	db, server := open(t, bookings)
	k := keep(t, db, 2)
	s := viewOf(t, k)
	cut(t, server, s, 1)
	another := db.info
	another.ServerUUID = "another"
	db.server.first.Store(&another)
	db.pool.SetMaxIdleConns(0) // those were looked at before
	if viewOf(t, k); len(s.free) != 1 {
		t.Error("a connection to another server was taken in")
	}
	cut(t, server, s, 1)
	_, err := k.View(t.Context())
	if err == nil || fault.ClassOf(err) != fault.Refused || retry.Classify(err) != retry.Fatal || !strings.Contains(err.Error(), "another server") {
		t.Errorf("got %v", err)
	}
}

func TestSourceThatLostTransactionsIsRefused(t *testing.T) {
	db, _ := open(t, bookings)
	conn, err := db.pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// On MySQL, what the server itself did is a domain, the numbers being sets.
	mysql := strings.NewReplacer("0-1-", uuidOf(0)+":1-", "0-9-", uuidOf(0)+":1-", "3-2-", uuidOf(3)+":1-", "3-9-", uuidOf(3)+":1-", "3-5-", uuidOf(3)+":1-")
	at := func(file string, offset uint64, gtid string) Position {
		if db.Info().Product == MySQL {
			gtid = mysql.Replace(gtid)
		}
		return Position{Method: MethodBinlog, File: file, Offset: offset, GTID: gtid, TakenAt: time.Now()}
	}
	before := at("b.000002", 345, "0-1-10,3-2-7")
	for name, test := range map[string]struct {
		after   Position
		same    bool
		refused bool
	}{
		"same":               {after: before, same: true},
		"another history":    {after: at("b.000002", 345, "0-1-10,3-2-8")},
		"later":              {after: at("b.000002", 400, "0-1-11,3-2-7")},
		"restarted":          {after: at("b.000003", 345, "0-1-10,3-2-7")},
		"lost":               {after: at("b.000003", 345, "0-1-9,3-2-7"), refused: true},
		"lost in one domain": {after: at("b.000003", 345, "0-1-90,3-9-6"), refused: true},
		"restored":           {after: at("b.000003", 345, "0-1-90"), refused: true},
		"other numbers":      {after: at("b.000003", 345, "3-5-100000000000,0-9-11")},
		"unknown":            {after: at("b.000003", 345, "")},
	} {
		same, err := db.compare(t.Context(), conn, before, test.after)
		if same != test.same || (err != nil) != test.refused || err != nil && fault.ClassOf(err) != fault.Refused {
			t.Errorf("%s: %v, %v", name, same, err)
		}
	}
	none := Position{Method: MethodNone, File: "b.000002", Offset: 345}
	if same, err := db.compare(t.Context(), conn, none, none); same || err != nil {
		t.Errorf("without snapshots: %v, %v", same, err)
	}
}

func uuidOf(n int) string { return fmt.Sprintf("1f5a0cd2-8a1c-11ee-b2f8-%012d", n) }

func pool(t *testing.T, server *sandbox.Server) *sql.DB {
	t.Helper()
	db, err := server.DB(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestLimitLeavesRoom: the one who watches the source's load keeps a connection, so
// that a snapshot in the place of a lost one must do with what is left.
func TestLimitLeavesRoom(t *testing.T) {
	for _, method := range []string{MethodBinlog, MethodLock, MethodNone} {
		t.Run(method, func(t *testing.T) {
			db, server := open(t, bookings)
			mode := Consistent
			switch method {
			case MethodLock:
				db.info.BinlogEnabled = false
			case MethodNone:
				mode = NoSnapshot
			}
			db.LimitConnections(3)
			k, err := db.Keep(t.Context(), SnapshotOptions{Connections: 2, Mode: mode})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = k.Close() })
			g := db.NewGauge()
			defer g.Close()
			if _, err = g.ThreadsRunning(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, all := range []bool{false, true} {
				s := viewOf(t, k)
				lost := 1
				if all {
					lost = len(s.live)
					execute(t, server, db.Info().Database, oneMore)
				}
				cut(t, server, s, lost)
				began := time.Now()
				looks(t, viewOf(t, k), 1)
				if took := time.Since(began); took > db.patience/2 {
					t.Errorf("%d lost: a view after %s", lost, took)
				}
			}
		})
	}
}

// TestRefillDoesNotWait: somebody else has the place of a lost connection.
func TestRefillDoesNotWait(t *testing.T) {
	db, server := open(t, bookings)
	db.LimitConnections(3)
	k := keep(t, db, 2)
	s := viewOf(t, k)
	cut(t, server, s, 1)
	others, err := db.openConns(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer dropAll(others)
	began := time.Now()
	if again := viewOf(t, k); again != s || time.Since(began) > db.patience/2 {
		t.Errorf("the view after %s", time.Since(began))
	}
}

// TestNoConnectionIsFree: somebody else holds what is allowed. Waiting ends, and
// whoever retries may do so.
func TestNoConnectionIsFree(t *testing.T) {
	db, _ := open(t, bookings)
	db.LimitConnections(1)
	db.patience = 50 * time.Millisecond
	conn, err := db.pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []SnapshotMode{Consistent, NoSnapshot} {
		s, refused := db.Snapshot(t.Context(), SnapshotOptions{Connections: 2, Mode: mode})
		if refused == nil {
			_ = s.Close()
			t.Fatalf("%s: a snapshot of no connection", mode)
		}
		if retry.Classify(refused) != retry.Retryable || !strings.Contains(fault.HintOf(refused), "--max-connections") {
			t.Errorf("%s: %v (%s)", mode, refused, fault.HintOf(refused))
		}
	}
	if err = conn.Close(); err != nil {
		t.Fatal(err)
	}
	take(t, db, SnapshotOptions{Connections: 2})
}

// TestIdleSnapshotIsKept: the server ends transactions that do nothing for a while,
// which those of a paused copy, or of one that waits for its target, must survive.
func TestIdleSnapshotIsKept(t *testing.T) {
	db, server := open(t, bookings)
	if db.Info().Product != MariaDB {
		t.Skip("MySQL has no limit on idle transactions")
	}
	const limits = "SET GLOBAL idle_transaction_timeout = %d; SET GLOBAL idle_readonly_transaction_timeout = %[1]d"
	execute(t, server, "", fmt.Sprintf(limits, 1))
	t.Cleanup(func() {
		if err := server.Exec(context.WithoutCancel(t.Context()), "", fmt.Sprintf(limits, 0)); err != nil {
			t.Error(err)
		}
	})
	db.pool.SetMaxIdleConns(0) // made before the limits
	s := take(t, db, SnapshotOptions{Connections: 2})
	<-time.After(2500 * time.Millisecond)
	s.pingIdle(t.Context())
	if missing, _ := s.missing(); missing != 0 {
		t.Errorf("%d connections were ended", missing)
	}
}
