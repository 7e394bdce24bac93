package source

import (
	"context"
	"database/sql"
	"fmt"
)

// Moved reports whether the source was written to after a position. Without a
// binlog, or without the right to ask for its position, nobody can tell, and
// the answer is false.
func (db *DB) Moved(ctx context.Context, since Position) (bool, error) {
	conn, err := db.conn(ctx)
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

// Place names the moment at which the source is, as far as its binlog tells: while
// the name stays the same, nothing was written. Empty where that cannot be told.
func (db *DB) Place(ctx context.Context) (string, error) {
	conn, err := db.conn(ctx)
	if err != nil {
		return "", fmt.Errorf("ask the source for its position: %w", Explain(err))
	}
	defer func() { _ = conn.Close() }() // back to the pool
	logged, err := db.logsEverything(ctx, conn)
	if err != nil || !logged {
		return "", err
	}
	state, err := binlogState(ctx, conn, db.info)
	if err != nil {
		return "", fmt.Errorf("ask the source for its position: %w", Explain(err))
	}
	var now Position
	readState(&now, state)
	if now.File == "" {
		return "", nil
	}
	return fmt.Sprintf("%s:%d", now.File, now.Offset), nil
}

// viewName is the Position's View. It asks on the snapshot's own connection,
// which may be the only one that is allowed.
func (db *DB) viewName(ctx context.Context, conn *sql.Conn, p Position) (string, error) {
	if p.Method == MethodNone || p.File == "" {
		return "", nil
	}
	logged, err := db.logsEverything(ctx, conn)
	if err != nil || !logged {
		return "", err
	}
	name := fmt.Sprintf("%s:%d", p.File, p.Offset)
	if p.GTID != "" {
		name += " (gtid " + p.GTID + ")" // file names begin anew after RESET MASTER
	}
	return name, nil
}
