// Package source owns the MySQL or MariaDB end: connecting, describing what is
// there, reading one consistent view of it, and digesting rows where they lie.
// It never writes: every connection is read-only.
package source

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"leap/internal/endpoint"
	"leap/internal/fault"
	"leap/internal/retry"
)

// DB is one source database. It is safe for concurrent use; Close ends it.
type DB struct {
	pool   *sql.DB
	info   Info
	server *origin // what the pool's connections are compared with
	limit  int     // of open connections; 0 for none
	// patience is how long a connection may take to become free and to be made.
	patience time.Duration
	hold     time.Duration // lockHeld, except in tests
}

// Info says what server and database a DB is connected to.
type Info struct {
	// Product is "mariadb" or "mysql".
	Product string `json:"product"`
	// Version is the server's own text: "10.11.6-MariaDB-log".
	Version  string `json:"version"`
	ServerID uint64 `json:"server_id"`
	// ServerUUID identifies the server. MariaDB before 10.5.26 has none of its
	// own: there it is a digest of host name, port, data directory and server id.
	ServerUUID string `json:"server_uuid"`
	Host       string `json:"host"`
	// Database is the name as the server spells it.
	Database            string `json:"database"`
	BinlogEnabled       bool   `json:"binlog_enabled"`
	ReadOnly            bool   `json:"read_only"`
	LowerCaseTableNames int    `json:"lower_case_table_names"`
	// Encrypted says whether the connection that asked was protected by TLS.
	Encrypted bool `json:"encrypted"`

	version version
}

// The products that a source can be.
const (
	MariaDB = "mariadb"
	MySQL   = "mysql"
)

// Open connects to the database, makes sure that the server is one that this
// package understands, and describes it. Errors carry a hint.
func Open(ctx context.Context, e endpoint.Endpoint) (*DB, error) {
	if e.Protocol != endpoint.MySQL {
		return nil, fault.New(fault.Usage, "the source is MySQL or MariaDB: mysql://user@host:3306/database",
			"%s is not a MySQL address", e)
	}
	server := &origin{}
	connector, err := newConnector(e, server)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector)
	// Snapshots hold their connections themselves; the pool serves short
	// questions. Idle ones beyond that would only count against max_connections.
	pool.SetMaxIdleConns(2)
	pool.SetConnMaxIdleTime(time.Minute)
	db := &DB{pool: pool, server: server, patience: e.ConnectTimeout + poolPatience, hold: lockHeld}
	if db.info, err = describe(ctx, pool); err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("connect to %s: %w", e, Explain(err))
	}
	first := db.info
	server.first.Store(&first)
	return db, nil
}

// LimitConnections bounds how many connections are open at the same time, those
// of snapshots included. Asking for more waits until one is given back, so a
// snapshot must leave one for the questions that are asked beside it.
func (db *DB) LimitConnections(n int) {
	db.limit = n
	db.pool.SetMaxOpenConns(n)
}

// within returns n, or as many connections as are free, and 1 where none is:
// others, such as a Gauge, keep theirs.
func (db *DB) within(n int) int { return max(1, db.free(n)) }

// free returns n, or as many connections as are free.
func (db *DB) free(n int) int {
	if db.limit > 0 {
		return min(n, db.limit-db.pool.Stats().InUse)
	}
	return n
}

// poolPatience is how long the limit on connections may hold a question up. What
// is asked beside snapshots takes seconds at most.
const poolPatience = 20 * time.Second

// conn opens a connection, or takes one that is idle. Where all that are allowed
// stay in use it does not wait for ever, but fails with a *retry.LostError.
func (db *DB) conn(ctx context.Context) (*sql.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, db.patience)
	defer cancel()
	conn, err := db.connect(waiting)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return nil, &retry.LostError{Err: fault.New(fault.Failed,
			"allow more connections to the source (--max-connections), or use fewer --workers",
			"no connection to the source was free within %s: %d of %d are in use", db.patience, db.pool.Stats().InUse, db.limit)}
	}
	return conn, err //nolint:wrapcheck // the caller says what it is for
}

// countedFor is how long the server may count a connection that is closed.
const countedFor = time.Second

func (db *DB) connect(ctx context.Context) (conn *sql.Conn, err error) {
	_ = retry.Do(ctx, retry.Policy{For: countedFor}, func() error {
		if conn, err = db.pool.Conn(ctx); isServerError(err, errUserConns, errUserResource) {
			return &retry.LostError{Err: err}
		}
		return nil
	})
	return conn, err //nolint:wrapcheck // the caller says what it is for
}

// Info returns what Open found out.
func (db *DB) Info() Info { return db.info }

// Close closes all connections.
func (db *DB) Close() error {
	if err := db.pool.Close(); err != nil {
		return fmt.Errorf("close source: %w", err)
	}
	return nil
}

// sessionSettings are made on every connection before it is used. They fix what
// values look like and how long the server waits, and leave the optimizer alone.
//
//   - sql_mode is set as a whole: PAD_CHAR_TO_FULL_LENGTH would pad CHAR,
//     ANSI_QUOTES and NO_BACKSLASH_ESCAPES would change what our SQL means, and
//     NO_ZERO_DATE makes comparisons with zero dates errors. NO_ENGINE_SUBSTITUTION
//     is there only because an empty mode invites "fixing".
//   - A reader stalls while the target commits, and for as long as a copy is
//     paused: net_write_timeout (60 s by default) would cut its result off. Its
//     maximum is a year; a peer that is gone is noticed by TCP. wait_timeout kills
//     idle connections, and MariaDB's idle_transaction_timeout those of a snapshot.
//   - MariaDB skips a comment with a MySQL version from 5.7 on; each product
//     has its own name for the limit on a statement's time.
//   - MySQL 8 caches table statistics, AUTO_INCREMENT included, for a day. It may
//     be told to hide the primary keys that it makes by itself, without which rows
//     cannot be told apart.
//   - DEFAULT is the server's global value, which may be a limit that an
//     administrator has set for everybody: it would end our results early, and
//     nothing would say so. The same holds for the moment that system-versioned
//     tables are read at.
//   - A sort looks at so many bytes of a value only; no key is longer in any collation.
const sessionSettings = "SET SESSION time_zone = '+00:00', sql_mode = 'NO_ENGINE_SUBSTITUTION'" +
	", net_write_timeout = 31536000, net_read_timeout = 3600, wait_timeout = 28800" +
	", sql_select_limit = 18446744073709551615, sql_big_selects = 1, max_sort_length = 65536" +
	" /*M!100102 , max_statement_time = 0 */" +
	" /*M!100300 , idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0 */" +
	" /*M!100304 , system_versioning_asof = DEFAULT */" +
	" /*!50708 , max_execution_time = 0 */" +
	" /*!80003 , information_schema_stats_expiry = 0 */" +
	" /*!80030 , show_gipk_in_create_table_and_information_schema = ON */"

// readOnly makes the server refuse any write on the connection: a mistake in
// this program must not be able to change the customer's data. Snapshots need the
// isolation level, which a server may have set to another one.
const readOnly = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

// connector prepares each new connection of the driver.
type connector struct {
	driver.Connector
	timeout time.Duration
	server  *origin
}

func newConnector(e endpoint.Endpoint, server *origin) (driver.Connector, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd = e.User, e.Password.Reveal()
	cfg.Net, cfg.Addr = "tcp", e.Addr()
	if e.Socket != "" {
		cfg.Net = "unix"
	}
	cfg.DBName = e.Database
	cfg.DialFunc = dialer(e)
	cfg.InterpolateParams = true    // one round trip a query, no prepared statements on the server
	cfg.Logger = &mysql.NopLogger{} // its default writes to stderr; the errors are returned as well
	cfg.ConnectionAttributes = "program_name:leap"
	if err := cfg.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, fmt.Errorf("configure the MySQL driver: %w", err)
	}
	if err := setTLS(cfg, e); err != nil {
		return nil, err
	}
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure the MySQL driver: %w", err)
	}
	return connector{Connector: inner, timeout: e.ConnectTimeout, server: server}, nil
}

// Connect opens a connection, makes its session settings and looks which server
// it leads to. The timeout covers all of it: the driver's own ends with the TCP handshake, and would wait for
// ever on a frozen server or a proxy without one.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.wired(ctx)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{sessionSettings, readOnly} {
		if _, err := conn.ExecContext(ctx, statement, nil); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("session settings: %w", err)
		}
	}
	if err := c.server.check(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// describe asks the server about itself.
func describe(ctx context.Context, pool *sql.DB) (Info, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return Info{}, err //nolint:wrapcheck // Open wraps it
	}
	defer func() { _ = conn.Close() }()
	var database sql.NullString
	if err = conn.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&database); err != nil {
		return Info{}, fmt.Errorf("current database: %w", err)
	}
	variables, err := pairs(ctx, conn, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ("+
		identifying+", 'version', 'version_comment', 'log_bin', 'read_only', 'lower_case_table_names')")
	if err != nil {
		return Info{}, fmt.Errorf("server variables: %w", err)
	}
	cipher, err := pairs(ctx, conn, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
	if err != nil {
		return Info{}, fmt.Errorf("state of TLS: %w", err)
	}
	info := readInfo(variables)
	info.Database = database.String
	info.Encrypted = cipher["ssl_cipher"] != ""
	return info, info.supported()
}

// readInfo makes an Info of server variables with lower-case names. Which of
// them exist depends on the product and its version.
func readInfo(v map[string]string) Info {
	info := Info{
		Product:       MySQL,
		Version:       v["version"],
		Host:          v["hostname"],
		ServerUUID:    v["server_uuid"],
		BinlogEnabled: isOn(v["log_bin"]),
		ReadOnly:      v["read_only"] != "" && !strings.EqualFold(v["read_only"], "OFF") && v["read_only"] != "0",
	}
	if strings.Contains(strings.ToLower(v["version"]+v["version_comment"]), "mariadb") {
		info.Product = MariaDB
	}
	info.version = parseVersion(info.Version)
	// Both are numbers whenever the server answers at all; 0 stands for "did not say".
	info.ServerID, _ = strconv.ParseUint(v["server_id"], 10, 64)
	info.LowerCaseTableNames, _ = strconv.Atoi(v["lower_case_table_names"])
	if info.ServerUUID == "" {
		info.ServerUUID = v["server_uid"]
	}
	if info.ServerUUID == "" {
		sum := sha256.Sum256([]byte(strings.Join([]string{v["hostname"], v["port"], v["datadir"], v["server_id"]}, "\x00")))
		info.ServerUUID = "derived-" + hex.EncodeToString(sum[:12])
	}
	return info
}

func isOn(value string) bool { return strings.EqualFold(value, "ON") || value == "1" }

// pairs runs a query with two columns and returns a map with lower-case names.
func pairs(ctx context.Context, conn *sql.Conn, query string) (map[string]string, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what it asked for
	}
	defer func() { _ = rows.Close() }()
	out := map[string]string{}
	for rows.Next() {
		var name string
		var value sql.NullString
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err //nolint:wrapcheck // the caller says what it asked for
		}
		out[strings.ToLower(name)] = value.String
	}
	return out, rows.Err() //nolint:wrapcheck // the caller says what it asked for
}

// version is major, minor and patch.
type version [3]int

// parseVersion reads "10.11.6-MariaDB-log", "8.0.36" and the "5.5.5-10.4.1-MariaDB"
// that MariaDB tells old replicas.
func parseVersion(text string) version {
	text = strings.TrimPrefix(text, "5.5.5-")
	text, _, _ = strings.Cut(text, "-")
	var v version
	for i, part := range strings.SplitN(text, ".", 3) {
		digits := part[:len(part)-len(strings.TrimLeft(part, "0123456789"))]
		v[i], _ = strconv.Atoi(digits) // no digits: 0
	}
	return v
}

func (v version) atLeast(major, minor, patch int) bool {
	for i, want := range [3]int{major, minor, patch} {
		if v[i] != want {
			return v[i] > want
		}
	}
	return true
}

// supported refuses servers that this package was not written for.
func (i Info) supported() error {
	const hint = "upgrade the source, or migrate from a replica that runs a newer version"
	switch {
	case i.Product == MariaDB && !i.version.atLeast(10, 2, 0):
		return fault.New(fault.Refused, hint, "MariaDB %s is too old: 10.2 or newer is needed", i.Version)
	case i.Product == MySQL && !i.version.atLeast(5, 7, 0):
		return fault.New(fault.Refused, hint, "MySQL %s is too old: 5.7 or newer is needed", i.Version)
	}
	return nil
}
