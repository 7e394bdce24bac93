package target

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"leap/internal/row"
)

// errSetText is what both forms return for a label that is not valid UTF-8.
func errSetText() error { return &row.Problem{What: "a label is not valid UTF-8"} }

// appendSetArray writes comma-joined labels as an array literal, {"a","b"},
// escaped once for the array and once for COPY.
func appendSetArray(dst, cell []byte) ([]byte, error) {
	if !utf8.Valid(cell) {
		return dst, errSetText()
	}
	dst = append(dst, '{')
	for i, label := range labels(cell) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		for _, b := range label {
			switch b {
			case '\\':
				dst = append(dst, `\\\\`...)
			case '"':
				dst = append(dst, `\\"`...)
			default:
				if e := escapes[b]; e != 0 {
					dst = append(dst, '\\', e)
				} else {
					dst = append(dst, b)
				}
			}
		}
		dst = append(dst, '"')
	}
	return append(dst, '}'), nil
}

// appendSetExpression writes comma-joined labels as ARRAY[e'a',e'b'], which is
// what a CockroachDB that does not unescape arrays parses instead. Everything
// that is not plain ASCII text is an escape of the SQL literal, so the line
// holds no tab, line break or quote of its own.
func appendSetExpression(dst, cell []byte) ([]byte, error) {
	if !utf8.Valid(cell) {
		return dst, errSetText()
	}
	dst = append(dst, "ARRAY["...)
	for i, label := range labels(cell) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, "e'"...)
		for _, b := range label {
			if b < ' ' || b == '\'' || b == '\\' {
				dst = fmt.Appendf(dst, `\x%02x`, b)
			} else {
				dst = append(dst, b)
			}
		}
		dst = append(dst, '\'')
	}
	return append(dst, ']'), nil
}

// labels splits a SET's text. MySQL forbids commas inside its labels.
func labels(cell []byte) [][]byte {
	if len(cell) == 0 {
		return nil
	}
	return bytes.Split(cell, []byte{','})
}
