package main

import (
	"errors"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/migrate"
)

func newSchema(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	apply := false
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the target's DDL, or create the tables with --apply",
		Long: `schema prints the whole DDL for the target: what is created before the rows
(types, sequences, tables with primary keys) and what comes after them (indexes,
foreign keys, checks, sequence values). With --apply it creates the first part;
copy creates the second when the rows are there.`,
		Example: `  migrate schema --source mysql://leap@db1:3306/bank --target postgresql://leap@crdb:26257/bank > bank.sql
  migrate schema --apply`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !apply {
				if err := refuseFlags(cmd, "without --apply, which makes a report: the DDL is printed as it is", "json", "report", "metrics"); err != nil {
					return err
				}
			}
			if planned, err := o.planned(cmd); planned || err != nil {
				if !apply && err == nil {
					return o.fleetScript(cmd)
				}
				return o.fleetOr(cmd, err, migrate.Schema)
			}
			if !apply {
				return o.script(cmd)
			}
			m, err := o.execute(cmd, migrate.Schema)
			if m != nil && o.json {
				return errors.Join(err, o.print(m))
			}
			if err != nil {
				return err
			}
			return cli.WriteAll(o.t.Out, "the tables are in place; continue with migrate copy\n")
		},
	}
	cmd.Flags().BoolVar(&apply, "apply", false, "create what must exist before the rows")
	o.endpointFlags(cmd)
	o.fleetFlags(cmd)
	o.planFlags(cmd)
	o.scanFlag(cmd)
	o.outputFlags(cmd)
	return cmd
}

// script prints the DDL; without a target, for a current CockroachDB.
func (o *options) script(cmd *cobra.Command) error {
	cfg, err := o.config(cmd)
	if err != nil {
		return err
	}
	if o.hasTarget() {
		err = o.endpoints(&cfg)
	} else {
		cfg.Source, err = o.sourceOnly()
	}
	if err != nil {
		return err
	}
	text, err := migrate.Script(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	return cli.WriteAll(o.t.Out, text)
}
