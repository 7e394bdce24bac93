package loadgen

import (
	"path/filepath"
	"testing"
	"time"

	"leap/internal/judge"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestOutage kills the server in the middle. The outage is in the record at its
// time, the generator keeps its schedule, no acknowledged payment is lost, and
// no outcome stays unknown.
func TestOutage(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, shared *sandbox.Server) {
		server, err := sandbox.StartTarget(t.Context(), shared.Kind(), sandbox.Options{Durable: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { // after its database was dropped
			if stopErr := server.Stop(); stopErr != nil {
				t.Error(stopErr)
			}
		})
		const before, away, length = 2 * time.Second, 5 * time.Second, 12 * time.Second
		c := config(t, server, sandboxtest.NewDatabase(t, server), length)
		c.Dir = filepath.Join(t.TempDir(), "run")
		if _, initErr := Init(t.Context(), InitConfig{Target: c.Target, Workload: c.Workload, Settings: c.Settings}); initErr != nil {
			t.Fatal(initErr)
		}
		killed := make(chan error, 1)
		var from, till time.Time
		go func() {
			wait(t, before)
			from = time.Now()
			killErr := server.Kill()
			wait(t, away)
			if killErr == nil {
				killErr = server.Restart(t.Context())
			}
			till = time.Now()
			killed <- killErr
		}()
		summary, err := Run(t.Context(), c)
		if killErr := <-killed; err != nil || killErr != nil {
			t.Fatal(err, killErr)
		}
		e, err := readEvidence(c.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if due := e.end.Measured.Due; due != uint64(200*length/time.Second) {
			t.Errorf("%d operations became due, want 200 per second", due)
		}
		// A second is what is known of when a sample ended; the operations that
		// waited for the server end after it is back.
		first, last := from.Sub(e.end.Began), till.Sub(e.end.Began)
		var failed, outside, after int64
		for _, i := range e.run.Intervals {
			for _, o := range i.Ops {
				n := o.Counts.Failed()
				failed += n
				if i.End < first || i.Start > last+3*time.Second {
					outside += n
				}
				if i.Start > last {
					after += o.Counts.Done
				}
			}
		}
		if failed < 100 || outside > 0 || after == 0 {
			t.Errorf("%d errors, %d of them not between %s and %s, %d operations done later", failed, outside, first, last, after)
		}
		if e.unknown > 0 {
			t.Errorf("nobody knows what became of %d calls", e.unknown)
		}
		for _, i := range summary.Invariants {
			if i.Verdict != verdictPass {
				t.Errorf("invariant %+v", i)
			}
		}
		if len(e.end.Examples) == 0 {
			t.Error("no example of an error was kept")
		}
		marks := e.outages()
		if len(marks) != 1 || marks[0].At < first.Seconds()-2 || marks[0].Till > last.Seconds()+3 || marks[0].Till-marks[0].At < 3 {
			t.Errorf("the report marks %+v, away from %s to %s", marks, first, last)
		}
		if summary.Verdict == judge.Pass {
			t.Error("a run with an outage passed")
		}
		t.Logf("away from %s to %s, %d errors: %v", first, last, failed, e.end.Examples)
	})
}

func wait(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
