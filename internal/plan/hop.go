package plan

import (
	"regexp"
	"slices"
	"strings"

	"leap/internal/schema"
)

// link is a foreign key as a plan writes it: table, its columns, and where they lead.
type link struct {
	table string // empty in a rule, which says itself what it is about
	hop   schema.Hop
}

// end is one side of an arrow: name, name.column, name(column, column), or
// (column, column).
var end = regexp.MustCompile(`^\s*([^\s.(),>]*)\s*(?:\.\s*([^\s.(),>]+)|\(([^()]+)\))?\s*$`)

// parseSide returns the name before the columns, and the columns.
func parseSide(text string) (name string, columns []string, ok bool) {
	m := end.FindStringSubmatch(text)
	if m == nil {
		return "", nil, false
	}
	switch {
	case m[2] != "":
		columns = []string{m[2]}
	case m[3] != "":
		for c := range strings.SplitSeq(m[3], ",") {
			columns = append(columns, strings.TrimSpace(c))
		}
	}
	if slices.Contains(columns, "") {
		return "", nil, false
	}
	return m[1], columns, m[1] != "" || len(columns) > 0
}

// parseVia reads the way out of a table: account_id -> accounts.id,
// (bank, no) -> accounts(bank, no), account_id -> accounts.
func parseVia(text string) (link, bool) {
	from, to, ok := strings.Cut(text, "->")
	if !ok || strings.Contains(to, "->") {
		return link{}, false
	}
	name, columns, ok := parseSide(from)
	if !ok {
		return link{}, false
	}
	if len(columns) == 0 { // a column alone
		columns, name = []string{name}, ""
	}
	parent, parentColumns, ok := parseSide(to)
	if !ok || parent == "" || len(parentColumns) > 0 && len(parentColumns) != len(columns) {
		return link{}, false
	}
	return link{name, schema.Hop{Columns: columns, Table: parent, Parent: parentColumns}}, true
}

// parseForeignKey reads a foreign key with the table that has it:
// transactions.account_id -> accounts.id.
func parseForeignKey(text string) (link, bool) {
	l, ok := parseVia(text)
	return l, ok && l.table != ""
}

// hopText writes a way as parseVia reads it.
func hopText(h schema.Hop) string {
	if len(h.Columns) == 1 && len(h.Parent) == 1 {
		return h.Columns[0] + " -> " + h.Table + "." + h.Parent[0]
	}
	return "(" + strings.Join(h.Columns, ", ") + ") -> " + h.Table + "(" + strings.Join(h.Parent, ", ") + ")"
}
