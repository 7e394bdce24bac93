package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"leap/internal/schema"
)

// finding is one thing that a rule can say.
type finding struct {
	rule, severity string
	problem        string
	advice         string
}

// findingsPage lists every finding that the rules can make. It reads the code
// that makes them: a rule in a form that it does not know is an error, so none
// is left out in silence.
func findingsPage(root string) (string, error) {
	var all []finding
	for _, dir := range []string{"internal/convert", "internal/source", "internal/migrate"} {
		found, err := readRules(filepath.Join(root, dir))
		if err != nil {
			return "", err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b finding) int {
		return cmp.Or(cmp.Compare(rank(a.severity), rank(b.severity)), cmp.Compare(a.rule, b.rule), cmp.Compare(a.problem, b.problem))
	})
	all = slices.Compact(all)
	var out strings.Builder
	out.WriteString("# Findings\n\n" +
		"What `assess` can find, by severity. A blocker stops the move until it is\n" +
		"decided; a warning says that something besides the rows is lost or changes; an\n" +
		"info is good to know. The rule is the name in the report. `…` stands for names,\n" +
		"numbers and expressions of the database at hand, ` / ` between alternatives.\n\n" +
		row("severity", "rule", "what happens", "what to do") + row("---", "---", "---", "---"))
	for _, f := range all {
		out.WriteString(row(f.severity, code(f.rule), f.problem, f.advice))
	}
	return out.String(), nil
}

func rank(severity string) int {
	return slices.Index([]string{string(schema.Blocker), string(schema.Warning), string(schema.Info)}, severity)
}

// readRules reads the findings of one package.
func readRules(dir string) ([]finding, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var out []finding
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parse a rule: %w", err)
		}
		for _, d := range file.Decls {
			r := reader{file: filepath.Base(path), scope: d}
			ast.Inspect(d, r.visit)
			if r.err != nil {
				return nil, r.err
			}
			out = append(out, r.found...)
		}
	}
	return out, nil
}

// reader collects the findings that one declaration can make.
type reader struct {
	file  string
	scope ast.Decl
	found []finding
	err   error
}

// severities are the builder's methods that make a finding.
var severities = map[string]string{"block": "blocker", "warn": "warning", "info": "info"}

func (r *reader) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.SelectorExpr); ok && severities[f.Sel.Name] != "" && len(n.Args) == 4 {
			r.add(n.Args[0], []string{severities[f.Sel.Name]}, n.Args[2], n.Args[3])
		}
	case *ast.CompositeLit:
		r.literal(n)
	}
	return r.err == nil
}

// literal reads schema.Finding{..}, policyFact{..} and the list of needs.
func (r *reader) literal(n *ast.CompositeLit) {
	fields := map[string]ast.Expr{}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if name, ok := kv.Key.(*ast.Ident); ok {
				fields[name.Name] = kv.Value
			}
		}
	}
	switch name(n.Type) {
	case "schema.Finding":
		if fields["Problem"] == nil || name(fields["Problem"]) == "problem" {
			return // builder.find passes on what its callers, read above, gave it
		}
		if name(fields["Rule"]) == "n.rule" {
			return // the list of needs is read where it stands
		}
		r.add(fields["Rule"], r.severity(fields["Severity"]), fields["Problem"], fields["Advice"])
	case "policyFact":
		rule, what := r.strings(fields["rule"]), r.template(fields["what"])
		for _, s := range rule {
			r.found = append(r.found,
				finding{s, "blocker", "the column holds … " + what, "repair the values on the source, or choose " + r.template(fields["choices"])},
				finding{s + "-changed", "warning", "… values will be changed by the policy: " + what, "the report counts and lists each change"})
		}
	case "":
		r.need(n)
	}
}

// need reads an element of source's needs: rule, privileges, problem.
func (r *reader) need(n *ast.CompositeLit) {
	g, ok := r.scope.(*ast.GenDecl)
	if !ok || len(n.Elts) != 3 || g.Tok != token.VAR {
		return
	}
	if v, ok := g.Specs[0].(*ast.ValueSpec); !ok || v.Names[0].Name != "needs" {
		return
	}
	r.add(n.Elts[0], []string{"warning"}, n.Elts[2], nil)
	if len(r.found) > 0 {
		r.found[len(r.found)-1].advice = "give the account the privilege that the finding names"
	}
}

func (r *reader) add(rule ast.Expr, severity []string, problem, advice ast.Expr) {
	names := r.strings(rule)
	if len(names) == 0 {
		return
	}
	for _, s := range severity {
		r.found = append(r.found, finding{strings.Join(names, "`, `"), s, r.template(problem), r.template(advice)})
	}
}

// strings returns the values that a rule's name can have.
func (r *reader) strings(e ast.Expr) []string {
	if s, ok := text(e); ok {
		return []string{s}
	}
	switch e := e.(type) {
	case *ast.Ident:
		var out []string
		for _, v := range r.assigned(e.Name) {
			if s, ok := text(v); ok {
				out = append(out, s)
			}
		}
		if len(out) > 0 {
			return out
		}
	case *ast.SelectorExpr:
		if name(e) == "f.rule" {
			return nil // policyFact: read where its literals stand
		}
	case *ast.BinaryExpr:
		if name(e.X) == "f.rule" {
			return nil
		}
		if call, ok := e.X.(*ast.CallExpr); ok && len(call.Args) == 1 && name(call.Args[0]) == "o.Kind" {
			return dropped
		}
	}
	r.err = fmt.Errorf("%w: a rule's name in %s", errForm, r.file)
	return nil
}

// dropped are the rules about objects without rows; their names are made of the kinds.
var dropped = []string{
	string(schema.View) + "-dropped", string(schema.Trigger) + "-dropped", string(schema.Procedure) + "-dropped",
	string(schema.Function) + "-dropped", string(schema.Event) + "-dropped", string(schema.Sequence) + "-dropped",
	string(schema.Package) + "-dropped",
}

// severity returns the severities that an expression can have.
func (r *reader) severity(e ast.Expr) []string {
	known := map[string]string{"schema.Blocker": "blocker", "schema.Warning": "warning", "schema.Info": "info"}
	if s := known[name(e)]; s != "" {
		return []string{s}
	}
	var out []string
	for _, v := range r.assigned(name(e)) {
		if s := known[name(v)]; s != "" {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		r.err = fmt.Errorf("%w: a severity in %s", errForm, r.file)
	}
	return out
}

// assigned returns what the declaration assigns to a variable.
func (r *reader) assigned(variable string) []ast.Expr {
	var out []ast.Expr
	ast.Inspect(r.scope, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i, left := range a.Lhs {
				if name(left) == variable {
					out = append(out, a.Rhs[i])
				}
			}
		}
		return true
	})
	return out
}

// name returns x or x.y; empty for anything else.
func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return name(e.X) + "." + e.Sel.Name
	}
	return ""
}

func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// verb is a verb of package fmt.
var verb = regexp.MustCompile(`%[-+# 0]*[0-9]*(\.[0-9]+)?(\[[0-9]+\])?[a-zA-Z]`)

const anything = "…"

// template returns an expression's text with … for what is known at run time
// only. A variable stands for all the texts that it is given.
func (r *reader) template(e ast.Expr) string {
	if s, ok := text(e); ok {
		return verb.ReplaceAllString(s, anything)
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return r.template(e.X) + r.template(e.Y)
	case *ast.CallExpr:
		if name(e.Fun) == "fmt.Sprintf" {
			return r.template(e.Args[0])
		}
	case *ast.Ident:
		var out []string
		for _, v := range r.assigned(e.Name) {
			if t := r.template(v); t != anything && t != "" && !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
		if len(out) > 0 {
			return strings.Join(out, " / ")
		}
	}
	return anything
}
