package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// programs are the commands that people type.
var programs = []string{"migrate", "loadgen"}

// commandPages asks the built programs for their help: what a page says is what
// a person at a terminal reads.
func commandPages(ctx context.Context, root string) ([]page, error) {
	dir, err := os.MkdirTemp("", "leap-docs-")
	if err != nil {
		return nil, fmt.Errorf("temporary folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var pages []page
	for _, name := range programs {
		program := filepath.Join(dir, name)
		build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/"+name) //nolint:gosec // our own program
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build: %w: %s", err, out)
		}
		more, err := programPages(ctx, program)
		if err != nil {
			return nil, err
		}
		pages = append(pages, more...)
	}
	return pages, nil
}

// programPages has a page for the program and one for each of its commands.
func programPages(ctx context.Context, program string) ([]page, error) {
	name := filepath.Base(program)
	top, err := help(ctx, program)
	if err != nil {
		return nil, err
	}
	if len(top.commands) == 0 {
		return nil, fmt.Errorf("%w: %s --help lists no command", errForm, name)
	}
	return commandTree(ctx, program, top, nil)
}

// commandTree has a page for a command and for each of those below it.
func commandTree(ctx context.Context, program string, h helpText, path []string) ([]page, error) {
	words := append([]string{filepath.Base(program)}, path...)
	pages := []page{{strings.Join(words, "-") + ".md", h.render(strings.Join(words, "-"), strings.Join(words, " "))}}
	for _, c := range h.commands {
		below := append(slices.Clone(path), c.name)
		inner, err := help(ctx, program, below...)
		if err != nil {
			return nil, err
		}
		more, err := commandTree(ctx, program, inner, below)
		if err != nil {
			return nil, err
		}
		pages = append(pages, more...)
	}
	return pages, nil
}

// helpText is what --help prints, taken apart.
type helpText struct {
	about    string
	usage    string
	examples string
	commands []entry
	flags    []entry
}

// entry is a command or a flag and what it does.
type entry struct{ name, about string }

func help(ctx context.Context, program string, command ...string) (helpText, error) {
	cmd := exec.CommandContext(ctx, program, append(command, "--help")...) //nolint:gosec // our own program
	cmd.Env = []string{}                                                   // an address in the environment must not reach a page
	out, err := cmd.Output()
	if err != nil {
		return helpText{}, fmt.Errorf("help of %q: %w", command, err)
	}
	h, err := parseHelp(string(out))
	if err != nil {
		return helpText{}, fmt.Errorf("help of %q: %w", command, err)
	}
	return h, nil
}

// heading begins a section of the help text.
var heading = regexp.MustCompile(`^(Usage|Examples|Available Commands|Flags):$`)

// item is a line of a section that lists: a name, two blanks or more, a text.
var item = regexp.MustCompile(`^\s+(\S.*?)\s{2,}(\S.*)$`)

func parseHelp(text string) (helpText, error) {
	var h helpText
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
			continue
		}
		switch section {
		case "":
			h.about += line + "\n"
		case "Usage":
			h.usage += strings.TrimPrefix(line, "  ") + "\n"
		case "Examples":
			h.examples += strings.TrimPrefix(line, "  ") + "\n"
		default:
			if line == "" || strings.HasPrefix(line, "Use ") {
				continue
			}
			m := item.FindStringSubmatch(line)
			if m == nil {
				return h, fmt.Errorf("%w: %q under %s", errForm, line, section)
			}
			h.list(section, entry{m[1], m[2]})
		}
	}
	if h.usage == "" || len(h.flags) == 0 {
		return h, fmt.Errorf("%w: no usage or no flags", errForm)
	}
	return h, nil
}

// list adds an entry, but for those that cobra gives every program.
func (h *helpText) list(section string, e entry) {
	switch {
	case section == "Flags":
		h.flags = append(h.flags, e)
	case e.name != "help" && e.name != "completion":
		h.commands = append(h.commands, e)
	}
}

func (h helpText) render(program, title string) string {
	var out strings.Builder
	out.WriteString("# " + title + "\n\n" + strings.TrimSpace(h.about) + "\n\n")
	block(&out, "", h.usage)
	block(&out, "## Examples\n\n", h.examples)
	if len(h.commands) > 0 {
		out.WriteString("## Commands\n\n" + row("command", "what it does") + row("---", "---"))
		for _, c := range h.commands {
			out.WriteString(row("["+c.name+"]("+program+"-"+c.name+".md)", c.about))
		}
		out.WriteString("\n")
	}
	out.WriteString("## Flags\n\n" + row("flag", "what it does") + row("---", "---"))
	for _, f := range h.flags {
		out.WriteString(row(code(f.name), f.about))
	}
	return out.String()
}

func block(out *strings.Builder, title, text string) {
	if text = strings.TrimSpace(text); text != "" {
		out.WriteString(title + "```sh\n" + text + "\n```\n\n")
	}
}
