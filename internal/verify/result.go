package verify

import (
	"fmt"
	"time"

	"leap/internal/row"
)

// FindingKind says how a row differs.
type FindingKind string

// The kinds of findings.
const (
	Missing FindingKind = "missing" // on the source, not on the target
	Extra   FindingKind = "extra"   // on the target, not on the source
	Changed FindingKind = "changed" // on both, with different values
)

// Finding is one row that differs.
type Finding struct {
	Kind FindingKind
	// Key holds the key columns' values; for a table without a key the hash of the row.
	Key row.Key
	// Columns are the names of the differing columns of a changed row.
	Columns []string
	// Values are what the two sides hold in Columns, in their order; nil
	// unless Config.ShowValues.
	Values []Values
	// Count is how many such rows there are; above 1 only without a key.
	Count int64
	// Moving says that the row was still changing when it was looked at last.
	Moving bool
}

// Values are both sides' texts of one cell; nil is NULL.
type Values struct{ Source, Target *string }

// TableResult is the outcome for one table.
type TableResult struct {
	Table  string // the source's name
	Method Method
	// Tier says who computed the digests, Why for what reason.
	Tier Tier
	Why  string
	// Drift lists differences between the target table and the plan.
	Drift []string
	// Compared is false when the rows could not be compared at all.
	Compared bool
	// Unchecked says why the table could not be compared; empty when it was,
	// or when Drift says it.
	Unchecked string
	// Source and Target digest all rows of each side, equal rows that were
	// compared one by one as row.Block does.
	Source, Target row.Digest
	// Findings are the first MaxFindings; Total counts all that differ, and
	// Moving those besides that were still changing.
	Findings []Finding
	Total    int64
	Moving   int64
	// Settled counts the rows that differed at first and were equal later.
	Settled int64
	// FalseAlarms counts the parts of which the servers' digests differed
	// although all rows are equal: they print a value differently.
	FalseAlarms int64
	// Repairs are the parts that were made equal. They were compared again:
	// everything above is what that found.
	Repairs []Repair
	// RepairFailed says why the table could not be made equal.
	RepairFailed string
	// Resumed counts the rows that an earlier run compared.
	Resumed int64
	Elapsed time.Duration
}

// Equal reports whether the table arrived: compared whole, without drift or difference.
func (r *TableResult) Equal() bool {
	return r.Compared && r.Unchecked == "" && len(r.Drift) == 0 && r.Total == 0 && r.Moving == 0 && r.Source == r.Target
}

// Differs reports whether the table is known not to have arrived. A table that
// neither differs nor is equal is in doubt.
func (r *TableResult) Differs() bool {
	return len(r.Drift) > 0 || r.Total > 0
}

// problem says in a few words why the table is not equal.
func (r *TableResult) problem() string {
	switch {
	case len(r.Drift) > 0:
		return r.Drift[0]
	case r.Total > 0:
		return fmt.Sprintf("%d rows differ", r.Total)
	case r.Unchecked != "":
		return "not checked: " + r.Unchecked
	case r.Moving > 0:
		return fmt.Sprintf("%d rows are still moving", r.Moving)
	case !r.Compared:
		return "not compared"
	}
	return fmt.Sprintf("the digests differ: %s, %s", r.Source, r.Target)
}
