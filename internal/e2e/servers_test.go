package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

var legacy sync.Once

// legacySource is the shared source, set up the way old installations are: a
// server zone that is not UTC and an SQL mode that pads CHAR on reading. The
// command must depend on neither.
func legacySource(t *testing.T) *sandbox.Server {
	t.Helper()
	source := sandboxtest.Source(t)
	legacy.Do(func() {
		err := source.Exec(context.WithoutCancel(t.Context()), "",
			"SET GLOBAL time_zone = '+05:30'; SET GLOBAL sql_mode = 'NO_ENGINE_SUBSTITUTION,PAD_CHAR_TO_FULL_LENGTH'")
		if err != nil {
			t.Fatal(err)
		}
	})
	return source
}

// handle opens a database until the test ends.
func handle(t *testing.T, server *sandbox.Server, database string) *sql.DB {
	t.Helper()
	db, err := server.DB(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// sourceSession is one connection in UTC and utf8mb4 that converts nothing
// and refuses nothing. Call the second result to close it.
func sourceSession(t *testing.T, m move) (conn *sql.Conn, done func()) {
	t.Helper()
	db, err := m.source.DB(t.Context(), m.from)
	if err != nil {
		t.Fatal(err)
	}
	conn, err = db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	session := "SET NAMES utf8mb4; SET time_zone = '+00:00'; SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"
	if m.source.Kind() == sandbox.MariaDB {
		session += "; SET check_constraint_checks = 1" // what MySQL always does
	}
	if _, err = conn.ExecContext(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	return conn, func() {
		// Errors on closing say nothing about the test.
		_ = conn.Close()
		_ = db.Close()
	}
}

// targetReader is one connection that prints all digits of a float. Call the
// second result to close it.
func (m move) targetReader(t *testing.T) (conn *sql.Conn, done func()) {
	t.Helper()
	db, err := m.target.DB(t.Context(), m.to)
	if err != nil {
		t.Fatal(err)
	}
	conn, err = db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "SET extra_float_digits = 3"); err != nil {
		t.Fatal(err)
	}
	return conn, func() {
		// Errors on closing say nothing about the test.
		_ = conn.Close()
		_ = db.Close()
	}
}

// atSource runs statements in one session; each must succeed.
func (m move) atSource(t *testing.T, statements ...string) {
	t.Helper()
	conn, done := sourceSession(t, m)
	defer done()
	for _, statement := range statements {
		statement = m.source.SQL(onlyTypesOf(m.source, statement))
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("source: %v\n%s", err, clip(statement))
		}
	}
}

// onlyTypesOf puts text where a table that is not about MariaDB's own types has one.
func onlyTypesOf(source *sandbox.Server, statement string) string {
	if source.Kind() == sandbox.MariaDB {
		return statement
	}
	return mariaTypes.ReplaceAllString(statement, "VARCHAR(45) CHARACTER SET ascii$2")
}

// mariaTypes are types that MySQL does not have.
var mariaTypes = regexp.MustCompile(`\b(UUID|INET[46])\b([^(]|$)`)

// atTarget runs statements one by one, each its own transaction.
func (m move) atTarget(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if err := m.target.Exec(t.Context(), m.to, statement); err != nil {
			t.Fatalf("target: %v\n%s", err, clip(statement))
		}
	}
}

// targetValue is the single value of a query on the target, as text.
func (m move) targetValue(t *testing.T, query string) string {
	t.Helper()
	db := handle(t, m.target, m.to)

	var value sql.NullString
	if err := db.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	if !value.Valid {
		return "NULL"
	}
	return value.String
}

// mysqlName and sqlName quote an identifier for one side.
func mysqlName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
func sqlName(name string) string   { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// mysqlText is a string literal for the source.
func mysqlText(text string) string { return fmt.Sprintf("_utf8mb4 X'%X'", text) }
