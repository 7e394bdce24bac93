package loadgen

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
	"leap/internal/txn"
	"leap/workloads/openbanking"
)

// TestConflictsInTheReport: each conflict that the driver saw is in the report
// of a run, by operation and by kind, every one was repeated, and the books are
// right in spite of them.
func TestConflictsInTheReport(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		c := config(t, server, sandboxtest.NewDatabase(t, server), 3*time.Second)
		c.Workload, c.Settings.Tenants, c.Gate, c.Closed = openbanking.Workload{}, 1, []string{"max<5m"}, true
		c.Timeout = 2 * time.Minute // nobody gives up: an attempt that was cut off would be no conflict
		var err error
		if c.MixName, c.Mix, err = NamedMix(c.Workload.About(), "contention"); err != nil {
			t.Fatal(err)
		}
		if _, err = Init(t.Context(), InitConfig{Target: c.Target, Workload: c.Workload, Settings: c.Settings}); err != nil {
			t.Fatal(err)
		}
		for _, protocol := range []txn.Protocol{txn.Plain, txn.CockroachGo} {
			if protocol == txn.CockroachGo && server.StandIn() {
				continue // it is refused there
			}
			t.Run(string(protocol), func(t *testing.T) {
				counter := &txn.Counter{}
				c := c
				c.Txn = txn.Options{Protocol: protocol, Tracer: counter}
				c.Settings.Run = strings.ReplaceAll(string(protocol), "-", "")
				c.Dir = filepath.Join(t.TempDir(), "run")
				summary, err := Run(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				conflictsAgree(t, summary, counter)
			})
		}
	})
}

func conflictsAgree(t *testing.T, s *Summary, counter *txn.Counter) {
	t.Helper()
	var booked, retries, count int64
	for _, f := range s.Failures {
		if !f.Retried || f.Injected || f.State != "40001" && f.State != "40P01" || f.Kind == txn.KindOther {
			t.Errorf("failed attempts %+v", f)
		}
		booked += f.Count
	}
	for _, o := range s.Ops {
		retries += o.Retries
		count += o.Count
		if o.Errors > 0 {
			t.Errorf("%s: %d errors", o.Name, o.Errors)
		}
	}
	seen := int64(counter.Count("40001") + counter.Count("40P01"))
	t.Logf("%d operations, %d conflicts: %+v", count, seen, s.Failures)
	if counter.Count("40001") == 0 {
		t.Error("there was no serialisation failure")
	}
	if booked != seen || retries != seen {
		t.Errorf("the driver saw %d conflicts, the account has %d, the operations %d", seen, booked, retries)
	}
	for _, i := range s.Invariants {
		if i.Verdict != verdictPass {
			t.Errorf("invariant %+v", i)
		}
	}
}
