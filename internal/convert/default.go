package convert

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"leap/internal/schema"
)

// defaultOf returns the DEFAULT expression of the column; empty without one.
func (b *builder) defaultOf(t *table, c *schema.Column, m *schema.ColumnMapping) string {
	if c.Default == nil || c.Generated != nil {
		return ""
	}
	sql, err := b.defaultValue(t, c.Default, m)
	if err != nil {
		b.warn("default-dropped", t.object(c.Name),
			fmt.Sprintf("the default %s is not moved: %v", c.Default.Text, err),
			"set the value in the application, or add a default after the move")
	}
	return sql
}

func (b *builder) defaultValue(t *table, d *schema.Default, m *schema.ColumnMapping) (string, error) {
	if !d.Expression {
		return constant(d.Text, m)
	}
	e, err := parse(d.Text)
	if err != nil {
		return "", err
	}
	switch e := e.(type) {
	case nullExpr:
		return "", nil
	case stringExpr:
		return constant(e.text, m)
	case numberExpr:
		return constant(e.text, m)
	case boolExpr:
		return constant(map[bool]string{true: "1", false: "0"}[e.value], m)
	case bitsExpr:
		return constant("b'"+e.digits+"'", m)
	case hexExpr:
		return hexConstant(e.digits, m)
	}
	if sql := now(e, m); sql != "" {
		b.gather(schema.Finding{
			Rule: "default-now", Severity: schema.Info, Object: "database " + b.db.Name,
			Problem: "CURRENT_TIMESTAMP is the start of the statement on the source and of the transaction on the target: %s",
			Advice:  "write statement_timestamp() where rows of one transaction must differ",
		}, t.src.Name+"."+m.Source)
		return sql, nil
	}
	if isCall(e, "uuid") {
		return b.newUUID(t, m)
	}
	tr := &translator{b: b, t: t, purpose: forDefault}
	v, err := tr.value(e)
	if err != nil {
		return "", err
	}
	return coerce(v, m)
}

// isCall says whether the expression is one of the names, with or without ().
func isCall(e expr, names ...string) bool {
	name := ""
	switch e := e.(type) {
	case callExpr:
		name = e.name
	case columnExpr:
		name = strings.ToLower(e.name)
	}
	return slices.Contains(names, name)
}

// now translates the current time for the column; empty when the expression
// is something else. The source cuts digits off where the target would round:
// a time in the future would surprise the application.
func now(e expr, m *schema.ColumnMapping) string {
	stamps := isCall(e, "current_timestamp", "now", "localtime", "localtimestamp")
	if m.Kind == schema.Date && (stamps || isCall(e, "curdate", "current_date")) {
		return "current_date"
	}
	if !stamps || m.Kind != schema.Timestamp && m.Kind != schema.DateTime {
		return ""
	}
	name := "current_timestamp"
	if m.Kind == schema.DateTime {
		name = "localtimestamp"
	}
	switch digits := nowDigits(e); {
	case digits == 0:
		return "date_trunc('second', " + name + ")"
	case digits == 3:
		return "date_trunc('milliseconds', " + name + ")"
	case digits < 6:
		return fmt.Sprintf("%s(%d)", name, digits)
	}
	return name
}

// nowDigits returns the fractional digits that NOW(n) asks for.
func nowDigits(e expr) int {
	call, ok := e.(callExpr)
	if !ok || len(call.args) != 1 {
		return 0
	}
	if n, ok := call.args[0].(numberExpr); ok {
		if digits, err := strconv.Atoi(n.text); err == nil {
			return digits
		}
	}
	return 0
}

func (b *builder) newUUID(t *table, m *schema.ColumnMapping) (string, error) {
	if m.Kind != schema.UUID && m.Kind != schema.Text {
		return "", fmt.Errorf("uuid() in a column of %s is not translated", m.Type)
	}
	b.info("default-uuid", t.src.Name+"."+m.Source,
		"uuid() counts up on the source and is random on the target (gen_random_uuid)",
		"nothing to do unless the application sorts by it; random keys spread the load on CockroachDB")
	if m.Kind == schema.UUID {
		return "gen_random_uuid()", nil
	}
	return "gen_random_uuid()::" + m.Type, nil
}

var (
	integerForm = regexp.MustCompile(`^-?\d+$`)
	decimalForm = regexp.MustCompile(`^-?(\d+(\.\d*)?|\.\d+)$`)
	floatForm   = regexp.MustCompile(`^-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)
	spanForm    = regexp.MustCompile(`^-?\d{1,3}:\d{2}:\d{2}(\.\d{1,6})?$`)
	uuidForm    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// matching returns the text as it is when it has the form.
func matching(form *regexp.Regexp, text string) (string, error) {
	if !form.MatchString(text) {
		return "", fmt.Errorf("it is not a value of the target's type")
	}
	return text, nil
}

// constant returns the literal of a constant default for the column's type.
func constant(text string, m *schema.ColumnMapping) (string, error) {
	switch m.Kind {
	case schema.Int:
		return matching(integerForm, text)
	case schema.Decimal:
		return matching(decimalForm, text)
	case schema.Float32, schema.Float64:
		return matching(floatForm, text)
	case schema.Bool:
		return boolConstant(text)
	case schema.Bits:
		return bitsConstant(text, m.Width)
	case schema.Text:
		if !storable(text) {
			return "", fmt.Errorf("it holds bytes that are not text on the target")
		}
		return literal(text), nil
	case schema.Bytes:
		return literal(`\x` + hex.EncodeToString([]byte(text))), nil
	case schema.Date, schema.DateTime, schema.Timestamp, schema.Time, schema.Interval:
		return momentConstant(text, m)
	case schema.Enum, schema.Set:
		return labelConstant(text, m)
	case schema.JSON:
		if !storable(text) {
			return "", fmt.Errorf("it holds bytes that are not text on the target")
		}
		return literal(text) + "::JSONB", nil
	case schema.UUID:
		id, err := matching(uuidForm, text)
		return literal(id), err
	case schema.INet:
		if _, err := netip.ParseAddr(text); err != nil {
			return "", fmt.Errorf("it is not an address")
		}
		return literal(text), nil
	}
	return "", fmt.Errorf("a default of kind %s is not translated", m.Kind)
}

func boolConstant(text string) (string, error) {
	switch text {
	case "0":
		return "FALSE", nil
	case "1":
		return "TRUE", nil
	}
	return "", fmt.Errorf("it is neither 0 nor 1")
}

// bitsConstant reads the binary digits of a default, as b'101', 0b101 or bare,
// and pads them to the width: the targets refuse a bit string of another length.
func bitsConstant(text string, width int) (string, error) {
	digits := strings.TrimPrefix(text, "0b")
	if d, ok := strings.CutPrefix(strings.ToLower(text), "b'"); ok {
		digits = strings.TrimSuffix(d, "'")
	}
	n, ok := new(big.Int).SetString(digits, 2)
	if !ok || n.Sign() < 0 || n.BitLen() > width {
		return "", fmt.Errorf("it is not a bit string of %d bits", width)
	}
	return fmt.Sprintf("B'%0*s'", width, n.Text(2)), nil
}

// hexConstant reads x'6162' as bytes or, in a text column, as the text they are.
func hexConstant(digits string, m *schema.ColumnMapping) (string, error) {
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return "", fmt.Errorf("it is not hexadecimal: %w", err)
	}
	if m.Kind == schema.Bytes || m.Kind == schema.Text {
		return constant(string(raw), m)
	}
	return "", fmt.Errorf("a hexadecimal default of kind %s is not translated", m.Kind)
}

func momentConstant(text string, m *schema.ColumnMapping) (string, error) {
	isDate := isMoment(dateForm, time.DateOnly, text)
	isStamp := isDate || isMoment(dateTimeForm, time.DateTime, text)
	switch {
	case m.Kind == schema.Timestamp && isStamp:
		// Introspection reads in UTC; without the zone the target would take
		// the session's.
		return literal(text + "+00:00"), nil
	case m.Kind == schema.Date && isDate,
		m.Kind == schema.DateTime && isStamp,
		m.Kind == schema.Time && isTime(text),
		m.Kind == schema.Interval && spanForm.MatchString(text):
		return literal(text), nil
	case m.Kind == schema.Time || m.Kind == schema.Interval:
		return "", fmt.Errorf("it is not a time of day")
	}
	return "", fmt.Errorf("the target has no such date")
}

// isTime accepts a time of day; midnight is not year 0.
func isTime(text string) bool {
	_, err := time.Parse(time.TimeOnly, text)
	return err == nil && timeForm.MatchString(text)
}

// labelConstant casts a label to its enum type, and splits a SET into an array.
func labelConstant(text string, m *schema.ColumnMapping) (string, error) {
	if m.Kind == schema.Enum {
		label, ok := labelOf(m.Labels, text)
		switch {
		case !ok:
			return "", fmt.Errorf("it is not a label")
		case strings.HasPrefix(m.Type, "VARCHAR"):
			return literal(label), nil
		}
		return literal(label) + "::" + m.Type, nil
	}
	var labels []string
	for l := range strings.SplitSeq(text, ",") {
		if label, ok := labelOf(m.Labels, l); ok {
			labels = append(labels, label)
		} else if text != "" {
			return "", fmt.Errorf("%q is not a label", l)
		}
	}
	if m.AsText {
		return literal(strings.Join(labels, ",")), nil
	}
	return "ARRAY[" + literals(labels) + "]::" + m.Type, nil
}
