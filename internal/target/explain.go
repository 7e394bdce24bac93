package target

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/fault"
)

// Explain gives a server's or network's error a class and a hint. Errors that
// need none, nil included, come back as they are; what was wrapped stays
// reachable, so retry can classify the result.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return explainServer(pg, err)
	}
	return explainNetwork(err)
}

func explainServer(pg *pgconn.PgError, err error) error {
	// The wrapped error keeps the SQLSTATE; the message is the server's own, on one line.
	short := &serverError{pg}
	switch pg.Code {
	case "28P01", "28000":
		return fault.Wrap(fault.Failed, "check user and password of the target; a password goes into LEAP_TARGET, PGPASSWORD or ?password_file=", short)
	case "3D000":
		return unknownDatabase(short)
	case "42501":
		return fault.Wrap(fault.Failed, "the target user must own the database or have CREATE on it and on its schemas: "+
			"GRANT CREATE ON DATABASE ... TO ...; GRANT ALL ON SCHEMA public TO ...", short)
	case "53100":
		return fault.Wrap(fault.Failed, "the target's disk is full: free space and run again, finished chunks are kept", short)
	case "53300":
		return fault.Wrap(fault.Failed, "the target has no connection left: lower --workers", short)
	}
	if strings.Contains(pg.Message, "no space left") {
		return fault.Wrap(fault.Failed, "the target's disk is full: free space and run again, finished chunks are kept", short)
	}
	_ = err
	return short
}

func unknownDatabase(err error) error {
	return fault.Wrap(fault.Failed, "create it on the target first: CREATE DATABASE ...", err)
}

func explainNetwork(err error) error {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return fault.Wrap(fault.Failed, "check the target's host name", fmt.Errorf("no such host: %s: %w", dns.Name, oneLine(err)))
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return fault.Wrap(fault.Failed, "the server offers no TLS: use ?sslmode=disable if that is acceptable", oneLine(err))
	case errors.As(err, &op):
		return fault.Wrap(fault.Failed, "check that the target is running and reachable from here", oneLine(err))
	}
	return err
}

// serverError prints a server's error on one line, with what names the place.
type serverError struct{ pg *pgconn.PgError }

func (e *serverError) Error() string {
	text := strings.Join(strings.Fields(e.pg.Message), " ")
	for _, extra := range []struct{ label, value string }{
		{"constraint ", e.pg.ConstraintName}, {"column ", e.pg.ColumnName},
	} {
		if extra.value != "" && !strings.Contains(text, extra.value) {
			text += ", " + extra.label + extra.value
		}
	}
	return text + " (SQLSTATE " + e.pg.Code + ")"
}

// Unwrap returns the server's error.
func (e *serverError) Unwrap() error { return e.pg }

// SQLState returns the server's five-character code.
func (e *serverError) SQLState() string { return e.pg.Code }

// shortError prints an error's text on one line: pgx lists every address that
// it tried on a line of its own.
type shortError struct{ err error }

func oneLine(err error) error { return &shortError{err} }

func (e *shortError) Error() string { return strings.Join(strings.Fields(e.err.Error()), " ") }

// Unwrap returns the whole error.
func (e *shortError) Unwrap() error { return e.err }
