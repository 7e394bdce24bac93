package main

import (
	"errors"

	"github.com/spf13/cobra"

	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/report"
)

// selfTest runs migrate verify --selftest: the same flags, another report.
func (o *options) selfTest(cmd *cobra.Command) error {
	cfg, err := o.config(cmd)
	if err != nil {
		return err
	}
	if err = o.endpoints(&cfg); err != nil {
		return err
	}
	cfg.Command += " --selftest"
	sink, stopListeners, err := o.listeners(cmd.Context())
	if err != nil {
		return err
	}
	cfg.Events = sink
	got, err := migrate.SelfTest(cmd.Context(), cfg, migrate.SelfTestOptions{})
	stopListeners()
	if err != nil && cmd.Context().Err() != nil {
		err = fault.New(fault.Inconclusive, "run it again; the scratch database is gone", "interrupted")
		got.Error = report.FailureOf(err)
		got.Settle()
	}
	if o.report != "" {
		err = errors.Join(err, report.WriteSelfTestFile(o.report, got))
	}
	if err = errors.Join(err, o.printSelfTest(got)); err != nil {
		return err
	}
	return conclude(got.Verdict)
}

func (o *options) printSelfTest(got *report.SelfTest) error {
	if o.json {
		return report.EncodeSelfTest(o.t.Out, got)
	}
	return report.SelfTestText(o.t.Out, got, report.Options{Color: o.t.Colored()})
}
