// Package endpoint owns the address of a database: how it is written, what it
// may contain, and how it is printed without its password. It opens nothing,
// reads no file and no environment; source and target turn an Endpoint into
// connections.
package endpoint

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Protocol is the wire protocol that a server speaks.
type Protocol string

// The protocols. CockroachDB speaks PostgreSQL's.
const (
	MySQL      Protocol = "mysql"
	PostgreSQL Protocol = "postgresql"
)

// DefaultConnectTimeout is how long one attempt to connect may take: long
// enough for a server across an ocean, short enough for a person who waits.
const DefaultConnectTimeout = 10 * time.Second

// Endpoint is the address of one database. Parse makes it.
type Endpoint struct {
	Protocol Protocol
	// Host is a name or an IP address, without brackets; empty with Socket.
	Host string
	Port int
	// Socket is the path of a Unix socket (MySQL only); empty for TCP.
	Socket   string
	User     string
	Password Secret
	// PasswordFile names a file that holds the password. Who reads it calls
	// WithPassword; empty when the address names none.
	PasswordFile string
	Database     string
	TLS          TLS
	// ConnectTimeout bounds one attempt to connect; never 0 after Parse.
	ConnectTimeout time.Duration
	// Params are passed on to a PostgreSQL server as they are (application_name, options).
	Params map[string]string
}

// TLS says how the connection is protected.
type TLS struct {
	Mode TLSMode
	// RootCert, Cert and Key are paths of PEM files; empty for none. Without a
	// RootCert the system's roots are used.
	RootCert string
	Cert     string
	Key      string
}

// TLSMode is libpq's sslmode, used for both protocols.
type TLSMode string

// The TLS modes, from the weakest to the strongest.
const (
	Disable    TLSMode = "disable"     // never
	Prefer     TLSMode = "prefer"      // when the server offers it; nothing is verified
	Require    TLSMode = "require"     // always; nothing is verified
	VerifyCA   TLSMode = "verify-ca"   // always; the certificate is signed by a known root
	VerifyFull TLSMode = "verify-full" // the same, and it names the host
)

// WithPassword returns a copy of e that carries the password.
func (e Endpoint) WithPassword(password string) Endpoint {
	e.Password = NewSecret(password)
	e.Params = maps.Clone(e.Params)
	return e
}

// Addr returns host:port as net.Dial takes it, or the socket's path.
func (e Endpoint) Addr() string {
	if e.Socket != "" {
		return e.Socket
	}
	return net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
}

// String returns the address as a URL without the password. Parse reads it back.
func (e Endpoint) String() string {
	u := url.URL{
		Scheme:  string(e.Protocol),
		User:    url.User(e.User),
		Path:    "/" + e.Database,
		RawPath: "/" + escapePath(e.Database),
	}
	if e.Socket == "" {
		u.Host = e.Addr()
	}
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, value := range e.Params {
		q.Set(name, value)
	}
	// A root certificate alone means verify-full, so a weaker mode next to it
	// must be written out.
	if e.TLS.Mode != Prefer || e.TLS.RootCert != "" {
		set("sslmode", string(e.TLS.Mode))
	}
	set("sslrootcert", e.TLS.RootCert)
	set("sslcert", e.TLS.Cert)
	set("sslkey", e.TLS.Key)
	set("socket", e.Socket)
	set("password_file", e.PasswordFile)
	if e.ConnectTimeout != 0 && e.ConnectTimeout != DefaultConnectTimeout {
		q.Set("connect_timeout", e.ConnectTimeout.String())
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// escapePath escapes a database name; '@' too, which Parse takes for a sign of
// a password that was not percent-encoded.
func escapePath(name string) string {
	return strings.ReplaceAll(url.PathEscape(name), "@", "%40")
}

// MarshalText gives String, so that reports never list the fields one by one.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Same reports whether both addresses obviously lead to the same database of
// the same server. False proves nothing: a server has many names.
func (e Endpoint) Same(other Endpoint) bool {
	return e.Protocol == other.Protocol &&
		e.Port == other.Port &&
		e.Socket == other.Socket &&
		e.Database == other.Database &&
		canonicalHost(e.Host) == canonicalHost(other.Host)
}

func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	ip := net.ParseIP(host)
	switch {
	case host == "localhost", ip != nil && ip.IsLoopback():
		return "localhost"
	case ip != nil:
		return ip.String()
	}
	return host
}

// known returns the parameters that the protocol takes, sorted.
func known(p Protocol) []string {
	names := []string{"sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "password_file"}
	switch p {
	case MySQL:
		names = append(names, "socket")
	case PostgreSQL:
		names = append(names, passedOn...)
	}
	slices.Sort(names)
	return names
}

// passedOn are the parameters that a PostgreSQL connection takes as they are.
// Session settings are not among them: they could change what values look like.
var passedOn = []string{"application_name", "options", "target_session_attrs"}
