package main

import (
	"time"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/verify"
)

// comparison holds the flags of a verification.
type comparison struct {
	tier   string
	rows   int
	mask   bool
	settle time.Duration
	tables []string
	state  string
	repair bool
}

// flags registers what every verification takes.
func (c *comparison) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.tier, "tier", string(verify.Auto),
		"who computes the digests: pushdown (both servers; hardly a byte travels), stream (all rows are read; exact for every type), or auto, which measures large tables and takes what is faster")
	f.IntVar(&c.rows, "range-rows", 0, "rows per digest (default 50000)")
	f.BoolVar(&c.mask, "mask-values", false, "leave values out of findings, the keys' excepted (default when stdout is no terminal)")
	f.DurationVar(&c.settle, "settle", 0,
		"while somebody writes, how long rows that differ are looked at again before they count (default 10s when the source is seen to move; negative: never)")
}

// moreFlags registers what only the verify command takes.
func (c *comparison) moreFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&c.tables, "tables", nil, "compare only these tables of the source, separated by commas")
	f.StringVar(&c.state, "state", "", "keep in this file how far the comparison came, and continue with it when source and target are as they were")
	f.BoolVar(&c.repair, "repair", false, "make the target equal where it differs, and compare that again")
}

// apply puts the flags into the configuration.
func (c *comparison) apply(cmd *cobra.Command, t cli.Terminal, cfg *migrate.Config) error {
	if cmd.Flags().Lookup("tier") == nil {
		return nil
	}
	tier := verify.Tier(c.tier)
	switch tier {
	case verify.Auto, verify.Pushdown, verify.Stream:
	default:
		return fault.New(fault.Usage, "use --tier auto, pushdown or stream", "there is no tier %q", c.tier)
	}
	if c.rows < 0 {
		return fault.New(fault.Usage, "use a positive number, or leave it out", "--range-rows cannot be negative")
	}
	if cmd.Flags().Changed("tables") && len(c.tables) == 0 {
		return fault.New(fault.Usage, "name tables, or leave it out", "--tables names none")
	}
	settle := c.settle
	if cmd.Flags().Changed("settle") && settle == 0 {
		settle = -1
	}
	cfg.Verify = migrate.VerifyOptions{
		Tier: tier, RangeRows: c.rows, ShowValues: cli.IsTerminal(t.Out), Settle: settle,
		Repair: c.repair, Tables: c.tables, StateFile: c.state,
	}
	if cmd.Flags().Changed("mask-values") {
		cfg.Verify.ShowValues = !c.mask
	}
	return nil
}
