package source

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"leap/internal/fault"
)

// SnapshotMode says how consistent the view of a Snapshot must be.
type SnapshotMode string

// The snapshot modes.
const (
	// Consistent gives every connection the same view, or fewer connections.
	Consistent SnapshotMode = "consistent"
	// NoSnapshot gives plain connections: each statement sees its own moment.
	NoSnapshot SnapshotMode = "none"
)

// SnapshotOptions says what snapshot is wanted.
type SnapshotOptions struct {
	// Connections is how many connections are wanted; at least 1.
	Connections int
	// Mode is Consistent unless set.
	Mode SnapshotMode
}

// The ways in which a snapshot came about: Position.Method.
const (
	// MethodBinlog: snapshots started together, of which those were kept that
	// stand at the same binlog position. Nothing was locked. MariaDB only.
	MethodBinlog = "binlog-position"
	// MethodLock: snapshots started under FLUSH TABLES WITH READ LOCK, held for milliseconds.
	MethodLock = "read-lock"
	// MethodTables: snapshots started under LOCK TABLES .. READ, held for milliseconds.
	MethodTables = "table-locks"
	// MethodSingle: one connection, which is consistent by itself, where no
	// common view could be had for several.
	MethodSingle = "single-connection"
	// MethodNone: no snapshot, as asked for.
	MethodNone = "none"
)

// Position says which moment of the source a snapshot shows.
type Position struct {
	// File and Offset are the binlog position; empty where the server keeps no
	// binlog or the account may not ask.
	File   string `json:"file,omitempty"`
	Offset uint64 `json:"offset,omitempty"`
	// GTID is the same position as the product's GTID; empty where unknown.
	GTID string `json:"gtid,omitempty"`
	// Method says how the snapshot came about: MethodBinlog, MethodLock,
	// MethodTables, MethodSingle or MethodNone.
	Method  string    `json:"method"`
	TakenAt time.Time `json:"taken_at"`
	// Connections is how many connections share the view.
	Connections int `json:"connections"`
	// View names what the snapshot shows: two snapshots of this server with one
	// name show the same rows. It is empty where nobody can tell.
	View string `json:"-"`

	// changes is the activity's, before the snapshot was started.
	changes string
}

// ErrSnapshotLost says that no connection of a snapshot is left. A Keeper takes
// the next one, which shows the same view only if nothing was written since.
var ErrSnapshotLost = errors.New("all connections of the source snapshot are lost")

// keepAliveInterval is far below any wait_timeout or idle limit of a proxy in
// use (commonly 60 s or more), and far above what would be noticed as load.
const keepAliveInterval = 30 * time.Second

// pingPatience is how long an idle connection may take to answer.
const pingPatience = 10 * time.Second

// Snapshot is a set of connections that see one moment of the source. It is
// safe for concurrent use; Close ends it.
type Snapshot struct {
	position Position
	free     chan *sql.Conn
	gone     chan struct{} // closed when no connection is left, or by Close

	stop context.CancelFunc
	done sync.WaitGroup // the keep-alive

	mu    sync.Mutex
	live  map[*sql.Conn]bool // all connections that still show the view
	ended bool               // gone is closed
}

// Snapshot takes a snapshot. Several connections are brought to one view by the
// least intrusive method that works: comparing binlog positions, a short read
// lock on the server or on the database's tables, and at last a single connection. Position tells which it was.
//
// A snapshot covers transactional tables (InnoDB); others are read as they are
// at the time of reading.
func (db *DB) Snapshot(ctx context.Context, opts SnapshotOptions) (*Snapshot, error) {
	if opts.Connections < 1 {
		return nil, fault.New(fault.Usage, "use at least one source connection", "snapshot with %d connections", opts.Connections)
	}
	take := db.takeConsistent
	switch opts.Mode {
	case NoSnapshot:
		take = db.takeNone
	case Consistent, "":
	default:
		return nil, fault.New(fault.Usage, "use consistent or none", "unknown snapshot mode %q", opts.Mode)
	}
	conns, position, err := take(ctx, opts.Connections)
	if err == nil {
		if position.View, err = db.viewName(ctx, conns[0], position); err != nil {
			dropAll(conns)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot of %s: %w", db.info.Database, Explain(err))
	}
	position.TakenAt = time.Now().UTC()
	position.Connections = len(conns)
	return newSnapshot(ctx, conns, position), nil
}

func newSnapshot(ctx context.Context, conns []*sql.Conn, position Position) *Snapshot {
	s := &Snapshot{
		position: position,
		free:     make(chan *sql.Conn, len(conns)),
		gone:     make(chan struct{}),
		live:     make(map[*sql.Conn]bool, len(conns)),
	}
	for _, c := range conns {
		s.live[c] = true
		s.free <- c
	}
	// The snapshot outlives the call that takes it: Close ends it, not ctx.
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.done.Go(func() { s.keepAlive(alive) })
	return s
}

// Position returns which moment the snapshot shows.
func (s *Snapshot) Position() Position { return s.position }

// Acquire lends a connection, waiting until one is free. Give it back with
// Release, or with Discard when it broke. After the last one broke, and after
// Close, the error is ErrSnapshotLost.
func (s *Snapshot) Acquire(ctx context.Context) (*sql.Conn, error) {
	select {
	case <-s.gone: // even when a connection is free as well
		return nil, lost()
	default:
	}
	select {
	case c := <-s.free:
		return c, nil
	case <-s.gone:
		return nil, lost()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func lost() error {
	return fault.Wrap(fault.Failed, "start the command again; it resumes with a new snapshot", ErrSnapshotLost)
}

// Release gives a connection back.
func (s *Snapshot) Release(c *sql.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[c] {
		s.free <- c // has room for all that live
	}
}

// Discard closes a connection that broke, was cancelled in the middle of a
// result, or left a transaction: its view is gone, and nothing replaces it.
func (s *Snapshot) Discard(c *sql.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.live[c] {
		return
	}
	delete(s.live, c)
	drop(c)
	if len(s.live) == 0 {
		s.end()
	}
}

// end closes gone once; mu is held.
func (s *Snapshot) end() {
	if !s.ended {
		s.ended = true
		close(s.gone)
	}
}

// Close ends the snapshot and closes its connections; lent ones as soon as the
// statement that they run is over.
// Closing it twice is allowed.
func (s *Snapshot) Close() error {
	s.stop()
	s.done.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	for c := range s.live {
		drop(c)
	}
	clear(s.live)
	return nil
}

// keepAlive asks each idle connection something now and then, so that neither
// the server's wait_timeout nor a proxy cuts it.
func (s *Snapshot) keepAlive(ctx context.Context) {
	tick := time.NewTicker(keepAliveInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.pingIdle(ctx)
		}
	}
}

// pingIdle asks as many connections as are free now; those that come back
// meanwhile have just been used.
func (s *Snapshot) pingIdle(ctx context.Context) {
	for range len(s.free) {
		select {
		case c := <-s.free:
			if alive(ctx, c) {
				s.Release(c)
			} else {
				s.Discard(c)
			}
		default:
			return // all are lent out
		}
	}
}

// alive reports whether the connection answers in time. Behind a network that
// swallows packets it would otherwise take the system a quarter of an hour to find out.
func alive(ctx context.Context, c *sql.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, pingPatience)
	defer cancel()
	_, err := c.ExecContext(ctx, "DO 1")
	return err == nil
}

// drop closes the connection itself and does not return it to the pool, where
// its open transaction would surprise the next user.
func drop(c *sql.Conn) {
	_ = c.Raw(func(any) error { return driver.ErrBadConn })
	_ = c.Close()
}

func dropAll(conns []*sql.Conn) {
	for _, c := range conns {
		drop(c)
	}
}
