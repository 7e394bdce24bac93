package target

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/retry"
)

// Object names an index or a constraint of a table of the target schema.
type Object struct {
	Table, Name string
	Constraint  bool
}

// Objects lists the indexes and constraints that are there, and whether each of
// them is whole: a false one is still being built, checked or taken away, or
// somebody made it without a check of the rows. CockroachDB leaves out indexes
// that it is still building.
func (d *DB) Objects(ctx context.Context) (map[Object]bool, error) {
	const query = `
		SELECT FALSE, t.relname::TEXT, i.relname::TEXT, x.indisvalid FROM pg_catalog.pg_index x
		JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
		JOIN pg_catalog.pg_class t ON t.oid = x.indrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = $1
		UNION ALL
		SELECT TRUE, t.relname::TEXT, c.conname::TEXT, c.convalidated FROM pg_catalog.pg_constraint c
		JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
		JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = $1`
	out := map[Object]bool{}
	err := d.Store().Each(ctx, query, []any{Schema}, func(scan func(...any) error) error {
		var o Object
		var whole bool
		if err := scan(&o.Constraint, &o.Table, &o.Name, &whole); err != nil {
			return err
		}
		out[o] = whole
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list indexes and constraints: %w", Explain(err))
	}
	return out, nil
}

// Change is a schema change that the server has not ended: it goes on with it
// though who asked for it is gone, and may undo it in the end.
type Change struct{ Job, Status, Statement string }

// openChanges are the words that unfinished jobs of schema changes have in
// common. A job that collects the garbage of one makes nothing and takes a day.
const openChanges = ` WHERE job_type LIKE '%SCHEMA CHANGE' AND status NOT IN ('succeeded', 'failed', 'canceled', 'revert-failed')`

// changeQueries ask for the unfinished schema changes of tables, in the order in
// which they are tried. The second one is for servers and accounts that are not
// shown the first one's table; it knows no tables and takes those of the whole
// database.
var changeQueries = []string{
	`SELECT job_id::STRING, status, description FROM crdb_internal.jobs` + openChanges + ` AND descriptor_ids && ARRAY(
		SELECT c.oid::INT8 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname::STRING = ANY($2::STRING[])) ORDER BY 1`,
	`SELECT job_id::STRING, status, description FROM [SHOW JOBS]` + openChanges + ` AND strpos(description, current_database()) > 0
		AND $1::STRING <> '' AND array_length($2::STRING[], 1) > 0 ORDER BY 1`,
}

// Changes lists the schema changes of these tables that the server has not
// ended. PostgreSQL has none: a change is part of a transaction there. Where the
// account may not see any, there is none in the list.
func (d *DB) Changes(ctx context.Context, tables []string) ([]Change, error) {
	if !d.caps.Cockroach || len(tables) == 0 {
		return nil, nil
	}
	for _, query := range changeQueries {
		out, err := d.changes(ctx, query, tables)
		if _, answered := errors.AsType[*pgconn.PgError](err); answered && retry.Classify(err) == retry.Fatal {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for unfinished schema changes: %w", Explain(err))
		}
		return out, nil
	}
	return nil, nil
}

func (d *DB) changes(ctx context.Context, query string, tables []string) ([]Change, error) {
	var out []Change
	err := d.Store().Each(ctx, query, []any{Schema, tables}, func(scan func(...any) error) error {
		var c Change
		err := scan(&c.Job, &c.Status, &c.Statement)
		out = append(out, c)
		return err
	})
	return out, err
}

// NameTaken reports whether the server refused a statement because something has
// the name of what it makes. It may be in the making: PostgreSQL then waits for
// the transaction that does it and names its own catalog.
func NameTaken(err error) bool {
	switch retry.SQLState(err) {
	case "42P07", "42710":
		return true
	case "23505":
		pg, ok := errors.AsType[*pgconn.PgError](err)
		return ok && pg.SchemaName == "pg_catalog"
	}
	return false
}

// InTheWay reports whether a statement may have been refused because the server
// is at work on the same object. CockroachDB says that also in the words for
// what is in the wrong state (55000) or what it cannot do at all (0A000).
func InTheWay(err error) bool {
	code := retry.SQLState(err)
	return NameTaken(err) || code == "55000" || code == "0A000"
}
