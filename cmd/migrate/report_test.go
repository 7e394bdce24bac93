package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"leap/internal/report"
)

// The schemas of a report about one move and of one about a plan.
const (
	reportSchema = "../../docs/reference/migrate-report.schema.json"
	fleetSchema  = "../../docs/reference/migrate-fleet.schema.json"
)

// report FILE [PATH=VALUE | PATH~PATTERN]... checks that a file, or stdout, is
// one migrate report and nothing else, that it keeps to the schema and has no
// password, and compares fields: tenants.0.tables.0.verdict=pass. The value of
// a list is its length; a field that is not there is "absent".
func checkReport(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: report FILE|stdout [PATH=VALUE|PATH~PATTERN]...")
	}
	text := ts.ReadFile(args[0])
	for _, secret := range stageOf(ts).secrets {
		if strings.Contains(text, secret) {
			ts.Fatalf("the report has a password")
		}
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	ts.Check(err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(reportSchema)
	ts.Check(err)
	if field(doc, []string{"schema"}) == report.FleetSchema {
		parts, err := jsonschema.UnmarshalJSON(strings.NewReader(mustRead(ts, reportSchema)))
		ts.Check(err)
		ts.Check(compiler.AddResource("urn:leap:migrate-report:v1", parts))
		schema, err = compiler.Compile(fleetSchema)
		ts.Check(err)
	}
	if err := schema.Validate(doc); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for _, condition := range args[1:] {
		i := strings.IndexAny(condition, "=~")
		if i < 0 {
			ts.Fatalf("%q has neither = nor ~", condition)
		}
		path, want := condition[:i], condition[i+1:]
		got := field(doc, strings.Split(path, "."))
		ok := got == want
		if condition[i] == '~' {
			ok = regexp.MustCompile(want).MatchString(got)
		}
		if !ok {
			ts.Fatalf("%s: %s is %q, want %s", args[0], path, got, condition[i:])
		}
	}
}

// mustRead reads a file of the checkout, which ts.ReadFile would look for in the
// script's folder.
func mustRead(ts *testscript.TestScript, path string) string {
	text, err := os.ReadFile(path)
	ts.Check(err)
	return string(text)
}

// field finds a value in decoded JSON and gives it as text.
func field(v any, path []string) string {
	if len(path) > 0 && path[0] != "" {
		switch v := v.(type) {
		case map[string]any:
			child, ok := v[path[0]]
			if !ok {
				return "absent"
			}
			return field(child, path[1:])
		case []any:
			if i, err := strconv.Atoi(path[0]); err == nil && i < len(v) {
				return field(v[i], path[1:])
			}
		}
		return "absent"
	}
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		return strconv.Itoa(len(v))
	}
	return fmt.Sprint(v)
}
