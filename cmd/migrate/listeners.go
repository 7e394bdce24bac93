package main

import (
	"context"
	"time"

	"leap/internal/event"
	"leap/internal/fault"
	"leap/internal/metrics"
	"leap/internal/progress"
)

// listeners starts who listens to the run's events: the progress display and,
// where they are wanted, the metrics. The returned function ends them.
func (o *options) listeners(ctx context.Context) (event.Sink, func(), error) {
	display, closeDisplay, err := o.display()
	if err != nil || o.metrics == "" {
		return display, closeDisplay, err
	}
	move := metrics.NewMove(version)
	address, stop, err := move.Serve(ctx, o.metrics)
	if err != nil {
		closeDisplay()
		return nil, nil, err
	}
	display.Emit(event.Event{Kind: event.Step, At: time.Now(), Message: "Prometheus: http://" + address + "/metrics"})
	end := func() {
		if err := stop(); err != nil { // no reason to call the move a failure
			display.Emit(event.Event{Kind: event.Warned, At: time.Now(), Message: "Prometheus was not answered to the end: " + err.Error()})
		}
		closeDisplay()
	}
	return event.Tee(display, move), end, nil
}

// checkProgress refuses an unknown --progress.
func (o *options) checkProgress() error {
	switch o.progress {
	case "", "auto", "bars", "plain", "json", "none":
		return nil
	}
	return fault.New(fault.Usage, "use auto, bars, plain, json or none", "there is no progress display %q", o.progress)
}

// display starts what shows progress; the returned function ends it.
func (o *options) display() (event.Sink, func(), error) {
	if err := o.checkProgress(); err != nil {
		return nil, nil, err
	}
	bars := o.t.Animated()
	switch o.progress {
	case "bars":
		bars = true
	case "plain":
		bars = false
	case "none":
		return event.Discard, func() {}, nil
	case "json":
		d := progress.NewJSONLines(o.t.Err)
		return d, d.Close, nil
	}
	d := progress.New(o.t.Err, progress.Options{Terminal: bars})
	return d, d.Close, nil
}
