package convert

import (
	"encoding/hex"
	"strings"

	"leap/internal/schema"
)

// The plan's promises are taken from the source's schema and the decisions of
// the rules, not from the text of the statements: where a rule writes a wrong
// literal, the verification still knows what the source meant.

// promisedDefault is the default of a column that the rules gave one.
func promisedDefault(d *schema.Default, m *schema.ColumnMapping, expression string) schema.PromisedDefault {
	text, constant := d.Text, !d.Expression
	if d.Expression {
		text, constant = constantText(d.Text, m)
	}
	if !constant {
		return schema.PromisedDefault{Expression: expression}
	}
	value := promisedValue(text, m)
	return schema.PromisedDefault{Value: &value}
}

// constantText reads a literal that the source prints as an expression.
func constantText(text string, m *schema.ColumnMapping) (string, bool) {
	e, err := parse(text)
	if err != nil {
		return "", false
	}
	switch e := e.(type) {
	case stringExpr:
		return e.text, true
	case numberExpr:
		return e.text, true
	case boolExpr:
		return map[bool]string{true: "1", false: "0"}[e.value], true
	case bitsExpr:
		return e.digits, true
	case hexExpr:
		raw, err := hex.DecodeString(e.digits)
		return string(raw), err == nil && m.Kind != schema.Bits
	}
	return "", false
}

// promisedValue brings the source's text of a default into the form in which
// the target's scan prints a value of the kind.
func promisedValue(text string, m *schema.ColumnMapping) string {
	switch m.Kind {
	case schema.Bits:
		digits := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(text), "b'"), "'")
		digits = strings.TrimPrefix(digits, "0b")
		return strings.Repeat("0", max(0, m.Width-len(digits))) + digits
	case schema.DateTime, schema.Timestamp:
		if len(text) == len("2006-01-02") {
			return text + " 00:00:00"
		}
	case schema.Enum:
		label, _ := labelOf(m.Labels, text)
		return label
	case schema.Set:
		var labels []string
		for l := range strings.SplitSeq(text, ",") {
			if label, ok := labelOf(m.Labels, l); ok {
				labels = append(labels, label)
			}
		}
		return strings.Join(labels, ",")
	case schema.Int, schema.Bool, schema.Decimal, schema.Float32, schema.Float64, schema.Text, schema.Bytes,
		schema.Date, schema.Time, schema.Interval, schema.JSON, schema.UUID, schema.INet:
	}
	return text
}

// promisedPart is a part of an index: the column as it is, or an expression.
func promisedPart(m *schema.ColumnMapping, sql string, descending bool) schema.PromisedPart {
	if m != nil && sql == quote(m.Name) {
		return schema.PromisedPart{Column: m.Name, Descending: descending}
	}
	return schema.PromisedPart{Expression: sql, Descending: descending}
}

// promisedAction is what a foreign key does on the target: what it did on the
// source, which spells NO ACTION and the SET DEFAULT that InnoDB refuses otherwise.
func promisedAction(name string) string {
	switch name = strings.ToUpper(name); name {
	case "CASCADE", "SET NULL", "RESTRICT":
		return name
	}
	return "NO ACTION"
}
