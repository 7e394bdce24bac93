package mask

import (
	"errors"
	"fmt"
	"strconv"
)

// An IBAN has a country, two check digits, and 11 to 30 characters of account.
const (
	head                = 4
	shortest, longest   = 11, 30
	checkBase, checkSum = 97, 98
)

// digits and capitals are what an account's characters are replaced by.
var digits, capitals = ascii[0], class{text: []rune("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}

// appendIBAN replaces the account of an IBAN and computes its check digits
// anew. Spaces and small letters stay where they are. Texts that are no IBAN
// become others that are none.
func (m *Masker) appendIBAN(dst, value []byte) ([]byte, error) {
	plain, ok := compact(value)
	if !ok {
		return m.appendNoIBAN(dst, value)
	}
	m.letters = m.letters[:0]
	for i, c := range plain[head:] {
		l := letter{at: head + i, class: digits, index: int(c - '0')}
		if c >= 'A' {
			l.class, l.index = capitals, int(c-'A')
		}
		m.letters = append(m.letters, l)
	}
	m.permute(m.prf, plain[:2])
	for _, l := range m.letters {
		plain[l.at] = byte(l.class.at(l.index)) //nolint:gosec // ASCII
	}
	check := checkSum - remainder(plain[head:], plain[:2], "00")
	copy(plain[2:head], fmt.Sprintf("%02d", check))
	at := 0
	for _, c := range value {
		switch {
		case c == ' ':
			dst = append(dst, c)
			continue
		case c >= 'a':
			dst = append(dst, plain[at]|0x20)
		default:
			dst = append(dst, plain[at])
		}
		at++
	}
	return dst, nil
}

// mostSteps bounds appendNoIBAN. One text in a hundred of a shape is an IBAN,
// so that this many in a row are not to be expected in the life of the universe.
const mostSteps = 1000

// appendNoIBAN goes on replacing until the result is no IBAN either: each step
// can be undone, so the first text of that kind on the way is nobody else's.
func (m *Masker) appendNoIBAN(dst, value []byte) ([]byte, error) {
	start := len(dst)
	for range mostSteps {
		var err error
		if dst, err = m.appendName(dst[:start], value, m.other); err != nil {
			return nil, err
		}
		if _, is := compact(dst[start:]); !is {
			return dst, nil
		}
		value = append([]byte(nil), dst[start:]...)
	}
	return nil, errors.New("no text of this shape is other than an IBAN")
}

// compact returns the capitals and digits of an IBAN; false for anything else.
func compact(value []byte) ([]byte, bool) {
	out := make([]byte, 0, head+longest)
	for _, c := range value {
		switch {
		case c == ' ':
			continue
		case c >= 'a' && c <= 'z':
			c &^= 0x20
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z':
		default:
			return nil, false
		}
		if len(out) == head+longest {
			return nil, false
		}
		isDigit := c <= '9'
		if n := len(out); n < 2 && isDigit || (n == 2 || n == 3) && !isDigit {
			return nil, false
		}
		out = append(out, c)
	}
	if len(out) < head+shortest || remainder(out[head:], out[:2], string(out[2:head])) != 1 {
		return nil, false
	}
	// 00, 01 and 99 are check digits that nobody computes.
	check, err := strconv.Atoi(string(out[2:head]))
	return out, err == nil && check >= 2 && check <= checkSum
}

// remainder is that of account, country and check digits by 97, letters being
// the numbers from 10 on.
func remainder(account, country []byte, check string) int {
	rest := 0
	for _, part := range [][]byte{account, country, []byte(check)} {
		for _, c := range part {
			if c >= 'A' {
				rest = (rest*100 + int(c-'A') + 10) % checkBase
			} else {
				rest = (rest*10 + int(c-'0')) % checkBase
			}
		}
	}
	return rest
}
