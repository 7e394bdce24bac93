package checkpoint_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"leap/internal/checkpoint"
	"leap/internal/row"
)

var (
	first  = checkpoint.Lease{Job: "j", Owner: "one", Host: "h1", Place: "boot/pid:[1]", PID: 7}
	second = checkpoint.Lease{Job: "j", Owner: "two", Host: "h2", PID: 8}
)

type step func(checkpoint.Lease) error

func (m memory) step(how func(checkpoint.Store, checkpoint.Lease) error) step {
	return func(l checkpoint.Lease) error {
		return m.in(func(s checkpoint.Store) error { return how(s, l) })
	}
}

func (m memory) members() []checkpoint.Member {
	m.t.Helper()
	list, err := checkpoint.Members(m.t.Context(), m.db.Store(), "j")
	if err != nil {
		m.t.Fatal(err)
	}
	for _, l := range list {
		if l.Silent < 0 || l.Silent > time.Minute || l.Beat.IsZero() {
			m.t.Errorf("silent for %v since %v", l.Silent, l.Beat)
		}
	}
	return list
}

// are compares members without their times.
func (m memory) are(want ...checkpoint.Member) {
	m.t.Helper()
	if diff := cmp.Diff(want, m.members(), cmpopts.IgnoreFields(checkpoint.Member{}, "Beat", "Silent")); diff != "" {
		m.t.Errorf("members (-want +got):\n%s", diff)
	}
}

func TestMembers(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx := t.Context()
		take := m.step(func(s checkpoint.Store, l checkpoint.Lease) error { return checkpoint.Take(ctx, s, l) })
		join := m.step(func(s checkpoint.Store, l checkpoint.Lease) error { return checkpoint.Join(ctx, s, l) })
		lead := m.step(func(s checkpoint.Store, l checkpoint.Lease) error { return checkpoint.Lead(ctx, s, l) })
		hold := m.step(func(s checkpoint.Store, l checkpoint.Lease) error { return checkpoint.Hold(ctx, s, l) })
		release := m.step(func(s checkpoint.Store, l checkpoint.Lease) error { return checkpoint.Release(ctx, s, l) })
		must := func(errs ...error) {
			t.Helper()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
		}
		lost := func(err error) {
			t.Helper()
			if !errors.Is(err, checkpoint.ErrLeaseLost) {
				t.Errorf("got %v", err)
			}
		}
		m.are()
		lost(lead(first)) // it is no member
		must(take(first), take(first))
		m.are(checkpoint.Member{Lease: first, Leads: true})
		for _, table := range []string{"member", "lease"} { // a version without places must not think that it can see the process
			hosts := 0
			err := m.db.Store().Each(ctx, "SELECT 1 FROM "+checkpoint.Schema+"."+table+" WHERE host = $1", []any{first.Host}, func(func(...any) error) error {
				hosts++
				return nil
			})
			if hosts != 0 || err != nil {
				t.Errorf("%s shows the bare host: %v", table, err)
			}
		}
		lost(take(second))
		must(join(second), join(second))
		must(checkpoint.ShowView(ctx, m.db.Store(), second, "bin.1:4"), checkpoint.Beat(ctx, m.db.Store(), second))
		m.are(checkpoint.Member{Lease: first, Leads: true}, checkpoint.Member{Lease: second, View: "bin.1:4"})
		must(hold(first), lead(second))
		lost(hold(second))
		lost(take(first)) // it is not alone
		before := m.members()[0].Beat
		must(checkpoint.Beat(ctx, m.db.Store(), first))
		if after := m.members()[0].Beat; !after.After(before) {
			t.Errorf("the heartbeat went from %v to %v", before, after)
		}
		must(release(first), release(first))
		m.are(checkpoint.Member{Lease: second, View: "bin.1:4"})
		lost(hold(first))
		lost(checkpoint.Beat(ctx, m.db.Store(), first))
		lost(checkpoint.ShowView(ctx, m.db.Store(), first, "x"))
		must(lead(second), hold(second), release(second), take(first), release(first))
		m.are()
	})
}

// TestOldHolder: a version that knows no members holds the lease.
func TestOldHolder(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx := t.Context()
		m.must(func(s checkpoint.Store) error {
			_, err := s.Exec(ctx, "INSERT INTO "+checkpoint.Schema+".lease (job, owner, host, pid) VALUES ('j', 'one', 'h1', 7)")
			if err == nil {
				_, err = s.Exec(ctx, "INSERT INTO "+checkpoint.Schema+".heartbeat (job, beat) VALUES ('j', clock_timestamp())")
			}
			return err
		})
		old := first
		old.Place = "" // it knows of none
		m.are(checkpoint.Member{Lease: old, Leads: true, Old: true})
		if err := m.in(func(s checkpoint.Store) error { return checkpoint.Take(ctx, s, second) }); !errors.Is(err, checkpoint.ErrLeaseLost) {
			t.Errorf("taken beside it: %v", err)
		}
		m.must(func(s checkpoint.Store) error { return checkpoint.Release(ctx, s, first) })
		m.must(func(s checkpoint.Store) error { return checkpoint.Take(ctx, s, second) })
		m.are(checkpoint.Member{Lease: second, Leads: true})
	})
}

// TestOneTakes: of several that come at once one is alone; of several that
// join one leads.
func TestOneTakes(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		for name, how := range map[string]func(checkpoint.Store, checkpoint.Lease) error{
			"take": func(s checkpoint.Store, l checkpoint.Lease) error { return checkpoint.Take(t.Context(), s, l) },
			"join": func(s checkpoint.Store, l checkpoint.Lease) error { return checkpoint.Join(t.Context(), s, l) },
		} {
			results := make([]error, 4)
			var wg sync.WaitGroup
			for i := range results {
				l := checkpoint.Lease{Job: "j", Owner: string(rune('a' + i))}
				wg.Go(func() { results[i] = m.in(func(s checkpoint.Store) error { return how(s, l) }) })
			}
			wg.Wait()
			in := 0
			for _, err := range results {
				if err == nil {
					in++
				} else if !errors.Is(err, checkpoint.ErrLeaseLost) {
					t.Errorf("%s: %v", name, err)
				}
			}
			leading := 0
			members := m.members()
			for _, l := range members {
				if l.Leads {
					leading++
				}
				m.must(func(s checkpoint.Store) error { return checkpoint.Release(t.Context(), s, l.Lease) })
			}
			if want := map[string]int{"take": 1, "join": 4}[name]; in != want || len(members) != want || leading != 1 {
				t.Errorf("%s: %d came in, %d members, %d lead", name, in, len(members), leading)
			}
		}
	})
}

func TestClaims(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx, store := t.Context(), m.db.Store()
		m.must(func(s checkpoint.Store) error { return checkpoint.Join(ctx, s, first) })
		m.must(func(s checkpoint.Store) error { return checkpoint.Join(ctx, s, second) })
		claim := func(l checkpoint.Lease, segment int) (ok bool, err error) {
			err = m.in(func(s checkpoint.Store) error {
				ok, err = checkpoint.Claim(ctx, s, l, "t", segment)
				return err
			})
			return ok, err
		}
		claimed := func(l checkpoint.Lease, segment int) error {
			return m.in(func(s checkpoint.Store) error { return checkpoint.Claimed(ctx, s, l, "t", segment) })
		}
		for _, c := range []struct {
			who     checkpoint.Lease
			segment int
			want    bool
		}{{first, 0, true}, {first, 0, true}, {second, 0, false}, {second, 1, true}, {first, 1, false}} {
			if ok, err := claim(c.who, c.segment); ok != c.want || err != nil {
				t.Errorf("%s claims segment %d: %v, %v", c.who.Owner, c.segment, ok, err)
			}
		}
		if err := errors.Join(claimed(first, 0), claimed(second, 1)); err != nil {
			t.Error(err)
		}
		if err := claimed(second, 0); !errors.Is(err, checkpoint.ErrLeaseLost) {
			t.Errorf("somebody else's claim: %v", err)
		}
		m.must(func(s checkpoint.Store) error { return checkpoint.Release(ctx, s, first) })
		if err := claimed(first, 0); !errors.Is(err, checkpoint.ErrLeaseLost) {
			t.Errorf("a claim outlives its member: %v", err)
		}
		if _, err := claim(first, 2); !errors.Is(err, checkpoint.ErrLeaseLost) {
			t.Errorf("one who is no member claims: %v", err)
		}
		got, err := checkpoint.Claims(ctx, store, "j")
		if diff := cmp.Diff(map[checkpoint.SegmentID]string{{Table: "t", Segment: 1}: "two"}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if ok, err := claim(second, 0); !ok || err != nil {
			t.Errorf("a free segment: %v, %v", ok, err)
		}
	})
}

func TestLast(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx, store := t.Context(), m.db.Store()
		id := checkpoint.SegmentID{Table: "t", Segment: 1}
		if _, found, err := checkpoint.Last(ctx, store, "j", id); found || err != nil {
			t.Errorf("a chunk of nothing: %v", err)
		}
		for _, c := range []checkpoint.Chunk{
			{Table: "t", Segment: 1, Rows: 2, Bytes: 20, Range: row.Range{UpTo: strange}},
			{Table: "t", Segment: 2, Seq: 7, Rows: 100},
			{Table: "t", Segment: 1, Seq: 1, Rows: 3, Bytes: 30, Range: row.Range{After: strange}, Final: true},
			{Table: "u", Segment: 1, Seq: 9, Rows: 100},
		} {
			m.must(func(s checkpoint.Store) error { return checkpoint.Record(ctx, s, "j", c) })
		}
		last, found, err := checkpoint.Last(ctx, store, "j", id)
		want := checkpoint.Chunk{Table: "t", Segment: 1, Seq: 1, Range: row.Range{After: strange}, Final: true}
		if diff := cmp.Diff(want, last); diff != "" || !found || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if rows, bytes, err := checkpoint.Moved(ctx, store, "j", id); rows != 5 || bytes != 50 || err != nil {
			t.Errorf("moved %d rows, %d bytes, %v", rows, bytes, err)
		}
	})
}
