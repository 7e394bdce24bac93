package mask

import "slices"

// class is a set of characters that replace each other: those of text, or all
// from one to another.
type class struct {
	text     []rune
	from, to rune // where there is no text; an empty class has neither
}

func (c class) size() int {
	if len(c.text) > 0 {
		return len(c.text)
	}
	if c.to == 0 {
		return 0
	}
	return int(c.to-c.from) + 1
}

func (c class) at(i int) rune {
	if len(c.text) > 0 {
		return c.text[i]
	}
	return c.from + rune(i) //nolint:gosec // an index into the class
}

// index is the place of a character in the class; -1 when it is not in it.
func (c class) index(r rune) int {
	if len(c.text) > 0 {
		return slices.Index(c.text, r)
	}
	if r < c.from || r > c.to {
		return -1
	}
	return int(r - c.from)
}

// ascii are the classes of letters and digits that most names are made of.
// Vowels stay vowels, so that what comes out can be read aloud.
var ascii = []class{
	{text: []rune("0123456789")},
	{text: []rune("aeiou")},
	{text: []rune("bcdfghjklmnpqrstvwxyz")},
	{text: []rune("AEIOU")},
	{text: []rune("BCDFGHJKLMNPQRSTVWXYZ")},
}

// others are the classes of the other letters of Europe, and of some scripts besides.
var others = []class{
	{text: []rune("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ")},
	{text: []rune("ßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ")},
	{from: 0x0100, to: 0x017F}, // Latin Extended-A
	{text: []rune("ΆΈΉΊΌΎΏ")},
	{text: []rune("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ")},
	{text: []rune("ΪΫ")},
	{text: []rune("άέήίόύώ")},
	{from: 'α', to: 'ω'},
	{text: []rune("ϊϋΐΰ")},
	{from: 0x0400, to: 0x040F},
	{from: 'А', to: 'Я'},
	{from: 'а', to: 'я'},
	{from: 0x0450, to: 0x045F}, // Cyrillic
	{from: 0x05D0, to: 0x05EA}, // Hebrew
	{from: 0x0621, to: 0x063A},
	{from: 0x0641, to: 0x064A}, // Arabic
	{from: 0x3041, to: 0x3096},
	{from: 0x30A1, to: 0x30FA}, // Hiragana, Katakana
	{from: 0x4E00, to: 0x9FA5}, // CJK
	{from: 0xAC00, to: 0xD7A3}, // Hangul
}

// keptOutside are spaces, punctuation and combining marks outside ASCII, which
// say nothing about anybody.
var keptOutside = []class{
	{from: 0x00A0, to: 0x00BF}, {text: []rune("×÷")}, {from: 0x0300, to: 0x036F}, {from: 0x2000, to: 0x206F}, {from: 0x3000, to: 0x3003},
}

// classOf finds the class of a character and its place there; kept says that it
// stays as it is. Neither means that nothing can replace it.
func classOf(r rune) (found class, index int, kept bool) {
	classes := others
	if r < 0x80 {
		classes = ascii
	}
	for _, c := range classes {
		if i := c.index(r); i >= 0 {
			return c, i, false
		}
	}
	if r < 0x80 {
		return class{}, 0, r >= ' ' && r < 0x7F || r == '\t' || r == '\n' || r == '\r'
	}
	return class{}, 0, slices.ContainsFunc(keptOutside, func(c class) bool { return c.index(r) >= 0 })
}
