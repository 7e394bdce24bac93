package fleet

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"leap/internal/fault"
	"leap/internal/migrate"
)

// TenantStatus is where one tenant stands.
type TenantStatus struct {
	Name   string `json:"name"`
	Target string `json:"target"`
	migrate.Standing
}

// Status asks the targets of the chosen tenants where their moves stand. It
// needs no source. A target that does not answer is an entry of its own, and
// the worst class of error is returned beside the entries.
func Status(ctx context.Context, cfg Config) ([]TenantStatus, fault.Class, error) {
	tenants, err := cfg.chosen()
	if err != nil {
		return nil, 0, err
	}
	ends, problems := cfg.Plan.Endpoints(tenants, cfg.Outside)
	if len(problems) > 0 {
		return nil, 0, problems.Err()
	}
	out := make([]TenantStatus, len(tenants))
	var mu sync.Mutex // guards worst
	worst := fault.Class(0)
	var group errgroup.Group
	const asks = 16 // short questions to different servers
	group.SetLimit(asks)
	for i, t := range tenants {
		group.Go(func() error {
			e := ends[t.Name]
			entry := TenantStatus{Name: t.Name, Target: e.Target.String()}
			var err error
			entry.Standing, err = migrate.ReadStanding(ctx, e.Target, e.Source.Database, t.ID)
			if err != nil {
				entry.State, entry.Error = migrate.StandsUnreachable, err.Error()
				mu.Lock()
				if c := fault.ClassOf(err); worst == 0 || c < worst {
					worst = c
				}
				mu.Unlock()
			}
			out[i] = entry
			return nil
		})
	}
	_ = group.Wait() // the errors are in the entries
	return out, worst, nil
}
