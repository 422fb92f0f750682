package spec

import (
	"reflect"
	"strings"
	"sync"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/suggest"
)

// fields are what a struct of the declaration consists of in YAML.
type fields struct {
	// name of what the struct declares, for messages.
	name string
	// names of the fields in order, and the index of each in the struct.
	names []string
	index map[string]int
	// inner are the paths of the fields one level below, by their name.
	inner map[string]string
	// also are the fields by names that other tools give to them: the tag "also".
	also map[string]string
	// zero are the fields in which a zero that is written out means the default:
	// the tag "zero".
	zero map[string]bool
}

var knownFields sync.Map // reflect.Type → *fields

func fieldsOf(structure reflect.Type) *fields {
	if known, ok := knownFields.Load(structure); ok {
		return known.(*fields)
	}
	found := &fields{name: words(structure.Name()), index: map[string]int{}, inner: map[string]string{}, also: map[string]string{}, zero: map[string]bool{}}
	for i := range structure.NumField() {
		field := structure.Field(i)
		if !field.IsExported() {
			continue
		}
		name := field.Tag.Get("yaml")
		found.names = append(found.names, name)
		found.index[name] = i
		found.zero[name] = field.Tag.Get("zero") == "default"
		for other := range strings.SplitSeq(field.Tag.Get("also"), ",") {
			found.also[other] = name
		}
		nested := field.Type
		if nested.Kind() == reflect.Pointer {
			nested = nested.Elem()
		}
		if nested.Kind() == reflect.Struct {
			for _, below := range fieldsOf(nested).names {
				found.inner[below] = name + "." + below
			}
		}
	}
	knownFields.Store(structure, found)
	return found
}

// suggest says what an unknown field was probably meant to be.
func (f *fields) suggest(name string) string {
	for _, known := range f.names {
		if strings.EqualFold(strings.NewReplacer("-", "", "_", "").Replace(name), known) {
			return "did you mean " + known + "?"
		}
	}
	if inner, ok := f.inner[name]; ok {
		return "did you mean " + inner + "?"
	}
	if known, ok := f.also[name]; ok {
		return "did you mean " + known + "?"
	}
	if fix := suggest.DidYouMean(name, f.names); fix != "" {
		return fix
	}
	return "remove it"
}

var wordStart = compile(`[a-z][A-Z]|[A-Z][A-Z][a-z]`)

// words writes the name of a type as words: "health check".
func words(name string) string {
	switch name {
	case "App":
		return "the declaration"
	case "ExistingVPC":
		return "an existing VPC"
	case "HostedZone":
		return "a hosted zone"
	case "CPUThresholds":
		return "the CPU thresholds"
	}
	name = wordStart().ReplaceAllStringFunc(name, func(pair string) string { return pair[:1] + " " + pair[1:] })
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "s") || name == "build" {
		return name
	}
	if strings.ContainsAny(name[:1], "aeiou") {
		return "an " + name
	}
	return "a " + name
}

// wanted says what a field of the type takes.
func wanted(want reflect.Type) string {
	switch {
	case want == durationType:
		return "a duration, as in 30s, 15m or 1h30m"
	case want.Kind() == reflect.Pointer:
		return wanted(want.Elem())
	case want.Kind() == reflect.Slice && want.Elem().Kind() == reflect.String:
		return "a list of texts"
	case want.Kind() == reflect.Slice:
		return "a list of mappings, each with the fields " + phrase.List(fieldsOf(want.Elem()).names, "and")
	case want.Kind() == reflect.Map:
		return "a mapping of names to texts"
	case want.Kind() == reflect.Struct:
		return "a mapping with the fields " + phrase.List(fieldsOf(want).names, "and")
	case want.Kind() == reflect.Int:
		return "a whole number"
	case want.Kind() == reflect.Float64:
		return "a number"
	case want.Kind() == reflect.Bool:
		return "true or false"
	}
	return "a text"
}

// emptyFix says what to do about a key without a value.
func emptyFix(want reflect.Type) string {
	switch want.Kind() {
	case reflect.Struct:
		return "give the fields, write {} for all defaults, or remove the line"
	case reflect.String:
		return "give a value, write \"\" for an empty text, or remove the line"
	}
	return "give a value, or remove the line"
}

// durationFix says what to do about a duration that is none.
func durationFix(text string) string {
	if decimal.MatchString(text) {
		return "add the unit: s, m or h"
	}
	return "write a number and its unit: s, m or h"
}

// example is wanted with a value.
func example(kind reflect.Kind) string {
	switch kind {
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number, as in 0.5"
	}
	return "a whole number, as in 2"
}
