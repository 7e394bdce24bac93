package mask

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"leap/internal/schema"
)

func masker(kind schema.MaskKind, key string) *Masker {
	return New(schema.Mask{As: kind, Key: schema.NewMaskKey(key)})
}

type vector struct {
	Key    string          `json:"key"`
	Mask   schema.MaskKind `json:"mask"`
	Value  string          `json:"value"`
	Result *string         `json:"result"` // nil where there is none
}

// vectors.json comes from a program in another language; see vectors.py beside it.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		IDs     map[string]string `json:"key_ids"`
		Vectors []vector          `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 80 || len(file.IDs) != 2 {
		t.Fatalf("%d vectors, %d keys", len(file.Vectors), len(file.IDs))
	}
	for key, id := range file.IDs {
		if got := KeyID(schema.NewMaskKey(key)); got != id {
			t.Errorf("the key is called %s, want %s", got, id)
		}
	}
	for _, v := range file.Vectors {
		got, err := masker(v.Mask, v.Key).Append([]byte("before "), []byte(v.Value))
		if v.Result == nil {
			if _, ok := errors.AsType[*Error](err); !ok || strings.Contains(err.Error(), v.Value) {
				t.Errorf("%s of %q: %q, %v", v.Mask, v.Value, got, err)
			}
			continue
		}
		if err != nil || string(got) != "before "+*v.Result {
			t.Errorf("%s of %q: %q, %v; want %q", v.Mask, v.Value, got, err, *v.Result)
		}
	}
}

func TestClasses(t *testing.T) {
	seen := map[rune]bool{}
	for _, c := range slices.Concat(ascii, others, keptOutside) {
		for i := range c.size() {
			r := c.at(i)
			if seen[r] || c.index(r) != i {
				t.Fatalf("%U is in two classes, or in two places of one", r)
			}
			seen[r] = true
		}
	}
	for _, c := range others {
		for i := range c.size() {
			if r := c.at(i); !unicode.IsLetter(r) {
				t.Errorf("%U is no letter", r)
			}
		}
	}
}

// Every text of a small shape becomes another of that shape, and no two the same.
func TestPermutesSmallShapes(t *testing.T) {
	for _, classes := range [][]class{{ascii[1]}, {ascii[0], ascii[0]}, {ascii[1], ascii[4], ascii[1]}, {ascii[1], ascii[1], ascii[0], ascii[1]}} {
		texts := []string{""}
		for _, c := range classes {
			var longer []string
			for _, head := range texts {
				for i := range c.size() {
					longer = append(longer, head+string(c.at(i)))
				}
			}
			texts = longer
		}
		for _, kind := range []schema.MaskKind{schema.MaskName, schema.MaskIBAN} {
			m, seen := masker(kind, "some key"), map[string]bool{}
			for _, text := range texts {
				got, err := m.Append(nil, []byte(text))
				if err != nil || seen[string(got)] || !slices.Contains(texts, string(got)) {
					t.Fatalf("%s of %q is %q (%v), of another text as well, or of another shape", kind, text, got, err)
				}
				seen[string(got)] = true
			}
		}
	}
}

// valid is the check of an IBAN as its standard words it.
func valid(text string) bool {
	p := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	var digits strings.Builder
	for _, c := range p[4:] + p[:4] {
		if c >= 'A' {
			fmt.Fprintf(&digits, "%d", c-'A'+10)
		} else {
			digits.WriteRune(c)
		}
	}
	n, ok := new(big.Int).SetString(digits.String(), 10)
	return ok && n.Mod(n, big.NewInt(97)).Int64() == 1
}

func TestIBANsStayIBANs(t *testing.T) {
	m := masker(schema.MaskIBAN, "some key")
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.StringMatching(`[A-Z]{2}`).Draw(t, "country")
		account := rapid.StringMatching(`[0-9A-Z]{11,30}`).Draw(t, "account")
		check := checkSum - remainder([]byte(account), []byte(country), "00")
		text := fmt.Sprintf("%s%02d%s", country, check, account)
		if rapid.Bool().Draw(t, "spaces") {
			text = text[:4] + " " + strings.ToLower(text[4:8]) + " " + text[8:]
		}
		if !valid(text) {
			t.Fatalf("%q is none", text)
		}
		out, err := m.Append(nil, []byte(text))
		got := string(out)
		if err != nil || !valid(got) || len(got) != len(text) || got[:2] != country || strings.Count(got, " ") != strings.Count(text, " ") || got == text {
			t.Fatalf("%q became %q (%v)", text, got, err)
		}
	})
}

func TestNamesKeepTheirShape(t *testing.T) {
	m, again := masker(schema.MaskName, "some key"), masker(schema.MaskName, "some key")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[A-Za-z0-9äöüßÉéł'., -]{0,60}`).Draw(t, "text")
		out, err := m.Append(nil, []byte(text))
		if err != nil || utf8.RuneCount(out) != utf8.RuneCountInString(text) {
			t.Fatalf("%q became %q (%v)", text, out, err)
		}
		runes := []rune(string(out))
		for i, r := range []rune(text) {
			c, _, kept := classOf(r)
			if kept && runes[i] != r || !kept && c.index(runes[i]) < 0 {
				t.Fatalf("%q became %q", text, out)
			}
		}
		if other, _ := again.Append(nil, []byte(text)); string(other) != string(out) {
			t.Fatalf("%q became %q and %q", text, out, other)
		}
	})
}

func TestKeysDoNotShow(t *testing.T) {
	m := schema.Mask{As: schema.MaskHash, KeyID: "id", Key: schema.NewMaskKey("hunter2")}
	asJSON, err := json.Marshal(m)
	if text := fmt.Sprintf("%v %+v %#v %s", m, m, m, asJSON); err != nil || strings.Contains(text, "hunter2") {
		t.Errorf("the key shows in %s (%v)", text, err)
	}
}

func BenchmarkName(b *testing.B) {
	m, buf := masker(schema.MaskName, "some key"), []byte(nil)
	for b.Loop() {
		buf, _ = m.Append(buf[:0], []byte("Kim Berg-Smith"))
	}
}
