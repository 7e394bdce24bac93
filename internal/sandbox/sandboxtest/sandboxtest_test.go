package sandboxtest

import (
	"slices"
	"strings"
	"testing"

	"leap/internal/sandbox"
)

func TestMain(m *testing.M) { Main(m) }

func TestSharedServers(t *testing.T) {
	first := Source(t)
	if second := Source(t); second != first {
		t.Error("a second source was started")
	}
	EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Helper()
		if want := t.Name()[len("TestSharedServers/"):]; string(target.Kind()) != want {
			t.Errorf("got a %s as %s", target.Kind(), want)
		}
		if target.Kind() == kinds(t)[0] && Target(t) != target {
			t.Error("Target is not the first of EachTarget")
		}
	})
}

func TestNewDatabase(t *testing.T) {
	check := func(t *testing.T, server *sandbox.Server) {
		t.Helper()
		var name string
		t.Run("lives", func(t *testing.T) {
			name = NewDatabase(t, server)
			if other := NewDatabase(t, server); other == name {
				t.Errorf("two databases are called %s", name)
			}
			if err := server.Exec(t.Context(), name, "CREATE TABLE t (a INT PRIMARY KEY)"); err != nil {
				t.Error(err)
			}
			// A handle that is still open must not keep the database alive.
			db, err := server.DB(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
		})
		if err := server.Exec(t.Context(), "", "CREATE DATABASE "+name); err != nil {
			t.Errorf("%s was not dropped: %v", name, err)
		}
	}
	t.Run("source", func(t *testing.T) { check(t, Source(t)) })
	EachTarget(t, check)
}

func TestDatabaseName(t *testing.T) {
	name := databaseName("TestÄpfel/with \"quotes\";_and a very long name that goes on and on", 7)
	if len(name) > 63 || !strings.HasPrefix(name, "t7_test_pfel_with__quotes_") {
		t.Errorf("got %q", name)
	}
}

func TestChoose(t *testing.T) {
	const c, p = sandbox.Cockroach, sandbox.Postgres
	for _, test := range []struct {
		have   []sandbox.Kind
		wanted string
		want   []sandbox.Kind // nil: an error
	}{
		{have: []sandbox.Kind{c, p}, want: []sandbox.Kind{c, p}},
		{have: []sandbox.Kind{p}, want: []sandbox.Kind{p}},
		{have: []sandbox.Kind{c, p}, wanted: "postgres", want: []sandbox.Kind{p}},
		{have: []sandbox.Kind{c, p}, wanted: " postgres, cockroach ", want: []sandbox.Kind{p, c}},
		{have: []sandbox.Kind{p}, wanted: "cockroach"},
		{have: []sandbox.Kind{p}, wanted: "postgres,oracle"},
	} {
		got, err := choose(test.have, test.wanted)
		if !slices.Equal(got, test.want) || (err != nil) != (test.want == nil) {
			t.Errorf("choose(%v, %q) = %v, %v", test.have, test.wanted, got, err)
		}
	}
}

func TestSkipReason(t *testing.T) {
	for _, value := range []string{"", "0"} {
		if got := skipReason(value); got != "" {
			t.Errorf("with %q tests are skipped: %s", value, got)
		}
	}
	if got := skipReason("1"); !strings.Contains(got, skipVariable+"=1") {
		t.Errorf("the reason %q does not name the variable", got)
	}
}
