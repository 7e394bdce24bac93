package main

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
	"leap/internal/loadgen"
	"leap/internal/seed"
)

func newInit(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	var workers int
	var drop bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Create the workload's schema and data",
		Long: `init makes the workload's tables, in a schema of its own, and fills them. Several
batches are written at a time; each is written exactly once. After any
interruption the same command goes on where it stopped. Data that are complete
are left alone; data of other settings are refused.`,
		Example: `  loadgen init --target postgresql://leap@crdb:26257/bank --workload kv --scale 10
  loadgen init --workload kv --drop`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if workers < 0 {
				return fault.New(fault.Usage, "use a positive number, or leave it out", "--workers cannot be negative")
			}
			w, settings, err := o.settings()
			if err != nil {
				return err
			}
			target, err := cli.Target(o.target, t)
			if err != nil {
				return err
			}
			d, err := o.display("")
			if err != nil {
				return err
			}
			defer d.Close()
			every := newEvery(time.Second)
			started := time.Now()
			result, err := loadgen.Init(cmd.Context(), loadgen.InitConfig{
				Target: target, Workload: w, Settings: settings, Workers: workers, Drop: drop,
				Progress: func(p seed.Progress) {
					if every.now() || p.Done == p.Batches {
						d.Say(fmt.Sprintf("init  %d of %d batches (%d %%)  %s rows", p.Done, p.Batches, 100*p.Done/max(1, p.Batches), humanize.Comma(p.Rows)))
					}
				},
			})
			d.Close()
			if err != nil {
				return err
			}
			return printInit(o, result, time.Since(started))
		},
	}
	o.targetFlag(cmd)
	o.dataFlags(cmd)
	cmd.Flags().IntVar(&workers, "workers", 0, "batches that are written at a time (default two for each processor)")
	cmd.Flags().BoolVar(&drop, "drop", false, "remove what an earlier init made first")
	o.outputFlags(cmd, "the result")
	return cmd
}

// initResult is the result as JSON.
type initResult struct {
	Workload string  `json:"workload"`
	Data     string  `json:"data"`
	Batches  int     `json:"batches"`
	Found    int     `json:"batches_found"`
	Rows     int64   `json:"rows"`
	Already  bool    `json:"already_complete"`
	Seconds  float64 `json:"seconds"`
}

func printInit(o *options, r seed.Result, took time.Duration) error {
	if o.json {
		return printJSON(o.t, initResult{o.workload, r.Data, r.Batches, r.Found, r.Rows, r.Already, took.Seconds()})
	}
	text := fmt.Sprintf("%s: %s rows in %s (%s)\n", o.workload, humanize.Comma(r.Rows), took.Round(100*time.Millisecond), r.Data)
	if r.Already {
		text = fmt.Sprintf("%s: was complete already, %s rows (%s)\n", o.workload, humanize.Comma(r.Rows), r.Data)
	}
	return cli.WriteAll(o.t.Out, text)
}

// every says now and then that it is time.
type every struct {
	interval time.Duration
	next     time.Time
}

func newEvery(interval time.Duration) *every { return &every{interval, time.Now().Add(interval)} }

func (e *every) now() bool {
	if time.Now().Before(e.next) {
		return false
	}
	e.next = time.Now().Add(e.interval)
	return true
}
