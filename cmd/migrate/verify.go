package main

import (
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/migrate"
)

func newVerify(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	selfTest := false
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare every row of source and target",
		Long: `verify digests every row on both sides, range by range, and goes down to the key
and the column where they differ. It shares no code with the copier's encoding.
It ends with exit code 3 when anything differs, a missing table included, and with
4 when something could not be checked, which is listed. Without --repair it writes
nothing to either side.

With --selftest it does not look at the target's tables. It copies a sample of the
source into a scratch database of the target, spoils the copy in every way in which
copies go wrong, shows whether each damage is found, and removes the database.`,
		Example: `  migrate verify --source mysql://leap@db1:3306/bank --target postgresql://leap@crdb:26257/bank --report verify.json
  migrate verify --tier pushdown --tables accounts,entries
  migrate verify --repair --report repaired.json
  migrate verify --selftest`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if planned, err := o.planned(cmd); planned || err != nil {
				return o.fleetOr(cmd, err, migrate.Verify)
			}
			if selfTest {
				if err := refuseFlags(cmd, "with --selftest, which looks at a spoiled copy of its own", "tables", "state", "repair"); err != nil {
					return err
				}
				return o.selfTest(cmd)
			}
			return o.judge(cmd, migrate.Verify)
		},
	}
	o.endpointFlags(cmd)
	o.fleetFlags(cmd)
	o.planFlags(cmd)
	o.snapshotFlags(cmd)
	o.kind.flags(cmd)
	o.compare.flags(cmd)
	o.compare.moreFlags(cmd)
	o.outputFlags(cmd)
	cmd.Flags().BoolVar(&selfTest, "selftest", false, "prove on a spoiled copy of a sample of the data that differences are found")
	return cmd
}
