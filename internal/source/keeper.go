package source

import (
	"context"
	"database/sql"
	"sync"

	"leap/internal/fault"
)

// Keeper has a snapshot at hand for as long as the source gives one. What is
// lost it replaces: single connections as long as the source stands where the
// snapshot does, so that they show the same view, and the whole snapshot, by a
// later one, when no connection is left. Until then the old view is kept, also
// with fewer connections than were wanted: one consistent view is worth more
// than speed. It is safe for concurrent use; Close ends it.
type Keeper struct {
	db   *DB
	opts SnapshotOptions

	mu      sync.Mutex // guards the fields below; held while a snapshot is taken
	current *Snapshot
	// moved says that the source stands somewhere else than current by now, so
	// that lost connections cannot come back.
	moved bool
}

// Keep takes a snapshot as the method Snapshot does and keeps it.
func (db *DB) Keep(ctx context.Context, opts SnapshotOptions) (*Keeper, error) {
	first, err := db.Snapshot(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &Keeper{db: db, opts: opts, current: first}, nil
}

// View returns the snapshot to read from now. It is the same one as before
// unless all of that one's connections are lost. While the source is away the
// error is a *retry.LostError: ask again later. A source that is another server
// now, or that has lost transactions, is refused.
func (k *Keeper) View(ctx context.Context) (*Snapshot, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	missing, lost := k.current.missing()
	if missing > 0 && !lost {
		// What broke one connection may have broken others, that are idle.
		k.current.pingIdle(ctx)
		missing, lost = k.current.missing()
	}
	switch {
	case lost:
		if err := k.renew(ctx); err != nil {
			return nil, asLost(err)
		}
	case missing > 0 && !k.moved:
		k.refill(ctx, missing)
	}
	return k.current, nil
}

// Close closes the snapshot.
func (k *Keeper) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current.Close()
}

// refill opens connections in the place of lost ones. It is a help and no
// duty: without it the remaining ones do the work.
func (k *Keeper) refill(ctx context.Context, missing int) {
	n := k.db.free(missing)
	if n < 1 {
		return // somebody else has them: no waiting
	}
	conns, err := k.db.openConns(ctx, n)
	if err != nil {
		return
	}
	same, moved := k.db.join(ctx, conns, k.current.Position())
	k.moved = moved
	for _, c := range same {
		k.current.adopt(c)
	}
}

// join starts a transaction on each connection and returns those that see the
// view of the position; the others it closes. Moved says that the source went
// on, so that none ever will.
func (db *DB) join(ctx context.Context, conns []*sql.Conn, p Position) (same []*sql.Conn, moved bool) {
	if p.Method == MethodNone {
		return conns, false
	}
	// On a connection that is at hand: there may be no other.
	logged, err := db.logsEverything(ctx, conns[0])
	if err != nil || !logged || p.File == "" {
		dropAll(conns)
		return nil, err == nil
	}
	if err = startAll(ctx, conns); err != nil {
		dropAll(conns)
		return nil, false
	}
	at, err := standings(ctx, conns)
	if err != nil {
		dropAll(conns)
		return nil, false
	}
	if at[0].file == "" {
		// MySQL does not say where a transaction stands. The snapshot's own
		// position was read while nothing could be committed. A change is in the
		// binlog before it can be seen: while the binlog still ends there, the
		// transactions, which have begun, see no more than the snapshot.
		end := db.binlogEnd(ctx, conns[0])
		for i := range at {
			at[i] = binlogAt{end.File, end.Offset}
		}
	}
	var others []*sql.Conn
	for i, c := range conns {
		if at[i] == (binlogAt{p.File, p.Offset}) {
			same = append(same, c)
			continue
		}
		moved = moved || at[i].file != ""
		others = append(others, c)
	}
	if len(same) > 0 {
		if unwritten, err := db.unwritten(ctx, same[0], p); err != nil || !unwritten {
			same, others, moved = nil, conns, moved || err == nil
		}
	}
	dropAll(others)
	return same, moved
}

// unwritten looks behind an equal binlog position, on a connection whose
// transaction has begun: RESET MASTER begins the binlog anew, and sessions of
// administrators may leave it out (sql_log_bin = 0).
func (db *DB) unwritten(ctx context.Context, conn *sql.Conn, p Position) (bool, error) {
	if wrote, err := wroteSince(ctx, conn, p); err != nil || wrote {
		return false, err
	}
	again := Position{File: p.File, Offset: p.Offset}
	if db.info.Product == MariaDB {
		again.GTID = gtidAt(ctx, conn, db.info, p)
	} else {
		again.GTID = db.binlogEnd(ctx, conn).GTID
	}
	return samePlace(p, again), nil
}

// samePlace compares places in the binlog, and the GTIDs there if both are known.
func samePlace(a, b Position) bool {
	return a.File != "" && a.File == b.File && a.Offset == b.Offset && (a.GTID == "" || b.GTID == "" || a.GTID == b.GTID)
}

// binlogEnd returns where the binlog ends; empty where the server does not say.
func (db *DB) binlogEnd(ctx context.Context, conn *sql.Conn) Position {
	state, err := binlogState(ctx, conn, db.info)
	if err != nil {
		return Position{}
	}
	var p Position
	readState(&p, state)
	return p
}

// renew takes a new snapshot in the place of one that is lost.
func (k *Keeper) renew(ctx context.Context) error {
	next, err := k.db.Snapshot(ctx, k.opts)
	if err != nil {
		return err
	}
	old := k.current.Position()
	var same bool
	err = next.ask(ctx, func(conn *sql.Conn) (err error) {
		same, err = k.db.compare(ctx, conn, old, next.Position())
		return err
	})
	if err != nil {
		_ = next.Close() // read-only transactions
		return err
	}
	if same {
		next.position = old // no one has it yet
	}
	_ = k.current.Close() // nothing is left of it
	k.current, k.moved = next, false
	return nil
}

// compare reports whether two snapshots of the same server show one view, and
// refuses a later one that stands before the earlier one: what was read then is
// not what the source holds now.
//
// File and offset tell, and no GTID alone does: a server begins a new file when
// it starts, and one that lost transactions in a crash may give their numbers to others.
func (db *DB) compare(ctx context.Context, conn *sql.Conn, before, after Position) (bool, error) {
	if before.Method != MethodNone && samePlace(before, after) {
		wrote, err := wroteSince(ctx, conn, before)
		if err != nil || wrote {
			return false, err
		}
		return db.logsEverything(ctx, conn)
	}
	behind, err := db.behind(ctx, conn, after.GTID, before.GTID)
	if err != nil {
		return false, err
	}
	if behind {
		return false, fault.New(fault.Refused,
			"find out what happened to it (a crash without durable log, a restored backup); then copy anew into an empty target",
			"the source lost transactions: rows were read at GTID %s, and it stands at %s now", before.GTID, after.GTID)
	}
	return false, nil
}

// missing returns how many connections were lost, and whether none is left.
func (s *Snapshot) missing() (n int, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cap(s.free) - len(s.live), s.ended
}

// adopt adds a connection that shows the snapshot's view.
func (s *Snapshot) adopt(c *sql.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.live) == cap(s.free) {
		drop(c)
		return
	}
	s.live[c] = true
	s.free <- c // has room for all that live
}
