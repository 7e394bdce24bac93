package source

import (
	"context"
	"fmt"
)

// Moved reports whether the source was written to after a position. Without a
// binlog, or without the right to ask for its position, nobody can tell, and
// the answer is false.
func (db *DB) Moved(ctx context.Context, since Position) (bool, error) {
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return false, fmt.Errorf("ask the source for its position: %w", Explain(err))
	}
	defer func() { _ = conn.Close() }() // back to the pool
	state, err := binlogState(ctx, conn, db.info)
	if err != nil {
		return false, fmt.Errorf("ask the source for its position: %w", Explain(err))
	}
	var now Position
	readState(&now, state)
	if now.File == "" || since.File == "" {
		return false, nil
	}
	return now.File != since.File || now.Offset != since.Offset, nil
}

// ViewName names what a snapshot at a position shows: two snapshots of this
// server with one name show the same rows. It is empty where nobody can tell.
func (db *DB) ViewName(ctx context.Context, p Position) (string, error) {
	if p.Method == MethodNone || p.File == "" {
		return "", nil
	}
	logged, err := db.everythingIsLogged(ctx)
	if err != nil {
		return "", fmt.Errorf("ask the source what its binlog holds: %w", Explain(err))
	}
	if !logged {
		return "", nil
	}
	name := fmt.Sprintf("%s:%d", p.File, p.Offset)
	if p.GTID != "" {
		name += " (gtid " + p.GTID + ")" // file names begin anew after RESET MASTER
	}
	return name, nil
}
