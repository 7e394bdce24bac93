package target

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"leap/internal/fault"
)

// scratchPrefix begins the names of scratch databases.
const scratchPrefix = "_migrate_"

// CreateScratch creates a database of a name that nobody else uses and returns
// the name. What is tried there cannot touch the tables of this one.
func (d *DB) CreateScratch(ctx context.Context, purpose string) (string, error) {
	name := scratchPrefix + purpose + "_" + randomSuffix()
	statement := "CREATE DATABASE " + Quote(name)
	if !d.caps.Cockroach {
		statement += " TEMPLATE template0" // template1 may be in use
	}
	if err := d.Exec(ctx, statement); err != nil {
		return "", fault.Wrap(fault.Refused,
			"let the target's user create databases: ALTER USER .. CREATEDB (or GRANT admin TO .. on an old CockroachDB)",
			fmt.Errorf("create a scratch database: %w", err))
	}
	return name, nil
}

// Scratches lists the scratch databases of a purpose that are there: in use by
// another process, or left by one that was killed. Nobody can tell which.
func (d *DB) Scratches(ctx context.Context, purpose string) ([]string, error) {
	prefix := scratchPrefix + purpose + "_"
	rows, err := d.pool.Query(ctx, "SELECT datname::TEXT FROM pg_catalog.pg_database WHERE left(datname::TEXT, $1) = $2 ORDER BY 1",
		len(prefix), prefix)
	if err != nil {
		return nil, fmt.Errorf("list scratch databases: %w", Explain(err))
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list scratch databases: %w", Explain(err))
	}
	return names, nil
}

// DropScratch removes a database that CreateScratch made. All connections to it
// must have been closed.
func (d *DB) DropScratch(ctx context.Context, name string) error {
	statement := "DROP DATABASE IF EXISTS " + Quote(name)
	if d.caps.Cockroach {
		statement += " CASCADE"
	} else {
		statement += " WITH (FORCE)"
	}
	if err := d.Exec(ctx, statement); err != nil {
		return fault.Wrap(fault.Failed, "drop it by hand: "+statement, fmt.Errorf("remove the scratch database %s: %w", name, err))
	}
	return nil
}
