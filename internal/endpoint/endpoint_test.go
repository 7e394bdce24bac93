package endpoint

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"leap/internal/fault"
)

func parse(t *testing.T, raw string) Endpoint {
	t.Helper()
	e, err := Parse(raw)
	if err != nil {
		t.Fatalf("Parse(%q): %v", raw, err)
	}
	return e
}

func TestParseReadsEveryPart(t *testing.T) {
	base := Endpoint{
		Protocol: MySQL, Host: "db", Port: 3306, User: "u", Database: "shop",
		TLS: TLS{Mode: Prefer}, ConnectTimeout: DefaultConnectTimeout,
	}
	with := func(change func(*Endpoint)) Endpoint {
		e := base
		change(&e)
		return e
	}
	pg := func(port int) Endpoint {
		return with(func(e *Endpoint) { e.Protocol, e.Port = PostgreSQL, port })
	}
	cases := map[string]Endpoint{
		"mysql://u@db/shop":               base,
		"MariaDB://u@db/shop":             base,
		"mysql://u@db:3307/shop":          with(func(e *Endpoint) { e.Port = 3307 }),
		"postgres://u@db/shop":            pg(5432),
		"postgresql://u@db/shop":          pg(5432),
		"cockroachdb://u@db/shop":         pg(26257),
		"cockroachdb://u@db:5432/shop":    pg(5432),
		"mysql://u:p%40%2F%3A@db/shop":    base.WithPassword("p@/:"),
		"mysql://u:p@ss:word@db/shop":     base.WithPassword("p@ss:word"),
		"mysql://u@[::1]:3306/shop":       with(func(e *Endpoint) { e.Host = "::1" }),
		"mysql://u@[fe80::1%25eth0]/shop": with(func(e *Endpoint) { e.Host = "fe80::1%eth0" }),
		"mysql://u%40corp@db/a%2Fb%20c": with(func(e *Endpoint) {
			e.User, e.Database = "u@corp", "a/b c"
		}),
		"mysql://u@/shop?socket=/run/m.sock": with(func(e *Endpoint) { e.Host, e.Port, e.Socket = "", 0, "/run/m.sock" }),
		"mysql://u@/shop?socket=/run/m.sock&sslrootcert=ca": with(func(e *Endpoint) {
			e.Host, e.Port, e.Socket, e.TLS = "", 0, "/run/m.sock", TLS{Mode: VerifyCA, RootCert: "ca"}
		}),
		"mysql://u@db/shop?tls=true":        with(func(e *Endpoint) { e.TLS.Mode = VerifyFull }),
		"mysql://u@db/shop?tls=skip-verify": with(func(e *Endpoint) { e.TLS.Mode = Require }),
		"mysql://u@db/shop?ssl-mode=VERIFY_CA": with(func(e *Endpoint) {
			e.TLS.Mode = VerifyCA
		}),
		"mysql://u@db/shop?ssl-ca=ca.pem": with(func(e *Endpoint) { e.TLS = TLS{Mode: VerifyFull, RootCert: "ca.pem"} }),
		"mysql://u@db/shop?sslmode=require&sslrootcert=ca": with(func(e *Endpoint) {
			e.TLS = TLS{Mode: VerifyCA, RootCert: "ca"}
		}),
		"mysql://u@db/shop?sslmode=prefer&sslrootcert=ca": with(func(e *Endpoint) {
			e.TLS = TLS{Mode: Prefer, RootCert: "ca"}
		}),
		"mysql://u@db/shop?connect_timeout=3":     with(func(e *Endpoint) { e.ConnectTimeout = 3 * time.Second }),
		"mysql://u@db/shop?connect_timeout=250ms": with(func(e *Endpoint) { e.ConnectTimeout = 250 * time.Millisecond }),
		"mysql://u@db/shop?password_file=/etc/pw": with(func(e *Endpoint) { e.PasswordFile = "/etc/pw" }),
		"postgresql://u@db/shop?options=--cluster%3Dx&application_name=a": with(func(e *Endpoint) {
			e.Protocol, e.Port = PostgreSQL, 5432
			e.Params = map[string]string{"options": "--cluster=x", "application_name": "a"}
		}),
	}
	for raw, want := range cases {
		got := parse(t, raw)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Secret{})); diff != "" {
			t.Errorf("Parse(%q): -want +got\n%s", raw, diff)
		}
		want.Password = Secret{}
		again := parse(t, got.String())
		if diff := cmp.Diff(want, again, cmp.AllowUnexported(Secret{})); diff != "" {
			t.Errorf("%q does not read back as it was: -want +got\n%s", got.String(), diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	cases := map[string]string{ // address -> part of the message or the hint
		"":                                                  "no scheme",
		"shop":                                              "no scheme",
		"oracle://u@db/shop":                                "unknown scheme",
		"mysql://u@db":                                      "names no database",
		"mysql://u@db/":                                     "names no database",
		"mysql://u@/shop":                                   "names no host",
		"mysql://db/shop":                                   "names no user",
		"mysql://u@db:0/shop":                               "impossible port",
		"mysql://u@db:65536/shop":                           "impossible port",
		"mysql://u@db:x/shop":                               "not a valid URL",
		"mysql://u@a,b/shop":                                "several hosts",
		"mysql://u@db/a/b":                                  "more than one path element",
		"mysql://u:pw/x@db/shop":                            "'@' after the host",
		"mysql://u:pw?x@db/shop":                            "'@' after the host",
		"mysql://u@db/shop#x":                               "has a '#'",
		"mysql://u:%zz@db/shop":                             "not a valid URL",
		"mysql://u@db/a%00b":                                "control character",
		"mysql://u@db/shop?parseTime=true":                  "unknown parameter parseTime",
		"mysql://u@db/shop?x=1":                             "known parameters: connect_timeout, password_file, socket, sslcert",
		"mysql://u@db/shop?password=pw":                     "not a parameter",
		"mysql://u@db/shop?sslmode=maybe":                   "unknown sslmode",
		"postgresql://u@db/shop?sslmode=true":               "unknown sslmode",
		"postgresql://u@db/shop?tls=true":                   "unknown parameter tls",
		"mysql://u@db/shop?tls=1&sslmode=2":                 "sslmode",
		"mysql://u@db/shop?sslcert=c":                       "belong together",
		"mysql://u@db/shop?connect_timeout=0":               "not usable",
		"mysql://u@db/shop?connect_timeout=-1":              "not usable",
		"mysql://u@db/shop?socket=/x":                       "a host and a socket",
		"mysql://u@/shop?socket=/x&sslmode=verify-full":     "sslmode=verify-ca",
		"mysql://u@db/shop?sslmode=disable&sslmode=require": "twice",
	}
	for raw, want := range cases {
		_, err := Parse(raw)
		if err == nil {
			t.Errorf("Parse(%q) accepted it", raw)
			continue
		}
		if fault.ClassOf(err) != fault.Usage {
			t.Errorf("Parse(%q): class %d, want Usage", raw, fault.ClassOf(err))
		}
		if fault.HintOf(err) == "" {
			t.Errorf("Parse(%q): no hint", raw)
		}
		if text := err.Error() + "\n" + fault.HintOf(err); !strings.Contains(text, want) {
			t.Errorf("Parse(%q): %q does not say %q", raw, text, want)
		}
	}
}

func TestPasswordIsNeverShown(t *testing.T) {
	const secret = "hunter2"
	e := parse(t, "mysql://u:"+secret+"@db/shop")
	if e.Password.Reveal() != secret {
		t.Fatalf("Reveal: %q", e.Password.Reveal())
	}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		shown = append(shown, fmt.Sprintf(verb, e), fmt.Sprintf(verb, &e),
			fmt.Sprintf(verb, e.Password), fmt.Sprintf(verb, []Secret{e.Password}))
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "password", e.Password, "endpoint", e)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "password", e.Password, "endpoint", e)
	text, err := json.Marshal(map[string]any{"a": e, "b": e.Password, "c": struct{ E Endpoint }{e}})
	if err != nil {
		t.Fatal(err)
	}
	shown = append(shown, log.String(), string(text))
	for _, s := range shown {
		if strings.Contains(s, secret) || strings.Contains(s, fmt.Sprintf("%x", secret)) {
			t.Errorf("shows the password: %s", s)
		}
	}
}

func TestSame(t *testing.T) {
	a := parse(t, "mysql://u:x@localhost/shop")
	for raw, want := range map[string]bool{
		"mariadb://other:y@127.0.0.1:3306/shop?sslmode=disable": true,
		"mysql://u@LOCALHOST./shop":                             true,
		"mysql://u@[::1]/shop":                                  true,
		"mysql://u@localhost:3307/shop":                         false,
		"mysql://u@localhost/Shop":                              false,
		"mysql://u@otherhost/shop":                              false,
		"postgresql://u@localhost:3306/shop":                    false,
	} {
		if got := a.Same(parse(t, raw)); got != want {
			t.Errorf("Same(%s) = %v, want %v", raw, got, want)
		}
	}
}

// FuzzPasswordStaysInside builds addresses around a password that holds a mark
// which occurs nowhere else, escaped and as it is, and looks for the mark.
func FuzzPasswordStaysInside(f *testing.F) {
	const mark = "s3CrEtM4rK"
	f.Add("mysql", "u", "12/", "", "h", "db", "")
	f.Add("postgres", "u", "a?", "b", "h:1", "db", "options=x")
	f.Add("cockroachdb", "u@x", "12/db?application_name=", "#", "[::1]", "d", "sslmode=disable")
	f.Add("mysql", "u:v", "%", ":", "h", "db", "tls=preferred")
	f.Fuzz(func(t *testing.T, scheme, user, before, after, host, db, query string) {
		for _, s := range []string{scheme, user, before, after, host, db, query} {
			if strings.Contains(strings.ToLower(s), strings.ToLower(mark[:3])) || strings.Contains(s, "%") && s != before {
				t.Skip("could spell the mark by itself")
			}
		}
		password := before + mark + after
		escaped := url.UserPassword(user, password).String()
		for _, userinfo := range []string{user + ":" + password, escaped} {
			raw := scheme + "://" + userinfo + "@" + host + "/" + db + "?" + query
			e, err := Parse(raw)
			if err != nil {
				if text := err.Error() + fault.HintOf(err); strings.Contains(text, mark) {
					t.Fatalf("Parse(%q): the error shows the password: %s", raw, text)
				}
				continue
			}
			if strings.Contains(e.String()+fmt.Sprintf("%+v %#v", e, e), mark) {
				t.Fatalf("Parse(%q): printed with its password: %s", raw, e)
			}
			again, err := Parse(e.String())
			if err != nil {
				t.Fatalf("Parse(%q) prints %q, which does not parse: %v", raw, e.String(), err)
			}
			if again.String() != e.String() {
				t.Fatalf("%q reads back as %q", e.String(), again.String())
			}
		}
	})
}
