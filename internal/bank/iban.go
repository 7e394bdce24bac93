package bank

import (
	"fmt"
	"strings"
)

// iban makes a valid IBAN: the country's BBAN with its check digits (ISO 7064,
// MOD 97-10).
func iban(country, bban string) string {
	rest := 0
	for _, c := range bban + country + "00" {
		switch {
		case c >= 'A' && c <= 'Z':
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return fmt.Sprintf("%s%02d%s", country, 98-rest, bban)
}

// bbanDigits is the length of the account part; the French key and the Polish
// sort code's check digit are not computed, only the IBAN's own.
var bbanDigits = map[string]int{"DE": 18, "FR": 23, "PL": 24}

// ownIBAN is the IBAN of the n-th account of a bank; bank and n make it unique.
func ownIBAN(country string, bank, n int) string {
	width := bbanDigits[country]
	return iban(country, fmt.Sprintf("%08d%0*d", 10020030+bank*37, width-8, n))
}

// strangeIBAN throws somebody's IBAN in another bank. One in eight is written
// in groups of four, as people type them.
func (r *row) strangeIBAN(country string) string {
	s := iban(country, "5"+r.digits(bbanDigits[country]-1))
	if !r.chance(12) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s[i:min(i+4, len(s))])
	}
	return b.String()
}
