package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"leap/internal/endpoint"
	"leap/internal/loadgen"
	"leap/workloads"
	"leap/workloads/kv"
)

// clients are pgbench, PostgreSQL's own load generator, and loadgen as people
// run it: the workload kv, every attempt accounted for, the record written. Each
// reads one of 100,000 rows by its key.
type clients struct {
	url         string
	loadgen     string // the program
	connections int
	length      time.Duration

	target endpoint.Endpoint
	dir    string
	turns  int
}

// init loads both tables.
func (c *clients) init(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "pgbench", "-i", "-q", c.url).CombinedOutput() //nolint:gosec // our own server's address
	if err != nil {
		return fmt.Errorf("pgbench -i: %w: %s", err, out)
	}
	if c.target, err = endpoint.Parse(c.url); err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "leap-benchload-"); err != nil {
		return fmt.Errorf("temporary folder: %w", err)
	}
	_, err = loadgen.Init(ctx, loadgen.InitConfig{Target: c.target, Workload: kv.Workload{}, Settings: workloads.Settings{Seed: 1}})
	return err
}

func (c *clients) close() { _ = os.RemoveAll(c.dir) }

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+) \(without initial connection time\)$`)

// pgbench is a turn of pgbench, whose own default is one thread.
func (c *clients) pgbench(ctx context.Context, isolation, threads string) (result, error) {
	cmd := exec.CommandContext(ctx, "pgbench", "-n", "-M", "prepared", "-S", "-c", strconv.Itoa(c.connections), "-j", threads, //nolint:gosec // numbers
		"-T", strconv.Itoa(max(1, int(c.length.Seconds()))), c.url)
	cmd.Env = append(os.Environ(), "PGOPTIONS=-c default_transaction_isolation="+isolation)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("%w: %s", err, out)
	}
	m := tps.FindSubmatch(out)
	if m == nil {
		return result{}, fmt.Errorf("no rate in its output: %s", out)
	}
	rate, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		return result{}, fmt.Errorf("its rate: %w", err)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return result{rate, cpu / time.Duration(max(1, rate*c.length.Seconds()))}, nil
}

// run is a turn of loadgen.
func (c *clients) run(ctx context.Context) (result, error) {
	c.turns++
	cmd := exec.CommandContext(ctx, c.loadgen, "run", "--workload", "kv", "--mix", "read", "--closed", //nolint:gosec // the program that is measured
		"--workers", strconv.Itoa(c.connections), "--duration", c.length.String(), "--out", filepath.Join(c.dir, strconv.Itoa(c.turns)), "--json")
	cmd.Env = append(os.Environ(), "LEAP_TARGET="+c.url)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	// The verdict is no concern of ours: a closed loop breaks thresholds.
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() < 3) {
		return result{}, fmt.Errorf("%w: %s", err, said.String())
	}
	var s loadgen.Summary
	if err := json.Unmarshal(out, &s); err != nil {
		return result{}, fmt.Errorf("its summary: %w", err)
	}
	return resultOf(&s)
}

func resultOf(s *loadgen.Summary) (result, error) {
	get := s.Ops[0]
	if get.Errors > 0 {
		return result{}, fmt.Errorf("%d of %d reads went wrong", get.Errors, get.Count)
	}
	cpu := s.Health.CPU * float64(s.Health.Procs) * s.Duration * float64(time.Second) / float64(get.Count)
	return result{float64(get.Count) / s.Duration, time.Duration(cpu)}, nil
}
