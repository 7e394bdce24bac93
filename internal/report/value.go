package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Key identifies a row in a finding. Of a table with a key it holds the key's
// columns in key order and becomes a JSON object; of a table without one it
// holds a description and becomes a JSON string.
type Key struct {
	Columns []KeyColumn
	Text    string
}

// KeyColumn is one column of a key and its value as text. The text must be
// valid UTF-8: whoever makes a key of binary columns writes them in hex.
type KeyColumn struct {
	Name  string
	Value string
}

// String returns the key for people: "account=7, day=2024-02-29".
func (k Key) String() string {
	if len(k.Columns) == 0 {
		return k.Text
	}
	parts := make([]string, len(k.Columns))
	for i, c := range k.Columns {
		parts[i] = c.Name + "=" + c.Value
	}
	return strings.Join(parts, ", ")
}

// MarshalJSON writes the columns in key order, which a map would lose.
func (k Key) MarshalJSON() ([]byte, error) {
	if len(k.Columns) == 0 {
		return json.Marshal(k.Text)
	}
	out := []byte{'{'}
	for i, c := range k.Columns {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(c.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(c.Value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (k *Key) UnmarshalJSON(text []byte) error {
	*k = Key{}
	if !bytes.HasPrefix(text, []byte("{")) {
		return json.Unmarshal(text, &k.Text)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := stringToken(dec)
		if err != nil {
			return err
		}
		value, err := stringToken(dec)
		if err != nil {
			return fmt.Errorf("key column %q: %w", name, err)
		}
		k.Columns = append(k.Columns, KeyColumn{Name: name, Value: value})
	}
	return nil
}

func stringToken(dec *json.Decoder) (string, error) {
	t, err := dec.Token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", errors.New("not a string")
	}
	return s, nil
}

// Value is a cell in a finding. The zero Value is one that is not shown, which
// is different from SQL's NULL.
type Value struct {
	text  string
	state valueState
}

type valueState byte

const (
	hidden valueState = iota
	null
	shown
)

// TextValue returns a cell that holds text.
func TextValue(text string) Value { return Value{text: text, state: shown} }

// NullValue returns a cell that holds SQL's NULL.
func NullValue() Value { return Value{state: null} }

// IsZero reports whether the value is not shown; such values are left out of the JSON form.
func (v Value) IsZero() bool { return v.state == hidden }

// String returns the text in quotes, NULL, or "(hidden)".
func (v Value) String() string {
	switch v.state {
	case shown:
		return "'" + v.text + "'"
	case null:
		return "NULL"
	case hidden:
	}
	return "(hidden)"
}

// MarshalJSON writes a string, or null for SQL's NULL.
func (v Value) MarshalJSON() ([]byte, error) {
	if v.state != shown {
		return []byte("null"), nil
	}
	return json.Marshal(v.text)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*v = NullValue()
		return nil
	}
	*v = Value{state: shown}
	return json.Unmarshal(text, &v.text)
}
