package source

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"leap/internal/row"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// lengthEncoded appends a cell as the protocol describes it, by other means
// than splitCells reads it.
func lengthEncoded(dst, cell []byte) []byte {
	n := uint64(len(cell))
	switch {
	case cell == nil:
		return append(dst, 0xFB)
	case n < 251:
		dst = append(dst, byte(n))
	case n < 1<<16:
		dst = binary.LittleEndian.AppendUint16(append(dst, 0xFC), uint16(n))
	case n < 1<<24:
		dst = append(dst, 0xFD, byte(n), byte(n>>8), byte(n>>16))
	default:
		dst = binary.LittleEndian.AppendUint64(append(dst, 0xFE), n)
	}
	return append(dst, cell...)
}

// TestSplitCells: what was put together comes apart, at every width of a
// length; a row that is cut short, or has a cell more, is refused.
func TestSplitCells(t *testing.T) {
	size := rapid.OneOf(rapid.IntRange(0, 4), rapid.SampledFrom([]int{249, 250, 251, 252, 1<<16 - 1, 1 << 16, 1<<16 + 1}))
	rapid.Check(t, func(t *rapid.T) {
		want := make([][]byte, rapid.IntRange(1, 6).Draw(t, "cells"))
		var packet []byte
		for i := range want {
			if !rapid.Bool().Draw(t, "null") {
				want[i] = bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, size.Draw(t, "size"))
			}
			packet = lengthEncoded(packet, want[i])
		}
		got := make([][]byte, len(want))
		if !splitCells(packet, got) {
			t.Fatalf("refused %d cells in %d bytes", len(want), len(packet))
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) || (got[i] == nil) != (want[i] == nil) {
				t.Fatalf("cell %d of %d bytes came as %d", i, len(want[i]), len(got[i]))
			}
		}
		if splitCells(packet[:rapid.IntRange(0, len(packet)-1).Draw(t, "cut")], got) {
			t.Fatal("took a row that was cut short")
		}
		if splitCells(append(packet, 0), got) {
			t.Fatal("took a row with one cell more")
		}
	})
}

// FuzzSplitCells: no packet makes it read beyond its end.
func FuzzSplitCells(f *testing.F) {
	f.Add([]byte{0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}, uint8(2))
	f.Add([]byte{3, 'a', 'b', 'c', 0xFB, 0}, uint8(3))
	f.Fuzz(func(_ *testing.T, packet []byte, columns uint8) {
		splitCells(packet, make([][]byte, columns))
	})
}

func TestSplitCellsSteadyState(t *testing.T) {
	packet := lengthEncoded(lengthEncoded(lengthEncoded(nil, []byte("12345")), nil), bytes.Repeat([]byte("x"), 300))
	cells := make([][]byte, 3)
	if n := testing.AllocsPerRun(100, func() { splitCells(packet, cells) }); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}

// wireTable holds rows at the edges of packets and of the buffer that they are
// read through, and numbers that the server prints in a form of its own. What
// compareWire asks for of row 1001 fills a packet exactly: 45 bytes beside b.
const wireTable = `
CREATE TABLE w (
  id int NOT NULL PRIMARY KEY, padded int(8) unsigned zerofill, y year, f float, d double, t text, b longblob
) DEFAULT CHARSET=utf8mb4;
INSERT INTO w VALUES
  (1, 42, 2026, 1.5, 1e100, '', ''), (2, 0, 0, -0.1, 0.1, 'é', X'00FF'),
  (4, 7, 1999, 16777216, 5e-324, REPEAT('x', 250), REPEAT('y', 251));
INSERT INTO w (id) VALUES (5); -- NULL everywhere
INSERT INTO w (id, t, b) SELECT 100 + seq, 'edge', REPEAT('z', 65500 + seq) FROM seq_1_to_60;
INSERT INTO w (id, t, b) SELECT 200 + seq, 'many', '' FROM seq_1_to_700;
INSERT INTO w (id, b) VALUES (1000, REPEAT('k', 16777169)), (1001, REPEAT('k', 16777170)), (1002, REPEAT('k', 16777171));
INSERT INTO w (id, b) VALUES (2000, REPEAT('m', 33600000)), (2001, 'last');
`

// TestWire reads the table from the wire and, over TLS, from the driver, and
// compares with what database/sql says. The connection is good afterwards.
func TestWire(t *testing.T) {
	certificate, key, authority := certificates(t)
	server := secureSource(t, certificate, key)
	database := sandboxtest.NewDatabase(t, server)
	execute(t, server, database, wireTable)
	want := asDriverSays(t, server, database)
	for name, c := range map[string]struct {
		params string
		opaque bool
	}{
		"plain":              {"?sslmode=disable", false},
		"tls, not verified":  {"?sslmode=require", true},
		"tls, chain checked": {"?sslmode=verify-ca&sslrootcert=" + authority, true},
		"tls, verified":      {"?sslmode=verify-full&sslrootcert=" + authority, true},
	} {
		t.Run(name, func(t *testing.T) {
			db := openAs(t, server.URL(database)+c.params)
			if db.Info().Encrypted != c.opaque {
				t.Fatalf("encrypted is %v", db.Info().Encrypted)
			}
			conn := connection(t, db)
			if got := wireOf(t, conn).opaque; got != c.opaque {
				t.Fatalf("opaque is %v", got)
			}
			compareWire(t, conn, want)
			answers(t, conn)
		})
	}
	t.Run("tls, of an unknown authority", func(t *testing.T) {
		_, _, stranger := certificates(t)
		_, err := Open(t.Context(), address(t, server.URL(database)+"?sslmode=verify-full&sslrootcert="+stranger))
		if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
			t.Fatalf("the server was trusted: %v %v", err, unknown)
		}
	})
}

// TestWireBreaks: a query that the server ends in the middle, a reader that
// has enough, a context that ends, a connection that is cut.
func TestWireBreaks(t *testing.T) {
	db, server := open(t, "CREATE TABLE n (i int NOT NULL PRIMARY KEY); INSERT INTO n SELECT seq FROM seq_1_to_400000")
	killer, err := server.DB(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = killer.Close() })
	const query = "SELECT i, REPEAT('x', 200) FROM n ORDER BY i"
	t.Run("the query is killed", func(t *testing.T) {
		conn := connection(t, db)
		id := connectionID(t, conn)
		rows := 0
		err := stream(t.Context(), conn, query, func([][]byte) error {
			if rows++; rows == 1 {
				_, err := killer.ExecContext(t.Context(), "KILL QUERY "+id)
				return err //nolint:wrapcheck // nil in a test that passes
			}
			return nil
		})
		if !isServerError(err, errInterrupted) || rows == 400_000 {
			t.Fatalf("after %d rows: %v", rows, err)
		}
		answers(t, conn) // the driver has read the error to its end
	})
	t.Run("the connection is killed", func(t *testing.T) {
		conn := connection(t, db)
		id := connectionID(t, conn)
		rows := 0
		err := stream(t.Context(), conn, query, func([][]byte) error {
			if rows++; rows == 1 {
				_, err := killer.ExecContext(t.Context(), "KILL "+id)
				return err //nolint:wrapcheck // nil in a test that passes
			}
			return nil
		})
		if err == nil || rows == 400_000 {
			t.Fatalf("after %d rows: %v", rows, err)
		}
		if err := conn.PingContext(t.Context()); err == nil {
			t.Fatal("the connection is said to be alive")
		}
	})
	t.Run("the reader has enough", func(t *testing.T) {
		enough := &row.Problem{What: "enough"}
		err := stream(t.Context(), connection(t, db), query, func([][]byte) error { return enough })
		if !errors.Is(err, enough) {
			t.Fatal(err)
		}
	})
	t.Run("the context ends", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		because, rows := errors.New("because"), 0
		err := stream(ctx, connection(t, db), query, func([][]byte) error {
			if rows++; rows == 1 {
				cancel(because)
			}
			return nil
		})
		if !errors.Is(err, because) {
			t.Fatalf("after %d rows: %v", rows, err)
		}
	})
}

// asDriverSays reads the table through database/sql, without TLS.
func asDriverSays(t *testing.T, server *sandbox.Server, database string) [][]sql.NullString {
	t.Helper()
	db, err := server.DB(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), "SELECT id, padded+0, y+0, HEX(t), SHA2(b, 256), LENGTH(b) FROM w ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out [][]sql.NullString
	for rows.Next() {
		r := make([]sql.NullString, 6)
		if err := rows.Scan(&r[0], &r[1], &r[2], &r[3], &r[4], &r[5]); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if rows.Err() != nil || len(out) == 0 {
		t.Fatal(len(out), rows.Err())
	}
	return out
}

// compareWire streams the table and compares each row.
func compareWire(t *testing.T, conn *sql.Conn, want [][]sql.NullString) {
	t.Helper()
	const query = "SELECT id, padded, y, HEX(t), SHA2(b, 256), b FROM w ORDER BY id"
	n := 0
	err := stream(t.Context(), conn, query, func(texts [][]byte) error {
		if n == len(want) {
			return errors.New("a row too many")
		}
		w := want[n]
		n++
		for i, text := range texts[:5] {
			said := w[i].String
			same := string(text) == said
			if i == 1 || i == 2 { // the driver takes the zeros off
				same = strings.TrimLeft(string(text), "0") == strings.TrimLeft(said, "0")
			}
			if !same || (text == nil) != !w[i].Valid {
				t.Errorf("row %s, column %d: %q, want %q", w[0].String, i, text, said)
			}
		}
		b := texts[5]
		if (b == nil) != !w[5].Valid || b != nil && strconv.Itoa(len(b)) != w[5].String || w[5].Valid && hashOf(b) != w[4].String {
			t.Errorf("row %s: %d bytes, want %s", w[0].String, len(b), w[5].String)
		}
		return nil
	})
	if err != nil || n != len(want) {
		t.Fatalf("%d rows of %d: %v", n, len(want), err)
	}
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func connection(t *testing.T, db *DB) *sql.Conn {
	t.Helper()
	conn, err := db.pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(conn) })
	return conn
}

func wireOf(t *testing.T, conn *sql.Conn) (w *wire) {
	t.Helper()
	err := conn.Raw(func(dc any) error {
		if wired, ok := dc.(*wiredConn); ok {
			w = wired.wire
		}
		return nil
	})
	if err != nil || w == nil {
		t.Fatal("no wire under the connection", err)
	}
	return w
}

func connectionID(t *testing.T, conn *sql.Conn) string {
	t.Helper()
	var id string
	if err := conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// answers fails unless the connection is in step with the server.
func answers(t *testing.T, conn *sql.Conn) {
	t.Helper()
	var n int
	if err := conn.QueryRowContext(t.Context(), "SELECT 42").Scan(&n); err != nil || n != 42 {
		t.Fatalf("the connection is out of step: %d, %v", n, err)
	}
}

// secureSource starts a source that offers TLS and sends long packets.
func secureSource(t *testing.T, certificate, key string) *sandbox.Server {
	t.Helper()
	sandboxtest.Source(t) // skips or fails where there are no servers
	server, err := sandbox.StartSource(t.Context(), sandbox.Options{ExtraArgs: []string{
		"--ssl-cert=" + certificate, "--ssl-key=" + key, "--max-allowed-packet=64M",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// certificates writes a server's certificate for 127.0.0.1, its key, and the
// authority's certificate that signed it, where the server may read them.
func certificates(t *testing.T) (certificate, key, authority string) {
	t.Helper()
	ca, caKey := issue(t, "authority", nil, nil)
	leaf, leafKey := issue(t, "server", ca, caKey)
	der, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("server.pem", "CERTIFICATE", leaf.Raw), write("server.key", "PRIVATE KEY", der), write("ca.pem", "CERTIFICATE", ca.Raw)
}

// issue makes a certificate, signed by the parent or by itself.
func issue(t *testing.T, name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out, key
}
