package convert

import (
	"strings"

	"leap/internal/schema"
)

func jsonType(_ *builder, _ *table, _ *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Type = schema.JSON, "JSONB"
}

func addressType(_ *builder, _ *table, c *schema.Column, m *schema.ColumnMapping) {
	if c.Type.Base == "uuid" {
		m.Kind, m.Type = schema.UUID, "UUID"
		return
	}
	m.Kind, m.Type = schema.INet, "INET"
}

// geometryType moves the source's internal bytes when the policy says so. There
// is no spatial type that both targets have and that keeps every value exactly.
func geometryType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Type = schema.Bytes, b.d.bytes()
	if b.p.Geometry != "bytes" {
		b.block("geometry", t.object(c.Name),
			strings.ToUpper(c.Type.Base)+" has no equal on the target",
			"choose --policy geometry=bytes to store the source's internal bytes, or convert the column on the source")
		return
	}
	holds := "4 bytes SRID (little-endian), then WKB"
	if c.Type.Base == "vector" {
		holds = "little-endian 4-byte floats"
	}
	b.warn("geometry-as-bytes", t.object(c.Name),
		strings.ToUpper(c.Type.Base)+" becomes "+m.Type+" with the source's internal bytes: "+holds,
		"decode the bytes in the application, or into a spatial column after the move")
}

func unknownType(b *builder, t *table, c *schema.Column, m *schema.ColumnMapping) {
	m.Kind, m.Type = schema.Bytes, b.d.bytes()
	b.block("unknown-type", t.object(c.Name),
		"the type "+c.Type.Raw+" is not known",
		"convert the column to a known type on the source")
}
