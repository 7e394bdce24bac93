package main

import (
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/migrate"
)

func newRun(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Assess, create the schema, copy and verify, in that order",
		Long: `run does the whole move: it looks for what will not arrive, creates the tables,
copies the rows from one consistent view of the source, builds indexes and
constraints, and compares every row. It stops at the first step that fails;
the same command continues where it stopped.`,
		Example: `  migrate run --source mysql://leap@db1:3306/bank --target postgresql://leap@crdb:26257/bank --report bank.json

  # values that cannot arrive as they are need a decision
  migrate run --policy zero-date=null --policy json-duplicate=last`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if planned, err := o.planned(cmd); planned || err != nil {
				return o.fleetOr(cmd, err, migrate.Assess, migrate.Schema, migrate.Copy, migrate.Verify)
			}
			return o.judge(cmd, migrate.Assess, migrate.Schema, migrate.Copy, migrate.Verify)
		},
	}
	o.endpointFlags(cmd)
	o.fleetFlags(cmd)
	o.planFlags(cmd)
	o.scanFlag(cmd)
	o.snapshotFlags(cmd)
	o.kind.flags(cmd)
	o.copyFlags(cmd)
	o.compare.flags(cmd)
	o.outputFlags(cmd)
	return cmd
}
