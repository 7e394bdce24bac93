package main

import (
	"time"

	"github.com/spf13/cobra"

	"leap/internal/fault"
	"leap/internal/migrate"
)

// kindness holds the flags that bound what the source has to bear.
type kindness struct {
	rowsPerSecond int
	connections   int
	threads       int
	lag           time.Duration
}

// flags registers them.
func (k *kindness) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&k.rowsPerSecond, "max-rows-per-second", 0, "rows read from the source in a second at most, by all connections together (default no limit)")
	f.IntVar(&k.connections, "max-connections", 0,
		"connections to the source at most, all of them; lowers --workers to one less (default no limit)")
	f.IntVar(&k.threads, "max-threads-running", migrate.DefaultMaxThreads,
		"read more slowly while more threads than these run on the source (Threads_running), our own not counted; 0 does not look")
	f.DurationVar(&k.lag, "max-lag", migrate.DefaultMaxLag,
		"read more slowly while the source, if it is a replica, is further behind its primary than this; 0 does not look")
}

// apply puts the flags into the configuration.
func (k *kindness) apply(cmd *cobra.Command, cfg *migrate.Config) error {
	if cmd.Flags().Lookup("max-connections") == nil {
		return nil
	}
	if k.rowsPerSecond < 0 || k.connections < 0 || k.threads < 0 || k.lag < 0 {
		return fault.New(fault.Usage, "use a positive number, or leave it out",
			"--max-rows-per-second, --max-connections, --max-threads-running and --max-lag cannot be negative")
	}
	cfg.Kindness.RowsPerSecond, cfg.Kindness.Connections = k.rowsPerSecond, k.connections
	cfg.Kindness.Threads, cfg.Kindness.Lag = k.threads, k.lag
	cfg.Kindness.Asked = cmd.Flags().Changed("max-threads-running") && k.threads > 0 ||
		cmd.Flags().Changed("max-lag") && k.lag > 0
	return nil
}
