package endpoint

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"leap/internal/fault"
)

// example is the hint of errors about the general form.
const example = "write it like mysql://user@host:3306/database or postgresql://user@host:26257/database"

// encodeHint is the hint where a character of the password was probably taken for syntax.
const encodeHint = "percent-encode special characters in the user and the password (@ is %40, / is %2F, ? is %3F, # is %23, % is %25)"

// Parse reads an address such as mysql://user:password@host:3306/database?sslmode=require.
// Schemes: mysql, mariadb, postgresql, postgres, cockroachdb. Errors are of
// class fault.Usage and never quote the address: it may hold a password.
func Parse(raw string) (Endpoint, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return Endpoint{}, fault.New(fault.Usage, example, "database address has no scheme")
	}
	e := Endpoint{ConnectTimeout: DefaultConnectTimeout}
	var defaultPort int
	switch strings.ToLower(scheme) {
	case "mysql", "mariadb":
		e.Protocol, defaultPort = MySQL, 3306
	case "postgresql", "postgres":
		e.Protocol, defaultPort = PostgreSQL, 5432
	case "cockroachdb":
		e.Protocol, defaultPort = PostgreSQL, 26257
	default:
		return Endpoint{}, fault.New(fault.Usage, example, "database address has an unknown scheme")
	}
	// With every '@' inside the authority, all that lies between the first ':'
	// and the last '@' is the password. Otherwise a '/', '?' or '#' cut the
	// password in two, and its tail would be taken for a database name or a
	// parameter, which are printed.
	if end := strings.IndexAny(rest, "/?#"); end >= 0 && strings.Contains(rest[end:], "@") {
		return Endpoint{}, fault.New(fault.Usage, encodeHint, "database address has a '@' after the host")
	}
	u, err := url.Parse(raw)
	if err != nil { // the error quotes the address
		return Endpoint{}, fault.New(fault.Usage, example+"; "+encodeHint, "database address is not a valid URL")
	}
	if u.Fragment != "" {
		return Endpoint{}, fault.New(fault.Usage, encodeHint, "database address has a '#'")
	}
	password, _ := u.User.Password()
	e.User, e.Password = u.User.Username(), NewSecret(password)
	if err := e.setParams(u.RawQuery); err != nil {
		return Endpoint{}, err
	}
	if err := e.setHost(u, defaultPort); err != nil {
		return Endpoint{}, err
	}
	if err := e.setDatabase(u); err != nil {
		return Endpoint{}, err
	}
	return e, e.check()
}

func (e *Endpoint) setHost(u *url.URL, defaultPort int) error {
	e.Host, e.Port = u.Hostname(), defaultPort
	if port := u.Port(); port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return fault.New(fault.Usage, "use a port from 1 to 65535; "+encodeHint, "database address has an impossible port")
		}
		e.Port = n
	}
	switch {
	case e.Socket != "" && u.Host != "":
		return fault.New(fault.Usage, "write mysql://user@/database?socket=/path for a socket",
			"database address names a host and a socket")
	case e.Socket != "" && e.TLS.Mode == VerifyFull:
		return fault.New(fault.Usage, "use sslmode=verify-ca, or leave it out: a socket stays within the machine",
			"database address has a socket, and no host that a certificate could name (sslmode=verify-full)")
	case e.Socket != "":
		e.Port = 0
	case e.Host == "":
		return fault.New(fault.Usage, example, "database address names no host")
	case strings.Contains(e.Host, ","):
		return fault.New(fault.Usage, "name one node, or the load balancer", "database address names several hosts")
	}
	return nil
}

func (e *Endpoint) setDatabase(u *url.URL) error {
	escaped := strings.TrimPrefix(u.EscapedPath(), "/")
	if escaped == "" {
		return fault.New(fault.Usage, example, "database address names no database")
	}
	if strings.Contains(escaped, "/") {
		return fault.New(fault.Usage, "a '/' inside the database's name is written %2F", "database address has more than one path element")
	}
	e.Database = strings.TrimPrefix(u.Path, "/")
	return nil
}

// check refuses what no server could mean, so that a broken address never
// reaches a terminal or a driver.
func (e *Endpoint) check() error {
	if e.User == "" {
		return fault.New(fault.Usage, example, "database address names no user")
	}
	for _, part := range []struct{ name, value string }{
		{"user", e.User}, {"host", e.Host}, {"database", e.Database}, {"password", e.Password.Reveal()},
	} {
		if strings.ContainsFunc(part.value, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
			return fault.New(fault.Usage, example, "%s in the database address has a control character or is not UTF-8", part.name)
		}
	}
	if (e.TLS.Cert == "") != (e.TLS.Key == "") {
		return fault.New(fault.Usage, "give both, or neither", "sslcert and sslkey belong together")
	}
	return nil
}

// spelling gives the usual MySQL spellings of parameters their one name here.
var spelling = map[string]string{
	"tls": "sslmode", "ssl-mode": "sslmode", "ssl_mode": "sslmode",
	"ssl-ca": "sslrootcert", "ssl-cert": "sslcert", "ssl-key": "sslkey",
}

// printable is what the name of a parameter looks like; anything else is not
// quoted in an error, since it may be the tail of a password.
var printable = regexp.MustCompile(`^[A-Za-z][A-Za-z_-]{0,39}$`)

func (e *Endpoint) setParams(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil { // the error quotes the query
		return fault.New(fault.Usage, encodeHint, "parameters of the database address are not valid URL encoding")
	}
	e.TLS.Mode = Prefer
	seen := map[string]bool{}
	for name, list := range values {
		canonical := strings.ToLower(name)
		if other, ok := spelling[canonical]; ok && e.Protocol == MySQL {
			canonical = other
		}
		if !slices.Contains(known(e.Protocol), canonical) {
			return e.unknown(name)
		}
		if len(list) > 1 || seen[canonical] {
			return fault.New(fault.Usage, "give it once", "database address has the parameter %s twice", canonical)
		}
		seen[canonical] = true
		if err := e.setParam(canonical, list[0]); err != nil {
			return err
		}
	}
	if e.TLS.RootCert != "" && !seen["sslmode"] {
		e.TLS.Mode = VerifyFull
		if e.Socket != "" { // there is no host that the certificate could name
			e.TLS.Mode = VerifyCA
		}
	}
	if e.TLS.RootCert != "" && e.TLS.Mode == Require {
		e.TLS.Mode = VerifyCA // libpq's rule: a root to check against is to be used
	}
	return nil
}

func (e *Endpoint) unknown(name string) error {
	hint := "known parameters: " + strings.Join(known(e.Protocol), ", ")
	switch strings.ToLower(name) {
	case "password", "passwd", "pwd":
		return fault.New(fault.Usage, "write user:password@host, or use password_file", "a password is not a parameter of the address")
	}
	if !printable.MatchString(name) {
		return fault.New(fault.Usage, hint, "database address has an unknown parameter")
	}
	return fault.New(fault.Usage, hint, "database address has the unknown parameter %s", name)
}

func (e *Endpoint) setParam(name, value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }) {
		return fault.New(fault.Usage, "check its spelling", "parameter %s has a control character or is not UTF-8", name)
	}
	switch name {
	case "sslmode":
		return e.setMode(value)
	case "sslrootcert":
		e.TLS.RootCert = value
	case "sslcert":
		e.TLS.Cert = value
	case "sslkey":
		e.TLS.Key = value
	case "password_file":
		e.PasswordFile = value
	case "socket":
		e.Socket = value
	case "connect_timeout":
		return e.setTimeout(value)
	default:
		if e.Params == nil {
			e.Params = map[string]string{}
		}
		e.Params[name] = value
	}
	return nil
}

func (e *Endpoint) setMode(value string) error {
	word := strings.ReplaceAll(strings.ToLower(value), "_", "-")
	mode := TLSMode(word)
	if e.Protocol == MySQL {
		switch word {
		case "false", "disabled":
			mode = Disable
		case "preferred":
			mode = Prefer
		case "skip-verify", "required":
			mode = Require
		case "true", "verify-identity":
			mode = VerifyFull
		}
	}
	switch mode {
	case Disable, Prefer, Require, VerifyCA, VerifyFull:
		e.TLS.Mode = mode
		return nil
	}
	return fault.New(fault.Usage, "use disable, prefer, require, verify-ca or verify-full", "database address has an unknown sslmode")
}

// setTimeout takes libpq's whole seconds or a Go duration such as 500ms.
func (e *Endpoint) setTimeout(value string) error {
	d, err := time.ParseDuration(value)
	if n, atoiErr := strconv.Atoi(value); atoiErr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d <= 0 || d > time.Hour {
		return fault.New(fault.Usage, "use seconds, such as 10, or a duration, such as 500ms, up to 1h",
			"connect_timeout of the database address is not usable")
	}
	e.ConnectTimeout = d
	return nil
}
