package main

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/cmd/internal/text"
	"leap/internal/bench"
	"leap/internal/fault"
	"leap/internal/loadgen"
	"leap/internal/pace"
	"leap/internal/txn"
)

// runFlags are those of run alone.
type runFlags struct {
	options

	mix, mixFile           string
	rate                   string
	closed                 bool
	think                  time.Duration
	duration, warmup       time.Duration
	workers, queue         int
	whenFull, stripe, name string
	protocol               string
	inject                 float64
	attempts               int
	timeout, checkEvery    time.Duration
	slo                    []string
	out, metrics, variant  string
}

func newRun(t cli.Terminal) *cobra.Command {
	f := &runFlags{options: options{t: t}}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Drive a workload, write a run directory, judge it",
		Long: `run drives a workload and judges what it measured. Every operation has a moment
at which it is due, fixed beforehand; its response time counts from then, with
every retry and every wait for a connection in it.

The run directory holds histograms that any HdrHistogram tool opens, a journal
of every call that changed data, summary.json and report.html. Ctrl-C ends a run
early; what was measured is kept and judged inconclusive.

Rates: ` + strings.ReplaceAll(pace.Help, "\n", "\n       ") + `

Thresholds: ` + "OP.p99<200ms, OP.mean<20ms, OP.max<5s, error_rate<0.5%, attempts_per_txn<1.5,\nretries_per_txn<0.5, throughput>=95%, unresolved=0, invariants. The last two are\nalways judged." + `

Exit codes: 0 passed, 1 failed, 2 wrong usage, 3 a threshold was missed or an
invariant violated, 4 inconclusive.`,
		Example: `  loadgen run --workload kv --rate 200 --duration 5m
  loadgen run --workload kv --mix mixed --rate ramp:100..2000/5m --slo 'get.p99<10ms'
  loadgen run --workload kv --closed --workers 8 --duration 30s

  # two machines, one load
  loadgen run --rate 1000 --run night --stripe 1/2
  loadgen run --rate 1000 --run night --stripe 2/2`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.targetFlag(cmd)
	f.dataFlags(cmd)
	f.loadFlags(cmd)
	f.outputFlags(cmd, "the summary")
	return cmd
}

func (f *runFlags) loadFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.mix, "mix", "", "one of the workload's mixes (default the workload's own default)")
	flags.StringVar(&f.mixFile, "mix-file", "", "a mix of your own, and its gate, in YAML")
	flags.StringVar(&f.rate, "rate", "100", "operations per second, as a number or a schedule (see above)")
	flags.BoolVar(&f.closed, "closed", false, "a closed loop instead: each connection goes on when it was answered; measures throughput")
	flags.DurationVar(&f.think, "think", 0, "mean time between two operations of a connection, with --closed")
	flags.DurationVar(&f.duration, "duration", time.Minute, "how long to measure")
	flags.DurationVar(&f.warmup, "warmup", 0, "load before the measurement that is not measured")
	flags.IntVar(&f.workers, "workers", 32, "connections, and operations at the same time")
	flags.IntVar(&f.queue, "queue", 0, "operations that may be due and wait for a connection (default 10000)")
	flags.StringVar(&f.whenFull, "when-full", "queue", "queue: they wait and their response time counts on; shed: they are given up, and counted as errors")
	flags.StringVar(&f.stripe, "stripe", "", "K/N: this process does part K of N of the operations")
	flags.StringVar(&f.name, "run", "", "name of the run in idempotency keys; all stripes of one load need the same (default from the time)")
	flags.StringVar(&f.protocol, "protocol", string(txn.Plain), "plain: BEGIN and COMMIT with back-off; cockroach-go: its client-side retries")
	flags.Float64Var(&f.inject, "inject-retries", 0, "probability with which a transaction's attempt fails with a 40001 of our own")
	flags.IntVar(&f.attempts, "max-attempts", 0, "attempts of a transaction (default as many as it takes)")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "when an operation is given up and counted as an error")
	flags.DurationVar(&f.checkEvery, "check-every", time.Minute, "time between checks of the invariants during the run; 0 checks after it only")
	flags.StringArrayVar(&f.slo, "slo", nil, "threshold, may be repeated; replaces those of the workload")
	flags.StringVar(&f.out, "out", "", "run directory, which must not be there (default runs/WORKLOAD-TIME)")
	flags.StringVar(&f.metrics, "metrics", "", "address on which to answer Prometheus, such as :9464")
	flags.StringVar(&f.variant, "variant", "", "a deliberately broken variant of the workload, to see that its invariants find it")
}

func (f *runFlags) run(cmd *cobra.Command) error {
	c, err := f.config(cmd)
	if err != nil {
		return err
	}
	d, err := f.display(c.Workload.About().Name + " " + c.MixName)
	if err != nil {
		return err
	}
	defer d.Close()
	c.Watch = d
	s, err := loadgen.Run(cmd.Context(), c)
	d.Close()
	if s == nil {
		return err
	}
	return f.conclude(s)
}

// conclude prints the summary; the exit code is the verdict's.
func (o *options) conclude(s *loadgen.Summary) error {
	var err error
	if o.json {
		err = printJSON(o.t, s)
	} else {
		err = cli.WriteAll(o.t.Out, text.Summary(s))
	}
	if err != nil {
		return err
	}
	return verdictError(string(s.Verdict))
}

func verdictError(verdict string) error {
	switch verdict {
	case "pass":
		return nil
	case "fail":
		return &cli.VerdictError{Class: fault.Refused}
	}
	return &cli.VerdictError{Class: fault.Inconclusive}
}

// config turns the flags into the assembly's configuration.
func (f *runFlags) config(cmd *cobra.Command) (loadgen.Config, error) {
	w, settings, err := f.settings()
	if err != nil {
		return loadgen.Config{}, err
	}
	c := loadgen.Config{
		Command: cmd.CommandPath(), Version: version, Workload: w, Settings: settings, Closed: f.closed, Think: f.think,
		Timeout: f.timeout, CheckEvery: f.checkEvery, Dir: f.out, Metrics: f.metrics,
		Txn:   txn.Options{Protocol: txn.Protocol(f.protocol), InjectRetries: f.inject, MaxAttempts: f.attempts, Seed: f.seed},
		Bench: bench.Options{Seed: f.seed, Duration: f.duration, Warmup: f.warmup, Workers: f.workers, Queue: f.queue},
	}
	if f.duration <= 0 || f.timeout <= 0 || f.checkEvery < 0 || f.think < 0 || f.workers < 1 {
		return c, fault.New(fault.Usage, "use a positive number, or leave it out", "--duration, --timeout and --workers must be above 0, and no time can be negative")
	}
	if f.closed && cmd.Flags().Changed("rate") {
		return c, fault.New(fault.Usage, "leave one of them out", "--rate is for an open loop, and --closed asks for a closed one")
	}
	for _, step := range []func(*loadgen.Config) error{f.chooseMix, f.chooseLoad, f.chooseNames} {
		if err = step(&c); err != nil {
			return c, err
		}
	}
	c.Target, err = cli.Target(f.target, f.t)
	return c, err
}

// chooseMix finds the mix and the thresholds.
func (f *runFlags) chooseMix(c *loadgen.Config) (err error) {
	about := c.Workload.About()
	if f.mixFile == "" {
		c.MixName, c.Mix, err = loadgen.NamedMix(about, f.mix)
	} else {
		if f.mix != "" {
			return fault.New(fault.Usage, "leave one of them out", "--mix and --mix-file are both given")
		}
		var m loadgen.MixFile
		m, err = loadgen.ReadMixFile(f.mixFile, about)
		c.MixName, c.Mix, c.Gate = filepath.Base(f.mixFile), m.Mix, m.Gate
	}
	if err != nil {
		return err
	}
	if len(c.Gate) == 0 {
		c.Gate = loadgen.ForMix(about.Gate, c.Mix)
	}
	if len(f.slo) > 0 {
		c.Gate = f.slo
	}
	return c.CheckGate()
}

// chooseLoad reads the schedule.
func (f *runFlags) chooseLoad(c *loadgen.Config) (err error) {
	if c.Rate, err = pace.Parse(f.rate); err != nil {
		return err
	}
	if c.Bench.WhenFull, err = bench.ParseWhenFull(f.whenFull); err != nil {
		return err
	}
	if f.stripe != "" {
		if c.Bench.Stripe, err = pace.ParseStripe(f.stripe); err != nil {
			return err
		}
		if f.name == "" {
			return fault.New(fault.Usage, "give all stripes the same --run", "--stripe needs --run")
		}
	}
	return c.Txn.Validate()
}

// chooseNames names the run and its directory.
func (f *runFlags) chooseNames(c *loadgen.Config) error {
	now := time.Now()
	if about := c.Workload.About(); f.variant != "" && !slices.Contains(about.Variants, f.variant) {
		return fault.New(fault.Usage, about.Name+" has "+cmp.Or(strings.Join(about.Variants, ", "), "none"), "there is no variant %q", f.variant)
	}
	c.Settings.Run, c.Settings.Variant = f.name, f.variant
	if f.name == "" {
		c.Settings.Run = "r" + strconv.FormatInt(now.UnixMilli(), 36)
	}
	const longest = 16
	if len(c.Settings.Run) > longest || strings.ContainsFunc(c.Settings.Run, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return fault.New(fault.Usage, "use at most 16 letters and digits", "a run cannot be named %q", c.Settings.Run)
	}
	if c.Dir == "" {
		c.Dir = filepath.Join("runs", c.Workload.About().Name+"-"+now.UTC().Format("20060102T150405.000Z"))
	}
	return nil
}
