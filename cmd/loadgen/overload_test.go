//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"leap/internal/judge"
	"leap/internal/loadgen"
	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// The share of the time that a throttled client gets, in the rhythm in which a
// container's CPU quota gives it. The pauses are well above what the client may
// be late by, and the strictest threshold of kv.
const (
	throttleRuns  = 10 * time.Millisecond
	throttleRests = 30 * time.Millisecond
)

// TestOverloadedClient throttles the client, and nothing else, to a quarter of
// its time, finds out what it can do, and asks for twice of that. The answers
// are late by far more than the thresholds allow, in service time as well; the
// run has to say that this is the client's doing, not that of a slow database.
func TestOverloadedClient(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		url := server.URL(sandboxtest.NewDatabase(t, server))
		kv := []string{"--workload", "kv", "--target", url, "--progress", "none"}
		if code, _, said := called(t, append([]string{"init"}, kv...)...); code != 0 {
			t.Fatalf("exit code %d: %s", code, said)
		}
		dir := filepath.Join(t.TempDir(), "run")
		run := append([]string{"run", "--json", "--mix", "read", "--slo", "get.p99<20ms"}, kv...)
		_, alone := throttled(t, append(run, "--closed", "--duration", "1s", "--out", dir+"-closed")...)
		capacity := float64(alone.Ops[0].Count) / alone.Duration

		rate := strconv.FormatFloat(2*capacity, 'f', 0, 64)
		code, s := throttled(t, append(run, "--rate", rate, "--duration", "2s", "--out", dir)...)
		get := s.Ops[0]
		if get.Response.P99 == nil || *get.Response.P99 < 20 || *get.Service.P99 < 20 {
			t.Fatalf("the client kept up with %s/s: %+v", rate, get)
		}
		t.Logf("%s/s asked of a client that can do %.0f: response p99 %.0f ms, service p99 %.0f ms", rate, capacity, *get.Response.P99, *get.Service.P99)
		blames(t, code, s)
		page, err := os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil || !strings.Contains(string(page), "<li>generator: ") || !strings.Contains(string(page), "the generator could not keep up</td>") {
			t.Errorf("the page does not name the client: %v", err)
		}

		// The same from the files, by whatever threshold.
		for _, slo := range []string{"get.p99<20ms", "get.p50<1us", "p99.9<30ms", "max<21ms", "mean<1us", "throughput>=95%"} {
			c, out, said := called(t, "gate", dir, "--json", "--slo", slo)
			var again loadgen.Summary
			if err := json.Unmarshal([]byte(out), &again); err != nil {
				t.Fatalf("%s: %v: %s", slo, err, said)
			}
			blames(t, c, &again)
		}
		code, out, _ := called(t, "gate", dir)
		if code != 4 || !strings.Contains(out, "generator: ") || strings.Contains(out, "│ fail ") {
			t.Errorf("gate: exit code %d\n%s", code, out)
		}
	})
}

// blames checks that a run is inconclusive because of the client.
func blames(t *testing.T, code int, s *loadgen.Summary) {
	t.Helper()
	if code != 4 || s.Verdict != judge.Inconclusive {
		t.Errorf("exit code %d, verdict %s %v", code, s.Verdict, s.Reasons)
	}
	var client bool
	for _, p := range s.Health.Problems {
		client = client || p.Cause == "client" && strings.Contains(strings.Join(s.Reasons, "\n"), "generator: "+p.Says)
	}
	if !client {
		t.Errorf("the client is not named: %q, %+v", s.Reasons, s.Health)
	}
	for _, r := range s.Gate {
		if r.Verdict == judge.Fail {
			t.Errorf("%s: %+v", r.Threshold, r)
		}
	}
}

// throttled calls loadgen in a process that is stopped three quarters of the time.
func throttled(t *testing.T, args ...string) (code int, s *loadgen.Summary) {
	t.Helper()
	path, err := exec.LookPath("loadgen")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(cmd.Environ(), "GORACE=atexit_sleep_ms=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	signals := []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT}
	times := []time.Duration{throttleRests, throttleRuns}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ; n++ {
		select {
		case <-timer.C:
			_ = cmd.Process.Signal(signals[n%2]) // an error: it has just ended
			timer.Reset(times[n%2])
			continue
		case err = <-ended:
		}
		break
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if err = json.Unmarshal(stdout.Bytes(), &s); err != nil {
		t.Fatalf("exit code %d, %v: %s", code, err, stderr.String())
	}
	return code, s
}
