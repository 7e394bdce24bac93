package target

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/retry"
)

// idleLimit is the setting by which the server ends a transaction that nobody
// goes on with. What a process has locked that is frozen, or that the network
// cut off without a word, would be kept from its successor for as long as the
// connection seems to be there, which may be hours.
const idleLimit = "idle_in_transaction_session_timeout"

// idle begins transactions with and without the limit. Each sets what it needs:
// connections are shared. The zero value knows of no limit.
type idle struct {
	limited, unlimited string // what comes before BEGIN
}

// limitIdle finds out whether the server has the limit. Between two statements
// of a transaction that writes we never need a second; given is another limit, from the
// address.
func (d *DB) limitIdle(ctx context.Context, conn *pgxpool.Conn, given string) error {
	if given == "" {
		given = "30s"
	}
	limited := "SET " + idleLimit + " = '" + given + "'; "
	if _, err := conn.Exec(ctx, limited); retry.SQLState(err) != "" {
		return nil // it does without
	} else if err != nil {
		return err
	}
	d.idle = idle{limited, "SET " + idleLimit + " = 0; "}
	return nil
}

// writing begins a transaction that takes locks and never waits for anything but the target.
func (i idle) writing(level pgx.TxIsoLevel) pgx.TxOptions {
	return pgx.TxOptions{BeginQuery: i.limited + "BEGIN ISOLATION LEVEL " + string(level)}
}

// waiting begins one that may wait for the source in between.
func (i idle) waiting(level pgx.TxIsoLevel) pgx.TxOptions {
	return pgx.TxOptions{BeginQuery: i.unlimited + "BEGIN ISOLATION LEVEL " + string(level)}
}
