package checkpoint_test

import (
	"sync"
	"testing"

	"leap/internal/checkpoint"
	"leap/internal/endpoint"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/target"
)

// TestEnsureAtOnce: processes that begin together make the tables together.
func TestEnsureAtOnce(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		e, err := endpoint.Parse(server.URL(sandboxtest.NewDatabase(t, server)))
		if err != nil {
			t.Fatal(err)
		}
		results := make([]error, 4)
		var wg sync.WaitGroup
		for i := range results {
			db, err := target.Open(t.Context(), e, 2)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(db.Close)
			wg.Go(func() { results[i] = checkpoint.Ensure(t.Context(), db.Store()) })
		}
		wg.Wait()
		for _, err := range results {
			if err != nil {
				t.Error(err)
			}
		}
	})
}
