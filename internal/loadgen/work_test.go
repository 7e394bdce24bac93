package loadgen

import (
	"context"
	"errors"
	"testing"

	"leap/internal/bench"
	"leap/internal/hist"
	"leap/internal/txn"
	"leap/workloads"
)

// wrong answers everything wrongly, and says how often it was asked what became of it.
type wrong struct{ asked int }

func (*wrong) Do(context.Context, workloads.DB, workloads.Call) error {
	return &workloads.Violation{Invariant: "amounts", Detail: "one is two"}
}

func (w *wrong) Resolve(context.Context, workloads.DB, workloads.Call) (workloads.Outcome, error) {
	w.asked++
	if w.asked > 1 {
		return workloads.RolledBack, nil
	}
	return workloads.Unknown, errors.New("one is still two")
}

// TestWrongAnswersOfReads are not asked for again: a worker would be busy with it
// for as long as a commit in doubt is asked for.
func TestWrongAnswersOfReads(t *testing.T) {
	for op, asked := range map[string]int{"look": 0, "pay": 3} {
		traffic, receipts := &wrong{}, 0
		w := newWork(till{}.About(), workloads.Mix{{Op: op, Percent: 100}}, 1)
		w.traffic, w.limits, w.workers = traffic, newLimits(1, resolveFor), []*worker{{session: &txn.Session{}}}
		w.receipt = func(workloads.Receipt) { receipts++ }
		got := w.Do(t.Context(), bench.Call{})
		w.Do(t.Context(), bench.Call{Warmup: true})
		warmup, measured := w.accounts()
		if warmup.wrong != 1 || measured.wrong != 1 {
			t.Errorf("%s: %d wrong answers in the warm-up, %d after it", op, warmup.wrong, measured.wrong)
		}
		if got.Outcome != hist.Violated || traffic.asked != asked || receipts != min(asked, 2) {
			t.Errorf("%s: %+v, asked %d times, %d receipts", op, got, traffic.asked, receipts)
		}
	}
}
