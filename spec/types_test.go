package spec

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source is what the Go files of this package say of its types.
type source struct {
	comments  map[string]string // by Type.Field
	validated map[string]bool   // types with a method validate
}

func readSource(t *testing.T) source {
	t.Helper()
	found := source{comments: map[string]string{}, validated: map[string]bool{}}
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, declaration := range file.Decls {
			switch declaration := declaration.(type) {
			case *ast.FuncDecl:
				if declaration.Name.Name == "validate" && declaration.Recv != nil {
					receiver := declaration.Recv.List[0].Type
					if star, ok := receiver.(*ast.StarExpr); ok {
						receiver = star.X
					}
					found.validated[receiver.(*ast.Ident).Name] = true
				}
			case *ast.GenDecl:
				for _, s := range declaration.Specs {
					found.addFields(s)
				}
			}
		}
	}
	return found
}

func (s source) addFields(declared ast.Spec) {
	named, ok := declared.(*ast.TypeSpec)
	if !ok {
		return
	}
	structure, ok := named.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			s.comments[named.Name.Name+"."+name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
		}
	}
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

func TestEveryTypeIsValidatedAndDocumented(t *testing.T) {
	code := readSource(t)
	require.Greater(t, len(structs()), 15)
	for _, structure := range structs() {
		assert.True(t, code.validated[structure.Name()], "type %s has no method validate", structure.Name())
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
			comment := code.comments[name]
			assert.True(t, strings.Contains(comment, "Default:") || strings.Contains(comment, "Default without one:") || strings.Contains(comment, "Required"),
				"%s does not say what its default is: %q", name, comment)
			assert.True(t, strings.HasPrefix(comment, field.Name), "the comment of %s begins with something else: %q", name, comment)
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
	for _, file := range []string{"full", "existing", "sources", "alternating"} {
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

var literal = regexp.MustCompile(`^[A-Za-z0-9./-]+$`)

// What the comments call a default is what the code makes the default.
func TestDocumentedDefaults(t *testing.T) {
	code := readSource(t)
	app := App{
		Name:     "shop",
		Pipeline: &Pipeline{},
		Source:   &Source{},
		Services: []Service{{Name: "web"}},
		Stages: []Stage{{
			Name:     "test",
			Endpoint: Endpoint{Caching: &Caching{}},
			Database: &Database{},
			Smoke:    &Smoke{},
			Window:   &Window{},
		}, {
			Name:     "other",
			Database: &Database{Existing: &ExistingDatabase{}},
		}},
	}.complete()
	checked := 0
	var visit func(reflect.Value)
	visit = func(v reflect.Value) {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			if v.Type() == reflect.TypeFor[Service]() && field.Name == "Tasks" {
				continue // the stage's, which a service does not know
			}
			visit(v.Field(i))
			name := v.Type().Name() + "." + field.Name
			_, stated, found := strings.Cut(code.comments[name], "Default: ")
			stated = strings.Trim(regexp.MustCompile(`(?:[,;:]|\. |\.$).*`).ReplaceAllString(stated+" ", ""), `" `)
			if strings.Contains(code.comments[name], `Default: ".".`) {
				stated = "."
			}
			if !found || !literal.MatchString(stated) || stated == "none" || stated == "nobody" {
				continue
			}
			got := v.Field(i)
			if got.Kind() == reflect.Pointer {
				require.False(t, got.IsNil(), name)
				got = got.Elem()
			}
			if d, err := ParseDuration(stated); err == nil && got.Type() == durationType {
				stated = d.String()
			}
			assert.Equal(t, stated, fmt.Sprint(got.Interface()), name)
			checked++
		}
	}
	visit(reflect.ValueOf(app))
	visit(reflect.ValueOf(app.Services[0]))
	visit(reflect.ValueOf(app.Stages[0]))
	visit(reflect.ValueOf(app.Stages[1].Database.Existing))
	assert.Greater(t, checked, 30)
}

// The declaration is pure Go, so that it is read in no time and by any program.
func TestImportsNoCDK(t *testing.T) {
	list, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	assert.Contains(t, string(list), "github.com/tinystack-go/tinystack/spec")
	assert.NotContains(t, string(list), "jsii")
	assert.NotContains(t, string(list), "awscdk")
}
