package source

import (
	"encoding/binary"

	"leap/internal/schema"
)

// ascii is the character set whose bytes are UTF-8 already, where they are in it.
// MariaDB stores any byte there, and converts those above 0x7F to '?'. It is that of
// many keys, so its columns are read as bytes and looked at here: to ask the server
// about every value takes longer than to copy it.
const ascii = "ascii"

func isASCII(c schema.ColumnMapping) bool { return c.Kind == schema.Text && c.From.Charset == ascii }

// asBytes reads a text as it is stored. CAST AS BINARY would give NULL above
// max_allowed_packet in MariaDB.
func asBytes(text string) string { return "CONVERT(" + text + " USING binary)" }

// asciiColumns are the positions of such columns.
func asciiColumns(columns []schema.ColumnMapping) []int {
	var out []int
	for i, c := range columns {
		if isASCII(c) {
			out = append(out, i)
		}
	}
	return out
}

// beyondASCII reports whether a text has a byte above 0x7F.
func beyondASCII(text []byte) bool {
	const highBits, word = 0x8080808080808080, 8
	for ; len(text) >= word; text = text[word:] {
		if binary.LittleEndian.Uint64(text)&highBits != 0 {
			return true
		}
	}
	for _, b := range text {
		if b > 0x7F {
			return true
		}
	}
	return false
}
