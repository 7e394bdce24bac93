package migrate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"leap/internal/checkpoint"
	"leap/internal/fault"
	"leap/internal/retry"
	"leap/internal/source"
)

const (
	// beatEvery is how often a process that works on a job shows life.
	beatEvery = 2 * time.Second
	// silentFor is how long a process may be silent before it counts as dead:
	// several beats, so that a slow target does not cost anyone his job.
	silentFor = 10 * time.Second
)

// holdJob makes this process a member of the job: the only one, or one of
// several with Config.Join. The returned function gives everything back, and
// says whether that was lost before. A dead
// predecessor is replaced at once where that can be seen, else when he has been
// silent for long enough; a living one is left alone.
func (s *session) holdJob(ctx context.Context) (release func() (lost bool), err error) {
	s.lease = newLease(s.jobID())
	how := checkpoint.Take
	if s.cfg.Join != JoinNone {
		how = checkpoint.Join
	}
	h := s.seat(s.lease)
	h.join, h.enterAs, h.showsView = s.cfg.Join != JoinNone, how, true
	return h.take(ctx)
}

func newLease(job string) checkpoint.Lease {
	host, _ := os.Hostname() // only for people and for seeing a dead neighbour
	return checkpoint.Lease{Job: job, Owner: rand.Text(), Host: host, Place: numberSpace(), PID: os.Getpid()}
}

// numberSpace is where a process number means one process: a PID namespace of one
// boot of one kernel. Containers may share a host's name and not its numbers.
// Where that cannot be found out, it is a place of its own.
var numberSpace = sync.OnceValue(func() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return rand.Text()
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return rand.Text()
	}
	return strings.TrimSpace(string(boot)) + "/" + space
})

// seat is this process's membership in a job.
type seat struct {
	s     *session
	lease checkpoint.Lease
	// join lets it in beside others.
	join    bool
	enterAs func(context.Context, checkpoint.Store, checkpoint.Lease) error
	// showsView tells the others what this process reads of the source.
	showsView bool
	// transaction is the target's.
	transaction func(context.Context, func(checkpoint.Store) error) error
}

// seat is a membership beside nobody.
func (s *session) seat(l checkpoint.Lease) *seat {
	return &seat{s: s, lease: l, enterAs: checkpoint.Take, transaction: func(ctx context.Context, fn func(checkpoint.Store) error) error {
		return s.target.Transaction(ctx, transaction(fn))
	}}
}

// take waits until this process may be a member, and makes it one.
func (h *seat) take(ctx context.Context) (release func() (lost bool), err error) {
	watch := vigil{own: h.lease}
	var look arrival
	for {
		members, err := checkpoint.Members(ctx, h.s.target.Store(), h.lease.Job)
		if err != nil {
			return nil, err
		}
		watch.look(members, time.Now())
		others, err := h.takeOut(ctx, members, func(m checkpoint.Member) bool { return watch.dead(m, time.Now()) })
		if err != nil {
			return nil, err
		}
		err = h.enter(ctx, others)
		if err == nil {
			return h.keep(ctx), nil
		}
		if !errors.Is(err, checkpoint.ErrLeaseLost) && !inTheWay(err) {
			return nil, err
		}
		if err = look.refuse(others); err != nil {
			return nil, err
		}
		for _, m := range look.unknown(others) {
			h.s.step("process %d on %s held this copy: waiting for a sign of life", m.PID, m.Host)
		}
		if err = wait(ctx, beatEvery/4); err != nil {
			return nil, err
		}
	}
}

// enter makes this process a member if it may be one now, and returns
// ErrLeaseLost if not yet.
func (h *seat) enter(ctx context.Context, others []checkpoint.Member) error {
	for _, m := range others {
		if m.Old || !h.join { // an old one would not see what this process claims
			return checkpoint.ErrLeaseLost
		}
	}
	return h.transaction(ctx, func(store checkpoint.Store) error { return h.enterAs(ctx, store, h.lease) })
}

// inTheWay reports whether somebody else's transaction was in the way until
// patience ended: that of a frozen process, which the server ends after a while.
func inTheWay(err error) bool { return retry.SQLState(err) == "40001" }

// takeOut removes the members that are dead and returns the others but this
// process. One whose locks are in the way is still there.
func (h *seat) takeOut(
	ctx context.Context, members []checkpoint.Member, isDead func(checkpoint.Member) bool,
) (others []checkpoint.Member, err error) {
	for _, m := range members {
		if m.Owner == h.lease.Owner {
			continue
		}
		if !isDead(m) {
			others = append(others, m)
			continue
		}
		err := h.transaction(ctx, func(store checkpoint.Store) error { return checkpoint.Release(ctx, store, m.Lease) })
		if inTheWay(err) {
			others = append(others, m)
		} else if err != nil {
			return nil, err
		}
	}
	return others, nil
}

// arrival is what a process that comes to a job has seen of the others.
type arrival struct{ silent map[string]time.Duration }

// refuse refuses when somebody has shown life since he was seen first.
func (a *arrival) refuse(others []checkpoint.Member) error {
	for _, m := range others {
		before, seen := a.silent[m.Owner]
		if !seen || m.Silent >= before {
			continue
		}
		if m.Old {
			return fault.New(fault.Refused, "wait for it, or stop it; migrate status shows how far it is",
				"another migrate of an older version (process %d on %s) is working on this target", m.PID, m.Host)
		}
		return fault.New(fault.Refused, "wait for it, or stop it, or share its work with migrate copy --join; migrate status shows how far it is",
			"another migrate (process %d on %s) is working on this target", m.PID, m.Host)
	}
	return nil
}

// unknown notes how long the others are silent and returns those who are new.
func (a *arrival) unknown(others []checkpoint.Member) []checkpoint.Member {
	var fresh []checkpoint.Member
	now := map[string]time.Duration{}
	for _, m := range others {
		if _, seen := a.silent[m.Owner]; !seen {
			fresh = append(fresh, m)
		}
		now[m.Owner] = m.Silent
	}
	a.silent = now
	return fresh
}

// dead reports whether the member was a process beside own that is gone.
func dead(m checkpoint.Member, own checkpoint.Lease) bool {
	return m.Host == own.Host && m.Place != "" && m.Place == own.Place && m.PID > 0 && errors.Is(syscall.Kill(m.PID, 0), syscall.ESRCH)
}

// keep shows life and watches the other members until the returned function
// is called, which also gives the job back. A heartbeat that fails is not an
// error: the fence in every chunk decides whether this process may still write.
// Taking out a member waits for what it has locked, and the heartbeat must not.
func (h *seat) keep(ctx context.Context) (release func() (lost bool)) {
	beating, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		every(beating, beatEvery, func() { _ = checkpoint.Beat(beating, h.s.target.Store(), h.lease) })
	})
	done.Go(func() {
		watch := vigil{own: h.lease}
		every(beating, beatEvery, func() {
			if err := h.watch(beating, &watch); err != nil {
				watch.forget() // the target was away: it was for the others, too
			}
		})
	})
	return func() (lost bool) {
		stop()
		done.Wait()
		const moment = 5 * time.Second
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), moment)
		defer cancel()
		// It expires by itself.
		_ = h.transaction(last, func(store checkpoint.Store) error {
			err := checkpoint.Belong(last, store, h.lease)
			if lost = errors.Is(err, checkpoint.ErrLeaseLost); err != nil {
				return err
			}
			return checkpoint.Release(last, store, h.lease)
		})
		return lost
	}
}

// every calls fn at each tick until ctx is over.
func every(ctx context.Context, tick time.Duration, fn func()) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			fn()
		case <-ctx.Done():
			return
		}
	}
}

// watch takes out members that have died, and leads when nobody does.
func (h *seat) watch(ctx context.Context, watch *vigil) error {
	if err := h.showNewView(ctx, watch); err != nil {
		return err
	}
	members, err := checkpoint.Members(ctx, h.s.target.Store(), h.lease.Job)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(members, func(m checkpoint.Member) bool { return m.Owner == h.lease.Owner }) {
		return fmt.Errorf("job %s: %w", h.lease.Job, checkpoint.ErrLeaseLost) // it is not for us to judge any more
	}
	watch.look(members, time.Now())
	others, err := h.takeOut(ctx, members, func(m checkpoint.Member) bool {
		if !watch.dead(m, time.Now()) {
			return false
		}
		h.s.step("process %d on %s is gone: its part of the copy is taken over", m.PID, m.Host)
		return true
	})
	if err != nil {
		return err
	}
	for _, m := range others {
		if m.Leads {
			return nil
		}
	}
	return h.transaction(ctx, func(store checkpoint.Store) error { return checkpoint.Lead(ctx, store, h.lease) })
}

// showNewView tells the others when a lost snapshot was replaced by a later one.
func (h *seat) showNewView(ctx context.Context, watch *vigil) error {
	if !h.showsView {
		return nil
	}
	h.s.seen.Lock()
	p := h.s.position
	h.s.seen.Unlock()
	if p == watch.shown {
		return nil
	}
	if watch.shown != (source.Position{}) { // the first one is shown by who takes it
		if err := h.s.showView(ctx); err != nil {
			return err
		}
	}
	watch.shown = p
	return nil
}

// vigil is how a member watches the others. It counts only silence that it has
// witnessed: after a time in which the target was away, or this process asleep,
// everybody's last sign of life is old.
type vigil struct {
	own    checkpoint.Lease
	shown  source.Position // the view that the others know
	looked time.Time
	seen   map[string]sighting
}

// sighting is a sign of life and since when it is the newest.
type sighting struct{ beat, since time.Time }

func (v *vigil) forget() { v.seen = nil }

func (v *vigil) look(members []checkpoint.Member, now time.Time) {
	if now.Sub(v.looked) > silentFor/2 {
		v.forget()
	}
	v.looked = now
	seen := make(map[string]sighting, len(members))
	for _, m := range members {
		seen[m.Owner] = sighting{m.Beat, now}
		if before, ok := v.seen[m.Owner]; ok && before.beat.Equal(m.Beat) {
			seen[m.Owner] = before
		}
	}
	v.seen = seen
}

// dead reports whether a member has been silent for too long, or is gone from this machine.
func (v *vigil) dead(m checkpoint.Member, now time.Time) bool {
	last, ok := v.seen[m.Owner]
	return ok && now.Sub(last.since) > silentFor || dead(m, v.own)
}
