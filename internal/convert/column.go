package convert

import (
	"cmp"
	"strings"

	"leap/internal/schema"
)

// typeRule fills in what a column becomes: Kind, Type and what goes with them.
// It adds the constraints and findings that come with the choice.
type typeRule func(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping)

// ruleOf returns the rule for a source type; unknownType for one that nobody knows.
func ruleOf(base string) typeRule {
	switch base {
	case "tinyint", "smallint", "mediumint", "int", "integer", "bigint":
		return integerType
	case "decimal", "numeric":
		return decimalType
	case "float", "double", "real":
		return floatType
	case "bit":
		return bitType
	case "year":
		return yearType
	case "char", "varchar":
		return varcharType
	case "tinytext", "text", "mediumtext", "longtext":
		return textType
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return bytesType
	case "date", "datetime", "timestamp":
		return dateType
	case "time":
		return timeType
	case "enum":
		return enumType
	case "set":
		return setType
	case "json":
		return jsonType
	case "uuid", "inet4", "inet6":
		return addressType
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring",
		"multipolygon", "geometrycollection", "geomcollection", "vector":
		return geometryType
	}
	return unknownType
}

// mapColumns decides what every column of the table becomes.
func (b *builder) mapColumns(t *table) {
	columns := newNamespace(b.d.MaxIdentifierBytes)
	for name := range systemColumns {
		columns.taken[name] = true
	}
	for i := range t.src.Columns {
		c := &t.src.Columns[i]
		m := schema.ColumnMapping{
			Source: c.Name, Name: columns.claim(cmp.Or(c.Rename, c.Name)), From: c.Type, NotNull: !c.Nullable,
		}
		b.renamed("column", t.object(c.Name), cmp.Or(c.Rename, c.Name), m.Name)
		b.renamedByPlan("column", t.object(c.Name), c.Rename, m.Name)
		b.noteCase(m.Name, t.object(c.Name))
		ruleOf(c.Type.Base)(b, t, c, &m)
		b.applyPolicies(t, c, &m)
		if c.Invisible {
			b.info("invisible-column", t.object(c.Name),
				"the column is invisible on the source; on the target SELECT * returns it",
				"list the columns in queries that must not see it")
		}
		t.columns[strings.ToLower(c.Name)] = len(t.plan.Mapping.Columns)
		t.plan.Mapping.Columns = append(t.plan.Mapping.Columns, m)
	}
}

// applyPolicies writes the policies that can touch the column into its mapping,
// and takes NOT NULL away where a policy may store NULL.
func (b *builder) applyPolicies(t *table, c *schema.Column, m *schema.ColumnMapping) {
	facts, looked := b.facts.of(t.src.Name, c.Name)
	makesNull := ""
	switch m.Kind {
	case schema.Date, schema.DateTime, schema.Timestamp:
		m.Policy.ZeroDate = b.p.ZeroDate
		if b.p.ZeroDate == schema.Null && (!looked || facts.ZeroDates > 0) {
			makesNull = "zero-date"
		}
	case schema.Enum:
		m.Policy.EmptyEnum = b.p.EmptyEnum
		if b.p.EmptyEnum == schema.Null && (!looked || facts.EmptyEnums > 0) {
			makesNull = "empty-enum"
		}
	case schema.Text:
		m.Policy.NUL = b.nulPolicy()
	case schema.JSON:
		m.Policy.JSONDuplicate = b.p.JSONDuplicate
		if m.Policy.NUL = b.nulPolicy(); m.Policy.NUL == schema.Strip {
			m.Policy.NUL = schema.Refuse // what an escape inside a document means is not ours to change
		}
	case schema.Int, schema.Bool, schema.Decimal, schema.Float32, schema.Float64, schema.Bits,
		schema.Bytes, schema.Time, schema.Interval, schema.Set, schema.UUID, schema.INet:
	}
	if makesNull == "" || !m.NotNull {
		return
	}
	if inKey(t.src.PrimaryKey, c.Name) {
		b.block("policy-null-in-key", t.object(c.Name),
			"policy "+makesNull+"=null would store NULL in a primary key column",
			"repair the values on the source, or choose another value for "+makesNull)
		return
	}
	m.NotNull = false
	b.warn("not-null-dropped", t.object(c.Name),
		"the column loses NOT NULL because policy "+makesNull+"=null may store NULL in it",
		"add NOT NULL after the move when the column holds no NULL")
}

// inKey says whether the index uses the column.
func inKey(ix *schema.Index, column string) bool {
	if ix == nil {
		return false
	}
	for _, p := range ix.Parts {
		if strings.EqualFold(p.Column, column) {
			return true
		}
	}
	return false
}

// check adds a constraint to CREATE TABLE. Only conditions that every value of
// the source's type meets belong there: they cannot stop the copy.
func (t *table) check(name, condition string) {
	name = t.constraints.claim(name)
	t.plan.Constraints = append(t.plan.Constraints, name)
	t.plan.Promise.Checks = append(t.plan.Promise.Checks, schema.PromisedCheck{Name: name, Condition: condition})
	t.checks = append(t.checks, "CONSTRAINT "+quote(name)+" CHECK ("+condition+")")
}

// nulPolicy is what happens to U+0000: nothing where the target can hold it.
func (b *builder) nulPolicy() schema.Action {
	if b.d.NULInText {
		return schema.Keep
	}
	return b.p.NUL
}
