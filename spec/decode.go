package spec

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/yamldoc"
)

// mostSize bounds what aliases can make of a small file.
const mostSize = 1 << 20

// decoder makes an App of YAML. Unlike a general decoder it goes on after a
// problem, so that all are reported at once.
type decoder struct {
	findings
	// covered are the paths that could not be read.
	covered map[string]bool
	// stopped says that nothing more can be said of the declaration.
	stopped bool

	lookupEnv func(string) (string, bool)
	// open are the nodes being decoded, to find those that contain themselves.
	open map[*yamldoc.Node]bool
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
		open:      map[*yamldoc.Node]bool{},
		covered:   map[string]bool{},
	}
	app := App{origin: d.origin}
	root := d.parse(text)
	if root == nil {
		d.stopped = true
		return App{}, d
	}
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
func (d *decoder) parse(text []byte) *yamldoc.Node {
	root, problem := yamldoc.Parse(string(text))
	if problem != nil {
		d.stop(position{problem.Line, problem.Column}, problem.Wrong, problem.Allowed, problem.Fix)
		return nil
	}
	return root
}

// bare is what a node stands for, which has to be of YAML's own tags; nil with
// a problem.
func (d *decoder) bare(node *yamldoc.Node, r report) *yamldoc.Node {
	alias := node
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Style&yaml.TaggedStyle == 0 {
		return node
	}
	switch node.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!map", "!!seq", "!!null", "!!merge":
		return node
	}
	d.reject(r, alias, fmt.Sprintf("has the tag %s, which is not supported", shorten(node.ShortTag())), "plain YAML", "write the value itself; CloudFormation functions cannot be used here")
	return nil
}

// reject reports a value that cannot be read, at the place it stands.
func (d *decoder) reject(r report, node *yamldoc.Node, wrong, allowed, fix string) {
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
func (d *decoder) value(node *yamldoc.Node, to reflect.Value, r report) bool {
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

	if yamldoc.Null(node) {
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

func (d *decoder) structure(node *yamldoc.Node, to reflect.Value, r report) bool {
	if node.Kind != yaml.MappingNode {
		d.mismatch(node, to.Type(), r)
		return false
	}
	known := fieldsOf(to.Type())
	for _, entry := range d.entries(node, r) {
		if r.path == "" && strings.HasPrefix(entry.name, "x-") {
			continue // holds what aliases stand for, and is read where they are
		}
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
func (d *decoder) checkZero(value reflect.Value, r report, node *yamldoc.Node) {
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

func (d *decoder) list(node *yamldoc.Node, to reflect.Value, r report) bool {
	if node.Kind != yaml.SequenceNode {
		d.mismatch(node, to.Type(), r)
		return false
	}
	// Elements that cannot be read stay in the list, empty: the others keep
	// their number.
	to.Set(reflect.MakeSlice(to.Type(), len(node.Content), len(node.Content)))
	for i, element := range node.Content {
		item := r.item(i)
		d.origin.positions[item.path] = start(element)
		d.value(element, to.Index(i), item)
	}
	return true
}

func (d *decoder) mapping(node *yamldoc.Node, to reflect.Value, r report) bool {
	if node.Kind != yaml.MappingNode {
		d.mismatch(node, to.Type(), r)
		return false
	}
	to.Set(reflect.MakeMap(to.Type()))
	for _, entry := range d.entries(node, r) {
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
func (d *decoder) scalar(node *yamldoc.Node, to reflect.Value, r report) bool {
	text, ok := scalarText(node)
	if !ok {
		d.mismatch(node, to.Type(), r)
		return false
	}
	expanded, fromEnvironment, ok := d.expand(text, r, node)
	if !ok || !d.spend(len(expanded)) {
		return false
	}
	if isReserved(expanded) {
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
	case yamldoc.Quoted(node) && !fromEnvironment:
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
func (d *decoder) mismatch(node *yamldoc.Node, want reflect.Type, r report) {
	given, fix := "a text", "write one value"
	switch node.Kind {
	case yaml.MappingNode:
		given = "a mapping"
	case yaml.SequenceNode:
		given = "a list"
	case yaml.ScalarNode:
		switch node.ShortTag() {
		case "!!int", "!!float":
			given = "a number"
		case "!!bool":
			given = "true or false"
		}
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
	key, value *yamldoc.Node
}

// entries are a mapping's keys in order, then those merged in ("<<") that it
// does not have itself.
func (d *decoder) entries(mapping *yamldoc.Node, r report) []entry {
	var found []entry
	var merged []*yamldoc.Node
	at := map[string]position{}
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		if yamldoc.IsMerge(key) {
			merged = append(merged, value)
			continue
		}
		name, ok := d.keyName(key, r)
		if !ok || !d.spend(1+len(name)) {
			continue
		}
		if first, again := at[name]; again {
			field := r.field(name)
			field.addAt(start(key), Error, fmt.Sprintf("is declared twice, first in line %d", first.line), "", "remove one of the two")
			continue
		}
		at[name] = start(key)
		found = append(found, entry{name, key, value})
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
func (d *decoder) mergedEntries(node *yamldoc.Node, r report) []entry {
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
	switch node.Kind {
	case yaml.MappingNode:
		return d.entries(node, r)
	case yaml.SequenceNode:
		var found []entry
		for _, element := range node.Content {
			found = append(found, d.mergedEntries(element, r)...)
		}
		return found
	}
	r.addAt(start(node), Error, "\"<<\" has nothing to merge", "an alias of a mapping, or a list of such", "name the anchor of a mapping, or remove the line")
	return nil
}

func (d *decoder) keyName(key *yamldoc.Node, r report) (string, bool) {
	named := d.bare(key, r)
	if named == nil {
		return "", false
	}
	name, ok := scalarText(named)
	switch {
	case !ok:
		r.addAt(start(key), Error, "has a key that is not a text", "a text as key", "write a plain name before the colon")
	case isReserved(name):
		d.rejectToken(r, key)
		return "", false
	}
	return name, ok
}

// isReserved says whether the CDK would take the text for one of its own: for a text,
// or for a list.
func isReserved(text string) bool { return isToken(text) || strings.Contains(text, "#{Token[") }

// rejectToken reports the text by which a program in Go refers to what the CDK
// fills in later. From a file it refers to nothing, and what such texts are
// excepted from would not be checked.
func (d *decoder) rejectToken(r report, node *yamldoc.Node) {
	d.reject(r, node, "has \"Token[\" in it after ${ or #{, which the CDK keeps for what it fills in itself", "another text", "write the value itself; in Go, values of the CDK can be used here")
}

// scalarText is the text of a scalar as the file writes it.
func scalarText(node *yamldoc.Node) (string, bool) {
	return node.Value, node.Kind == yaml.ScalarNode && !yamldoc.Null(node)
}

// start is where a node begins.
func start(node *yamldoc.Node) position {
	return position{max(1, node.Line), max(1, node.Column)}
}
