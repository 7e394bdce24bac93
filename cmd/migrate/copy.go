package main

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/migrate"
	"leap/internal/report"
)

func newCopy(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Stream the rows into the created tables; continues by itself",
		Long: `copy streams the rows of every table from one consistent view of the source.
Rows and the record of what is done commit together, so after any interruption
the same command continues and nothing is copied twice. Indexes, foreign keys
and sequences are built when the rows are there. A finished copy says so and
does nothing.

A second copy into the same target is refused while the first one runs. With
--join it shares the work: each part of a table is copied by one process, and
what a dead one leaves behind is taken over.`,
		Example: `  migrate copy --source mysql://leap@db1:3306/bank --target postgresql://leap@crdb:26257/bank
  migrate copy --workers 8 --chunk-bytes 4194304
  migrate copy --join    # on a second machine, while the first one copies`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if planned, err := o.planned(cmd); planned || err != nil {
				return o.fleetOr(cmd, err, migrate.Copy)
			}
			m, err := o.execute(cmd, migrate.Copy)
			if m == nil {
				return err
			}
			return o.printCopy(m, err)
		},
	}
	o.endpointFlags(cmd)
	o.fleetFlags(cmd)
	o.planFlags(cmd)
	o.snapshotFlags(cmd)
	o.kind.flags(cmd)
	o.copyFlags(cmd)
	o.joinFlag(cmd)
	o.outputFlags(cmd)
	return cmd
}

// printCopy prints what was copied. Nothing was compared, so it claims no verdict.
func (o *options) printCopy(m *report.Migration, err error) error {
	if o.json {
		return errors.Join(err, o.print(m))
	}
	if err != nil {
		return err
	}
	rows, tables := int64(0), 0
	for _, t := range m.Tenants {
		for _, table := range t.Tables {
			tables++
			if table.CommittedRows != nil {
				rows += *table.CommittedRows
			}
		}
	}
	verb := "are"
	if tables == 1 {
		verb = "is"
	}
	return cli.WriteAll(o.t.Out, fmt.Sprintf("%s with %s rows %s copied; nothing is compared yet: migrate verify does that\n",
		english.Plural(tables, "table", ""), humanize.Comma(rows), verb))
}
