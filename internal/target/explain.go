package target

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"

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
		return explainServer(pg)
	}
	return explainNetwork(err)
}

func explainServer(pg *pgconn.PgError) error {
	// The wrapped error keeps the SQLSTATE; the message is the server's own, on one line.
	short := &serverError{pg}
	switch pg.Code {
	case "28P01", "28000":
		return fault.Wrap(fault.Usage, checkLogin, short)
	case "25006":
		return fault.Wrap(fault.Refused, "the target takes no writes: give the address of the primary, "+
			"or switch default_transaction_read_only off for the database and the user", short)
	case "3D000":
		return unknownDatabase(short)
	case "42501":
		return fault.Wrap(fault.Refused, "the target user must own the database or have CREATE on it and on its schemas: "+
			"GRANT CREATE ON DATABASE ... TO ...; GRANT ALL ON SCHEMA public TO ...", short)
	case "42P10":
		return fault.Wrap(fault.Refused, "rows are put by key: give the target's table a primary key or a unique index on the key of the source", short)
	case "53100":
		return fault.Wrap(fault.Failed, "the target's disk is full: free space and run again, finished chunks are kept", short)
	case "53300":
		return fault.Wrap(fault.Failed, "the target has no connection left: lower --workers", short)
	}
	// Older CockroachDBs have a code for none of these.
	switch {
	case strings.Contains(pg.Message, "no space left"):
		return fault.Wrap(fault.Failed, "the target's disk is full: free space and run again, finished chunks are kept", short)
	case strings.HasPrefix(pg.Message, "password authentication failed"):
		return fault.Wrap(fault.Usage, checkLogin, short)
	case strings.Contains(pg.Message, "SSL connection required"):
		return fault.Wrap(fault.Usage, "the target demands TLS: add ?sslmode=require (or verify-full) to its address", short)
	case strings.Contains(pg.Message, "but certificate is for"):
		return fault.Wrap(fault.Usage, "the certificate of sslcert is another user's: correct it, or the user in the target's address", short)
	}
	return short
}

const checkLogin = "check user and password of the target; a password goes into LEAP_TARGET, PGPASSWORD or ?password_file="

func unknownDatabase(err error) error {
	return fault.Wrap(fault.Usage, "create it on the target first: CREATE DATABASE ...", err)
}

// foreign is what the driver says of the first words of a server that is none of
// PostgreSQL's: what it makes of them depends on their first byte, which is a
// length where a MySQL greets. Asked for TLS, such a server says what looks like no.
var foreign = regexp.MustCompile("unknown message type|invalid message length|body must have length|body is invalid|" +
	"message body too large|invalid body length|authentication message too short|unknown authentication type")

// explainNetwork puts what happened on the network into words. The driver's
// own text lists every address and TLS mode that it tried.
func explainNetwork(err error) error {
	const reachable = "check host and port of the target, and that it is running and reachable from here"
	var dns *net.DNSError
	var errno syscall.Errno
	var timeout net.Error
	var op *net.OpError
	if explained := explainTLS(err); explained != nil {
		return explained
	}
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return fault.Wrap(fault.Usage, "check the host in the target's address", inWords("no such host", err))
	case errors.As(err, &dns):
		return fault.Wrap(fault.Failed, "check the host in the target's address", inWords("the name server did not answer", err))
	case errors.As(err, &errno):
		return fault.Wrap(fault.Failed, reachable, inWords(errno.Error(), err))
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault.Wrap(fault.Failed, "the target did not answer in time: check host, port and firewall, "+
			"or raise connect_timeout in its address", inWords("no answer in time", err))
	case foreign.MatchString(err.Error()):
		return fault.Wrap(fault.Failed, "check host and port of the target",
			inWords("the server does not speak the PostgreSQL protocol", err))
	case strings.Contains(err.Error(), "ValidateConnect failed"):
		return fault.Wrap(fault.Refused, "give the address of another server, or change target_session_attrs in it",
			inWords("the server is not of the kind that target_session_attrs asks for", err))
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return fault.Wrap(fault.Usage, "add ?sslmode=disable if the network is trusted, or enable TLS on the target",
			inWords("the server offers no TLS", err))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fault.Wrap(fault.Failed, reachable, inWords("the connection was lost", err))
	case errors.As(err, &op):
		return fault.Wrap(fault.Failed, reachable, inWords(strings.Join(strings.Fields(err.Error()), " "), err))
	}
	return err
}

// explainTLS explains why the two ends do not trust each other; nil when it is
// something else.
func explainTLS(err error) error {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &authority):
		return fault.Wrap(fault.Usage, "name the authority that signed the target's certificate with sslrootcert=FILE",
			inWords("the target's certificate: "+authority.Error(), err))
	case errors.As(err, &host):
		return fault.Wrap(fault.Usage, "use a host name that the target's certificate names, or sslmode=verify-ca",
			inWords("the target's certificate: "+host.Error(), err))
	case errors.As(err, &invalid):
		return fault.Wrap(fault.Usage, checkTLS, inWords("the target's certificate: "+invalid.Error(), err))
	case errors.As(err, &alert):
		return fault.Wrap(fault.Usage, checkTLS, inWords("the target ended TLS: "+alert.Error(), err))
	case errors.As(err, &record):
		return fault.Wrap(fault.Usage, checkTLS, inWords(record.Error(), err))
	}
	return nil
}

const checkTLS = "check sslmode, sslrootcert, sslcert and sslkey of the target's address"

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

// plainError is an error in other words than those of what it wraps.
type plainError struct {
	text string
	err  error
}

func inWords(text string, err error) error { return &plainError{text, err} }

func (e *plainError) Error() string { return e.text }

// Unwrap returns the whole error.
func (e *plainError) Unwrap() error { return e.err }
