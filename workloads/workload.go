// Package workloads says what an application under load is: its tables, the
// data that it starts with, its operations, and what must always be true of
// its data. The subpackages are workloads; [leap/workloads/catalog] lists them.
//
// A workload knows SQL and nothing of time: when an operation is due, how often
// it is tried again, what is measured and who judges it is decided elsewhere.
// Everything that an operation does follows from the settings and its sequence
// number, so that a run can be repeated with another number of workers, split
// over processes, and recomputed afterwards from the seed alone.
package workloads

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Workload is one application. Its methods may be called from several
// goroutines.
type Workload interface {
	// About describes it. It never changes.
	About() About
	// Load prepares the making of tables and opening data. It may look at the
	// database, since opening data can be taken from rows that are there, and
	// changes nothing.
	Load(ctx context.Context, db Querier, s Settings) (Loader, error)
	// Traffic prepares the operations of one run. It refuses a database that
	// was loaded with other settings: its answers would mean nothing.
	Traffic(ctx context.Context, db Querier, s Settings) (Traffic, error)
	// Invariants lists what must be true of the data of a run with these
	// settings.
	Invariants(s Settings) []Invariant
}

// About describes a workload.
type About struct {
	Name    string // as typed on the command line; also the schema of its tables
	Summary string // one sentence
	Ops     []OpInfo
	// Mixes are the shares of operations, by name. DefaultMix names one.
	Mixes      map[string]Mix
	DefaultMix string
	// Gate holds the default thresholds, such as "payment_submit.p99<200ms".
	Gate []string
	// Tables lists the tables in the order in which they are made.
	Tables []string
	// Variants lists the deliberately broken ones, for tests of the checkers.
	Variants []string
}

// OpInfo describes an operation.
type OpInfo struct {
	Name    string // lower-case words and underscores
	Summary string
	// Writes says that the operation changes data: its outcome belongs in the
	// run's journal, and an ambiguous commit must be resolved.
	Writes bool
	Tables []string // the tables that it touches
}

// Op returns the operation of a name, and false where there is none.
func (a About) Op(name string) (OpInfo, bool) {
	for _, op := range a.Ops {
		if op.Name == name {
			return op, true
		}
	}
	return OpInfo{}, false
}

// Settings choose the data and the run. The data follow from Seed, Scale,
// Tenants and Origin; the operations from all of them.
type Settings struct {
	// Seed chooses the content.
	Seed uint64
	// Scale is the size of the opening data; every workload documents its
	// unit. 0 means 1.
	Scale int
	// Tenants is the number of tenants; 0 means the workload's default.
	Tenants int
	// Origin says where the opening data come from: "" lets the workload look,
	// others are documented by it (openbanking: "synthetic", "migrated").
	Origin string
	// Run tells runs on the same data apart. Idempotency keys carry it, so that
	// a second run with the same seed is not taken for a repetition of the
	// first. At most 16 letters and digits; processes that share one run and
	// stripe its sequence numbers have the same.
	Run string
	// Variant names a deliberately broken behaviour, for tests of the
	// checkers; empty is the real one.
	Variant string
}

// Querier reads. A pool, a connection and a transaction of pgx are Queriers.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// DB is what an operation talks to. Serialisation failures are repeated behind
// it, counted and timed there; whatever is called again must therefore not keep
// anything from an earlier attempt.
//
// After a commit whose outcome nobody knows, the error says so
// (leap/internal/retry.AmbiguousError), and whoever runs the operation asks
// [Traffic.Resolve].
type DB interface {
	// Tx runs fn in one serializable transaction and commits it when fn
	// returns nil. An error of fn rolls back and comes out as it is.
	Tx(ctx context.Context, fn func(tx pgx.Tx) error) error
	// Read runs one statement outside a transaction; rows consumes its result.
	Read(ctx context.Context, rows func(pgx.Rows) error, sql string, args ...any) error
	// QueryRow runs one statement outside a transaction when Scan is called.
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	// Exec runs one changing statement outside a transaction. A connection
	// that breaks makes its outcome unknown.
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Traffic runs the operations of one run, from many goroutines.
type Traffic interface {
	// Do runs one operation once. It returns nil when the answer is right, a
	// [*Rejection] when the right answer is a refusal, a [*Violation] when the
	// answer is wrong, and any other error when there was no answer.
	Do(ctx context.Context, db DB, call Call) error
	// Resolve finds out through its idempotency key what became of a call
	// whose commit is in doubt. It returns Committed or RolledBack, or Unknown
	// and the reason.
	Resolve(ctx context.Context, db DB, call Call) (Outcome, error)
}

// Keyed is a [Traffic] whose calls leave keys behind, so that it knows a call
// that was made before.
type Keyed interface {
	// Known reports whether the key that a call would write is there.
	Known(ctx context.Context, db Querier, call Call) (bool, error)
}

// Loader makes the tables and the opening data. The batches are independent:
// each follows from its index alone and may be written at any time, in any
// order, by anybody, but only once. leap/internal/seed sees to that.
type Loader interface {
	// Data names the data that will be there, so that they are not mistaken
	// for others: see [DataName].
	Data() string
	// Schema returns the statements that make the tables, before the rows, and
	// those that follow the last batch, such as indexes. All may be run again.
	Schema() (before, after []string)
	// Batches is the number of batches.
	Batches() int
	// Write writes batch i inside tx and returns the number of rows.
	Write(ctx context.Context, tx pgx.Tx, i int) (int64, error)
}

// Call is one operation to run.
type Call struct {
	Seq uint64 // its place in the run
	Op  string
	// Dice gives the operation its values. It is a value: Do and Resolve each
	// throw the same from their own copy.
	Dice Dice
}

// Calls turns sequence numbers into calls. The zero value is of no use.
type Calls struct {
	seed uint64
	mix  Mix
}

// NewCalls returns the calls that a seed and a mix make.
func NewCalls(seed uint64, mix Mix) Calls { return Calls{seed: seed, mix: mix} }

// At returns the call with the sequence number seq. It depends on nothing but
// the seed, the mix and seq.
func (c Calls) At(seq uint64) Call {
	choice := NewDice(c.seed^0x6d6978, seq) // "mix": apart from the operation's own
	return Call{Seq: seq, Op: c.mix.Pick(&choice), Dice: NewDice(c.seed, seq)}
}

// Outcome is what became of a call that changes data.
type Outcome int

// The outcomes.
const (
	// Unknown: nobody could find out.
	Unknown Outcome = iota
	// Committed: the change is there and the caller knows.
	Committed
	// Refused: the application said no, as it should; nothing changed.
	Refused
	// RolledBack: there was an error, and nothing changed.
	RolledBack
)

// String returns the word that journals and reports use.
func (o Outcome) String() string {
	switch o {
	case Unknown:
		return "unknown"
	case Committed:
		return "committed"
	case Refused:
		return "refused"
	case RolledBack:
		return "rolled_back"
	}
	return fmt.Sprintf("outcome %d", int(o))
}

// Rejection is a refusal that is the right answer: insufficient funds, a key
// that was used with another body. It is counted apart and is no error.
type Rejection struct { //nolint:errname // a right answer, no mistake
	Code   string // a short stable word, such as "insufficient_funds"
	Reason string
}

// Error returns the code and the reason.
func (r *Rejection) Error() string { return "refused (" + r.Code + "): " + r.Reason }

// Violation is a wrong answer, such as a row of another tenant. One of them
// fails a run.
type Violation struct { //nolint:errname // the word of the trade
	Invariant string // the name of an [Invariant]
	Detail    string
}

// Error returns the invariant and the detail.
func (v *Violation) Error() string { return v.Invariant + " is violated: " + v.Detail }
