package workloads

import (
	"context"
	"fmt"
	"iter"
)

// Invariant is something that must be true of the data whatever the load was.
type Invariant struct {
	Name string // lower-case words and underscores
	Says string // one sentence: what must be true
	// During says that it can be checked while the load runs, on one
	// consistent view of the data. Those that need the complete journal
	// cannot.
	During bool
	// Check looks. db must be one consistent view: a transaction that reads a
	// single moment. The journal is that of the run; a check with During set
	// does not read it and may be given nil.
	Check func(ctx context.Context, db Querier, journal Journal) (Finding, error)
}

// Journal is what a run knows about its calls that change data: a receipt for
// each call that was started, in any order. An error ends it.
type Journal iter.Seq2[Receipt, error]

// Receipt says what became of a call. Everything else about the call follows
// from the settings and the sequence number.
type Receipt struct {
	Seq     uint64
	Op      string
	Outcome Outcome
}

// Finding is what a check saw.
type Finding struct {
	// Checked counts what was looked at: accounts, payments, receipts. With
	// none, there was nothing to check, and nothing was proven.
	Checked int64
	// Violations counts what is wrong. Examples describes the first few.
	Violations int64
	Examples   []string
}

// maxExamples is how many violations are described: enough to see the pattern,
// few enough for a screen.
const maxExamples = 10

// Add counts a violation and keeps its description if it is among the first.
func (f *Finding) Add(format string, args ...any) {
	f.Violations++
	if len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, fmt.Sprintf(format, args...))
	}
}
