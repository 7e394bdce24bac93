package damage

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"leap/internal/schema"
)

// extent is where a token stands in a document.
type extent struct{ start, end int }

// numbers finds the numbers of a document.
func numbers(document []byte) []extent {
	dec := jsontext.NewDecoder(bytes.NewReader(document), jsontext.AllowDuplicateNames(true))
	var out []extent
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return out // the end, or not JSON: then there is nothing to bend
		}
		if token.Kind() == jsontext.KindNumber {
			end := int(dec.InputOffset())
			out = append(out, extent{end - len(token.String()), end})
		}
	}
}

// bendNumber replaces one number of a document, chosen at random among those
// that other accepts.
func bendNumber(document []byte, random *rand.Rand, other func(number []byte) []byte) ([]byte, bool) {
	found := numbers(document)
	random.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	for _, e := range found {
		if bent := other(document[e.start:e.end]); bent != nil {
			return slices.Concat(document[:e.start], bent, document[e.end:]), true
		}
	}
	return nil, false
}

// nextJSON changes the last digit of a number.
func nextJSON(_ *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	return bendNumber(cell, random, func(number []byte) []byte {
		mantissa := len(number)
		if e := bytes.IndexAny(number, "eE"); e >= 0 {
			mantissa = e
		}
		out := slices.Clone(number)
		switch last := &out[mantissa-1]; *last {
		case '9':
			*last = '8'
		default:
			*last++
		}
		return out
	})
}

func jsonAsText(_ *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	return bendNumber(cell, random, func(number []byte) []byte {
		return slices.Concat([]byte{'"'}, number, []byte{'"'})
	})
}

// jsonScale writes a whole number with a fraction of zero, which is the same number.
func jsonScale(_ *schema.ColumnMapping, cell []byte, random *rand.Rand) ([]byte, bool) {
	return bendNumber(cell, random, func(number []byte) []byte {
		if bytes.ContainsAny(number, ".eE") {
			return nil
		}
		return slices.Concat(number, []byte(".0"))
	})
}

// sameJSON says whether two documents may mean the same: it errs on the side of
// yes, since it is asked to be sure that they differ.
func sameJSON(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return true
	}
	return reflect.DeepEqual(x, y)
}
