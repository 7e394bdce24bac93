package plan

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"leap/internal/endpoint"
	"leap/internal/fault"
)

// Outside is where the secrets are that a plan refers to.
type Outside struct {
	// Env returns a variable of the environment, and whether it is there.
	Env func(name string) (string, bool)
	// File reads a file.
	File func(name string) ([]byte, error)
}

// reference is ${NAME}.
var reference = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// checkAddresses looks at what is written; what it refers to is looked at when
// it is needed (Endpoints).
func (p *Plan) checkAddresses() Problems {
	var out Problems
	if len(p.Sources) == 0 {
		out = append(out, p.problem("sources", "name one, with its url: below the name", "the plan names no source"))
	}
	if len(p.Targets) == 0 {
		out = append(out, p.problem("targets", "name one, with its url: below the name", "the plan names no target"))
	}
	for _, name := range keys(p.Sources) {
		s := p.Sources[name]
		out = append(out, p.checkAddress("sources."+name, s.URL, s.Password, s.PasswordFile)...)
	}
	for _, name := range keys(p.Targets) {
		t := p.Targets[name]
		out = append(out, p.checkAddress("targets."+name, t.URL, t.Password, t.PasswordFile)...)
	}
	return out
}

func (p *Plan) checkAddress(at, address, password, file string) Problems {
	const remedy = "put it into the environment and write password: ${NAME}, or into a file and write password_file:"
	var out Problems
	if literalPassword(address) {
		out = append(out, p.problem(at+".url", remedy, "the address has a password, which everybody who sees the plan could read"))
	}
	if password != "" && reference.FindString(password) != password {
		out = append(out, p.problem(at+".password", remedy, "the plan holds a password, which everybody who sees the plan could read"))
	}
	if password != "" && file != "" {
		out = append(out, p.problem(at+".password_file", "keep one of them", "%s has a password and a password_file", at))
	}
	return out
}

// literalPassword reports whether an address has a password that is no reference.
func literalPassword(address string) bool {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return false
	}
	i := strings.LastIndex(rest, "@")
	if i < 0 {
		return false
	}
	_, password, ok := strings.Cut(rest[:i], ":")
	return ok && password != "" && reference.FindString(password) != password
}

// Ends are the two databases of one tenant.
type Ends struct {
	Source, Target endpoint.Endpoint
}

// Endpoints resolves the addresses of tenants, by name, with everything that
// the plan refers to. Tenants that would go into one database, whatever the
// file calls it, are a problem.
func (p *Plan) Endpoints(tenants []*Tenant, out Outside) (map[string]Ends, Problems) {
	r := &resolver{plan: p, out: out, told: map[string]bool{}}
	ends := map[string]Ends{}
	for _, t := range tenants {
		src, okSource := r.source(t)
		dst, okTarget := r.target(t)
		if !okSource || !okTarget {
			continue
		}
		for _, other := range tenants {
			if e, ok := ends[other.Name]; ok && e.Target.Same(dst) {
				r.complain(p.PathOf(t)+".database", "give each tenant a database: of its own",
					"tenants %s and %s would both go into %s", other.Name, t.Name, dst)
			}
		}
		ends[t.Name] = Ends{src, dst}
	}
	return ends, append(r.problems, p.sameSources(tenants, out)...)
}

// sameSources finds tenants that come from one database under two names: who has
// it all to itself would get the others' rows, and of two sources each would be
// proven complete without the tenants of the other. Of tenants that were not chosen
// the passwords may not be at hand, which are not needed; where another tenant's
// address cannot be resolved, that is its own trouble.
func (p *Plan) sameSources(tenants []*Tenant, out Outside) Problems {
	r := &resolver{plan: p, out: out, told: map[string]bool{}}
	quiet := &resolver{plan: p, out: out, told: map[string]bool{}}
	found := map[string]endpoint.Endpoint{} // by source and database, as the plan names them
	name := func(t *Tenant) string { return t.Source + "\x00" + t.OwnDatabase }
	for _, t := range p.Tenants {
		if _, ok := found[name(t)]; !ok {
			if e, ok := quiet.place("sources."+t.Source, address{url: p.Sources[t.Source].URL, database: t.OwnDatabase}); ok {
				found[name(t)] = e
			}
		}
	}
	for _, t := range tenants {
		mine, ok := found[name(t)]
		for _, other := range p.Tenants {
			theirs, is := found[name(other)]
			if !ok || !is || name(t) == name(other) || !mine.Same(theirs) {
				continue
			}
			// The texts are the same for all of thirty tenants.
			if t.OwnDatabase == "" && other.OwnDatabase == "" {
				r.complain("sources."+max(t.Source, other.Source)+".url", "let all tenants of a database name the same source",
					"the sources %s and %s are one database: the rows of their tenants would not be told apart", min(t.Source, other.Source), max(t.Source, other.Source))
				continue
			}
			owner := t
			if t.OwnDatabase == "" {
				owner = other
			}
			r.complain(p.PathOf(owner)+".own_database", "say id: with its value in the tenant column instead",
				"the database %s is not tenant %s's own: other tenants have rows there", mine.Database, owner.Name)
		}
	}
	return r.problems
}

// SourceEndpoint resolves the address of a source, in a database of it if one is named.
func (p *Plan) SourceEndpoint(t *Tenant, out Outside) (endpoint.Endpoint, Problems) {
	r := &resolver{plan: p, out: out, told: map[string]bool{}}
	e, _ := r.source(t)
	return e, r.problems
}

// resolver turns what a plan says of an address into the address.
type resolver struct {
	plan     *Plan
	out      Outside
	problems Problems
	told     map[string]bool // each problem once, however many tenants share the source
}

func (r *resolver) complain(path, remedy, format string, args ...any) {
	problem := r.plan.problem(path, remedy, format, args...)
	if !r.told[problem.String()] {
		r.told[problem.String()] = true
		r.problems = append(r.problems, problem)
	}
}

func (r *resolver) source(t *Tenant) (endpoint.Endpoint, bool) {
	s, at := r.plan.Sources[t.Source], "sources."+t.Source
	e, ok := r.address(at, address{s.URL, t.OwnDatabase, s.Password, s.PasswordFile, s.TLS})
	if ok && e.Protocol != endpoint.MySQL {
		r.complain(at+".url", "write mysql://user@host:3306/database", "a source is MySQL or MariaDB")
		return e, false
	}
	return e, ok
}

func (r *resolver) target(t *Tenant) (endpoint.Endpoint, bool) {
	d, at := r.plan.Targets[t.Target], "targets."+t.Target
	e, ok := r.address(at, address{d.URL, r.plan.databaseOf(t), d.Password, d.PasswordFile, d.TLS})
	if ok && e.Protocol != endpoint.PostgreSQL {
		r.complain(at+".url", "write postgresql://user@host:26257/database", "a target is CockroachDB")
		return e, false
	}
	return e, ok
}

// address is what a plan says of one.
type address struct {
	url, database, password, file string
	tls                           *TLS
}

func (r *resolver) address(at string, a address) (endpoint.Endpoint, bool) {
	e, ok := r.place(at, a)
	if !ok {
		return e, false
	}
	return r.secret(at, e, a)
}

// place is an address without its password.
func (r *resolver) place(at string, a address) (endpoint.Endpoint, bool) {
	raw, ok := r.expand(at+".url", a.url)
	if !ok {
		return endpoint.Endpoint{}, false
	}
	raw, ok = r.complete(at, raw, a)
	if !ok {
		return endpoint.Endpoint{}, false
	}
	e, err := endpoint.Parse(raw)
	if err != nil {
		r.complain(at+".url", fault.HintOf(err), "%s", err)
		return e, false
	}
	return e, true
}

// complete adds the database and the TLS settings to an address as it was
// written. An address that nothing can be made of goes on as it is: Parse says
// what is wrong with it without quoting it.
func (r *resolver) complete(at, raw string, a address) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil {
		return raw, true
	}
	if a.database != "" {
		u.Path, u.RawPath = "/"+a.database, "/"+strings.ReplaceAll(url.PathEscape(a.database), "@", "%40")
	}
	if strings.Trim(u.Path, "/") == "" {
		r.complain(at+".url", "add it to the address, or as database: (a tenant's own: own_database:)", "the address names no database")
		return "", false
	}
	if a.tls == nil {
		return u.String(), true
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return raw, true
	}
	for name, value := range map[string]string{
		"sslmode": a.tls.Mode, "sslrootcert": a.tls.RootCert, "sslcert": a.tls.Cert, "sslkey": a.tls.Key,
	} {
		if value == "" {
			continue
		}
		if query.Has(name) {
			r.complain(at+".tls", "keep one of the two", "%s is in the address as well", name)
			return "", false
		}
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	return u.String(), true
}

// secret adds the password.
func (r *resolver) secret(at string, e endpoint.Endpoint, a address) (endpoint.Endpoint, bool) {
	file, where := a.file, at+".password_file"
	if file == "" {
		file, where = e.PasswordFile, at+".url"
	}
	switch {
	case a.password != "":
		password, ok := r.expand(at+".password", a.password)
		return e.WithPassword(password), ok
	case file != "":
		text, err := r.out.File(file)
		if err != nil {
			r.complain(where, "check the name, and that this user may read it", "the file with the password cannot be read: %s", cause(err))
			return e, false
		}
		return e.WithPassword(strings.TrimRight(string(text), "\r\n")), true
	}
	return e, true
}

// cause leaves out what the operating system's errors repeat.
func cause(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

// expand puts the environment in the place of references.
func (r *resolver) expand(path, text string) (string, bool) {
	ok := true
	out := reference.ReplaceAllStringFunc(text, func(ref string) string {
		name := reference.FindStringSubmatch(ref)[1]
		value, there := r.out.Env(name)
		if !there || value == "" {
			ok = false
			r.complain(path, fmt.Sprintf("set it before you start: export %s=...", name), "the environment has no %s", name)
		}
		if strings.Contains(path, ".url") && text != ref {
			// A part of an address. There '+' is a space in parameters only.
			return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
		}
		return value
	})
	return out, ok
}
