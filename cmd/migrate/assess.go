package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/migrate"
	"leap/internal/report"
	"leap/internal/schema"
)

func newAssess(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	cmd := &cobra.Command{
		Use:   "assess",
		Short: "List what will not survive the move, and what to do about it",
		Long: `assess reads the source's schema and data and lists everything that will not
arrive as it was: blockers, which stop the move until they are decided;
warnings, where something besides the rows is lost; and notes. It writes
nothing anywhere. Without a target it assumes a current CockroachDB.
It ends with exit code 3 when there is a blocker.`,
		Example: `  migrate assess --source mysql://leap@db1:3306/bank
  migrate assess --source mysql://leap@db1:3306/bank --policy zero-date=null --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if planned, err := o.planned(cmd); planned || err != nil {
				return o.fleetOr(cmd, err, migrate.Assess)
			}
			m, err := o.assess(cmd)
			if m == nil {
				return err
			}
			return errors.Join(err, o.printAssessment(m))
		},
	}
	o.endpointFlags(cmd)
	o.fleetFlags(cmd)
	o.planFlags(cmd)
	o.scanFlag(cmd)
	o.outputFlags(cmd)
	return cmd
}

func (o *options) assess(cmd *cobra.Command) (*report.Migration, error) {
	if o.hasTarget() {
		return o.execute(cmd, migrate.Assess)
	}
	cfg, err := o.config(cmd)
	if err != nil {
		return nil, err
	}
	if cfg.Source, err = o.sourceOnly(); err != nil {
		return nil, err
	}
	return o.runPhases(cmd.Context(), cfg, migrate.Assess)
}

func (o *options) printAssessment(m *report.Migration) error {
	if o.json {
		return o.print(m)
	}
	if m.Assessment == nil && m.Error != nil {
		return nil
	}
	return cli.WriteAll(o.t.Out, findingsTable(m.Assessment))
}

// findingsTable renders findings, the most serious first.
func findingsTable(findings []schema.Finding) string {
	if len(findings) == 0 {
		return "nothing is lost: no findings\n"
	}
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format = table.FormatOptions{} // as written: upper case makes 749 KIB of 749 KiB
	w.AppendHeader(table.Row{"severity", "object", "what happens, and what to do", "rule"})
	w.SetColumnConfigs([]table.ColumnConfig{
		{Number: 2, WidthMax: 28, WidthMaxEnforcer: text.WrapHard},
		{Number: 3, WidthMax: 80, WidthMaxEnforcer: text.WrapSoft},
	})
	count := map[schema.Severity]int{}
	for _, severity := range []schema.Severity{schema.Blocker, schema.Warning, schema.Info} {
		for _, f := range findings {
			if f.Severity != severity {
				continue
			}
			count[severity]++
			what := f.Problem
			if f.Advice != "" {
				what += "\n-> " + f.Advice
			}
			w.AppendRow(table.Row{string(f.Severity), f.Object, what, f.Rule})
			w.AppendSeparator()
		}
	}
	var out strings.Builder
	out.WriteString(w.Render())
	fmt.Fprintf(&out, "\n%s, %s, %s\n", english.Plural(count[schema.Blocker], "blocker", ""),
		english.Plural(count[schema.Warning], "warning", ""), english.Plural(count[schema.Info], "note", ""))
	return out.String()
}
