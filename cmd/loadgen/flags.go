package main

import (
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
	"leap/internal/live"
	"leap/workloads"
)

// options are the flags that the subcommands share; each registers those that
// mean something to it.
type options struct {
	t        cli.Terminal
	target   string
	workload string
	seed     uint64
	scale    int
	tenants  int
	origin   string
	json     bool
	progress string
}

// targetFlag registers --target.
func (o *options) targetFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.target, "target", "", "CockroachDB database: postgresql://user@host:26257/database (or LEAP_TARGET)")
}

// dataFlags registers what the data follow from.
func (o *options) dataFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.workload, "workload", defaultWorkload(), "which application: see loadgen list")
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "chooses data and traffic: the same seed gives the same operations, however many workers there are")
	cmd.Flags().IntVar(&o.scale, "scale", 1, "size of the opening data; loadgen list says what the unit is")
	cmd.Flags().IntVar(&o.tenants, "tenants", 0, "number of tenants (default the workload's own)")
	cmd.Flags().StringVar(&o.origin, "origin", "", "where the opening data come from, for workloads that know several")
}

// outputFlags registers how things are shown.
func (o *options) outputFlags(cmd *cobra.Command, what string) {
	cmd.Flags().BoolVar(&o.json, "json", false, "print "+what+" as JSON on stdout")
	cmd.Flags().StringVar(&o.progress, "progress", "auto", "auto, table, plain, json or none; always on stderr")
}

// settings returns the workload and its settings.
func (o *options) settings() (workloads.Workload, workloads.Settings, error) {
	w, err := findWorkload(o.workload)
	if err != nil {
		return nil, workloads.Settings{}, err
	}
	if o.scale < 1 || o.tenants < 0 {
		return nil, workloads.Settings{}, fault.New(fault.Usage, "use a positive number, or leave it out", "--scale and --tenants cannot be below 1")
	}
	return w, workloads.Settings{Seed: o.seed, Scale: o.scale, Tenants: o.tenants, Origin: o.origin}, nil
}

// display starts what shows progress; the caller closes it.
func (o *options) display(title string) (*live.Display, error) {
	style := live.Style(o.progress)
	switch style {
	case live.Table, live.Plain, live.JSON, live.None:
	case "auto":
		style = live.Plain
		if o.t.Animated() {
			style = live.Table
		}
	default:
		return nil, fault.New(fault.Usage, "use auto, table, plain, json or none", "there is no progress display %q", o.progress)
	}
	return live.New(o.t.Err, live.Options{Style: style, Title: title}), nil
}
