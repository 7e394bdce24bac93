package main

import (
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/loadgen"
	"leap/internal/record"
)

func newGate(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	var slo []string
	var junit, markdown string
	cmd := &cobra.Command{
		Use:   "gate DIR...",
		Short: "Judge a run directory again, offline",
		Long: `gate computes the verdict of a run again from its files, by the run's own
thresholds or by others. It needs no database and changes nothing in the
directory.

Of a load that several processes shared (--stripe), give the directories of all:
they are judged as the one run that they are.

Exit codes: 0 passed, 2 wrong usage, 3 a threshold was missed or an invariant
violated, 4 inconclusive.`,
		Example: `  loadgen gate runs/kv-20260301T120000.000Z
  loadgen gate runs/night-1 runs/night-2
  loadgen gate runs/night --slo 'get.p99<10ms' --junit gate.xml --markdown "$GITHUB_STEP_SUMMARY"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return nil
			}
			return cli.Arguments("a run directory")(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := loadgen.Gate(args, slo)
			if err != nil {
				return err
			}
			if junit != "" {
				text, err := junitOf(s)
				if err != nil {
					return err
				}
				if err := record.WriteFile(junit, text); err != nil {
					return err
				}
			}
			if markdown != "" {
				if err := appendFile(markdown, markdownOf(s)); err != nil {
					return err
				}
			}
			return o.conclude(s)
		},
	}
	cmd.Flags().StringArrayVar(&slo, "slo", nil, "threshold, may be repeated; replaces those of the run")
	cmd.Flags().StringVar(&junit, "junit", "", "write the verdicts as JUnit XML to this file")
	cmd.Flags().StringVar(&markdown, "markdown", "", "append the verdicts as a Markdown table to this file")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the summary as JSON on stdout")
	return cmd
}
