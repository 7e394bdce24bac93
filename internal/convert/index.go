package convert

import (
	"fmt"
	"strings"

	"leap/internal/schema"
)

// moves says whether the target has indexes of that type.
func moves(indexType string) bool {
	switch strings.ToUpper(indexType) {
	case "", "BTREE", "HASH":
		return true
	}
	return false
}

// indexName is a source index and its name on the target.
type indexName struct {
	source *schema.Index
	name   string
}

// nameIndexes chooses the names of all secondary indexes. MySQL and CockroachDB
// keep them per table; PostgreSQL keeps them beside the tables, so a name that
// two tables use becomes <table>_<index> in both.
func (b *builder) nameIndexes() {
	wanted := map[string]int{}
	for _, t := range b.tables {
		for _, ix := range t.src.Indexes {
			wanted[ix.Name]++
		}
	}
	for _, t := range b.tables {
		space := b.names
		if b.d.Cockroach {
			space = newNamespace(b.d.MaxIdentifierBytes)
		}
		for i := range t.src.Indexes {
			ix := &t.src.Indexes[i]
			if !moves(ix.Type) {
				continue
			}
			want := ix.Name
			if space.taken[want] || !b.d.Cockroach && wanted[want] > 1 {
				want = t.name + "_" + want
			}
			name := space.claim(want)
			if ix.Unique && t.constraints.taken[name] {
				name = space.claim(name + "_key")
			}
			if ix.Unique {
				t.constraints.taken[name] = true
			}
			if name != ix.Name {
				b.info("index-renamed", t.object(ix.Name),
					fmt.Sprintf("the index becomes %q: its own name is taken or too long on the target", name),
					"use the new name in index hints")
			}
			t.indexes = append(t.indexes, indexName{ix, name})
		}
	}
}

// createIndexes writes the secondary indexes of the table.
func (b *builder) createIndexes(t *table) {
	for _, ix := range t.src.Indexes {
		if !moves(ix.Type) {
			b.warn("index-type-dropped", t.object(ix.Name),
				ix.Type+" indexes are not moved",
				"rewrite the searches that use it; a trigram or inverted index on the target may serve")
		}
	}
	for _, ix := range t.indexes {
		b.createIndex(t, ix)
	}
}

func (b *builder) createIndex(t *table, ix indexName) {
	unique, whole := ix.source.Unique, true
	parts := make([]string, len(ix.source.Parts))
	promised := make([]schema.PromisedPart, len(ix.source.Parts))
	for i, p := range ix.source.Parts {
		part, err := b.indexPart(t, ix.source, p)
		if err != nil {
			b.warnDropped(t, ix.source, err)
			return
		}
		promised[i] = promisedPart(t.column(p.Column), part, p.Descending)
		if p.Prefix > 0 || p.Column == "" {
			whole = false
		}
		if p.Prefix > 0 && unique && !b.d.ExpressionIndexes {
			unique = false
			b.warn("unique-prefix-dropped", t.object(ix.source.Name),
				fmt.Sprintf("UNIQUE on the first %d characters of %s is not checked on the target; the index is created without UNIQUE", p.Prefix, p.Column),
				"check it in the application, or use a target with expression indexes")
		}
		if p.Descending {
			part += " DESC"
		}
		parts[i] = part
	}
	kind, create := KindIndex, "CREATE INDEX"
	if unique {
		kind, create = KindUnique, "CREATE UNIQUE INDEX"
		b.warnCollation(t, ix.source)
		b.warnOverlaps(t, ix.source)
		if whole {
			t.addKey(ix.source)
		}
	}
	t.plan.Indexes = append(t.plan.Indexes, ix.name)
	t.plan.Promise.Indexes = append(t.plan.Promise.Indexes, schema.PromisedIndex{Name: ix.name, Unique: unique, Parts: promised})
	b.after(Statement{
		Name: "index " + t.name + "." + ix.name, Kind: kind, Table: t.name,
		SQL:    create + " " + quote(ix.name) + " ON " + t.ref + " (" + strings.Join(parts, ", ") + ")",
		Exists: b.indexExists(t.name, ix.name), Object: ix.name,
	})
}

// warnDropped tells that an index is not made, and of a UNIQUE what else is lost.
func (b *builder) warnDropped(t *table, ix *schema.Index, why error) {
	const another = "create an index that serves the same queries after the move"
	problem, advice := fmt.Sprintf("the index is not moved: %v", why), another
	if ix.Unique {
		problem = fmt.Sprintf("UNIQUE is not checked on the target, and the index is not moved: %v", why)
		advice = "check it in the application, or " + another
	}
	b.warn("index-dropped", t.object(ix.Name), problem, advice)
}

// indexPart returns the SQL of one part of an index.
func (b *builder) indexPart(t *table, ix *schema.Index, p schema.KeyPart) (string, error) {
	if p.Column == "" {
		return b.functionalPart(t, ix, p.Expression)
	}
	m := t.column(p.Column)
	if m == nil {
		return "", fmt.Errorf("the column %s is not moved", p.Column)
	}
	if m.Kind == schema.JSON {
		return "", fmt.Errorf("JSONB cannot be in an ordinary index (%s)", p.Column)
	}
	b.describeLong(t, ix, m)
	switch {
	case p.Prefix == 0:
	case ix.Unique && b.d.ExpressionIndexes && m.Kind == schema.Text:
		return fmt.Sprintf("(left(%s, %d))", quote(m.Name), p.Prefix), nil
	case ix.Unique && b.d.ExpressionIndexes:
		return fmt.Sprintf("(substr(%s, 1, %d))", quote(m.Name), p.Prefix), nil
	case !ix.Unique:
		b.info("index-prefix-dropped", t.object(ix.Name),
			fmt.Sprintf("the index on the first %d characters of %s covers the whole column on the target", p.Prefix, p.Column),
			"nothing to do; it takes more space")
	}
	return quote(m.Name), nil
}

func (b *builder) functionalPart(t *table, ix *schema.Index, expression string) (string, error) {
	if !b.d.ExpressionIndexes {
		return "", fmt.Errorf("the target has no indexes on expressions such as %s", expression)
	}
	tr := &translator{b: b, t: t, purpose: forIndex}
	v, err := tr.translate(expression)
	if err != nil {
		return "", fmt.Errorf("%s is not translated because %w", expression, err)
	}
	if ix.Unique && v.class == classText {
		b.warnUnique(t.object(ix.Name), ix, v.coll)
	}
	return "(" + v.sql + ")", nil
}

// Limits of the stand-in's B-tree: an entry has at most a third of a page.
const (
	longestEntryBytes = 2704
	bytesPerCharacter = 4
)

// describeLong reports columns whose values may not fit the stand-in's index.
func (b *builder) describeLong(t *table, ix *schema.Index, m *schema.ColumnMapping) {
	if b.d.Cockroach || m.Kind != schema.Text && m.Kind != schema.Bytes {
		return
	}
	size := m.From.Length
	if strings.HasPrefix(m.Type, "VARCHAR") {
		size *= bytesPerCharacter
	}
	if size > longestEntryBytes {
		b.info("index-long-values", t.object(ix.Name),
			fmt.Sprintf("PostgreSQL refuses index entries of more than %d bytes, which %s may hold", longestEntryBytes, m.Source),
			"nothing to do when the values are short; CockroachDB has no such limit")
	}
}
