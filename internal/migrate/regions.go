package migrate

import (
	"context"
	"slices"
	"strings"

	"leap/internal/convert"
	"leap/internal/fault"
	"leap/internal/target"
)

// Regions is where a tenant's rows lie on a multi-region cluster.
type Regions struct {
	// Database are the regions of the database, the primary one first.
	Database []string
	// Home is the region of all rows, one of them.
	Home string
}

// checkRegions looks at the target before anything is written.
func (s *session) checkRegions(ctx context.Context) error {
	if s.target == nil || s.cfg.Regions == nil {
		return nil
	}
	if s.cfg.Ingest == IngestImport {
		return fault.New(fault.Refused, "use --ingest=copy", "tables that are REGIONAL BY ROW are not imported")
	}
	return CheckRegions(ctx, s.target, s.cfg.Regions)
}

// CheckRegions refuses a target that cannot have tables REGIONAL BY ROW, or has no
// node in one of the regions; nil asks for nothing.
func CheckRegions(ctx context.Context, dst *target.DB, want *Regions) error {
	if want == nil {
		return nil
	}
	if !dst.Capabilities().MultiRegion {
		return fault.New(fault.Refused, "take regions: of the target out of the plan, or move to CockroachDB 21.2 or newer with nodes in those regions",
			"the plan gives the database the regions %s, and the target is %s %s, which knows no regions",
			strings.Join(want.Database, ", "), dst.Info().Product, dst.Info().Version)
	}
	have, err := dst.ClusterRegions(ctx)
	if err != nil {
		return err
	}
	return want.among(have)
}

// among refuses regions that the cluster does not have.
func (want *Regions) among(have []string) error {
	for _, region := range want.Database {
		if slices.Contains(have, region) {
			continue
		}
		there := "none of its nodes says in which region it is"
		if len(have) > 0 {
			there = "its nodes are in " + strings.Join(have, ", ")
		}
		return fault.New(fault.Refused, "correct regions: of the target in the plan, or start nodes there with --locality=region="+region,
			"the plan gives the database the region %s, and the cluster has no node there: %s", region, there)
	}
	return nil
}

// regions is what the plan's DDL needs to know; nil when there are none.
func (s *session) regions() *convert.Regions {
	if s.cfg.Regions == nil || s.cfg.Target == nil {
		return nil
	}
	return &convert.Regions{Database: s.cfg.Target.Database, Names: s.cfg.Regions.Database, Home: s.cfg.Regions.Home}
}
