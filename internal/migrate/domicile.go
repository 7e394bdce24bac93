package migrate

import (
	"context"
	"slices"
	"strings"

	"leap/internal/fault"
	"leap/internal/plan"
	"leap/internal/report"
	"leap/internal/target"
)

// Domicile says where a tenant's rows may lie.
type Domicile struct {
	Country string
	// Allowed are the regions, * standing for anything.
	Allowed []string
	// Region, if set, is where the plan says that the target is.
	Region string
	// Unchecked says that the plan wants no comparison.
	Unchecked bool
}

// checkDomicile looks at the target before anything is written.
func (s *session) checkDomicile(ctx context.Context) error {
	if s.target == nil {
		return nil
	}
	var err error
	s.domicile, err = CheckDomicile(ctx, s.target, s.cfg.Domicile)
	if err == nil && s.domicile != nil && s.domicile.Verdict == report.DomicileHeld {
		s.step("domicile: all nodes are in %s, as tenants of %s must be", strings.Join(s.domicile.Regions, ", "), s.domicile.Country)
	}
	return err
}

// CheckDomicile compares the regions of a target's nodes with those that are
// allowed; nil asks for nothing. A node elsewhere is refused; nodes that do not
// say where they are leave it open, which is an error as well: rows that have
// crossed a border cannot be called back.
func CheckDomicile(ctx context.Context, dst *target.DB, want *Domicile) (*report.Domicile, error) {
	if want == nil {
		return nil, nil //nolint:nilnil // nothing was asked
	}
	out := &report.Domicile{Country: want.Country, Allowed: want.Allowed, Verdict: report.DomicileUnchecked}
	if want.Unchecked {
		return out, nil
	}
	where, err := dst.Whereabouts(ctx)
	if err != nil {
		return out, err
	}
	out.Regions, out.Method = where.Regions(), where.Method
	out.Verdict, err = want.judge(where)
	return out, err
}

func (want *Domicile) judge(where target.Whereabouts) (report.DomicileVerdict, error) {
	for _, node := range where.Nodes {
		switch {
		case node.Region == "": // told below: a node that is elsewhere weighs more
		case !plan.MatchAny(want.Allowed, node.Region):
			return report.DomicileBroken, fault.New(fault.Refused,
				"choose a cluster with nodes only in "+strings.Join(want.Allowed, " or ")+", or allow the region under countries: in the plan",
				"a tenant of %s must not go to this cluster: node %s is in %s", want.Country, node.ID, node.Region)
		case want.Region != "" && node.Region != want.Region:
			return report.DomicileBroken, fault.New(fault.Refused, "correct region: of the target in the plan, or its url:",
				"the plan says that the cluster is in %s, and node %s is in %s", want.Region, node.ID, node.Region)
		}
	}
	if len(where.Nodes) > 0 && !slices.ContainsFunc(where.Nodes, func(n target.Node) bool { return n.Region == "" }) {
		return report.DomicileHeld, nil
	}
	why := where.Why
	if why == "" {
		why = "a node does not say in which region it is"
	}
	return report.DomicileUnknown, fault.New(fault.Inconclusive,
		"start the nodes with --locality=region=..., or write domicile: unchecked for the tenant or its target if you know where it is",
		"nobody can tell whether the cluster is where tenants of %s must be: %s", want.Country, why)
}
