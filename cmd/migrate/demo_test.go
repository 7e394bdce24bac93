package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
)

// TestDemo: the demonstration moves, verifies and loads, and leaves both
// reports. The load may be inconclusive: other tests use the machine.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	buildLoadgen(t)
	t.Chdir(t.TempDir())
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"demo", "--on", "postgres", "--rows", "63000", "--load", "2s", "--progress", "none"},
		cli.Terminal{Out: &out, Err: &errs, Env: func(string) string { return "" }})
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"verdict: pass: all 28 tables are equal", "\nmove: pass   load: ", "report of the move: leap-demo-report.json"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	pages, err := filepath.Glob("runs/demo-*/report.html")
	if err != nil || len(pages) != 1 || !strings.Contains(out.String(), "report: "+pages[0]) {
		t.Fatalf("pages %v, %v; output:\n%s\n%s", pages, err, out.String(), errs.String())
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(pages[0]), "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Ops []struct {
			Name   string `json:"name"`
			Count  int    `json:"count"`
			Errors int    `json:"errors"`
		} `json:"ops"`
		Invariants []struct {
			Name    string `json:"name"`
			Verdict string `json:"verdict"`
		} `json:"invariants"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	for _, o := range s.Ops {
		if o.Errors > 0 || o.Name == "txn_list" && o.Count == 0 {
			t.Errorf("%+v", o)
		}
	}
	for _, i := range s.Invariants {
		if i.Verdict == "fail" {
			t.Errorf("%+v", i)
		}
	}
	if len(s.Invariants) == 0 {
		t.Error("no invariant was checked")
	}
}

// buildLoadgen puts loadgen on PATH, built as make builds it.
func buildLoadgen(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", dir, "leap/cmd/loadgen")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// TestDemoWithoutLoadgen: it is missed before any server is started.
func TestDemoWithoutLoadgen(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"demo"}, cli.Terminal{Out: &out, Err: &errs, Env: func(string) string { return "" }})
	if code != int(fault.Usage) || out.Len() > 0 || !strings.Contains(errs.String(), "--load 0") {
		t.Errorf("exit code %d\n%s\n%s", code, out.String(), errs.String())
	}
}
