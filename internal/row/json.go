package row

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// appendJSON appends JSON by meaning: object members sorted by key, numbers as
// plain decimals (1, 1.0 and 1e0 are one number, as JSONB stores them; "1" is
// a string and differs), strings unescaped, no white space. A key that appears
// twice counts once, with its last value: that is what JSONB keeps, and the
// copier counts each such document in the ledger.
func appendJSON(dst, text []byte) ([]byte, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	dst, err := appendJSONValue(dst, dec)
	if err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not valid JSON: more than one value")
	}
	return dst, nil
}

func appendJSONValue(dst []byte, dec *jsontext.Decoder) ([]byte, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case jsontext.KindBeginObject:
		return appendJSONObject(dst, dec)
	case jsontext.KindBeginArray:
		return appendJSONArray(dst, dec)
	case jsontext.KindString:
		return appendJSONString(dst, token.String()), nil
	case jsontext.KindNumber:
		return appendNumber(dst, []byte(token.String()))
	case jsontext.KindNull, jsontext.KindTrue, jsontext.KindFalse:
		return append(dst, token.String()...), nil
	case jsontext.KindInvalid, jsontext.KindEndObject, jsontext.KindEndArray: // the decoder checked the grammar
	}
	return nil, fmt.Errorf("unexpected %s", token.Kind())
}

func appendJSONArray(dst []byte, dec *jsontext.Decoder) ([]byte, error) {
	dst = append(dst, '[')
	for dec.PeekKind() != jsontext.KindEndArray {
		var err error
		if dst, err = appendJSONValue(dst, dec); err != nil {
			return nil, err
		}
		dst = append(dst, ',')
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	return append(dst, ']'), nil
}

func appendJSONObject(dst []byte, dec *jsontext.Decoder) ([]byte, error) {
	type member struct {
		name  string
		value []byte
		order int
	}
	var members []member
	for dec.PeekKind() != jsontext.KindEndObject {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		text := name.String()
		value, err := appendJSONValue(nil, dec)
		if err != nil {
			return nil, err
		}
		members = append(members, member{text, value, len(members)})
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.order, b.order))
	})
	dst = append(dst, '{')
	for i, m := range members {
		if i+1 < len(members) && members[i+1].name == m.name {
			continue // a later value of the same key wins
		}
		dst = appendJSONString(dst, m.name)
		dst = append(dst, ':')
		dst = append(dst, m.value...)
		dst = append(dst, ',')
	}
	return append(dst, '}'), nil
}

// appendJSONString frames a string by its length, so no quoting is needed.
func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}
