package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// TestMaxConnectionsIsKept moves a database by an account that the server
// itself allows no more connections than the command was told.
func TestMaxConnectionsIsKept(t *testing.T) {
	target := sandboxtest.Target(t)
	for _, limit := range []int{1, 2, 3, 5} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			m := newMove(t, target,
				"CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(40))", "INSERT INTO a SELECT seq, CONCAT('row ', seq) FROM seq_1_to_3000",
				"CREATE TABLE b (id INT PRIMARY KEY)", "INSERT INTO b SELECT seq FROM seq_1_to_3000",
				"CREATE TABLE c (v INT)", "INSERT INTO c SELECT seq FROM seq_1_to_3000")
			name := fmt.Sprintf("few%d", limit)
			m.atSource(t,
				fmt.Sprintf("DROP USER IF EXISTS %s@'%%'", name),
				fmt.Sprintf("CREATE USER %s@'%%' IDENTIFIED BY 'few' WITH MAX_USER_CONNECTIONS %d", name, limit),
				fmt.Sprintf("GRANT ALL ON %s.* TO %s@'%%'", mysqlName(m.from), name))
			t.Setenv("LEAP_SOURCE", fmt.Sprintf("mysql://%s:few@127.0.0.1:%d/%s?tls=false", name, m.source.Port, m.from))
			m.flags = []string{"--source=", "--workers=8", fmt.Sprintf("--max-connections=%d", limit)}
			compareAll(t, m, m.must(t, exitDone, "run"))
		})
	}
}

// TestMaxRowsPerSecond holds a copy to a rate and looks at the clock: it may
// take longer than the rate says, never less.
func TestMaxRowsPerSecond(t *testing.T) {
	m := newMove(t, sandboxtest.Target(t),
		"CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a SELECT seq FROM seq_1_to_1500",
		"CREATE TABLE b (id INT PRIMARY KEY)", "INSERT INTO b SELECT seq FROM seq_1_to_1500")
	m.must(t, exitDone, "schema", "--apply")
	started := time.Now()
	m.must(t, exitDone, "copy", "--max-rows-per-second=1000")
	if took, least := time.Since(started), 2800*time.Millisecond; took < least {
		t.Errorf("3000 rows at 1000 a second took %s", took)
	}
	compareAll(t, m, m.must(t, exitDone, "verify"))
}

// paceLine is a line of --progress=json.
type paceLine struct {
	Kind    string   `json:"msg"`
	Share   *float64 `json:"share"`
	Message string   `json:"message"`
}

// TestPauseAndResume pauses a copy from outside, sees it stand still, kills it,
// sees the next one stand still too, and lets that go on.
func TestPauseAndResume(t *testing.T) {
	sandboxtest.EachTarget(t, func(t *testing.T, target *sandbox.Server) {
		t.Parallel()
		m := bigMove(t, target)
		m.must(t, exitDone, "schema", "--apply")
		slow := []string{"--chunk-rows=100", "--max-rows-per-second=3000", "--progress=json", "--metrics=127.0.0.1:0"}
		p := m.start(t, "copy", slow...)
		if !p.awaitRows(t, m, "big", 500) {
			t.Fatalf("the copy ended before it could be paused: %s", p.outcome(t))
		}
		said := m.order(t, "pause")
		if !regexp.MustCompile(`is paused by .*@.*: process \d+ on .* has stopped reading`).MatchString(said) {
			t.Errorf("pause says %q", said)
		}
		rows := standstill(t, m)
		if status := m.order(t, "status"); !strings.Contains(status, "paused by ") {
			t.Errorf("status says %s", status)
		}
		if shown := p.scrape(t); shown["leap_migrate_pace_ratio"] != 0 || shown["leap_migrate_phase_running"] != 1 ||
			shown["leap_migrate_rows_total"] != float64(rows) {
			t.Errorf("paused at %d rows, the metrics show %v", rows, shown)
		}
		p.kill()
		<-p.ended
		p = m.start(t, "copy", slow...)
		if !p.awaitPrinted(t, `"pace_changed"`) || p.hasEnded(time.Second) {
			t.Fatalf("a paused copy went on: %s", p.outcome(t))
		}
		if got := countRows(t, m); got > rows {
			t.Errorf("%d rows, %d when it was paused", got, rows)
		}
		if said := m.order(t, "resume"); !strings.Contains(said, "goes on") {
			t.Errorf("resume says %q", said)
		}
		o := p.outcome(t)
		if o.code != exitDone {
			t.Fatalf("the resumed copy fails: %s", o)
		}
		var shares []float64
		for line := range strings.Lines(o.stderr) {
			var l paceLine
			if err := json.Unmarshal([]byte(line), &l); err == nil && l.Kind == "pace_changed" {
				shares = append(shares, *l.Share)
			}
		}
		if len(shares) < 2 || shares[0] != 0 || shares[len(shares)-1] != 1 {
			t.Errorf("the progress tells the shares %v: %s", shares, o)
		}
		compareAll(t, m, m.must(t, exitDone, "verify"))
	})
}

// scrape reads the metrics of a running command as Prometheus does, and adds up
// each one over its labels.
func (p *process) scrape(t *testing.T) map[string]float64 {
	t.Helper()
	address := regexp.MustCompile(`Prometheus: (http://[^"\s]+)`).FindStringSubmatch(p.stderr.String())
	if address == nil {
		t.Fatalf("there is no address of metrics: %s", clip(p.stderr.String()))
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("status %s, %v", answer.Status, err)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		sample := regexp.MustCompile(`^(leap_\w+)\{.*\} (\S+)\n$`).FindStringSubmatch(line)
		if sample == nil {
			continue // a comment, or of the process itself
		}
		value, err := strconv.ParseFloat(sample[2], 64)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		out[sample[1]] += value
	}
	return out
}

// order calls a command that takes only the target.
func (m move) order(t *testing.T, name string) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	out, err := runWith(t, path, []string{name, "--target", m.target.URL(m.to)}, os.Environ()...)
	if err != nil {
		t.Fatalf("migrate %s: %v\n%s", name, err, out)
	}
	return out
}

// standstill waits until no rows arrive for a while: chunks that were read
// before the pause may still be written.
func standstill(t *testing.T, m move) int {
	t.Helper()
	const calm = 2 * time.Second
	last, since := countRows(t, m), time.Now()
	for limit := time.Now().Add(commandLimit); time.Now().Before(limit); {
		<-time.After(100 * time.Millisecond)
		if n := countRows(t, m); n != last {
			last, since = n, time.Now()
		}
		if time.Since(since) > calm {
			if last >= bigRows*2 {
				t.Fatal("the copy finished instead of pausing")
			}
			return last
		}
	}
	t.Fatal("rows keep arriving in a paused copy")
	return 0
}
