package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/migrate"
)

func newStatus(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what is done, what is left, how fast, since when",
		Long: `status reads the checkpoint that copy keeps in the target. It needs no access to
the source, changes nothing, and may be run while a copy is running.

With --plan it shows where each tenant stands: its phase, how much of it is done,
how fast, and why it stopped last. It ends with exit code 1 when a target does not
answer.`,
		Example: `  migrate status --target postgresql://leap@crdb:26257/bank
  migrate status --plan plan.yaml
  migrate status --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.plan.path != "" {
				o.plan.all = len(o.plan.tenants) == 0
			}
			if planned, err := o.planned(cmd); planned || err != nil {
				if err != nil {
					return err
				}
				return o.fleetStatus(cmd)
			}
			e, err := o.targetOnly()
			if err != nil {
				return err
			}
			status, err := migrate.ReadStatus(cmd.Context(), e)
			if err != nil {
				return err
			}
			if !o.json {
				return cli.WriteAll(t.Out, statusText(status, time.Now()))
			}
			text, err := json.MarshalIndent(status, "", "  ")
			if err != nil {
				return fmt.Errorf("encode status: %w", err)
			}
			return cli.WriteAll(t.Out, string(text)+"\n")
		},
	}
	o.targetFlag(cmd)
	o.fleetFlags(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	return cmd
}

func statusText(s migrate.Status, now time.Time) string {
	if len(s.Jobs) == 0 {
		return "no copy was begun in " + s.Target + "\n"
	}
	var out strings.Builder
	for _, j := range s.Jobs {
		state := "unfinished"
		if j.Finished != nil {
			state = "finished " + j.Finished.Format(time.RFC3339)
		}
		fmt.Fprintf(&out, "%s from %s: begun %s, %s\n", j.Name, j.Source, j.Started.Format(time.RFC3339), state)
		if j.Paused != nil {
			fmt.Fprintf(&out, "paused by %s since %s: migrate resume goes on\n", j.Paused.By, j.Paused.Since.Format(time.RFC3339))
		}
		out.WriteString(statusTable(j, now))
		out.WriteString("\n")
	}
	return out.String()
}

func statusTable(j migrate.JobStatus, now time.Time) string {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format = table.FormatOptions{} // as written: upper case makes 749 KIB of 749 KiB
	w.AppendHeader(table.Row{"table", "state", "rows", "size", "rows/s", "last commit"})
	w.SetColumnConfigs([]table.ColumnConfig{
		{Number: 3, Align: text.AlignRight},
		{Number: 4, Align: text.AlignRight},
		{Number: 5, Align: text.AlignRight},
	})
	var rows, bytes int64
	for _, t := range j.Tables {
		rows += t.Rows
		bytes += t.Bytes
		rate, last := "", ""
		if t.RowsPerSecond != nil {
			rate = humanize.Comma(int64(*t.RowsPerSecond))
		}
		if t.LastCommit != nil {
			last = humanize.RelTime(*t.LastCommit, now, "ago", "from now")
		}
		w.AppendRow(table.Row{t.Name, t.State, humanize.Comma(t.Rows), humanize.IBytes(uint64(max(0, t.Bytes))), rate, last})
	}
	w.AppendFooter(table.Row{english.Plural(len(j.Tables), "table", ""), "", humanize.Comma(rows), humanize.IBytes(uint64(max(0, bytes)))})
	return w.Render()
}
