package migrate

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/checkpoint"
	"leap/internal/fault"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// job is a job of the target without a source.
type job struct {
	*session
	t *testing.T
}

func eachJob(t *testing.T, test func(t *testing.T, j job)) {
	t.Helper()
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		t.Parallel()
		s := openSession(t, server, sandboxtest.NewDatabase(t, server))
		if err := checkpoint.Ensure(t.Context(), s.target.Store()); err != nil {
			t.Fatal(err)
		}
		test(t, job{s, t})
	})
}

func (j job) in(fn func(context.Context, checkpoint.Store) error) {
	j.t.Helper()
	ctx := j.t.Context()
	if err := j.target.Transaction(ctx, transaction(func(store checkpoint.Store) error { return fn(ctx, store) })); err != nil {
		j.t.Fatal(err)
	}
}

// member finds a member; ok is false when it is none.
func (j job) member(owner string) (found checkpoint.Member, ok bool) {
	j.t.Helper()
	members, err := checkpoint.Members(j.t.Context(), j.target.Store(), j.jobID())
	if err != nil {
		j.t.Fatal(err)
	}
	for _, m := range members {
		if m.Owner == owner {
			return m, true
		}
	}
	return found, false
}

// beat reads a member's heartbeat and no other row: CockroachDB would wait for
// one that is being deleted.
func (j job) beat(l checkpoint.Lease) (at time.Time) {
	j.t.Helper()
	err := j.target.Store().Each(j.t.Context(), "SELECT beat FROM "+checkpoint.Schema+".member WHERE job = $1 AND owner = $2", []any{l.Job, l.Owner},
		func(scan func(...any) error) error { return scan(&at) })
	if err != nil {
		j.t.Fatal(err)
	}
	return at
}

func (j job) pass(d time.Duration) {
	j.t.Helper()
	if err := wait(j.t.Context(), d); err != nil {
		j.t.Fatal(err)
	}
}

// ended is the number of a process that was.
func ended(t *testing.T) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// TestDead: the number of a process says something where it was given.
func TestDead(t *testing.T) {
	own := newLease("shop")
	if own.Host == "" || own.Place != newLease("x").Place || !strings.Contains(own.Place, "pid:[") {
		t.Errorf("own is %+v", own)
	}
	gone := ended(t)
	for name, x := range map[string]struct {
		lease checkpoint.Lease
		dead  bool
	}{
		"gone":                 {checkpoint.Lease{Host: own.Host, Place: own.Place, PID: gone}, true},
		"here":                 {checkpoint.Lease{Host: own.Host, Place: own.Place, PID: os.Getpid()}, false},
		"in another container": {checkpoint.Lease{Host: own.Host, Place: own.Place + "1", PID: gone}, false},
		"of an older version":  {checkpoint.Lease{Host: own.Host, PID: gone}, false},
		"on another host":      {checkpoint.Lease{Host: own.Host + "x", Place: own.Place, PID: gone}, false},
		"without a number":     {checkpoint.Lease{Host: own.Host, Place: own.Place}, false},
	} {
		if got := dead(checkpoint.Member{Lease: x.lease}, own); got != x.dead {
			t.Errorf("%s: dead is %v", name, got)
		}
	}
}

// TestBeatsWhileLocksAreInTheWay: who takes out a member that has locked
// something must not seem dead himself meanwhile.
func TestBeatsWhileLocksAreInTheWay(t *testing.T) {
	eachJob(t, func(t *testing.T, j job) {
		victim := newLease(j.jobID())
		victim.PID = ended(t)
		own := j.seat(newLease(j.jobID()))
		own.enterAs = checkpoint.Join
		inner := own.transaction
		var waiting atomic.Int32
		own.transaction = func(ctx context.Context, fn func(checkpoint.Store) error) error {
			waiting.Add(1)
			defer waiting.Add(-1)
			return inner(ctx, fn)
		}
		release, err := own.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		j.in(func(ctx context.Context, store checkpoint.Store) error {
			if err := checkpoint.Join(ctx, store, victim); err != nil {
				return err
			}
			_, err := checkpoint.Claim(ctx, store, victim, "t", 0)
			return err
		})
		locked, unlock := make(chan struct{}), make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			first := true
			ended <- j.target.Transaction(t.Context(), transaction(func(store checkpoint.Store) error {
				_, err := store.Exec(t.Context(), "UPDATE "+checkpoint.Schema+".claim SET owner = owner WHERE job = $1", j.jobID())
				if err == nil && first {
					first = false
					close(locked)
					<-unlock
				}
				return err
			}))
		}()
		<-locked
		j.pass(beatEvery + beatEvery/2) // now it tries to take the victim out
		before := j.beat(own.lease)
		j.pass(2 * beatEvery)
		if after := j.beat(own.lease); !after.After(before) {
			t.Errorf("no heartbeat since %v", before)
		}
		if waiting.Load() == 0 {
			t.Error("nothing is in the way: the test proves nothing")
		}
		close(unlock)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for limit := time.Now().Add(30 * time.Second); ; j.pass(100 * time.Millisecond) {
			if _, there := j.member(victim.Owner); !there {
				break
			}
			if time.Now().After(limit) {
				t.Fatal("the victim is never taken out")
			}
		}
	})
}

// TestTakeLooksAgain: who comes and meets a transaction that is in the way of
// taking out a dead member, or of coming in, tries once more.
func TestTakeLooksAgain(t *testing.T) {
	eachJob(t, func(t *testing.T, j job) {
		victim := newLease(j.jobID())
		victim.PID = ended(t)
		j.in(func(ctx context.Context, store checkpoint.Store) error { return checkpoint.Join(ctx, store, victim) })
		h := j.seat(newLease(j.jobID()))
		inner := h.transaction
		var calls atomic.Int32
		h.transaction = func(ctx context.Context, fn func(checkpoint.Store) error) error {
			if n := calls.Add(1); n == 1 || n == 3 { // taking out; then coming in
				return &pgconn.PgError{Code: "40001", Message: "somebody else was faster"}
			}
			return inner(ctx, fn)
		}
		release, err := h.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if _, in := j.member(h.lease.Owner); !in || calls.Load() != 4 {
			t.Errorf("a member: %v, after %d transactions", in, calls.Load())
		}
	})
}

// TestTakeBelievesWhatItSees: after an outage of the target everybody's last
// heartbeat is old. Who comes then waits for the next.
func TestTakeBelievesWhatItSees(t *testing.T) {
	eachJob(t, func(t *testing.T, j job) {
		other := newLease(j.jobID())
		other.Host = "elsewhere"
		j.in(func(ctx context.Context, store checkpoint.Store) error {
			if err := checkpoint.Join(ctx, store, other); err != nil {
				return err
			}
			_, err := store.Exec(ctx, "UPDATE "+checkpoint.Schema+".member SET beat = beat - interval '1 hour'")
			return err
		})
		beating := make(chan error, 1)
		go func() {
			err := wait(t.Context(), beatEvery)
			if err == nil {
				err = checkpoint.Beat(t.Context(), j.target.Store(), other)
			}
			beating <- err
		}()
		if _, err := j.seat(newLease(j.jobID())).take(t.Context()); fault.ClassOf(err) != fault.Refused || !strings.Contains(err.Error(), "on elsewhere") {
			t.Errorf("got %v", err)
		}
		if err := <-beating; err != nil {
			t.Error(err)
		}
	})
}

// TestJournalIsTheLeaders: who was taken out writes nothing over what his
// successor noted, whether he knows already or not.
func TestJournalIsTheLeaders(t *testing.T) {
	eachJob(t, func(t *testing.T, j job) {
		ctx, notes := t.Context(), &journal{s: j.session}
		noted := func(want string) {
			t.Helper()
			e, _, err := checkpoint.Noted(ctx, j.target.Store(), j.jobID())
			if err != nil || e.State != want {
				t.Errorf("noted is %q, want %q: %v", e.State, want, err)
			}
		}
		notes.write(ctx, checkpoint.Entry{Phase: "schema", State: checkpoint.Ended})
		noted(checkpoint.Ended)
		release, err := j.holdJob(ctx)
		if err != nil {
			t.Fatal(err)
		}
		j.speak()
		notes.write(ctx, checkpoint.Entry{Phase: "copy", State: checkpoint.Running})
		noted(checkpoint.Running)
		other := newLease(j.jobID())
		j.in(func(ctx context.Context, store checkpoint.Store) error {
			failure := checkpoint.Release(ctx, store, j.lease)
			if failure == nil {
				failure = checkpoint.Take(ctx, store, other)
			}
			if failure != nil {
				return failure
			}
			return checkpoint.Note(ctx, store, checkpoint.Entry{Job: other.Job, Phase: "copy", State: checkpoint.Ended, By: other.Owner})
		})
		notes.write(ctx, checkpoint.Entry{Phase: "copy", State: checkpoint.Running})
		noted(checkpoint.Ended)
		if lost := release(); !lost {
			t.Error("who was taken out does not know")
		}
		j.in(func(ctx context.Context, store checkpoint.Store) error { return checkpoint.Release(ctx, store, other) })
		if release, err = j.holdJob(ctx); err != nil {
			t.Fatal(err)
		}
		if release() {
			t.Error("who was not taken out thinks so")
		}
	})
}
