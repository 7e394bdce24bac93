package migrate

import (
	"context"
	"slices"
	"sync"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/event"
	"leap/internal/report"
)

// noteEvery is how often a working process notes where it stands: a person who
// watches a fleet looks every few seconds.
const noteEvery = 3 * time.Second

// journal notes in the target where the run stands, for migrate status. It
// listens to the events; that it cannot write is no reason to stop.
type journal struct {
	s *session

	mu      sync.Mutex // guards what follows
	entry   checkpoint.Entry
	began   time.Time // of the phase
	moved   int64     // rows of this run in the phase
	planned map[string]int64
}

// journaled reports whether the phases write to the target at all: a
// verification alone must not.
func (s *session) journaled() bool {
	return s.target != nil && (slices.Contains(s.phases, Copy) || slices.Contains(s.phases, Schema))
}

// Emit counts.
func (j *journal) Emit(e event.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch e.Kind {
	case event.PhaseStarted:
		j.entry = checkpoint.Entry{Phase: e.Phase, State: checkpoint.Running}
		j.began, j.moved, j.planned = e.At, 0, map[string]int64{}
	case event.TablePlanned:
		j.plan(e.Table, e.TotalRows)
	case event.TableStarted:
		j.entry.Done += e.Rows
	case event.RowsMoved:
		j.entry.Done += e.Rows
		j.moved += e.Rows
	case event.TableFinished:
		j.plan(e.Table, e.Rows) // what was an estimate is known now
	case event.PhaseFinished, event.TableFailed, event.Step, event.Retried, event.PaceChanged, event.Warned:
	}
}

func (j *journal) plan(table string, rows int64) {
	if j.planned == nil {
		return
	}
	j.entry.Total += rows - j.planned[table]
	j.planned[table] = rows
}

// now is the entry as it stands.
func (j *journal) now() checkpoint.Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.entry
	if seconds := time.Since(j.began).Seconds(); seconds > 0 && j.moved > 0 {
		e.Rate = float64(j.moved) / seconds
	}
	return e
}

// write notes an entry, where there is a checkpoint to note it in. A process
// that follows another one, or was refused beside it, must not say that the copy
// ended or failed.
func (j *journal) write(ctx context.Context, e checkpoint.Entry) {
	leading := j.s.leading.Load() // before quiet: who has lost the lease is quiet first, and leads nothing then
	if j.s.quiet.Load() {
		return
	}
	const moment = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
	defer cancel()
	store := j.s.target.Store()
	if has, err := checkpoint.HasJournal(ctx, store); err != nil || !has {
		return
	}
	e.Job = j.s.jobID()
	if leading != nil {
		e.By = *leading // who was asleep may not know yet that another one leads
	}
	_ = checkpoint.Note(ctx, store, e) // the next note may succeed
}

// keep notes where the run stands until the returned function is called with
// the run's outcome.
func (j *journal) keep(ctx context.Context) (end func(error)) {
	beating, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(noteEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				// Before the first phase the job has no name, and an assessment
				// promises to write nothing.
				if e := j.now(); e.Phase != "" && e.Phase != string(Assess) {
					j.write(beating, e)
				}
			case <-beating.Done():
				return
			}
		}
	})
	return func(err error) {
		stop()
		done.Wait()
		e := j.now()
		e.State = checkpoint.Ended
		switch {
		case err != nil && ctx.Err() != nil:
			e.State = checkpoint.Stopped
		case err != nil:
			e.State, e.Error = checkpoint.Broken, j.s.outward(err)
		case e.Phase == string(Verify) && j.s.verdict(ctx, Verify, nil) != report.Pass:
			e.State, e.Error = checkpoint.Broken, "the verification found differences, or could not look at everything"
		}
		if e.Phase != "" {
			j.write(ctx, e)
		}
	}
}

// outward is an error's text as the target may show it. Errors name rows by their
// keys on the source, which nobody who sees a rehearsal's target is to know.
func (s *session) outward(err error) string {
	if s.planned == nil {
		return err.Error()
	}
	for _, m := range s.mappings() {
		for _, c := range m.KeyColumns() {
			if c.Mask != nil {
				return "it broke off; what the command printed says why, and is not kept here because keys are masked"
			}
		}
	}
	return err.Error()
}
