package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"time"

	engine "leap/internal/bench"
	"leap/internal/live"
	"leap/internal/loadgen"
	"leap/workloads"
	"leap/workloads/kv"
)

// profiled writes the profile of some turns.
func (b *bench) profiled(ctx context.Context, c *clients) (err error) {
	f, err := os.Create(b.profile)
	if err != nil {
		return fmt.Errorf("make the profile: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	const asTheCommand = 400
	debug.SetGCPercent(asTheCommand)
	if err = pprof.StartCPUProfile(f); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer pprof.StopCPUProfile()
	for range b.rounds {
		got, err := c.within(ctx)
		if err != nil {
			return err
		}
		say("%d connections: %.0f transactions/s, %s of CPU each", c.connections, got.perSecond, got.cpu)
	}
	return nil
}

// within is what loadgen run does, in this process.
func (c *clients) within(ctx context.Context) (result, error) {
	c.turns++
	name, mix, err := loadgen.NamedMix(kv.Workload{}.About(), "read")
	if err != nil {
		return result{}, err
	}
	s, err := loadgen.Run(ctx, loadgen.Config{
		Command: "benchload", Workload: kv.Workload{}, Settings: workloads.Settings{Seed: 1, Run: "b" + strconv.Itoa(c.turns)}, Target: c.target,
		MixName: name, Mix: mix, Closed: true, Bench: engine.Options{Workers: c.connections, Duration: c.length}, Timeout: time.Minute,
		Dir: filepath.Join(c.dir, strconv.Itoa(c.turns)), Watch: silent{},
	})
	if err != nil {
		return result{}, err
	}
	return resultOf(s)
}

// silent watches nothing: a turn is too short to be looked at.
type silent struct{}

func (silent) Show(live.Frame) {}
func (silent) Say(string)      {}
