package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
	"leap/internal/judge"
	"leap/internal/loadgen"
)

func newCompare(t cli.Terminal) *cobra.Command {
	var asJSON bool
	var tolerance float64
	cmd := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Compare two runs, with statistics",
		Long: `compare shows how the response times changed from one run to another: per
operation and percentile the change, the interval in which it lies with 95 %
confidence, and the smallest change that these two runs could have shown.

Exit codes: 0 nothing got slower by more than the tolerance, 3 something did,
4 there were too few samples to tell of anything.`,
		Example: `  loadgen compare runs/monday runs/tuesday
  loadgen compare runs/main runs/branch --tolerance 5`,
		Args: cli.Arguments("the run before", "the run after"),
		RunE: func(_ *cobra.Command, args []string) error {
			if tolerance < 0 {
				return fault.New(fault.Usage, "use a percentage such as 5", "--tolerance cannot be negative")
			}
			shifts, err := loadgen.Compare(args[0], args[1])
			if err != nil {
				return err
			}
			verdict := changeVerdict(shifts, tolerance)
			if asJSON {
				err = printJSON(t, comparison{"leap.loadgen.comparison/v1", verdict, shifts})
			} else {
				err = cli.WriteAll(t.Out, comparisonText(shifts, verdict))
			}
			if err != nil {
				return err
			}
			return verdictError(verdict)
		},
	}
	cmd.Flags().Float64Var(&tolerance, "tolerance", 0, "percent by which something may get slower")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

type comparison struct {
	Schema  string        `json:"schema"`
	Verdict string        `json:"verdict"`
	Shifts  []judge.Shift `json:"shifts"`
}

// changeVerdict fails when something is slower by more than the tolerance, with
// confidence. What cannot be told of single percentiles is inconclusive only
// when it is so of all of them.
func changeVerdict(shifts []judge.Shift, tolerance float64) string {
	known := false
	for _, s := range shifts {
		if s.Change == judge.Slower && float64(s.Low) > float64(s.Before)*tolerance/100 {
			return "fail"
		}
		known = known || s.Change != judge.Unknown
	}
	if !known {
		return "inconclusive"
	}
	return "pass"
}

func comparisonText(shifts []judge.Shift, verdict string) string {
	var out strings.Builder
	w := newTable(7, 3, "operation", "", "before", "after", "change, 95 %", "could have seen", "")
	for _, s := range shifts {
		row := table.Row{s.Op, fmt.Sprintf("p%g", s.Percentile), orDash(s.Before), orDash(s.After), "", "", string(s.Change)}
		if s.Change != judge.Unknown {
			row[4], row[5] = signed(s.Low)+" to "+signed(s.High), judge.Millis(s.Detectable)
		} else {
			row[6] = "too few answers"
		}
		w.AppendRow(row)
	}
	out.WriteString(w.Render() + "\nverdict: " + verdict + "\n")
	return out.String()
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
