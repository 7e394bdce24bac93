package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"leap/internal/fault"
	"leap/internal/report"
)

// The load of the demonstration. Two hundred operations a second are enough
// within 15 s to judge a p99 of what a third of them do, and few enough for two
// processors that carry client and servers.
const (
	demoLoad    = 15 * time.Second
	demoRate    = "poisson:200"
	demoWorkers = "16"
	demoWarmup  = "3s"
)

// demoGate is what a run of 15 s can decide: there are some 45 payments in it,
// too few for their p99.
func demoGate() []string {
	return []string{
		"balance_get.p99<200ms", "txn_list.p99<200ms", "payment_submit.p90<200ms", "error_rate<0.5%", "throughput>=95%",
	}
}

// loadScale is how many times 250 accounts of each tenant take part; 0 when
// there are too few. The smallest tenant has a thousandth part of the rows as
// accounts: see package bank.
func loadScale(rows int) int {
	const (
		standard, most   = 220_000, 4
		rowsFor, atScale = 250_000, 4
	)
	if rows == 0 {
		rows = standard
	}
	return min(most, rows*atScale/rowsFor)
}

// findLoadgen returns the path of loadgen: beside this program, where make puts
// both, or on PATH. To link it would make the program that moves rows half as
// large again.
func findLoadgen() (string, error) {
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "loadgen")
		if found, err := exec.LookPath(beside); err == nil {
			return found, nil
		}
	}
	found, err := exec.LookPath("loadgen")
	if err != nil {
		return "", fault.New(fault.Usage, "`make build` makes both programs; --load 0 leaves the load out",
			"the demo loads the target with loadgen, which is neither beside migrate nor on PATH")
	}
	return found, nil
}

// drive loads the target with open-banking traffic on the rows that were moved
// and returns what loadgen found. False means that there are too few rows.
func (d *demo) drive(ctx context.Context) (report.Verdict, bool, error) {
	scale := loadScale(d.rows)
	if scale == 0 {
		d.say("\n5. no load: with fewer than 62,500 rows the tenants have too few accounts for it")
		return "", false, nil
	}
	const tenants = 3 // those of package bank
	data := []string{
		"--origin", "migrated", "--tenants", strconv.Itoa(tenants), "--scale", strconv.Itoa(scale),
		"--seed", strconv.FormatUint(d.seed, 10), "--progress", d.loadProgress(),
	}
	d.say("")
	if err := d.loadgen(ctx, append([]string{"init"}, data...)); err != nil {
		return "", false, err
	}
	run := append([]string{"run", "--mix", "uk-mix", "--rate", demoRate, "--duration", d.load.String()}, data...)
	run = append(run, "--warmup", demoWarmup, "--workers", demoWorkers, "--run", "demo",
		"--out", filepath.Join("runs", "demo-"+time.Now().UTC().Format("20060102T150405.000Z")))
	for _, threshold := range demoGate() {
		run = append(run, "--slo", threshold)
	}
	err := d.loadgen(ctx, run)
	if err == nil {
		return report.Pass, true, nil
	}
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		switch ended.ExitCode() {
		case int(fault.Refused):
			return report.Fail, true, nil
		case int(fault.Inconclusive):
			return report.Inconclusive, true, nil
		}
	}
	return "", false, err
}

// loadgen runs one command of loadgen on the target. Its output and its errors
// are the user's to read.
func (d *demo) loadgen(ctx context.Context, args []string) error {
	d.say("5. loadgen %s", strings.Join(shown(args), " "))
	cmd := exec.CommandContext(ctx, d.loader, args...) //nolint:gosec // findLoadgen chose the program
	cmd.Stdout, cmd.Stderr = d.t.Out, d.t.Err
	cmd.Env = append(os.Environ(), "LEAP_TARGET="+d.target.URL(newDatabase))
	// It ends early as it does by itself at Ctrl-C: what was measured is kept.
	// A terminal sends Ctrl-C to both, and a second one would break it off.
	alone(cmd)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fault.New(fault.Inconclusive, "run the demo again", "interrupted")
	}
	return fmt.Errorf("loadgen %s: %w", args[0], err)
}

// shown are the arguments as one would type them.
func shown(args []string) []string {
	typed := slices.Clone(args)
	for i, a := range typed {
		if strings.ContainsAny(a, "<>") {
			typed[i] = "'" + a + "'"
		}
	}
	return typed
}

// loadProgress is loadgen's word for --progress.
func (d *demo) loadProgress() string {
	if d.progress == "bars" {
		return "table"
	}
	return d.progress
}
