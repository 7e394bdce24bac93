package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	engine "leap/internal/bench"
	"leap/internal/endpoint"
	"leap/internal/live"
	"leap/internal/loadgen"
	"leap/workloads"
	"leap/workloads/kv"
)

// whole is loadgen as people run it: the workload kv through the pool, with
// every attempt accounted for, the record and the journal written.
type whole struct {
	length  time.Duration
	workers int
	target  endpoint.Endpoint
	dir     string
	turns   int
}

// newWhole loads as many rows as pgbench has.
func newWhole(ctx context.Context, url string, workers int, length time.Duration) (*whole, error) {
	w := &whole{length: length, workers: workers}
	var err error
	if w.target, err = endpoint.Parse(url); err != nil {
		return nil, err
	}
	if w.dir, err = os.MkdirTemp("", "leap-benchload-"); err != nil {
		return nil, fmt.Errorf("temporary folder: %w", err)
	}
	_, err = loadgen.Init(ctx, loadgen.InitConfig{Target: w.target, Workload: kv.Workload{}, Settings: workloads.Settings{Seed: 1}})
	return w, err
}

func (w *whole) close() { _ = os.RemoveAll(w.dir) }

func (w *whole) turn(ctx context.Context) (result, error) {
	w.turns++
	about := kv.Workload{}.About()
	name, mix, err := loadgen.NamedMix(about, "read")
	if err != nil {
		return result{}, err
	}
	s, err := loadgen.Run(ctx, loadgen.Config{
		Command: "benchload", Workload: kv.Workload{}, Settings: workloads.Settings{Seed: 1, Run: fmt.Sprintf("b%d", w.turns)}, Target: w.target,
		MixName: name, Mix: mix, Closed: true, Bench: engine.Options{Workers: w.workers, Duration: w.length}, Timeout: time.Minute,
		Dir: filepath.Join(w.dir, fmt.Sprint(w.turns)), Watch: silent{},
	})
	if err != nil {
		return result{}, err
	}
	get := s.Ops[0]
	if get.Errors > 0 {
		return result{}, fmt.Errorf("%d of %d reads went wrong", get.Errors, get.Count)
	}
	cpu := s.Health.CPU * float64(s.Health.Procs) * s.Duration * float64(time.Second) / float64(get.Count)
	return result{float64(get.Count) / s.Duration, time.Duration(cpu)}, nil
}

// silent watches nothing: a turn is too short to be looked at.
type silent struct{}

func (silent) Show(live.Frame) {}
func (silent) Say(string)      {}
