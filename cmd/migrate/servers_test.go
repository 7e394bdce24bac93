package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"leap/internal/sandbox"
)

// source SQL and target SQL run statements as the server's root in the
// script's database; an argument that ends in .sql names a file with them.
// On the target the statements of one call are one transaction.
func onSource(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	execute(ts, neg, args, s.source, s.from)
}

func onTarget(ts *testscript.TestScript, neg bool, args []string) {
	s := stageOf(ts)
	execute(ts, neg, args, s.target, s.to)
}

func execute(ts *testscript.TestScript, neg bool, args []string, server *sandbox.Server, database string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: source|target SQL|FILE.sql...")
	}
	for _, statements := range args {
		if strings.HasSuffix(statements, ".sql") {
			statements = ts.ReadFile(statements)
		}
		ts.Check(server.Exec(context.Background(), database, statements))
	}
}

// holds SIDE QUERY WANT compares the only value of a query, as text.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: holds source|target QUERY WANT")
	}
	s := stageOf(ts)
	server, database := s.source, s.from
	if args[0] == "target" {
		server, database = s.target, s.to
	}
	got, err := ask(server, database, args[1])
	ts.Check(err)
	if got != args[2] {
		ts.Fatalf("%s: got %q, want %q", args[1], got, args[2])
	}
}

func ask(server *sandbox.Server, database, query string) (string, error) {
	ctx := context.Background()
	db, err := server.DB(ctx, database)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }() // only read
	var value sql.NullString
	if err := db.QueryRowContext(ctx, query).Scan(&value); err != nil {
		return "", fmt.Errorf("%s: %w", query, err)
	}
	if !value.Valid {
		return "NULL", nil
	}
	return value.String, nil
}

// listen VARIABLE silent|closed puts an address of this machine into the
// variable: of a server that accepts connections and never says a word, or of
// one that is not there.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: listen VARIABLE silent|closed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	if args[1] == "closed" {
		ts.Check(l.Close())
		return
	}
	// The kernel completes connections by itself: nobody needs to accept them.
	ts.Defer(func() { _ = l.Close() })
}

// password NAME PASSWORD creates an account on the PostgreSQL target that,
// unlike all others of the sandbox, needs a password.
func demandPassword(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: password NAME PASSWORD")
	}
	s := stageOf(ts)
	s.secrets = append(s.secrets, args[1])
	file := filepath.Join(s.target.Dir, "data", "pg_hba.conf")
	rules, err := os.ReadFile(file)
	ts.Check(err)
	// The first rule that matches decides.
	rules = append([]byte("host all "+args[0]+" 127.0.0.1/32 scram-sha-256\n"), rules...)
	ts.Check(os.WriteFile(file, rules, 0o600)) // keeps the owner
	ctx := context.Background()
	ts.Check(s.target.Exec(ctx, "", "CREATE ROLE "+args[0]+" LOGIN PASSWORD '"+args[1]+"'; SELECT pg_reload_conf()"))
	ts.Defer(func() {
		ts.Check(s.target.Exec(ctx, "", "DROP ROLE "+args[0]))
	})
}

// fileMode FILE MODE compares a file's permissions, in octal.
func fileMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE MODE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}
