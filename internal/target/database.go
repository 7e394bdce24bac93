package target

import (
	"context"
	"fmt"

	"leap/internal/fault"
)

// CreateScratch creates a database of a name that nobody else uses and returns
// the name. What is tried there cannot touch the tables of this one.
func (d *DB) CreateScratch(ctx context.Context, purpose string) (string, error) {
	name := "_migrate_" + purpose + "_" + randomSuffix()
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
