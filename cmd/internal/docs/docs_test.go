package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/convert"
)

const checkout = "../../.."

// TestReferenceIsUpToDate fails while the committed pages are not what the code
// says. `make docs` writes them anew.
func TestReferenceIsUpToDate(t *testing.T) {
	pages, err := generate(t.Context(), checkout)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range pages {
		names = append(names, p.name)
		have, readErr := os.ReadFile(filepath.Join(checkout, reference, p.name))
		if readErr != nil {
			t.Errorf("%v: run make docs", readErr)
			continue
		}
		if diff := cmp.Diff(p.text, string(have)); diff != "" {
			t.Errorf("%s is out of date, run make docs (-code +page):\n%s", p.name, diff)
		}
	}
	old, err := generated(filepath.Join(checkout, reference))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range old {
		if !slices.Contains(names, name) {
			t.Errorf("%s is generated no more, run make docs", name)
		}
	}
}

// ruleLine is a finding in a golden script of package convert.
var ruleLine = regexp.MustCompile(`^-- (?:blocker|warning|info) .*?, ([a-z0-9-]+): `)

// TestEveryRuleIsFound compares the page with findings that the rules really
// made: those in the golden scripts. A rule that the generator reads past is missing.
func TestEveryRuleIsFound(t *testing.T) {
	text, err := findingsPage(checkout)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(checkout, "internal/convert/testdata/*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	seen := 0
	for _, f := range files {
		golden, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(golden)) {
			m := ruleLine.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			seen++
			if !strings.Contains(text, "`"+m[1]+"`") {
				t.Errorf("%s: the page has no rule %q", filepath.Base(f), m[1])
			}
		}
	}
	if seen == 0 {
		t.Error("the golden files name no rule: this test looks at nothing")
	}
}

func TestPoliciesPageHasEveryValue(t *testing.T) {
	text := policiesPage()
	for _, p := range convert.PolicyHelp() {
		for _, v := range p.Values {
			if !strings.Contains(text, "`"+v.Value+"`") || !strings.Contains(text, "`"+p.Name+"`") {
				t.Errorf("no %s=%s", p.Name, v.Value)
			}
		}
	}
}

func TestParseHelpRefusesWhatItCannotRead(t *testing.T) {
	for name, text := range map[string]string{
		"empty":    "",
		"no flags": "about\n\nUsage:\n  x\n",
		"one word": "about\n\nUsage:\n  x\n\nFlags:\n  --lonely\n",
	} {
		if _, err := parseHelp(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestWriteRemovesOnlyItsOwn keeps what people wrote.
func TestWriteRemovesOnlyItsOwn(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"old.md": mark + "old", "mine.md": "# Mine\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(dir, []page{{"new.md", mark + "new\n"}}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	if diff := cmp.Diff([]string{"mine.md", "new.md"}, files); diff != "" {
		t.Error(diff)
	}
}
