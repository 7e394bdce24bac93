package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"leap/internal/fault"
)

// Problem is one thing that is wrong with a plan.
type Problem struct {
	File         string
	Line, Column int // 0 where it is about the file as a whole
	Text, Remedy string
}

// String says where and what, without the remedy.
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems are all that could be found wrong at once.
type Problems []Problem

// Err returns the problems, in the file's order, as an *Error of class Usage;
// nil for none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return fault.Wrap(fault.Usage, sorted[0].Remedy, &Error{sorted})
}

// Distinct drops what several tenants ran into together. Of the remedies that their
// tables suggest it keeps the likely one.
func (ps Problems) Distinct() Problems {
	var out Problems
	for _, p := range ps {
		switch i := slices.IndexFunc(out, func(o Problem) bool { return o.String() == p.String() }); {
		case i < 0:
			out = append(out, p)
		case suggests(p.Remedy) && !suggests(out[i].Remedy):
			out[i] = p
		}
	}
	return out
}

// Error is a plan that is wrong.
type Error struct{ Problems Problems }

// Error joins the problems in one line.
func (e *Error) Error() string {
	out := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		out[i] = p.String()
	}
	return strings.Join(out, "; ")
}

// Each returns each problem as an error of class Usage with its remedy as hint.
func (e *Error) Each() []error {
	out := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		out[i] = fault.New(fault.Usage, p.Remedy, "%s", p)
	}
	return out
}

// mark is a place in the file.
type mark struct{ line, column int }

// problem makes a Problem about what lies at a path. A path that is not in the
// file is about the nearest thing that encloses it.
func (p *Plan) problem(path, remedy, format string, args ...any) Problem {
	out := Problem{File: p.name, Text: fmt.Sprintf(format, args...), Remedy: remedy}
	for {
		if m, ok := p.marks[path]; ok {
			out.Line, out.Column = m.line, m.column
			return out
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return out
		}
		path = path[:i]
	}
}

// At makes a Problem about what lies at a path of the file, such as
// "tenants[2].target" or "policies.zero-date", found by somebody else.
func (p *Plan) At(path, remedy, format string, args ...any) Problem {
	return p.problem(path, remedy, format, args...)
}

// PathOf returns the path of a tenant, for At.
func (p *Plan) PathOf(t *Tenant) string {
	return fmt.Sprintf("tenants[%d]", slices.Index(p.Tenants, t))
}

// nearest returns the name that somebody who wrote this may have meant; empty
// when none is near.
func nearest(wrote string, known []string) string {
	best, least := "", max(2, len(wrote)/3)+1
	for _, k := range known {
		a, b := strings.ToLower(wrote), strings.ToLower(k)
		d := distance(a, b)
		if len(a) > 2 && strings.HasPrefix(b, a) { // the end is missing
			d = 1
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// suggests reports whether didYouMean knew what is meant.
func suggests(remedy string) bool { return strings.HasPrefix(remedy, "did you mean") }

// didYouMean is the remedy for a name that is not there.
func didYouMean(wrote string, known []string) string {
	slices.Sort(known)
	if near := nearest(wrote, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	const screen = 12
	switch {
	case len(known) == 0:
		return "there is none to choose from"
	case len(known) > screen:
		return "there are " + strings.Join(known[:screen], ", ") + " and more"
	}
	return "there is " + strings.Join(known, ", ")
}

// distance is the number of letters to add, remove or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost++
			}
			previous = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
