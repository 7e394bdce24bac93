package loadgen

import (
	"context"
	"errors"
	"sync"
	"time"

	"leap/internal/bench"
	"leap/internal/hist"
	"leap/internal/txn"
	"leap/workloads"
)

const (
	// resolveFor is how long a commit in doubt is asked for. It is longer than
	// a node takes to come back or a range to find a new leaseholder.
	resolveFor = 30 * time.Second
	// resolveLate is what is left for that when the run is over meanwhile.
	resolveLate = 5 * time.Second
	// resolvePause lies between two questions.
	resolvePause = 100 * time.Millisecond
)

// work runs a workload's operations for package bench and says what their ends
// mean: for the latency, for the journal, and for the account of retries.
type work struct {
	calls   workloads.Calls
	traffic workloads.Traffic
	index   map[string]int // by the operation's name
	writes  []bool         // by index
	limits  *limits
	workers []*worker
	// receipt takes what became of each call that changes data.
	receipt func(workloads.Receipt)
}

// worker is what one worker needs for itself.
type worker struct {
	session *txn.Session
	mu      sync.Mutex // guards accounts; only who reads them ever makes it wait
	// accounts are of the warm-up and of the measurement.
	accounts [2]account
}

// newWork prepares the operations; sessions come from open.
func newWork(about workloads.About, mix workloads.Mix, seed uint64) *work {
	w := &work{calls: workloads.NewCalls(seed, mix), index: map[string]int{}}
	for _, s := range mix {
		op, _ := about.Op(s.Op) // the mix was validated
		w.index[s.Op] = len(w.writes)
		w.writes = append(w.writes, op.Writes)
	}
	return w
}

// Op implements [bench.Work].
func (w *work) Op(seq uint64) int { return w.index[w.calls.At(seq).Op] }

// Do implements [bench.Work].
func (w *work) Do(ctx context.Context, c bench.Call) bench.Result {
	call, self := w.calls.At(c.Seq), w.workers[c.Worker]
	opCtx := w.limits.begin(ctx, c.Worker)
	err := w.traffic.Do(opCtx, self.session, call)
	end := ending{outcome: hist.Done, receipt: workloads.Committed}
	if err != nil {
		end = endOfError(opCtx, err)
	}
	w.limits.end(c.Worker)
	if end.ask && w.writes[c.Op] { // what only reads left nothing to ask for
		w.settle(ctx, self, call, &end)
	}
	if w.writes[c.Op] {
		w.receipt(workloads.Receipt{Seq: c.Seq, Op: call.Op, Outcome: end.receipt})
	}
	stats := self.session.Take()
	self.mu.Lock()
	self.accounts[phase(c.Warmup)].add(call.Op, stats, end)
	self.mu.Unlock()
	return bench.Result{
		Attempts: 1 + stats.Retries(), RetryCost: stats.RetryCost, PoolWait: stats.PoolWait,
		Outcome: end.outcome, Code: end.code,
	}
}

// ending is what an operation's end means.
type ending struct {
	outcome hist.Outcome
	code    string
	receipt workloads.Outcome
	err     error // of an operation that was not answered rightly
	ask     bool  // what became of it has to be asked for
}

// endOfError says what an error of an operation means.
func endOfError(ctx context.Context, err error) ending {
	if no, ok := errors.AsType[*workloads.Rejection](err); ok {
		return ending{outcome: hist.Rejected, code: no.Code, receipt: workloads.Refused}
	}
	end := ending{outcome: hist.Errored, code: txn.Describe(ctx, err).State, receipt: workloads.RolledBack, err: err}
	if wrong, ok := errors.AsType[*workloads.Violation](err); ok {
		end.outcome, end.code, end.ask = hist.Violated, wrong.Invariant, true
	}
	end.ask = end.ask || txn.Ambiguous(err)
	return end
}

// settle asks what became of an operation that is in doubt: that is part of
// what a customer waits for.
func (w *work) settle(ctx context.Context, self *worker, call workloads.Call, end *ending) {
	end.receipt = w.resolve(ctx, self, call)
	switch {
	case end.outcome == hist.Violated:
	case end.receipt == workloads.Committed:
		// The customer asked again and learnt that it was done.
		end.outcome, end.code = hist.Done, codeResolved
	case end.receipt == workloads.Unknown:
		end.outcome = hist.Unresolved
	}
}

// codeResolved marks operations whose commit was in doubt and had gone through.
const codeResolved = "resolved"

// resolve asks until it is known what became of a call. After the end of the
// run it goes on for a moment, lest a payment stay in doubt for no reason.
func (w *work) resolve(ctx context.Context, self *worker, call workloads.Call) workloads.Outcome {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveFor)
	defer cancel()
	release := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(resolveLate, cancel)
		context.AfterFunc(own, func() { timer.Stop() })
	})
	defer release()
	for {
		outcome, err := w.traffic.Resolve(own, self.session, call)
		if err == nil && outcome != workloads.Unknown {
			return outcome
		}
		timer := time.NewTimer(resolvePause)
		select {
		case <-own.Done():
			timer.Stop()
			return workloads.Unknown
		case <-timer.C:
		}
	}
}
