package field

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// SchemaURL is where the schema of the newest version is found.
const SchemaURL = "https://raw.githubusercontent.com/tinystack-go/tinystack/main/tinystack.schema.json"

// Schema is the JSON Schema of a declaration, for editors. It accepts every
// valid declaration; of those that are not valid it refuses what can be said of
// one field alone.
func Schema() []byte {
	merged := mergedTypes()
	definitions := object{}
	for _, t := range Types() {
		definitions.set(t.Name, structSchema(t, merged[t.Name]))
	}
	schema := object{
		{"$schema", "http://json-schema.org/draft-07/schema#"},
		{"$id", SchemaURL},
		{"title", "tinystack.yaml"},
		{"$ref", reference(Root)},
		{"definitions", definitions},
	}
	text, err := marshal(schema)
	if err != nil {
		panic(err) // it consists of texts, numbers and lists
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", " "); err != nil {
		panic(err)
	}
	indented.WriteByte('\n')
	return indented.Bytes()
}

// mergedTypes are those of which a canary may declare a part, and has the rest
// from its production stage: in the schema nothing of them is required. What is
// in a list is declared as a whole.
func mergedTypes() map[string]bool {
	merged := map[string]bool{}
	var visit func(Type)
	visit = func(t Type) {
		for _, f := range t.Fields {
			if f.Of != "" && !f.List && !merged[f.Of] {
				merged[f.Of] = true
				visit(TypeOf(f.Of))
			}
		}
	}
	visit(TypeOf("Stage"))
	return merged
}

func reference(name string) string { return "#/definitions/" + name }

func structSchema(t Type, merged bool) object {
	properties := object{}
	var required []string
	for _, f := range t.Fields {
		properties.set(f.Name, fieldSchema(f))
		if f.Required() && !merged {
			required = append(required, f.Name)
		}
	}
	s := object{{"description", Plain(t.Doc)}, {"type", "object"}, {"properties", properties}, {"additionalProperties", false}}
	if t.Name == Root && !merged {
		// Holds what the aliases of a declaration stand for.
		s.set("patternProperties", object{{"^x-", true}})
	}
	if required != nil {
		s.set("required", required)
	}
	return s
}

// fieldSchema has its description beside the reference in an allOf: editors
// of draft-07 ignore what stands beside a $ref.
func fieldSchema(f Field) object {
	s := object{{"description", f.hover()}}
	bounds := f.Bounds()
	if f.List {
		items := valueSchema(f, bounds)
		if f.Of != "" {
			items = object{{"$ref", reference(f.Of)}}
		}
		s.set("type", "array")
		s.set("items", items)
		s.count("minItems", bounds.Least)
		s.count("maxItems", bounds.Most)
	} else if f.Of != "" {
		s.set("allOf", []any{object{{"$ref", reference(f.Of)}}})
	} else {
		s = append(s, valueSchema(f, bounds)...)
	}
	if value, ok := f.DefaultValue(); ok {
		s.set("default", value)
	}
	s.set("examples", []any{mustParse(f.Example)})
	return s
}

// hover is what an editor shows beside the field.
func (f Field) hover() string {
	lines := []string{Plain(f.Doc), "Default: " + Plain(f.Default)}
	if permits := f.Permits(); permits != "" {
		lines = append(lines, "Allowed: "+Plain(permits))
	}
	for _, change := range f.Changes {
		lines = append(lines, "Change: "+Plain(change.String()))
	}
	return strings.Join(lines, "\n\n")
}

// A value can refer to the environment, whatever it then is.
var fromEnvironment = object{{"type", "string"}, {"pattern", `\$\{[A-Za-z_][A-Za-z0-9_]*\}`}}

func valueSchema(f Field, bounds Bounds) object {
	either := func(s object) object { return object{{"anyOf", []any{s, fromEnvironment}}} }
	switch f.Kind {
	case Flag:
		return either(object{{"type", "boolean"}})
	case Integer, Number:
		s := object{{"type", map[Kind]string{Integer: "integer", Number: "number"}[f.Kind]}}
		if bounds.Choice != nil {
			s.set("enum", numbers(bounds.Choice))
		}
		s.count("minimum", bounds.Least)
		s.count("maximum", bounds.Most)
		return either(s)
	case Duration:
		s := object{{"type", "string"}, {"pattern", `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}}
		if bounds.Choice != nil {
			s = object{{"enum", bounds.Choice}}
		}
		return either(s)
	case Map:
		text := object{{"type", []string{"string", "number", "boolean"}}}
		s := object{{"type", "object"}, {"additionalProperties", text}}
		s.count("maxProperties", bounds.Most)
		return s
	default:
		if bounds.Choice != nil {
			return either(object{{"enum", bounds.Choice}})
		}
		// A number or a flag is taken as the text that stands in the file.
		return object{{"type", []string{"string", "number", "boolean"}}}
	}
}

func numbers(texts []string) []json.Number {
	var all []json.Number
	for _, text := range texts {
		all = append(all, json.Number(text))
	}
	return all
}

// DefaultValue is the default, where it is one value that always holds.
func (f Field) DefaultValue() (any, bool) {
	switch {
	case f.Kind == Object || f.Kind == Map || strings.Contains(f.Default, "; ") || strings.Contains(f.Default, ": "):
		return nil, false
	case f.List && !strings.HasPrefix(f.Default, "["):
		return nil, false
	case f.List || f.Kind == Flag && (f.Default == "true" || f.Default == "false"):
		return mustParse(f.Default), true
	case f.Kind == Integer || f.Kind == Number:
		if _, err := strconv.ParseFloat(f.Default, 64); err != nil {
			return nil, false
		}
		return json.Number(f.Default), true
	case f.Kind == Text && f.Default != "none" && f.Default != "nobody" && f.Default != "required" && (!strings.Contains(f.Default, " ") || strings.HasPrefix(f.Default, `"`)):
		return strings.Trim(f.Default, `"`), true
	case f.Kind == Duration && !strings.Contains(f.Default, " ") && f.Default != "none":
		return f.Default, true
	}
	return nil, false
}

// ExampleValue is the example as YAML reads it.
func (f Field) ExampleValue() any { return mustParse(f.Example) }

// mustParse reads a value that a comment writes as YAML does; a test reads them
// all.
func mustParse(text string) any {
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		panic(err)
	}
	return value
}

// object is a JSON object that keeps its order.
type object []member

type member struct {
	name  string
	value any
}

func (o *object) set(name string, value any) { *o = append(*o, member{name, value}) }

// count sets a number, unless there is none.
func (o *object) count(name, number string) {
	if _, err := strconv.ParseFloat(number, 64); err == nil {
		o.set(name, json.Number(number))
	}
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	members := make([][]byte, len(o))
	for i, m := range o {
		name, err := marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(m.value)
		if err != nil {
			return nil, err
		}
		members[i] = append(append(name, ':'), value...)
	}
	return append(append([]byte{'{'}, bytes.Join(members, []byte{','})...), '}'), nil
}

// marshal leaves <, > and & as people write them.
func marshal(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(text.Bytes()), err
}
