package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"leap/internal/endpoint"
	"leap/internal/fault"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) { sandboxtest.Main(m) }

func address(t *testing.T, raw string) endpoint.Endpoint {
	t.Helper()
	e, err := endpoint.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// open makes a database, runs the statements in it and opens it.
func open(t *testing.T, statements string) (*DB, *sandbox.Server) {
	t.Helper()
	server := sandboxtest.Source(t)
	name := sandboxtest.NewDatabase(t, server)
	execute(t, server, name, statements)
	return openAs(t, server.URL(name)), server
}

func openAs(t *testing.T, raw string) *DB {
	t.Helper()
	db, err := Open(t.Context(), address(t, raw))
	if err != nil {
		t.Fatalf("%v (%s)", err, fault.HintOf(err))
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func execute(t *testing.T, server *sandbox.Server, database, statements string) {
	t.Helper()
	if statements == "" {
		return
	}
	if err := server.Exec(t.Context(), database, statements); err != nil {
		t.Fatal(err)
	}
}

// accounts are the names in use: a test may have two.
var accounts sync.Map

// account makes an account with the grants, written with %DB% for the quoted
// database and %A% for the account, and returns its address.
func account(t *testing.T, server *sandbox.Server, database string, grants ...string) string {
	t.Helper()
	name := "acc_" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_"))
	name = name[:min(len(name), 28)] // MySQL's limit is 32
	for base, n := name, 2; ; n++ {
		if _, again := accounts.LoadOrStore(name, true); !again {
			break
		}
		name = fmt.Sprintf("%s_%d", base, n)
	}
	execute(t, server, database, "DROP USER IF EXISTS "+name+"@'%'; CREATE USER "+name+"@'%' IDENTIFIED BY 'pw'")
	t.Cleanup(func() {
		if err := server.Exec(context.WithoutCancel(t.Context()), "", "DROP USER IF EXISTS "+name+"@'%'"); err != nil {
			t.Error(err)
		}
	})
	for _, g := range grants {
		g = strings.ReplaceAll(strings.ReplaceAll(g, "%DB%", quote(database)), "%A%", name+"@'%'")
		execute(t, server, database, g)
	}
	u, err := url.Parse(server.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(name, "pw")
	return u.String()
}

func TestOpenDescribesTheServer(t *testing.T) {
	db, server := open(t, "")
	info := db.Info()
	if info.Product != string(server.Kind()) || !strings.HasPrefix(info.Version, server.Version()) {
		t.Errorf("is %s %s, want %s", info.Product, info.Version, server)
	}
	if info.ServerID != 1 || info.ServerUUID == "" || !info.BinlogEnabled || info.ReadOnly {
		t.Errorf("info: %+v", info)
	}
	if plain := openAs(t, server.URL(info.Database)+"?sslmode=disable").Info(); plain.Encrypted {
		t.Error("encrypted without TLS")
	}
	if other := openAs(t, server.URL("mysql")).Info(); other.ServerUUID != info.ServerUUID {
		t.Errorf("one server, two identities: %s and %s", other.ServerUUID, info.ServerUUID)
	}
}

func TestConnectionsCannotWrite(t *testing.T) {
	db, _ := open(t, "CREATE TABLE t (id INT PRIMARY KEY)")
	for _, statement := range []string{"INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE u (id INT)", "TRUNCATE t"} {
		_, err := db.pool.ExecContext(t.Context(), statement)
		if !isServerError(err, errReadOnlyTrx) {
			t.Errorf("%s: %v, want it refused", statement, err)
		}
	}
}

func TestSessionSettings(t *testing.T) {
	server := sandboxtest.Source(t)
	execute(t, server, "", "SET GLOBAL sql_mode = 'ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,NO_ZERO_DATE'")
	t.Cleanup(func() {
		if err := server.Exec(context.WithoutCancel(t.Context()), "", "SET GLOBAL sql_mode = DEFAULT"); err != nil {
			t.Error(err)
		}
	})
	db, _ := open(t, "")
	for variable, want := range map[string]string{
		"@@session.time_zone": "+00:00", "@@session.sql_mode": "NO_ENGINE_SUBSTITUTION",
		"@@session.net_write_timeout": "31536000", "@@session.character_set_client": "utf8mb4",
		"@@session.character_set_results": "utf8mb4", "@@session.wait_timeout": "28800",
	} {
		var got string
		if err := db.pool.QueryRowContext(t.Context(), "SELECT "+variable).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", variable, got, err, want)
		}
	}
}

func TestOpenExplains(t *testing.T) {
	server := sandboxtest.Source(t)
	database := sandboxtest.NewDatabase(t, server)
	limited := account(t, server, database)
	other := sandboxtest.NewDatabase(t, server)
	locked := account(t, server, database, "ALTER USER %A% ACCOUNT LOCK")
	expired := account(t, server, database, "GRANT SELECT ON %DB%.* TO %A%", "ALTER USER %A% PASSWORD EXPIRE")
	few := account(t, server, database, "GRANT SELECT ON %DB%.* TO %A%", "ALTER USER %A% WITH MAX_QUERIES_PER_HOUR 1")
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()

	for name, c := range map[string]struct {
		raw   string
		class fault.Class
		hint  string
	}{
		"password": {strings.Replace(limited, ":pw@", ":wrong-pw@", 1), fault.Usage, "check the user and the password"},
		"denied":   {strings.Replace(limited, database, other, 1), fault.Refused, "GRANT SELECT ON `" + other + "`.* TO 'acc_"},
		"locked":   {locked, fault.Usage, "ACCOUNT UNLOCK"},
		"expired":  {expired, fault.Usage, "has expired"},
		"limited":  {few, fault.Failed, "--max-connections"},
		"unknown":  {server.URL("nowhere"), fault.Usage, "check the database's name"},
		"no TLS":   {server.URL(database) + "?sslmode=require", fault.Usage, "sslmode=disable"},
		"refused":  {"mysql://u@" + closed.Addr().String() + "/d", fault.Failed, "check host and port"},
		"no host":  {"mysql://u@no-such-host.invalid/d", fault.Usage, "check the host"},
		"silent":   {"mysql://u@" + silent.Addr().String() + "/d?connect_timeout=100ms", fault.Failed, "did not answer in time"},
		"protocol": {"postgresql://u@localhost/d", fault.Usage, "MySQL or MariaDB"},
		"root":     {server.URL(database) + "?sslrootcert=/does/not/exist", fault.Usage, "check sslrootcert"},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := Open(t.Context(), address(t, c.raw))
			if err == nil && db.Info().Encrypted && name == "no TLS" {
				_ = db.Close()
				t.Skip("the server offers TLS by itself")
			}
			if err == nil {
				_ = db.Close()
				t.Fatal("opened")
			}
			if fault.ClassOf(err) != c.class || !strings.Contains(fault.HintOf(err), c.hint) {
				t.Errorf("%v\nhint %q, class %d; want %q, %d", err, fault.HintOf(err), fault.ClassOf(err), c.hint, c.class)
			}
			if text := err.Error() + fault.HintOf(err); strings.Contains(text, "\n") || strings.Contains(text, "wrong-pw") {
				t.Errorf("more than one line, or a password: %s", text)
			}
		})
	}
}

func TestExplainLeavesAlone(t *testing.T) {
	plain := errors.New("x")
	hinted := fault.New(fault.Usage, "do this", "%w", io.EOF)
	for _, err := range []error{nil, plain, hinted, context.Canceled} {
		if got := Explain(err); !errors.Is(got, err) || got != err { //nolint:errorlint // identity is the point
			t.Errorf("Explain(%v) = %v", err, got)
		}
	}
	if fault.HintOf(Explain(io.ErrUnexpectedEOF)) == "" {
		t.Error("no hint for a lost connection")
	}
}

func TestGrantFor(t *testing.T) {
	for message, want := range map[string]string{
		"SELECT command denied to user 'u'@'h' for table `shop`.`t`":        "GRANT SELECT ON `shop`.`t` TO 'u'@'h'",
		"SELECT command denied to user 'u'@'h' for table 't'":               "GRANT SELECT ON <database>.`t` TO 'u'@'h'",
		"SELECT, SHOW VIEW command denied to user 'u'@'h' for table 'v'":    "GRANT SELECT, SHOW VIEW ON <database>.`v` TO 'u'@'h'",
		"SELECT command denied to user 'u'@'h' for column 'c' in table 't'": "GRANT SELECT ON <database>.`t` TO 'u'@'h'",
		"Access denied for user 'u'@'h' to database 'shop'":                 "GRANT SELECT ON `shop`.* TO 'u'@'h'",
		"execute command denied to user 'u'@'h' for routine 'shop.p'":       "GRANT EXECUTE ON PROCEDURE shop.p TO 'u'@'h'",
		"etwas anderes": "GRANT SELECT ON <database>.* TO the account",
	} {
		if got := grantFor(message); got != want {
			t.Errorf("%s:\n got %s\nwant %s", message, got, want)
		}
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]version{
		"10.11.6-MariaDB-0+deb12u1-log": {10, 11, 6}, "8.0.36": {8, 0, 36}, "8.4.0-commercial": {8, 4, 0},
		"5.5.5-10.4.1-MariaDB": {10, 4, 1}, "5.7.44-log": {5, 7, 44}, "": {},
	} {
		if got := parseVersion(text); got != want {
			t.Errorf("%q reads as %v, want %v", text, got, want)
		}
	}
	for text, refused := range map[string]bool{
		"10.1.48-MariaDB": true, "10.2.0-MariaDB": false, "11.4.2-MariaDB": false,
		"5.6.51": true, "5.7.0": false, "9.1.0": false,
	} {
		if err := readInfo(map[string]string{"version": text}).supported(); (err != nil) != refused {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestInfoOfMySQL reads variables as MySQL 8 gives them.
func TestInfoOfMySQL(t *testing.T) {
	got := readInfo(map[string]string{
		"version": "8.0.36", "version_comment": "MySQL Community Server - GPL", "server_id": "7",
		"server_uuid": "1f5a0cd2-8a1c-11ee-b2f8-0242ac110002", "log_bin": "ON", "read_only": "ON",
		"lower_case_table_names": "1", "hostname": "h",
	})
	want := Info{
		Product: MySQL, Version: "8.0.36", ServerID: 7, ServerUUID: "1f5a0cd2-8a1c-11ee-b2f8-0242ac110002",
		Host: "h", BinlogEnabled: true, ReadOnly: true, LowerCaseTableNames: 1, version: version{8, 0, 36},
	}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	old := readInfo(map[string]string{"version": "10.4.1-MariaDB", "hostname": "h", "server_id": "7"})
	if !strings.HasPrefix(old.ServerUUID, "derived-") {
		t.Errorf("identity of a server without one: %q", old.ServerUUID)
	}
}
