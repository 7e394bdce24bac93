package checkpoint_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/checkpoint"
	"leap/internal/row"
)

func TestPause(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx, store := t.Context(), m.db.Store()
		if can, err := checkpoint.HasPauses(ctx, store); !can || err != nil {
			t.Errorf("no pauses: %v", err)
		}
		if _, found, err := checkpoint.Paused(ctx, store, "bank"); found || err != nil {
			t.Errorf("paused from the start: %v", err)
		}
		if err := checkpoint.NoteStopped(ctx, store, "bank"); err != nil {
			t.Error(err)
		}
		for _, by := range []string{"first@a", "second@b"} {
			if err := checkpoint.SetPause(ctx, store, "bank", by); err != nil {
				t.Fatal(err)
			}
		}
		p, found, err := checkpoint.Paused(ctx, store, "bank")
		if err != nil || !found || p.By != "first@a" || p.Since.IsZero() || !p.Stopped.IsZero() {
			t.Errorf("got %+v, %v, %v", p, found, err)
		}
		if err = checkpoint.NoteStopped(ctx, store, "bank"); err != nil {
			t.Error(err)
		}
		if p, _, err = checkpoint.Paused(ctx, store, "bank"); err != nil || p.Stopped.IsZero() {
			t.Errorf("it is not noted that it stopped: %+v, %v", p, err)
		}
		if _, found, err := checkpoint.Paused(ctx, store, "other"); found || err != nil {
			t.Errorf("another job is paused as well: %v", err)
		}
		for _, want := range []bool{true, false} {
			if paused, err := checkpoint.EndPause(ctx, store, "bank"); paused != want || err != nil {
				t.Errorf("was paused: %v, %v", paused, err)
			}
		}
	})
}

func TestImports(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx, store := t.Context(), m.db.Store()
		if can, err := checkpoint.HasImports(ctx, store); !can || err != nil {
			t.Errorf("no imports: %v", err)
		}
		for _, i := range [][3]string{{"bank", "a", "1"}, {"bank", "b", "2"}, {"bank", "a", "3"}, {"other", "a", "4"}} {
			m.must(func(s checkpoint.Store) error { return checkpoint.BeginImport(ctx, s, i[0], i[1], i[2]) })
		}
		m.must(func(s checkpoint.Store) error { return checkpoint.EndImport(ctx, s, "bank", "b") })
		got, err := checkpoint.Imports(ctx, store, "bank")
		if diff := cmp.Diff(map[string]string{"a": "3"}, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

func TestForget(t *testing.T) {
	eachTarget(t, func(t *testing.T, m memory) {
		ctx, store := t.Context(), m.db.Store()
		for _, id := range []string{"bank", "other"} {
			m.must(func(s checkpoint.Store) error {
				if err := checkpoint.Begin(ctx, s, checkpoint.Job{ID: id, Source: "x", Tables: map[string]string{"a": "1"}}); err != nil {
					return err
				}
				if _, err := checkpoint.Divide(ctx, s, id, []checkpoint.Segment{{Table: "a"}}); err != nil {
					return err
				}
				return checkpoint.Record(ctx, s, id, checkpoint.Chunk{Table: "a", Range: row.Range{}, Final: true})
			})
		}
		m.must(func(s checkpoint.Store) error { return checkpoint.Forget(ctx, s, "bank") })
		if _, err := checkpoint.Load(ctx, store, "bank"); !errors.Is(err, checkpoint.ErrNoJob) {
			t.Errorf("the job is still there: %v", err)
		}
		count := func(id string) (n int) {
			if err := checkpoint.Chunks(ctx, store, id, func(checkpoint.Chunk) error { n++; return nil }); err != nil {
				t.Error(err)
			}
			segments, err := checkpoint.Segments(ctx, store, id)
			if err != nil {
				t.Error(err)
			}
			return n + len(segments["a"])
		}
		if got := count("bank"); got != 0 {
			t.Errorf("%d records are left", got)
		}
		if got := count("other"); got != 2 {
			t.Errorf("%d records of the other job, want 2", got)
		}
	})
}
