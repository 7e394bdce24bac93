package report

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"leap/internal/fault"
)

const fleetSchemaFile = "../../docs/reference/migrate-fleet.schema.json"

// fleetOf is a fleet with a tenant for each report, which ended with the code.
func fleetOf(codes []int, reports ...*Migration) *Fleet {
	f := &Fleet{
		Command: "migrate run", Version: "v1", Started: passing().Started, Finished: passing().Finished,
		Plan: PlanFile{File: "plan.yaml", SHA256: strings.Repeat("0a", 32)},
	}
	for i, m := range reports {
		m.Settle()
		move := MoveOf(string(rune('a'+i)), m)
		move.ExitCode = codes[i]
		f.Tenants = append(f.Tenants, move)
	}
	f.Settle()
	return f
}

func TestFleetFollowsItsSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	text, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = text.Close() }()
	parts, err := jsonschema.UnmarshalJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	if err = c.AddResource("urn:leap:migrate-report:v1", parts); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(fleetSchemaFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*Fleet{
		"pass": fleetOf([]int{0}, passing()), "mixed": fleetOf([]int{0, 3, 1}, passing(), everything(), neverConnected()), "empty": fleetOf(nil),
	} {
		var out bytes.Buffer
		if err := EncodeFleet(&out, f); err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		v.(map[string]any)["drift"] = 1
		if s.Validate(v) == nil {
			t.Errorf("%s: an unknown field is accepted", name)
		}
	}
}

func TestFleetVerdict(t *testing.T) {
	if f := fleetOf([]int{0, 0}, passing(), passing()); f.Verdict != Pass || f.ExitCode() != 0 || len(f.Reasons) != 0 {
		t.Errorf("got %s, %d, %v", f.Verdict, f.ExitCode(), f.Reasons)
	}
	f := fleetOf([]int{0, 3}, passing(), everything())
	if f.Verdict != Fail || f.ExitCode() != fault.Refused || !strings.HasPrefix(f.Reasons[0], "tenant b: ") {
		t.Errorf("got %s, %d, %v", f.Verdict, f.ExitCode(), f.Reasons)
	}
	if f := fleetOf(nil); f.Verdict == Pass {
		t.Error("a fleet without tenants passes")
	}
}

// The smallest code but 0 is the worst.
func TestFleetExitCode(t *testing.T) {
	for _, test := range []struct {
		codes []int
		want  fault.Class
	}{{[]int{0, 0}, 0}, {[]int{0, 4}, 4}, {[]int{4, 3}, 3}, {[]int{3, 2, 4}, 2}, {[]int{4, 1, 3}, 1}, {nil, 0}} {
		f := &Fleet{}
		for _, c := range test.codes {
			f.Tenants = append(f.Tenants, Move{ExitCode: c})
		}
		if got := f.ExitCode(); got != test.want {
			t.Errorf("%v ends with %d, want %d", test.codes, got, test.want)
		}
	}
}

func TestFleetText(t *testing.T) {
	var out bytes.Buffer
	f := fleetOf([]int{0, 3}, passing(), everything())
	f.Plan.Unused = []string{"view-dropped:*"}
	if err := FleetText(&out, f, Options{}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if !strings.HasPrefix(lines[len(lines)-1], "verdict: fail: 1 of 2 tenants are proven equal; PostgreSQL stood in") {
		t.Errorf("the last line is %q", lines[len(lines)-1])
	}
	for _, want := range []string{"tenant b ends with 3 (refused, or data differ)", "accepts view-dropped:*"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
