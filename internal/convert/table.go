package convert

import (
	"fmt"
	"slices"
	"strings"

	"leap/internal/schema"
)

// createTable writes CREATE TABLE and what has to be there before it.
func (b *builder) createTable(t *table) {
	var owned []Statement
	for i := range t.src.Columns {
		c := &t.src.Columns[i]
		m := &t.plan.Mapping.Columns[i]
		def := quote(m.Name) + " " + m.Type
		if m.NotNull {
			def += " NOT NULL"
		}
		b.decideGenerated(t, m)
		promised := schema.PromisedColumn{Name: m.Name}
		switch {
		case m.Computed:
			promised.Computed = bare(t.formulas[m.Name].sql)
			def += " " + fmt.Sprintf(b.d.ComputedStored, bare(t.formulas[m.Name].sql))
		case c.AutoIncrement:
			if expression, owner := b.sequence(t, m); expression != "" {
				def += " DEFAULT " + expression
				owned = append(owned, owner)
				promised.Default.Sequence = t.plan.Sequences[len(t.plan.Sequences)-1]
			}
		default:
			if expression := b.defaultOf(t, c, m); expression != "" {
				def += " DEFAULT " + expression
				promised.Default = promisedDefault(c.Default, m, expression)
			}
		}
		t.plan.Promise.Columns = append(t.plan.Promise.Columns, promised)
		t.defs = append(t.defs, def+b.onUpdate(t, c, m))
	}
	b.regionColumn(t)
	t.plan.Promise.PrimaryKey = t.plan.PrimaryKey
	if len(t.plan.PrimaryKey) > 0 {
		// Named, because the name that the stand-in would make up may be that of a table.
		name := b.names.claim(t.name + "_pkey")
		t.constraints.taken[name] = true
		t.primary = name
		t.defs = append(t.defs, "CONSTRAINT "+quote(name)+" PRIMARY KEY ("+quoteAll(t.plan.PrimaryKey)+")")
	}
	b.before(Statement{
		Name: "table " + t.name, Kind: KindTable, Table: t.name,
		SQL: "CREATE TABLE IF NOT EXISTS " + t.ref + " (\n  " +
			strings.Join(append(t.defs, t.checks...), ",\n  ") + "\n)" + b.locality(),
	})
	for _, s := range owned {
		b.before(s)
	}
}

// bare takes the outer parentheses of a formula away; the syntax brings its own.
func bare(sql string) string { return strings.TrimSuffix(strings.TrimPrefix(sql, "("), ")") }

// onUpdate translates ON UPDATE CURRENT_TIMESTAMP.
func (b *builder) onUpdate(t *table, c *schema.Column, m *schema.ColumnMapping) string {
	if c.OnUpdate == "" {
		return ""
	}
	expression := ""
	if e, err := parse(c.OnUpdate); err == nil {
		expression = now(e, m)
	}
	switch {
	case expression == "":
		b.warn("on-update-dropped", t.object(c.Name),
			"ON UPDATE "+c.OnUpdate+" is not translated; the column no longer changes by itself",
			"set the column in every UPDATE of the application")
	case !b.d.OnUpdate:
		b.warn("on-update-dropped", t.object(c.Name),
			"the target has no ON UPDATE; the column no longer changes by itself",
			"set "+quote(m.Name)+" = "+expression+" in every UPDATE of the application, or use a newer target")
	default:
		return " ON UPDATE " + expression
	}
	return ""
}

// describeTable reports what concerns the table as a whole.
func (b *builder) describeTable(t *table) {
	switch strings.ToLower(t.src.Engine) {
	case "", "innodb":
	default:
		b.warn("engine-not-transactional", t.src.Name,
			"the engine "+t.src.Engine+" is not covered by the source's snapshot; rows written during the copy may be missed or mixed",
			"stop writing to the table during the move, or ALTER TABLE ... ENGINE=InnoDB first")
	}
	if t.src.Partitioned {
		b.info("partitions-dropped", t.src.Name,
			"the table is partitioned on the source and whole on the target; the rows are the same",
			"CockroachDB splits tables into ranges by itself; drop old rows with row-level TTL instead of DROP PARTITION")
	}
}

// createComments moves the comments of the table, its columns and its indexes.
func (b *builder) createComments(t *table) {
	comment := func(what, ref, object, text string) {
		if text == "" {
			return
		}
		if !storable(text) {
			b.warn("comment-dropped", object, "the comment holds bytes that are not text on the target",
				"write the comment anew after the move")
			return
		}
		b.after(Statement{
			Name: "comment " + object, Kind: KindComment, Table: t.name,
			SQL: "COMMENT ON " + what + " " + ref + " IS " + literal(text),
		})
	}
	comment("TABLE", t.ref, t.name, t.src.Comment)
	for i, c := range t.src.Columns {
		name := t.plan.Mapping.Columns[i].Name
		comment("COLUMN", t.ref+"."+quote(name), t.name+"."+name, c.Comment)
	}
	index := func(name, text string) {
		ref := b.qualify(name)
		if b.d.Cockroach { // its indexes belong to their table
			ref = t.ref + "@" + quote(name)
		}
		comment("INDEX", ref, "index "+t.name+"."+name, text)
	}
	if pk := t.src.PrimaryKey; pk != nil {
		index(t.primary, pk.Comment)
	}
	for _, ix := range t.indexes {
		if slices.Contains(t.plan.Indexes, ix.name) {
			index(ix.name, ix.source.Comment)
		}
	}
}
