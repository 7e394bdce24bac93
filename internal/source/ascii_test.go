package source

import (
	"strings"
	"testing"

	"leap/internal/schema"
)

func TestBeyondASCII(t *testing.T) {
	for _, text := range []string{"", "a", "\x00\x7f", "1234567", "12345678", strings.Repeat("x", 1000)} {
		if beyondASCII([]byte(text)) {
			t.Errorf("%q has no byte above 0x7F", text)
		}
	}
	for _, text := range []string{"\x80", "1234567\xff", "12345678\xff", "é", strings.Repeat("x", 1000) + "\x80"} {
		if !beyondASCII([]byte(text)) {
			t.Errorf("%q has a byte above 0x7F", text)
		}
	}
}

// Keys are often in ascii: a question about every value would cost the server more
// than all the rest of a copy, and a function MariaDB's limit for what it returns.
func TestASCIIIsReadAsItIs(t *testing.T) {
	columns := []schema.ColumnMapping{{Source: "a", Kind: schema.Text, From: schema.Type{Base: "varchar", Charset: ascii}}}
	if g := guards(columns); len(g) > 0 {
		t.Errorf("the server is asked about every value: %s", g[0].expression)
	}
	const want = "CONVERT(`a` USING binary)"
	if got := readExpression(columns[0]); got != want {
		t.Errorf("the copy reads %s", got)
	}
	if got := scanExpression(columns[0]); got != want {
		t.Errorf("the verifier reads %s", got)
	}
}
