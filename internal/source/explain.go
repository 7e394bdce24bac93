package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"

	"leap/internal/fault"
)

// Numbers of server errors that callers in this package branch on or explain.
const (
	errDatabaseDenied  = 1044
	errAccessDenied    = 1045
	errUnknownDatabase = 1049
	errTooManyConns    = 1040
	errHostBlocked     = 1129
	errHostNotAllowed  = 1130
	errTableDenied     = 1142
	errColumnDenied    = 1143
	errNoSuchTable     = 1146
	errShutdown        = 1053
	errLockWait        = 1205
	errDeadlock        = 1213
	errPrivilege       = 1227
	errInterrupted     = 1317
	errRoutineDenied   = 1370
	errInvalidView     = 1356
	errSnapshotGone    = 1412
	errReadOnlyTrx     = 1792
	errKilled          = 1927
	errStatementTime   = 1969
	errExecutionTime   = 3024
	errSecureTransport = 3159
	errUserConns       = 1203
	errUserResource    = 1226
	errMustChange      = 1820
	errExpired         = 1862
	errLocked          = 3118
	errLockedMariaDB   = 4151
)

// Explain gives an error of the source a class and a hint that says what to do
// next. Errors that it does not know come back as they are; so do those that
// carry a hint already, and the end of a context.
func Explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || fault.HintOf(err) != "" {
		return err
	}
	if server, ok := errors.AsType[*mysql.MySQLError](err); ok {
		if class, hint := explainServer(server); hint != "" {
			return fault.Wrap(class, hint, err)
		}
		return err
	}
	if class, hint := explainTransport(err); hint != "" {
		return fault.Wrap(class, hint, plain(err))
	}
	return err
}

// plainError says in words what happened on the network. What it wraps tells
// of dials, sockets and contexts, which is of no use to the user.
type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }

// Unwrap returns the whole error.
func (e *plainError) Unwrap() error { return e.err }

// plain returns err in words where there are any for it.
func plain(err error) error {
	var dns *net.DNSError
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.Is(err, mysql.ErrNoTLS):
		return &plainError{"the server offers no TLS", err}
	case errors.As(err, &dns) && dns.IsNotFound:
		return &plainError{"no such host", err}
	case errors.As(err, &dns):
		return &plainError{"the name server did not answer", err}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &plainError{"no answer in time", err}
	case errors.As(err, &errno):
		return &plainError{errno.Error(), err}
	case errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return &plainError{"the connection was lost", err}
	}
	return err
}

func explainServer(e *mysql.MySQLError) (fault.Class, string) {
	if class, hint := explainLogin(e); hint != "" {
		return class, hint
	}
	switch e.Number {
	case errDatabaseDenied:
		return fault.Refused, "give the account access: " + grantFor(e.Message)
	case errUnknownDatabase:
		return fault.Usage, "check the database's name in the source's address; names may be case-sensitive"
	case errTableDenied, errColumnDenied, errRoutineDenied:
		return fault.Refused, "let an administrator run: " + grantFor(e.Message)
	case errPrivilege:
		return fault.Refused, "let an administrator grant the privilege that the message names: GRANT ... ON *.* TO the account"
	case errNoSuchTable:
		return fault.Refused, "the table disappeared since the source was examined: start again with migrate assess"
	case errShutdown:
		return fault.Failed, "the source is shutting down; start the command again when it is back, it resumes by itself"
	case errLockWait:
		return fault.Failed, "another session of the source holds a lock; try again, or end the long transaction (SHOW PROCESSLIST)"
	case errDeadlock:
		return fault.Failed, "try again; the command resumes by itself"
	case errInvalidView:
		return fault.Refused, "the view refers to something that is gone or not visible: repair or drop it on the source"
	case errSnapshotGone:
		return fault.Failed, "a table was altered while it was being read; avoid DDL on the source and start the command again"
	case errReadOnlyTrx:
		return fault.Failed, "this is a defect: the source is only ever read; please report it"
	case errInterrupted, errKilled:
		return fault.Failed, "somebody or something killed the query on the source; start the command again, it resumes by itself"
	case errStatementTime, errExecutionTime:
		return fault.Failed, "the source limits the time of a statement; lift the limit for this account (max_statement_time, max_execution_time)"
	}
	return 0, ""
}

// explainLogin explains why the source lets the account in no further.
func explainLogin(e *mysql.MySQLError) (fault.Class, string) {
	switch e.Number {
	case errAccessDenied:
		return fault.Usage, "check the user and the password of the source, that the account may log in from this host, " +
			"and whether it has to use TLS (sslmode) or a client certificate (sslcert)"
	case errTooManyConns:
		return fault.Failed, "use fewer source connections (--max-connections), or raise max_connections on the source"
	case errUserConns, errUserResource:
		return fault.Failed, "the source limits the account: use fewer connections (--max-connections), " +
			"or let an administrator lift its limits (ALTER USER .. WITH MAX_USER_CONNECTIONS 0 and the like)"
	case errMustChange, errExpired:
		return fault.Usage, "the account's password has expired: let an administrator set a new one (ALTER USER .. IDENTIFIED BY ..)"
	case errLocked, errLockedMariaDB:
		return fault.Usage, "let an administrator unlock the account: ALTER USER .. ACCOUNT UNLOCK"
	case errHostBlocked:
		return fault.Failed, "run FLUSH HOSTS on the source, which blocked this host after failed connections"
	case errHostNotAllowed:
		return fault.Usage, "create an account on the source that may log in from this host"
	case errSecureTransport:
		return fault.Usage, "the source demands TLS: add ?sslmode=require (or verify-full) to its address"
	}
	return 0, ""
}

// denied reads "SELECT command denied to user 'u'@'h' for table `db`.`t`" and
// its relatives: MySQL quotes the table 't', MariaDB names the database too.
var (
	denied       = regexp.MustCompile(`^([A-Z, ]+) command denied to user (\S+@\S+) for (?:table|column '([^']+)' in table) ['` + "`" + `](.+)['` + "`" + `]$`)
	deniedAccess = regexp.MustCompile(`^Access denied for user (\S+@\S+) to database '(.+)'$`)
	deniedCall   = regexp.MustCompile(`^(.+) command denied to user (\S+@\S+) for routine '(.+)'$`)
)

// grantFor returns the statement that would lift the refusal that the server's message tells of.
func grantFor(message string) string {
	if m := denied.FindStringSubmatch(message); m != nil {
		table := "`" + strings.Trim(m[4], "`'") + "`"
		if !strings.Contains(table, "`.`") {
			table = "<database>." + table
		}
		return fmt.Sprintf("GRANT %s ON %s TO %s", m[1], table, m[2])
	}
	if m := deniedAccess.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("GRANT SELECT ON %s.* TO %s", quote(m[2]), m[1])
	}
	if m := deniedCall.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("GRANT EXECUTE ON PROCEDURE %s TO %s", m[3], m[2])
	}
	return "GRANT SELECT ON <database>.* TO the account"
}

func explainTransport(err error) (fault.Class, string) {
	var dns *net.DNSError
	var unknownAuthority x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	switch {
	case errors.Is(err, mysql.ErrNoTLS):
		return fault.Usage, "the source offers no TLS: add ?sslmode=disable if the network is trusted, or enable TLS on the source"
	case errors.As(err, &unknownAuthority):
		return fault.Usage, "name the authority that signed the source's certificate with sslrootcert=FILE"
	case errors.As(err, &wrongHost):
		return fault.Usage, "use the host name that the source's certificate names, or sslmode=verify-ca"
	case errors.As(err, &invalid), errors.As(err, &verification), errors.As(err, &record), errors.As(err, &alert):
		return fault.Usage, "check sslmode, sslrootcert, sslcert and sslkey of the source's address"
	case errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrUnknownPlugin):
		return fault.Usage, "use an account with the plugin mysql_native_password, caching_sha2_password or ed25519"
	case errors.As(err, &dns):
		return fault.Usage, "check the host in the source's address"
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Failed, "check host and port of the source, and that the server is running and listens there"
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.EACCES):
		return fault.Usage, "check the path of the source's socket"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fault.Failed, "check the route and the firewall between this host and the source"
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault.Failed, "the source did not answer in time: check host and firewall, that it is MySQL or MariaDB that listens on the port, " +
			"or raise connect_timeout in the address"
	case errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return fault.Failed, "the connection to the source was lost; start the command again, it resumes by itself"
	case errors.Is(err, mysql.ErrPktTooLarge):
		return fault.Failed, "raise max_allowed_packet on the source"
	}
	return 0, ""
}

// isServerError reports whether err is one of the server's errors with these numbers.
func isServerError(err error, numbers ...uint16) bool {
	server, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && slices.Contains(numbers, server.Number)
}
