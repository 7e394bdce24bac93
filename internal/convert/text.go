package convert

import (
	"fmt"
	"strings"

	"leap/internal/schema"
)

func varcharType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	// MySQL allows VARCHAR(0), which holds '' and NULL; the targets start at 1.
	m.Kind, m.Type = schema.Text, fmt.Sprintf("VARCHAR(%d)", max(c.Type.Length, 1))
	b.describeText(t, c)
}

func textType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Type = schema.Text, b.d.text()
	b.describeText(t, c)
}

func bytesType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Type = schema.Bytes, b.d.bytes()
	b.gather(schema.Finding{
		Rule: "bytes-length-dropped", Severity: schema.Info, Object: t.src.Name,
		Problem: "binary columns lose their length limit: %s",
		Advice:  "add CHECK (octet_length(column) <= n) where the application relies on it",
	}, c.Name)
}

// describeText reports what a character set and a collation mean for the move.
func (b *builder) describeText(t *table, c *schema.Column) {
	database := "database " + b.db.Name
	switch c.Type.Charset {
	case "", "utf8", "utf8mb3", "utf8mb4", "ascii":
	default:
		b.gather(schema.Finding{
			Rule: "charset-converted", Severity: schema.Info, Object: database,
			Problem: "values in " + c.Type.Charset + " are converted to UTF-8: %s",
			Advice:  "nothing to do; lengths in bytes may change, lengths in characters do not",
		}, t.object(c.Name))
	}
	coll := collationOf(c.Type.Collation)
	// CHAR, ENUM and SET have no blanks at their end; what ignores case is told of below.
	free := c.Type.Base == "varchar" || strings.HasSuffix(c.Type.Base, "text")
	if free && coll.padded && coll.caseSensitive && t.indexed[strings.ToLower(c.Name)] {
		b.gather(schema.Finding{
			Rule: "blanks-compared", Severity: schema.Info, Object: "collation " + c.Type.Collation,
			Problem: c.Type.Collation + " ignores blanks at the end of a text; on the target 'a' and 'a ' are two values, to keys and foreign keys as well: %s",
			Advice:  "take the blanks off the values on the source, where a foreign key refers by them before the move",
		}, t.object(c.Name))
	}
	if coll.exact() {
		return
	}
	severity, how := schema.Warning, "ignores case or accents"
	if coll.caseSensitive {
		severity, how = schema.Info, "orders by language"
	}
	b.gather(schema.Finding{
		Rule: "collation-changed", Severity: severity, Object: "collation " + c.Type.Collation,
		Problem: c.Type.Collation + " " + how + "; the target compares and sorts by bytes, so =, LIKE, GROUP BY and ORDER BY change: %s",
		Advice:  "compare with lower(column), or give the column a COLLATE clause after the move",
	}, t.object(c.Name))
}

// collation is what a MySQL collation's name says about comparing.
type collation struct {
	name          string
	binary        bool // compares code points or bytes
	caseSensitive bool
	padded        bool // trailing spaces do not count
}

// exact says that values are equal exactly when their characters are, trailing
// spaces aside.
func (c collation) exact() bool { return c.binary || c.name == "" }

func collationOf(name string) collation {
	name = strings.ToLower(name)
	c := collation{
		name:   name,
		binary: name == "binary" || strings.HasSuffix(name, "_bin"),
		padded: name != "binary" && !strings.Contains(name, "nopad") && !strings.Contains(name, "_0900_"),
	}
	c.caseSensitive = c.binary || strings.HasSuffix(name, "_cs") || strings.Contains(name, "_cs_") // utf8mb4_ja_0900_as_cs_ks
	return c
}
