package source

import (
	"encoding/hex"
	"fmt"
	"strings"

	"leap/internal/row"
	"leap/internal/schema"
)

// OrderKey returns the leading key columns by which the source can read a
// table in order and in pieces: the columns whose values can be written as
// literals that compare exactly as the index sorts. It is empty for a table
// without such a key; such a table is read in one go.
//
// A text column ends the usable prefix unless the whole key is usable: under a
// case-insensitive collation two different values may compare as equal, and
// only the uniqueness of the full key rules that out.
func OrderKey(m *schema.Mapping) []schema.ColumnMapping {
	key := m.KeyColumns()
	usable := 0
	for usable < len(key) && orderable(key[usable]) {
		usable++
	}
	if usable == len(key) {
		return key
	}
	for i, c := range key[:usable] {
		if c.Kind == schema.Text {
			return key[:i]
		}
	}
	return key[:usable]
}

func orderable(c schema.ColumnMapping) bool {
	switch c.Kind {
	case schema.Int, schema.Bool, schema.Decimal:
		// YEAR compares the number 0 as the year 2000.
		return c.From.Base != "year"
	case schema.Bytes:
		return c.From.Base == "binary" || c.From.Base == "varbinary"
	case schema.Text:
		return c.From.Charset != ""
	case schema.Date, schema.DateTime, schema.Timestamp, schema.Time, schema.Interval, schema.UUID:
		return true
	case schema.Float32, schema.Float64, schema.Bits, schema.Enum, schema.Set, schema.JSON, schema.INet:
		return false
	}
	return false
}

// predicate renders a range over the order key as a condition; "TRUE" for all
// rows. Tuples are expanded into OR, since MySQL and MariaDB do not use an
// index for (a, b) > (x, y).
func predicate(key []schema.ColumnMapping, r row.Range) (string, error) {
	var parts []string
	if r.After != nil {
		p, err := compare(key, r.After, ">", ">")
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
	}
	if r.UpTo != nil {
		p, err := compare(key, r.UpTo, "<", "<=")
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return "TRUE", nil
	}
	return strings.Join(parts, " AND "), nil
}

// compare renders key OP bound: strict for all but the last column, last for that one.
func compare(key []schema.ColumnMapping, bound row.Key, strict, last string) (string, error) {
	if len(bound) != len(key) {
		return "", fmt.Errorf("bound %s has %d values, key has %d columns", bound, len(bound), len(key))
	}
	literals := make([]string, len(key))
	for i, c := range key {
		lit, err := literal(c, bound[i])
		if err != nil {
			return "", err
		}
		literals[i] = lit
	}
	var alternatives []string
	for i := range key {
		var terms []string
		for j := range i {
			terms = append(terms, quote(key[j].Source)+" = "+literals[j])
		}
		op := strict
		if i == len(key)-1 {
			op = last
		}
		terms = append(terms, quote(key[i].Source)+" "+op+" "+literals[i])
		alternatives = append(alternatives, strings.Join(terms, " AND "))
	}
	if len(alternatives) == 1 {
		return "(" + alternatives[0] + ")", nil
	}
	// The first column alone lets the optimizer use the index at once.
	lead := quote(key[0].Source) + " " + strict + "= " + literals[0]
	return "(" + lead + " AND (" + strings.Join(alternatives, " OR ") + "))", nil
}

// literal writes a key value so that it compares with the column as the
// column's index sorts it.
func literal(c schema.ColumnMapping, value string) (string, error) {
	switch c.Kind {
	case schema.Int, schema.Bool, schema.Decimal:
		if strings.Trim(value, "0123456789.-") != "" || value == "" {
			return "", fmt.Errorf("column %s: key value is not a number", c.Source)
		}
		return value, nil
	case schema.Bytes:
		if _, err := hex.DecodeString(value); err != nil {
			return "", fmt.Errorf("column %s: key value is not hex: %w", c.Source, err)
		}
		return "X'" + value + "'", nil
	case schema.Text:
		text := "_utf8mb4 X'" + hex.EncodeToString([]byte(value)) + "'"
		if c.From.Charset != "utf8mb4" {
			text = "CONVERT(" + text + " USING " + c.From.Charset + ")"
		}
		return text + " COLLATE " + c.From.Collation, nil
	case schema.Date, schema.DateTime, schema.Timestamp, schema.Time, schema.Interval, schema.UUID:
		if strings.Trim(value, "0123456789abcdefABCDEF.:- ") != "" {
			return "", fmt.Errorf("column %s: key value is not a %s", c.Source, c.Kind)
		}
		return "'" + value + "'", nil
	case schema.Float32, schema.Float64, schema.Bits, schema.Enum, schema.Set, schema.JSON, schema.INet:
	}
	return "", fmt.Errorf("column %s: kind %s cannot bound a range", c.Source, c.Kind)
}

// quote quotes an identifier.
func quote(name string) string {
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}
