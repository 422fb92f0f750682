package spec

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// validated are the types of this package that have a method validate.
func validated(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			method, ok := declaration.(*ast.FuncDecl)
			if !ok || method.Name.Name != "validate" || method.Recv == nil {
				continue
			}
			receiver := method.Recv.List[0].Type
			if star, ok := receiver.(*ast.StarExpr); ok {
				receiver = star.X
			}
			found[receiver.(*ast.Ident).Name] = true
		}
	}
	return found
}

// structs are the struct types of the declaration.
func structs() []reflect.Type {
	var found []reflect.Type
	var visit func(reflect.Type)
	visit = func(visited reflect.Type) {
		switch visited.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(visited.Elem())
		case reflect.Struct:
			if slices.Contains(found, visited) {
				return
			}
			found = append(found, visited)
			for i := range visited.NumField() {
				if visited.Field(i).IsExported() {
					visit(visited.Field(i).Type)
				}
			}
		}
	}
	visit(reflect.TypeFor[App]())
	return found
}

func lowerCamel(name string) string {
	runes := []rune(name)
	for i := range runes {
		// A run of capitals is one word, but its last begins the next one.
		if i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1]) {
			break
		}
		if !unicode.IsUpper(runes[i]) {
			break
		}
		runes[i] = unicode.ToLower(runes[i])
	}
	return string(runes)
}

func TestEveryTypeIsValidatedAndNamesItsFieldsAsGoDoes(t *testing.T) {
	checked := validated(t)
	require.Greater(t, len(structs()), 15)
	for _, structure := range structs() {
		assert.True(t, checked[structure.Name()], "type %s has no method validate", structure.Name())
		for i := range structure.NumField() {
			field := structure.Field(i)
			if !field.IsExported() {
				continue
			}
			name := structure.Name() + "." + field.Name
			want := lowerCamel(field.Name)
			if want == "multiAZ" {
				want = "multiAz" // as AWS spells it in CloudFormation, less the capital
			}
			assert.Equal(t, want, field.Tag.Get("yaml"), name)
		}
	}
}

// Every field is decoded from YAML somewhere in the good declarations.
func TestEveryFieldIsDecoded(t *testing.T) {
	seen := map[string]bool{}
	var visit func(reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() && !v.Field(i).IsZero() {
					seen[v.Type().Name()+"."+v.Type().Field(i).Name] = true
					visit(v.Field(i))
				}
			}
		}
	}
	for _, file := range []string{"full", "existing", "sources", "alternating", "database-variables", "image-of"} {
		text := readFile(t, "testdata/good/"+file+".yaml")
		app, d := decode("x.yaml", text, environment)
		require.Empty(t, d.problems)
		visit(reflect.ValueOf(app))
	}
	for _, structure := range structs() {
		for i := range structure.NumField() {
			if field := structure.Field(i); field.IsExported() {
				assert.True(t, seen[structure.Name()+"."+field.Name], "%s.%s is in no good declaration", structure.Name(), field.Name)
			}
		}
	}
}

// The declaration is pure Go, so that it is read in no time and by any program.
func TestImportsNoCDK(t *testing.T) {
	list, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	assert.Contains(t, string(list), "github.com/tinystack-go/tinystack/spec")
	assert.NotContains(t, string(list), "jsii")
	assert.NotContains(t, string(list), "awscdk")
}
