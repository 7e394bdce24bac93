package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
)

// terminal is what the command talks to: tests give it buffers.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
}

// verdictError ends a command with an exit code after its output has said
// everything: main prints nothing more.
type verdictError struct{ class fault.Class }

func (e *verdictError) Error() string { return fmt.Sprintf("exit code %d", e.class) }

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, t terminal) int {
	root := newRoot(t) //nolint:contextcheck // cobra hands the context to each command when it runs
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if v, ok := errors.AsType[*verdictError](err); ok {
		return int(v.class)
	}
	if ctx.Err() != nil {
		err = interrupted(err)
	}
	cli.PrintError(t.err, root.Name(), err)
	return int(fault.ClassOf(err))
}

// interrupted replaces whatever a cancelled query returned.
func interrupted(err error) error {
	if fault.ClassOf(err) == fault.Usage {
		return err
	}
	return fault.New(fault.Inconclusive,
		"run the same command again to continue: everything committed so far is kept", "interrupted")
}

func newRoot(t terminal) *cobra.Command {
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
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SuggestionsMinimumDistance = 2 // cobra sets it only where it prints suggestions itself
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok { // its cause tells of strconv
			err = fmt.Errorf("--%s cannot be %q: a value of type %s is needed", bad.GetFlag().Name, bad.GetValue(), bad.GetFlag().Value.Type())
		}
		return fault.Wrap(fault.Usage, "see "+cmd.CommandPath()+" --help", err)
	})
	root.AddCommand(newAssess(t), newSchema(t), newCopy(t), newVerify(t), newRun(t), newStatus(t), newPause(t), newResume(t), newPlan(t), newDemo(t))
	for _, c := range root.Commands() {
		c.Args = noArguments
	}
	root.Args = unknownCommand
	return root
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fault.New(fault.Usage, "see "+cmd.CommandPath()+" --help", "%s takes no argument, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		hint := "see migrate --help"
		if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
			hint = "did you mean migrate " + s[0] + "?"
		}
		return fault.New(fault.Usage, hint, "there is no command %q", args[0])
	}
	return nil
}

// isTerminal reports whether a writer is a terminal that shows bars.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isTTY(f.Fd())
}
