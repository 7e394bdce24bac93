package txn

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/retry"
)

// TestJudgeCommit: only a definite answer says that nothing was committed.
func TestJudgeCommit(t *testing.T) {
	for err, doubt := range map[error]bool{
		nil:                            false,
		pgx.ErrTxCommitRollback:        false,
		&pgconn.PgError{Code: "40001"}: false,
		&pgconn.PgError{Code: "23505"}: false,
		&pgconn.PgError{Code: "40003"}: true,
		&pgconn.PgError{Code: "08006"}: true,
		&pgconn.PgError{Code: "57P01"}: true,
		&pgconn.PgError{Code: "57014"}: true, // CockroachDB 20.2 had committed 11 of 15
		errors.New("conn closed"):      true,
	} {
		if got := (&Pool{cockroach: true}).judgeCommit(err); Ambiguous(got) != doubt {
			t.Errorf("%v: %v", err, got)
		}
		// PostgreSQL is not interrupted while it commits.
		if got := (&Pool{}).judgeCommit(err); Ambiguous(got) != (doubt && retry.SQLState(err) != "57014") {
			t.Errorf("PostgreSQL: %v: %v", err, got)
		}
	}
}
