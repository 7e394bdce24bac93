package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
	"leap/internal/fleet"
	"leap/internal/migrate"
	"leap/internal/plan"
	"leap/internal/report"
	"leap/internal/schema"
)

// planFile holds the flags that take the addresses from a plan.
type planFile struct {
	path    string
	tenants []string
	all     bool
}

// fleetFlags registers what runs the tenants of a plan.
func (o *options) fleetFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.plan.path, "plan", "", "take sources, targets, tenants and policies from this plan file (see migrate plan)")
	f.StringSliceVar(&o.plan.tenants, "tenant", nil, "with --plan: only these tenants, separated by commas")
	f.BoolVar(&o.plan.all, "all", false, "with --plan: all tenants")
}

// planned reports whether a plan says what to do, and refuses what does not go
// with one.
func (o *options) planned(cmd *cobra.Command) (bool, error) {
	if o.plan.path == "" {
		if len(o.plan.tenants) > 0 || o.plan.all {
			return false, fault.New(fault.Usage, "add --plan plan.yaml; migrate plan init writes one", "--tenant and --all need a plan")
		}
		return false, nil
	}
	for name, instead := range map[string]string{
		"source": "sources:", "target": "targets:", "policy": "policies:", "max-connections": "limits: source_connections:",
		"max-rows-per-second": "limits: rows_per_second:", "workers": "limits: workers:",
	} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			return false, fault.New(fault.Usage, "write it under "+instead+" in the plan", "--%s does not go with --plan", name)
		}
	}
	for _, name := range []string{"state", "tables", "selftest"} {
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed {
			return false, fault.New(fault.Usage, "use it with --source and --target", "--%s does not go with --plan", name)
		}
	}
	switch {
	case o.plan.all && len(o.plan.tenants) > 0:
		return false, fault.New(fault.Usage, "keep one of them", "--all and --tenant contradict each other")
	case !o.plan.all && len(o.plan.tenants) == 0:
		return false, fault.New(fault.Usage, "add --all, or --tenant with their names", "the plan has several tenants, and nobody says which to take")
	}
	return true, nil
}

// readPlan reads the plan file.
func (o *options) readPlan() (fleet.Config, error) {
	text, err := os.ReadFile(o.plan.path)
	if err != nil {
		return fleet.Config{}, fault.Wrap(fault.Usage, "check --plan; migrate plan init writes a plan", err)
	}
	p, err := plan.Read(o.plan.path, text)
	if err != nil {
		return fleet.Config{}, err
	}
	sum := sha256.Sum256(text)
	return fleet.Config{
		Plan: p, SHA256: hex.EncodeToString(sum[:]), Names: o.plan.tenants,
		Outside: plan.Outside{Env: o.environment, File: os.ReadFile},
	}, nil
}

func (o *options) environment(name string) (string, bool) {
	value := o.t.Env(name)
	return value, value != ""
}

// fleetOr is fleet unless err says that the flags are wrong.
func (o *options) fleetOr(cmd *cobra.Command, err error, phases ...migrate.Phase) error {
	if err != nil {
		return err
	}
	return o.fleet(cmd, phases...)
}

// fleetScript prints the DDL of each tenant.
func (o *options) fleetScript(cmd *cobra.Command) error {
	cfg, err := o.readPlan()
	if err != nil {
		return err
	}
	if cfg.Base, err = o.config(cmd); err != nil {
		return err
	}
	text, err := fleet.Script(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	return cli.WriteAll(o.t.Out, text)
}

// fleet runs phases for tenants of the plan, prints what became of them, and
// ends with the worst of their exit codes.
func (o *options) fleet(cmd *cobra.Command, phases ...migrate.Phase) error {
	cfg, err := o.readPlan()
	if err != nil {
		return err
	}
	if cfg.Base, err = o.config(cmd); err != nil {
		return err
	}
	sink, stopListeners, err := o.listeners(cmd.Context())
	if err != nil {
		return err
	}
	cfg.Base.Events = sink
	f, err := fleet.Run(cmd.Context(), cfg, phases...)
	stopListeners()
	if err != nil {
		return err
	}
	if o.report != "" {
		err = report.WriteFleet(o.report, f)
	}
	// Also without a file: nobody moves thirty tenants again to see what became of them.
	if err = errors.Join(err, o.printFleet(f, phases)); err != nil {
		return err
	}
	if code := f.ExitCode(); code != 0 {
		return &cli.VerdictError{Class: code}
	}
	return nil
}

func (o *options) printFleet(f *report.Fleet, phases []migrate.Phase) error {
	if o.json {
		return report.EncodeFleet(o.t.Out, f)
	}
	if len(phases) == 1 && phases[0] == migrate.Assess {
		return o.printLosses(f)
	}
	if err := report.FleetText(o.t.Out, f, report.Options{Color: o.t.Colored()}); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printLosses prints what gets lost, and who could not be looked at, or must not move.
func (o *options) printLosses(f *report.Fleet) error {
	looked := false
	for _, m := range f.Tenants {
		looked = looked || m.Error == nil || len(m.Assessment) > 0
		if m.Error != nil {
			cli.PrintError(o.t.Err, "migrate", fault.New(fault.Class(m.ExitCode), m.Error.Hint, "tenant %s: %s", m.Name, m.Error.Message))
		}
	}
	if !looked {
		return nil
	}
	return cli.WriteAll(o.t.Out, lossesTable(f))
}

// lossesTable lists what gets lost, with the ids that a plan accepts it by.
func lossesTable(f *report.Fleet) string {
	type loss struct {
		schema.Finding
		tenants []string
	}
	var order []string
	losses := map[string]*loss{}
	for _, m := range f.Tenants {
		for _, finding := range m.Assessment {
			id := finding.ID()
			if losses[id] == nil {
				losses[id] = &loss{Finding: finding}
				order = append(order, id)
			}
			losses[id].tenants = append(losses[id].tenants, m.Name)
		}
	}
	var findings []schema.Finding
	for _, id := range order {
		l := losses[id]
		if len(l.tenants) < len(f.Tenants) {
			l.Problem += " (" + strings.Join(l.tenants, ", ") + ")"
		}
		findings = append(findings, l.Finding)
	}
	return findingsTable(findings)
}
