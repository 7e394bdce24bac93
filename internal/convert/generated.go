package convert

import (
	"fmt"
	"strings"

	"leap/internal/schema"
)

// decideGenerated makes a generated column a computed one when its expression
// means the same on the target. Otherwise it becomes an ordinary column, whose
// values are copied. It does nothing for other columns, and nothing the second time.
func (b *builder) decideGenerated(t *table, m *schema.ColumnMapping) {
	c := t.src.Column(m.Source)
	if c == nil || c.Generated == nil || t.decided[m.Name] {
		return
	}
	t.decided[m.Name] = true
	tr := &translator{b: b, t: t, purpose: forGenerated}
	sql, err := b.formula(tr, c, m)
	if err != nil {
		b.warn("generated-not-translated", t.object(c.Name),
			fmt.Sprintf("nobody computes the column any more: %s is not translated because %v; the values are copied", c.Generated.Expression, err),
			"compute it in the application, or add a computed column after the move")
		return
	}
	m.Computed = true
	v := columnValue(m)
	v.sql, v.column = "("+sql+")", nil
	t.formulas[m.Name] = v
	if !c.Generated.Stored {
		b.info("virtual-stored", t.object(c.Name),
			"the column is virtual on the source and stored on the target; the values are the same",
			"nothing to do; it takes space")
	}
	if len(tr.notes) > 0 {
		b.info("generated-translated", t.object(c.Name),
			"the expression is translated; "+strings.Join(tr.notes, "; "),
			"verify compares the values; look at the column when it reports a difference")
	}
}

func (b *builder) formula(tr *translator, c *schema.Column, m *schema.ColumnMapping) (string, error) {
	if b.d.ComputedStored == "" {
		return "", fmt.Errorf("the target has no computed columns")
	}
	v, err := tr.translate(c.Generated.Expression)
	if err != nil {
		return "", err
	}
	return coerce(v, m)
}

// coerce brings a value to the column's type as storing it does on the source.
// CockroachDB wants computed columns and defaults in exactly the column's type.
func coerce(v value, m *schema.ColumnMapping) (string, error) {
	refused := fmt.Errorf("%s stored as %s is not translated", v.class, m.Type)
	switch m.Kind {
	case schema.Int, schema.Decimal, schema.Float64:
		return coerceNumber(v, m)
	case schema.Date, schema.DateTime, schema.Timestamp, schema.Time:
		if v.class != classOf(m) || m.Kind != schema.Date && !fitsDigits(v, m) {
			return "", refused
		}
		return v.sql, nil
	case schema.Bool, schema.Text, schema.Bytes, schema.UUID, schema.INet:
		if v.class != classOf(m) {
			return "", refused
		}
		if m.From.Base == "char" {
			// The source shows a CHAR without the blanks at its end.
			return "rtrim(" + v.sql + ", " + blanks + ")", nil
		}
		return v.sql, nil
	case schema.Float32, schema.Bits, schema.Interval, schema.Enum, schema.Set, schema.JSON:
		// These have no class, or need conversions that differ.
	}
	return "", refused
}

func coerceNumber(v value, m *schema.ColumnMapping) (string, error) {
	v, err := number(v)
	if err != nil {
		return "", err
	}
	inexact := v.class == classFloat && m.Kind != schema.Float64 ||
		v.class == classDecimal && m.Kind == schema.Int && v.scale > 0
	if inexact {
		return "", fmt.Errorf("%s is rounded differently to %s", v.class, m.Type)
	}
	if v.class == classDecimal && m.Kind == schema.Float64 {
		// CockroachDB's decimals have a zero below zero, which becomes -0; it leaves "+ 0" out.
		return "(CASE WHEN " + v.sql + " = 0 THEN 0::FLOAT8 ELSE " + v.sql + "::FLOAT8 END)", nil
	}
	return v.sql + "::" + m.Type, nil
}

// fitsDigits says whether no digit of a second has to be rounded away.
func fitsDigits(v value, m *schema.ColumnMapping) bool {
	const most = 6
	return m.From.Precision == most || v.column != nil && v.column.From.Precision <= m.From.Precision
}
