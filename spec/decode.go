package spec

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// Bounds of what is read, far above any declaration and far below what would
// take long: the parser's time grows with the square of both.
const (
	mostTokens  = 20_000
	mostNesting = 32
	// mostSize bounds what aliases can make of a small file.
	mostSize = 1 << 20
)

// decoder makes an App of YAML. Unlike a general decoder it goes on after a
// problem, so that all are reported at once.
type decoder struct {
	findings
	// covered are the paths that could not be read.
	covered map[string]bool
	// stopped says that nothing more can be said of the declaration.
	stopped bool

	lookupEnv func(string) (string, bool)
	// targets are what the aliases stand for.
	targets map[*ast.AliasNode]ast.Node
	// open are the nodes being decoded, to find those that contain themselves.
	open map[ast.Node]bool
	size int
}

// decode reads what the text declares. Of what cannot be read the decoder
// knows the problems.
func decode(file string, text []byte, lookupEnv func(string) (string, bool)) (App, *decoder) {
	if lookupEnv == nil {
		lookupEnv = func(string) (string, bool) { return "", false }
	}
	d := &decoder{
		findings:  findings{origin: newOrigin(file)},
		lookupEnv: lookupEnv,
		targets:   map[*ast.AliasNode]ast.Node{},
		open:      map[ast.Node]bool{},
		covered:   map[string]bool{},
	}
	app := App{origin: d.origin}
	root := d.parse(text)
	if root == nil {
		d.stopped = true
		return App{}, d
	}
	d.bind(root, map[string]ast.Node{})
	d.origin.positions[""] = start(root)
	d.value(root, reflect.ValueOf(&app).Elem(), report{to: &d.findings})
	return app, d
}

// covers says whether the path is in what could not be read.
func (d *decoder) covers(path string) bool {
	for !d.covered[path] {
		if path == "" {
			return false
		}
		path = above(path)
	}
	return true
}

// stop reports a problem after which there is nothing to read.
func (d *decoder) stop(where position, wrong, allowed, fix string) {
	d.stopped = true
	report{to: &d.findings}.addAt(where, Error, wrong, allowed, fix)
}

// parse returns the only document's value, or nil with a problem.
func (d *decoder) parse(text []byte) ast.Node {
	file, err := parseYAML(text)
	var broken yaml.Error
	var deep *nestingError
	switch {
	case errors.As(err, &deep):
		d.stop(deep.where, deep.wrong, "", "check that this is the right file")
		return nil
	case errors.As(err, &broken):
		// The message only: the rest would print lines of the file.
		fix := "check the indentation, and put texts with special characters in quotes, as in \"${NAME}\""
		if strings.ContainsRune(broken.GetMessage(), '\t') {
			fix = "indent with spaces, not with tabs"
		}
		d.stop(tokenStart(broken.GetToken()), "is not YAML: "+strings.ReplaceAll(broken.GetMessage(), "\t", "\\t"), "", fix)
		return nil
	case err != nil:
		d.stop(position{1, 1}, "is not YAML: "+err.Error(), "", "check that this is the right file")
		return nil
	}
	var root ast.Node
	for _, document := range file.Docs {
		if document.Body == nil || document.Body.Type() == ast.DirectiveType {
			continue
		}
		if root != nil {
			d.stop(start(document.Body), "there is a second YAML document", "one declaration a file", "remove the line --- and what follows it")
			return nil
		}
		root = document.Body
	}
	if root == nil {
		d.stop(position{1, 1}, "declares nothing", "a declaration in YAML", "\"name: my-app\" is enough to begin with")
	}
	return root
}

// nestingError is YAML that is not worth parsing.
type nestingError struct {
	where position
	wrong string
}

func (e *nestingError) Error() string { return e.wrong }

// parseYAML guards the parser against what it takes too long for, and the
// caller against what it panics at.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the parser cannot make sense of it")
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if len(tokens) > mostTokens {
		return nil, &nestingError{tokenStart(tokens[mostTokens]), fmt.Sprintf("has more than %d words and signs", mostTokens)}
	}
	if deep := nestedTooDeep(tokens); deep != nil {
		return nil, &nestingError{tokenStart(deep), fmt.Sprintf("is nested more than %d levels deep", mostNesting)}
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// nestedTooDeep returns the first token beyond the bound of nesting.
func nestedTooDeep(tokens token.Tokens) *token.Token {
	var columns []int // where the open block collections begin
	flow, tags := 0, 0
	for i, tk := range tokens {
		if tk.Type == token.TagType {
			tags++ // a tag can stand before a tag
		} else {
			tags = 0
		}
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.MappingValueType, token.MappingKeyType, token.SequenceEntryType:
			if flow > 0 {
				break
			}
			column := tk.Position.Column
			if tk.Type == token.MappingValueType && i > 0 {
				column = tokens[i-1].Position.Column // that of the key
			}
			for len(columns) > 0 && columns[len(columns)-1] >= column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, column)
		}
		if max(0, flow)+len(columns)+tags > mostNesting {
			return tk
		}
	}
	return nil
}

// bind finds what each alias stands for: the latest anchor of its name before
// it.
func (d *decoder) bind(node ast.Node, anchors map[string]ast.Node) {
	switch node := node.(type) {
	case *ast.MappingNode:
		for _, entry := range node.Values {
			d.bind(entry, anchors)
		}
	case *ast.MappingValueNode:
		d.bind(node.Key, anchors)
		d.bind(node.Value, anchors)
	case *ast.MappingKeyNode:
		d.bind(node.Value, anchors)
	case *ast.SequenceNode:
		for _, element := range node.Values {
			d.bind(element, anchors)
		}
	case *ast.AnchorNode:
		if node.Name != nil {
			anchors[node.Name.GetToken().Value] = node.Value
		}
		d.bind(node.Value, anchors)
	case *ast.TagNode:
		d.bind(node.Value, anchors)
	case *ast.AliasNode:
		if node.Value != nil {
			d.targets[node] = anchors[node.Value.GetToken().Value]
		}
	}
}

// bare is the node without anchor, alias and tag; nil with a problem.
func (d *decoder) bare(node ast.Node, r report) ast.Node {
	for range mostNesting {
		switch wrapped := node.(type) {
		case *ast.AnchorNode:
			node = wrapped.Value
		case *ast.AliasNode:
			node = d.targets[wrapped]
			if node == nil {
				d.reject(r, wrapped, "refers to an anchor that is not defined before it", "an anchor, as in \"&name\", above the alias \"*name\"", "define the anchor, or put a text that begins with * in quotes")
				return nil
			}
		case *ast.TagNode:
			switch name := wrapped.Start.Value; name {
			case "!!str", "!!int", "!!float", "!!bool", "!!map", "!!seq":
				node = wrapped.Value
			default:
				d.reject(r, wrapped, fmt.Sprintf("has the tag %s, which is not supported", shorten(name)), "plain YAML", "write the value itself; CloudFormation functions cannot be used here")
				return nil
			}
		default:
			return node
		}
	}
	d.reject(r, node, "refers to itself", "", "remove the alias")
	return nil
}

// reject reports a value that cannot be read, at the place it stands.
func (d *decoder) reject(r report, node ast.Node, wrong, allowed, fix string) {
	d.covered[r.path] = true
	where := start(node)
	if r.path != "" && d.origin.declares(r.path) {
		where = d.origin.positions[r.path]
	}
	r.addAt(where, Error, wrong, allowed, fix)
}

// spend counts what has been made of the text, and says whether that is still
// within bounds.
func (d *decoder) spend(size int) bool {
	if d.stopped {
		return false
	}
	d.size += size
	if d.size > mostSize {
		d.stop(position{1, 1}, "becomes too large when its aliases are replaced by what they stand for", "", "use fewer aliases")
		return false
	}
	return true
}

var (
	durationType = reflect.TypeFor[Duration]()
	wholeNumber  = compile(`^-?(?:0|[1-9][0-9]{0,17})$`)
	boolean      = compile(`^(?:true|True|TRUE|false|False|FALSE)$`)
	decimal      = compile(`^-?[0-9]{1,17}(?:\.[0-9]{1,17})?$`)
)

// value decodes a node into a Go value and says whether it could.
func (d *decoder) value(node ast.Node, to reflect.Value, r report) bool {
	if to.Kind() == reflect.Pointer {
		pointed := reflect.New(to.Type().Elem())
		if !d.value(node, pointed.Elem(), r) {
			return false
		}
		to.Set(pointed)
		return true
	}
	if node = d.bare(node, r); node == nil || !d.spend(1) {
		return false
	}
	if d.open[node] {
		d.reject(r, node, "contains itself", "", "remove the alias")
		return false
	}
	d.open[node] = true
	defer delete(d.open, node)

	if _, null := node.(*ast.NullNode); null {
		d.reject(r, node, "has no value", wanted(to.Type()), emptyFix(to.Type()))
		return false
	}
	switch to.Kind() {
	case reflect.Struct:
		return d.structure(node, to, r)
	case reflect.Slice:
		return d.list(node, to, r)
	case reflect.Map:
		return d.mapping(node, to, r)
	default:
		return d.scalar(node, to, r)
	}
}

func (d *decoder) structure(node ast.Node, to reflect.Value, r report) bool {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.mismatch(node, to.Type(), r)
		return false
	}
	known := fieldsOf(to.Type())
	for _, entry := range d.entries(mapping, r) {
		field := r.field(entry.name)
		d.origin.positions[field.path] = start(entry.key)
		index, ok := known.index[entry.name]
		if !ok {
			d.reject(field, entry.key, "is not a field of "+known.name, phrase.List(known.names, "or"), known.suggest(entry.name))
			continue
		}
		if d.value(entry.value, to.Field(index), field) {
			if !known.zero[entry.name] {
				d.checkZero(to.Field(index), field, entry.value)
			}
		}
	}
	return true
}

// checkZero reports a zero that is written out where zero stands for the
// default: it would silently become something else.
func (d *decoder) checkZero(value reflect.Value, r report, node ast.Node) {
	if !value.IsZero() {
		return
	}
	switch value.Kind() {
	case reflect.String:
		if written, ok := r.to.origin.reference(r.path); ok {
			d.reject(r, node, fmt.Sprintf("%q is empty", shorten(written)), wanted(value.Type()), "set the environment variable to a value, or remove the line to get the default")
			return
		}
		d.reject(r, node, "is empty", wanted(value.Type()), "give a value, or remove the line to get the default")
	case reflect.Int, reflect.Int64, reflect.Float64:
		d.reject(r, node, r.show(0)+" is not possible here", "a value above 0", "give another value, or remove the line to get the default")
	}
}

func (d *decoder) list(node ast.Node, to reflect.Value, r report) bool {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		d.mismatch(node, to.Type(), r)
		return false
	}
	// Elements that cannot be read stay in the list, empty: the others keep
	// their number.
	to.Set(reflect.MakeSlice(to.Type(), len(sequence.Values), len(sequence.Values)))
	for i, element := range sequence.Values {
		item := r.item(i)
		d.origin.positions[item.path] = start(element)
		d.value(element, to.Index(i), item)
	}
	return true
}

func (d *decoder) mapping(node ast.Node, to reflect.Value, r report) bool {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.mismatch(node, to.Type(), r)
		return false
	}
	to.Set(reflect.MakeMap(to.Type()))
	for _, entry := range d.entries(mapping, r) {
		field := r.field(entry.name)
		d.origin.positions[field.path] = start(entry.key)
		value := reflect.New(to.Type().Elem()).Elem()
		d.value(entry.value, value, field)
		to.SetMapIndex(reflect.ValueOf(entry.name), value)
	}
	return true
}

// scalar decodes texts, numbers and durations. A text is taken as it is
// written, so that 1.10 stays "1.10" and an account keeps its zeros.
func (d *decoder) scalar(node ast.Node, to reflect.Value, r report) bool {
	text, ok := scalarText(node)
	if !ok {
		d.mismatch(node, to.Type(), r)
		return false
	}
	expanded, fromEnvironment, ok := d.expand(text, r, node)
	if !ok || !d.spend(len(expanded)) {
		return false
	}
	if isToken(expanded) || strings.Contains(expanded, listToken) {
		d.rejectToken(r, node)
		return false
	}
	if to.Kind() == reflect.String {
		to.SetString(expanded)
		return true
	}
	if to.Type() == durationType {
		parsed, err := ParseDuration(expanded)
		if err != nil {
			d.reject(r, node, r.quote(expanded)+" is not a duration", wanted(to.Type()), durationFix(expanded))
			return false
		}
		to.SetInt(int64(parsed))
		return true
	}
	switch {
	case isQuoted(node) && !fromEnvironment:
		fix := "write " + wanted(to.Type())
		if decimal.MatchString(expanded) || boolean.MatchString(expanded) {
			fix = "remove the quotes"
		}
		d.reject(r, node, r.quote(expanded)+" in quotes is a text", wanted(to.Type()), fix)
		return false
	case to.Kind() == reflect.Bool && boolean.MatchString(expanded):
		to.SetBool(strings.EqualFold(expanded, "true"))
	case to.Kind() == reflect.Int && wholeNumber.MatchString(expanded):
		number, _ := strconv.ParseInt(expanded, 10, 64)
		to.SetInt(number)
	case to.Kind() == reflect.Float64 && decimal.MatchString(expanded):
		number, _ := strconv.ParseFloat(expanded, 64)
		to.SetFloat(number)
	default:
		fix := "write " + example(to.Kind())
		if fromEnvironment {
			fix = "give the environment variable another value"
		}
		d.reject(r, node, r.quote(expanded)+" is not "+wanted(to.Type()), wanted(to.Type()), fix)
		return false
	}
	return true
}

// mismatch reports a value of another shape than is wanted. It does not show
// the value, which may be anything.
func (d *decoder) mismatch(node ast.Node, want reflect.Type, r report) {
	given, fix := "a text", "write one value"
	switch node.(type) {
	case *ast.MappingNode:
		given = "a mapping"
	case *ast.SequenceNode:
		given = "a list"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		given = "a number"
	case *ast.BoolNode:
		given = "true or false"
	case *ast.StringNode, *ast.LiteralNode:
	default:
		given = "something else"
	}
	switch want.Kind() {
	case reflect.Slice:
		fix = "begin each element with a hyphen, or put them all in square brackets"
	case reflect.Struct, reflect.Map:
		fix = "write each as \"name: value\" on a line of its own, indented"
		if given == "a list" {
			fix += ", without hyphens"
		}
	}
	d.reject(r, node, given+" is given", wanted(want), fix)
}

// entry is one key of a mapping with its value.
type entry struct {
	name       string
	key, value ast.Node
}

// entries are a mapping's keys in order, then those merged in ("<<") that it
// does not have itself.
func (d *decoder) entries(mapping *ast.MappingNode, r report) []entry {
	var found []entry
	var merged []ast.Node
	at := map[string]position{}
	for _, value := range mapping.Values {
		if _, merge := value.Key.(*ast.MergeKeyNode); merge {
			merged = append(merged, value.Value)
			continue
		}
		name, ok := d.keyName(value.Key, r)
		if !ok || !d.spend(1+len(name)) {
			continue
		}
		if first, again := at[name]; again {
			field := r.field(name)
			field.addAt(start(value.Key), Error, fmt.Sprintf("is declared twice, first in line %d", first.line), "", "remove one of the two")
			continue
		}
		at[name] = start(value.Key)
		found = append(found, entry{name, value.Key, value.Value})
	}
	for _, node := range merged {
		for _, e := range d.mergedEntries(node, r) {
			if _, own := at[e.name]; !own {
				at[e.name] = start(e.key)
				found = append(found, e)
			}
		}
	}
	return found
}

// mergedEntries are what "<<" brings in: a mapping or a list of them.
func (d *decoder) mergedEntries(node ast.Node, r report) []entry {
	node = d.bare(node, r)
	if node == nil || !d.spend(1) {
		return nil
	}
	if d.open[node] {
		d.reject(r, node, "contains itself", "", "remove the alias")
		return nil
	}
	d.open[node] = true
	defer delete(d.open, node)
	switch node := node.(type) {
	case *ast.MappingNode:
		return d.entries(node, r)
	case *ast.SequenceNode:
		var found []entry
		for _, element := range node.Values {
			found = append(found, d.mergedEntries(element, r)...)
		}
		return found
	}
	r.addAt(start(node), Error, "\"<<\" has nothing to merge", "an alias of a mapping, or a list of such", "name the anchor of a mapping, or remove the line")
	return nil
}

func (d *decoder) keyName(key ast.Node, r report) (string, bool) {
	if question, ok := key.(*ast.MappingKeyNode); ok {
		key = question.Value
	}
	key = d.bare(key, r)
	if key == nil {
		return "", false
	}
	name, ok := scalarText(key)
	switch {
	case !ok:
		r.addAt(start(key), Error, "has a key that is not a text", "a text as key", "write a plain name before the colon")
	case isToken(name) || strings.Contains(name, listToken):
		d.rejectToken(r, key)
		return "", false
	}
	return name, ok
}

// listToken is how the CDK begins a text that stands for a list.
const listToken = "#{Token["

// rejectToken reports the text by which a program in Go refers to what the CDK
// fills in later. From a file it refers to nothing, and what such texts are
// excepted from would not be checked.
func (d *decoder) rejectToken(r report, node ast.Node) {
	d.reject(r, node, "has \"Token[\" in it after ${ or #{, which the CDK keeps for what it fills in itself", "another text", "write the value itself; in Go, values of the CDK can be used here")
}

// scalarText is the text of a scalar as the file writes it.
func scalarText(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, true
	case *ast.LiteralNode:
		if node.Value == nil {
			return "", true
		}
		return node.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, true
	}
	return "", false
}

func isQuoted(node ast.Node) bool {
	kind := node.GetToken().Type
	return kind == token.SingleQuoteType || kind == token.DoubleQuoteType
}

// start is where a node begins.
func start(node ast.Node) position {
	switch node := node.(type) {
	case nil:
		return position{}
	case *ast.MappingNode:
		if !node.IsFlowStyle && len(node.Values) > 0 {
			return start(node.Values[0].Key)
		}
	}
	return tokenStart(node.GetToken())
}

func tokenStart(tk *token.Token) position {
	if tk == nil || tk.Position == nil {
		return position{1, 1}
	}
	return position{max(1, tk.Position.Line), max(1, tk.Position.Column)}
}
