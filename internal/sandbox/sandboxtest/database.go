package sandboxtest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"leap/internal/sandbox"
)

// created counts the databases of this process; its servers are its own, so
// the count makes names unique.
var created atomic.Int64

// NewDatabase creates a database whose name tells the test and drops it when
// the test ends, also under the test's connections.
func NewDatabase(tb testing.TB, server *sandbox.Server) string {
	tb.Helper()
	name := databaseName(tb.Name(), created.Add(1))
	if err := server.Exec(tb.Context(), "", "CREATE DATABASE "+name); err != nil {
		tb.Fatalf("create a database: %v", err)
	}
	tb.Cleanup(func() {
		// The test's own context has ended by now.
		if err := server.Exec(context.WithoutCancel(tb.Context()), "", dropDatabase(server.Kind(), name)); err != nil {
			tb.Errorf("drop a database: %v", err)
		}
	})
	return name
}

// databaseName needs no quotes anywhere: lower-case letters, digits and
// underscores, far below every server's limit of 63.
func databaseName(test string, n int64) string {
	const testBytes = 40
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(test))
	return fmt.Sprintf("t%d_%s", n, clean[:min(len(clean), testBytes)])
}

func dropDatabase(kind sandbox.Kind, name string) string {
	switch kind {
	case sandbox.Cockroach:
		return "DROP DATABASE IF EXISTS " + name + " CASCADE"
	case sandbox.Postgres:
		return "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"
	case sandbox.MariaDB, sandbox.MySQL:
	}
	return "DROP DATABASE IF EXISTS " + name
}
