// Package fleet runs a plan: it turns each tenant into a move of its own
// (migrate.Config), runs several of them side by side within the plan's limits,
// and gathers what became of them. One tenant's failure is that tenant's. How a
// move is done it leaves to migrate, what the file may say to plan.
package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/plan"
	"leap/internal/report"
)

// Config says what to run of a plan.
type Config struct {
	Plan *plan.Plan
	// SHA256 identifies the file's text, for the report.
	SHA256 string
	// Names are the tenants to run; empty for all.
	Names   []string
	Outside plan.Outside
	// Base is what all moves have in common; the plan fills in the rest.
	Base migrate.Config
}

// chosen returns the tenants to run, in the plan's order.
func (c Config) chosen() ([]*plan.Tenant, error) {
	if len(c.Names) == 0 {
		return c.Plan.Tenants, nil
	}
	for _, name := range c.Names {
		if c.Plan.Tenant(name) == nil {
			var known []string
			for _, t := range c.Plan.Tenants {
				known = append(known, t.Name)
			}
			return nil, fault.New(fault.Usage, "the plan has "+strings.Join(known, ", "), "there is no tenant %q in %s", name, c.Plan.Name())
		}
	}
	return slices.DeleteFunc(slices.Clone(c.Plan.Tenants), func(t *plan.Tenant) bool {
		return !slices.Contains(c.Names, t.Name)
	}), nil
}

// Run runs the phases for every chosen tenant. An error means that nothing was
// begun: the plan is wrong. Whatever becomes of a tenant is in the report.
func Run(ctx context.Context, cfg Config, phases ...migrate.Phase) (*report.Fleet, error) {
	started := time.Now()
	moves, err := prepare(ctx, cfg)
	if err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, phases: phases, sources: map[string]*semaphore.Weighted{}, results: make([]report.Move, len(moves)), used: map[string]bool{}}
	for name := range cfg.Plan.Sources {
		r.sources[name] = semaphore.NewWeighted(int64(cfg.Plan.Limits.SourceConnections))
	}
	var group errgroup.Group // no context of its own: one tenant's failure stops nobody
	group.SetLimit(cfg.Plan.Limits.TenantsAtOnce)
	for i, m := range moves {
		group.Go(func() error {
			r.results[i] = r.tenant(ctx, m)
			return nil
		})
	}
	_ = group.Wait() // nothing returns an error
	out := &report.Fleet{
		Version: cfg.Base.Version, Command: cfg.Base.Command, Started: started, Finished: time.Now(), Tenants: r.results,
		Plan: report.PlanFile{File: cfg.Plan.Name(), SHA256: cfg.SHA256},
	}
	if len(cfg.Names) == 0 {
		out.Plan.Unused = r.unused()
	}
	out.Settle()
	return out, nil
}

// run is what the tenants of one run share.
type run struct {
	cfg     Config
	phases  []migrate.Phase
	sources map[string]*semaphore.Weighted // connections, by the source's name
	results []report.Move

	mu   sync.Mutex      // guards used
	used map[string]bool // acceptances that a finding needed
}

// tenant runs one move when there are connections to its source for it.
func (r *run) tenant(ctx context.Context, m move) report.Move {
	weight := int64(m.cfg.Kindness.Connections)
	err := m.err
	if err == nil {
		err = r.sources[m.tenant.Source].Acquire(ctx, weight)
	}
	if err != nil {
		return r.conclude(ctx, m, &report.Migration{
			Version: m.cfg.Version, Command: m.cfg.Command, Started: time.Now(), Finished: time.Now(),
			Source: report.Source{URL: m.cfg.Source.String(), Database: m.cfg.Source.Database},
			Target: report.Target{URL: m.cfg.Target.String(), Database: m.cfg.Target.Database},
		}, err)
	}
	defer r.sources[m.tenant.Source].Release(weight)
	sink := &scoped{inner: m.cfg.Events, tenant: m.tenant.Name}
	m.cfg.Events = sink
	result, err := migrate.Run(ctx, m.cfg, r.phases...)
	if err != nil {
		sink.Emit(event.Event{Kind: event.Warned, At: time.Now(), Message: err.Error()})
	}
	return r.conclude(ctx, m, result, err)
}

// conclude makes the tenant's entry and its exit code.
func (r *run) conclude(ctx context.Context, m move, result *report.Migration, err error) report.Move {
	if err != nil && ctx.Err() != nil {
		err = interrupted()
	}
	if err != nil {
		result.Error = report.FailureOf(err)
	}
	result.Settle()
	out := report.MoveOf(m.tenant.Name, result)
	out.ID, out.Country = append(out.ID, m.tenant.ID...), m.tenant.Country
	out.ExitCode = r.exitCode(result, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range out.Accepted {
		r.used[a.By] = true
	}
	return out
}

func interrupted() error {
	return fault.New(fault.Inconclusive, "run the same command again to continue: everything committed so far is kept", "interrupted")
}

func (r *run) exitCode(result *report.Migration, err error) int {
	switch {
	case err != nil:
		return int(fault.ClassOf(err))
	case !slices.Contains(r.phases, migrate.Verify), result.Verdict == report.Pass:
		return 0
	case result.Verdict == report.Fail:
		return int(fault.Refused)
	}
	return int(fault.Inconclusive)
}

func (r *run) unused() []string {
	var out []string
	for _, a := range r.cfg.Plan.Accept {
		if !r.used[a.ID] {
			out = append(out, a.ID)
		}
	}
	return out
}

// scoped tells of each event which tenant it is about.
type scoped struct {
	inner  event.Sink
	tenant string

	mu    sync.Mutex // guards phase
	phase string     // the tenant's own; messages without one belong to it
}

// Emit passes the event on.
func (s *scoped) Emit(e event.Event) {
	s.mu.Lock()
	if e.Kind == event.PhaseStarted {
		s.phase = e.Phase
	}
	if e.Phase == "" {
		e.Phase = s.phase
	}
	s.mu.Unlock()
	e.Tenant = s.tenant
	s.inner.Emit(e)
}

// Script returns the DDL of each chosen tenant, one after the other.
func Script(ctx context.Context, cfg Config) (string, error) {
	moves, err := prepare(ctx, cfg)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, m := range moves {
		if m.err != nil {
			return "", fmt.Errorf("tenant %s: %w", m.tenant.Name, m.err)
		}
		text, err := migrate.Script(ctx, m.cfg)
		if err != nil {
			return "", fmt.Errorf("tenant %s: %w", m.tenant.Name, err)
		}
		fmt.Fprintf(&out, "-- tenant %s, %s\n\n%s\n", m.tenant.Name, m.cfg.Target, text)
	}
	return out.String(), nil
}
