package source

import (
	"encoding/hex"
	"strconv"
	"strings"

	"leap/internal/row"
	"leap/internal/schema"
)

// The names that the statements of a slice give to what they join. The columns
// of the table itself stay without a qualifier, so these must not be columns.
const (
	inner    = "leap_t" // the table, where the keys of a slice are looked for
	found    = "leap_s" // the keys, or the parents, that were found
	foundKey = "leap_k" // their columns, numbered
	parent   = "leap_p" // the tables along the path, numbered from the table on
	// all keeps a derived table from being merged into the query around it: the
	// optimizer would choose another order of joins.
	all = " LIMIT 18446744073709551615"
)

// selection is FROM, WHERE and ORDER BY of rows of a table or of its slice. The
// table's columns can be named without a qualifier.
type selection struct {
	from, where string
	order       []string
}

// selectRows selects the rows of a range in the order of OrderKey.
func selectRows(m *schema.Mapping, r row.Range) (selection, error) {
	s, err := sliceRows(m, r)
	s.where = both(s.where, filtered(m.Filter))
	return s, err
}

// filtered is a plan's condition as a part of a larger one.
func filtered(condition string) string {
	if condition == "" {
		return "TRUE"
	}
	return "(" + condition + ")"
}

// sliceRows is selectRows without the plan's filter.
func sliceRows(m *schema.Mapping, r row.Range) (selection, error) {
	key := OrderKey(m)
	s := selection{from: quote(m.SourceName)}
	if m.Slice != nil && keyed(m) && m.Slice.Access.ByIndex && !inOrder(m, key) {
		return selectKeys(m, key, r)
	}
	var err error
	if s.where, err = predicate(key, r); err != nil {
		return s, err
	}
	index := ""
	if len(key) > 0 {
		// The optimizer may prefer a scan with a sort, which starts late and
		// spills a large table to disk on the customer's server.
		index = m.KeyIndex
		for _, c := range key {
			s.order = append(s.order, quote(c.Source))
		}
	}
	if m.Slice == nil {
		s.from += forced(index)
		return s, nil
	}
	if m.Slice.Access.ByIndex && inOrder(m, key) {
		index = m.Slice.Access.Indexes[0]
	}
	member, err := membership("", m.Slice)
	s.from += forced(index)
	s.where = both(s.where, member)
	return s, err
}

// keyed reports whether rows can be found again by their key.
func keyed(m *schema.Mapping) bool { return len(m.Key) > 0 && m.KeyIndex != "" }

// inOrder reports whether the index on the tenant column lists the tenant's
// rows in the order of the key: an index of InnoDB ends in the primary key.
func inOrder(m *schema.Mapping, key []schema.ColumnMapping) bool {
	s := m.Slice
	if len(s.Path) > 0 || len(s.Access.Indexes) != 1 || s.Access.Indexes[0] == "" || m.Source == nil {
		return false
	}
	if len(key) == 0 {
		return true
	}
	pk := m.Source.PrimaryKey
	if pk == nil || m.KeyIndex != pk.Name {
		return false
	}
	parts := pk.Parts
	if s.Access.Indexes[0] != pk.Name {
		if len(s.Values) > 1 {
			return false
		}
		parts = append(append([]schema.KeyPart{}, indexNamed(m.Source, s.Access.Indexes[0]).Parts[1:]...), parts...)
	}
	for _, c := range key {
		if len(s.Values) == 1 && c.Source == s.Column {
			continue // the same in all rows
		}
		for len(parts) > 0 && len(s.Values) == 1 && parts[0].Column == s.Column {
			parts = parts[1:]
		}
		if len(parts) == 0 || parts[0].Column != c.Source || parts[0].Prefix != 0 || parts[0].Descending {
			return false
		}
		parts = parts[1:]
	}
	return true
}

func indexNamed(t *schema.Table, name string) schema.Index {
	if i := t.Index(name); i != nil {
		return *i
	}
	return schema.Index{Parts: []schema.KeyPart{{}}}
}

// selectKeys finds the keys of a slice through indexes, sorts them, and reads
// the rows by key: neither are other rows read nor whole rows sorted.
func selectKeys(m *schema.Mapping, order []schema.ColumnMapping, r row.Range) (selection, error) {
	where, err := predicateOf(inner, order, r)
	if err != nil {
		return selection{}, err
	}
	from, owned, err := chain(m.Slice, quote(m.SourceName))
	if err != nil {
		return selection{}, err
	}
	keys := m.KeyColumns()
	var list, join []string
	for i, c := range keys {
		name := foundKey + strconv.Itoa(i)
		list = append(list, qualified(inner, c.Source)+" AS "+name)
		join = append(join, quote(c.Source)+" = "+name)
	}
	s := selection{where: "TRUE"}
	s.from = "(" + once(m.Slice, strings.Join(list, ", ")) + from + " WHERE " + both(owned, where) + all + ") AS " + found +
		" STRAIGHT_JOIN " + quote(m.SourceName) + forced(m.KeyIndex) + " ON " + strings.Join(join, " AND ")
	for _, c := range order {
		for i, k := range keys {
			if k.Name == c.Name {
				s.order = append(s.order, foundKey+strconv.Itoa(i))
			}
		}
	}
	return s, nil
}

// once selects what may come several times from a path that is not single.
func once(s *schema.Slice, list string) string {
	if s.Access.Single {
		return "SELECT " + list
	}
	return "SELECT DISTINCT " + list
}

// selectAll selects all rows of a slice in any order.
func selectAll(table string, s *schema.Slice) (selection, error) {
	if s == nil {
		return selection{from: table, where: "TRUE"}, nil
	}
	if !s.Access.ByIndex {
		member, err := membership("", s)
		return selection{from: table + scanned, where: member}, err
	}
	if len(s.Path) == 0 {
		member, err := membership("", s)
		return selection{from: table + forced(s.Access.Indexes[0]), where: member}, err
	}
	parents, err := parentsOf(s)
	if err != nil {
		return selection{}, err
	}
	var join []string
	for i, c := range s.Path[0].Columns {
		join = append(join, quote(c)+" = "+foundKey+strconv.Itoa(i))
	}
	return selection{
		from: "(" + parents + ") AS " + found + " STRAIGHT_JOIN " + table +
			forced(s.Access.Indexes[len(s.Access.Indexes)-1]) + " ON " + strings.Join(join, " AND "),
		where: "TRUE",
	}, nil
}

// membership is the condition that a row belongs to the slice; the table's
// columns are those of alias, or without a qualifier.
func membership(alias string, s *schema.Slice) (string, error) {
	if len(s.Path) == 0 {
		return owned(alias, s)
	}
	parents, err := parentsOf(s)
	if err != nil {
		return "", err
	}
	var columns []string
	for _, c := range s.Path[0].Columns {
		columns = append(columns, qualified(alias, c))
	}
	list := make([]string, len(columns))
	for i := range columns {
		list[i] = foundKey + strconv.Itoa(i)
	}
	return "(" + strings.Join(columns, ", ") + ") IN (SELECT " + strings.Join(list, ", ") + " FROM (" + parents + ") AS " + found + ")", nil
}

// parentsOf selects what the first hop of a path refers to, for one tenant.
func parentsOf(s *schema.Slice) (string, error) {
	from, where, err := chain(s, "")
	if err != nil {
		return "", err
	}
	var list []string
	for i, c := range s.Path[0].Parent {
		list = append(list, qualified(parent+"1", c)+" AS "+foundKey+strconv.Itoa(i))
	}
	return once(s, strings.Join(list, ", ")) + from + " WHERE " + where + all, nil
}

// chain joins the tables of a path from the tenant's values on; down to the
// table itself if there is one, else down to the first hop's parent.
func chain(s *schema.Slice, table string) (from, where string, err error) {
	n := len(s.Path)
	name := func(i int) string {
		if i == 0 {
			return inner
		}
		return parent + strconv.Itoa(i)
	}
	index := func(i int) string {
		if at := n - i; at < len(s.Access.Indexes) {
			return forced(s.Access.Indexes[at])
		}
		return ""
	}
	text := func(i int) string {
		if i == 0 {
			return table + " AS " + inner + index(0)
		}
		return quote(s.Path[i-1].Table) + " AS " + name(i) + index(i)
	}
	from = " FROM " + text(n)
	last := 0
	if table == "" {
		last = 1
	}
	for i := n - 1; i >= last; i-- {
		from += " STRAIGHT_JOIN " + text(i) + " ON " + equal(name(i), s.Path[i].Columns, name(i+1), s.Path[i].Parent)
	}
	where, err = owned(name(n), s)
	return from, where, err
}

func equal(a string, as []string, b string, bs []string) string {
	terms := make([]string, len(as))
	for i := range as {
		terms[i] = qualified(a, as[i]) + " = " + qualified(b, bs[i])
	}
	return strings.Join(terms, " AND ")
}

// owned is the condition that the tenant column holds one of the values. Text
// is compared twice: as the index sorts it, to find the rows, and exactly.
func owned(alias string, s *schema.Slice) (string, error) {
	c := s.Access.Owner
	var literals, exact []string
	for _, v := range s.Values {
		l, err := literal(indexed(c), v)
		if err != nil {
			return "", err
		}
		literals = append(literals, l)
		exact = append(exact, "X'"+hex.EncodeToString([]byte(v))+"'")
	}
	column := qualified(alias, c.Source)
	condition := in(column, literals)
	if c.Kind == schema.Text || c.Kind == schema.Enum {
		condition += " AND " + in("CAST(CONVERT("+column+" USING utf8mb4) AS BINARY)", exact)
	}
	return condition, nil
}

// indexed makes a label comparable as a text, which is how its index finds it.
func indexed(c schema.ColumnMapping) schema.ColumnMapping {
	if c.Kind == schema.Enum {
		c.Kind = schema.Text
	}
	return c
}

func in(column string, literals []string) string {
	if len(literals) == 1 {
		return column + " = " + literals[0]
	}
	return column + " IN (" + strings.Join(literals, ", ") + ")"
}

func qualified(alias, column string) string {
	if alias == "" {
		return quote(column)
	}
	return alias + "." + quote(column)
}

// scanned has a table read from its begin to its end. Left alone, the optimizer
// goes through an index on the referring column for most rows of a table, which
// takes several times as long.
const scanned = " USE INDEX ()"

func forced(index string) string {
	if index == "" {
		return ""
	}
	return " FORCE INDEX (" + quote(index) + ")"
}

func both(a, b string) string {
	switch {
	case a == "TRUE":
		return b
	case b == "TRUE":
		return a
	}
	return a + " AND " + b
}
