package target

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/schema"
)

// Drift lists how a table differs from the mapping: it is missing, a column is
// missing, of another type, nullable or not, or one too many. comparable is
// false when the rows cannot be compared: the table or a column is not there,
// or a type is another one.
func (d *DB) Drift(ctx context.Context, m *schema.Mapping) (drift []string, comparable bool, err error) {
	found, comparable, err := d.ColumnDifferences(ctx, m)
	for _, f := range found {
		drift = append(drift, f.String())
	}
	return drift, comparable, err
}

// ColumnDifferences is Drift in the form of a report.
func (d *DB) ColumnDifferences(ctx context.Context, m *schema.Mapping) (found []schema.Difference, comparable bool, err error) {
	// Asked for by name: all tables for each table would grow with the square.
	tables, err := d.tables(ctx, m.Name)
	if err != nil {
		return nil, false, err
	}
	have := tables[m.Name]
	if have == nil {
		if err = d.hides(ctx, m); err != nil {
			return nil, false, err
		}
		return []schema.Difference{{
			Kind: schema.IsMissing, Object: "table " + Quote(m.Name), Expected: fmt.Sprintf("a table of %d columns", len(m.Columns)),
			Found: "nothing", Advice: "migrate run copies it; or verify the right database",
		}}, false, nil
	}
	spelled, err := d.ColumnTypes(ctx, m)
	if err != nil {
		return nil, false, err
	}
	labels, err := d.enumLabels(ctx, m)
	if err != nil {
		return nil, false, err
	}
	finer, err := d.finer(ctx, m.Name)
	if err != nil {
		return nil, false, err
	}
	comparable = true
	planned := map[string]bool{}
	add := func(kind schema.DifferenceKind, column, expected, is, advice string) {
		found = append(found, schema.Difference{Kind: kind, Object: "column " + Quote(column), Expected: expected, Found: is, Advice: advice})
	}
	alter := func(column, how string) string {
		return "ALTER TABLE " + qualified(m) + " ALTER COLUMN " + Quote(column) + " " + how
	}
	for i, c := range m.Columns {
		planned[c.Name] = true
		column := have.column(c.Name)
		is, known := finer[c.Name]
		switch {
		case column == nil:
			add(schema.IsMissing, c.Name, spelled[i], "nothing", "create the table anew and copy again")
			comparable = false
		case column.Type != spelled[i]:
			add(schema.IsChanged, c.Name, spelled[i], column.Type, "create the table anew and copy again, or plan the type that is wanted")
			comparable = false
		case is.collation != "":
			add(schema.IsChanged, c.Name, spelled[i], column.Type+" COLLATE "+is.collation, "create the table anew and copy again")
		case known && is.precision >= 0 && is.precision != precision(c.Type):
			add(schema.IsChanged, c.Name, c.Type, fmt.Sprintf("%s with %d digits of a second", column.Type, is.precision),
				"ALTER TABLE "+qualified(m)+" ALTER COLUMN "+Quote(c.Name)+" TYPE "+c.Type+", and copy again when there were too few")
			comparable = false
		case c.NotNull && !column.NotNull:
			add(schema.IsChanged, c.Name, "NOT NULL", "nullable", alter(c.Name, "SET NOT NULL"))
		case column.NotNull && !c.NotNull:
			add(schema.IsChanged, c.Name, "nullable", "NOT NULL", alter(c.Name, "DROP NOT NULL"))
		}
		// Its type may be a leftover of the same name.
		if is, ok := labels[c.Name]; ok && len(c.Labels) > 0 && c.Kind == schema.Enum && !slices.Equal(is, c.Labels) {
			add(schema.IsChanged, c.Name, listed(c.Labels), listed(is), "ALTER TYPE "+c.Type+" ADD VALUE .., or drop table and type and create them anew")
		}
	}
	if m.Region != "" && !have.Hidden[schema.RegionColumn] {
		found = append(found, schema.Difference{
			Kind: schema.IsChanged, Object: "the table", Expected: "REGIONAL BY ROW",
			Found: "not REGIONAL BY ROW: it has no hidden column " + Quote(schema.RegionColumn), Advice: "ALTER TABLE " + qualified(m) + " SET LOCALITY REGIONAL BY ROW, or create it anew",
		})
	}
	for _, c := range have.Columns {
		if !planned[c.Name] {
			add(schema.IsExtra, c.Name, "nothing", c.Type, "drop it, or add it to the source")
		}
	}
	return found, comparable, nil
}

// hides returns an error where a table that the catalog does not list is there all
// the same: CockroachDB 20.2 leaves out whole schemas for accounts without a right
// to the database.
func (d *DB) hides(ctx context.Context, m *schema.Mapping) error {
	_, err := d.pool.Exec(ctx, "SELECT 1 FROM "+qualified(m)+" LIMIT 0")
	switch {
	case err == nil:
		return fault.New(fault.Refused, "GRANT SELECT ON DATABASE "+Quote(d.info.Database)+" to the account",
			"the target does not let this account see its catalog: it lists no table %s, and has one", Quote(m.Name))
	case retry.SQLState(err) == noTable:
		return nil
	}
	return Explain(err)
}

// enumLabels returns the labels of the columns whose type is an enum, in the
// order in which the target sorts them.
func (d *DB) enumLabels(ctx context.Context, m *schema.Mapping) (map[string][]string, error) {
	const query = `
		SELECT a.attname, e.enumlabel
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
		JOIN pg_catalog.pg_enum e ON e.enumtypid = a.atttypid
		WHERE n.nspname = $1 AND c.relname = $2 AND NOT a.attisdropped
		ORDER BY a.attnum, e.enumsortorder`
	if !slices.ContainsFunc(m.Columns, func(c schema.ColumnMapping) bool { return c.Kind == schema.Enum }) {
		return nil, nil
	}
	rows, err := d.pool.Query(ctx, query, Schema, m.Name)
	if err != nil {
		return nil, fmt.Errorf("list labels of %s: %w", m.Name, Explain(err))
	}
	defer rows.Close()
	out := map[string][]string{}
	for rows.Next() {
		var column, label string
		if err := rows.Scan(&column, &label); err != nil {
			return nil, fmt.Errorf("list labels of %s: %w", m.Name, err)
		}
		out[column] = append(out[column], label)
	}
	return out, Explain(rows.Err())
}

// listed prints labels for a person.
func listed(labels []string) string {
	quoted := make([]string, len(labels))
	for i, l := range labels {
		quoted[i] = "'" + strings.ReplaceAll(l, "'", "''") + "'"
	}
	return "an ENUM of " + strings.Join(quoted, ", ")
}

func (t *Table) column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// finerType is what format_type does not print of a type: on CockroachDB neither
// the digits of a second nor the collation, on PostgreSQL not the latter.
type finerType struct {
	precision int    // below 0 for none
	collation string // empty for the database's
}

// finer reads it for the columns of a table.
func (d *DB) finer(ctx context.Context, table string) (map[string]finerType, error) {
	const query = `SELECT column_name::TEXT, COALESCE(collation_name::TEXT, ''),
		CASE WHEN data_type::TEXT LIKE 'time%' THEN COALESCE(datetime_precision::INT8, -1) ELSE -1 END
		FROM information_schema.columns WHERE table_schema = $1 AND ($2::TEXT = '' OR table_name::TEXT = $2::TEXT)`
	out := map[string]finerType{}
	err := each(ctx, d.pool, query, table, func(scan func(...any) error) error {
		var name string
		var is finerType
		err := scan(&name, &is.collation, &is.precision)
		out[name] = is
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("types of the columns of %s: %w", table, Explain(err))
	}
	return out, nil
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
