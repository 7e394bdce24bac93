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
