// Package fieldtest changes one field of a declaration at a time: it is for tests
// of what fields say of themselves.
package fieldtest

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"github.com/tinystack-go/tinystack/internal/field"
	"github.com/tinystack-go/tinystack/spec"
)

//go:embed bases
var bases embed.FS

// Base is a valid declaration that fields are changed in.
type Base struct {
	// Name of its file.
	Name string
	// When are the conditions of changes that hold in it, as in "with a load balancer".
	When []string

	text     string
	declared Declaration
}

var conditions = map[string][]string{
	"alb":    {"with an ALB", "with a load balancer", "with a domain"},
	"domain": {"with a domain"},
	"rest":   {"with a load balancer"}, // its own, which nobody else reaches
}

// Pipeline says whether the base has one.
func (b Base) Pipeline() bool { return strings.Contains(b.text, "\npipeline:") }

// Bases are all of them; the most general comes first.
func Bases() []Base { return allBases() }

var allBases = sync.OnceValue(func() []Base {
	names := []string{"api", "pipeline", "database", "alb"}
	entries, err := fs.ReadDir(bases, "bases")
	if err != nil {
		panic(err) // embedded at build time
	}
	for _, entry := range entries {
		if name := strings.TrimSuffix(entry.Name(), ".yaml"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var all []Base
	for _, name := range names {
		text, err := bases.ReadFile("bases/" + name + ".yaml")
		if err != nil {
			panic(err)
		}
		b := Base{Name: name, When: conditions[name], text: string(text)}
		var declared map[string]any // mappings within it get its type
		if err := yaml.Unmarshal(text, &declared); err != nil {
			panic(fmt.Sprintf("%s: %v", name, err))
		}
		b.declared = declared
		all = append(all, b)
	}
	return all
})

// Declaration is a declaration as YAML has it, aliases replaced.
type Declaration map[string]any

// Declaration of the base.
func (b Base) Declaration() Declaration {
	return copied(map[string]any(b.declared)).(map[string]any)
}

// Parse completes and checks the declaration.
func (d Declaration) Parse() (spec.App, error) {
	text, err := json.Marshal(d) // which is YAML, too
	if err != nil {
		return spec.App{}, err
	}
	return spec.Parse("", text, nil)
}

// Valid says whether the declaration is.
func (d Declaration) Valid() bool {
	_, err := d.Parse()
	return err == nil
}

// Spot is a place in a declaration where a field can be set.
type Spot struct {
	Base Base
	// Field that is set.
	Field field.At
	// Path with the numbers of elements.
	Path string
	// Before is the base with what the field is in: where the base does not
	// declare that, with its example.
	Before Declaration
	// Plain says that Before is the base itself.
	Plain bool
}

// Spots are the places of a field in a base, without those where what it is in
// cannot be. A field without a place there has none.
func Spots(base Base, at field.At) []Spot {
	var spots []Spot
	for _, path := range expand(base.Declaration(), "", strings.Split(at.Path, ".")) {
		before := base.Declaration()
		plain := before.has(path)
		if !before.provide(path) {
			continue
		}
		if !plain {
			if without := before.Without(path); without.Valid() {
				before = without // the example of what it is in had it
			} else if !before.Valid() {
				continue
			}
		}
		spots = append(spots, Spot{base, at, path, before, plain})
	}
	return spots
}

// has says whether the declaration declares what the path leads through.
func (d Declaration) has(path string) bool {
	parent, _ := holder(d, path)
	return parent != nil
}

// Get is what the declaration has at a path.
func (d Declaration) Get(path string) (value any, found bool) {
	parent, name := holder(d, path)
	value, found = parent[name]
	return value, found
}

// Without is the declaration without what is declared at the path.
func (d Declaration) Without(path string) Declaration {
	changed := copied(map[string]any(d)).(map[string]any)
	parent, name := holder(changed, path)
	delete(parent, name)
	return changed
}

// With is the declaration with a value at the spot, and with what has to change
// together with it.
func (s Spot) With(value any) Declaration {
	changed := s.Before.With(s.Path, value)
	for path, other := range together[s.Path] {
		changed = changed.With(path, other)
	}
	return changed
}

// together are fields that cannot change alone.
var together = map[string]map[string]any{
	// A domain has one primary region.
	"stages[0].endpoint.routing.role": {"stages[1].endpoint.routing": map[string]any{
		"policy": "failover", "role": "primary", "healthCheck": map[string]any{"path": "/"},
	}},
	// What is overridden has to be declared, and what is declared overridden.
	"stages[0].database.overrides": {"services[0].variables": map[string]any{"PG_DATABASE": "shelves"}},
}

// With is the declaration with a value at a path; where there is nothing that the
// value could be in, it is the same declaration.
func (d Declaration) With(path string, value any) Declaration {
	changed := copied(map[string]any(d)).(map[string]any)
	if parent, name := holder(changed, path); parent != nil {
		parent[name] = value
	}
	return changed
}

// expand writes a path once for each element of the lists in it.
func expand(in any, path string, rest []string) []string {
	name, list := strings.CutSuffix(rest[0], "[]")
	path = strings.TrimPrefix(path+"."+name, ".")
	if len(rest) == 1 {
		return []string{path}
	}
	var inner any
	if mapping, ok := in.(map[string]any); ok {
		inner = mapping[name]
	} else if mapping, ok := in.(Declaration); ok {
		inner = mapping[name]
	}
	if !list {
		return expand(inner, path, rest[1:])
	}
	var paths []string
	elements, _ := inner.([]any)
	for i := range max(1, len(elements)) {
		var element any
		if i < len(elements) {
			element = elements[i]
		}
		paths = append(paths, expand(element, path+"["+strconv.Itoa(i)+"]", rest[1:])...)
	}
	return paths
}

// provide declares what the path leads through, by examples.
func (d Declaration) provide(path string) bool {
	parts := strings.Split(path, ".")
	current := map[string]any(d)
	for i, part := range parts[:len(parts)-1] {
		name, index, list := cutIndex(part)
		if _, found := current[name]; !found {
			at, known := field.Find(strings.TrimSuffix(strings.Join(append(slices.Clone(parts[:i]), name), "."), "[]"))
			if !known {
				return false
			}
			current[name] = at.ExampleValue()
		}
		if list {
			elements, _ := current[name].([]any)
			if index >= len(elements) {
				return false
			}
			element, ok := elements[index].(map[string]any)
			if !ok {
				return false
			}
			current = element
			continue
		}
		inner, ok := current[name].(map[string]any)
		if !ok {
			return false
		}
		current = inner
	}
	return true
}

func cutIndex(part string) (name string, index int, list bool) {
	name, rest, list := strings.Cut(part, "[")
	if list {
		index, _ = strconv.Atoi(strings.TrimSuffix(rest, "]"))
	}
	return name, index, list
}

// holder is the mapping that has the last part of the path; nil where there is
// none.
func holder(in map[string]any, path string) (map[string]any, string) {
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		name, index, list := cutIndex(part)
		inner := in[name]
		if list {
			elements, _ := inner.([]any)
			if index >= len(elements) {
				return nil, ""
			}
			inner = elements[index]
		}
		mapping, ok := inner.(map[string]any)
		if !ok {
			return nil, ""
		}
		in = mapping
	}
	return in, parts[len(parts)-1]
}

func copied(value any) any {
	switch value := value.(type) {
	case map[string]any:
		mapping := map[string]any{}
		for name, inner := range value {
			mapping[name] = copied(inner)
		}
		return mapping
	case []any:
		list := make([]any, len(value))
		for i, inner := range value {
			list[i] = copied(inner)
		}
		return list
	}
	return value
}

// Value is what a declaration has at a path, as in stages[0].scale.cpu.scaleIn: a
// value behind a pointer, or nil where there is none.
func Value(app spec.App, path string) any {
	value := reflect.ValueOf(app)
	for _, part := range strings.Split(path, ".") {
		name, index, list := cutIndex(part)
		found := false
		for i := range value.NumField() {
			if value.Type().Field(i).Tag.Get("yaml") == name {
				value, found = value.Field(i), true
				break
			}
		}
		if !found {
			panic("there is no field " + path)
		}
		if list {
			value = value.Index(index)
		}
		if value.Kind() == reflect.Pointer {
			if value.IsNil() {
				return nil
			}
			value = value.Elem()
		}
	}
	return value.Interface()
}
