package target

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"leap/internal/schema"
)

// Exec runs one DDL statement outside a transaction: CockroachDB runs schema
// changes as jobs, and several in one transaction can fail at its end.
func (d *DB) Exec(ctx context.Context, statement string) error {
	if _, err := d.pool.Exec(ctx, statement); err != nil {
		return Explain(err)
	}
	return nil
}

// Has reports whether a query returns a row.
func (d *DB) Has(ctx context.Context, query string) (bool, error) {
	rows, err := d.pool.Query(ctx, query)
	if err != nil {
		return false, Explain(err)
	}
	defer rows.Close()
	found := rows.Next()
	rows.Close()
	return found, Explain(rows.Err())
}

// Column is a column as the target has it.
type Column struct {
	Name    string
	Type    string // as format_type prints it
	NotNull bool
}

// Table is a table as the target has it.
type Table struct {
	Name    string
	Columns []Column
	// Hidden are the columns that the server made for itself, and that of a table
	// that is REGIONAL BY ROW.
	Hidden map[string]bool
}

// hiddenColumns is what CockroachDB adds to tables: a key where there is none, and
// the region of a table that is REGIONAL BY ROW.
const hiddenColumns = `SELECT table_name || '.' || column_name FROM information_schema.columns
	WHERE table_schema = $1 AND is_hidden = 'YES' AND ($2::TEXT = '' OR table_name = $2::TEXT)`

// hidden lists the columns that the server made for itself, as table.column.
func (d *DB) hidden(ctx context.Context, name string) (map[string]bool, error) {
	out := map[string]bool{}
	if !d.caps.Cockroach {
		return out, nil
	}
	rows, err := d.pool.Query(ctx, hiddenColumns, Schema, name)
	if err != nil {
		return nil, fmt.Errorf("list hidden columns: %w", Explain(err))
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list hidden columns: %w", err)
		}
		out[name] = true
	}
	return out, Explain(rows.Err())
}

// Tables lists the tables of the target schema with their columns, those left
// out that the server made for itself.
func (d *DB) Tables(ctx context.Context) (map[string]*Table, error) { return d.tables(ctx, "") }

// tables lists one table, or all for an empty name, but for what a probe at this
// moment, or one that was killed, has made.
func (d *DB) tables(ctx context.Context, name string) (map[string]*Table, error) {
	const query = `
		SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
			AND ($2::TEXT = '' OR c.relname::TEXT = $2::TEXT) AND left(c.relname::TEXT, length($3::TEXT)) <> $3::TEXT
		ORDER BY c.relname, a.attnum`
	hidden, err := d.hidden(ctx, name)
	if err != nil {
		return nil, err
	}
	rows, err := d.pool.Query(ctx, query, Schema, name, probeTables)
	if err != nil {
		return nil, fmt.Errorf("list target tables: %w", Explain(err))
	}
	defer rows.Close()
	out := map[string]*Table{}
	for rows.Next() {
		var table string
		var c Column
		if err := rows.Scan(&table, &c.Name, &c.Type, &c.NotNull); err != nil {
			return nil, fmt.Errorf("list target tables: %w", err)
		}
		t := out[table]
		if t == nil {
			t = &Table{Name: table, Hidden: map[string]bool{}}
			out[table] = t
		}
		if hidden[table+"."+c.Name] {
			t.Hidden[c.Name] = true
		} else {
			t.Columns = append(t.Columns, c)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list target tables: %w", Explain(err))
	}
	return out, nil
}

// ColumnTypes returns what the target calls the types that the mapping asks
// for: the server's own spelling of INT8 or VARCHAR(40), so that it can be
// compared with Tables. It casts NULL to each type and asks what came out.
func (d *DB) ColumnTypes(ctx context.Context, m *schema.Mapping) ([]string, error) {
	out := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		spelled, err := d.spelling(ctx, c.Type)
		if err != nil {
			return nil, fmt.Errorf("type %s of %s.%s: %w", c.Type, m.Name, c.Name, err)
		}
		out[i] = spelled
	}
	return out, nil
}

func (d *DB) spelling(ctx context.Context, name string) (string, error) {
	if s, ok := d.spellings.Load(name); ok {
		return s.(string), nil //nolint:forcetypeassert // only strings are stored
	}
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return "", Explain(err)
	}
	defer conn.Release()
	description, err := conn.Conn().PgConn().Prepare(ctx, "", "SELECT NULL::"+name, nil)
	if err != nil {
		return "", Explain(err)
	}
	field := description.Fields[0]
	var text string
	err = conn.QueryRow(ctx, "SELECT format_type($1::oid, $2::int4)", pgx.QueryExecModeSimpleProtocol,
		field.DataTypeOID, field.TypeModifier).Scan(&text)
	if err != nil {
		return "", Explain(err)
	}
	d.spellings.Store(name, text)
	return text, nil
}

// Empty reports whether a table of the plan holds no row.
func (d *DB) Empty(ctx context.Context, m *schema.Mapping) (bool, error) {
	has, err := d.Has(ctx, "SELECT 1 FROM "+qualified(m)+" LIMIT 1")
	if err != nil {
		return false, fmt.Errorf("look into %s: %w", m.Name, err)
	}
	return !has, nil
}
