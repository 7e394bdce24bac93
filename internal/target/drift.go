package target

import (
	"context"
	"fmt"
	"slices"

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
		missing := schema.Difference{
			Kind: schema.IsMissing, Object: "table " + Quote(m.Name), Expected: fmt.Sprintf("a table of %d columns", len(m.Columns)),
			Found: "nothing", Advice: "migrate run copies it; or verify the right database",
		}
		var other bool
		if other, err = d.hasOther(ctx, m); other {
			missing.Kind, missing.Found, missing.Advice = schema.IsChanged, "a view, or a sequence", "rename or drop what has its name"
		} else if err == nil {
			err = d.hides(ctx, m)
		}
		return []schema.Difference{missing}, false, err
	}
	spelled, err := d.ColumnTypes(ctx, m)
	if err != nil {
		return nil, false, err
	}
	finer, err := d.finer(ctx, m)
	if err != nil {
		return nil, false, err
	}
	out := drift{m: m, comparable: true}
	planned := map[string]bool{}
	for i, c := range m.Columns {
		planned[c.Name] = true
		out.column(c, spelled[i], have.column(c.Name), finer[c.Name])
	}
	if m.Region != "" && !have.Hidden[schema.RegionColumn] {
		out.found = append(out.found, schema.Difference{
			Kind: schema.IsChanged, Object: "the table", Expected: "REGIONAL BY ROW",
			Found: "not REGIONAL BY ROW: it has no hidden column " + Quote(schema.RegionColumn), Advice: "ALTER TABLE " + qualified(m) + " SET LOCALITY REGIONAL BY ROW, or create it anew",
		})
	}
	for _, c := range have.Columns {
		if !planned[c.Name] {
			out.add(schema.IsExtra, c.Name, "nothing", c.Type, "drop it, or add it to the source")
		}
	}
	return out.found, out.comparable, nil
}

// drift collects how a table differs from its mapping.
type drift struct {
	m          *schema.Mapping
	found      []schema.Difference
	comparable bool
}

func (d *drift) add(kind schema.DifferenceKind, column, expected, is, advice string) {
	d.found = append(d.found, schema.Difference{Kind: kind, Object: "column " + Quote(column), Expected: expected, Found: is, Advice: advice})
}

// column compares one, whose type the server spells in that way; nil when it is not there.
func (d *drift) column(c schema.ColumnMapping, spelled string, have *Column, is finerType) {
	alter := "ALTER TABLE " + qualified(d.m) + " ALTER COLUMN " + Quote(c.Name) + " "
	switch {
	case have == nil:
		d.add(schema.IsMissing, c.Name, spelled, "nothing", "create the table anew and copy again")
		d.comparable = false
		return
	case have.Type != spelled:
		d.add(schema.IsChanged, c.Name, spelled, have.Type, "create the table anew and copy again, or plan the type that is wanted")
		d.comparable = false
	case is.collation != "":
		d.add(schema.IsChanged, c.Name, spelled, have.Type+" COLLATE "+is.collation, "create the table anew and copy again")
	case is.timed && is.precision != precision(c.Type):
		d.add(schema.IsChanged, c.Name, c.Type, fmt.Sprintf("%s with %d digits of a second", have.Type, is.precision),
			alter+"TYPE "+c.Type+", and copy again when there were too few")
		d.comparable = false
	case c.Kind == schema.Enum && len(c.Labels) > 0 && len(is.labels) > 0 && !slices.Equal(is.labels, c.Labels):
		// The type may be a leftover of the same name.
		d.add(schema.IsChanged, c.Name, listed(c.Labels), listed(is.labels), "ALTER TYPE "+c.Type+" ADD VALUE .., or drop table and type and create them anew")
	}
	switch {
	case c.NotNull && !have.NotNull:
		d.add(schema.IsChanged, c.Name, "NOT NULL", "nullable", alter+"SET NOT NULL")
	case have.NotNull && !c.NotNull:
		d.add(schema.IsChanged, c.Name, "nullable", "NOT NULL", alter+"DROP NOT NULL")
	}
}

// hasOther reports whether the catalog lists something else that can be read like a
// table under its name.
func (d *DB) hasOther(ctx context.Context, m *schema.Mapping) (found bool, err error) {
	const query = `SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname::TEXT = $2::TEXT AND c.relkind IN ('v', 'm', 'S', 'f')`
	err = each(ctx, d.pool, query, m.Name, func(func(...any) error) error { found = true; return nil })
	return found, Explain(err)
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

func (t *Table) column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}
