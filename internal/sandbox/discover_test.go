package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseVersions(t *testing.T) {
	for _, test := range []struct {
		banner string
		kind   Kind
		want   string
	}{
		{"mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)", MariaDB, "10.11.19"},
		{"/usr/sbin/mysqld  Ver 11.4.3-MariaDB for Linux on x86_64 (MariaDB Server)", MariaDB, "11.4.3"},
		{"/usr/sbin/mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)", MySQL, "8.0.36"},
		{"/usr/sbin/mysqld  Ver 8.4.2-0ubuntu1 for Linux on aarch64 ((Ubuntu))", MySQL, "8.4.2"},
		{"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Postgres, "15.18"},
		{"postgres (PostgreSQL) 17beta2", Postgres, "17beta2"},
		{"Build Tag:        v24.1.3\nBuild Time:       2024/08/01", Cockroach, "24.1.3"},
		{"Build Tag:    v21.1.0-alpha.1-12-gabc-dirty", Cockroach, "21.1.0-alpha.1-12-gabc-dirty"},
		{"Go Version: go1.15", Cockroach, "of unknown version"},
	} {
		kind, got := test.kind, ""
		switch test.kind {
		case MariaDB, MySQL:
			kind, got = parseSource(test.banner)
		case Postgres:
			got = parsePostgres(test.banner)
		case Cockroach:
			got = parseCockroach(test.banner)
		}
		if kind != test.kind || got != test.want {
			t.Errorf("%q: got %s %s, want %s %s", test.banner, kind, got, test.kind, test.want)
		}
	}
}

func TestNewestFirst(t *testing.T) {
	got := newestFirst([]string{"/pg/9.6/bin", "/pg/10/bin", "/pg/current/bin", "/pg/17/bin"})
	want := []string{"/pg/17/bin", "/pg/10/bin", "/pg/9.6/bin", "/pg/current/bin"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// fakeProgram writes a program that prints a banner.
func fakeProgram(t *testing.T, folder, name, banner string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	script := "#!/bin/sh\necho '" + banner + "'\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// onlyHere hides the machine's own programs.
func onlyHere(t *testing.T, folder string) {
	t.Helper()
	t.Setenv("PATH", folder)
	t.Setenv(cockroachVariable, "")
	for _, folders := range []*[]string{&sourceFolders, &cockroachFolders, &postgresFolders} {
		saved := *folders
		*folders = nil
		t.Cleanup(func() { *folders = saved })
	}
}

func TestNothingInstalled(t *testing.T) {
	t.Setenv(sourceVariable, "")
	onlyHere(t, t.TempDir())
	if kinds := Targets(); len(kinds) != 0 {
		t.Errorf("targets %v", kinds)
	}
	_, preferred := PreferredTarget()
	_, source := StartSource(t.Context(), Options{})
	_, cockroach := StartTarget(t.Context(), Cockroach, Options{})
	_, postgres := StartTarget(t.Context(), Postgres, Options{})
	for _, test := range []struct {
		err  error
		hint string
	}{{preferred, cockroachVariable}, {preferred, "make servers"}, {source, "make servers"}, {cockroach, cockroachVariable}, {postgres, "make servers"}} {
		if !errors.Is(test.err, ErrNotInstalled) || !strings.Contains(test.err.Error(), test.hint) {
			t.Errorf("error %v does not give the hint %q", test.err, test.hint)
		}
	}
}

func TestTargetIsNoSource(t *testing.T) {
	if _, err := StartTarget(t.Context(), MariaDB, Options{}); err == nil || errors.Is(err, ErrNotInstalled) {
		t.Errorf("got %v", err)
	}
}

func TestDiscovery(t *testing.T) {
	bin, opt := t.TempDir(), t.TempDir()
	t.Setenv(sourceVariable, "")
	onlyHere(t, bin)

	real := fakeProgram(t, opt, "mysqld", "mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)")
	if err := os.Symlink(real, filepath.Join(bin, "mysqld")); err != nil {
		t.Fatal(err)
	}
	got, err := findSource(t.Context())
	if want := (program{kind: MySQL, path: real, version: "8.0.36"}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}

	fakeProgram(t, bin, "postgres", "postgres (PostgreSQL) 15.18")
	if kinds := Targets(); len(kinds) != 0 {
		t.Errorf("postgres without initdb counts: %v", kinds)
	}
	fakeProgram(t, bin, "initdb", "")
	if kinds := Targets(); !slices.Equal(kinds, []Kind{Postgres}) {
		t.Errorf("targets %v", kinds)
	}
	fakeProgram(t, bin, "cockroach", "Build Tag: v1.0.0")
	if kinds := Targets(); !slices.Equal(kinds, []Kind{Cockroach, Postgres}) {
		t.Errorf("targets %v", kinds)
	}

	named := fakeProgram(t, opt, "roach", "Build Tag: v2.0.0")
	t.Setenv(cockroachVariable, named)
	got, err = findTarget(t.Context(), Cockroach)
	if want := (program{kind: Cockroach, path: named, version: "2.0.0"}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}

	// A wrong path must not fall back to another program in silence.
	t.Setenv(cockroachVariable, filepath.Join(opt, "missing"))
	if kind, err := PreferredTarget(); kind != Cockroach || err != nil {
		t.Errorf("preferred target %v, %v", kind, err)
	}
	if _, err := findTarget(t.Context(), Cockroach); err == nil || !strings.Contains(err.Error(), filepath.Join(opt, "missing")) {
		t.Errorf("got %v", err)
	}
}
