package source

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"leap/internal/schema"
)

// mariaDefault reads COLUMN_DEFAULT of MariaDB: an SQL expression, in which a
// string is quoted.
func mariaDefault(text string, t schema.Type) *schema.Default {
	if strings.EqualFold(text, "NULL") {
		return nil
	}
	if value, rest, ok := literalPrefix(text); ok && rest == "" {
		return &schema.Default{Text: value}
	}
	if bits, ok := bitLiteral(text); ok {
		return &schema.Default{Text: bits}
	}
	if number.MatchString(text) {
		return &schema.Default{Text: trimZerofill(text, t)}
	}
	return &schema.Default{Text: text, Expression: true}
}

// mysqlDefault reads COLUMN_DEFAULT of MySQL: the bare value, unless EXTRA says
// DEFAULT_GENERATED. MySQL 5.7 has no such mark, and CURRENT_TIMESTAMP as the
// only expression.
func mysqlDefault(text, extra string, t schema.Type) *schema.Default {
	if strings.Contains(extra, "default_generated") {
		return &schema.Default{Text: unescape(text), Expression: true}
	}
	switch t.Base {
	case "timestamp", "datetime":
		if strings.HasPrefix(strings.ToUpper(text), "CURRENT_TIMESTAMP") {
			return &schema.Default{Text: text, Expression: true}
		}
	case "bit":
		if bits, ok := bitLiteral(text); ok {
			return &schema.Default{Text: bits}
		}
	}
	return &schema.Default{Text: trimZerofill(text, t)}
}

var (
	number = regexp.MustCompile(`^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$`)
	bits   = regexp.MustCompile(`^[bB]'([01]*)'$`)
)

// bitLiteral returns the digits of b'101'.
func bitLiteral(text string) (string, bool) {
	m := bits.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// trimZerofill removes the zeros that ZEROFILL shows and the value does not have.
func trimZerofill(text string, t schema.Type) string {
	if !t.Zerofill {
		return text
	}
	trimmed := strings.TrimLeft(text, "0")
	if trimmed == "" || trimmed[0] < '0' || trimmed[0] > '9' {
		trimmed = "0" + trimmed
	}
	return trimmed
}

// parseLabels reads the labels of enum('a','b,c','d”e').
func parseLabels(raw string) []string {
	_, text, ok := strings.Cut(raw, "(")
	if !ok {
		return nil
	}
	var labels []string
	for {
		value, rest, ok := literalPrefix(text)
		if !ok {
			return labels
		}
		labels = append(labels, value)
		if !strings.HasPrefix(rest, ",") {
			return labels
		}
		text = rest[1:]
	}
}

// literalPrefix reads the string literal that text begins with, as the servers
// print one: quotes are doubled, and the backslash escapes.
func literalPrefix(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, "'") {
		return "", text, false
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'' && i+1 < len(text) && text[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case c == '\'':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(escaped(text[i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", text, false
}

// escaped is what a character means behind a backslash.
func escaped(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'Z':
		return 0x1a
	}
	return c
}

// unescape takes the escapes from an expression that MySQL's catalog prints as
// if inside a string: _utf8mb4\'x\'.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return rejoined(text)
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) {
			i++
			c = escaped(text[i])
		}
		b.WriteByte(c)
	}
	return rejoined(b.String())
}

// rejoined puts the letters of an expression together again: the catalog of
// MySQL 8 and 9 takes each of their bytes for a letter of its own, so that an é
// becomes Ã©. A text that cannot have come about like that stays as it is.
func rejoined(text string) string {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		switch b, known := charmap.Windows1252.EncodeRune(r); {
		case r <= 0xFF:
			out = append(out, byte(r)) //nolint:gosec // it fits
		case known:
			out = append(out, b)
		default:
			return text
		}
	}
	if !utf8.Valid(out) {
		return text
	}
	return string(out)
}
