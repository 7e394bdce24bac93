package row

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"leap/internal/schema"
)

var jsonColumn = schema.ColumnMapping{Kind: schema.JSON}

func TestJSONByMeaning(t *testing.T) {
	// Documents of one line mean the same, those of different lines do not.
	classes := [][]string{
		{`1`, ` 1 `, `1.0`, `1e0`, `10E-1`, `1.000`},
		{`"1"`, `"\u0031"`},
		{`0`, `-0`, `0.0`, `0e10`},
		{`10000000000`, `1e10`, `1E+10`},
		{`123456789012345678901234567890`},
		{`123456789012345678901234567891`},
		{`0.1`},
		{`0.10000000000000001`},
		{`null`},
		{`"null"`},
		{`true`},
		{`false`},
		{`""`},
		{`{}`, "{ \n}"},
		{`[]`, "[\t]"},
		{`[[]]`},
		{`[{}]`},
		{`[[],[]]`},
		{`[null]`},
		{`{"":null}`},
		{`{"":[]}`},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, `{"b" : 2.0, "\u0061" : 1}`, `{"a":7,"b":2,"a":1}`, `{"a":{"x":[1,2]},"\u0061":1,"b":2}`},
		{`{"a":1}`},
		{`{"a":"1"}`},
		{`{"a":1,"b":null}`},
		{`{"b":1,"a":2}`},
		{`{"aa":1,"b":2}`, `{"b":2,"aa":1}`},
		{`[1,2]`},
		{`[2,1]`},
		{`[12]`},
		{`["1,2"]`},
		{`["1","2"]`},
		{`[[1],2]`},
		{`[1,[2]]`},
		{`"é"`, `"\u00e9"`, `"\u00E9"`},
		{`"😀"`, `"\ud83d\ude00"`},
		{`"e\u0301"`}, // not normalised: another text
		{`"\/"`, `"/"`, `"\u002f"`},
		{`"\\"`, `"\u005c"`},
		{`"\n"`, `"\u000a"`},
		{`"\\n"`},
		{`"\u0000"`},
		{`"\\u0000"`},
		{`"a\u0000b"`},
		{`{"a":{"b":{"c":[{"d":1}]}}}`, `{ "a": { "b": {"c": [ { "d" : 1e0 } ] } } }`},
	}
	seen := map[string]string{}
	for _, class := range classes {
		first := canonical(t, jsonColumn, class[0])
		if other, taken := seen[first]; taken {
			t.Errorf("%s and %s have one form", class[0], other)
		}
		seen[first] = class[0]
		for _, same := range class[1:] {
			if got := canonical(t, jsonColumn, same); got != first {
				t.Errorf("%s: %q, %s: %q", class[0], first, same, got)
			}
		}
	}
}

func TestJSONDepth(t *testing.T) {
	const deep = 5000
	canonical(t, jsonColumn, strings.Repeat("[", deep)+strings.Repeat("]", deep))
	for _, open := range []string{"[", `{"a":`} {
		// Deeper than any server allows: an error, not an exhausted stack.
		if _, err := AppendCanonical(nil, &jsonColumn, []byte(strings.Repeat(open, 1_000_000))); err == nil {
			t.Error("a million levels pass")
		}
	}
}

// document draws a JSON value; numbers are json.Number.
func document(depth int) *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.StringOfN(rapid.RuneFrom([]rune("ab,:\"{}[]é😀\\\x01")), 0, 4, -1), func(s string) any { return s }),
		rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?(e-?[0-9])?`), func(s string) any { return json.Number(s) }),
	)
	if depth == 0 {
		return leaf
	}
	key := rapid.StringOfN(rapid.RuneFrom([]rune("ab:\"")), 0, 2, -1)
	return rapid.OneOf(leaf,
		rapid.Map(rapid.SliceOfN(document(depth-1), 0, 3), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(key, document(depth-1), 0, 3), func(m map[string]any) any { return m }))
}

// meaning is a document in a form that go-cmp compares: numbers as ratios.
func meaning(v any) any {
	switch v := v.(type) {
	case json.Number:
		r, _ := new(big.Rat).SetString(string(v))
		return "number " + r.RatString()
	case string:
		return "string " + v
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, meaning(e))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = meaning(e)
		}
		return out
	}
	return v
}

func TestJSONFormIsInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := document(3).Draw(t, "a"), document(3).Draw(t, "b")
		form := func(v any) []byte {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out, err := AppendCanonical(nil, &jsonColumn, text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			return out
		}
		if same := cmp.Equal(meaning(a), meaning(b)); same != bytes.Equal(form(a), form(b)) {
			t.Fatalf("same meaning: %v, forms %q and %q", same, form(a), form(b))
		}
	})
}

// TestJSONDuplicateKeys: the last value wins wherever it stands.
func TestJSONDuplicateKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 8).Draw(t, "keys")
		var all, last []string
		for i, k := range keys {
			member := fmt.Sprintf("%q:%d", k, i)
			all = append(all, member)
			if !slices.Contains(keys[i+1:], k) {
				last = append(last, member)
			}
		}
		one, err := AppendCanonical(nil, &jsonColumn, []byte("{"+strings.Join(all, ",")+"}"))
		if err != nil {
			t.Fatal(err)
		}
		two, err := AppendCanonical(nil, &jsonColumn, []byte("{"+strings.Join(last, ",")+"}"))
		if err != nil || !bytes.Equal(one, two) {
			t.Fatalf("%q and %q, %v", one, two, err)
		}
	})
}

// FuzzCanonicalJSON: never a panic, the input stays as it is, and what
// encoding/json makes of the document means the same.
func FuzzCanonicalJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.50,{"b":null}],"a":"\u00e9"}`, `1e400`, `[`, `"\ud800"`, `{"a":1,}`, "\xff", `"\u0000"`, `-0`, `{"":{"":[]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		input := bytes.Clone(text)
		form, err := AppendCanonical(nil, &jsonColumn, text)
		if !bytes.Equal(input, text) {
			t.Fatalf("%q was changed to %q", input, text)
		}
		if err != nil {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		var v any
		if err = dec.Decode(&v); err != nil {
			t.Fatalf("%q passes, but encoding/json says %v", text, err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		second, err := AppendCanonical(nil, &jsonColumn, again)
		if err != nil || !bytes.Equal(form, second) {
			t.Fatalf("%q -> %q, but %q -> %q, %v", text, form, again, second, err)
		}
	})
}
