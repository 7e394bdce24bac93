package txn

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/retry"
)

// Failure is why an attempt failed.
type Failure struct {
	// State is the SQLSTATE, or one of the words below for what never reached
	// the server or never came back.
	State string
	// Kind says more of a 40001, such as "RETRY_WRITE_TOO_OLD"; empty for
	// others.
	Kind string
	// Injected is true for failures of our own making.
	Injected bool
	// Retried is true when another attempt followed.
	Retried bool
}

// States of failures without a SQLSTATE.
const (
	StateConnection = "connection" // broken, refused, or closed
	StateTimeout    = "timeout"    // a deadline of ours passed
	StateCanceled   = "canceled"   // somebody told us to stop
	StatePool       = "pool"       // no connection could be had in time
	StateClient     = "client"     // anything else on our side
)

// Kinds of 40001 that are not words of the server's message.
const (
	KindInjected     = "injected"
	KindConflict     = "CONCURRENT_UPDATE"       // PostgreSQL: another wrote the row first
	KindDependencies = "READ_WRITE_DEPENDENCIES" // PostgreSQL: a cycle under SERIALIZABLE
	KindOther        = "other"
)

// errInjected is a serialisation failure of our own making.
var errInjected = &pgconn.PgError{Severity: "ERROR", Code: "40001", Message: "injected by the load generator (" + KindInjected + ")"}

// cockroachKinds are the words by which CockroachDB explains a 40001.
var cockroachKinds = regexp.MustCompile(`RETRY_[A-Z_]+|ABORT_REASON_[A-Z_]+|ReadWithinUncertaintyInterval|WriteTooOldError|TransactionPushError`)

// Describe says what an error means for the account of an attempt that ran
// under ctx. What ended a context is its cause: a context that serves many
// operations is cancelled when one of them takes too long.
func Describe(ctx context.Context, err error) Failure {
	late := errors.Is(context.Cause(ctx), context.DeadlineExceeded)
	if errors.Is(err, errInjected) {
		return Failure{State: errInjected.Code, Kind: KindInjected, Injected: true}
	}
	if pool, ok := errors.AsType[*acquireError](err); ok {
		if late || errors.Is(pool.err, context.DeadlineExceeded) {
			return Failure{State: StatePool}
		}
		err = pool.err
	}
	if code := retry.SQLState(err); code != "" {
		f := Failure{State: code}
		if code == "40001" {
			f.Kind = kind(err.Error())
		}
		return f
	}
	switch {
	case late, errors.Is(err, context.DeadlineExceeded):
		return Failure{State: StateTimeout}
	case ctx.Err() != nil, errors.Is(err, context.Canceled):
		return Failure{State: StateCanceled}
	case retry.Classify(err) != retry.Fatal:
		return Failure{State: StateConnection}
	}
	return Failure{State: StateClient}
}

// kind reads the kind of a 40001 from its message.
func kind(message string) string {
	// The first word names the reason; later ones quote nested errors.
	if word := cockroachKinds.FindString(message); word != "" {
		return word
	}
	switch {
	case strings.Contains(message, "concurrent update"), strings.Contains(message, "concurrent delete"):
		return KindConflict
	case strings.Contains(message, "read/write dependencies"):
		return KindDependencies
	}
	return KindOther
}

// repeatable reports whether another attempt is the right answer. Deadlocks
// are: the server rolled one side back.
func repeatable(err error) bool {
	if _, ok := errors.AsType[*retry.AmbiguousError](err); ok {
		return false
	}
	code := retry.SQLState(err)
	return code == "40001" || code == "40P01"
}

// judgeCommit tells the errors of a commit apart: after a definite answer of
// the server nothing was committed. Classes 08 and 57P tell of a connection or
// a server that ended meanwhile, 40003 says it itself, and without any code
// the answer was lost. CockroachDB says 57014 when statement_timeout passes, also
// while it commits, and most of what it says that of is there; PostgreSQL, only
// before it commits.
//
// pgconn.SafeToRetry is of no help: pgx 5.12 answers "conn closed", safe to
// retry, when the connection breaks after COMMIT was sent. A commit that was
// never sent is therefore in doubt, too, and found to be rolled back.
func (p *Pool) judgeCommit(err error) error {
	if err == nil || errors.Is(err, pgx.ErrTxCommitRollback) {
		return err // answered
	}
	code := retry.SQLState(err)
	if code == "" || code == "40003" || code == "57014" && p.cockroach || strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P") {
		return &retry.AmbiguousError{Err: err}
	}
	return err
}

// acquireError is a connection that could not be had.
type acquireError struct{ err error }

func (e *acquireError) Error() string { return "wait for a connection: " + e.err.Error() }
func (e *acquireError) Unwrap() error { return e.err }
