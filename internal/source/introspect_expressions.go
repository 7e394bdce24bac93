package source

import (
	"context"
	"strings"
	"unicode/utf8"

	"leap/internal/schema"
)

// restoreExpressions repairs the expressions of defaults, generated columns and
// checks in which MariaDB's catalog shows '?' for each byte of a character beyond
// three bytes. A CHECK would compare with question marks on the target. SHOW
// CREATE TABLE prints the same expressions unharmed; a table without a '?' in any
// of them costs no question.
func (in *introspection) restoreExpressions(ctx context.Context, t *schema.Table) error {
	if in.info.Product != MariaDB {
		return nil // MySQL's texts are put together by rejoined
	}
	places := garbledExpressions(t)
	if len(places) == 0 {
		return nil
	}
	definition, err := in.definition(ctx, t)
	if err != nil && !refusesQuestion(err) {
		return err
	}
	shown := asCatalog(definition)
	for _, p := range places {
		*p.text = p.in(definition, shown)
	}
	return nil
}

// expressionPlace is where a table's definition holds an expression.
type expressionPlace struct {
	text *string
	// line begins the line; before and after stand around the expression in it.
	line          []string
	before, after string
}

func garbledExpressions(t *schema.Table) []expressionPlace {
	var out []expressionPlace
	column := func(name string) string { return "\n  " + quote(name) + " " }
	for i := range t.Columns {
		c := &t.Columns[i]
		if d := c.Default; d != nil && d.Expression && garbled(d.Text) {
			out = append(out, expressionPlace{&d.Text, []string{column(c.Name)}, " DEFAULT ", ""})
		}
		if g := c.Generated; g != nil && garbled(g.Expression) {
			out = append(out, expressionPlace{&g.Expression, []string{column(c.Name)}, " AS (", ")"})
		}
	}
	for i := range t.Checks {
		if c := &t.Checks[i]; garbled(c.Expression) {
			// That of a column has the column's name and stands in its line.
			lines := []string{"\n  CONSTRAINT " + quote(c.Name), column(c.Name)}
			out = append(out, expressionPlace{&c.Expression, lines, " CHECK (", ")"})
		}
	}
	return out
}

// unreadable makes an expression one that no rule of the conversion understands,
// so that it is dropped with a finding.
const unreadable = "? "

// in finds the expression in the definition by what the catalog makes of both,
// which is as long as they are.
func (p expressionPlace) in(definition, shown string) string {
	for _, line := range p.line {
		start := strings.Index(shown, line)
		if start < 0 {
			continue
		}
		// The blank at the end of a column's name may begin what stands before.
		start += len(strings.TrimSuffix(line, " "))
		end, _, _ := strings.Cut(shown[start:], "\n")
		if at := strings.Index(end, p.before+*p.text+p.after); at >= 0 {
			start += at + len(p.before)
			return definition[start : start+len(*p.text)]
		}
	}
	return unreadable + *p.text
}

// asCatalog is what MariaDB's catalog shows of a text.
func asCatalog(text string) string {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		_, size := utf8.DecodeRuneInString(text)
		if size > len("\uffff") {
			out = append(out, "????"...)
		} else {
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return string(out)
}
