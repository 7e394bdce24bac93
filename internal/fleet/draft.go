package fleet

import (
	"context"

	"leap/internal/endpoint"
	"leap/internal/plan"
	"leap/internal/schema"
	"leap/internal/source"
)

// mostTenants bounds what a draft lists: above it the table is hardly one of tenants.
const mostTenants = 500

// DraftOf looks at a source and drafts a plan for it. With a column given, that
// is the tenant column.
func DraftOf(ctx context.Context, e endpoint.Endpoint, column string) (plan.Draft, error) {
	out := plan.Draft{SourceURL: e.String()}
	db, err := source.Open(ctx, e)
	if err != nil {
		return out, err
	}
	defer func() { _ = db.Close() }() // only read
	if out.Database, err = db.Introspect(ctx); err != nil {
		return out, err
	}
	out.Guess = plan.GuessTenants(out.Database, column)
	if t := out.Database.Table(out.Guess.TenantTable); t != nil {
		out.Tenants, err = tenantsOf(ctx, db, t, out.Guess)
	}
	return out, err
}

func tenantsOf(ctx context.Context, db *source.DB, t *schema.Table, g plan.Guess) ([][3]string, error) {
	columns := []string{g.TenantKey}
	for _, c := range []string{g.Label, g.Country} {
		if c != "" {
			columns = append(columns, c)
		}
	}
	rows, err := db.Peek(ctx, t, columns, mostTenants)
	if err != nil {
		return nil, err
	}
	out := make([][3]string, len(rows))
	for i, row := range rows {
		out[i][0] = row[0]
		rest := row[1:]
		if g.Label != "" {
			out[i][1], rest = rest[0], rest[1:]
		}
		if g.Country != "" {
			out[i][2] = rest[0]
		}
	}
	return out, nil
}
