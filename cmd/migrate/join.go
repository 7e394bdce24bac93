package main

import (
	"github.com/spf13/cobra"

	"leap/internal/fault"
	"leap/internal/migrate"
)

// joinFlag registers --join.
func (o *options) joinFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.join, "join", string(migrate.JoinNone),
		"share the work of a copy that is running, or begin one that others can join: same (or no value) while this process sees the source as the others do, newer also when it was written to since, so that rows come from several moments")
	cmd.Flags().Lookup("join").NoOptDefVal = string(migrate.JoinSame)
}

// joinInto takes --join over into the configuration.
func (o *options) joinInto(cfg *migrate.Config) error {
	cfg.Join = migrate.Join(o.join)
	switch cfg.Join {
	case migrate.JoinNone:
		return nil
	case migrate.JoinSame, migrate.JoinNewer:
	default:
		return fault.New(fault.Usage, "use --join or --join=newer", "a copy cannot be joined %q", o.join)
	}
	if cfg.Ingest == migrate.IngestImport {
		return fault.New(fault.Usage, "use one process with --ingest=import, or several with --ingest=copy",
			"--join and --ingest=import exclude each other: the cluster's own nodes share an import")
	}
	return nil
}
