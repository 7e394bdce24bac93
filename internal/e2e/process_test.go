package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"leap/internal/bank"
	"leap/internal/sandbox"
)

// process is a call of the command that runs beside the test.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr transcript // complete when ended is closed
	ended          chan struct{}
	err            error // of Wait, once ended is closed
	file           string
}

// transcript is what a process prints, readable while it runs.
type transcript struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write appends.
func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns what was printed so far.
func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// awaitPrinted waits until the process has said something on stderr; false when
// it ended before.
func (p *process) awaitPrinted(t *testing.T, words string) bool {
	t.Helper()
	for limit := time.Now().Add(commandLimit); !strings.Contains(p.stderr.String(), words); {
		if p.hasEnded(20 * time.Millisecond) {
			return strings.Contains(p.stderr.String(), words)
		}
		if time.Now().After(limit) {
			t.Fatalf("nothing of %q: %s", words, clip(p.stderr.String()))
		}
	}
	return true
}

// start begins a call. The test kills it at its end at the latest.
func (m move) start(t *testing.T, name string, flags ...string) *process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	return startProcess(t, m.command(t.Context(), t, name, file, flags...), file)
}

// startProcess starts a command that writes its report to the file.
func startProcess(t *testing.T, cmd *exec.Cmd, file string) *process {
	t.Helper()
	p := &process{cmd: cmd, ended: make(chan struct{}), file: file}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		<-p.ended
	})
	return p
}

// kill ends the process as a crash does; one that has ended stays so.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// hasEnded waits for at most the duration.
func (p *process) hasEnded(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-p.ended:
		return true
	case <-timer.C:
		return false
	}
}

// outcome waits for the end.
func (p *process) outcome(t *testing.T) outcome {
	t.Helper()
	return p.outcomeWithin(t, commandLimit)
}

// outcomeWithin is outcome for a call that may take longer.
func (p *process) outcomeWithin(t *testing.T, limit time.Duration) outcome {
	t.Helper()
	if !p.hasEnded(limit) {
		p.kill()
		<-p.ended
		t.Fatalf("the command did not end within %v\n%s", limit, clip(p.stderr.String()))
	}
	return finish(t, p.err, &p.stdout, &p.stderr, p.file)
}

// awaitRows waits until the target table has so many rows and reports false
// when the process ends before.
func (p *process) awaitRows(t *testing.T, m move, table string, rows int) bool {
	t.Helper()
	return p.awaitCount(t, m, "SELECT count(*) FROM "+sqlName(table), rows)
}

// awaitCommitted waits until the checkpoint counts so many rows; false when the
// process ended before.
func (p *process) awaitCommitted(t *testing.T, m move, rows int) bool {
	t.Helper()
	return p.awaitCount(t, m, "SELECT coalesce(sum(row_count), 0)::INT8 FROM _migrate.chunk", rows)
}

func (p *process) awaitCount(t *testing.T, m move, query string, rows int) bool {
	t.Helper()
	db := handle(t, m.target, m.to)
	limit := time.NewTimer(commandLimit)
	defer limit.Stop()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		var n int
		// The table may not be there yet.
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err == nil && n >= rows {
			return true
		}
		select {
		case <-p.ended:
			return false
		case <-limit.C:
			t.Fatalf("%s did not reach %d rows", query, rows)
		case <-ticker.C:
		}
	}
}

// killedBySignal reports whether a signal that nobody handled ended the process.
func (p *process) killedBySignal() bool {
	exit, ok := errors.AsType[*exec.ExitError](p.err)
	return ok && exit.ExitCode() == -1
}

// bankRows is enough for a copy of a second or two in small chunks.
const bankRows = 60_000

// smallChunks make many commits, and so many moments to be interrupted at.
const smallChunks = "--chunk-rows=200"

var bankOnce struct {
	sync.Mutex
	database string
}

// sharedBank is the bank's database on the shared source. Tests only read it.
// It lives until the server stops.
func sharedBank(t *testing.T) string {
	t.Helper()
	source := legacySource(t)
	bankOnce.Lock()
	defer bankOnce.Unlock()
	if bankOnce.database == "" {
		fillBank(t, source, "e2e_bank", bankRows)
		bankOnce.database = "e2e_bank"
	}
	return bankOnce.database
}

func fillBank(t *testing.T, source *sandbox.Server, database string, rows int) {
	t.Helper()
	if err := source.Exec(t.Context(), "", "CREATE DATABASE "+database); err != nil {
		t.Fatal(err)
	}
	if _, err := bank.Create(t.Context(), handle(t, source, database), bank.Options{Rows: rows, Seed: 7}); err != nil {
		t.Fatal(err)
	}
}

// countRows counts the rows of the target's tables.
func countRows(t *testing.T, m move) int {
	t.Helper()
	db := handle(t, m.target, m.to)
	rows, err := db.QueryContext(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // Err is asked below
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, name := range names {
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM public."+sqlName(name)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}

// interrupt sends what Ctrl-C sends.
func interrupt(p *process) error { return p.cmd.Process.Signal(os.Interrupt) }
