package main

import (
	"context"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
)

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, t cli.Terminal) int {
	return cli.Execute(ctx, newRoot(t), args, t, continueHint) //nolint:contextcheck // cobra hands the context to each command
}

const continueHint = "run the same command again to continue: everything committed so far is kept"

// interrupted replaces whatever a cancelled query returned.
func interrupted(err error) error {
	if fault.ClassOf(err) == fault.Usage {
		return err
	}
	return fault.New(fault.Inconclusive, continueHint, "interrupted")
}

func newRoot(t cli.Terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "migrate",
		Short: "Move a MySQL database into CockroachDB and prove that it arrived",
		Long: `migrate moves a database out of MySQL or MariaDB into CockroachDB and proves,
row by row, that it arrived.

One database and one target:

  migrate run --source mysql://user@host:3306/bank --target postgresql://user@host:26257/bank

Addresses with passwords belong into the environment, not on the command line:
LEAP_SOURCE and LEAP_TARGET hold whole URLs, MYSQL_PWD and PGPASSWORD just the
password.

Exit codes: 0 done or passed, 1 failed, 2 wrong usage, 3 refused or data differ,
4 inconclusive.`,
		Version: version,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.AddCommand(newAssess(t), newSchema(t), newCopy(t), newVerify(t), newRun(t), newStatus(t), newPause(t), newResume(t), newPlan(t), newDemo(t))
	return root
}
