package verify

import (
	"encoding/json"
	"os"
	"testing"

	"leap/internal/row"
	"leap/internal/schema"
)

// The vectors come from a third implementation, in another language.
func TestExpectation(t *testing.T) {
	text, err := os.ReadFile("../mask/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Key    string          `json:"key"`
			Mask   schema.MaskKind `json:"mask"`
			Value  string          `json:"value"`
			Result *string         `json:"result"`
		} `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatal(err, len(file.Vectors))
	}
	for _, v := range file.Vectors {
		e := Expect([]schema.ColumnMapping{{Name: "id"}, {Name: "it", Mask: &schema.Mask{As: v.Mask, Key: schema.NewMaskKey(v.Key)}}, {Name: "b"}})
		got, err := e.Row(row.Row{[]byte("1"), []byte(v.Value), nil})
		if v.Result == nil {
			if err == nil {
				t.Errorf("%s of %q: %q", v.Mask, v.Value, got)
			}
			continue
		}
		if err != nil || string(got[0]) != "1" || string(got[1]) != *v.Result || got[2] != nil {
			t.Errorf("%s of %q: %q, %v; want %q", v.Mask, v.Value, got, err, *v.Result)
		}
	}
	if Expect([]schema.ColumnMapping{{Name: "id"}}) != nil {
		t.Error("something is expected of a table without masks")
	}
}
