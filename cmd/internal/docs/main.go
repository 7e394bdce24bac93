// Command docs writes the pages of docs/reference that follow from the code:
// the commands from their own --help, the policies and exit codes from the
// packages that define them, and the findings from the rules that make them.
// Run it with `make docs`; a test fails while a page is out of date.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"leap/internal/plan"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root := flag.String("root", ".", "the checkout to read")
	flag.Parse()
	pages, err := generate(ctx, *root)
	if err == nil {
		err = write(filepath.Join(*root, reference), pages)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

// reference is where the pages go, in the checkout.
const reference = "docs/reference"

// mark begins every generated page. A page that has it and is generated no
// more is removed; files without it belong to people.
const mark = "<!-- Generated from the code by `make docs`. Changes made here are lost. -->\n\n"

// page is one file of the reference.
type page struct{ name, text string }

// generate makes all pages from the checkout at root.
func generate(ctx context.Context, root string) ([]page, error) {
	commands, err := commandPages(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("commands: %w", err)
	}
	codes, err := exitCodes(root)
	if err != nil {
		return nil, fmt.Errorf("exit codes: %w", err)
	}
	findings, err := findingsPage(root)
	if err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	planSchema, err := plan.JSONSchema()
	if err != nil {
		return nil, fmt.Errorf("schema of plans: %w", err)
	}
	pages := append(commands,
		page{"migrate-plan.schema.json", string(planSchema)},
		page{"exit-codes.md", codes},
		page{"findings.md", findings},
		page{"policies.md", policiesPage()},
	)
	for i := range pages {
		if filepath.Ext(pages[i].name) != ".md" {
			continue // no place for a mark
		}
		pages[i].text = mark + strings.TrimRight(pages[i].text, "\n") + "\n"
	}
	return pages, nil
}

// write replaces the generated pages of a folder.
func write(dir string, pages []page) error {
	old, err := generated(dir)
	if err != nil {
		return err
	}
	for _, name := range old {
		if !slices.ContainsFunc(pages, func(p page) bool { return p.name == name }) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return fmt.Errorf("remove an old page: %w", err)
			}
		}
	}
	for _, p := range pages {
		if err := os.WriteFile(filepath.Join(dir, p.name), []byte(p.text), 0o644); err != nil { //nolint:gosec // documentation is for everybody
			return fmt.Errorf("write a page: %w", err)
		}
	}
	return nil
}

// generated lists the pages in a folder that carry the mark.
func generated(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	var out []string
	for _, f := range files {
		text, err := os.ReadFile(f) //nolint:gosec // a page of our own
		if err != nil {
			return nil, fmt.Errorf("read a page: %w", err)
		}
		if strings.HasPrefix(string(text), mark) {
			out = append(out, filepath.Base(f))
		}
	}
	return out, nil
}

// errForm says that the code no longer has the form that this program reads.
// Teach it the new form; do not leave the entry out.
var errForm = errors.New("cannot read this form")

// row joins the cells of a line of a Markdown table.
func row(cells ...string) string {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// code sets text in code style.
func code(text string) string { return "`" + text + "`" }
