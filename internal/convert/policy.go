package convert

import (
	"fmt"
	"slices"
	"strings"

	"leap/internal/fault"
	"leap/internal/schema"
)

// Policies are the choices that a person makes once and that the report
// repeats. The zero value is not valid; start from DefaultPolicies.
type Policies struct {
	// ZeroDate is for zero and partial dates: Refuse, Null or Min.
	ZeroDate schema.Action `json:"zero_date"`
	// NUL is for U+0000 in text where the target cannot hold it: Refuse or Strip.
	NUL schema.Action `json:"nul"`
	// JSONDuplicate is for objects with a key twice: Refuse or Last.
	JSONDuplicate schema.Action `json:"json_duplicate"`
	// EmptyEnum is for the '' that stands for an invalid label: Refuse or Null.
	EmptyEnum schema.Action `json:"empty_enum"`
	// TinyInt1 says what TINYINT(1) becomes: "int2" or "bool".
	TinyInt1 string `json:"tinyint1"`
	// UnsignedBigint says what BIGINT UNSIGNED becomes: "decimal" or "int8".
	UnsignedBigint string `json:"unsigned_bigint"`
	// Time says what TIME becomes: "time", "interval", or "auto", which
	// chooses by the data where they were scanned.
	Time string `json:"time"`
	// Sets says what SET becomes: "array" or "string".
	Sets string `json:"set"`
	// Geometry is for geometry and vector columns: "refuse" or "bytes".
	Geometry string `json:"geometry"`
}

// DefaultPolicies returns the policies that change no value.
func DefaultPolicies() Policies {
	return Policies{
		TinyInt1: "int2", UnsignedBigint: "decimal", Time: "auto", Sets: "array", Geometry: "refuse",
	}
}

// PolicyChoice describes one policy for help texts.
type PolicyChoice struct {
	Name    string // as given to Set: "zero-date"
	About   string // what it decides
	Default string
	Values  []PolicyValue
}

// PolicyValue is one value that a policy allows.
type PolicyValue struct {
	Value   string
	Meaning string
}

// refuseName is how the zero Action is spelled by people.
const refuseName = "refuse"

// PolicyHelp returns every policy with its values, in the order of the help text.
func PolicyHelp() []PolicyChoice {
	refused := PolicyValue{refuseName, "stop and name the table, the key and the column"}
	return []PolicyChoice{
		{"zero-date", "zero and partial dates such as 0000-00-00", refuseName, []PolicyValue{
			refused, {"null", "store NULL; the column loses NOT NULL"}, {"min", "store 0001-01-01"},
		}},
		{"nul", "U+0000 inside text, where the target cannot hold it", refuseName, []PolicyValue{
			refused, {"strip", "remove the characters"},
		}},
		{"json-duplicate", "JSON objects with the same key twice", refuseName, []PolicyValue{
			refused, {"last", "keep the last value of the key"},
		}},
		{"empty-enum", "the '' that MySQL stores for an invalid ENUM label", refuseName, []PolicyValue{
			refused, {"null", "store NULL; the column loses NOT NULL"},
		}},
		{"tinyint1", "what TINYINT(1) becomes", "int2", []PolicyValue{
			{"int2", "a small integer; every value fits"}, {"bool", "BOOL; values other than 0 and 1 are refused"},
		}},
		{"unsigned-bigint", "what BIGINT UNSIGNED becomes", "decimal", []PolicyValue{
			{"decimal", "DECIMAL(20,0); every value fits"}, {"int8", "INT8; values above 9223372036854775807 are refused"},
		}},
		{"time", "what TIME becomes", "auto", []PolicyValue{
			{"auto", "TIME, or INTERVAL where a scan found values outside one day"},
			{"time", "TIME; values outside one day are refused"},
			{"interval", "INTERVAL; every value fits"},
		}},
		{"set", "what SET becomes", "array", []PolicyValue{
			{"array", "an array of labels; a string where the column is part of a key"},
			{"string", "one string of labels joined by commas, as MySQL prints it"},
		}},
		{"geometry", "geometry and vector columns", refuseName, []PolicyValue{
			{refuseName, "refuse the move"}, {"bytes", "store the source's internal bytes (geometry: 4 bytes SRID, then WKB)"},
		}},
	}
}

// Set chooses a policy by its name and value as a person writes them:
// ("zero-date", "null"). An unknown name or value is a fault.Usage error that
// lists the known ones, and changes nothing.
func (p *Policies) Set(name, value string) error {
	help := PolicyHelp()
	i := slices.IndexFunc(help, func(c PolicyChoice) bool { return c.Name == name })
	if i < 0 {
		return fault.New(fault.Usage, "the policies are "+names(help, func(c PolicyChoice) string { return c.Name }),
			"no policy is called %q", name)
	}
	known := help[i].Values
	if !slices.ContainsFunc(known, func(v PolicyValue) bool { return v.Value == value }) {
		return fault.New(fault.Usage,
			fmt.Sprintf("%s takes %s", name, names(known, func(v PolicyValue) string { return v.Value })),
			"policy %s has no value %q", name, value)
	}
	action := schema.Action(value)
	if value == refuseName {
		action = schema.Refuse
	}
	switch name {
	case "zero-date":
		p.ZeroDate = action
	case "nul":
		p.NUL = action
	case "json-duplicate":
		p.JSONDuplicate = action
	case "empty-enum":
		p.EmptyEnum = action
	case "tinyint1":
		p.TinyInt1 = value
	case "unsigned-bigint":
		p.UnsignedBigint = value
	case "time":
		p.Time = value
	case "set":
		p.Sets = value
	case "geometry":
		p.Geometry = value
	}
	return nil
}

// Get returns the value of a policy as Set takes it; empty for an unknown name.
func (p *Policies) Get(name string) string {
	action := func(a schema.Action) string {
		if a == schema.Refuse {
			return refuseName
		}
		return string(a)
	}
	switch name {
	case "zero-date":
		return action(p.ZeroDate)
	case "nul":
		return action(p.NUL)
	case "json-duplicate":
		return action(p.JSONDuplicate)
	case "empty-enum":
		return action(p.EmptyEnum)
	case "tinyint1":
		return p.TinyInt1
	case "unsigned-bigint":
		return p.UnsignedBigint
	case "time":
		return p.Time
	case "set":
		return p.Sets
	case "geometry":
		return p.Geometry
	}
	return ""
}

// Validate says whether every policy has a value that it allows.
func (p *Policies) Validate() error {
	var scratch Policies
	for _, c := range PolicyHelp() {
		if err := scratch.Set(c.Name, p.Get(c.Name)); err != nil {
			return err
		}
	}
	return nil
}

func names[T any](list []T, name func(T) string) string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = name(x)
	}
	return strings.Join(out, ", ")
}
