package convert

import (
	"fmt"

	"leap/internal/schema"
)

// integerWidths gives the target type that holds the signed and the unsigned
// range of each source type. BIGINT UNSIGNED is a choice of its own.
var integerWidths = map[string]struct{ signed, unsigned string }{
	"tinyint":   {"INT2", "INT2"},
	"smallint":  {"INT2", "INT4"},
	"mediumint": {"INT4", "INT4"},
	"int":       {"INT4", "INT8"},
	"integer":   {"INT4", "INT8"},
	"bigint":    {"INT8", ""},
}

func integerType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind = schema.Int
	width := integerWidths[c.Type.Base]
	switch {
	case c.Type.Base == "tinyint" && c.Type.Length == 1 && b.p.TinyInt1 == "bool" && !c.AutoIncrement:
		boolType(b, t, c, m)
		return
	case !c.Type.Unsigned:
		m.Type = width.signed
	case width.unsigned != "":
		m.Type = width.unsigned
	default:
		unsignedBigint(b, t, c, m)
	}
	b.checkUnsigned(t, c, m)
	b.describeZerofill(t, c)
}

func (b *builder) describeZerofill(t *table, c *schema.Column) {
	if c.Type.Zerofill {
		b.info("zerofill-dropped", t.object(c.Name),
			fmt.Sprintf("%s is shown with leading zeros on the source and without them on the target; the numbers are the same", c.Type.Raw),
			"pad with lpad() where the zeros are shown to people")
	}
}

func boolType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Type = schema.Bool, "BOOL"
	facts, looked := b.facts.of(t.src.Name, c.Name)
	switch {
	case facts.BeyondBool:
		b.block("tinyint1-beyond-bool", t.object(c.Name),
			"TINYINT(1) holds values other than 0 and 1, and policy tinyint1=bool leaves no room for them",
			"choose --policy tinyint1=int2, or repair the values on the source")
	case !looked:
		b.info("tinyint1-bool", t.object(c.Name),
			"TINYINT(1) becomes BOOL; a value other than 0 and 1 is refused when it comes",
			"let assess scan the data first, or choose tinyint1=int2")
	}
}

func unsignedBigint(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	if b.p.UnsignedBigint != "int8" {
		m.Kind, m.Type = schema.Decimal, "DECIMAL(20,0)"
		b.gather(schema.Finding{
			Rule: "unsigned-bigint", Severity: schema.Info, Object: "database " + b.db.Name,
			Problem: "BIGINT UNSIGNED becomes DECIMAL(20,0), which holds every value and is slower than INT8: %s",
			Advice:  "choose --policy unsigned-bigint=int8 when no value exceeds 9223372036854775807",
		}, t.object(c.Name))
		return
	}
	m.Type = "INT8"
	facts, looked := b.facts.of(t.src.Name, c.Name)
	switch {
	case facts.BeyondInt8:
		b.block("unsigned-beyond-int8", t.object(c.Name),
			"values above 9223372036854775807 do not fit INT8, which policy unsigned-bigint=int8 asks for",
			"choose --policy unsigned-bigint=decimal")
	case !looked:
		b.info("unsigned-int8", t.object(c.Name),
			"BIGINT UNSIGNED becomes INT8; a value above 9223372036854775807 is refused when it comes",
			"let assess scan the data first, or choose unsigned-bigint=decimal")
	}
}

// checkUnsigned keeps negative numbers out of a column that was UNSIGNED. The
// copy cannot offend it; the application can, after the cutover, and a negative
// balance that MySQL refused must still be refused.
func (b *builder) checkUnsigned(t *table, c *schema.Column, m *schema.ColumnMapping) {
	if !c.Type.Unsigned {
		return
	}
	t.check(t.name+"_"+m.Name+"_unsigned", quote(m.Name)+" >= 0")
	b.gather(schema.Finding{
		Rule: "unsigned-check", Severity: schema.Info, Object: "database " + b.db.Name,
		Problem: "UNSIGNED is kept by a CHECK (column >= 0); the upper limit is that of the wider target type: %s",
		Advice:  "add an upper limit to the CHECK where the application relies on it",
	}, t.object(c.Name))
}

func decimalType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	precision := c.Type.Precision
	if precision == 0 {
		precision = 10 // DECIMAL without arguments
	}
	m.Kind, m.Type = schema.Decimal, fmt.Sprintf("DECIMAL(%d,%d)", precision, c.Type.Scale)
	b.checkUnsigned(t, c, m)
	b.describeZerofill(t, c)
}

// floatType keeps FLOAT(M,D) in FLOAT4 too: the source stores the same 4 bytes,
// only rounded when they were written.
func floatType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Type = schema.Float64, "FLOAT8"
	if c.Type.Base == "float" {
		m.Kind, m.Type = schema.Float32, "FLOAT4"
	}
	b.checkUnsigned(t, c, m)
	b.describeZerofill(t, c)
	if c.Type.Scale > 0 {
		b.info("float-rounding-dropped", t.object(c.Name),
			fmt.Sprintf("%s rounds what is written; the target stores new values unrounded", c.Type.Raw),
			"round in the application, or use DECIMAL")
	}
}

func bitType(_ *builder, _ *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Width = schema.Bits, max(int(c.Type.Length), 1)
	m.Type = fmt.Sprintf("BIT(%d)", m.Width)
}

func yearType(_ *builder, _ *table, _ *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Type = schema.Int, "INT2"
}
