package field

import (
	_ "embed"
	"encoding/json"
	"strings"
	"sync"
)

//go:embed fields.json
var tableJSON []byte

// Root is the type of a whole declaration.
const Root = "App"

// Type is a struct of the declaration.
type Type struct {
	// Name of the type in package spec.
	Name string `json:"name"`
	// Doc is its documentation.
	Doc string `json:"doc"`
	// Fields in the order of the struct.
	Fields []Field `json:"fields"`
}

// Field is a field of the declaration.
type Field struct {
	// Go is the name of the field in package spec.
	Go string `json:"go"`
	// Name of the field in YAML.
	Name string `json:"name"`
	// Kind of its value.
	Kind Kind `json:"kind"`
	// Of is the type of the value, or of each element of a list, where that has
	// fields of its own.
	Of string `json:"of,omitempty"`
	// List says that the value is a list.
	List bool `json:"list,omitempty"`
	// Doc says what it means; names of fields stand between backticks.
	Doc string `json:"doc"`
	// Default, Allowed and Example as the comment writes them.
	Default string `json:"default"`
	Allowed string `json:"allowed,omitempty"`
	Example string `json:"example"`
	// Changes are what a change of it does: in general, then in special cases.
	Changes []Change `json:"changes"`
	// See is a page that says more; it may be empty.
	See string `json:"see,omitempty"`
}

// Kind is what a value is, or each element of a list.
type Kind string

// The kinds of values.
const (
	Text     Kind = "text"
	Integer  Kind = "whole number"
	Number   Kind = "number"
	Flag     Kind = "true or false"
	Duration Kind = "duration"
	Object   Kind = "mapping"
	Map      Kind = "mapping of names to texts"
)

// Type of the field in words: list of texts.
func (f Field) Type() string {
	if !f.List {
		return string(f.Kind)
	}
	return "list of " + string(f.Kind) + "s"
}

// Required says whether the field has to be given.
func (f Field) Required() bool { return f.Default == "required" }

// Permits is what the field may be, in words: for a flag and a mapping its type
// says it.
func (f Field) Permits() string {
	switch {
	case f.Allowed != "":
		return f.Allowed
	case f.Kind == Flag:
		return "true or false"
	}
	return ""
}

var table = sync.OnceValue(func() []Type {
	var types []Type
	if err := json.Unmarshal(tableJSON, &types); err != nil {
		panic(err) // embedded at build time; a test reads it
	}
	return types
})

// Types are all types of the declaration, the root first.
func Types() []Type { return table() }

// TypeOf is the type of that name.
func TypeOf(name string) Type {
	for _, t := range table() {
		if t.Name == name {
			return t
		}
	}
	return Type{}
}

// Section is the title of what docs/declaration.md says of a type: the path at
// which the type is first met.
func Section(typeName string) string {
	for _, at := range All() {
		if at.Of == typeName {
			return at.Inside()
		}
	}
	return "Top level"
}

// Anchor is what GitHub makes of a title.
func Anchor(title string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "[]", "", " ", "-").Replace(title))
}

// At is a field at a place of the declaration.
type At struct {
	Field
	// In is the type that the field is of.
	In string
	// Path of the field, as in stages[].database.storage.
	Path string
}

// All are the fields at all their places, each followed by those below it.
func All() []At { return all() }

var all = sync.OnceValue(func() []At { return below(TypeOf(Root), "") })

func below(t Type, path string) []At {
	var all []At
	for _, at := range directly(t, path) {
		all = append(all, at)
		if at.Of != "" {
			all = append(all, below(TypeOf(at.Of), at.Inside())...)
		}
	}
	return all
}

// Inside is the path of what the field holds: that of an element, for a list.
func (a At) Inside() string {
	if a.List {
		return a.Path + "[]"
	}
	return a.Path
}

// Below are the fields that the field's value has.
func (a At) Below() []At {
	if a.Of == "" {
		return nil
	}
	return directly(TypeOf(a.Of), a.Inside())
}

// Top are the fields of the whole declaration.
func Top() []At { return directly(TypeOf(Root), "") }

func directly(t Type, path string) []At {
	var all []At
	for _, f := range t.Fields {
		all = append(all, At{Field: f, In: t.Name, Path: strings.TrimPrefix(path+"."+f.Name, ".")})
	}
	return all
}

// Plain is a text of this package without the marks of Markdown.
func Plain(text string) string { return strings.ReplaceAll(text, "`", "") }
