// Package cli is what the commands of this module have in common: how a
// command line ends in an exit code, how an error is printed, and how the
// address of a database is taken without letting its password be seen.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"leap/internal/endpoint"
	"leap/internal/fault"
)

// Terminal is what a command talks to: tests give it buffers.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) string
}

// VerdictError ends a command with an exit code after its output has said
// everything: nothing more is printed.
type VerdictError struct{ Class fault.Class }

// Error names the exit code.
func (e *VerdictError) Error() string { return fmt.Sprintf("exit code %d", e.Class) }

// Execute runs a command line and returns the exit code. onInterrupt says what
// to do after Ctrl-C.
func Execute(ctx context.Context, root *cobra.Command, args []string, t Terminal, onInterrupt string) int {
	prepare(root)
	root.SetArgs(args)
	root.SetIn(t.In)
	root.SetOut(t.Out)
	root.SetErr(t.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if v, ok := errors.AsType[*VerdictError](err); ok {
		return int(v.Class)
	}
	if class := fault.ClassOf(err); ctx.Err() != nil && class != fault.Usage && class != fault.Inconclusive {
		// Whatever a cancelled query returned is of no interest. A command that
		// says by itself that it was interrupted knows better what to do next.
		err = fault.New(fault.Inconclusive, onInterrupt, "interrupted")
	}
	PrintError(t.Err, root.Name(), err)
	return int(fault.ClassOf(err))
}

// prepare gives all commands the same manners.
func prepare(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SuggestionsMinimumDistance = 2 // cobra sets it only where it prints suggestions itself
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok { // its cause tells of strconv
			err = fmt.Errorf("--%s cannot be %s: a value of type %s is needed", bad.GetFlag().Name, quoted(bad.GetValue()), bad.GetFlag().Value.Type())
		}
		return fault.Wrap(fault.Usage, "see "+cmd.CommandPath()+" --help", err)
	})
	takeArguments(root)
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil && help != root {
		help.Run, help.RunE = nil, helpAbout // cobra's own ends with 0 where there is no such command
	}
}

// helpAbout prints the help of the command that args name.
func helpAbout(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return fault.New(fault.Usage, "see "+cmd.Root().Name()+" --help", "there is no command %s to help with", quoted(strings.Join(args, " ")))
	}
	found.InitDefaultHelpFlag() // shows that there is one
	return found.Help()
}

// takeArguments makes a command that has others below it say which it does not
// know, and the others take no argument unless they say so.
func takeArguments(cmd *cobra.Command) {
	if cmd.HasSubCommands() {
		cmd.Args = knownCommand
	} else if cmd.Args == nil {
		cmd.Args = Arguments()
	}
	for _, c := range cmd.Commands() {
		takeArguments(c)
	}
}

// quoted is what was typed, unless that is an address: it may hold a password.
func quoted(word string) string {
	if strings.Contains(word, "://") {
		return "an address (which --source or --target takes)"
	}
	return strconv.Quote(word)
}

func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see " + cmd.CommandPath() + " --help"
	if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
		hint = "did you mean " + cmd.CommandPath() + " " + s[0] + "?"
	}
	return fault.New(fault.Usage, hint, "there is no command %s", quoted(args[0]))
}

// Arguments makes a command take exactly the arguments of those names.
func Arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		hint := "see " + cmd.CommandPath() + " --help"
		switch {
		case len(args) < len(names):
			return fault.New(fault.Usage, hint, "%s needs %s", cmd.CommandPath(), strings.Join(names, " and "))
		case len(args) > len(names) && len(names) == 0:
			return fault.New(fault.Usage, hint, "%s takes no argument, got %s", cmd.CommandPath(), quoted(args[0]))
		case len(args) > len(names):
			return fault.New(fault.Usage, hint, "%s takes %s and nothing more, got %s", cmd.CommandPath(), strings.Join(names, " and "), quoted(args[len(names)]))
		}
		return nil
	}
}

// several is an error that is a list of equals.
type several interface {
	error
	Each() []error
}

// PrintError prints an error on one line and its hint on the next. Joined
// errors become one line, too; an error that is a list of equals, as of what is
// wrong in a file, becomes several.
func PrintError(w io.Writer, program string, err error) {
	if list, ok := errors.AsType[several](err); ok {
		for _, one := range list.Each() {
			PrintError(w, program, one)
		}
		return
	}
	message := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	text := program + ": " + strings.Join(strings.Fields(message), " ") + "\n"
	if hint := fault.HintOf(err); hint != "" {
		text += "hint: " + hint + "\n"
	}
	_, _ = io.WriteString(w, text) // there is nowhere left to report to
}

// Target resolves the address of a CockroachDB from --target or LEAP_TARGET.
func Target(value string, t Terminal) (endpoint.Endpoint, error) {
	const flag = "--target"
	e, err := Address{Flag: flag, Variable: "LEAP_TARGET", Password: "PGPASSWORD"}.Resolve(value, t.Env)
	if err != nil {
		return e, err
	}
	if e.Protocol != endpoint.PostgreSQL {
		return e, fault.New(fault.Usage, "the target is CockroachDB: postgresql://user@host:26257/database",
			"%s is not a postgresql:// address: %s", flag, e)
	}
	return e, nil
}

// Address says where the address of a database may come from.
type Address struct {
	Flag     string // "--target"
	Variable string // of the environment, with a whole address
	Password string // of the environment, with the password alone
}

// Resolve takes the flag's value or the environment's. A password on the
// command line is refused: every user of the machine can read it there.
func (a Address) Resolve(value string, env func(string) string) (endpoint.Endpoint, error) {
	fromEnv := value == ""
	if fromEnv {
		value = env(a.Variable)
	}
	if value == "" {
		return endpoint.Endpoint{}, fault.New(fault.Usage, "give it, or set "+a.Variable, "%s is missing", a.Flag)
	}
	e, err := endpoint.Parse(value)
	if err != nil {
		return e, fmt.Errorf("%s: %w", a.Flag, err)
	}
	if !fromEnv && !e.Password.Empty() {
		return e, fault.New(fault.Usage, "put the whole address into "+a.Variable+", or just the password into "+a.Password+" or a file (?password_file=)",
			"%s has a password, which every user of this machine could read", a.Flag)
	}
	if e.PasswordFile != "" {
		text, err := os.ReadFile(e.PasswordFile)
		if err != nil {
			return e, fault.Wrap(fault.Usage, "check ?password_file=", fmt.Errorf("%s: %w", a.Flag, err))
		}
		e = e.WithPassword(strings.TrimRight(string(text), "\r\n"))
	}
	if e.Password.Empty() {
		if p := env(a.Password); p != "" {
			e = e.WithPassword(p)
		}
	}
	return e, nil
}

// IsTerminal reports whether a writer is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// Colored reports whether stdout may be coloured: a terminal that can, whose
// user does not say no (https://no-color.org).
func (t Terminal) Colored() bool {
	return IsTerminal(t.Out) && t.Env("TERM") != dumb && t.Env("NO_COLOR") == ""
}

// Animated reports whether stderr is a terminal on which lines can be drawn again.
func (t Terminal) Animated() bool { return IsTerminal(t.Err) && t.Env("TERM") != dumb }

// dumb is the TERM of what shows text and nothing else.
const dumb = "dumb"

// WriteAll writes to stdout and reports when that fails: a full disk behind a
// redirection must not look like success.
func WriteAll(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
