package migrate

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/fault"
)

const (
	// beatEvery is how often the holder of a job shows life.
	beatEvery = 2 * time.Second
	// silentFor is how long a holder may be silent before he counts as dead:
	// several beats, so that a slow target does not cost anyone his job.
	silentFor = 10 * time.Second
)

// holdJob makes this process the only one that copies, and returns what gives
// the job back. A dead predecessor is replaced at once where that can be seen,
// else when he has been silent for long enough; a living one is left alone.
func (s *session) holdJob(ctx context.Context) (release func(), err error) {
	host, _ := os.Hostname() // only for people and for seeing a dead neighbour
	s.lease = checkpoint.Lease{Job: s.jobID(), Owner: rand.Text(), Host: host, PID: os.Getpid()}
	var last checkpoint.Holder
	for {
		holder, taken, err := checkpoint.Who(ctx, s.target.Store(), s.lease.Job)
		if err != nil {
			return nil, err
		}
		if !taken || holder.Silent > silentFor || dead(holder, host) {
			err := s.takeJob(ctx, holder.Owner)
			if err == nil {
				return s.keepJob(ctx), nil
			}
			if !errors.Is(err, checkpoint.ErrLeaseLost) {
				return nil, err
			}
			continue // somebody else was faster
		}
		if holder.Owner == last.Owner && holder.Silent < last.Silent {
			return nil, fault.New(fault.Refused, "wait for it, or stop it; migrate status shows how far it is",
				"another migrate (process %d on %s) is copying into this target", holder.PID, holder.Host)
		}
		if last.Owner != holder.Owner {
			s.step("process %d on %s held this copy: waiting for a sign of life", holder.PID, holder.Host)
		}
		last = holder
		select {
		case <-time.After(beatEvery / 4):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (s *session) takeJob(ctx context.Context, previous string) error {
	return s.target.Transaction(ctx, transaction(func(store checkpoint.Store) error {
		return checkpoint.Take(ctx, store, s.lease, previous)
	}))
}

// dead reports whether the holder was a process of this machine that is gone.
func dead(h checkpoint.Holder, host string) bool {
	return host != "" && h.Host == host && h.PID > 0 && errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH)
}

// keepJob shows life until the returned function is called, which also gives
// the job back. A heartbeat that fails is not an error: the fence in every
// chunk decides whether this process may still write.
func (s *session) keepJob(ctx context.Context) (release func()) {
	beating, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(beatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_ = checkpoint.Beat(beating, s.target.Store(), s.lease)
			case <-beating.Done():
				return
			}
		}
	})
	return func() {
		stop()
		done.Wait()
		const moment = 5 * time.Second
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
		defer cancel()
		_ = checkpoint.Release(last, s.target.Store(), s.lease) // it expires by itself
	}
}
