package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"

	"leap/internal/convert"
)

func policiesPage() string {
	var out strings.Builder
	out.WriteString("# Policies\n\n" +
		"`--policy NAME=VALUE` decides what happens to values that cannot arrive as they\n" +
		"are, and what some types become. It may be given several times. The default\n" +
		"changes no value. `assess`, `schema`, `copy`, `verify` and `run` take it; give\n" +
		"all of them the same policies.\n\n" +
		row("policy", "decides", "value", "meaning") + row("---", "---", "---", "---"))
	for _, p := range convert.PolicyHelp() {
		name, about := code(p.Name), p.About
		for _, v := range p.Values {
			value := code(v.Value)
			if v.Value == p.Default {
				value += " (default)"
			}
			out.WriteString(row(name, about, value, v.Meaning))
			name, about = "", ""
		}
	}
	return out.String()
}

// exitCodes reads the classes of package fault, whose values are the codes.
func exitCodes(root string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "internal/fault/fault.go"), nil, parser.ParseComments)
	if err != nil {
		return "", fmt.Errorf("parse: %w", err)
	}
	var out strings.Builder
	out.WriteString("# Exit codes\n\n" + row("code", "name", "meaning") + row("---", "---", "---") +
		row("0", "done", "the command did what it was asked; `run`, `verify` and `demo`: every row was compared and is equal; `loadgen run`, `gate`: every threshold and invariant was met"))
	found := false
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, s := range group.Specs {
			c, ok := s.(*ast.ValueSpec)
			if !ok || len(c.Values) != 1 || len(c.Names) != 1 {
				return "", fmt.Errorf("%w: a constant of package fault", errForm)
			}
			value, ok := c.Values[0].(*ast.BasicLit)
			if !ok {
				return "", fmt.Errorf("%w: fault.%s", errForm, c.Names[0].Name)
			}
			out.WriteString(row(value.Value, strings.ToLower(c.Names[0].Name), strings.TrimSpace(c.Comment.Text())))
			found = true
		}
	}
	if !found {
		return "", fmt.Errorf("%w: package fault has no constants", errForm)
	}
	out.WriteString("\nAn error is printed on stderr as one line that begins with the command's name, and, where\n" +
		"there is something to do, a line that begins with `hint:`.\n")
	return out.String(), nil
}
