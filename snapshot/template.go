package snapshot

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Template is a CloudFormation template as encoding/json decodes it: objects
// are map[string]any, arrays are []any, and numbers are float64. Its methods
// return parts of it, not copies.
type Template map[string]any

// A Resource is one resource of a [Template].
type Resource struct {
	// Type is the resource type, as in "AWS::S3::Bucket".
	Type string
	// Properties holds the properties of the resource; nil if it has none.
	Properties map[string]any
	// DependsOn holds the logical ids of the resources that must be there
	// first, also where the template names a single one without a list.
	DependsOn []string
	// Condition is the name of the condition under which the resource is made.
	Condition string
	// DeletionPolicy says what happens when the resource leaves the template.
	DeletionPolicy string
	// UpdateReplacePolicy says what happens to the old resource when an update
	// replaces it.
	UpdateReplacePolicy string
	// Metadata holds the metadata of the resource; nil if it has none.
	Metadata map[string]any
	// CreationPolicy says when the resource counts as created; nil if unset.
	CreationPolicy map[string]any
	// UpdatePolicy says how the resource is updated; nil if unset.
	UpdatePolicy map[string]any

	raw map[string]any
}

// Get returns the value at a dotted path below the resource, as in
// "Properties.VpcConfig.SubnetIds.0.Ref", or nil if there is none. The path is
// that of [Template.Get].
func (r Resource) Get(path string) any {
	return get(r.raw, path)
}

// An Output is one output of a [Template].
type Output struct {
	// Value is the value, usually an intrinsic function.
	Value any
	// Description is the description.
	Description string
	// Condition is the name of the condition under which the output exists.
	Condition string
	// ExportName is the name under which other stacks import the value, nil if
	// it is not exported. It can be an intrinsic function.
	ExportName any
}

// Resources returns the resources of the given type by logical id, or all
// resources if the type is "".
func (t Template) Resources(resourceType string) map[string]Resource {
	section, _ := t["Resources"].(map[string]any)
	resources := make(map[string]Resource)
	for id, v := range section {
		raw, ok := v.(map[string]any)
		if !ok {
			continue
		}
		if r := newResource(raw); resourceType == "" || r.Type == resourceType {
			resources[id] = r
		}
	}
	return resources
}

// Resource returns the resource with the given logical id, and whether there is
// one.
func (t Template) Resource(logicalID string) (Resource, bool) {
	section, _ := t["Resources"].(map[string]any)
	raw, ok := section[logicalID].(map[string]any)
	if !ok {
		return Resource{}, false
	}
	return newResource(raw), true
}

func newResource(raw map[string]any) Resource {
	r := Resource{raw: raw}
	r.Type, _ = raw["Type"].(string)
	r.Properties, _ = raw["Properties"].(map[string]any)
	r.Condition, _ = raw["Condition"].(string)
	r.DeletionPolicy, _ = raw["DeletionPolicy"].(string)
	r.UpdateReplacePolicy, _ = raw["UpdateReplacePolicy"].(string)
	r.Metadata, _ = raw["Metadata"].(map[string]any)
	r.CreationPolicy, _ = raw["CreationPolicy"].(map[string]any)
	r.UpdatePolicy, _ = raw["UpdatePolicy"].(map[string]any)
	switch deps := raw["DependsOn"].(type) {
	case string:
		r.DependsOn = []string{deps}
	case []any:
		for _, dep := range deps {
			if id, ok := dep.(string); ok {
				r.DependsOn = append(r.DependsOn, id)
			}
		}
	}
	return r
}

// Outputs returns the outputs of the template by logical id.
func (t Template) Outputs() map[string]Output {
	section, _ := t["Outputs"].(map[string]any)
	outputs := make(map[string]Output)
	for id, v := range section {
		raw, ok := v.(map[string]any)
		if !ok {
			continue
		}
		o := Output{Value: raw["Value"]}
		o.Description, _ = raw["Description"].(string)
		o.Condition, _ = raw["Condition"].(string)
		if export, ok := raw["Export"].(map[string]any); ok {
			o.ExportName = export["Name"]
		}
		outputs[id] = o
	}
	return outputs
}

// Get returns the value at a dotted path, as in
// "Resources.Bucket.Properties.Tags.0.Value", or nil if there is none. A number
// selects an element of an array, and "\." stands for a dot within a key.
func (t Template) Get(path string) any {
	return get(map[string]any(t), path)
}

func get(v any, path string) any {
	for _, key := range splitPath(path) {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

// splitPath splits a path at its dots, except for those after a backslash.
func splitPath(path string) []string {
	var keys []string
	var key strings.Builder
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path) && path[i+1] == '.':
			key.WriteByte('.')
			i++
		case path[i] == '.':
			keys = append(keys, key.String())
			key.Reset()
		default:
			key.WriteByte(path[i])
		}
	}
	return append(keys, key.String())
}

// sortedKeys returns the keys of m in order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
