package damage

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"leap/internal/schema"
)

// room is how many characters the target's column holds; a large number for no limit.
func room(c *schema.ColumnMapping) int {
	inside, ok := strings.CutPrefix(strings.ToUpper(c.Type), "VARCHAR(")
	if n, err := strconv.Atoi(strings.TrimSuffix(inside, ")")); ok && err == nil {
		return n
	}
	return 1 << 30
}

// replaceRune replaces one rune, chosen at random among those that other turns
// into something else.
func replaceRune(cell []byte, random *rand.Rand, other func(rune) rune) ([]byte, bool) {
	runes := []rune(string(cell))
	if !utf8.Valid(cell) {
		return nil, false
	}
	var able []int
	for i, r := range runes {
		if other(r) != r {
			able = append(able, i)
		}
	}
	if len(able) == 0 {
		return nil, false
	}
	at := able[random.IntN(len(able))]
	runes[at] = other(runes[at])
	return []byte(string(runes)), true
}

// nextLetter replaces the last character by the one after it.
func nextLetter(_ *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	last, size := utf8.DecodeLastRune(cell)
	if size == 0 || last == utf8.RuneError || !unicode.IsPrint(last+1) {
		return nil, false
	}
	return append(bytes.Clone(cell[:len(cell)-size]), string(last+1)...), true
}

func letterCase(_ *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	return replaceRune(cell, random, func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	})
}

// trailingSpace adds a space at the end; where there is no room, it takes one away.
func trailingSpace(c *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	if cell == nil {
		return nil, false
	}
	trimmed, ends := bytes.CutSuffix(cell, []byte(" "))
	fits := utf8.RuneCount(cell) < room(c)
	switch {
	case ends && (!fits || random.IntN(2) == 0):
		return append([]byte{}, trimmed...), true
	case fits:
		return append(bytes.Clone(cell), ' '), true
	}
	return nil, false
}

func cutText(_ *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	_, size := utf8.DecodeLastRune(cell)
	if size == 0 {
		return nil, false
	}
	return append([]byte{}, cell[:len(cell)-size]...), true
}

// alike are letters of Latin and of Cyrillic or Greek that no reader tells apart.
var alike = map[rune]rune{
	'a': 'а', 'c': 'с', 'e': 'е', 'i': 'і', 'o': 'о', 'p': 'р', 'x': 'х', 'y': 'у',
	'A': 'А', 'B': 'В', 'C': 'С', 'E': 'Е', 'H': 'Н', 'I': 'І', 'K': 'К', 'M': 'М',
	'O': 'О', 'P': 'Р', 'T': 'Т', 'X': 'Х', 'Y': 'Υ', 'Z': 'Ζ', ' ': '\u00a0', '-': '\u2010',
}

func lookAlike(_ *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	return replaceRune(cell, random, func(r rune) rune {
		if other, ok := alike[r]; ok {
			return other
		}
		return r
	})
}

// otherForm writes letters with accents in the other normalisation form.
func otherForm(c *schema.ColumnMapping, cell []byte, _ *rand.Rand) ([]byte, bool) {
	if !utf8.Valid(cell) {
		return nil, false
	}
	for _, form := range []norm.Form{norm.NFD, norm.NFC} {
		other := form.Bytes(cell)
		if !bytes.Equal(other, cell) && utf8.RuneCount(other) <= room(c) {
			return other, true
		}
	}
	return nil, false
}
