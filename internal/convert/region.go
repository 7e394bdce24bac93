package convert

import (
	"slices"

	"leap/internal/schema"
)

// createRegions gives the database its regions. Both statements may be repeated.
func (b *builder) createRegions() {
	r := b.d.Regions
	if r == nil {
		return
	}
	for i, name := range r.Names {
		change := "ADD REGION IF NOT EXISTS "
		if i == 0 {
			change = "PRIMARY REGION "
		}
		b.before(Statement{
			Name: "region " + name, Kind: KindRegion,
			SQL: "ALTER DATABASE " + quote(r.Database) + " " + change + quote(name),
		})
	}
}

// regionColumn defines the column that says where a row is at home. The server
// would make one by itself, with the region of whoever writes; a tenant's rows are
// at home where the tenant is, whoever writes them and when.
func (b *builder) regionColumn(t *table) {
	r := b.d.Regions
	if r == nil {
		return
	}
	if slices.ContainsFunc(t.plan.Mapping.Columns, func(c schema.ColumnMapping) bool { return c.Name == schema.RegionColumn }) {
		b.block("region-column-taken", t.object(schema.RegionColumn),
			"the table has a column of the name that a table needs for itself that is REGIONAL BY ROW",
			"give the column another name with rename: in the plan, or take regions: of the target out")
		return
	}
	t.plan.Mapping.Region = r.Home
	t.defs = append(t.defs, quote(schema.RegionColumn)+" public.crdb_internal_region NOT VISIBLE NOT NULL DEFAULT "+literal(r.Home))
}

// locality ends a table's definition.
func (b *builder) locality() string {
	if b.d.Regions == nil {
		return ""
	}
	return " LOCALITY REGIONAL BY ROW"
}
