// Package mask replaces values for rehearsals: the copier's implementation of
// the functions that docs/decisions/masking.md defines. Equal values become
// equal ones wherever they stand, different ones stay different, and without
// the key nobody can tell which became which. It decides nothing about what is
// masked, and it is not the verifier's: that has one of its own, and both are
// held against the same vectors.
package mask

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"unicode/utf8"

	"leap/internal/schema"
)

// domain separates what is derived from a key from what anybody else derives from it.
const domain = "leap.mask/v1/"

// KeyID names a key without giving it away.
func KeyID(key schema.MaskKey) string {
	return hex.EncodeToString(derive(key, "id")[:8])
}

func derive(key schema.MaskKey, what string) []byte {
	m := hmac.New(sha256.New, key.Reveal())
	m.Write([]byte(domain + what))
	return m.Sum(nil)
}

// Error is a value that a mask cannot replace. It does not quote the value.
type Error struct{ What string }

// Error says what is in the way.
func (e *Error) Error() string { return e.What }

// Masker replaces the values of one column. It belongs to one goroutine.
type Masker struct {
	kind schema.MaskKind
	prf  hash.Hash
	// other is for texts that are no IBAN, in a column of IBANs.
	other   hash.Hash
	message []byte
	sum     []byte
	runes   []rune
	letters []letter
}

// New returns the masker of a column.
func New(m schema.Mask) *Masker {
	out := &Masker{kind: m.As, prf: hmac.New(sha256.New, derive(m.Key, string(m.As)))}
	if m.As == schema.MaskIBAN {
		out.other = hmac.New(sha256.New, derive(m.Key, string(m.As)+"/other"))
	}
	return out
}

// Append appends the replacement of a value, which must be UTF-8, to dst. An
// *Error means that there is none.
func (m *Masker) Append(dst, value []byte) ([]byte, error) {
	if len(value) == 0 {
		return dst, nil
	}
	switch m.kind {
	case schema.MaskHash:
		const bytes = 16 // 128 bits: no two values of any table share them
		return hex.AppendEncode(dst, m.digest(value)[:bytes]), nil
	case schema.MaskEmail:
		const letters = 20 // 100 bits
		var text [56]byte
		base32.StdEncoding.Encode(text[:], m.digest(value))
		for _, c := range text[:letters] {
			if c >= 'A' {
				c |= 0x20
			}
			dst = append(dst, c)
		}
		return append(dst, "@example.com"...), nil
	case schema.MaskIBAN:
		return m.appendIBAN(dst, value)
	case schema.MaskName:
		return m.appendName(dst, value, m.prf)
	}
	return nil, fmt.Errorf("there is no mask %q", m.kind)
}

func (m *Masker) digest(text []byte) []byte {
	m.prf.Reset()
	m.prf.Write(text)
	m.sum = m.prf.Sum(m.sum[:0])
	return m.sum
}

// letter is a character that is replaced: its place among the runes, and in its class.
type letter struct {
	at    int
	class class
	index int
}

// appendName replaces each letter and digit by one of its class.
func (m *Masker) appendName(dst, value []byte, prf hash.Hash) ([]byte, error) {
	m.runes, m.letters = m.runes[:0], m.letters[:0]
	for i := 0; i < len(value); {
		r, n := utf8.DecodeRune(value[i:])
		if r == utf8.RuneError && n <= 1 {
			return nil, &Error{"the value is not UTF-8"}
		}
		i += n
		c, index, kept := classOf(r)
		if c.size() == 0 && !kept {
			return nil, &Error{fmt.Sprintf("the value has the character %U, for which the mask name has no others", r)}
		}
		if !kept {
			m.letters = append(m.letters, letter{len(m.runes), c, index})
		}
		m.runes = append(m.runes, r)
	}
	m.permute(prf, nil)
	for _, l := range m.letters {
		m.runes[l.at] = l.class.at(l.index)
	}
	for _, r := range m.runes {
		dst = utf8.AppendRune(dst, r)
	}
	return dst, nil
}

// rounds of the network. Ten is what the standards for format-preserving
// encryption take for small alphabets.
const rounds = 10

// permute changes m.letters. It is a Feistel network over the two halves of
// the letters: each round adds to one half what the other one hashes to, which
// the same hash could take away again, so that no two texts become one.
func (m *Masker) permute(prf hash.Hash, tweak []byte) {
	middle := len(m.letters) / 2
	left, right := m.letters[:middle], m.letters[middle:]
	for round := range rounds {
		change, keep := left, right
		if round%2 == 1 {
			change, keep = right, left
		}
		m.shift(prf, byte(round), tweak, change, keep)
	}
}

// shift moves each letter of one half on in its class.
func (m *Masker) shift(prf hash.Hash, round byte, tweak []byte, change, keep []letter) {
	const perBlock = sha256.Size / 2
	for block := 0; block*perBlock < len(change); block++ {
		m.message = append(m.message[:0], round)
		m.message = binary.BigEndian.AppendUint32(m.message, uint32(block))
		m.message = append(m.message, tweak...)
		for _, l := range keep {
			m.message = utf8.AppendRune(m.message, l.class.at(l.index))
		}
		prf.Reset()
		prf.Write(m.message)
		m.sum = prf.Sum(m.sum[:0])
		for i := block * perBlock; i < min(len(change), (block+1)*perBlock); i++ {
			by := int(binary.BigEndian.Uint16(m.sum[2*(i%perBlock):]))
			change[i].index = (change[i].index + by) % change[i].class.size()
		}
	}
}
