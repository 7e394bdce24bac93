package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"

	"leap/internal/row"
	"leap/internal/schema"
)

// Expectation turns rows of the source into what the target should hold, where
// the plan masks columns. It works the masks out by itself, from their
// definition in docs/decisions/masking.md and by none of the copier's code: a
// mistake there is a difference here.
type Expectation struct {
	columns []masked
	cells   row.Row
}

type masked struct {
	position int
	name     string
	mask     schema.Mask
}

// Expect returns the expectation for rows of these columns; nil where none is masked.
func Expect(columns []schema.ColumnMapping) *Expectation {
	e := &Expectation{}
	for i, c := range columns {
		if c.Mask != nil {
			e.columns = append(e.columns, masked{i, c.Name, *c.Mask})
		}
	}
	if len(e.columns) == 0 {
		return nil
	}
	return e
}

// Row returns what should arrive of a row; valid until the next call.
func (e *Expectation) Row(r row.Row) (row.Row, error) {
	e.cells = append(e.cells[:0], r...)
	for _, c := range e.columns {
		if len(r[c.position]) == 0 { // NULL, or the empty text
			continue
		}
		text, err := expected(c.mask, string(r[c.position]))
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.name, err)
		}
		e.cells[c.position] = []byte(text)
	}
	return e.cells, nil
}

func expected(m schema.Mask, value string) (string, error) {
	secret := func(what string) string { return mac(string(m.Key.Reveal()), "leap.mask/v1/"+what) }
	switch m.As {
	case schema.MaskHash:
		return hex.EncodeToString([]byte(mac(secret("hash"), value)))[:32], nil
	case schema.MaskEmail:
		return strings.ToLower(base32.StdEncoding.EncodeToString([]byte(mac(secret("email"), value)))[:20]) + "@example.com", nil
	case schema.MaskName:
		return likeName(secret("name"), value)
	case schema.MaskIBAN:
		if plain := ibanIn(value); plain != "" {
			return likeIBAN(secret("iban"), value, plain), nil
		}
		for {
			var err error
			if value, err = likeName(secret("iban/other"), value); err != nil || ibanIn(value) == "" {
				return value, err
			}
		}
	}
	return "", fmt.Errorf("there is no mask %q", m.As)
}

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	_, _ = h.Write([]byte(text)) // a hash has no errors
	return string(h.Sum(nil))
}

// alphabetOf returns the characters that may stand for one, in order; itself
// alone for one that stays. It is empty where the definition has none.
func alphabetOf(c rune) []rune {
	for i, a := range alphabets {
		if within(a, c) {
			return spelledOut()[i]
		}
	}
	for _, vowelsOrNot := range []string{"0123456789", "aeiou", "AEIOU", "bcdfghjklmnpqrstvwxyz", "BCDFGHJKLMNPQRSTVWXYZ"} {
		if strings.ContainsRune(vowelsOrNot, c) {
			return []rune(vowelsOrNot)
		}
	}
	if within(staying, c) {
		return []rune{c}
	}
	return nil
}

// staying are the characters that nothing replaces, as runs.
var staying = []rune{
	'\t', '\n', '\r', '\r', ' ', '~', 0xA0, 0xBF, 0xD7, 0xD7, 0xF7, 0xF7, 0x300, 0x36F, 0x2000, 0x206F, 0x3000, 0x3003,
}

func within(runs []rune, c rune) bool {
	for run := range slices.Chunk(runs, 2) {
		if c >= run[0] && c <= run[1] {
			return true
		}
	}
	return false
}

// alphabets beyond ASCII, as the first and the last of each run of characters.
var alphabets = [][]rune{
	{0xC0, 0xD6, 0xD8, 0xDE},
	{0xDF, 0xF6, 0xF8, 0xFF},
	{0x100, 0x17F},
	{0x386, 0x386, 0x388, 0x38A, 0x38C, 0x38C, 0x38E, 0x38F},
	{0x391, 0x3A1, 0x3A3, 0x3A9},
	{0x3AA, 0x3AB},
	{0x3AC, 0x3AF, 0x3CC, 0x3CE},
	{0x3B1, 0x3C9},
	{0x3CA, 0x3CB, 0x390, 0x390, 0x3B0, 0x3B0},
	{0x400, 0x40F},
	{0x410, 0x42F},
	{0x430, 0x44F},
	{0x450, 0x45F},
	{0x5D0, 0x5EA},
	{0x621, 0x63A},
	{0x641, 0x64A},
	{0x3041, 0x3096},
	{0x30A1, 0x30FA},
	{0x4E00, 0x9FA5},
	{0xAC00, 0xD7A3},
}

// spelledOut are the alphabets character by character. Some have 20,000, too many
// to be written for each letter of a name.
var spelledOut = sync.OnceValue(func() [][]rune {
	out := make([][]rune, len(alphabets))
	for i, a := range alphabets {
		out[i] = spelled(a)
	}
	return out
})

func spelled(runs []rune) []rune {
	var out []rune
	for run := range slices.Chunk(runs, 2) {
		for c := run[0]; c <= run[1]; c++ {
			out = append(out, c)
		}
	}
	return out
}

func likeName(key, value string) (string, error) {
	text := []rune(value)
	var places []int
	var choices [][]rune
	for i, c := range text {
		switch a := alphabetOf(c); len(a) {
		case 0:
			return "", fmt.Errorf("the definition of the mask has nothing for the character %U", c)
		case 1:
		default:
			places, choices = append(places, i), append(choices, a)
		}
	}
	picked := make([]rune, len(places))
	for i, at := range places {
		picked[i] = text[at]
	}
	for i, c := range scrambled(key, "", picked, choices) {
		text[places[i]] = c
	}
	return string(text), nil
}

// scrambled is the network of ten rounds: of the two halves of the text, the
// second the longer, one moves on by the hash of the other, in turn.
func scrambled(key, tweak string, text []rune, choices [][]rune) []rune {
	h := len(text) / 2
	for round := range 10 {
		from, to, other := 0, h, string(text[h:])
		if round%2 == 1 {
			from, to, other = h, len(text), string(text[:h])
		}
		stream := ""
		for n := 0; len(stream) < 2*(to-from); n++ {
			stream += mac(key, string([]byte{byte(round), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})+tweak+other)
		}
		for i := from; i < to; i++ {
			at := slices.Index(choices[i], text[i]) + int(stream[2*(i-from)])<<8 + int(stream[2*(i-from)+1])
			text[i] = choices[i][at%len(choices[i])]
		}
	}
	return text
}

// ibanIn returns the IBAN that a text is, without spaces and in capitals; empty
// for a text that is none.
func ibanIn(value string) string {
	plain := strings.ReplaceAll(value, " ", "")
	const country, check, shortest, longest = 2, 4, 15, 34
	if len(plain) < shortest || len(plain) > longest {
		return ""
	}
	for i, c := range []byte(plain) {
		digit, letter := c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z'
		if !digit && !letter || i < country && digit || i >= country && i < check && letter {
			return ""
		}
	}
	plain = strings.ToUpper(plain)
	if two := plain[country:check]; two < "02" || two > "98" || modulo97(plain[check:]+plain[:check]) != 1 {
		return ""
	}
	return plain
}

// modulo97 is the remainder of the number that a text is when letters are
// written as the numbers from 10 on.
func modulo97(text string) int64 {
	var number strings.Builder
	for _, c := range text {
		if c >= 'A' {
			fmt.Fprint(&number, c-'A'+10)
		} else {
			number.WriteRune(c)
		}
	}
	n, _ := new(big.Int).SetString(number.String(), 10) // digits alone
	return n.Mod(n, big.NewInt(97)).Int64()
}

func likeIBAN(key, value, plain string) string {
	country, account := plain[:2], []rune(plain[4:])
	choices := make([][]rune, len(account))
	for i, c := range account {
		choices[i] = []rune("0123456789")
		if c >= 'A' {
			choices[i] = spelled([]rune{'A', 'Z'})
		}
	}
	number := string(scrambled(key, country, account, choices))
	result := fmt.Sprintf("%s%02d%s", country, 98-modulo97(number+country+"00"), number)
	var out strings.Builder
	for _, c := range value {
		switch {
		case c == ' ':
			out.WriteByte(' ')
			continue
		case c >= 'a':
			out.WriteString(strings.ToLower(result[:1]))
		default:
			out.WriteString(result[:1])
		}
		result = result[1:]
	}
	return out.String()
}
