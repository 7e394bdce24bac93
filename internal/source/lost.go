package source

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"

	"leap/internal/retry"
)

// The server's numbers for a session that it ended or could not begin. They say
// nothing about what was asked: on another connection the same may succeed.
const (
	errAborting         = 1152
	errReadNet          = 1158
	errReadInterrupted  = 1159
	errWriteNet         = 1160
	errWriteInterrupted = 1161
	errNewAborting      = 1184
	errOffline          = 3032
	errSessionKilled    = 3169
	errInactive         = 4031
)

// asLost marks an error after which the same read may be tried again on another
// connection: the connection broke, its transaction ended, or the server was going
// down or coming up.
func asLost(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	server := isServerError(err,
		errTooManyConns, errUserConns, errUserResource, errShutdown, errKilled, errInterrupted,
		errAborting, errReadNet, errReadInterrupted, errWriteNet, errWriteInterrupted, errNewAborting,
		errOffline, errSessionKilled, errInactive, errDeadlock)
	if server || errors.Is(err, ErrSnapshotLost) || brokenTransport(err) {
		return &retry.LostError{Err: err}
	}
	return err
}

// brokenTransport reports whether the connection, not the server, failed.
func brokenTransport(err error) bool {
	var network net.Error
	return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, mysql.ErrMalformPkt) || errors.Is(err, mysql.ErrPktSync) || errors.Is(err, mysql.ErrPktSyncMul) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &network)
}
