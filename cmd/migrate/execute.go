package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/report"
)

// execute is what every working subcommand does: flags to configuration, one
// run, the report to where it is wanted, and the outcome as an error.
func (o *options) execute(cmd *cobra.Command, phases ...migrate.Phase) (*report.Migration, error) {
	cfg, err := o.config(cmd)
	if err != nil {
		return nil, err
	}
	if err := o.endpoints(&cfg); err != nil {
		return nil, err
	}
	return o.runPhases(cmd.Context(), cfg, phases...)
}

// runPhases runs with a progress display and writes --report, whatever the outcome.
func (o *options) runPhases(ctx context.Context, cfg migrate.Config, phases ...migrate.Phase) (*report.Migration, error) {
	sink, stopListeners, err := o.listeners(ctx)
	if err != nil {
		return nil, err
	}
	cfg.Events = sink
	m, err := migrate.Run(ctx, cfg, phases...)
	stopListeners()
	if err != nil && ctx.Err() != nil {
		err = interrupted(err)
		markInterrupted(m, err)
	}
	if o.report != "" {
		err = errors.Join(err, report.WriteFile(o.report, m))
	}
	return m, err
}

// markInterrupted tells in the report why the run ended. The phase that was
// running did not fail: nobody knows how it would have ended.
func markInterrupted(m *report.Migration, err error) {
	m.Error = report.FailureOf(err)
	if n := len(m.Phases); n > 0 && m.Phases[n-1].Error != "" {
		m.Phases[n-1].Verdict, m.Phases[n-1].Error = report.Inconclusive, err.Error()
	}
	m.Settle()
}

// print writes the report to stdout: JSON when asked for, else the summary.
func (o *options) print(m *report.Migration) error {
	if o.json {
		return report.Encode(o.t.Out, m)
	}
	return report.Text(o.t.Out, m, report.Options{Color: o.t.Colored()})
}

// judge runs phases that end in a verification: it prints the report, and the
// exit code is the error's or the verdict's.
func (o *options) judge(cmd *cobra.Command, phases ...migrate.Phase) error {
	m, err := o.execute(cmd, phases...)
	if m == nil {
		return err
	}
	if err = errors.Join(err, o.print(m)); err != nil {
		return err
	}
	return conclude(m.Verdict)
}

// conclude turns a verdict into an exit code: pass is 0, a difference 3,
// anything that was not checked 4.
func conclude(v report.Verdict) error {
	switch v {
	case report.Pass:
		return nil
	case report.Fail:
		return &cli.VerdictError{Class: fault.Refused}
	case report.Inconclusive:
	}
	return &cli.VerdictError{Class: fault.Inconclusive}
}
