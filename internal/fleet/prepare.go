package fleet

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"leap/internal/convert"
	"leap/internal/endpoint"
	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/plan"
	"leap/internal/schema"
	"leap/internal/source"
)

// move is one tenant on its way.
type move struct {
	tenant *plan.Tenant
	cfg    migrate.Config
	// database is its source's, tables how each table of it belongs.
	database *schema.Database
	tables   []plan.Belonging
	// err is why it cannot begin: its source is away.
	err error
}

// prepare turns the chosen tenants into moves. Errors are about the plan; a
// source that cannot be reached is its tenants' own trouble.
func prepare(ctx context.Context, cfg Config) ([]move, error) {
	tenants, err := cfg.chosen()
	if err != nil {
		return nil, err
	}
	ends, problems := cfg.Plan.Endpoints(tenants, cfg.Outside)
	problems = append(problems, checkPolicies(cfg.Plan)...)
	key, keyless := cfg.Plan.MaskKey(cfg.Outside)
	problems = append(problems, keyless...)
	if len(problems) > 0 {
		return nil, problems.Err()
	}
	sources := map[string]*described{}
	readSources(ctx, cfg, tenants, ends, sources)
	var uses plan.Uses
	var moves []move
	for _, t := range tenants {
		m := move{tenant: t, cfg: tenantConfig(cfg, t, ends[t.Name], min(len(tenants), cfg.Plan.Limits.TenantsAtOnce))}
		m.cfg.MaskKey = key
		found := sources[sourceOf(t)]
		if m.err = found.err; m.err == nil {
			wrong := found.belong(cfg.Plan, t, &m, &uses)
			problems = append(problems, wrong...)
		}
		moves = append(moves, m)
	}
	wrong, err := useless(ctx, cfg, sources, &uses)
	if err != nil {
		return nil, err
	}
	problems = append(problems, wrong...)
	if len(problems) == 0 {
		problems = askFilters(ctx, cfg.Plan, moves)
	}
	return moves, problems.Distinct().Err()
}

// sourceOf tells source databases apart.
func sourceOf(t *plan.Tenant) string { return t.Source + "/" + t.OwnDatabase }

// described is a source database as it was found.
type described struct {
	database *schema.Database
	censuses migrate.Censuses
	scans    migrate.Scans
	err      error
}

// readSources describes each source database that the tenants come from, once: out
// has them by sourceOf.
func readSources(ctx context.Context, cfg Config, tenants []*plan.Tenant, ends map[string]plan.Ends, out map[string]*described) {
	var mu sync.Mutex // guards what the goroutines write
	var group errgroup.Group
	group.SetLimit(cfg.Plan.Limits.TenantsAtOnce)
	for _, t := range tenants {
		key := sourceOf(t)
		if out[key] != nil {
			continue
		}
		entry := &described{}
		out[key] = entry
		group.Go(func() error {
			database, err := describe(ctx, ends[t.Name].Source)
			mu.Lock()
			defer mu.Unlock()
			entry.database, entry.err = database, err
			return nil
		})
	}
	_ = group.Wait() // the errors are in the entries
}

func describe(ctx context.Context, e endpoint.Endpoint) (*schema.Database, error) {
	db, err := source.Open(ctx, e)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }() // only read
	return db.Introspect(ctx)
}

// belong finds out which rows are the tenant's, and which are those of the
// others in the same tables: the proofs need to know both.
func (d *described) belong(p *plan.Plan, t *plan.Tenant, m *move, uses *plan.Uses) plan.Problems {
	tables, problems := p.Belong(t, d.database, uses)
	m.database, m.tables = d.database, tables
	m.cfg.Slices, m.cfg.LeaveOut = plan.Slices(t, tables), plan.LeftOut(tables)
	changes, cannot := p.Changes(d.database, tables, uses)
	m.cfg.Changes, problems = changes, append(problems, cannot...)
	tenancy := &migrate.Tenancy{
		Tenant: t.Name, IDs: t.ID, All: map[string][]*schema.Slice{}, Rest: map[string][]migrate.Rest{}, References: p.References(d.database),
		Censuses: &d.censuses, Scans: &d.scans,
	}
	m.cfg.Tenancy = tenancy
	if t.OwnDatabase != "" {
		return problems
	}
	tenancy.Shared = map[string]bool{}
	for _, b := range tables {
		if b.Shared {
			tenancy.Shared[b.Table] = true
		}
	}
	for _, other := range p.Tenants {
		if sourceOf(other) != sourceOf(t) {
			continue
		}
		theirs, wrong := p.Belong(other, d.database, nil)
		problems = append(problems, wrong...)
		problems = append(problems, overreach(p, t, other, tables, theirs)...)
		parts := plan.Slices(other, theirs)
		if len(wrong) == 0 {
			problems = append(problems, checkSlices(p, d.database, p.PathOf(other)+".id", parts)...)
		}
		for table, slice := range parts {
			tenancy.All[table] = append(tenancy.All[table], slice)
		}
	}
	for table, parts := range p.RestOf(tables, uses) {
		for _, part := range parts {
			tenancy.Rest[table] = append(tenancy.Rest[table], migrate.Rest{Reason: part.Reason, Slice: part.Slice})
		}
	}
	if len(problems) == 0 {
		problems = checkRest(p, d.database, tables)
	}
	return problems
}

// overreach finds tables that one tenant would get all of and another a part: the
// first would have the rows of the second, and no proof looks at whole tables.
func overreach(p *plan.Plan, t, other *plan.Tenant, mine, theirs []plan.Belonging) (out plan.Problems) {
	for _, b := range mine {
		i := slices.IndexFunc(theirs, func(o plan.Belonging) bool { return o.Table == b.Table })
		if i < 0 {
			continue
		}
		all := t
		switch o := theirs[i]; {
		case b.Sliced() && o.Shared:
			all = other
		case !b.Shared || !o.Sliced():
			continue
		}
		out = append(out, p.At(p.PathOf(all)+".tables", "let it belong to all tenants in the same way, or leave it out for one of them",
			"tenant %s would get all of table %s, in which rows are other tenants'", all.Name, b.Table)) // once for all of these
	}
	return out
}

// beside is how many connections a tenant needs besides those of its readers.
const beside = 2

// tenantConfig is the move of one tenant of so many at once, but for which rows
// are its own.
func tenantConfig(cfg Config, t *plan.Tenant, ends plan.Ends, atOnce int) migrate.Config {
	out := cfg.Base
	out.Source, out.Target = ends.Source, &ends.Target
	out.Policies = convert.DefaultPolicies()
	for name, value := range cfg.Plan.PolicyNames(t) {
		_ = out.Policies.Set(name, value) // checkPolicies has tried it
	}
	out.Consent = &migrate.Consent{}
	for _, a := range cfg.Plan.Accept {
		out.Consent.Accepted = append(out.Consent.Accepted, *a)
	}
	if t.Country != "" {
		out.Domicile = &migrate.Domicile{
			Country: t.Country, Allowed: cfg.Plan.AllowedRegions(t), Region: cfg.Plan.Targets[t.Target].Region,
			Unchecked: cfg.Plan.DomicileOf(t) == plan.Unchecked,
		}
	}
	if home := cfg.Plan.RegionOf(t); home != "" {
		out.Regions = &migrate.Regions{Database: cfg.Plan.Targets[t.Target].Regions, Home: home}
	}
	if out.Events == nil {
		out.Events = event.Discard
	}
	limits := cfg.Plan.Limits
	if limits.Workers > 0 {
		out.Workers = limits.Workers
	}
	if out.Workers <= 0 {
		out.Workers = migrate.DefaultWorkers
	}
	// Two more than workers: the snapshot keeps one for each of them, one watches
	// the source, and one asks what is asked beside that. Without the last, a
	// question would wait for ever.
	out.Kindness.Connections = min(out.Workers+beside, limits.SourceConnections)
	out.Workers = out.Kindness.Connections - beside
	if out.Kindness.Threads > 0 {
		// The other tenants' threads are ours as well: they must not slow this one down.
		out.Kindness.Threads += limits.SourceConnections - out.Kindness.Connections
	}
	if n := limits.RowsPerSecond; n > 0 {
		out.Kindness.RowsPerSecond = max(1, n/atOnce)
	}
	return out
}

// checkPolicies looks at the plan's policies as --policy does.
func checkPolicies(p *plan.Plan) plan.Problems {
	return p.CheckPolicies(func(name, value string) (string, error) {
		scratch := convert.DefaultPolicies()
		err := scratch.Set(name, value)
		if err == nil {
			return "", nil
		}
		return fault.HintOf(err), fmt.Errorf("%w", err)
	})
}
