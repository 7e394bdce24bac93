// Package loadgen is the assembly of cmd/loadgen: it connects a workload, the
// engine that drives it, the connections it runs on, the record that is kept of
// it and the judge that reads the record. It decides nothing that they can
// decide, and prints nothing.
package loadgen

import (
	"context"
	"fmt"
	"time"

	"leap/internal/bench"
	"leap/internal/endpoint"
	"leap/internal/live"
	"leap/internal/pace"
	"leap/internal/seed"
	"leap/internal/target"
	"leap/internal/txn"
	"leap/workloads"
)

// Config says what to run, and on what.
type Config struct {
	// Command and Version go into the record.
	Command, Version string
	Target           endpoint.Endpoint
	Workload         workloads.Workload
	Settings         workloads.Settings
	MixName          string
	Mix              workloads.Mix
	// Gate holds the thresholds by which the run is judged.
	Gate []string
	// Rate is the schedule of an open loop. Closed runs a loop for each worker
	// instead, with Think as the mean time between two operations.
	Rate   pace.Spec
	Closed bool
	Think  time.Duration
	Bench  bench.Options
	Txn    txn.Options
	// Timeout is when an operation is given up.
	Timeout time.Duration
	// CheckEvery is the time between two checks of the invariants during the
	// run; 0 checks them after it only.
	CheckEvery time.Duration
	// Dir is the run directory; it must not exist.
	Dir string
	// Metrics is the address on which Prometheus is answered; empty for none.
	Metrics string
	Watch   Watcher
}

// Watcher is told how the run goes. Its methods do not block.
type Watcher interface {
	Show(live.Frame)
	Say(line string)
}

// spareConnections are for what is not load: checks and questions.
const spareConnections = 3

// open connects to the target.
func open(ctx context.Context, e endpoint.Endpoint, connections int, o txn.Options) (*txn.Pool, error) {
	config, err := target.PoolConfig(e, connections+spareConnections)
	if err != nil {
		return nil, err
	}
	if e.Params["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "leap loadgen"
	}
	pool, err := txn.Open(ctx, config, o)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", e, target.Explain(err))
	}
	return pool, nil
}

// InitConfig says which data to make.
type InitConfig struct {
	Target   endpoint.Endpoint
	Workload workloads.Workload
	Settings workloads.Settings
	// Workers is how many batches are written at a time; 0 leaves it to seed.
	Workers int
	// Drop removes what is there first.
	Drop bool
	// Progress is called after every batch, one call at a time.
	Progress func(seed.Progress)
}

// Init makes the workload's tables and opening data. It goes on where an
// earlier attempt stopped.
func Init(ctx context.Context, c InitConfig) (seed.Result, error) {
	pool, err := open(ctx, c.Target, max(c.Workers, defaultInitConnections), txn.Options{})
	if err != nil {
		return seed.Result{}, err
	}
	defer pool.Close()
	if c.Drop {
		if err := seed.Drop(ctx, pool.Pool(), c.Workload); err != nil {
			return seed.Result{}, err
		}
	}
	return seed.Load(ctx, pool.Pool(), c.Workload, c.Settings, seed.Options{Workers: c.Workers, Progress: c.Progress})
}

// defaultInitConnections is enough for seed's own choice of workers on 16
// processors; more only wait in the server.
const defaultInitConnections = 32
