package loadgen

import (
	"context"
	"fmt"
	"strings"
	"time"

	"leap/internal/txn"
	"leap/workloads"
)

// Checked is what became of one invariant.
type Checked struct {
	Name string `json:"name"`
	Says string `json:"says"`
	// Verdict is pass, fail, or inconclusive: nothing was there to be checked,
	// or it could not be.
	Verdict    string   `json:"verdict"`
	Checked    int64    `json:"checked"`
	Violations int64    `json:"violations"`
	Examples   []string `json:"examples,omitempty"`
	Error      string   `json:"error,omitempty"`
	// Rounds counts the checks during the run, besides the one after it.
	Rounds int `json:"rounds,omitempty"`
}

const (
	// settle is waited before the last check on CockroachDB: its nodes' clocks
	// may differ by half a second, and what was committed must be in the past
	// of the one that is asked.
	clockOffset = time.Second
	// snapshotAge lets a check during the run look at what no running
	// transaction can change any more.
	snapshotAge = 5 * time.Second
)

// checkAll checks every invariant after the run.
func checkAll(ctx context.Context, pool *txn.Pool, all []workloads.Invariant, journal workloads.Journal) []Checked {
	if pool.Cockroach() {
		timer := time.NewTimer(clockOffset)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	out := make([]Checked, 0, len(all))
	for _, i := range all {
		out = append(out, check(ctx, pool, i, journal, time.Microsecond))
	}
	return out
}

// check checks one invariant on a single view of the data.
func check(ctx context.Context, pool *txn.Pool, i workloads.Invariant, journal workloads.Journal, age time.Duration) Checked {
	c := Checked{Name: i.Name, Says: i.Says}
	err := pool.Snapshot(ctx, age, func(db workloads.Querier) error {
		f, err := i.Check(ctx, db, journal)
		c.Checked, c.Violations, c.Examples = f.Checked, f.Violations, f.Examples
		return err
	})
	switch {
	case c.Violations > 0:
		c.Verdict = verdictFail
	case err != nil:
		c.Verdict, c.Error = verdictInconclusive, err.Error()
	case c.Checked == 0:
		c.Verdict, c.Error = verdictInconclusive, "there was nothing to check"
	default:
		c.Verdict = verdictPass
	}
	return c
}

// The words for verdicts in files and on pages.
const (
	verdictPass         = "pass"
	verdictFail         = "fail"
	verdictInconclusive = "inconclusive"
)

// Found says in a sentence what a check found.
func (c Checked) Found() string {
	switch {
	case c.Violations > 0:
		return fmt.Sprintf("%d violations in %d: %s", c.Violations, c.Checked, strings.Join(c.Examples, "; "))
	case c.Error != "":
		return c.Error
	}
	return fmt.Sprintf("%d checked", c.Checked)
}

// rounds checks the invariants that can be while the load runs, again and
// again, until stop is called, which waits. A violation is remembered even if
// it goes away.
type rounds struct {
	pool  *txn.Pool
	all   []workloads.Invariant
	worst map[string]Checked
	count int
	say   func(string)
}

// start begins the rounds in a goroutine of its own.
func (r *rounds) start(ctx context.Context, every time.Duration) (stop func()) {
	r.worst = map[string]Checked{}
	if every <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		began := time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.round(ctx, began)
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// round checks once. It does not look behind the moment at which the run began:
// the data were perhaps being made then.
func (r *rounds) round(ctx context.Context, began time.Time) {
	answered := false
	for _, i := range r.all {
		if !i.During {
			continue
		}
		c := check(ctx, r.pool, i, nil, min(snapshotAge, time.Since(began)/2))
		answered = answered || c.Error == ""
		if c.Verdict != verdictFail {
			continue // a server that is away cannot be asked; the last check decides
		}
		if _, known := r.worst[i.Name]; !known {
			r.say("invariant " + i.Name + " is violated: " + c.Found())
		}
		r.worst[i.Name] = c
	}
	if ctx.Err() == nil && answered {
		r.count++
	}
}

// merge puts what was seen during the run into the results of the check after it.
func (r *rounds) merge(after []Checked) []Checked {
	for n, c := range after {
		after[n].Rounds = r.count
		if bad, ok := r.worst[c.Name]; ok && c.Verdict != verdictFail {
			bad.Rounds = r.count
			bad.Examples = append([]string{"seen during the run"}, bad.Examples...)
			after[n] = bad
		}
	}
	return after
}
