package convert

import (
	"fmt"
	"strings"
)

// SQL returns the whole DDL as a script to read, in the order in which the
// statements run. Running it by hand is possible on an empty schema; the
// statements that ask whether their object exists say so in a comment.
func (p *Plan) SQL() string {
	var out strings.Builder
	fmt.Fprintf(&out, "-- DDL for %s: %d tables\n", oneLine(p.Database), len(p.Tables))
	for _, f := range p.Findings {
		fmt.Fprintf(&out, "-- %s %s, %s: %s\n", f.Severity, oneLine(f.Object), f.Rule, oneLine(f.Problem))
	}
	section(&out, "before the rows", p.Before)
	section(&out, "after the rows", p.After)
	return out.String()
}

func section(out *strings.Builder, title string, statements []Statement) {
	fmt.Fprintf(out, "\n-- %s\n", title)
	for _, s := range statements {
		fmt.Fprintf(out, "\n-- %s\n", oneLine(s.Name))
		if s.Exists != "" {
			out.WriteString("-- (not when it exists)\n")
		}
		out.WriteString(s.SQL + ";\n")
	}
}

// oneLine keeps a name with a line break from ending its comment.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}
