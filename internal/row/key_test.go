package row

import (
	"slices"
	"testing"

	"leap/internal/schema"
)

func TestKeyReader(t *testing.T) {
	columns := []schema.ColumnMapping{
		{Name: "id", Kind: schema.Int}, {Name: "raw", Kind: schema.Bytes}, {Name: "name", Kind: schema.Text},
	}
	r := NewKeyReader(columns, []schema.ColumnMapping{columns[2], columns[1]})
	cells := Row{[]byte("1"), []byte("\x00\xff"), []byte("Ann")}
	key := r.Key(cells)
	if !slices.Equal(key, Key{"Ann", "00ff"}) || r.Len() != 2 {
		t.Fatalf("got %v of %d columns", key, r.Len())
	}
	if !r.Same(cells, key) {
		t.Error("a row does not have its own key")
	}
	// The key must outlive the row.
	copy(cells[2], "Bob")
	if !slices.Equal(key, Key{"Ann", "00ff"}) {
		t.Errorf("the key changed with the row: %v", key)
	}
	if r.Same(cells, key) {
		t.Error("another name, the same key")
	}
	if r.Same(Row{nil, []byte("\x00\xfe"), []byte("Ann")}, key) {
		t.Error("other bytes, the same key")
	}
	if got := r.Key(Row{nil, []byte{}, nil}); !slices.Equal(got, Key{"NULL", ""}) {
		t.Errorf("got %q", got)
	}
}

func TestKeyReaderWithoutKey(t *testing.T) {
	columns := []schema.ColumnMapping{{Name: "id", Kind: schema.Int}}
	if r := NewKeyReader(columns, nil); r.Len() != 0 || r.Key(Row{[]byte("1")}) != nil {
		t.Error("there is a key")
	}
	if r := NewKeyReader(columns, []schema.ColumnMapping{{Name: "gone"}}); r.Len() != 0 {
		t.Error("a column that is not in the rows is read")
	}
}

func TestStrings(t *testing.T) {
	for want, got := range map[string]string{
		"(no key)":         Key(nil).String(),
		"(7, a)":           Key{"7", "a"}.String(),
		"(start, end]":     Range{}.String(),
		"((1, a), (2, b)]": Range{After: Key{"1", "a"}, UpTo: Key{"2", "b"}}.String(),
		"column c: bad":    (&Problem{Column: "c", What: "bad", Hint: "h"}).Error(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
