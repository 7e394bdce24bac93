package source

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Gauge reads how loaded the source is, on a connection of its own: those of a
// snapshot are busy reading. It connects again after a failure. Close ends it.
type Gauge struct {
	db *DB

	mu   sync.Mutex // guards conn and its use
	conn *sql.Conn
}

// NewGauge returns a Gauge that connects when it is first asked.
func (db *DB) NewGauge() *Gauge { return &Gauge{db: db} }

// Close gives the connection back.
func (g *Gauge) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget()
}

func (g *Gauge) forget() {
	if g.conn != nil {
		drop(g.conn)
		g.conn = nil
	}
}

// ThreadsRunning returns how many threads the server runs at the moment, the
// one that asks included.
func (g *Gauge) ThreadsRunning(ctx context.Context) (int, error) {
	running := 0
	err := g.ask(ctx, func(conn *sql.Conn) error {
		status, err := pairs(ctx, conn, "SHOW GLOBAL STATUS LIKE 'Threads_running'")
		if err != nil {
			return err
		}
		running, err = strconv.Atoi(status["threads_running"])
		return err //nolint:wrapcheck // ask wraps it
	})
	return running, err
}

// Lag is how far a replica is behind its primary.
type Lag struct {
	// Replica is false on a server that replicates from nobody.
	Replica bool
	// Behind is the largest of several channels'.
	Behind time.Duration
	// Stopped says that a channel does not run, so that its lag is unknown.
	Stopped bool
}

// Lag returns how far the server is behind. Asking takes REPLICATION CLIENT
// (MySQL) or SLAVE MONITOR (MariaDB); without it the error satisfies IsPrivilege.
func (g *Gauge) Lag(ctx context.Context) (Lag, error) {
	var lag Lag
	err := g.ask(ctx, func(conn *sql.Conn) error {
		lag = Lag{}
		return eachRow(ctx, conn, replicaStatement(g.db.info), func(row map[string]sql.NullString) error {
			behind := row["seconds_behind_master"]
			if b, ok := row["seconds_behind_source"]; ok {
				behind = b
			}
			lag.Replica = true
			if !behind.Valid {
				lag.Stopped = true
				return nil
			}
			seconds, err := strconv.Atoi(behind.String)
			lag.Behind = max(lag.Behind, time.Duration(seconds)*time.Second)
			return err //nolint:wrapcheck // ask wraps it
		})
	})
	return lag, err
}

// replicaStatement lists every channel through which the server replicates.
func replicaStatement(i Info) string {
	switch {
	case i.Product == MariaDB:
		return "SHOW ALL SLAVES STATUS"
	case i.version.atLeast(8, 0, 22):
		return "SHOW REPLICA STATUS" // 8.4 knows the old name no more
	}
	return "SHOW SLAVE STATUS"
}

// IsPrivilege reports whether the server refused because the account lacks a privilege.
func IsPrivilege(err error) bool { return isServerError(err, errPrivilege, errAccessDenied) }

func (g *Gauge) ask(ctx context.Context, question func(*sql.Conn) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conn == nil {
		conn, err := g.db.conn(ctx)
		if err != nil {
			return fmt.Errorf("ask the source for its load: %w", Explain(err))
		}
		g.conn = conn
	}
	err := question(g.conn)
	if err == nil {
		return nil
	}
	if !IsPrivilege(err) {
		g.forget()
	}
	return fmt.Errorf("ask the source for its load: %w", Explain(err))
}

// eachRow calls fn for each row of a result by lower-case column name.
func eachRow(ctx context.Context, conn *sql.Conn, statement string, fn func(map[string]sql.NullString) error) error {
	rows, err := conn.QueryContext(ctx, statement)
	if err != nil {
		return err //nolint:wrapcheck // the caller says what it asked for
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return err //nolint:wrapcheck // the caller says what it asked for
	}
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return err //nolint:wrapcheck // the caller says what it asked for
		}
		row := make(map[string]sql.NullString, len(names))
		for i, name := range names {
			row[strings.ToLower(name)] = values[i]
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return rows.Err() //nolint:wrapcheck // the caller says what it asked for
}
