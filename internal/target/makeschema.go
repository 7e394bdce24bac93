package target

import (
	"context"
	"fmt"
	"time"

	"leap/internal/fault"
)

// schemaPatience is how long the server may take for a schema before somebody
// looks whether it is there. It is doubled each time.
const schemaPatience = 2 * time.Second

// schemaTries end the waiting: two minutes in all.
const schemaTries = 6

// CreateSchema makes a schema unless it is there. CockroachDB 20.2 commits it at
// once and then waits until nobody holds the old descriptor of the database any
// more, which is for as long as somebody keeps asking the database something:
// monitoring does. The schema can be used meanwhile, so the wait is cut short.
func (t *Tx) CreateSchema(ctx context.Context, name string) error {
	patience := schemaPatience
	for range schemaTries {
		if there, err := t.hasSchema(ctx, name); err != nil || there {
			return err
		}
		moment, cancel := context.WithTimeout(ctx, patience)
		_, err := t.Exec(moment, "CREATE SCHEMA IF NOT EXISTS "+Quote(name))
		waited := moment.Err() != nil && ctx.Err() == nil
		cancel()
		if !waited {
			return err
		}
		patience *= 2
	}
	if there, err := t.hasSchema(ctx, name); err != nil || there {
		return err
	}
	return fault.New(fault.Failed, "look at the target's jobs (SHOW JOBS): a schema change may be waiting for another one, or for a session that holds the database",
		"the target does not create the schema %s", name)
}

func (t *Tx) hasSchema(ctx context.Context, name string) (bool, error) {
	found := false
	err := t.Each(ctx, "SELECT 1 FROM information_schema.schemata WHERE schema_name = $1", []any{name},
		func(func(...any) error) error { found = true; return nil })
	if err != nil {
		return false, fmt.Errorf("look for the schema %s: %w", name, err)
	}
	return found, nil
}
