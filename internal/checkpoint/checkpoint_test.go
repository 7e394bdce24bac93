package checkpoint_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leap/internal/checkpoint"
	"leap/internal/endpoint"
	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/target"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

// memory is a target database with the checkpoint's tables.
type memory struct {
	t  *testing.T
	db *target.DB
}

// eachTarget runs a test on a fresh checkpoint of every kind of target.
func eachTarget(t *testing.T, test func(t *testing.T, m memory)) {
	t.Helper()
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		e, err := endpoint.Parse(server.URL(sandboxtest.NewDatabase(t, server)))
		if err != nil {
			t.Fatal(err)
		}
		db, err := target.Open(t.Context(), e, 6)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		if found, err := checkpoint.Exists(t.Context(), db.Store()); found || err != nil {
			t.Errorf("an empty database has a checkpoint: %v", err)
		}
		for range 2 {
			if err := checkpoint.Ensure(t.Context(), db.Store()); err != nil {
				t.Fatal(err)
			}
		}
		if found, err := checkpoint.Exists(t.Context(), db.Store()); !found || err != nil {
			t.Errorf("the checkpoint is not found: %v", err)
		}
		test(t, memory{t, db})
	})
}

// in runs fn in a transaction.
func (m memory) in(fn func(checkpoint.Store) error) error {
	return m.db.Transaction(m.t.Context(), func(tx *target.Tx) error { return fn(tx) })
}

func (m memory) must(fn func(checkpoint.Store) error) {
	m.t.Helper()
	if err := m.in(fn); err != nil {
		m.t.Fatal(err)
	}
}

func TestJob(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx, store := t.Context(), m.db.Store()
		if _, err := checkpoint.Load(ctx, store, "shop"); !errors.Is(err, checkpoint.ErrNoJob) {
			t.Errorf("got %v", err)
		}
		want := checkpoint.Job{ID: "shop", Source: "uuid/shop", Tables: map[string]string{"a": "1", `b"'ü`: "2"}, Tool: "v1"}
		other := want
		other.Source = "another"
		for _, j := range []checkpoint.Job{want, other, {ID: "second", Tables: map[string]string{}}} {
			m.must(func(s checkpoint.Store) error { return checkpoint.Begin(ctx, s, j) })
		}
		got, err := checkpoint.Load(ctx, store, "shop")
		if err != nil {
			t.Fatal(err)
		}
		if since := time.Since(got.Started); since < -time.Minute || since > time.Minute || !got.Finished.IsZero() {
			t.Errorf("started %s, finished %s", got.Started, got.Finished)
		}
		want.Started = got.Started
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err = checkpoint.Finish(ctx, store, "shop"); err != nil {
			t.Fatal(err)
		}
		if got, err = checkpoint.Load(ctx, store, "shop"); err != nil || got.Finished.Before(got.Started) {
			t.Errorf("finished %s, %v", got.Finished, err)
		}
		jobs, err := checkpoint.Jobs(ctx, store)
		if err != nil || !slices.Equal(jobs, []string{"shop", "second"}) {
			t.Errorf("jobs %v, %v", jobs, err)
		}
		if facts, found, err := checkpoint.LoadFacts(ctx, store, "shop"); found || err != nil {
			t.Errorf("facts %q, %v", facts, err)
		}
		for _, facts := range []string{"{}", `{"x":"ü'"}`} {
			m.must(func(s checkpoint.Store) error { return checkpoint.SaveFacts(ctx, s, "shop", facts) })
			if got, found, err := checkpoint.LoadFacts(ctx, store, "shop"); got != facts || !found || err != nil {
				t.Errorf("facts %q, want %q, %v", got, facts, err)
			}
		}
	})
}

// strange is a key that would break careless quoting.
var strange = row.Key{"7", `a"b\c'd,]`, "ü\x00\n<&>\u2028", ""}

func TestSegments(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx := t.Context()
		want := []checkpoint.Segment{
			{Table: "T", ID: 0, Range: row.Range{UpTo: row.Key{"-9223372036854775808"}}},
			{Table: "T", ID: 1, Range: row.Range{After: row.Key{"-9223372036854775808"}, UpTo: strange}},
			{Table: "T", ID: 2, Range: row.Range{After: strange}},
		}
		divide := func(segments []checkpoint.Segment) (got []checkpoint.Segment) {
			m.must(func(s checkpoint.Store) (err error) {
				got, err = checkpoint.Divide(ctx, s, "j", segments)
				return err
			})
			return got
		}
		if diff := cmp.Diff(want, divide(want)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// A later division, and one that is repeated, find the first.
		if diff := cmp.Diff(want, divide([]checkpoint.Segment{{Table: "T"}})); diff != "" {
			t.Errorf("divided twice (-want +got):\n%s", diff)
		}
		divide([]checkpoint.Segment{{Table: "u"}})
		got, err := checkpoint.Segments(ctx, m.db.Store(), "j")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string][]checkpoint.Segment{"T": want, "u": {{Table: "u"}}}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got, err := checkpoint.Segments(ctx, m.db.Store(), "other"); len(got) != 0 || err != nil {
			t.Errorf("another job has %v, %v", got, err)
		}
	})
}

func TestChunks(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx, store := t.Context(), m.db.Store()
		m.must(func(s checkpoint.Store) error {
			return checkpoint.Begin(ctx, s, checkpoint.Job{ID: "j", Tables: map[string]string{"a": "", "b": "", "c": ""}})
		})
		m.must(func(s checkpoint.Store) error {
			_, err := checkpoint.Divide(ctx, s, "j", []checkpoint.Segment{{Table: "a"}, {Table: "a", ID: 1}})
			return err
		})
		want := []checkpoint.Chunk{
			{Table: "a", Range: row.Range{UpTo: strange}, Rows: 3, Bytes: math.MaxInt64 / 4, Position: "bin.1:4", Changes: []checkpoint.Change{
				{Column: "d", Policy: "zero-date", Action: "null", Count: 2, Examples: []string{`("x", 'ü')`}},
			}},
			{Table: "a", Seq: 1, Range: row.Range{After: strange}, Final: true, Rows: 1, Bytes: 10, Position: "bin.1:4"},
			{Table: "a", Segment: 1, Final: false, Rows: 5, Bytes: 7, Position: ""},
			{Table: "b", Final: true},
		}
		for _, i := range []int{3, 1, 0, 2} {
			c := want[i]
			if done, err := checkpoint.Committed(ctx, store, "j", c); done || err != nil {
				t.Errorf("chunk %d is committed before it is: %v", i, err)
			}
			m.must(func(s checkpoint.Store) error { return checkpoint.Record(ctx, s, "j", c) })
			if done, err := checkpoint.Committed(ctx, store, "j", c); !done || err != nil {
				t.Errorf("chunk %d is not committed: %v", i, err)
			}
			if err := m.in(func(s checkpoint.Store) error { return checkpoint.Record(ctx, s, "j", c) }); !errors.Is(err, checkpoint.ErrTaken) {
				t.Errorf("chunk %d is recorded twice: %v", i, err)
			}
		}
		for name, change := range map[string]func(*checkpoint.Chunk){
			"after": func(c *checkpoint.Chunk) { c.Range.After = row.Key{"1"} }, "up to": func(c *checkpoint.Chunk) { c.Range.UpTo = nil },
			"rows": func(c *checkpoint.Chunk) { c.Rows++ }, "bytes": func(c *checkpoint.Chunk) { c.Bytes++ },
		} {
			c := want[0]
			change(&c)
			if done, err := checkpoint.Committed(ctx, store, "j", c); done || !errors.Is(err, checkpoint.ErrTaken) {
				t.Errorf("another chunk of that number (%s): %v, %v", name, done, err)
			}
		}
		var got []checkpoint.Chunk
		if err := checkpoint.Chunks(ctx, store, "j", func(c checkpoint.Chunk) error { got = append(got, c); return nil }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		job, err := checkpoint.Load(ctx, store, "j")
		if err != nil {
			t.Fatal(err)
		}
		progress, err := checkpoint.Tables(ctx, store, job)
		if err != nil {
			t.Fatal(err)
		}
		for i := range progress {
			if p := &progress[i]; p.Chunks > 0 && (p.First.IsZero() || p.Last.Before(p.First)) {
				t.Errorf("%s from %s to %s", p.Table, p.First, p.Last)
			}
			progress[i].First, progress[i].Last = time.Time{}, time.Time{}
		}
		if diff := cmp.Diff([]checkpoint.TableProgress{
			{Table: "a", Segments: 2, Done: 1, Chunks: 3, Rows: 9, Bytes: math.MaxInt64/4 + 17}, {Table: "b", Done: 1, Chunks: 1}, {Table: "c"},
		}, progress); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestRecordIsAFence: of several that record the same chunk at once, one does.
func TestRecordIsAFence(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		results := make([]error, 5)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				results[i] = m.in(func(s checkpoint.Store) error {
					return checkpoint.Record(t.Context(), s, "j", checkpoint.Chunk{Table: "t", Rows: int64(i)})
				})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range results {
			if err == nil {
				won++
			} else if !errors.Is(err, checkpoint.ErrTaken) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d recorded the chunk", won)
		}
	})
}

// TestForgetChunks: the marks of an older version are forgotten with the chunks.
func TestForgetChunks(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx := t.Context()
		for _, table := range []string{"a", "b"} {
			m.must(func(s checkpoint.Store) error { return checkpoint.Record(ctx, s, "j", checkpoint.Chunk{Table: table}) })
		}
		m.must(func(s checkpoint.Store) error {
			_, err := s.Exec(ctx, "INSERT INTO "+checkpoint.Schema+".clearing (job, table_name) VALUES ('j', 'a')")
			return err
		})
		if got, err := checkpoint.Clearing(ctx, m.db.Store(), "j"); err != nil || !cmp.Equal(got, map[string]bool{"a": true}) {
			t.Errorf("got %v, %v", got, err)
		}
		m.must(func(s checkpoint.Store) error { return checkpoint.ForgetChunks(ctx, s, "j", "a") })
		if got, err := checkpoint.Clearing(ctx, m.db.Store(), "j"); err != nil || len(got) > 0 {
			t.Errorf("got %v, %v", got, err)
		}
		var left []string
		err := checkpoint.Chunks(ctx, m.db.Store(), "j", func(c checkpoint.Chunk) error { left = append(left, c.Table); return nil })
		if err != nil || strings.Join(left, ",") != "b" {
			t.Errorf("chunks of %v are left, %v", left, err)
		}
	})
}
