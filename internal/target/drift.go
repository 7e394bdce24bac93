package target

import (
	"context"
	"fmt"

	"leap/internal/schema"
)

// Drift lists how a table differs from the mapping: it is missing, a column is
// missing, of another type, nullable or not, or one too many. comparable is
// false when the rows cannot be compared: the table or a column is not there,
// or a type is another one.
func (d *DB) Drift(ctx context.Context, m *schema.Mapping) (drift []string, comparable bool, err error) {
	// Asked for by name: all tables for each table would grow with the square.
	tables, err := d.tables(ctx, m.Name)
	if err != nil {
		return nil, false, err
	}
	have := tables[m.Name]
	if have == nil {
		return []string{"the target has no table " + Quote(m.Name)}, false, nil
	}
	spelled, err := d.ColumnTypes(ctx, m)
	if err != nil {
		return nil, false, err
	}
	comparable = true
	planned := map[string]bool{}
	for i, c := range m.Columns {
		planned[c.Name] = true
		column := have.column(c.Name)
		switch {
		case column == nil:
			drift = append(drift, fmt.Sprintf("column %s is missing", Quote(c.Name)))
			comparable = false
		case column.Type != spelled[i]:
			drift = append(drift, fmt.Sprintf("column %s is %s, planned is %s", Quote(c.Name), column.Type, spelled[i]))
			comparable = false
		case c.NotNull && !column.NotNull:
			drift = append(drift, fmt.Sprintf("column %s is nullable, planned is NOT NULL", Quote(c.Name)))
		case column.NotNull && !c.NotNull:
			drift = append(drift, fmt.Sprintf("column %s is NOT NULL, planned is nullable", Quote(c.Name)))
		}
	}
	if m.Region != "" && !have.Hidden[schema.RegionColumn] {
		drift = append(drift, "the table is not REGIONAL BY ROW: it has no hidden column "+Quote(schema.RegionColumn))
	}
	for _, c := range have.Columns {
		if !planned[c.Name] {
			drift = append(drift, fmt.Sprintf("column %s is not in the plan", Quote(c.Name)))
		}
	}
	return drift, comparable, nil
}

func (t *Table) column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}
