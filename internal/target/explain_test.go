package target

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"leap/internal/fault"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// tlsServer answers PostgreSQL's request for TLS and shakes hands, and no more.
// Its certificate, in the file, names 127.0.0.1 and example.com.
func tlsServer(t *testing.T) (port, certificate string) {
	t.Helper()
	https := httptest.NewTLSServer(nil)
	t.Cleanup(https.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, acceptErr := l.Accept()
			if acceptErr != nil {
				return
			}
			if _, readErr := io.CopyN(io.Discard, conn, 8); readErr == nil {
				_, _ = conn.Write([]byte("S"))
				_ = tls.Server(conn, https.TLS).Handshake() // what the client thinks of it is the test
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	certificate = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw})
	if err = os.WriteFile(certificate, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, certificate
}

// TestExplainTLS: a certificate that is not trusted is wrong usage, and the hint
// says which parameter of the address is meant.
func TestExplainTLS(t *testing.T) {
	port, certificate := tlsServer(t)
	for _, test := range []struct{ host, query, message, hint string }{
		{"127.0.0.1", "sslmode=verify-full", "unknown authority", "sslrootcert=FILE"},
		{"127.0.0.1", "sslmode=verify-ca", "unknown authority", "sslrootcert=FILE"},
		{"localhost", "sslmode=verify-full&sslrootcert=" + url.QueryEscape(certificate), "localhost", "sslmode=verify-ca"},
		{"localhost", "sslrootcert=" + url.QueryEscape(certificate), "localhost", "sslmode=verify-ca"}, // that means verify-full
	} {
		_, err := Connect(t.Context(), parse(t, "postgresql://u@"+test.host+":"+port+"/d?"+test.query), 2)
		switch {
		case err == nil:
			t.Errorf("%s?%s: connected", test.host, test.query)
		case fault.ClassOf(err) != fault.Usage, !strings.Contains(err.Error(), test.message), !strings.Contains(fault.HintOf(err), test.hint),
			strings.Contains(err.Error(), "failed to"):
			t.Errorf("%s?%s: class %d, %q, hint %q", test.host, test.query, fault.ClassOf(err), err, fault.HintOf(err))
		}
	}
}

// TestExplainWithoutCodes: CockroachDB 20.2 says by words alone why it lets nobody in.
func TestExplainWithoutCodes(t *testing.T) {
	for message, hint := range map[string]string{
		"password authentication failed for user leap":               "user and password",
		"node is running secure mode, SSL connection required":       "sslmode=require",
		"requested user is root, but certificate is for [leap node]": "sslcert",
	} {
		err := Explain(&pgconn.PgError{Code: "XXUUU", Message: message})
		if fault.ClassOf(err) != fault.Usage || !strings.Contains(fault.HintOf(err), hint) {
			t.Errorf("%s: class %d, hint %q", message, fault.ClassOf(err), fault.HintOf(err))
		}
	}
}

// TestSessionAttrs: what kind of server it must be is asked by the driver.
func TestSessionAttrs(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		name := sandboxtest.NewDatabase(t, server)
		connect := func(attrs string) error {
			e := parse(t, server.URL(name))
			e.Params = map[string]string{sessionAttrs: attrs}
			db, err := Connect(t.Context(), e, 2)
			if err == nil {
				db.Close()
			}
			return err
		}
		if err := connect("read-write"); err != nil {
			t.Error(err)
		}
		err := connect("read-only")
		if err == nil || fault.ClassOf(err) != fault.Refused || !strings.Contains(fault.HintOf(err), sessionAttrs) {
			t.Errorf("a server that takes writes, where one was asked for that does not: %v", err)
		}
		if err := connect("nonsense"); err == nil || fault.ClassOf(err) != fault.Usage {
			t.Errorf("nonsense: %v", err)
		}
	})
}

// TestReadOnlyTarget: a target that takes no writes is not worth another attempt.
func TestReadOnlyTarget(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		db := open(t, server)
		err := db.Exec(t.Context(), "BEGIN READ ONLY; CREATE TABLE t (id INT)")
		if err == nil || fault.ClassOf(err) != fault.Refused || !strings.Contains(fault.HintOf(err), "primary") {
			t.Errorf("class %d, hint %q: %v", fault.ClassOf(err), fault.HintOf(err), err)
		}
	})
}
