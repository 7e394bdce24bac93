package fleet

import (
	"context"
	"slices"

	"leap/internal/plan"
)

// useless returns the problems of entries that mean nothing for any tenant of the
// plan. Where they mean nothing for the chosen ones, the others are looked at: first
// those whose source is described, then, a few at a time, those whose source is not.
func useless(ctx context.Context, cfg Config, sources map[string]*described, uses *plan.Uses) (plan.Problems, error) {
	near, far := []*plan.Tenant{}, []*plan.Tenant{}
	for _, t := range cfg.Plan.Tenants {
		if sources[sourceOf(t)] != nil {
			near = append(near, t)
		} else {
			far = append(far, t)
		}
	}
	var unseen plan.Problems
	told := map[string]bool{} // sources that are in unseen
	for batch := range slices.Chunk(append(near, far...), cfg.Plan.Limits.TenantsAtOnce) {
		if len(uses.Useless()) == 0 {
			return nil, nil
		}
		readOthers(ctx, cfg, batch, sources)
		var others plan.Uses
		for _, t := range batch {
			found, key := sources[sourceOf(t)], sourceOf(t)
			switch {
			case found.err == nil:
				cfg.Plan.Look(t, found.database, &others)
			case !told[key]:
				told[key] = true
				unseen = append(unseen, cfg.Plan.At(cfg.Plan.PathOf(t), "make its source available, or take out what means nothing for the others",
					"what means nothing for other tenants may mean something for tenant %s, whose source could not be looked at: %s", t.Name, found.err))
			}
		}
		uses.Settle(&others)
	}
	out := uses.Useless()
	switch {
	case len(out) == 0:
		return nil, nil
	case ctx.Err() != nil: // so it is not known
		return nil, interrupted()
	}
	return append(out, unseen...), nil
}

// readOthers is readSources for tenants that need not be chosen: an address that
// cannot be resolved is an error of the source.
func readOthers(ctx context.Context, cfg Config, tenants []*plan.Tenant, sources map[string]*described) {
	ends := map[string]plan.Ends{}
	for _, t := range tenants {
		if sources[sourceOf(t)] != nil {
			continue
		}
		e, problems := cfg.Plan.SourceEndpoint(t, cfg.Outside)
		if err := problems.Err(); err != nil {
			sources[sourceOf(t)] = &described{err: err}
			continue
		}
		ends[t.Name] = plan.Ends{Source: e}
	}
	readSources(ctx, cfg, tenants, ends, sources)
}
