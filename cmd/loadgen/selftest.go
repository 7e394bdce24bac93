package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/cmd/internal/text"
	"leap/internal/fault"
	"leap/internal/judge"
	"leap/internal/selftest"
)

func newSelfTest(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	var length time.Duration
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Prove the measurement itself on a server that freezes",
		Long: `selftest measures servers inside this process whose answers are known
beforehand: constant ones, random ones, one that freezes, one that gets slow, one
that is asked too much. It compares what is reported with the server's own log
and with what follows from the moments at which requests were due, and shows what
a tool would have said that starts its clock when it sends. It needs no database.

Exit codes: 0 the numbers are right, 1 they are not, 4 this machine is too busy
to tell.`,
		Example: `  loadgen selftest
  loadgen selftest --length 20s --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if length <= 0 {
				return fault.New(fault.Usage, "use a time such as 5s", "--length must be above 0")
			}
			d, err := o.display("")
			if err != nil {
				return err
			}
			defer d.Close()
			report, err := selftest.Run(cmd.Context(), selftest.Options{Length: length, Notify: func(name string) { d.Say("measuring: " + name) }})
			d.Close()
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(t, report)
			} else {
				err = cli.WriteAll(t.Out, selfTestText(report))
			}
			if err == nil && report.Verdict == selftest.Fail {
				return &cli.VerdictError{Class: fault.Failed}
			}
			if err != nil {
				return err
			}
			return verdictError(string(report.Verdict))
		},
	}
	cmd.Flags().DurationVar(&length, "length", 5*time.Second, "how long each server is measured")
	o.outputFlags(cmd, "the report")
	return cmd
}

func selfTestText(r selftest.Report) string {
	var out strings.Builder
	for _, c := range r.Cases {
		fmt.Fprintf(&out, "%s: %s; %s/s over %d connections: %s\n", c.Name, c.Says, c.Rate, c.Connections, c.Verdict)
		w := text.Table(5, 2, "response time", "true", "server's log", "loadgen", "a naive tool")
		for _, row := range c.Rows {
			name := fmt.Sprintf("p%g", row.Percentile)
			if row.Percentile == 100 {
				name = "max"
			}
			w.AppendRow(table.Row{name, judge.Millis(row.Model), judge.Millis(row.Logged), judge.Millis(row.Reported), judge.Millis(row.Naive)})
		}
		w.AppendRow(table.Row{"operations", "", "", humanize.Comma(c.Count), humanize.Comma(c.Count - int64(c.NaiveUnsent))})
		out.WriteString(w.Render() + "\n")
		for _, why := range c.Why {
			out.WriteString("  " + why + "\n")
		}
		out.WriteString("\n")
	}
	fmt.Fprintf(&out, "verdict: %s\n", r.Verdict)
	return out.String()
}
