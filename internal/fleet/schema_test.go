package fleet

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// follows checks real output, as the command encodes it, against a schema of the reference.
func follows(t *testing.T, schema string, output any) {
	t.Helper()
	const folder = "../../docs/reference/"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	parts, err := os.ReadFile(folder + "migrate-report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(parts))
	if err != nil {
		t.Fatal(err)
	}
	if err = c.AddResource("urn:leap:migrate-report:v1", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(folder + schema + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(output)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(value); err != nil {
		t.Errorf("%s: %v\n%s", schema, err, text)
	}
}
