package convert

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"leap/internal/schema"
)

// enumType makes a type <table>_<column>. Each column has a type of its own:
// MySQL's ENUM belongs to its column, and changing one must not change another.
func enumType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Labels = schema.Enum, c.Type.Labels
	b.describeText(t, c)
	if why := b.unfitLabels(c.Type.Labels); why != "" {
		longest := 1
		for _, l := range c.Type.Labels {
			longest = max(longest, utf8.RuneCountInString(l))
		}
		m.Type = fmt.Sprintf("VARCHAR(%d)", longest)
		t.check(t.name+"_"+m.Name+"_label", quote(m.Name)+" IN ("+literals(c.Type.Labels)+")")
		b.warn("enum-as-text", t.object(c.Name),
			"ENUM becomes "+m.Type+" with a CHECK because "+why+"; it sorts by text and not by position",
			"shorten the labels on the source if the order matters")
		return
	}
	name := b.names.claim(b.typeName(t.name + "_" + m.Name))
	m.Type = b.qualify(name)
	t.plan.Types = append(t.plan.Types, name)
	b.before(Statement{
		Name: "type " + name, Kind: KindType, Table: t.name,
		SQL:    "CREATE TYPE " + m.Type + " AS ENUM (" + literals(c.Type.Labels) + ")",
		Exists: b.typeExists(name),
	})
}

// typeName replaces what CockroachDB 20.2 cannot handle in the name of an enum
// type: its COPY builds casts from the name without quoting it.
func (b *builder) typeName(name string) string {
	if !b.d.Cockroach {
		return name
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}

// unfitLabels says why the labels cannot be those of an enum type; empty when they can.
func (b *builder) unfitLabels(labels []string) string {
	seen := map[string]bool{}
	for _, l := range labels {
		switch {
		case b.d.MaxIdentifierBytes > 0 && len(l) > b.d.MaxIdentifierBytes:
			return fmt.Sprintf("a label is longer than %d bytes", b.d.MaxIdentifierBytes)
		case seen[l]:
			return fmt.Sprintf("the label %q comes twice", l)
		}
		seen[l] = true
	}
	return ""
}

// setType makes an array of labels, or one string where the column is part of
// a key: CockroachDB cannot index arrays.
func setType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Labels = schema.Set, c.Type.Labels
	b.describeText(t, c)
	keyed := t.indexed[strings.ToLower(c.Name)]
	labels := "ARRAY[" + literals(c.Type.Labels) + "]::" + b.d.text() + "[]"
	value := quote(m.Name)
	if m.AsText = keyed || b.p.Sets == "string"; m.AsText {
		m.Type = b.d.text()
		value = "string_to_array(" + value + ", ',')"
	} else {
		m.Type = b.d.text() + "[]"
	}
	t.check(t.name+"_"+m.Name+"_set", value+" <@ "+labels)
	switch {
	case keyed && b.p.Sets != "string":
		b.warn("set-as-text", t.object(c.Name),
			"SET becomes one string of labels joined by commas because a key uses the column and arrays cannot be indexed",
			"drop the key on the source before the move if an array is wanted")
	case !m.AsText:
		b.info("set-array", t.object(c.Name),
			"SET becomes an array of labels in definition order; FIND_IN_SET and bit tests need other SQL",
			"write 'label' = ANY (column), or choose set=string")
	default:
		b.info("set-string", t.object(c.Name),
			"SET becomes one string of labels joined by commas; nothing keeps new values in definition order",
			"write the labels in definition order in the application")
	}
}

// literals returns the texts as string literals, joined by commas.
func literals(texts []string) string {
	out := make([]string, len(texts))
	for i, l := range texts {
		out[i] = literal(l)
	}
	return strings.Join(out, ", ")
}

// labelOf returns the label that MySQL would take the text for: comparing
// labels ignores case under most collations.
func labelOf(labels []string, text string) (string, bool) {
	if slices.Contains(labels, text) {
		return text, true
	}
	i := slices.IndexFunc(labels, func(l string) bool { return strings.EqualFold(l, text) })
	if i < 0 {
		return "", false
	}
	return labels[i], true
}
