package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"leap/internal/fault"
	"leap/internal/sandbox"
)

func take(t *testing.T, db *DB, opts SnapshotOptions) *Snapshot {
	t.Helper()
	s, err := db.Snapshot(t.Context(), opts)
	if err != nil {
		t.Fatalf("%v (%s)", err, fault.HintOf(err))
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// bookings is a database in which every transaction adds the same amount to
// one table and to the other: in a consistent view the sums are equal.
const bookings = `CREATE TABLE debit (id INT PRIMARY KEY, v BIGINT); CREATE TABLE credit (id INT PRIMARY KEY, v BIGINT);
	CREATE TABLE n (id INT AUTO_INCREMENT PRIMARY KEY);
	INSERT INTO debit VALUES (0,0),(1,0),(2,0),(3,0); INSERT INTO credit SELECT * FROM debit`

// book writes to the database from four sessions until the test ends.
func book(t *testing.T, server *sandbox.Server, database string) *atomic.Int64 {
	t.Helper()
	pool, err := server.DB(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var g errgroup.Group
	var committed atomic.Int64
	for i := range 4 {
		g.Go(func() error {
			for ctx.Err() == nil {
				err := bookOnce(ctx, pool, i)
				if isServerError(err, errDeadlock) {
					continue // LOCK TABLES was in the way
				}
				if err != nil && ctx.Err() == nil {
					return err
				}
				committed.Add(1)
			}
			return nil
		})
	}
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Errorf("writer: %v", err)
		}
		_ = pool.Close()
	})
	for committed.Load() < 50 {
		select {
		case <-t.Context().Done():
			t.Fatal("the writers do not write")
		case <-time.After(time.Millisecond):
		}
	}
	return &committed
}

// monitor asks for the status over and over, as a monitoring program would: the
// answers of sessions that ask at the same time may get mixed up.
func monitor(t *testing.T, server *sandbox.Server) {
	t.Helper()
	pool, err := server.DB(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			_, _ = pool.ExecContext(ctx, "SHOW GLOBAL STATUS")
		}
	})
	t.Cleanup(func() {
		cancel()
		done.Wait()
		_ = pool.Close()
	})
}

func bookOnce(ctx context.Context, pool *sql.DB, id int) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, statement := range []string{
		fmt.Sprintf("UPDATE debit SET v = v + 1 WHERE id = %d", id),
		"INSERT INTO n VALUES ()",
		fmt.Sprintf("UPDATE credit SET v = v + 1 WHERE id = %d", id),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

// view is what one connection sees.
type view struct{ debit, credit, rows int64 }

func look(t *testing.T, c *sql.Conn) view {
	t.Helper()
	var v view
	for query, to := range map[string]*int64{
		"SELECT SUM(v) FROM debit": &v.debit, "SELECT SUM(v) FROM credit": &v.credit, "SELECT COUNT(*) FROM n": &v.rows,
	} {
		if err := c.QueryRowContext(t.Context(), query).Scan(to); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func acquireAll(t *testing.T, s *Snapshot) []*sql.Conn {
	t.Helper()
	conns := make([]*sql.Conn, s.Position().Connections)
	for i := range conns {
		c, err := s.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	return conns
}

// TestConnectionsShareOneView takes snapshots by either method while others
// write, and compares what each connection sees, at once and later.
func TestConnectionsShareOneView(t *testing.T) {
	db, server := open(t, bookings)
	committed := book(t, server, db.Info().Database)
	monitor(t, server)
	methods := map[string]func(context.Context, int) ([]*sql.Conn, Position, error){
		MethodLock: db.takeLocked, MethodTables: db.takeTablesLocked,
	}
	if db.Info().Product == MariaDB {
		methods[MethodBinlog] = db.takeGroup
	}
	number := int64(-1)
	for name, method := range methods {
		t.Run(name, func(t *testing.T) {
			var before view
			for range iterations {
				start := committed.Load()
				conns, position, err := method(t.Context(), 6)
				if err != nil {
					t.Fatal(err)
				}
				s := newSnapshot(t.Context(), conns, Position{Connections: len(conns)})
				defer func() { _ = s.Close() }() // or the database could not be dropped
				if position.Method != name || position.File == "" || position.Offset == 0 || position.GTID == "" {
					t.Errorf("position: %+v", position)
				}
				first := view{}
				for i, c := range acquireAll(t, s) {
					v := look(t, c)
					if i == 0 {
						first = v
					}
					if v != first || v.debit != v.credit || v.debit != v.rows {
						t.Errorf("connection %d sees %+v, the first %+v", i, v, first)
					}
				}
				if first.debit <= before.debit || first.debit < start-4 {
					t.Errorf("the view %+v is older than the snapshot", first)
				}
				before = first
				if n := numberBefore(t, position, first); number == -1 {
					number = n
				} else if n != number {
					t.Errorf("position %s is %d transactions away from the view", position.GTID, n-number)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// numberBefore returns how many transactions the position counts besides those
// that the view has rows of. GTIDs number every logged transaction, so this is
// the same for all snapshots of which the position belongs to the view.
func numberBefore(t *testing.T, p Position, v view) int64 {
	t.Helper()
	// MariaDB: domain-server-sequence; MySQL: uuid:first-last.
	sequence, err := strconv.ParseInt(p.GTID[strings.LastIndexAny(p.GTID, ":-")+1:], 10, 64)
	if err != nil || strings.Contains(p.GTID, ",") || strings.Count(p.GTID, ":") > 1 {
		t.Fatalf("GTID %q: %v", p.GTID, err)
	}
	return sequence - v.rows
}

// iterations of each method: enough to have met the mixed-up positions that
// standings guards against in nearly every run without that guard.
const iterations = 20

func TestSnapshotChoosesItsMethod(t *testing.T) {
	db, server := open(t, bookings)
	reader := openAs(t, account(t, server, db.Info().Database, "GRANT SELECT ON %DB%.* TO %A%"))
	backup := openAs(t, account(t, server, db.Info().Database, "GRANT SELECT, LOCK TABLES ON %DB%.* TO %A%"))
	backup.info.BinlogEnabled = false
	unlogged := *db
	unlogged.info.BinlogEnabled = false
	unloggedReader := *reader
	unloggedReader.info.BinlogEnabled = false
	binlog, unprivileged := MethodBinlog, 3
	if db.Info().Product == MySQL {
		binlog, unprivileged = MethodLock, 1
	}
	for name, c := range map[string]struct {
		db          *DB
		opts        SnapshotOptions
		method      string
		connections int
	}{
		"binlog":             {db, SnapshotOptions{Connections: 3}, binlog, 3},
		"one":                {db, SnapshotOptions{Connections: 1}, MethodSingle, 1},
		"reader":             {reader, SnapshotOptions{Connections: 3}, map[int]string{1: MethodSingle, 3: MethodBinlog}[unprivileged], unprivileged},
		"no binlog":          {&unlogged, SnapshotOptions{Connections: 3}, MethodLock, 3},
		"no binlog, tables":  {backup, SnapshotOptions{Connections: 3}, MethodTables, 3},
		"no binlog, no lock": {&unloggedReader, SnapshotOptions{Connections: 3}, MethodSingle, 1},
		"none":               {db, SnapshotOptions{Connections: 2, Mode: NoSnapshot}, MethodNone, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := take(t, c.db, c.opts).Position()
			if p.Method != c.method || p.Connections != c.connections || time.Since(p.TakenAt) > time.Minute {
				t.Errorf("position %+v", p)
			}
		})
	}
	for _, opts := range []SnapshotOptions{{}, {Connections: 1, Mode: "x"}} {
		if _, err := db.Snapshot(t.Context(), opts); err == nil || fault.ClassOf(err) != fault.Usage {
			t.Errorf("%+v: %v", opts, err)
		}
	}
}

func TestNoSnapshotSeesNewRows(t *testing.T) {
	db, server := open(t, bookings)
	for mode, want := range map[SnapshotMode]int64{NoSnapshot: 1, Consistent: 0} {
		execute(t, server, db.Info().Database, "DELETE FROM n")
		s := take(t, db, SnapshotOptions{Connections: 2, Mode: mode})
		execute(t, server, db.Info().Database, "INSERT INTO n VALUES ()")
		for _, c := range acquireAll(t, s) {
			if got := look(t, c).rows; got != want {
				t.Errorf("%s: sees %d rows, want %d", mode, got, want)
			}
		}
	}
}

func TestSnapshotLendsAndLoses(t *testing.T) {
	db, _ := open(t, bookings)
	s := take(t, db, SnapshotOptions{Connections: 2})
	conns := acquireAll(t, s)
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.Acquire(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("all are lent out: %v", err)
	}
	s.Release(conns[0])
	again, err := s.Acquire(t.Context())
	if err != nil || again != conns[0] {
		t.Errorf("released connection did not come back: %v", err)
	}
	// A cancelled query breaks a connection, as a reader's would.
	query, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, err := conns[1].ExecContext(query, "DO SLEEP(5)"); err == nil {
		t.Error("the query was not cancelled")
	}
	s.Discard(conns[1])
	s.Discard(conns[1]) // twice does no harm
	waiting := make(chan error, 1)
	go func() {
		_, err := s.Acquire(t.Context())
		waiting <- err
	}()
	s.Discard(again)
	if err := <-waiting; !errors.Is(err, ErrSnapshotLost) || fault.HintOf(err) == "" {
		t.Errorf("after the last one broke: %v", err)
	}
	s.Release(again) // a late release must not bring it back
	if _, err := s.Acquire(t.Context()); !errors.Is(err, ErrSnapshotLost) {
		t.Errorf("acquire: %v", err)
	}
}

func TestSnapshotLeavesNothingBehind(t *testing.T) {
	db, server := open(t, bookings)
	s := take(t, db, SnapshotOptions{Connections: 3})
	c, err := s.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err = s.Close(); err != nil {
		t.Fatal(err)
	}
	if err = s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Release(c)
	s.Discard(c)
	if _, err = s.Acquire(t.Context()); !errors.Is(err, ErrSnapshotLost) {
		t.Errorf("acquire after Close: %v", err)
	}
	pool, err := server.DB(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	var open int
	for range 200 {
		query := "SELECT COUNT(*) FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p" +
			" ON p.ID = t.trx_mysql_thread_id WHERE p.DB = ?"
		if err := pool.QueryRowContext(t.Context(), query, db.Info().Database).Scan(&open); err != nil {
			t.Fatal(err)
		}
		if open == 0 {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Errorf("%d transactions are still open", open)
}

func TestPingKeepsWhatWorks(t *testing.T) {
	db, server := open(t, bookings)
	s := take(t, db, SnapshotOptions{Connections: 3})
	conns := acquireAll(t, s)
	var id int64
	if err := conns[0].QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	before := look(t, conns[1])
	s.Release(conns[0])
	s.Release(conns[1]) // the third stays lent out
	execute(t, server, "", fmt.Sprintf("KILL %d", id))
	execute(t, server, db.Info().Database, "INSERT INTO n VALUES ()")
	s.pingIdle(t.Context())
	if len(s.free) != 1 {
		t.Fatalf("%d connections are free, want the one that was not killed", len(s.free))
	}
	c, err := s.Acquire(t.Context())
	if err != nil || c != conns[1] {
		t.Fatalf("acquired another connection: %v", err)
	}
	if after := look(t, c); after != before {
		t.Errorf("the ping moved the view from %+v to %+v", before, after)
	}
}

func TestLargestGroup(t *testing.T) {
	a, b := binlogAt{"binlog.999999", 900}, binlogAt{"binlog.1000000", 4}
	for name, c := range map[string]struct {
		at   []binlogAt
		want binlogAt
		size int
	}{
		"one":      {[]binlogAt{a}, a, 1},
		"majority": {[]binlogAt{a, b, a}, a, 2},
		"tie":      {[]binlogAt{a, b, b, a}, b, 2},
		"offset":   {[]binlogAt{{"x", 10}, {"x", 9}}, binlogAt{"x", 10}, 1},
		"silent":   {[]binlogAt{{}, {}, a}, a, 1},
		"unknown":  {[]binlogAt{{}, {}}, binlogAt{}, 0},
	} {
		if got, members := largest(c.at); got != c.want || len(members) != c.size {
			t.Errorf("%s: %+v %v", name, got, members)
		}
	}
}

// TestReadStateOfMySQL reads SHOW BINARY LOG STATUS as MySQL gives it.
func TestReadStateOfMySQL(t *testing.T) {
	var p Position
	readState(&p, map[string]string{
		"file": "binlog.000002", "position": "4294967299", "binlog_do_db": "",
		"executed_gtid_set": "1f5a0cd2-8a1c-11ee-b2f8-0242ac110002:1-5,\n2f5a0cd2-8a1c-11ee-b2f8-0242ac110002:1-9",
	})
	want := Position{
		File: "binlog.000002", Offset: 4294967299,
		GTID: "1f5a0cd2-8a1c-11ee-b2f8-0242ac110002:1-5,2f5a0cd2-8a1c-11ee-b2f8-0242ac110002:1-9",
	}
	if p != want {
		t.Errorf("got %+v\nwant %+v", p, want)
	}
}
