// Package target is the CockroachDB end of a migration, all of it: connecting,
// finding out what the server can do, DDL, writing chunks, and reading rows
// back for the verifier. PostgreSQL, which stands in where no CockroachDB is
// at hand, differs only in Capabilities. It knows nothing of MySQL and decides
// nothing about what to move.
package target

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"leap/internal/endpoint"
	"leap/internal/fault"
)

// DB is an open target database.
type DB struct {
	pool *pgxpool.Pool
	caps Capabilities
	info Info
	idle idle
	// spellings caches ColumnTypes: the plan's type to the server's spelling.
	spellings sync.Map
	// remembered are the server's words about tables; see Remember.
	remembered map[string]Words
}

// Info says what answered.
type Info struct {
	Product  string // "cockroachdb" or "postgresql"
	Version  string // "v23.1.11", "15.18"
	Database string
	// ClusterID identifies the CockroachDB cluster or the PostgreSQL server.
	ClusterID string
}

// sessionSettings make every connection print values alike, whatever the
// server's or the role's defaults are.
const sessionSettings = `SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres';
	SET extra_float_digits = 3; SET statement_timeout = 0; SET client_encoding = 'UTF8'; SET bytea_output = 'hex'`

// Open connects and finds out what the server can do, which on CockroachDB
// takes the right to create a table. maxConnections bounds the pool. Errors
// carry a hint.
func Open(ctx context.Context, e endpoint.Endpoint, maxConnections int) (*DB, error) {
	d, err := Connect(ctx, e, maxConnections)
	if err != nil {
		return nil, err
	}
	if err := d.probe(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("target %s: %w", e, err)
	}
	return d, nil
}

// Connect connects for reading the checkpoint only: it writes nothing, and of
// the capabilities just the product is known.
func Connect(ctx context.Context, e endpoint.Endpoint, maxConnections int) (*DB, error) {
	config, err := PoolConfig(e, maxConnections)
	if err != nil {
		return nil, err
	}
	readAhead(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "check the target's address", err)
	}
	d := &DB{pool: pool}
	if err := d.discover(ctx, e); err != nil {
		pool.Close()
		return nil, fmt.Errorf("target %s: %w", e, err)
	}
	return d, nil
}

// Close closes all connections.
func (d *DB) Close() { d.pool.Close() }

// Info says which server this is.
func (d *DB) Info() Info { return d.info }

// Capabilities says what the server can do.
func (d *DB) Capabilities() Capabilities { return d.caps }

// StandIn reports whether PostgreSQL stands in for CockroachDB.
func (d *DB) StandIn() bool { return !d.caps.Cockroach }

// sessionAttrs is libpq's parameter for what kind of server it must be.
const sessionAttrs = "target_session_attrs"

// PoolConfig returns the configuration of a pool for an address: what Open and
// Connect use, and a start for whoever needs another kind of connection.
func PoolConfig(e endpoint.Endpoint, maxConnections int) (*pgxpool.Config, error) {
	// The driver takes whole seconds, and 0 for no limit at all; ConnectTimeout below is exact.
	query := url.Values{"sslmode": {string(e.TLS.Mode)}, "connect_timeout": {strconv.Itoa(1 + int(e.ConnectTimeout.Seconds()))}}
	for name, value := range map[string]string{
		"sslrootcert": e.TLS.RootCert, "sslcert": e.TLS.Cert, "sslkey": e.TLS.Key,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	params := maps.Clone(e.Params)
	if attrs, ok := params[sessionAttrs]; ok { // the driver's own: PostgreSQL refuses it, and CockroachDB does not look at it
		query.Set(sessionAttrs, attrs)
		delete(params, sessionAttrs)
	}
	u := url.URL{Scheme: "postgresql", User: url.User(e.User), Host: e.Addr(), Path: "/" + e.Database, RawQuery: query.Encode()}
	config, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "check the target's TLS files and options, and the variables of psql in the environment (PGSERVICE, PGSSLROOTCERT and others), which count as well", fmt.Errorf("target %s: %w", e, err))
	}
	config.ConnConfig.ConnectTimeout = e.ConnectTimeout
	if !e.Password.Empty() {
		config.ConnConfig.Password = e.Password.Reveal()
	}
	maps.Copy(config.ConnConfig.RuntimeParams, params)
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "leap migrate"
	}
	// No prepared statements are kept: DDL runs between uses of the same query,
	// and a cached plan would fail once after each.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.PgConn().Exec(ctx, sessionSettings).ReadAll()
		return err
	}
	config.MaxConns = int32(max(2, min(maxConnections, 1000)))
	config.MinConns = 0
	// Before a connection that was idle is used the driver asks whether it lives,
	// by default for as long as it takes.
	config.PingTimeout = e.ConnectTimeout
	config.MaxConnIdleTime = 5 * time.Minute
	return config, nil
}

// discover reads who the server is and probes what it can do.
func (d *DB) discover(ctx context.Context, e endpoint.Endpoint) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return Explain(err)
	}
	defer conn.Release()
	var version string
	var exists bool
	err = conn.QueryRow(ctx, `SELECT version(), current_database(),
		EXISTS (SELECT 1 FROM pg_catalog.pg_database WHERE datname = current_database())`).
		Scan(&version, &d.info.Database, &exists)
	if err != nil {
		return Explain(err)
	}
	if !exists {
		// Older CockroachDBs let a client connect to a database that is not there.
		return unknownDatabase(fmt.Errorf("database %q does not exist", e.Database))
	}
	d.info.Product, d.info.Version = parseVersion(version)
	d.caps.Cockroach = d.info.Product == "cockroachdb"
	if err = d.limitIdle(ctx, conn, e.Params[idleLimit]); err != nil {
		return Explain(err)
	}
	return Explain(d.identify(ctx, conn))
}

// identify reads what tells this cluster from another; where the account may
// not see it, the address has to do.
func (d *DB) identify(ctx context.Context, conn *pgxpool.Conn) error {
	query := "SELECT current_setting('data_directory', true) || ':' || current_setting('port', true)"
	if d.caps.Cockroach {
		query = "SELECT crdb_internal.cluster_id()::TEXT"
	}
	var id *string
	if err := conn.QueryRow(ctx, query).Scan(&id); err == nil && id != nil {
		d.info.ClusterID = *id
	}
	return ctx.Err()
}

// parseVersion reads "CockroachDB CCL v20.2.0 (..)" and "PostgreSQL 15.18 (Debian..) on ..".
func parseVersion(text string) (product, version string) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return "unknown", text
	}
	product = strings.ToLower(fields[0])
	for _, f := range fields[1:] {
		if strings.ContainsAny(f, "0123456789") {
			return product, f
		}
	}
	return product, text
}
