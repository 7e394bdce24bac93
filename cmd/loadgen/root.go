package main

import (
	"context"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
)

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, t cli.Terminal) int {
	return cli.Execute(ctx, newRoot(t), args, t, "run the same command again") //nolint:contextcheck // cobra hands the context to each command
}

func newRoot(t cli.Terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "loadgen",
		Short: "Load a database with honest latency, and judge it",
		Long: `loadgen drives a workload on CockroachDB. It times every request from the moment
it was due, counts every retry, checks the workload's invariants, and ends with a
verdict.

  loadgen init --target postgresql://user@host:26257/bank --workload kv
  loadgen run  --target postgresql://user@host:26257/bank --workload kv --rate 200

Addresses with passwords belong into the environment, not on the command line:
LEAP_TARGET holds a whole URL, PGPASSWORD just the password.

Exit codes: 0 done or passed, 1 failed, 2 wrong usage, 3 a threshold was missed
or an invariant violated, 4 inconclusive.`,
		Version: version,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.AddCommand(newInit(t), newRun(t), newGate(t), newReport(t), newCompare(t), newList(t), newSelfTest(t))
	return root
}
