package bench

import (
	"context"

	"leap/internal/alarm"
	"leap/internal/pace"
)

// Open runs operations at the moments that rate fixes, whatever becomes of
// earlier ones. Its errors come from before the run; how operations went is in
// their samples. When ctx is done, no more are started and those in flight
// finish within Options.Drain.
func Open(ctx context.Context, rate pace.Spec, o Options, w Wiring) (Summary, error) {
	r, err := newRun(ctx, o, w)
	if err != nil {
		return Summary{}, err
	}
	wait := alarm.Coarse()
	if r.Timer == Precise {
		if wait, err = alarm.Precise(); err != nil {
			return Summary{}, err
		}
	}
	defer wait.Close()
	r.watch.spun = wait.Spun
	r.queue = make(chan job, r.Queue)
	schedule := rate.Schedule(pace.Options{Seed: r.Seed, Warmup: r.Warmup, Duration: r.Duration, Stripe: r.Stripe})
	// The alarm sleeps where no context reaches it.
	release := context.AfterFunc(ctx, wait.Wake)
	defer release()
	d := &dispatcher{schedule: schedule, wait: wait}
	return r.finish(ctx, d.feed, (*worker).take), nil
}

// dispatcher puts operations into the queue at the moment they are due.
type dispatcher struct {
	schedule *pace.Schedule
	wait     *alarm.Alarm
}

// feed hands out all operations of the schedule. It ends early when the run
// is over; what was due until then and cannot start is given up.
func (d *dispatcher) feed(w *worker) {
	r := w.r
	defer close(r.queue)
	free := -r.Warmup // since when the queue has not held the dispatcher up
	for {
		tick, ok := d.schedule.Next()
		if !ok || r.Limit > 0 && tick.Seq >= r.Limit {
			return
		}
		now := d.wait.Until(r.clock.origin.Add(tick.Due)).Sub(r.clock.origin)
		if now < tick.Due || r.stopped.Load() { // early: woken because the run is over
			d.abandonRest(w, tick)
			return
		}
		w.phase(tick.Due).due.Add(1)
		j := job{tick.Seq, tick.Due, max(tick.Due, free)}
		if r.push(w, j) {
			if tick.Due >= 0 {
				w.ownLag.Record(now - j.ready)
				w.queueMax = max(w.queueMax, len(r.queue))
			}
			continue
		}
		free = r.clock.now()
	}
}

// push puts j into the queue and reports whether it had room at once.
func (r *run) push(w *worker, j job) bool {
	select {
	case r.queue <- j:
		return true
	default:
	}
	if r.WhenFull == Shed {
		w.phase(j.due).shed.Add(1)
		w.giveUp(j, CodeQueueFull)
		return true
	}
	w.phase(j.due).held.Add(1)
	select {
	case r.queue <- j:
	case <-r.over:
		w.abandon(j)
	}
	return false
}

// abandonRest gives up what was due when the run ended, from tick on.
func (d *dispatcher) abandonRest(w *worker, tick pace.Tick) {
	now := w.r.clock.now()
	for ok := true; ok && tick.Due <= now; tick, ok = d.schedule.Next() {
		if w.r.Limit > 0 && tick.Seq >= w.r.Limit {
			return
		}
		w.phase(tick.Due).due.Add(1)
		w.abandon(job{seq: tick.Seq, due: tick.Due})
	}
}

// take runs operations from the queue until it is closed.
func (w *worker) take() {
	r := w.r
	for {
		var j job
		var ok bool
		waiting := false
		select {
		case j, ok = <-r.queue:
		default:
			waiting = true
			j, ok = <-r.queue
		}
		if !ok {
			return
		}
		if r.stopped.Load() {
			w.abandon(j)
			continue
		}
		start := r.clock.now()
		if j.due >= 0 {
			if waiting {
				w.ownLag.Record(start - j.ready)
			} else {
				w.waited++
			}
		}
		w.do(j, start)
	}
}
