package convert

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind says what a token of a MySQL expression is.
type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a bare name or keyword
	tokenName             // a name in backticks
	tokenNumber           // 12, 1.5, 1e3
	tokenString           // the text, unescaped
	tokenBits             // the digits of b'...' or 0b...
	tokenHex              // the digits of x'...' or 0x...
	tokenSymbol           // an operator or punctuation
)

type token struct {
	kind tokenKind
	text string
}

// is says whether the token is that keyword or symbol.
func (t token) is(text string) bool {
	return t.kind == tokenSymbol && t.text == text || t.kind == tokenWord && strings.EqualFold(t.text, text)
}

// introducers are the character sets whose literals mean the same text here.
var introducers = map[string]bool{
	"_utf8mb4": true, "_utf8mb3": true, "_utf8": true, "_ascii": true,
}

// escapedIntroducer finds the form in which MySQL 8 prints strings in
// information_schema: _utf8mb4\'text\'. The whole expression is escaped then.
var escapedIntroducer = regexp.MustCompile(`_[a-z0-9]+\\'`)

// symbols are the operators of more than one character, longest first.
var symbols = []string{"<=>", "<=", ">=", "<>", "!=", "&&", "||", "<<", ">>", "->", ":="}

// lex splits a MySQL expression into tokens. The last one is tokenEnd.
func lex(text string) ([]token, error) {
	if escapedIntroducer.MatchString(text) {
		text = unescape(text)
	}
	l := &lexer{rest: text}
	var out []token
	for {
		l.rest = strings.TrimLeftFunc(l.rest, unicode.IsSpace)
		if l.rest == "" {
			return append(out, token{kind: tokenEnd}), nil
		}
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		if t.kind == tokenWord && introducers[strings.ToLower(t.text)] && strings.HasPrefix(strings.TrimSpace(l.rest), "'") {
			continue
		}
		out = append(out, t)
	}
}

type lexer struct{ rest string }

func (l *lexer) next() (token, error) {
	r, size := utf8.DecodeRuneInString(l.rest)
	switch {
	case r == '`':
		return l.name()
	case r == '\'':
		text, err := l.quoted()
		return token{tokenString, text}, err
	case r == '"':
		return token{}, fmt.Errorf(`"..." is a string or a name, depending on the source's settings`)
	case strings.HasPrefix(l.rest, "--"), strings.HasPrefix(l.rest, "/*"), r == '#':
		return token{}, fmt.Errorf("comments are not read")
	case r >= '0' && r <= '9', r == '.' && len(l.rest) > 1 && isDigit(l.rest[1]):
		return l.number()
	case isWordRune(r):
		return l.word()
	}
	for _, s := range symbols {
		if strings.HasPrefix(l.rest, s) {
			l.rest = l.rest[len(s):]
			return token{tokenSymbol, s}, nil
		}
	}
	l.rest = l.rest[size:]
	return token{tokenSymbol, string(r)}, nil
}

func (l *lexer) name() (token, error) {
	var name strings.Builder
	for i := 1; i < len(l.rest); i++ {
		if l.rest[i] != '`' {
			name.WriteByte(l.rest[i])
			continue
		}
		if i+1 < len(l.rest) && l.rest[i+1] == '`' {
			name.WriteByte('`')
			i++
			continue
		}
		l.rest = l.rest[i+1:]
		return token{tokenName, name.String()}, nil
	}
	return token{}, fmt.Errorf("a name in backticks has no end")
}

// quoted reads '...' with MySQL's escapes.
func (l *lexer) quoted() (string, error) {
	var text strings.Builder
	for i := 1; i < len(l.rest); i++ {
		switch c := l.rest[i]; {
		case c == '\\' && i+1 < len(l.rest):
			i++
			text.WriteString(escaped(l.rest[i]))
		case c == '\'' && i+1 < len(l.rest) && l.rest[i+1] == '\'':
			i++
			text.WriteByte('\'')
		case c == '\'':
			l.rest = l.rest[i+1:]
			return text.String(), nil
		default:
			text.WriteByte(c)
		}
	}
	return "", fmt.Errorf("a string has no end")
}

// escaped returns what a backslash and the character mean inside a string.
func escaped(c byte) string {
	switch c {
	case '0':
		return "\x00"
	case 'b':
		return "\b"
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case 'Z':
		return "\x1a"
	case '%', '_': // kept for LIKE
		return "\\" + string(c)
	}
	return string([]byte{c})
}

func unescape(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			out.WriteString(escaped(text[i]))
			continue
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

var numberForm = regexp.MustCompile(`^(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?`)

func (l *lexer) number() (token, error) {
	for prefix, kind := range map[string]tokenKind{"0x": tokenHex, "0b": tokenBits} {
		if strings.HasPrefix(l.rest, prefix) {
			end := 2 + span(l.rest[2:], isWordRune)
			digits := l.rest[2:end]
			l.rest = l.rest[end:]
			return token{kind, digits}, nil
		}
	}
	end := len(numberForm.FindString(l.rest))
	if r, _ := utf8.DecodeRuneInString(l.rest[end:]); isWordRune(r) {
		return token{}, fmt.Errorf("a name begins with a digit")
	}
	t := token{tokenNumber, l.rest[:end]}
	l.rest = l.rest[end:]
	return t, nil
}

func (l *lexer) word() (token, error) {
	end := span(l.rest, isWordRune)
	word := l.rest[:end]
	l.rest = l.rest[end:]
	if !strings.HasPrefix(l.rest, "'") {
		return token{tokenWord, word}, nil
	}
	switch strings.ToLower(word) {
	case "b":
		text, err := l.quoted()
		return token{tokenBits, text}, err
	case "x":
		text, err := l.quoted()
		return token{tokenHex, text}, err
	}
	return token{tokenWord, word}, nil
}

func span(s string, in func(rune) bool) int {
	if i := strings.IndexFunc(s, func(r rune) bool { return !in(r) }); i >= 0 {
		return i
	}
	return len(s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordRune(r rune) bool {
	return r == '_' || r == '$' || r != utf8.RuneError && r >= 0x80 || unicode.IsLetter(r) || unicode.IsDigit(r)
}
