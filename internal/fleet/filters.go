package fleet

import (
	"context"

	"leap/internal/plan"
	"leap/internal/source"
)

// askFilters lets each source look at the conditions of the plan's filters. A
// source that cannot be reached is its tenants' own trouble, and found later.
func askFilters(ctx context.Context, p *plan.Plan, moves []move) plan.Problems {
	if len(p.Filters) == 0 {
		return nil
	}
	var out plan.Problems
	asked := map[string]bool{} // source, table and condition
	for _, m := range moves {
		if m.err != nil {
			continue
		}
		var db *source.DB
		out = append(out, p.EachFilter(m.cfg.Changes, func(table, where string) (err error) {
			key := sourceOf(m.tenant) + "\x00" + table + "\x00" + where
			if asked[key] {
				return nil
			}
			asked[key] = true
			if db == nil {
				if db, err = source.Open(ctx, m.cfg.Source); err != nil {
					return err
				}
			}
			return db.CheckFilter(ctx, table, where)
		})...)
		if db != nil {
			_ = db.Close() // only read
		}
	}
	return out
}
