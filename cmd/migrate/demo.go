package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"leap/cmd/internal/cli"
	"leap/internal/bank"
	"leap/internal/convert"
	"leap/internal/endpoint"
	"leap/internal/fault"
	"leap/internal/migrate"
	"leap/internal/report"
	"leap/internal/sandbox"
	"leap/internal/source"
)

// demo is the demonstration: servers, a sample database, the move.
type demo struct {
	options
	rows   int
	seed   uint64
	keep   bool
	load   time.Duration
	on     string
	loader string // the path of loadgen
	source *sandbox.Server
	target *sandbox.Server
}

const (
	legacyDatabase = "legacybank"
	newDatabase    = "bank"
)

func newDemo(t cli.Terminal) *cobra.Command {
	d := &demo{options: options{t: t}}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole thing on local servers with sample data",
		Long: `demo starts a private MariaDB (or MySQL) and a CockroachDB in a temporary folder,
fills the first with a legacy open-banking database, and moves it: assess,
schema, copy, verify. Then loadgen, which is to lie beside migrate or on PATH,
loads the target with open-banking traffic on the rows that were moved, and
judges that. Where there is no cockroach binary (LEAP_COCKROACH or PATH),
PostgreSQL stands in and the output says so. Nothing on this machine is touched,
and nothing is left behind but the two reports.

Exit codes: 0 when the move was verified and the load missed no threshold; 1
failed; 3 data differ, or a threshold was missed. On a machine that is busy with
other things the load is inconclusive, which the output says and the exit code
does not: that one is of the move.`,
		Example: `  migrate demo
  migrate demo --keep --rows 1000000`,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context()) },
	}
	cmd.Flags().IntVar(&d.rows, "rows", 0, "rows in the sample database, about (default 220000)")
	cmd.Flags().Uint64Var(&d.seed, "seed", 1, "which sample data")
	cmd.Flags().StringVar(&d.on, "on", "", "cockroach or postgres (default cockroach where there is one)")
	cmd.Flags().DurationVar(&d.load, "load", demoLoad, "how long to load the target with open-banking traffic; 0 leaves it out")
	cmd.Flags().BoolVar(&d.keep, "keep", false, "leave the servers up until Ctrl-C and print how to connect")
	cmd.Flags().StringVar(&d.report, "report", "leap-demo-report.json", "where to write the report")
	cmd.Flags().StringVar(&d.progress, "progress", "auto", "auto, bars, plain, json or none; always on stderr")
	return cmd
}

// run is the demo as a list of steps.
func (d *demo) run(ctx context.Context) (err error) {
	if err = d.check(); err != nil {
		return err
	}
	started := time.Now()
	defer func() {
		if _, judged := errors.AsType[*cli.VerdictError](err); err != nil && !judged && ctx.Err() != nil {
			err = fault.New(fault.Inconclusive, "start it again: its servers are gone, and what they held", "interrupted")
		}
		err = errors.Join(err, d.stop())
	}()
	if err = d.start(ctx); err != nil {
		return err
	}
	if err = d.fill(ctx); err != nil {
		return err
	}
	m, err := d.move(ctx)
	if m == nil {
		return err
	}
	if err = errors.Join(err, d.print(m)); err != nil {
		return err
	}
	if m.Verdict == report.Pass {
		if err = d.moveTenants(ctx); err != nil {
			return err
		}
	}
	verdict, err := d.judge(ctx, m.Verdict)
	if err != nil {
		return err
	}
	d.say("report of the move: %s  (%s in all)", d.report, time.Since(started).Round(100*time.Millisecond))
	if d.keep {
		d.waitForInterrupt(ctx)
	}
	return verdict
}

// judge is the exit code of the move or, where that was verified, of the load
// that follows it.
func (d *demo) judge(ctx context.Context, moved report.Verdict) (verdict, err error) {
	if verdict = conclude(moved); verdict != nil || d.load == 0 {
		return verdict, nil
	}
	load, done, err := d.drive(ctx)
	if err != nil || !done {
		return nil, err
	}
	d.say("move: %s   load: %s", moved, load)
	if load == report.Inconclusive {
		d.say("the load says nothing: this machine, which also runs both databases, was too busy to measure")
		return nil, nil
	}
	return conclude(load), nil
}

// check finds wrong flags before the servers start.
func (d *demo) check() (err error) {
	switch kind := sandbox.Kind(d.on); {
	case d.load < 0:
		return fault.New(fault.Usage, "use a positive time such as 15s, or 0 for no load", "--load cannot be negative")
	case d.rows < 0:
		return fault.New(fault.Usage, "use a positive number, or leave it out", "--rows cannot be negative")
	case kind != "" && kind != sandbox.Cockroach && kind != sandbox.Postgres:
		return fault.New(fault.Usage, "use --on cockroach or --on postgres", "the demo cannot move to %q", d.on)
	}
	if err = d.checkProgress(); err != nil {
		return err
	}
	if d.load > 0 {
		if d.loader, err = findLoadgen(); err != nil {
			return err
		}
	}
	return checkFile("--report", d.report)
}

func (d *demo) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.t.Out, format+"\n", args...) // narration; the report is what counts
}

// start brings up both servers side by side.
func (d *demo) start(ctx context.Context) error {
	kind := sandbox.Kind(d.on)
	if kind == "" {
		var err error
		if kind, err = sandbox.PreferredTarget(); err != nil {
			return err
		}
	}
	d.say("1. starting private servers in a temporary folder")
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		var err error
		d.source, err = sandbox.StartSource(groupCtx, sandbox.Options{})
		return err
	})
	group.Go(func() error {
		var err error
		d.target, err = sandbox.StartTarget(groupCtx, kind, sandbox.Options{})
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	d.say("   source: %s   target: %s", d.source, d.target)
	if d.target.StandIn() {
		d.say("   PostgreSQL stands in for CockroachDB: no cockroach binary was found, or --on postgres was asked for")
	}
	return nil
}

// fill creates both databases and the sample data.
func (d *demo) fill(ctx context.Context) error {
	if err := d.source.Exec(ctx, "", "CREATE DATABASE "+legacyDatabase); err != nil {
		return err
	}
	if err := d.target.Exec(ctx, "", "CREATE DATABASE "+newDatabase); err != nil {
		return err
	}
	db, err := d.source.DB(ctx, legacyDatabase)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing is pending
	d.say("2. filling a legacy open-banking database")
	started := time.Now()
	summary, err := bank.Create(ctx, db, bank.Options{Rows: d.rows, Seed: d.seed})
	if err != nil {
		return err
	}
	d.say("   %d tables, %s rows in %s", len(summary.Tables), humanize.Comma(summary.Rows), time.Since(started).Round(100*time.Millisecond))
	return nil
}

// move is what a migration engineer would type as migrate run.
func (d *demo) move(ctx context.Context) (*report.Migration, error) {
	cfg := migrate.Config{
		Command: "migrate demo", Version: version, Policies: convert.DefaultPolicies(),
		Snapshot: source.Consistent, RetryFor: time.Minute,
	}
	var err error
	if cfg.Source, err = endpoint.Parse(d.source.UserURL(legacyDatabase)); err != nil {
		return nil, err
	}
	to, err := endpoint.Parse(d.target.URL(newDatabase))
	if err != nil {
		return nil, err
	}
	cfg.Target = &to
	d.say("3. migrate run --source %s --target %s", cfg.Source, to)
	return d.runPhases(ctx, cfg, migrate.Assess, migrate.Schema, migrate.Copy, migrate.Verify)
}

// waitForInterrupt keeps the servers up.
func (d *demo) waitForInterrupt(ctx context.Context) {
	d.say("\nthe servers stay up until Ctrl-C:")
	d.say("  mariadb --protocol=tcp -h 127.0.0.1 -P %d -u root %s", d.source.Port, legacyDatabase)
	d.say("  psql '%s'", d.target.URL(newDatabase))
	d.say("  LEAP_SOURCE='%s' LEAP_TARGET='%s' migrate verify", d.source.URL(legacyDatabase), d.target.URL(newDatabase))
	<-ctx.Done()
}

// stop ends both servers and removes their folders.
func (d *demo) stop() error {
	var errs []error
	for _, s := range []*sandbox.Server{d.source, d.target} {
		if s != nil {
			errs = append(errs, s.Stop())
		}
	}
	return errors.Join(errs...)
}
