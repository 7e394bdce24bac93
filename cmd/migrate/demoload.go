package main

import (
	"context"
	"path/filepath"
	"time"

	"leap/cmd/internal/text"
	"leap/internal/bench"
	"leap/internal/endpoint"
	"leap/internal/fault"
	"leap/internal/live"
	"leap/internal/loadgen"
	"leap/internal/pace"
	"leap/workloads"
	"leap/workloads/openbanking"
)

// The load of the demonstration. Two hundred operations a second are enough
// within 15 s to judge a p99 of what a third of them do, and few enough for two
// processors that carry client and servers.
const (
	demoLoad    = 15 * time.Second
	demoRate    = "200"
	demoWorkers = 16
	demoWarmup  = 3 * time.Second
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

// drive loads the target with open-banking traffic on the rows that were moved.
func (d *demo) drive(ctx context.Context) (*loadgen.Summary, error) {
	scale := loadScale(d.rows)
	if scale == 0 {
		d.say("\n5. no load: with fewer than 62,500 rows the tenants have too few accounts for it")
		return nil, nil
	}
	const tenants = 3 // those of package bank
	target, err := endpoint.Parse(d.target.URL(newDatabase))
	if err != nil {
		return nil, err
	}
	workload := openbanking.Workload{}
	settings := workloads.Settings{Seed: d.seed, Scale: scale, Tenants: tenants, Origin: "migrated", Run: "demo"}
	d.say("\n5. loadgen init --origin migrated --tenants %d --scale %d", tenants, scale)
	result, err := loadgen.Init(ctx, loadgen.InitConfig{Target: target, Workload: workload, Settings: settings})
	if err != nil {
		return nil, d.stopped(ctx, err)
	}
	d.say("   a ledger of %d rows that begins with the migrated accounts and balances", result.Rows)
	name, mix, err := loadgen.NamedMix(workload.About(), "uk-mix")
	if err != nil {
		return nil, err
	}
	rate, err := pace.Parse("poisson:" + demoRate)
	if err != nil {
		return nil, err
	}
	d.say("5. loadgen run --origin migrated --tenants %d --scale %d --mix %s --rate poisson:%s --duration %s\n", tenants, scale, name, demoRate, d.load)
	display := live.New(d.t.err, live.Options{Style: d.loadStyle(), Title: "openbanking " + name})
	defer display.Close()
	s, err := loadgen.Run(ctx, loadgen.Config{
		Command: "migrate demo", Version: version, Target: target, Workload: workload, Settings: settings,
		MixName: name, Mix: mix, Gate: demoGate(), Rate: rate,
		Bench:   bench.Options{Seed: d.seed, Warmup: demoWarmup, Duration: d.load, Workers: demoWorkers},
		Timeout: 30 * time.Second, Watch: display,
		Dir: filepath.Join("runs", "demo-"+time.Now().UTC().Format("20060102T150405.000Z")),
	})
	display.Close()
	if s == nil {
		return nil, d.stopped(ctx, err)
	}
	d.say("%s", text.Summary(s))
	return s, err
}

// stopped names the end by Ctrl-C as such.
func (*demo) stopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fault.New(fault.Inconclusive, "run the demo again", "interrupted")
	}
	return err
}

// loadStyle is the live view that fits --progress.
func (d *demo) loadStyle() live.Style {
	switch d.progress {
	case "none":
		return live.None
	case "json":
		return live.JSON
	case "plain":
		return live.Plain
	}
	if isTerminal(d.t.err) {
		return live.Table
	}
	return live.Plain
}
