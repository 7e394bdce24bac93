package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fleet"
	"leap/internal/migrate"
)

// fleetStatus shows where the tenants of a plan stand.
func (o *options) fleetStatus(cmd *cobra.Command) error {
	cfg, err := o.readPlan()
	if err != nil {
		return err
	}
	tenants, worst, err := fleet.Status(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	if o.json {
		encoded, err := json.MarshalIndent(map[string]any{"plan": o.plan.path, "tenants": tenants}, "", "  ")
		if err != nil {
			return fmt.Errorf("encode status: %w", err)
		}
		err = cli.WriteAll(o.t.Out, string(encoded)+"\n")
		if err != nil {
			return err
		}
	} else if err := cli.WriteAll(o.t.Out, fleetTable(tenants)); err != nil {
		return err
	}
	if worst != 0 {
		return &cli.VerdictError{Class: worst}
	}
	return nil
}

func fleetTable(tenants []fleet.TenantStatus) string {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format = table.FormatOptions{}
	w.AppendHeader(table.Row{"tenant", "state", "phase", "done", "rows", "rows/s", "ETA", "last error"})
	w.SetColumnConfigs([]table.ColumnConfig{
		{Number: 4, Align: text.AlignRight},
		{Number: 5, Align: text.AlignRight},
		{Number: 6, Align: text.AlignRight},
		{Number: 7, Align: text.AlignRight},
		{Number: 8, WidthMax: 60, WidthMaxEnforcer: text.WrapSoft},
	})
	done := 0
	var rows int64
	for _, t := range tenants {
		percent, rate, eta := "", "", ""
		if t.Percent != nil {
			percent = fmt.Sprintf("%.0f %%", *t.Percent)
		}
		if t.RowsPerSecond != nil {
			rate = humanize.Comma(int64(*t.RowsPerSecond))
		}
		if t.ETASeconds != nil {
			eta = time.Duration(*t.ETASeconds * float64(time.Second)).Round(time.Second).String()
		}
		if t.State == migrate.StandsDone {
			done++
		}
		rows += t.Rows
		w.AppendRow(table.Row{t.Name, t.State, t.Phase, percent, humanize.Comma(t.Rows), rate, eta, t.Error})
	}
	w.AppendFooter(table.Row{english.Plural(len(tenants), "tenant", ""), fmt.Sprintf("%d done", done), "", "", humanize.Comma(rows)})
	return w.Render() + "\n"
}
