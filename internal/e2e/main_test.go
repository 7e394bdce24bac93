package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// Exit codes of the command.
const (
	exitDone    = 0
	exitUsage   = 2
	exitRefused = 3
	exitUnknown = 4
)

// commandLimit bounds one call of the command. It is far above what any call
// here needs: reaching it means that the command hangs.
const commandLimit = 3 * time.Minute

// binary is the folder of the built command; made by build.
var binaryFolder string

func TestMain(m *testing.M) {
	// A proxy whose link was broken leaves goroutines behind that hold its data,
	// and one that hung those that wait for them; see links.fault.
	const proxy = "github.com/Shopify/toxiproxy/v2"
	sandboxtest.Main(m,
		goleak.IgnoreAnyFunction(proxy+"/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction(proxy+".(*ToxicLink).read"),
		goleak.IgnoreAnyFunction(proxy+".(*ToxicLink).write"),
		goleak.IgnoreAnyFunction(proxy+".(*Proxy).server"),
		goleak.IgnoreAnyFunction(proxy+".(*Proxy).freeBlocker"),
		goleak.IgnoreAnyFunction(proxy+".(*ToxicCollection).RemoveToxic"),
		goleak.IgnoreAnyFunction(proxy+".(*ToxicCollection).AddToxicJson"),
		goleak.IgnoreAnyFunction(proxy+".(*ToxicLink).RemoveToxic"),
		goleak.IgnoreAnyFunction(proxy+".(*ToxicLink).AddToxic"),
		goleak.Cleanup(func(code int) {
			if binaryFolder != "" {
				_ = os.RemoveAll(binaryFolder) // only a leftover in the temporary folder
			}
			os.Exit(code) //nolint:forbidigo // goleak leaves ending the process to this function
		}))
}

// build makes the command once per process.
var build = sync.OnceValues(func() (path string, err error) {
	binaryFolder, err = os.MkdirTemp("", "leap-e2e-")
	if err != nil {
		return "", err
	}
	path = filepath.Join(binaryFolder, "migrate")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", path, "leap/cmd/migrate").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return path, nil
})

// report is the part of the report that the tests read. Its field names are
// those of docs/reference/migrate-report.schema.json.
type report struct {
	Schema     string       `json:"schema"`
	Verdict    string       `json:"verdict"`
	Reasons    []string     `json:"reasons"`
	Tenants    []tenant     `json:"tenants"`
	Ledger     []change     `json:"ledger"`
	Assessment []assessment `json:"assessment"`
}

type tenant struct {
	Planned []string      `json:"planned"`
	LeftOut []string      `json:"left_out"`
	Tables  []tableReport `json:"tables"`
}

type tableReport struct {
	Name          string    `json:"name"`
	SourceName    string    `json:"source_name"`
	SourceRows    *int64    `json:"source_rows"`
	TargetRows    *int64    `json:"target_rows"`
	CopiedRows    *int64    `json:"copied_rows"`
	Verdict       string    `json:"verdict"`
	Findings      []finding `json:"findings"`
	FindingsTotal *int64    `json:"findings_total"`
	Tier          string    `json:"tier"`
	TierReason    string    `json:"tier_reason"`
	Reread        int64     `json:"reread_parts"`
	Moving        int64     `json:"moving_rows"`
	Settled       int64     `json:"settled_rows"`
	Resumed       int64     `json:"resumed_rows"`
	Repairs       []repair  `json:"repairs"`
	RepairError   string    `json:"repair_error"`
}

type repair struct {
	Part    string `json:"part"`
	Put     int64  `json:"put_rows"`
	Deleted int64  `json:"deleted_rows"`
}

type finding struct {
	Key     any       `json:"key"`
	Kind    string    `json:"kind"`
	Columns []changed `json:"columns"`
}

type changed struct {
	Name string `json:"name"`
}

type change struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Policy string `json:"policy"`
	Action string `json:"action"`
	Count  int64  `json:"count"`
}

type assessment struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Object   string `json:"object"`
	Problem  string `json:"problem"`
	Advice   string `json:"advice"`
}

// outcome is what one call of the command left behind.
type outcome struct {
	code           int
	stdout, stderr string
	report         *report // nil when none was written
	rawReport      string
}

// text is everything that the command said.
func (o outcome) text() string { return o.stdout + "\n" + o.stderr + "\n" + o.rawReport }

// String shows the outcome in a failure message.
func (o outcome) String() string {
	told := ""
	if o.report != nil {
		told = fmt.Sprintf("verdict %s, reasons %q, ledger %v", o.report.Verdict, o.report.Reasons, o.report.Ledger)
	}
	return fmt.Sprintf("exit code %d\n--- stdout\n%s\n--- stderr\n%s\n--- report\n%s", o.code, clip(o.stdout), clip(o.stderr), clip(told))
}

// clip keeps the end, where a command says why it stopped.
func clip(text string) string {
	const most = 1500
	if len(text) <= most {
		return text
	}
	return "..." + text[len(text)-most:]
}

// tables lists the report's tables of all tenants.
func (o outcome) tables() []tableReport {
	var all []tableReport
	if o.report != nil {
		for _, tenant := range o.report.Tenants {
			all = append(all, tenant.Tables...)
		}
	}
	return all
}

// move is one source database, one target database and how to get from one to
// the other.
type move struct {
	source, target *sandbox.Server
	from, to       string // the databases
	flags          []string
	links          *links // the network in between; nil without one
}

// newMove makes both databases, fills the source and gives back the move. The
// statements run in one session that takes every value as it comes.
func newMove(t *testing.T, target *sandbox.Server, statements ...string) move {
	t.Helper()
	source := legacySource(t)
	m := move{source: source, target: target, from: sandboxtest.NewDatabase(t, source), to: sandboxtest.NewDatabase(t, target)}
	m.atSource(t, statements...)
	return m
}

// with is the move with more flags.
func (m move) with(flags ...string) move {
	m.flags = append(append([]string(nil), m.flags...), flags...)
	return m
}

// command prepares a call of the command for the move.
func (m move) command(ctx context.Context, t *testing.T, name, reportFile string, flags ...string) *exec.Cmd {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	from, to := m.links.route(m.source.URL(m.from)), m.links.route(m.target.URL(m.to))
	args := []string{name, "--source", from, "--target", to}
	if reportFile != "" {
		args = append(args, "--report", reportFile)
	}
	args = append(append(args, m.flags...), flags...)
	return exec.CommandContext(ctx, path, args...)
}

// call runs the command to its end.
func (m move) call(t *testing.T, name string, flags ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	file := filepath.Join(t.TempDir(), "report.json")
	cmd := m.command(ctx, t, name, file, flags...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return finish(t, err, &stdout, &stderr, file)
}

// finish turns a finished call into its outcome.
func finish(t *testing.T, err error, stdout, stderr fmt.Stringer, file string) outcome {
	t.Helper()
	o := outcome{stdout: stdout.String(), stderr: stderr.String()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		o.code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("run the command: %v\n%s", err, o)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return o
	}
	o.rawReport, o.report = string(raw), new(report)
	if err := json.Unmarshal(raw, o.report); err != nil {
		t.Fatalf("the report is not the expected JSON: %v\n%s", err, o)
	}
	return o
}

// must calls the command and ends the test unless it exits as wanted.
func (m move) must(t *testing.T, want int, name string, flags ...string) outcome {
	t.Helper()
	o := m.should(t, want, name, flags...)
	if o.code != want {
		t.FailNow()
	}
	return o
}

// should calls the command and fails the test unless it exits as wanted.
func (m move) should(t *testing.T, want int, name string, flags ...string) outcome {
	t.Helper()
	o := m.call(t, name, flags...)
	if o.code != want {
		t.Errorf("migrate %s %s: want exit code %d, got %s", name, strings.Join(append(append([]string(nil), m.flags...), flags...), " "), want, o)
	}
	if strings.Contains(o.text(), "panic:") || strings.Contains(o.text(), "goroutine 1 [") {
		t.Fatalf("the command panicked: %s", o)
	}
	return o
}

// runWith runs a program with more environment and gives back all it printed.
func runWith(t *testing.T, path string, args []string, environment ...string) (output string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
