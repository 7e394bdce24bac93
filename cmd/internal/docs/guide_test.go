package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	// flagRow is a flag's row on a reference page.
	flagRow = regexp.MustCompile("^\\| `(?:-[a-z], )?(--[a-z-]+)")
	// assignment is a variable before a command.
	assignment = regexp.MustCompile(`^[A-Z_]+=`)
	longFlag   = regexp.MustCompile(`^--[a-z][a-z-]*`)
	// inlineFlag is a flag in running text.
	inlineFlag = regexp.MustCompile("`(--[a-z][a-z-]*)")
)

// foreign are flags of other programs that the pages speak of: cockroach's.
var foreign = []string{"--locality"}

// flagsOf reads the reference: which command has which flags. A page's name is
// the command's words, joined.
func flagsOf(t *testing.T) map[string][]string {
	t.Helper()
	flags := map[string][]string{}
	pages, err := filepath.Glob(filepath.Join(checkout, reference, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		command := strings.TrimSuffix(filepath.Base(p), ".md")
		if program, _, _ := strings.Cut(command, "-"); !slices.Contains(programs, program) {
			continue
		}
		flags[command] = []string{"--help"}
		for line := range strings.Lines(string(text)) {
			if m := flagRow.FindStringSubmatch(line); m != nil {
				flags[command] = append(flags[command], m[1])
			}
		}
	}
	return flags
}

// handWritten are the pages that people wrote and readers follow.
func handWritten(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/guide/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(checkout, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// commandLines are the lines of a page's code blocks, with those that end in a
// backslash joined, and without comments.
func commandLines(text string) []string {
	var out []string
	fenced, open := false, ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		if !fenced && !strings.HasPrefix(line, "    ") && open == "" {
			continue
		}
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		line = strings.TrimSpace(line)
		if before, more := strings.CutSuffix(line, `\`); more {
			open += before
			continue
		}
		out, open = append(out, open+line), ""
	}
	return out
}

// wrong says what is wrong with a line that calls one of our programs; called
// is false for other lines.
func wrong(line string, flags map[string][]string) (called bool, what string) {
	words := strings.Fields(line)
	for len(words) > 0 && assignment.MatchString(words[0]) {
		words = words[1:]
	}
	if len(words) < 2 || !slices.Contains(programs, strings.TrimPrefix(words[0], "bin/")) {
		return false, ""
	}
	command := strings.TrimPrefix(words[0], "bin/")
	for words = words[1:]; len(words) > 0; words = words[1:] {
		if _, known := flags[command+"-"+words[0]]; !known {
			break
		}
		command += "-" + words[0]
	}
	if !strings.Contains(command, "-") && !strings.HasPrefix(words[0], "-") {
		return true, fmt.Sprintf("%s has no command %q", command, words[0])
	}
	for _, w := range words {
		if w == "|" || w == ">" || w == "&&" {
			break
		}
		if f := longFlag.FindString(w); f != "" && !slices.Contains(flags[command], f) {
			return true, fmt.Sprintf("%s has no flag %s", strings.ReplaceAll(command, "-", " "), f)
		}
	}
	return true, ""
}

// TestPagesCallWhatIsThere reads every command that a page tells people to
// type, and every flag that it speaks of, against the reference.
func TestPagesCallWhatIsThere(t *testing.T) {
	flags := flagsOf(t)
	known := slices.Clone(foreign)
	for _, f := range flags {
		known = append(known, f...)
	}
	lines := 0
	for _, p := range handWritten(t) {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			called, what := wrong(line, flags)
			if what != "" {
				t.Errorf("%s: %s\n\t%s", p, what, line)
			}
			if called {
				lines++
			}
		}
		for _, m := range inlineFlag.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(known, m[1]) {
				t.Errorf("%s: no command has the flag %s", p, m[1])
			}
		}
	}
	const fewest = 40
	if lines < fewest {
		t.Errorf("only %d commands were found: this test looks at nothing", lines)
	}
}

// TestMessagesNameFlagsThatAreThere: what an error advises can be typed.
func TestMessagesNameFlagsThatAreThere(t *testing.T) {
	known := slices.Clone(foreign)
	for _, f := range flagsOf(t) {
		known = append(known, f...)
	}
	seen := 0
	for _, dir := range []string{"cmd/migrate", "cmd/loadgen", "cmd/internal/cli", "internal", "workloads"} {
		err := filepath.WalkDir(filepath.Join(checkout, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "/sandbox/") {
				return err
			}
			for _, text := range literals(t, path) {
				for _, f := range messageFlag.FindAllString(text, -1) {
					seen++
					if !slices.Contains(known, strings.TrimSpace(f)) {
						t.Errorf("%s: no command has the flag %s: %q", path, f, text)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen == 0 {
		t.Error("no message names a flag: this test looks at nothing")
	}
}

// messageFlag is a flag in a message, and not two dashes of SQL.
var messageFlag = regexp.MustCompile(`(^|\s)--[a-z][a-z-]+`)

// literals are the strings of a Go file.
func literals(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, err := strconv.Unquote(l.Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

// TestWrongCommandsAreSeen: the test above can fail.
func TestWrongCommandsAreSeen(t *testing.T) {
	flags := flagsOf(t)
	for line, bad := range map[string]bool{
		"migrate copy --join":                              false,
		"LEAP_SOURCE='x' bin/migrate verify --tables a":    false,
		"migrate plan check --plan p.yaml --tables":        false,
		"migrate copy --joyn":                              true,
		"migrate copie":                                    true,
		"loadgen run --source x":                           true,
		"migrate plan init --out x | psql --no-such-flags": false,
	} {
		called, what := wrong(line, flags)
		if !called || (what != "") != bad {
			t.Errorf("%s: called %v, %q", line, called, what)
		}
	}
	if got := commandLines("text\n\n    migrate copy \\\n      --join # two\n\n```sh\nmake x\n```\n"); !slices.Equal(got, []string{"migrate copy --join", "make x"}) {
		t.Errorf("lines: %q", got)
	}
}
