package source

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
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
//
// An index on the beginnings of values ends it, too: the server would sort the
// table for every look at it, by as many bytes as it sorts by.
func OrderKey(m *schema.Mapping) []schema.ColumnMapping {
	key := m.KeyColumns()
	usable, listed := 0, m.Listed()
	for usable < len(key) && usable < listed && orderable(key[usable]) {
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

// orderable reports whether a column can bound a range. One that the target
// computes is not read by a copy, which then would not know where it is.
func orderable(c schema.ColumnMapping) bool {
	if c.Computed {
		return false
	}
	switch c.Kind {
	case schema.Int, schema.Bool, schema.Decimal, schema.Float32, schema.Float64, schema.Enum, schema.Set, schema.INet,
		schema.Date, schema.DateTime, schema.Timestamp, schema.Time, schema.Interval, schema.UUID:
		return true
	case schema.Bytes:
		return c.From.Base == "binary" || c.From.Base == "varbinary"
	case schema.Text:
		return c.From.Charset != "" && !sortsPadded(c.From)
	case schema.Bits, schema.JSON:
		return false
	}
	return false
}

// sortsPadded reports whether an index sorts a type by the padded value, and
// comparisons go by the value without padding: so are CHARs of MariaDB's
// collations that pay heed to trailing spaces, and of one that is a law to itself.
func sortsPadded(t schema.Type) bool {
	return t.Base == "char" && (strings.Contains(t.Collation, "_nopad_") || t.Collation == "tis620_thai_ci")
}

// ordered is the expression of a key column that compares with its literal as
// the index sorts. For a label and for a float that is another one than the
// column itself, which the server can only test row by row: going on in the
// middle then reads the index from its beginning, in order and without a sort.
func ordered(alias string, c schema.ColumnMapping) string {
	name := qualified(alias, c.Source)
	switch c.Kind {
	case schema.Enum:
		return "(" + name + "+0)" // by number, not by label
	case schema.Set:
		return "(" + name + "|0)" // the same; +0 is a DOUBLE in MySQL, and signed in MariaDB
	case schema.Float32, schema.Float64:
		return "(" + name + "+0e0)" // a FLOAT would compare with a rounded literal
	case schema.Int, schema.Bool, schema.Decimal, schema.Bits, schema.Text, schema.Bytes, schema.Date, schema.DateTime,
		schema.Timestamp, schema.Time, schema.Interval, schema.JSON, schema.UUID, schema.INet:
	}
	return name
}

// predicate renders a range over the order key as a condition; "TRUE" for all
// rows. Tuples are expanded into OR, since MySQL and MariaDB do not use an
// index for (a, b) > (x, y).
func predicate(key []schema.ColumnMapping, r row.Range) (string, error) {
	return predicateOf("", key, r)
}

// predicateOf is predicate for the columns of an alias.
func predicateOf(alias string, key []schema.ColumnMapping, r row.Range) (string, error) {
	var parts []string
	if r.After != nil {
		p, err := compare(alias, key, r.After, operators{">", ">"})
		if err != nil {
			return "", err
		}
		parts = append(parts, p)
	}
	if r.UpTo != nil {
		p, err := compare(alias, key, r.UpTo, operators{"<", "<="})
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

// operators compare a key with a bound: strict all but the last column, last that one.
type operators struct{ strict, last string }

// compare renders key OP bound.
func compare(alias string, key []schema.ColumnMapping, bound row.Key, by operators) (string, error) {
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
			terms = append(terms, ordered(alias, key[j])+" = "+literals[j])
		}
		op := by.strict
		if i == len(key)-1 {
			op = by.last
		}
		terms = append(terms, ordered(alias, key[i])+" "+op+" "+literals[i])
		alternatives = append(alternatives, strings.Join(terms, " AND "))
	}
	if len(alternatives) == 1 {
		return "(" + alternatives[0] + ")", nil
	}
	// The first column alone lets the optimizer use the index at once.
	lead := ordered(alias, key[0]) + " " + by.strict + "= " + literals[0]
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
		if c.From.Base == "year" {
			return fmt.Sprintf("'%04s'", value), nil // the number 0 would be the year 2000
		}
		return value, nil
	case schema.Float32, schema.Float64:
		if strings.Trim(value, "0123456789.-+e") != "" || value == "" {
			return "", fmt.Errorf("column %s: key value is not a number", c.Source)
		}
		if !strings.Contains(value, "e") {
			value += "e0" // else it would be a DECIMAL
		}
		return value, nil
	case schema.Enum:
		// What is no label is the invalid value, which has the number 0.
		return strconv.Itoa(slices.Index(c.Labels, value) + 1), nil
	case schema.Set:
		return setNumber(c, value)
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
	case schema.Date, schema.DateTime, schema.Timestamp, schema.Time, schema.Interval, schema.UUID, schema.INet:
		if strings.Trim(value, "0123456789abcdefABCDEF.:- ") != "" {
			return "", fmt.Errorf("column %s: key value is not a %s", c.Source, c.Kind)
		}
		return "'" + value + "'", nil
	case schema.Bits, schema.JSON:
	}
	return "", fmt.Errorf("column %s: kind %s cannot bound a range", c.Source, c.Kind)
}

// setNumber is the number of a set of labels: one bit each, in the order of definition.
func setNumber(c schema.ColumnMapping, value string) (string, error) {
	number := uint64(0)
	if value == "" {
		return "0", nil
	}
	for label := range strings.SplitSeq(value, ",") {
		i := slices.Index(c.Labels, label)
		if i < 0 {
			return "", fmt.Errorf("column %s: key value is not a set of its labels", c.Source)
		}
		number |= 1 << i
	}
	return strconv.FormatUint(number, 10), nil
}

// quote quotes an identifier.
func quote(name string) string {
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}
