package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// module writes a Go module with the given files and makes it the working
// directory, so that the real `go test` says what it says.
func module(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module m\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func testFile(pkg, body string) string {
	return "package " + pkg + "\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nvar _ = os.Getenv\n\n" + body
}

func TestRunPassing(t *testing.T) {
	module(t, map[string]string{
		"a/a_test.go": testFile("a", `
func TestQuiet(t *testing.T) { t.Log("of no interest") }
func TestSkip(t *testing.T)  { t.Run("sub", func(t *testing.T) { t.Skip("no cockroach here") }) }
func TestServer(t *testing.T) {
	log := "sandbox: source MariaDB 10\nsandbox: target stand-in\nsandbox: source MariaDB 10\n"
	if err := os.WriteFile(os.Getenv("LEAP_SANDBOX_LOG"), []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
}
`),
		"b/b.go": "package b\n",
	})
	var out bytes.Buffer
	if err := run(t.Context(), []string{"./..."}, &out); err != nil {
		t.Fatalf("run: %v\n%s", err, out.String())
	}
	// The two package lines come in any order; the summary does not.
	head, tail, _ := strings.Cut(out.String(), "\n\n")
	if !strings.Contains("\n"+head, "\nok  \tm/a\t") || !strings.Contains("\n"+head, "\n?   \tm/b\t") {
		t.Errorf("output does not start with the lines of m/a and m/b:\n%s", out.String())
	}
	if lines := strings.Count(head, "\n") + 1; lines != 2 {
		t.Errorf("output has %d package lines, want 2:\n%s", lines, out.String())
	}
	want := `servers started by the tests:
    2 x source MariaDB 10
    1 x target stand-in
skipped:
  m/a.TestSkip/sub: a_test.go:12: no cockroach here
tests: 3 passed, 0 failed, 1 skipped
`
	if diff := cmp.Diff(want, tail); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

func TestRunFailing(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		want       []string // in the output
	}{
		{
			"failure",
			`func TestGood(t *testing.T) { t.Log("of no interest") }
func TestBad(t *testing.T)  { t.Error("one row is missing") }`,
			[]string{"one row is missing\n", "FAIL\tm/a\t", "\ntests: 1 passed, 1 failed, 0 skipped\n"},
		},
		{
			"panic",
			`func TestGood(t *testing.T)  { t.Log("of no interest") }
func TestPanic(t *testing.T) { panic("out of rows") }`,
			[]string{"panic: out of rows", "FAIL\tm/a\t", "\ntests: 1 passed, 1 failed, 0 skipped\n"},
		},
		{
			"exit without a verdict",
			`func TestExit(t *testing.T) { print("going\n"); os.Exit(3) }`,
			[]string{"going\n", "FAIL\tm/a\t", "\ntests: 0 passed, "},
		},
		{
			"does not compile",
			`func TestBad(t *testing.T) { undefinedName() }`,
			[]string{"undefined: undefinedName", "FAIL\tm/a [build failed]\n", "\ntests: 0 passed, 0 failed, 0 skipped\n"},
		},
		{
			"no test",
			`func helper(*testing.T) {}`,
			[]string{"[no tests to run]", "\ntests: 0 passed, 0 failed, 0 skipped\n"},
		},
		{
			"all skipped",
			`func TestSkip(t *testing.T) { t.SkipNow() }`,
			[]string{"m/a.TestSkip: no reason given\n", "\ntests: 0 passed, 0 failed, 1 skipped\n"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			module(t, map[string]string{"a/a_test.go": testFile("a", tc.body)})
			var out bytes.Buffer
			if err := run(t.Context(), []string{"./..."}, &out); err == nil {
				t.Error("run: no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output lacks %q", want)
				}
			}
			if strings.Contains(out.String(), "of no interest") || strings.Contains(out.String(), "=== RUN") {
				t.Error("output shows what passing tests print")
			}
			if t.Failed() {
				t.Logf("output:\n%s", out.String())
			}
		})
	}
}

func TestRunBelievesPrintedServers(t *testing.T) {
	module(t, map[string]string{"a/a_test.go": testFile("a", `
func TestServer(t *testing.T) { os.Stderr.WriteString("sandbox: target stand-in\n") }
`)})
	var out bytes.Buffer
	if err := run(t.Context(), []string{"./..."}, &out); err != nil {
		t.Fatalf("run: %v\n%s", err, out.String())
	}
	if want := "\n    1 x target stand-in\n"; !strings.Contains(out.String(), want) {
		t.Errorf("output lacks %q:\n%s", want, out.String())
	}
}

func TestRunCancelled(t *testing.T) {
	module(t, map[string]string{"a/a_test.go": testFile("a", `func TestGood(t *testing.T) {}`)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"./..."}, &bytes.Buffer{}); err == nil {
		t.Error("run: no error although it was cancelled")
	}
}

// TestSlowest names the tests that took long, slowest first, and of those with
// subtests the subtests.
func TestSlowest(t *testing.T) {
	events := `{"Action":"pass","Package":"m/a","Test":"TestQuick","Elapsed":0.5}
{"Action":"pass","Package":"m/a","Test":"TestLong/one","Elapsed":11}
{"Action":"fail","Package":"m/a","Test":"TestLong/two","Elapsed":30}
{"Action":"fail","Package":"m/a","Test":"TestLong","Elapsed":41}
{"Action":"pass","Package":"m/b","Test":"TestLongAsWell","Elapsed":12}
`
	var out bytes.Buffer
	r := newResult(&out)
	if err := r.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	r.tellSlow()
	want := "slowest:\n    30.0 s  m/a.TestLong/two\n    12.0 s  m/b.TestLongAsWell\n    11.0 s  m/a.TestLong/one\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
