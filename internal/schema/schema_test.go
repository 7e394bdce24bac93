package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMaskKeyIsNeverPrinted by whatever prints values.
func TestMaskKeyIsNeverPrinted(t *testing.T) {
	const secret = "correct horse battery staple"
	m := Mapping{Name: "t", Columns: []ColumnMapping{{Name: "iban", Mask: &Mask{As: MaskHash, KeyID: "k1", Key: NewMaskKey(secret)}}}}
	key := m.Columns[0].Mask.Key
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key, "mask", m.Columns[0].Mask)
	inJSON, err := json.Marshal(struct {
		M Mapping `json:"m"`
		K MaskKey `json:"k"`
	}{m, key})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"v": fmt.Sprintf("%v", key), "plus": fmt.Sprintf("%+v", m.Columns[0].Mask), "go": fmt.Sprintf("%#v", key), //nolint:perfsprint // the verbs are what is tested
		"s": fmt.Sprintf("%s %q %x", key, key, key), "slog": log.String(), "json": string(inJSON),
	} {
		if strings.Contains(text, "horse") || strings.Contains(text, fmt.Sprintf("%x", "horse")) || text == "" {
			t.Errorf("%s: %q", name, text)
		}
	}
	if string(key.Reveal()) != secret || key.Empty() || !NewMaskKey("").Empty() {
		t.Error("the key is not what it was made of")
	}
}

// TestFingerprint: what decides over the rows changes it, and what does not, not.
func TestFingerprint(t *testing.T) {
	mapping := func(change func(*Mapping)) string {
		m := &Mapping{
			Name: "accounts", SourceName: "accounts", Key: []int{0},
			Columns: []ColumnMapping{
				{Source: "id", Name: "id", Kind: Int, Type: "INT8", NotNull: true},
				{Source: "iban", Name: "iban", Kind: Text, Type: "VARCHAR(34)", Mask: &Mask{As: MaskIBAN, KeyID: "k1", Key: NewMaskKey("a")}},
			},
			Slice: &Slice{Tenant: "acme", Column: "tenant_id", Values: []string{"7"}},
		}
		change(m)
		print, err := m.Fingerprint()
		if err != nil || print == "" {
			t.Fatalf("%q, %v", print, err)
		}
		return print
	}
	same := mapping(func(*Mapping) {})
	for name, change := range map[string]func(*Mapping){
		"the tenant's name in the plan":    func(m *Mapping) { m.Slice.Tenant = "ACME plc" },
		"another index":                    func(m *Mapping) { m.Slice.Access = Access{ByIndex: true, Indexes: []string{"k"}, Rows: 9} },
		"the key itself, of the same id":   func(m *Mapping) { m.Columns[1].Mask.Key = NewMaskKey("b") },
		"newer statistics of the source's": func(m *Mapping) { m.Source = &Table{EstimatedRows: 5} },
	} {
		if mapping(change) != same {
			t.Errorf("%s changes it", name)
		}
	}
	for name, change := range map[string]func(*Mapping){
		"a type":          func(m *Mapping) { m.Columns[0].Type = "INT4" },
		"a policy":        func(m *Mapping) { m.Columns[1].Policy.NUL = Strip },
		"a mask":          func(m *Mapping) { m.Columns[1].Mask = nil },
		"another key":     func(m *Mapping) { m.Columns[1].Mask.KeyID = "k2" },
		"another tenant":  func(m *Mapping) { m.Slice.Values = []string{"8"} },
		"no slice":        func(m *Mapping) { m.Slice = nil },
		"the order":       func(m *Mapping) { m.Key = []int{1} },
		"a column less":   func(m *Mapping) { m.Columns = m.Columns[:1] },
		"another name":    func(m *Mapping) { m.Name = "konten" },
		"a computed one":  func(m *Mapping) { m.Columns[1].Computed = true },
		"a label's place": func(m *Mapping) { m.Columns[1].Labels = []string{"b", "a"} },
	} {
		if mapping(change) == same {
			t.Errorf("%s does not change it", name)
		}
	}
}

func TestColumnsOfAMapping(t *testing.T) {
	m := &Mapping{
		Key:     []int{2, 0},
		Columns: []ColumnMapping{{Name: "a"}, {Name: "sum", Computed: true}, {Name: "b"}},
	}
	names := func(columns []ColumnMapping) (out []string) {
		for _, c := range columns {
			out = append(out, c.Name)
		}
		return out
	}
	if diff := cmp.Diff([]string{"b", "a"}, names(m.KeyColumns())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, names(m.Copied())); diff != "" {
		t.Error(diff)
	}
	if m.Key = nil; m.KeyColumns() != nil {
		t.Error("a key without columns is not nil")
	}
}

// TestPolicyChanges: keeping a NUL that the target stores changes nothing.
func TestPolicyChanges(t *testing.T) {
	for p, want := range map[ValuePolicy]bool{
		{}: false, {NUL: Keep}: false, {NUL: Strip}: true, {ZeroDate: Null}: true, {NUL: Keep, EmptyEnum: Null}: true, {JSONDuplicate: Last}: true,
	} {
		if p.Changes() != want {
			t.Errorf("%+v: %v", p, !want)
		}
	}
}

// TestNamesAreExact: MySQL keeps tables apart whose names differ in case.
func TestNamesAreExact(t *testing.T) {
	d := &Database{Tables: []*Table{{Name: "Accounts", Columns: []Column{{Name: "ID"}}}, {Name: "accounts"}}}
	if d.Table("accounts") != d.Tables[1] || d.Table("ACCOUNTS") != nil {
		t.Error("a table of another name was found")
	}
	if d.Tables[0].Column("ID") == nil || d.Tables[0].Column("id") != nil {
		t.Error("a column of another name was found")
	}
}
