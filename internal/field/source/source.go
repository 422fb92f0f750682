// Package source reads what the comments in package spec say of its fields.
package source

import (
	"errors"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/field"
)

// structure is a struct of package spec with its comments.
type structure struct {
	doc    string
	fields []parsed
}

type parsed struct {
	name, yaml, doc string
	typ             ast.Expr
	where           token.Position
}

type reader struct {
	set     *token.FileSet
	structs map[string]*structure
	basic   map[string]string // named types that are not structs, by their underlying type
	paths   map[string]string // of types
	errs    []error
}

// Read reads the types of the declaration from the Go files in a folder. Its
// error lists every comment that lacks something, or says what cannot be read.
func Read(dir string) ([]field.Type, error) {
	r := &reader{set: token.NewFileSet(), structs: map[string]*structure{}, basic: map[string]string{}, paths: map[string]string{}}
	if err := r.parse(dir); err != nil {
		return nil, err
	}
	var order []string
	r.visit(field.Root, "", &order)
	var types []field.Type
	for _, name := range order {
		t := field.Type{Name: name, Doc: r.links(name, inYAML(name, oneLine(r.structs[name].doc)))}
		for _, p := range r.structs[name].fields {
			t.Fields = append(t.Fields, r.field(name, p))
		}
		types = append(types, t)
	}
	return types, errors.Join(r.errs...)
}

// inYAML is what a comment says of a type, without the name that the type has
// in Go.
func inYAML(name, text string) string {
	rest, found := strings.CutPrefix(text, name+" ")
	switch {
	case !found || oneWord(name) && name != field.Root:
		return text
	case strings.HasPrefix(rest, "are ") || strings.HasPrefix(rest, "say "):
		return "These " + rest
	}
	return "This " + rest
}

func (r *reader) fail(where token.Position, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s:%d: %s", where.Filename, where.Line, fmt.Sprintf(format, args...)))
}

func (r *reader) parse(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(r.set, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			group, ok := declaration.(*ast.GenDecl)
			if !ok || group.Tok != token.TYPE {
				continue
			}
			for _, declared := range group.Specs {
				r.declare(declared.(*ast.TypeSpec), group.Doc.Text())
			}
		}
	}
	return nil
}

func (r *reader) declare(declared *ast.TypeSpec, doc string) {
	switch typ := declared.Type.(type) {
	case *ast.Ident:
		r.basic[declared.Name.Name] = typ.Name
	case *ast.SelectorExpr: // time.Duration
		r.basic[declared.Name.Name] = typ.Sel.Name
	case *ast.StructType:
		s := &structure{doc: doc}
		for _, f := range typ.Fields.List {
			for _, name := range f.Names {
				if !name.IsExported() {
					continue
				}
				p := parsed{name: name.Name, typ: f.Type, doc: f.Doc.Text(), where: r.set.Position(name.Pos())}
				if f.Tag != nil {
					p.yaml = reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("yaml")
				}
				s.fields = append(s.fields, p)
			}
		}
		r.structs[declared.Name.Name] = s
	}
}

// visit finds the types of the declaration, and where each is first met.
func (r *reader) visit(name, path string, order *[]string) {
	if slices.Contains(*order, name) {
		return
	}
	*order = append(*order, name)
	r.paths[name] = path
	for _, p := range r.structs[name].fields {
		kind, of, list := r.kind(p)
		if kind != field.Object {
			continue
		}
		below := strings.TrimPrefix(path+"."+p.yaml, ".")
		if list {
			below += "[]"
		}
		r.visit(of, below, order)
	}
}

// kind of a field's value, or of each element of a list.
func (r *reader) kind(p parsed) (kind field.Kind, of string, list bool) {
	typ := p.typ
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
			continue
		case *ast.ArrayType:
			typ, list = t.Elt, true
			continue
		case *ast.MapType:
			return field.Map, "", list
		case *ast.Ident:
			if _, ok := r.structs[t.Name]; ok {
				return field.Object, t.Name, list
			}
			name := t.Name
			if under, ok := r.basic[name]; ok {
				name = under
			}
			switch name {
			case "string":
				return field.Text, "", list
			case "int":
				return field.Integer, "", list
			case "float64":
				return field.Number, "", list
			case "bool":
				return field.Flag, "", list
			case "Duration":
				return field.Duration, "", list
			}
		}
		r.fail(p.where, "%s has a type that a declaration cannot have", p.name)
		return "", "", false
	}
}

// field reads the comment of a field.
func (r *reader) field(of string, p parsed) field.Field {
	f := field.Field{Go: p.name, Name: p.yaml}
	f.Kind, f.Of, f.List = r.kind(p)
	if p.yaml == "" {
		r.fail(p.where, "%s.%s has no name in YAML", of, p.name)
	}
	text, items := split(p.doc)
	if !strings.HasPrefix(text, p.name+" ") && !strings.HasPrefix(text, p.name+".") && !strings.HasPrefix(text, p.name+":") {
		r.fail(p.where, "the comment of %s.%s has to begin with its name", of, p.name)
	}
	r.looksLikeGo(of, p, text)
	if !oneWord(p.name) {
		text = "`" + p.yaml + "`" + strings.TrimPrefix(text, p.name)
	}
	f.Doc = r.links(of, text)
	for _, item := range items {
		name, value, found := strings.Cut(item, ": ")
		value = r.links(of, value)
		r.looksLikeGo(of, p, value)
		set := func(to *string) {
			if *to != "" {
				r.fail(p.where, "%s.%s says twice what its %s is", of, p.name, name)
			}
			*to = value
		}
		when, conditional := strings.CutPrefix(name, "Change ")
		switch {
		case !found:
			r.fail(p.where, "%s.%s has the item %q, which says nothing", of, p.name, item)
		case name == "Default":
			set(&f.Default)
		case name == "Allowed":
			set(&f.Allowed)
		case name == "Example":
			set(&f.Example)
		case name == "See":
			set(&f.See)
		case name == "Change" || conditional:
			change, err := field.ParseChange(value)
			if err != nil {
				r.fail(p.where, "%s.%s: %v", of, p.name, err)
			}
			if conditional {
				change.When = when
			}
			f.Changes = append(f.Changes, change)
		default:
			r.fail(p.where, "%s.%s has the item %q: there are Default, Allowed, Change, Example and See", of, p.name, name)
		}
	}
	r.complete(of, p, f)
	return f
}

func (r *reader) complete(of string, p parsed, f field.Field) {
	needsAllowed := f.Kind != field.Flag && f.Kind != field.Object
	for _, item := range []struct {
		name    string
		missing bool
	}{
		{"what it means", len(strings.Fields(f.Doc)) < 2},
		{"its default", f.Default == ""},
		{"what is allowed", f.Allowed == "" && needsAllowed},
		{"what a change does", len(f.Changes) == 0 || f.Changes[0].When != ""},
		{"an example", f.Example == ""},
	} {
		if item.missing {
			r.fail(p.where, "%s.%s does not say %s", of, p.name, item.name)
		}
	}
}

// split takes a comment apart: its text on one line, and the items of its list.
func split(doc string) (text string, items []string) {
	var parser comment.Parser
	for _, block := range parser.Parse(doc).Content {
		list, ok := block.(*comment.List)
		if !ok {
			var printer comment.Printer
			part := string(printer.Comment(&comment.Doc{Content: []comment.Block{block}}))
			text = strings.TrimSpace(text + " " + oneLine(part))
			continue
		}
		for _, item := range list.Items {
			var printer comment.Printer
			items = append(items, oneLine(string(printer.Comment(&comment.Doc{Content: item.Content}))))
		}
	}
	return text, items
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

var link = regexp.MustCompile(`\[([A-Z][A-Za-z]*)\.([A-Z][A-Za-z0-9]*)\]`)

// links writes each doc link as YAML names the field: alone within the same
// type, otherwise with its path.
func (r *reader) links(of, text string) string {
	return link.ReplaceAllStringFunc(text, func(found string) string {
		parts := link.FindStringSubmatch(found)
		s := r.structs[parts[1]]
		if s == nil {
			r.errs = append(r.errs, fmt.Errorf("%s: a comment refers to %s, which is no type", of, found))
			return found
		}
		for _, p := range s.fields {
			if p.name != parts[2] {
				continue
			}
			if parts[1] == of {
				return "`" + p.yaml + "`"
			}
			return "`" + strings.TrimPrefix(r.paths[parts[1]]+"."+p.yaml, ".") + "`"
		}
		r.errs = append(r.errs, fmt.Errorf("%s: a comment refers to %s, which is no field", of, found))
		return found
	})
}

var (
	word     = regexp.MustCompile(`[.:!?]? ?[A-Za-z][A-Za-z0-9]*`)
	camel    = regexp.MustCompile(`[a-z][A-Z]|[A-Z][A-Z][a-z]`)
	allUpper = regexp.MustCompile(`^[A-Z0-9]+s?$`)
	quoted   = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|\\[[A-Z][A-Za-z]*\\.[A-Za-z0-9]+\\]|AWS::\\S+")
)

// oneWord says whether a name reads as a word of a sentence.
func oneWord(name string) bool { return allUpper.MatchString(name) || !camel.MatchString(name) }

// looksLikeGo reports names of Go fields in a text that users of YAML read.
func (r *reader) looksLikeGo(of string, p parsed, text string) {
	names := map[string]bool{}
	for _, s := range r.structs {
		for _, other := range s.fields {
			if camel.MatchString(other.name) && !allUpper.MatchString(other.name) && other.name != "CodeCommit" { // a product's name
				names[other.name] = true
			}
		}
	}
	rest := strings.TrimPrefix(text, p.name)
	for _, found := range word.FindAllString(quoted.ReplaceAllString(rest, ""), -1) {
		if name := strings.TrimLeft(found, ".:!? "); names[name] {
			r.fail(p.where, "%s.%s says %s: write a link to the field, as in [%s.%s], or its name in YAML", of, p.name, name, of, name)
		}
	}
}
