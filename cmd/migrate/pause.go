package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/migrate"
)

func newPause(t cli.Terminal) *cobra.Command {
	o := &order{options: options{t: t}}
	cmd := &cobra.Command{
		Use:   "pause",
		Short: "Make a running copy stop reading, from any terminal",
		Long: `pause leaves a mark in the target, beside the checkpoint. The copy looks for it
every second, stops reading the source, says so, and goes on after migrate
resume. pause waits until it has stopped. The mark belongs to the copy and not to
its process: a copy that is started again while it is there stays paused.

A paused copy keeps its view of the source, for which the source keeps old row
versions. For a break of hours stop the copy with Ctrl-C instead and start it
again: it continues, with a new view.`,
		Example: `  migrate pause --target postgresql://leap@crdb:26257/bank
  migrate pause --job legacybank   # where the target holds several copies`,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.give(cmd.Context(), migrate.PauseJob) },
	}
	o.flags(cmd)
	return cmd
}

func newResume(t cli.Terminal) *cobra.Command {
	o := &order{options: options{t: t}}
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Let a paused copy go on",
		Long: `resume takes away the mark that migrate pause left. A copy that waits goes on
within a second. Where no copy is running nothing starts: migrate copy does that.`,
		Example: `  migrate resume --target postgresql://leap@crdb:26257/bank
  migrate resume --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.give(cmd.Context(), migrate.ResumeJob) },
	}
	o.flags(cmd)
	return cmd
}

// order is a wish about a copy that runs elsewhere.
type order struct {
	options
	job string
}

func (o *order) flags(cmd *cobra.Command) {
	o.targetFlag(cmd)
	cmd.Flags().StringVar(&o.job, "job", "", "the copy's name, which is that of the source database (default the only one)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print as JSON")
}

// give carries the order out and says what became of it.
func (o *order) give(ctx context.Context, do func(context.Context, migrate.Order) (migrate.Ordered, error)) error {
	e, err := o.targetOnly()
	if err != nil {
		return err
	}
	done, err := do(ctx, migrate.Order{Target: e, Job: o.job, By: whoAmI()})
	if err != nil {
		return err
	}
	if o.json {
		text, err := json.MarshalIndent(done, "", "  ")
		if err != nil {
			return fmt.Errorf("encode the answer: %w", err)
		}
		return cli.WriteAll(o.t.Out, string(text)+"\n")
	}
	return cli.WriteAll(o.t.Out, orderedText(done)+"\n")
}

func orderedText(d migrate.Ordered) string {
	who := fmt.Sprintf("process %d on %s", d.Process, d.Host)
	switch {
	case d.Paused && d.Stopped:
		return fmt.Sprintf("%s is paused by %s: %s has stopped reading; migrate resume goes on", d.Job, d.By, who)
	case d.Paused && d.Running:
		return fmt.Sprintf("%s is marked as paused by %s, but %s has not stopped reading yet: see migrate status", d.Job, d.By, who)
	case d.Paused:
		return fmt.Sprintf("%s is paused by %s: no process is copying now, the next one waits for migrate resume", d.Job, d.By)
	case !d.Changed:
		return d.Job + " was not paused"
	case d.Running:
		return fmt.Sprintf("%s goes on: %s copies", d.Job, who)
	}
	return d.Job + " is not paused any more; no process is copying it: migrate copy does that"
}

// whoAmI names the person at the terminal, for those who find the copy paused.
func whoAmI() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
