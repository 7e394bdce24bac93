package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
	"leap/internal/fleet"
	"leap/internal/plan"
	"leap/internal/report"
)

func newPlan(t cli.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Write or check the plan file of a move of many tenants",
		Long: `A plan says in one file who the tenants are, where their rows lie and go, how each
table belongs to a tenant, and what may get lost. With --plan it stands in for
--source, --target and --policy of the other commands.`,
		Example: `  migrate plan init --source mysql://leap@db1:3306/bank > plan.yaml
  migrate plan check --plan plan.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPlanInit(t), newPlanCheck(t), newPlanSchema(t))
	return cmd
}

func newPlanInit(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	column, out := "", ""
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Draft a commented plan from a live source",
		Long: `init looks at the tables and foreign keys of a source, guesses which column tells
the tenants apart and how each table belongs to them, and writes a plan with
comments. What it cannot tell is marked with decide:, which migrate plan check
refuses until a person has decided. It writes nothing to any database.`,
		Example: `  migrate plan init --source mysql://leap@db1:3306/bank > plan.yaml
  migrate plan init --source mysql://leap@db1:3306/bank --tenant-column customer_no --out plan.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := o.sourceOnly()
			if err != nil {
				return err
			}
			draft, err := fleet.DraftOf(cmd.Context(), e, column)
			if err != nil {
				return err
			}
			if !e.Password.Empty() {
				draft.PasswordFrom = "LEGACY_PASSWORD"
			}
			if out == "" {
				return cli.WriteAll(t.Out, draft.Write())
			}
			return writeNew(out, draft.Write())
		},
	}
	cmd.Flags().StringVar(&o.source, "source", "", "MySQL or MariaDB database: mysql://user@host:3306/database (or LEAP_SOURCE)")
	cmd.Flags().StringVar(&column, "tenant-column", "", "the column that tells the tenants apart (default a guess)")
	cmd.Flags().StringVar(&out, "out", "", "write to this file, which must not be there yet (default stdout)")
	return cmd
}

func newPlanCheck(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	tables := false
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Compare the plan with its sources and targets, and show how much there is to move",
		Long: `check reads the plan, asks the sources whether every table has a way to a tenant
and the targets whether they are there and where, and shows tables, rows and bytes
of each tenant. Rows are about right: small parts are counted, the rest is the
source's statistics. It writes nothing. Exit codes: 2 the plan is wrong, 1 a server
does not answer, 3 a cluster is where the tenant must not be, 4 nobody can tell.`,
		Example: `  migrate plan check --plan plan.yaml
  migrate plan check --plan plan.yaml --tenant acme --tables`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.plan.path == "" {
				o.plan.path = "plan.yaml"
			}
			cfg, err := o.readPlan()
			if err != nil {
				return err
			}
			checks, err := fleet.Check(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			return o.printChecks(checks, tables)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.plan.path, "plan", "", "the plan file (default plan.yaml)")
	f.StringSliceVar(&o.plan.tenants, "tenant", nil, "only these tenants, separated by commas (default all)")
	f.BoolVar(&tables, "tables", false, "show each table and how it belongs to the tenant")
	f.BoolVar(&o.json, "json", false, "print as JSON")
	return cmd
}

// printChecks prints what the plan means, and ends with the worst exit code.
func (o *options) printChecks(checks []fleet.TenantCheck, tables bool) error { //nolint:revive // the flag of the command
	text := checksTable(checks)
	if tables {
		text += tablesTables(checks)
	}
	if o.json {
		encoded, err := json.MarshalIndent(map[string]any{"plan": o.plan.path, "tenants": checks}, "", "  ")
		if err != nil {
			return fmt.Errorf("encode checks: %w", err)
		}
		text = string(encoded) + "\n"
	}
	if err := cli.WriteAll(o.t.Out, text); err != nil {
		return err
	}
	worst := fault.Class(0)
	for _, c := range checks {
		if c.Err == nil {
			continue
		}
		cli.PrintError(o.t.Err, "migrate", fmt.Errorf("tenant %s: %w", c.Name, c.Err))
		if class := fault.ClassOf(c.Err); worst == 0 || class < worst {
			worst = class
		}
	}
	if worst != 0 {
		return &cli.VerdictError{Class: worst}
	}
	return nil
}

func checksTable(checks []fleet.TenantCheck) string {
	w := tableWriter("tenant", "target", "server", "regions", "tables", "rows", "bytes", "")
	var rows, bytes int64
	for _, c := range checks {
		state, regions, moved := "ready", "", 0
		if c.Err != nil {
			state = "cannot move"
		}
		if c.Domicile != nil {
			regions = strings.Join(c.Domicile.Regions, ", ")
			if c.Domicile.Verdict == report.DomicileUnchecked {
				regions = "unchecked"
			}
		}
		for _, t := range c.Tables {
			if !t.LeftOut {
				moved++
			}
		}
		rows, bytes = rows+c.Rows, bytes+c.Bytes
		w.AppendRow(table.Row{c.Name, c.Target, c.Product, regions, moved, humanize.Comma(c.Rows), size(c.Bytes), state})
	}
	w.AppendFooter(table.Row{english.Plural(len(checks), "tenant", ""), "", "", "", "", humanize.Comma(rows), size(bytes)})
	return w.Render() + "\n"
}

func tablesTables(checks []fleet.TenantCheck) string {
	var out strings.Builder
	for _, c := range checks {
		w := tableWriter("table", "belongs to "+c.Name+" by", "", "", "", "rows", "bytes")
		for _, t := range c.Tables {
			by := t.Belongs
			if t.Scan {
				by += " (reads the whole table)"
			}
			w.AppendRow(table.Row{t.Name, by, "", "", "", humanize.Comma(t.Rows), size(t.Bytes)})
		}
		w.SuppressEmptyColumns()
		out.WriteString(w.Render() + "\n")
	}
	return out.String()
}

func size(n int64) string { return humanize.IBytes(uint64(max(0, n))) }

// tableWriter is a table with numbers from the fifth column on.
func tableWriter(header ...any) table.Writer {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format = table.FormatOptions{} // as written: upper case makes 749 KIB of 749 KiB
	w.AppendHeader(header)
	var configs []table.ColumnConfig
	for _, number := range []int{5, 6, 7} {
		configs = append(configs, table.ColumnConfig{Number: number, Align: text.AlignRight, AlignFooter: text.AlignRight})
	}
	w.SetColumnConfigs(configs)
	return w
}

func newPlanSchema(t cli.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of plan files, for editors",
		Long: `schema prints the JSON schema that lets an editor complete the keys of a plan, show
what they mean and underline what is wrong. Editors with the YAML language server
take it by a first line in the plan:

  # yaml-language-server: $schema=plan.schema.json`,
		Example: `  migrate plan schema > plan.schema.json`,
		RunE: func(*cobra.Command, []string) error {
			schema, err := plan.JSONSchema()
			if err != nil {
				return fmt.Errorf("schema of plans: %w", err)
			}
			return cli.WriteAll(t.Out, string(schema))
		},
	}
}

// writeNew writes a file that is not there yet: a plan is work that nobody
// wants to lose.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the file that the user names
	if os.IsExist(err) {
		return fault.New(fault.Usage, "name another file, or move that one away", "--out %s is there already", path)
	}
	if err != nil {
		return fault.Wrap(fault.Usage, "check --out", err)
	}
	_, err = f.WriteString(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
