package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	engine "leap/internal/bench"
	"leap/internal/hist"
)

// rows is how many accounts pgbench makes at scale 1.
const rows = 100_000

// pgbench is PostgreSQL's own load generator.
type pgbench struct {
	url     string
	clients int
	length  time.Duration
}

func (p pgbench) init(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "pgbench", "-i", "-q", p.url).CombinedOutput() //nolint:gosec // our own server's address
	if err != nil {
		return fmt.Errorf("pgbench -i: %w: %s", err, out)
	}
	return nil
}

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+) \(without initial connection time\)$`)

func (p pgbench) turn(ctx context.Context) (result, error) {
	cmd := exec.CommandContext(ctx, "pgbench", "-n", "-M", "prepared", "-S", "-c", strconv.Itoa(p.clients), "-j", "2", //nolint:gosec // numbers
		"-T", strconv.Itoa(max(1, int(p.length.Seconds()))), p.url)
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
	return result{rate, cpu / time.Duration(max(1, rate*p.length.Seconds()))}, nil
}

// reader reads the same rows through the engine, one connection for each worker.
type reader struct {
	length  time.Duration
	workers int
	conns   []*pgx.Conn
}

func (r *reader) connect(ctx context.Context, url string) error {
	for range r.workers {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		r.conns = append(r.conns, conn)
	}
	return nil
}

func (r *reader) close(ctx context.Context) {
	for _, conn := range r.conns {
		_ = conn.Close(ctx)
	}
}

// Op implements engine.Work.
func (*reader) Op(uint64) int { return 0 }

// Do reads one row by its key.
func (r *reader) Do(ctx context.Context, call engine.Call) engine.Result {
	key := rand.New(rand.NewPCG(1, call.Seq)).IntN(rows) + 1 //nolint:gosec // not a secret
	var balance int
	if err := r.conns[call.Worker].QueryRow(ctx, "SELECT abalance FROM pgbench_accounts WHERE aid = $1", key).Scan(&balance); err != nil {
		return engine.Result{Outcome: hist.Errored, Code: "error"}
	}
	return engine.Result{Attempts: 1}
}

func (r *reader) turn(ctx context.Context) (result, error) {
	stats, summary, err := measure(func(w engine.Wiring) (engine.Summary, error) {
		w.Work = r
		return engine.Closed(ctx, 0, engine.Options{Workers: r.workers, Duration: r.length}, w)
	})
	if err != nil {
		return result{}, err
	}
	if stats.Counts.Failed() > 0 {
		return result{}, fmt.Errorf("%d of %d reads went wrong", stats.Counts.Failed(), stats.Counts.Asked())
	}
	done := float64(stats.Counts.Done)
	cpu := summary.Health.CPU * float64(summary.Health.Procs) * float64(summary.Elapsed) / done
	return result{done / r.length.Seconds(), time.Duration(cpu)}, nil
}
