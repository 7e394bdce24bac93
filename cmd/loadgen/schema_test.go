package main

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"leap/internal/hist"
	"leap/workloads"
)

const schemaFile = "../../docs/reference/loadgen-report.schema.json"

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// followsTheSchema checks a summary by the schema that users are given, and
// returns it.
func followsTheSchema(t *testing.T, text string) map[string]any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := compiled(t).Validate(doc); err != nil {
		t.Error(err)
	}
	return doc.(map[string]any) //nolint:forcetypeassert // the schema wants an object
}

// everything is a summary in which every field is used.
func everything(t *testing.T) map[string]any {
	t.Helper()
	r := healthy()
	r.pays, r.journal, r.outcome = 300, workloads.Unknown, everyNth(10, hist.Errored)
	r.health = map[string]any{"cpu": 0.99, "waited": 0.9}
	r.checked = []map[string]any{
		{"name": "sums", "says": "x", "verdict": "fail", "checked": 1, "violations": 1, "examples": []string{"x"}, "error": "y", "rounds": 2},
	}
	r.end = map[string]any{"failed_attempts": []map[string]any{
		{"op": "pay", "state": "40001", "kind": "RETRY_SERIALIZABLE", "injected": true, "retried": true, "count": 3},
	}}
	_, out, _ := called(t, "gate", r.write(t), "--slo", "pay.p50<1s", "--json")
	return followsTheSchema(t, out)
}

// TestSchemaRefusesUnknownFields: a field that is in the code and not in the
// schema does not go unnoticed, wherever it is; nor does one that is missing.
func TestSchemaRefusesUnknownFields(t *testing.T) {
	s, whole := compiled(t), everything(t)
	objects := 0
	walk(whole, func(o map[string]any) {
		objects++
		o["drift"] = "x"
		if s.Validate(whole) == nil {
			t.Errorf("an unknown field is accepted beside %v", slices.Sorted(maps.Keys(o)))
		}
		delete(o, "drift")
	})
	if objects < 15 {
		t.Errorf("only %d objects were looked at", objects)
	}
	for name, spoil := range map[string]func(map[string]any){
		"another version":    func(r map[string]any) { r["schema"] = "leap.loadgen.report/v2" },
		"an unknown verdict": func(r map[string]any) { r["verdict"] = "passed" },
		"no verdict":         func(r map[string]any) { delete(r, "verdict") },
		"pass with a reason": func(r map[string]any) { r["verdict"] = "pass" },
		"fail without one":   func(r map[string]any) { r["reasons"] = []any{} },
		"a count as text":    func(r map[string]any) { r["ops"].([]any)[0].(map[string]any)["count"] = "1" },
		"a negative count":   func(r map[string]any) { r["ops"].([]any)[0].(map[string]any)["count"] = json.Number("-1") },
		"null for a list":    func(r map[string]any) { r["gate"] = nil },
		"no time":            func(r map[string]any) { r["started"] = "yesterday" },
		"inconclusive without a reason": func(r map[string]any) {
			delete(r["gate"].([]any)[0].(map[string]any), "why")
		},
	} {
		spoiled := everything(t)
		spoil(spoiled)
		if s.Validate(spoiled) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestSchemaHasNoDeadFields: nor does a field that only the schema knows.
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
	walk(everything(t), func(o map[string]any) {
		for name := range o {
			used[name] = true
		}
	})
	walk(doc, func(o map[string]any) {
		properties, _ := o["properties"].(map[string]any)
		for name := range properties {
			if !used[name] {
				t.Errorf("no summary has %q", name)
			}
		}
	})
}

// walk calls f for v and for every object below it.
func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			walk(v[name], f)
		}
	case []any:
		for _, child := range v {
			walk(child, f)
		}
	}
}
