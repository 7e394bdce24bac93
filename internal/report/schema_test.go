package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../../docs/reference/migrate-report.schema.json"

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	s, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// encoded returns the settled report as generic JSON.
func encoded(t *testing.T, m *Migration) map[string]any {
	t.Helper()
	m.Settle()
	var buf bytes.Buffer
	if err := Encode(&buf, m); err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(&buf)
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

func TestReportsFollowTheSchema(t *testing.T) {
	s := compileSchema(t)
	for name, m := range map[string]*Migration{
		"pass": passing(), "everything": everything(), "never connected": neverConnected(), "empty": {
			Command: "migrate verify", Started: passing().Started,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.Validate(encoded(t, m)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compileSchema(t)
	table := func(r map[string]any) map[string]any {
		tenant := r["tenants"].([]any)[0].(map[string]any)
		return tenant["tables"].([]any)[0].(map[string]any)
	}
	for name, spoil := range map[string]func(r map[string]any){
		"another version":        func(r map[string]any) { r["schema"] = "leap.migrate.report/v2" },
		"an unknown verdict":     func(r map[string]any) { r["verdict"] = "passed" },
		"no verdict":             func(r map[string]any) { delete(r, "verdict") },
		"fail without a reason":  func(r map[string]any) { r["reasons"] = []any{} },
		"pass with an error":     func(r map[string]any) { r["verdict"], r["reasons"] = "pass", []any{} },
		"a local time":           func(r map[string]any) { r["started"] = "2026-03-01T22:00:00+01:00" },
		"no time":                func(r map[string]any) { r["started"] = "yesterdayZ" },
		"null for a list":        func(r map[string]any) { r["ledger"] = nil },
		"a negative count":       func(r map[string]any) { table(r)["source_rows"] = json.Number("-1") },
		"a fractional count":     func(r map[string]any) { table(r)["source_rows"] = json.Number("1.5") },
		"a count as text":        func(r map[string]any) { table(r)["source_rows"] = "1" },
		"a count left out":       func(r map[string]any) { delete(table(r), "target_rows") },
		"a table without a name": func(r map[string]any) { table(r)["name"] = "" },
		"an unknown kind": func(r map[string]any) {
			table(r)["findings"].([]any)[0].(map[string]any)["kind"] = "lost"
		},
		"a key that is a number": func(r map[string]any) {
			table(r)["findings"].([]any)[0].(map[string]any)["key"] = map[string]any{"id": json.Number("9")}
		},
		"CockroachDB as its own stand-in": func(r map[string]any) {
			r["target"].(map[string]any)["product"] = CockroachDB
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := encoded(t, everything())
			spoil(r)
			if err := s.Validate(r); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// A field that is in the code and not in the schema must not go unnoticed,
// wherever it is.
func TestSchemaRefusesUnknownFieldsEverywhere(t *testing.T) {
	s := compileSchema(t)
	whole := encoded(t, everything())
	objects := 0
	walk("", whole, func(path string, o map[string]any) {
		if strings.HasSuffix(path, "/key") || strings.Contains(path, "/examples/") {
			return // keys have the customer's columns
		}
		objects++
		o["drift"] = "x"
		if err := s.Validate(whole); err == nil {
			t.Errorf("an unknown field in %q is accepted", path)
		}
		delete(o, "drift")
	})
	if objects < 15 {
		t.Errorf("only %d objects were looked at", objects)
	}
	if err := s.Validate(whole); err != nil {
		t.Errorf("after the test: %v", err)
	}
}

// A field that is in the schema and not in the code must not go unnoticed
// either: the full sample has to use every property that the schema knows.
func TestSchemaHasNoDeadFields(t *testing.T) {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	walk("", encoded(t, everything()), func(_ string, o map[string]any) {
		used[strings.Join(slices.Sorted(maps.Keys(o)), " ")] = true
	})
	known := map[string]any{"report": doc}
	maps.Copy(known, doc["$defs"].(map[string]any))
	for name, def := range known {
		props, ok := def.(map[string]any)["properties"].(map[string]any)
		if !ok {
			continue
		}
		if want := strings.Join(slices.Sorted(maps.Keys(props)), " "); !used[want] {
			t.Errorf("%s: no object of the full sample has all of: %s", name, want)
		}
	}
}

// walk calls f for v and for every object below it, parents first.
func walk(path string, v any, f func(path string, o map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(path, v)
		for name, child := range v {
			walk(path+"/"+name, child, f)
		}
	case []any:
		for i, child := range v {
			walk(fmt.Sprintf("%s/%d", path, i), child, f)
		}
	}
}
