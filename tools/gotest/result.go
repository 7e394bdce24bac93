package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// testEvent is one line of `go test -json`; see `go doc test2json`.
type testEvent struct {
	Action  string  `json:"Action"`
	Package string  `json:"Package"`
	Test    string  `json:"Test"`
	Output  string  `json:"Output"`
	Elapsed float64 `json:"Elapsed"` // seconds, without the time that a parallel test waited for its turn
}

// output is one piece of what a package printed. test is empty for what no
// test claims, such as the package's own "ok" line or a panic.
type output struct {
	test, text string
}

// packageLog holds what a package printed until its verdict is known: what a
// passing package printed is of no interest, a failing one's is all there is.
type packageLog struct {
	outputs []output
	quiet   map[string]bool // tests that passed or were skipped
}

// serverPrefix starts a line by which a test process tells of a server that it
// started, on its standard error and in the file that sandboxLog names.
const serverPrefix = "sandbox:"

// result collects a whole run. Its counts include subtests.
type result struct {
	w        io.Writer
	packages map[string]*packageLog
	servers  map[string]int
	printed  []string // server lines seen in the output
	skips    []string
	slow     []slowTest
	passed   int
	failed   int
	writeErr error // the first, after which nothing is written
}

// slowTest is a test that took long.
type slowTest struct {
	name    string
	seconds float64
}

const (
	slowFrom = 10 // seconds
	slowMost = 15 // tests that are named
)

func newResult(w io.Writer) *result {
	return &result{w: w, packages: map[string]*packageLog{}, servers: map[string]int{}}
}

func (r *result) say(text string) {
	if r.writeErr == nil {
		_, r.writeErr = io.WriteString(r.w, text)
	}
}

// read renders events until r ends. A line that is no event is passed on as it
// is: `go test` prints such lines when it cannot load the packages.
func (r *result) read(src io.Reader) error {
	lines := bufio.NewReader(src)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var ev testEvent
			if json.Unmarshal(line, &ev) == nil && ev.Action != "" {
				r.add(ev)
			} else {
				r.say(string(line))
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *result) add(ev testEvent) {
	if ev.Action == "build-output" {
		r.say(ev.Output)
		return
	}
	log := r.packages[ev.Package]
	if log == nil {
		log = &packageLog{quiet: map[string]bool{}}
		r.packages[ev.Package] = log
	}
	switch ev.Action {
	case "output":
		log.outputs = append(log.outputs, output{ev.Test, ev.Output})
		if strings.HasPrefix(ev.Output, serverPrefix) {
			r.printed = append(r.printed, ev.Output)
		}
	case "pass", "fail", "skip":
		if ev.Test == "" {
			if ev.Action == "fail" {
				r.say(log.failure())
			} else {
				r.say(log.verdict())
			}
			delete(r.packages, ev.Package)
			return
		}
		log.quiet[ev.Test] = ev.Action != "fail"
		r.count(ev, log)
	}
}

func (r *result) count(ev testEvent, log *packageLog) {
	if ev.Elapsed >= slowFrom {
		r.slow = append(r.slow, slowTest{ev.Package + "." + ev.Test, ev.Elapsed})
	}
	switch ev.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
	case "skip":
		r.skips = append(r.skips, fmt.Sprintf("%s.%s: %s", ev.Package, ev.Test, log.lastWords(ev.Test)))
	}
}

// verdict returns the one line that `go test` prints about a package that is
// fine.
func (l *packageLog) verdict() string {
	for _, out := range l.outputs {
		if out.test == "" && (strings.HasPrefix(out.text, "ok ") || strings.HasPrefix(out.text, "? ")) {
			return out.text
		}
	}
	return ""
}

// failure returns all that a package printed outside of its passing tests. A
// test without a verdict (a panic, a timeout) counts as failing.
func (l *packageLog) failure() string {
	var text strings.Builder
	for _, out := range l.outputs {
		if !l.quiet[out.test] && !isFraming(out.text) {
			text.WriteString(out.text)
		}
	}
	return text.String()
}

// lastWords returns the last line that a test printed itself, which for a
// skipped one is the reason.
func (l *packageLog) lastWords(test string) string {
	for _, out := range slices.Backward(l.outputs) {
		text := strings.TrimSpace(out.text)
		if out.test == test && text != "" && !isFraming(out.text) && !strings.HasPrefix(text, "--- ") {
			return text
		}
	}
	return "no reason given"
}

// isFraming reports whether a line only says which test speaks next.
func isFraming(text string) bool {
	return strings.HasPrefix(text, "=== ")
}

// addServer notes one line of a test process about a server it started.
func (r *result) addServer(line string) {
	line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), serverPrefix))
	if line != "" {
		r.servers[line]++
	}
}

// addServers takes the lines of the server log. A test process that printed its
// servers and wrote no log is believed too; with both, only the log counts,
// because whatever passes through the output may be there twice or torn.
func (r *result) addServers(log string) {
	for line := range strings.Lines(log) {
		r.addServer(line)
	}
	if len(r.servers) > 0 {
		return
	}
	for _, line := range r.printed {
		r.addServer(line)
	}
}

// tellSlow names the slowest tests: where a run that takes too long spends it. Of
// a test with subtests those are named.
func (r *result) tellSlow() {
	all := slices.DeleteFunc(slices.Clone(r.slow), func(s slowTest) bool {
		return slices.ContainsFunc(r.slow, func(sub slowTest) bool { return strings.HasPrefix(sub.name, s.name+"/") })
	})
	slices.SortFunc(all, func(a, b slowTest) int { return cmp.Compare(b.seconds, a.seconds) })
	if len(all) > 0 {
		r.say("slowest:\n")
	}
	for _, s := range all[:min(len(all), slowMost)] {
		r.say(fmt.Sprintf("  %6.1f s  %s\n", s.seconds, s.name))
	}
}

// summarize writes what the verdict rests on. The last line has the form that
// CI systems look for.
func (r *result) summarize() {
	r.say("\nservers started by the tests:\n")
	if len(r.servers) == 0 {
		r.say("  none: no database took part in this run\n")
	}
	for _, name := range slices.Sorted(maps.Keys(r.servers)) {
		r.say(fmt.Sprintf("  %3d x %s\n", r.servers[name], name))
	}
	r.tellSlow()
	slices.Sort(r.skips)
	if len(r.skips) > 0 {
		r.say("skipped:\n")
	}
	for _, skip := range r.skips {
		r.say("  " + skip + "\n")
	}
	r.say(fmt.Sprintf("tests: %d passed, %d failed, %d skipped\n", r.passed, r.failed, len(r.skips)))
}
