package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// node of a JSON schema.
type object = map[string]any

// JSONSchema describes the plan file for editors: it completes keys, shows what
// they mean and underlines what Read would refuse for its form.
func JSONSchema() ([]byte, error) {
	root := structSchema(reflect.TypeFor[Plan]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = fmt.Sprintf("urn:leap:migrate-plan:v%d", Version)
	root["title"] = "Plan of leap migrate"
	root["description"] = "What migrate --plan reads: who the tenants are, where their rows lie and go, and how each table belongs to a tenant."
	root["patternProperties"] = object{"^x-": object{"description": "A place for anchors."}}
	root["properties"].(object)["version"].(object)["const"] = Version //nolint:forcetypeassert // structSchema made them
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the schema of a plan: %w", err)
	}
	return append(text, '\n'), nil
}

func structSchema(t reflect.Type) object {
	properties, required := object{}, []string{}
	for f := range t.Fields() {
		key := f.Tag.Get("yaml")
		if key == "" {
			continue
		}
		s := typeSchema(f.Type)
		s["description"] = f.Tag.Get("doc")
		if values := f.Tag.Get("enum"); values != "" {
			s["enum"] = strings.Split(values, ",")
		}
		if f.Tag.Get("required") != "" {
			required = append(required, key)
		}
		properties[key] = s
	}
	out := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func typeSchema(t reflect.Type) object {
	if t == reflect.TypeFor[List]() {
		return object{"anyOf": []object{scalar(), {"type": "array", "items": scalar()}}}
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return typeSchema(t.Elem())
	case t.Kind() == reflect.Struct:
		return structSchema(t)
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": typeSchema(t.Elem())}
	case t.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": typeSchema(t.Elem())}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.Int:
		return object{"type": "integer", "minimum": 0}
	}
	return scalar()
}

// scalar is a text. Read takes numbers and words such as null for the text that
// they are written as.
func scalar() object {
	return object{"type": []string{"string", "number", "boolean", "null"}}
}
