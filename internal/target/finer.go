package target

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"leap/internal/schema"
)

// finerType is what format_type does not print of a type: on CockroachDB neither
// the digits of a second nor the collation, on PostgreSQL not the latter, and
// nowhere the labels.
type finerType struct {
	timed     bool // a type with a time of day, of so many digits
	precision int
	collation string   // empty for the database's
	labels    []string // of an enum, in the order in which the target sorts them
}

// finer reads it for the columns of a table.
func (d *DB) finer(ctx context.Context, m *schema.Mapping) (map[string]finerType, error) {
	const query = `SELECT column_name::TEXT, COALESCE(collation_name::TEXT, ''),
		data_type::TEXT LIKE 'time%' AND datetime_precision IS NOT NULL, COALESCE(datetime_precision::INT8, 0)
		FROM information_schema.columns WHERE table_schema = $1 AND ($2::TEXT = '' OR table_name::TEXT = $2::TEXT)`
	out := map[string]finerType{}
	err := each(ctx, d.pool, query, m.Name, func(scan func(...any) error) error {
		var name string
		var is finerType
		err := scan(&name, &is.collation, &is.timed, &is.precision)
		out[name] = is
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("types of the columns of %s: %w", m.Name, Explain(err))
	}
	if slices.ContainsFunc(m.Columns, func(c schema.ColumnMapping) bool { return c.Kind == schema.Enum }) {
		err = d.addLabels(ctx, m.Name, out)
	}
	return out, err
}

func (d *DB) addLabels(ctx context.Context, table string, to map[string]finerType) error {
	const query = `
		SELECT a.attname::TEXT, e.enumlabel::TEXT
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
		JOIN pg_catalog.pg_enum e ON e.enumtypid = a.atttypid
		WHERE n.nspname = $1 AND ($2::TEXT = '' OR c.relname::TEXT = $2::TEXT) AND NOT a.attisdropped
		ORDER BY a.attnum, e.enumsortorder`
	err := each(ctx, d.pool, query, table, func(scan func(...any) error) error {
		var column, label string
		err := scan(&column, &label)
		is := to[column]
		is.labels = append(is.labels, label)
		to[column] = is
		return err
	})
	if err != nil {
		return fmt.Errorf("labels of the columns of %s: %w", table, Explain(err))
	}
	return nil
}

// listed prints labels for a person.
func listed(labels []string) string {
	quoted := make([]string, len(labels))
	for i, l := range labels {
		quoted[i] = "'" + strings.ReplaceAll(l, "'", "''") + "'"
	}
	return "an ENUM of " + strings.Join(quoted, ", ")
}

// precision is how many digits of a second a type of the plan has.
func precision(name string) int {
	const unless = 6
	n := unless
	if _, rest, ok := strings.Cut(name, "("); ok {
		_, _ = fmt.Sscanf(rest, "%d)", &n)
	}
	return n
}
