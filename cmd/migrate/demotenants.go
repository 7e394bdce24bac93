package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"

	openbanking "leap/examples/open-banking"
	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/fleet"
	"leap/internal/migrate"
	"leap/internal/plan"
	"leap/internal/report"
	"leap/internal/source"
)

// moveTenants moves the sample bank once more, each of its tenants into a
// database of its own, by the plan that ships as an example.
func (d *demo) moveTenants(ctx context.Context) error {
	p, err := plan.Read("examples/open-banking/plan.yaml", openbanking.Plan)
	if err != nil {
		return err
	}
	for _, t := range p.Tenants {
		if err = d.target.Exec(ctx, "", "CREATE DATABASE "+t.Database); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(openbanking.Plan)
	d.say("\n4. migrate run --plan %s --all", p.Name())
	f, err := fleet.Run(ctx, fleet.Config{
		Plan: p, SHA256: hex.EncodeToString(sum[:]),
		Outside: plan.Outside{Env: d.planVariables, File: os.ReadFile},
		Base:    migrate.Config{Command: "migrate demo", Version: version, Snapshot: source.Consistent, Events: event.Discard},
	}, migrate.Assess, migrate.Schema, migrate.Copy, migrate.Verify)
	if err != nil {
		return err
	}
	if err = report.FleetText(d.t.Out, f, report.Options{Color: d.t.Colored()}); err != nil {
		return err
	}
	if f.ExitCode() != 0 {
		return fault.New(f.ExitCode(), "see above", "not every tenant is proven equal")
	}
	return nil
}

// planVariables are the addresses that the plan takes from the environment.
func (d *demo) planVariables(name string) (string, bool) {
	switch name {
	case "LEGACY_URL":
		return d.source.UserURL(legacyDatabase), true
	case "CLUSTER_DE_URL", "CLUSTER_FR_URL", "CLUSTER_PL_URL":
		return d.target.URL(newDatabase), true
	}
	return "", false
}
