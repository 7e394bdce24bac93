package main

import (
	"strings"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/cmd/internal/text"
	"leap/internal/fault"
	"leap/internal/hist"
	"leap/internal/loadgen"
)

func newReport(t cli.Terminal) *cobra.Command {
	var op, series, html string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "report DIR...",
		Short: "Print the percentile spectrum of a run, or write its page",
		Long: `report prints how a run's times are distributed, in the form of HdrHistogram's own
tools, whose plotters read it. Of a load that several processes shared
(--stripe), give the directories of all: they are shown as the one run that they
are. It needs no database and changes nothing in the directories.

With --html it writes the page of all of them together instead: a run alone has
its own, report.html.`,
		Example: `  loadgen report runs/night
  loadgen report runs/night --op payment_submit --series service
  loadgen report runs/night-1 runs/night-2 --html night.html`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return nil
			}
			return cli.Arguments("a run directory")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if html != "" {
				if asJSON || cmd.Flags().Changed("op") || cmd.Flags().Changed("series") {
					return fault.New(fault.Usage, "leave the others out", "--html writes the whole page, without --op, --series and --json")
				}
				return loadgen.WritePage(args, html)
			}
			all, err := loadgen.Spectra(args, op, series)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(t, all)
			}
			var out []string
			for _, s := range all {
				out = append(out, text.Spectrum(s))
			}
			return cli.WriteAll(t.Out, strings.Join(out, "\n"))
		},
	}
	cmd.Flags().StringVar(&op, "op", "", "one operation (default all together, then each)")
	cmd.Flags().StringVar(&series, "series", hist.Response.String(), "one of "+strings.Join(hist.SeriesNames(), ", "))
	cmd.Flags().StringVar(&html, "html", "", "write the HTML page to this file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}
