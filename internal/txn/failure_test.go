package txn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/txn"
)

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

func TestDescribe(t *testing.T) {
	state := func(code, message string) error {
		return fmt.Errorf("pay: %w", &pgconn.PgError{Code: code, Message: message})
	}
	for _, test := range []struct {
		err         error
		state, kind string
	}{
		{state("40001", "restart transaction: TransactionRetryWithProtoRefreshError: TransactionRetryError: retry txn (RETRY_SERIALIZABLE): \"sql txn\""), "40001", "RETRY_SERIALIZABLE"},
		{state("40001", "restart transaction: TransactionRetryWithProtoRefreshError: WriteTooOldError: write at timestamp 1 too old"), "40001", "WriteTooOldError"},
		{state("40001", "TransactionRetryWithProtoRefreshError: TransactionAbortedError(ABORT_REASON_ABORTED_RECORD_FOUND): \"x\""), "40001", "ABORT_REASON_ABORTED_RECORD_FOUND"},
		{state("40001", "TransactionRetryWithProtoRefreshError: ReadWithinUncertaintyIntervalError: read at time"), "40001", "ReadWithinUncertaintyInterval"},
		{state("40001", "TransactionRetryError: retry txn (RETRY_WRITE_TOO_OLD - WriteTooOld flag converted to WriteTooOldError)"), "40001", "RETRY_WRITE_TOO_OLD"},
		{state("40001", "could not serialize access due to concurrent update"), "40001", txn.KindConflict},
		{state("40001", "could not serialize access due to read/write dependencies among transactions"), "40001", txn.KindDependencies},
		{state("40001", "something new"), "40001", txn.KindOther},
		{state("40003", "result is ambiguous"), "40003", ""},
		{state("40P01", "deadlock detected"), "40P01", ""},
		{state("57P01", "draining"), "57P01", ""},
		{state("57014", "query canceled"), "57014", ""},
		{state("53300", "too many connections"), "53300", ""},
		{io.ErrUnexpectedEOF, txn.StateConnection, ""},
		{context.DeadlineExceeded, txn.StateTimeout, ""},
		{context.Canceled, txn.StateCanceled, ""},
		{errors.New("bug"), txn.StateClient, ""},
	} {
		if got := txn.Describe(t.Context(), test.err); got != (txn.Failure{State: test.state, Kind: test.kind}) {
			t.Errorf("%v: %+v", test.err, got)
		}
	}
}
