// Package docs_test holds the documentation against the code.
package docs_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/spec"
)

var update = flag.Bool("update", false, "write what is derived from the code into the documentation")

// block is a code block whose content is that of a file, or what the loader
// prints about a declaration in testdata.
var block = regexp.MustCompile("(?s)<!-- (file|output): ([^ ]+) -->\n```([a-z]*)\n(.*?)```")

func TestCodeInTheDocumentation(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	blocks := 0
	for _, page := range append(pages, "../README.md") {
		have, err := os.ReadFile(page)
		require.NoError(t, err)
		want := block.ReplaceAllFunc(have, func(found []byte) []byte {
			blocks++
			part := block.FindSubmatch(found)
			return fmt.Appendf(nil, "<!-- %s: %s -->\n```%s\n%s```", part[1], part[2], part[3], content(t, string(part[1]), string(part[2])))
		})
		settle(t, page, have, want)
	}
	assert.GreaterOrEqual(t, blocks, 5)
}

func content(t *testing.T, kind, name string) string {
	t.Helper()
	if kind == "output" {
		_, err := spec.Load(filepath.Join("testdata", name))
		require.Error(t, err)
		return strings.ReplaceAll(err.Error(), filepath.Join("testdata", name), "tinystack.yaml") + "\n"
	}
	text, err := os.ReadFile(filepath.Join("..", name))
	require.NoError(t, err)
	return string(text)
}

// The reference of the declaration is the doc comments of package spec.
func TestDeclarationReference(t *testing.T) {
	comments := fieldComments(t)
	var page bytes.Buffer
	page.WriteString("# The declaration\n\nEverything that `tinystack.yaml` can say. A field that is left out has the default\nthat its description names. `${NAME}` in a value is the environment variable of that\nname; `$${` is a literal `${`.\n")
	seen := map[reflect.Type]bool{}
	describe(&page, reflect.TypeFor[spec.App](), "", comments, seen)
	have, err := os.ReadFile("declaration.md")
	if !*update {
		require.NoError(t, err)
	}
	settle(t, "declaration.md", have, page.Bytes())
}

func settle(t *testing.T, page string, have, want []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(page, want, 0o644))
		return
	}
	if difference := udiff.Unified(page, "the code", string(have), string(want)); difference != "" {
		assert.Fail(t, page+" is not what the code says; run: go test ./docs -update", "%s", difference)
	}
}

// describe writes a section for a type, then for the types of its fields.
func describe(page *bytes.Buffer, kind reflect.Type, path string, comments map[string]string, seen map[reflect.Type]bool) {
	if seen[kind] {
		return
	}
	seen[kind] = true
	title := path
	if title == "" {
		title = "(top level)"
	}
	fmt.Fprintf(page, "\n## %s\n\n| field | type | meaning |\n|---|---|---|\n", title)
	type nested struct {
		kind reflect.Type
		path string
	}
	var below []nested
	for i := range kind.NumField() {
		field := kind.Field(i)
		if !field.IsExported() {
			continue
		}
		name := field.Tag.Get("yaml")
		inner, suffix := field.Type, ""
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				suffix = "[]"
			}
			inner = inner.Elem()
		}
		fmt.Fprintf(page, "| `%s` | %s | %s |\n", name, typeName(inner, suffix), comments[kind.Name()+"."+field.Name])
		if inner.Kind() == reflect.Struct {
			below = append(below, nested{inner, strings.TrimPrefix(path+"."+name+suffix, ".")})
		}
	}
	for _, n := range below {
		describe(page, n.kind, n.path, comments, seen)
	}
}

func typeName(kind reflect.Type, suffix string) string {
	name := "object"
	switch {
	case kind == reflect.TypeFor[spec.Duration]():
		name = "duration"
	case kind.Kind() == reflect.Map:
		name = "map"
	case kind.Kind() != reflect.Struct:
		name = map[reflect.Kind]string{reflect.String: "text", reflect.Int: "number", reflect.Float64: "number", reflect.Bool: "true or false"}[kind.Kind()]
	}
	if suffix != "" {
		return "list of " + name
	}
	return name
}

// fieldComments are the doc comments of the fields of package spec, by
// Type.Field, each on one line.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../spec/*.go")
	require.NoError(t, err)
	links := regexp.MustCompile(`\[([A-Za-z]+)(?:\.([A-Za-z]+))?\]`)
	comments := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			declared, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			structure, ok := declared.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					text := strings.Join(strings.Fields(field.Doc.Text()), " ")
					text = links.ReplaceAllString(text, "$1 $2")
					comments[declared.Name.Name+"."+name.Name] = strings.ReplaceAll(text, "|", "\\|")
				}
			}
			return true
		})
	}
	return comments
}
