package convert

import (
	"fmt"
	"slices"
	"strings"

	"leap/internal/schema"
)

// createForeignKeys moves the foreign keys of the table, after every index.
func (b *builder) createForeignKeys(t *table) {
	for _, fk := range t.src.ForeignKeys {
		if err := b.createForeignKey(t, fk); err != nil {
			b.warn("foreign-key-dropped", t.object(fk.Name),
				fmt.Sprintf("the foreign key is not created: %v", err),
				"check the reference in the application, or change the source so that it can be created")
		}
	}
}

func (b *builder) createForeignKey(t *table, fk schema.ForeignKey) error {
	ref, err := b.referenced(fk)
	if err != nil {
		return err
	}
	from, to, err := pairs(t, ref, fk)
	if err != nil {
		return err
	}
	from, to, err = ref.arrange(from, to)
	if err != nil {
		return err
	}
	onDelete, onUpdate := action(fk.OnDelete), action(fk.OnUpdate)
	if computed(t, fk.Columns) && (writes(onUpdate) || onDelete == "SET NULL") {
		return fmt.Errorf("its actions would write to a computed column")
	}
	name := t.constraints.claim(fk.Name)
	b.renamed("foreign key", t.object(fk.Name), fk.Name, name)
	b.describeForeignKey(t, fk)
	t.plan.Constraints = append(t.plan.Constraints, name)
	t.plan.Promise.ForeignKeys = append(t.plan.Promise.ForeignKeys, schema.PromisedForeignKey{
		Name: name, Columns: from, RefTable: ref.name, RefColumns: to,
		OnDelete: promisedAction(fk.OnDelete), OnUpdate: promisedAction(fk.OnUpdate),
	})
	sql := "ALTER TABLE " + t.ref + " ADD CONSTRAINT " + quote(name) +
		" FOREIGN KEY (" + quoteAll(from) + ") REFERENCES " + ref.ref + " (" + quoteAll(to) + ")"
	if onDelete != "" {
		sql += " ON DELETE " + onDelete
	}
	if onUpdate != "" {
		sql += " ON UPDATE " + onUpdate
	}
	b.after(Statement{
		Name: "foreign key " + t.name + "." + name, Kind: KindForeignKey, Table: t.name,
		SQL: sql, Exists: b.constraintExists(t.name, name), Object: name,
		Drop: "ALTER TABLE " + t.ref + " DROP CONSTRAINT IF EXISTS " + quote(name),
	})
	return nil
}

// referenced finds the table that the foreign key points to.
func (b *builder) referenced(fk schema.ForeignKey) (*table, error) {
	if fk.RefSchema != "" && fk.RefSchema != b.db.Name {
		return nil, fmt.Errorf("it refers to another database, %s.%s", fk.RefSchema, fk.RefTable)
	}
	for _, exact := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for _, t := range b.tables {
			if exact(t.src.Name, fk.RefTable) {
				return t, nil
			}
		}
	}
	return nil, fmt.Errorf("the table %s is not part of the plan", fk.RefTable)
}

// pairs returns the target names of both column lists; their types must match.
func pairs(t, ref *table, fk schema.ForeignKey) (from, to []string, err error) {
	if len(fk.Columns) != len(fk.RefColumns) {
		return nil, nil, fmt.Errorf("it has %d columns and refers to %d", len(fk.Columns), len(fk.RefColumns))
	}
	for i := range fk.Columns {
		m, r := t.column(fk.Columns[i]), ref.column(fk.RefColumns[i])
		if m == nil || r == nil {
			return nil, nil, fmt.Errorf("a column of it is not moved")
		}
		if !comparableColumns(m, r) {
			return nil, nil, fmt.Errorf("%s is %s and %s.%s is %s on the target",
				m.Name, m.Type, ref.name, r.Name, r.Type)
		}
		from, to = append(from, m.Name), append(to, r.Name)
	}
	return from, to, nil
}

// comparableColumns says whether both targets let one column refer to the other.
func comparableColumns(m, r *schema.ColumnMapping) bool {
	if m.Kind != r.Kind {
		return false
	}
	if m.Kind == schema.Enum || m.Kind == schema.Bits {
		return m.Type == r.Type
	}
	return m.AsText == r.AsText
}

// arrange puts both lists into the order of the unique key that they refer to:
// CockroachDB wants the same order, MySQL does not.
func (t *table) arrange(from, to []string) (newFrom, newTo []string, err error) {
	for _, key := range t.keys {
		if len(key) != len(to) {
			continue
		}
		newFrom = newFrom[:0]
		for _, column := range key {
			if i := slices.Index(to, column); i >= 0 {
				newFrom = append(newFrom, from[i])
			}
		}
		if len(newFrom) == len(key) {
			return newFrom, key, nil
		}
	}
	return nil, nil, fmt.Errorf("%s (%s) is not unique on the target", t.name, strings.Join(to, ", "))
}

// action returns the referential action; empty for NO ACTION, which is what
// both targets do by themselves.
func action(name string) string {
	switch name = strings.ToUpper(name); name {
	case "CASCADE", "SET NULL", "RESTRICT":
		return name
	}
	// InnoDB refuses SET DEFAULT.
	return ""
}

// writes says whether the action changes the referring columns on UPDATE.
func writes(action string) bool { return action == "CASCADE" || action == "SET NULL" }

func computed(t *table, columns []string) bool {
	return slices.ContainsFunc(columns, func(c string) bool {
		m := t.column(c)
		return m != nil && m.Computed
	})
}

// describeForeignKey reports a reference that ignores case on the source only.
func (b *builder) describeForeignKey(t *table, fk schema.ForeignKey) {
	for _, c := range fk.Columns {
		m := t.column(c)
		if m.Kind != schema.Text {
			continue
		}
		if coll := collationOf(m.From.Collation); !coll.exact() && !coll.caseSensitive {
			b.warn("foreign-key-collation", t.object(fk.Name),
				fmt.Sprintf("%s refers by %s, which ignores case; on the target the values must be equal letter by letter or the foreign key cannot be created", c, coll.name),
				"make the values equal on the source before the move")
		}
	}
}
