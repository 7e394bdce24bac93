package plan

import (
	"fmt"
	"slices"
	"strings"
)

// RegionOf is the region of a tenant's rows on a multi-region cluster; empty where
// the plan makes no table REGIONAL BY ROW.
func (p *Plan) RegionOf(t *Tenant) string {
	target := p.Targets[t.Target]
	if target == nil || len(target.Regions) == 0 {
		return ""
	}
	if t.CRDBRegion != "" {
		return t.CRDBRegion
	}
	return target.Regions[0]
}

// checkRegions looks at what the plan says of multi-region clusters.
func (p *Plan) checkRegions() Problems {
	var out Problems
	for _, name := range keys(p.Targets) {
		target, at := p.Targets[name], "targets."+name+".regions"
		for i, region := range target.Regions {
			switch {
			case slices.Contains(target.Regions[:i], region):
				out = append(out, p.problem(fmt.Sprintf("%s[%d]", at, i), "keep one of the two", "region %s is there twice", region))
			case target.Region != "" && region != target.Region:
				out = append(out, p.problem(at, "take region: out, or the other regions",
					"target %s is said to be in %s with all of its nodes, and to have the region %s", name, target.Region, region))
			}
		}
	}
	for i, t := range p.Tenants {
		target, at := p.Targets[t.Target], fmt.Sprintf("tenants[%d]", i)
		if target == nil {
			continue // told by checkEnds
		}
		switch {
		case t.CRDBRegion == "":
		case len(target.Regions) == 0:
			out = append(out, p.problem(at+".crdb_region", "list the regions of target "+t.Target+" under its regions:, or take the line out",
				"tenant %s has a crdb_region, and target %s has no regions", t.Name, t.Target))
		case !slices.Contains(target.Regions, t.CRDBRegion):
			out = append(out, p.problem(at+".crdb_region", "target "+t.Target+" has "+strings.Join(target.Regions, ", "),
				"target %s has no region %s", t.Target, t.CRDBRegion))
		}
		out = append(out, p.checkDatabaseRegions(at, t, target)...)
	}
	return out
}

// checkDatabaseRegions refuses regions in which a tenant must not lie: a row has
// replicas in every region of its database, its own being where it is written.
func (p *Plan) checkDatabaseRegions(at string, t *Tenant, target *Target) Problems {
	allowed, known := p.Countries[t.Country]
	if !known || p.DomicileOf(t) == Unchecked {
		return nil
	}
	for _, region := range target.Regions {
		if !MatchAny(allowed, region) {
			return Problems{p.problem(at, "give it a target with regions only in "+strings.Join(allowed, " or ")+", or allow the region under countries",
				"tenant %s of %s must not go to target %s, which keeps copies of its rows in %s", t.Name, t.Country, t.Target, region)}
		}
	}
	return nil
}
