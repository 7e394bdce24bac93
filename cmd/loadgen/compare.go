package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/cmd/internal/text"
	"leap/internal/fault"
	"leap/internal/judge"
	"leap/internal/loadgen"
)

func newCompare(t cli.Terminal) *cobra.Command {
	var asJSON bool
	var markdown string
	var tolerance float64
	cmd := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Compare two runs, with statistics",
		Long: `compare shows how the response times changed from one run to another: per
operation and percentile the change, the interval in which it lies, all
intervals together with 95 % confidence, and the change for the worse that two
runs like these show with a chance of 80 %.

Without --tolerance, something that got slower beyond doubt fails, and a pass
says only that no slowdown was seen. With it, a pass says that nothing that
could be compared got slower by more, and what may have is inconclusive. What
too few operations answered is listed and not judged.

Exit codes: 0 passed, 2 wrong usage, 3 something got slower, 4 inconclusive:
there were too few answers, a wider interval than the tolerance, or a run whose
generator could not keep up.`,
		Example: `  loadgen compare runs/monday runs/tuesday
  loadgen compare runs/main runs/branch --tolerance 5`,
		Args: cli.Arguments("the run before", "the run after"),
		RunE: func(_ *cobra.Command, args []string) error {
			if !(tolerance >= 0 && tolerance < 1e6) { // NaN is a float too
				return fault.New(fault.Usage, "use a percentage such as 5", "--tolerance cannot be negative")
			}
			c, err := loadgen.Compare(args[0], args[1], tolerance)
			if err != nil {
				return err
			}
			if markdown != "" {
				if err = appendFile(markdown, comparisonMarkdown(c)); err != nil {
					return err
				}
			}
			if asJSON {
				err = printJSON(t, c)
			} else {
				err = cli.WriteAll(t.Out, comparisonText(c))
			}
			if err != nil {
				return err
			}
			return verdictError(string(c.Verdict))
		},
	}
	cmd.Flags().Float64Var(&tolerance, "tolerance", 0, "percent by which something may get slower")
	cmd.Flags().StringVar(&markdown, "markdown", "", "append the comparison as a Markdown table to this file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

// shiftRow is a shift in words.
func shiftRow(s judge.Shift) []string {
	row := []string{s.Op, fmt.Sprintf("p%g", s.Percentile), orDash(s.Before), orDash(s.After), "", "", string(s.Change)}
	if s.Change == judge.Unknown {
		row[6] = s.Why
		return row
	}
	row[4] = signed(s.Low) + " to " + signed(s.High)
	if s.Before == 0 || s.After == 0 {
		row[4] = "" // no answer on one side
	}
	if s.Detectable > 0 {
		row[5] = judge.Millis(s.Detectable)
	}
	return row
}

var shiftHeader = []any{"operation", "", "before", "after", "change, 95 %", "could have seen", ""}

func comparisonText(c *loadgen.Comparison) string {
	var out strings.Builder
	w := text.Table(len(shiftHeader), 3, shiftHeader...)
	for _, s := range c.Shifts {
		var row table.Row
		for _, cell := range shiftRow(s) {
			row = append(row, cell)
		}
		w.AppendRow(row)
	}
	out.WriteString(w.Render() + "\n")
	for _, d := range c.Differences {
		out.WriteString("different: " + d + "\n")
	}
	fmt.Fprintf(&out, "verdict: %s\n", c.Verdict)
	for _, r := range c.Reasons {
		out.WriteString("  " + r + "\n")
	}
	return out.String()
}

func comparisonMarkdown(c *loadgen.Comparison) string {
	var out strings.Builder
	fmt.Fprintf(&out, "### loadgen compare: %s\n\n%s to %s\n\n", c.Verdict, code(c.Before), code(c.After))
	out.WriteString("| operation | | before | after | change, 95 % | could have seen | |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, s := range c.Shifts {
		out.WriteString(markdownRow(shiftRow(s)...))
	}
	out.WriteString(bullets("Different", c.Differences) + bullets("Reasons", c.Reasons))
	return out.String() + "\n"
}

// orDash writes a time; 0 is a percentile that was not answered.
func orDash(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return judge.Millis(d)
}

func signed(d time.Duration) string {
	if d < 0 {
		return "-" + judge.Millis(-d)
	}
	return "+" + judge.Millis(d)
}

// appendFile adds text to a file, as CI step summaries want it.
func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // for a CI server to read
	if err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	_, err = f.WriteString(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	return nil
}
