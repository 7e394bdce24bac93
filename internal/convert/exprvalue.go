package convert

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"leap/internal/schema"
)

// class is the type of a translated expression, as far as the rules need it.
type class string

const (
	classNull     class = "NULL"
	classInt      class = "integer"
	classDecimal  class = "decimal"
	classFloat    class = "float"
	classBool     class = "boolean"
	classText     class = "text"
	classBytes    class = "bytes"
	classDate     class = "date"
	classDateTime class = "datetime"
	classStamp    class = "timestamp"
	classTime     class = "time"
	classEnum     class = "enum"
	classUUID     class = "uuid"
	classINet     class = "inet"
	classOther    class = "other" // can be NULL or not, and nothing else
)

// classOf returns the class of a column's values.
func classOf(m *schema.ColumnMapping) class {
	switch m.Kind {
	case schema.Int:
		return classInt
	case schema.Decimal:
		return classDecimal
	case schema.Float64:
		return classFloat
	case schema.Bool:
		return classBool
	case schema.Text:
		return classText
	case schema.Bytes:
		return classBytes
	case schema.Date:
		return classDate
	case schema.DateTime:
		return classDateTime
	case schema.Timestamp:
		return classStamp
	case schema.Time:
		return classTime
	case schema.Enum:
		return classEnum
	case schema.UUID:
		return classUUID
	case schema.INet:
		return classINet
	case schema.Float32, schema.Bits, schema.Interval, schema.Set, schema.JSON:
		// Not every CockroachDB rounds FLOAT4 to four bytes: 0.1 = 0.1 would be
		// true there and false on the source.
	}
	return classOther
}

// value is a translated expression: its SQL, which can stand as an operand, and
// what is known about it.
type value struct {
	sql      string
	class    class
	nullable bool
	// literal says that it is a constant whose value is text.
	literal bool
	text    string
	// scale is the number of decimal places of a decimal.
	scale    int
	unsigned bool
	padded   bool // an integer that the source may print with leading zeros: ZEROFILL, the year 0000
	coll     collation
	charset  string
	// column is set for a plain column.
	column *schema.ColumnMapping
}

func (v value) numeric() bool {
	return v.class == classInt || v.class == classDecimal || v.class == classFloat
}

// columnValue is the value of a column as it stands.
func columnValue(m *schema.ColumnMapping) value {
	v := value{
		sql: quote(m.Name), class: classOf(m), nullable: !m.NotNull, column: m,
		unsigned: m.From.Unsigned, padded: m.From.Zerofill || m.From.Base == "year",
	}
	switch v.class {
	case classDecimal:
		v.scale = m.From.Scale
	case classText:
		v.coll, v.charset = collationOf(m.From.Collation), m.From.Charset
	case classNull, classInt, classFloat, classBool, classBytes, classDate, classDateTime, classStamp,
		classTime, classEnum, classUUID, classINet, classOther:
	}
	return v
}

func numberValue(text string) (value, error) {
	v := value{literal: true, text: text, sql: text, class: classInt}
	if strings.HasPrefix(text, "-") {
		v.sql = "(" + text + ")"
	}
	if strings.ContainsAny(text, "eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return value{}, fmt.Errorf("the number %s is out of range", text)
		}
		v.class, v.text = classFloat, strconv.FormatFloat(f, 'g', -1, 64)
		v.sql = literal(v.text) + "::FLOAT8"
		return v, nil
	}
	if whole, fraction, point := strings.Cut(text, "."); point {
		v.class, v.scale = classDecimal, len(fraction)
		_ = whole
		return v, nil
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return value{}, fmt.Errorf("the number %s is not understood", text)
	}
	if !n.IsInt64() {
		v.class = classDecimal
	}
	return v, nil
}

func textValue(text string) (value, error) {
	if !storable(text) {
		return value{}, fmt.Errorf("a string holds bytes that are not text on the target")
	}
	return value{literal: true, text: text, sql: literal(text), class: classText}, nil
}

// anyNullable says whether one of the values may be NULL.
func anyNullable(values ...value) bool {
	for _, v := range values {
		if v.nullable {
			return true
		}
	}
	return false
}
