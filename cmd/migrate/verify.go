package main

import (
	"github.com/spf13/cobra"

	"leap/internal/migrate"
)

func newVerify(t terminal) *cobra.Command {
	o := &options{t: t}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Compare every row of source and target",
		Long: `verify digests every row on both sides, range by range, and goes down to the key
and the column where they differ. It shares no code with the copier's encoding.
It ends with exit code 3 when anything differs, a missing table included.`,
		Example: `  migrate verify --source mysql://leap@db1:3306/bank --target postgresql://leap@crdb:26257/bank --report verify.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.judge(cmd, migrate.Verify)
		},
	}
	o.endpointFlags(cmd)
	o.planFlags(cmd)
	o.snapshotFlags(cmd)
	o.kind.flags(cmd)
	o.verifyFlags(cmd)
	o.outputFlags(cmd)
	return cmd
}
