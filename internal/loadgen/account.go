package loadgen

import (
	"time"

	"leap/internal/hist"
	"leap/internal/txn"
)

// account adds up what transactions took, and keeps an example of each error.
type account struct {
	ops    map[string]*opAccount
	errors map[string]string // by code: the first message
	wrong  int64             // answers
}

// opAccount is the account of one operation.
type opAccount struct {
	transactions, attempts, committed int64
	lost                              time.Duration
	failures                          map[txn.Failure]int64
}

// add books one operation.
func (a *account) add(op string, s txn.Stats, end ending) {
	if a.ops == nil {
		a.ops, a.errors = map[string]*opAccount{}, map[string]string{}
	}
	o := a.ops[op]
	if o == nil {
		o = &opAccount{failures: map[txn.Failure]int64{}}
		a.ops[op] = o
	}
	o.transactions += int64(s.Transactions)
	o.attempts += int64(s.Attempts)
	o.committed += int64(s.Committed)
	o.lost += s.RetryCost
	for _, f := range s.Failures {
		o.failures[f]++
	}
	if end.outcome == hist.Violated {
		a.wrong++
	}
	if end.err != nil {
		if _, ok := a.errors[end.code]; !ok {
			a.errors[end.code] = end.err.Error()
		}
	}
}

// merge adds another account.
func (a *account) merge(b *account) {
	if a.ops == nil {
		a.ops, a.errors = map[string]*opAccount{}, map[string]string{}
	}
	for op, from := range b.ops {
		to := a.ops[op]
		if to == nil {
			to = &opAccount{failures: map[txn.Failure]int64{}}
			a.ops[op] = to
		}
		to.transactions += from.transactions
		to.attempts += from.attempts
		to.committed += from.committed
		to.lost += from.lost
		for f, n := range from.failures {
			to.failures[f] += n
		}
	}
	a.wrong += b.wrong
	for code, text := range b.errors {
		if _, ok := a.errors[code]; !ok {
			a.errors[code] = text
		}
	}
}

// accounts returns what was booked so far in the warm-up and in the measurement.
func (w *work) accounts() (warmup, measured *account) {
	warmup, measured = &account{}, &account{}
	for _, self := range w.workers {
		self.mu.Lock()
		warmup.merge(&self.accounts[0])
		measured.merge(&self.accounts[1])
		self.mu.Unlock()
	}
	return warmup, measured
}

// phase is the index of an account.
func phase(warmup bool) int { //nolint:revive // the flag is data: when a call was due
	if warmup {
		return 0
	}
	return 1
}
