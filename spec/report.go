package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/internal/suggest"
)

// report collects what is wrong at one path of a declaration.
type report struct {
	path string
	to   *findings
}

// findings are the problems of a declaration and what is known of the file it
// was read from.
type findings struct {
	origin   *origin
	problems Problems
}

func newReport(from *origin) report { return report{to: &findings{origin: from}} }

// errors are the problems reported so far that are errors, or nil.
func (r report) errors() error { return r.to.problems.tidy().Errors() }

// field is the report for a field, or the key of a map, below this one.
func (r report) field(name string) report {
	switch {
	case !plainKey.MatchString(name):
		r.path += "[" + strconv.Quote(shorten(name)) + "]"
	case r.path == "":
		r.path = name
	default:
		r.path += "." + name
	}
	return r
}

var plainKey = compile(`^[A-Za-z0-9_-]{1,64}$`)

// item is the report for an element of this list.
func (r report) item(index int) report {
	r.path += "[" + strconv.Itoa(index) + "]"
	return r
}

// failed says whether an error is reported at a path or below it.
func (r report) failed(path string) bool {
	for _, problem := range r.to.problems {
		rest, below := strings.CutPrefix(problem.Path, path)
		if below && problem.Severity == Error && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// fail reports an error.
func (r report) fail(wrong, allowed, fix string) { r.add(Error, wrong, allowed, fix) }

// warn reports what is valid and yet unwise.
func (r report) warn(wrong, fix string) { r.add(Warning, wrong, "", fix) }

func (r report) add(severity Severity, wrong, allowed, fix string) {
	r.addAt(r.to.origin.find(r.path), severity, wrong, allowed, fix)
}

func (r report) addAt(where position, severity Severity, wrong, allowed, fix string) {
	r.to.problems = append(r.to.problems, Problem{
		Severity: severity,
		File:     r.to.origin.name(),
		Line:     where.line,
		Column:   where.column,
		Path:     r.path,
		Wrong:    wrong,
		Allowed:  allowed,
		Fix:      fix,
	})
}

// quote writes a value of the declaration for a message. Every value goes
// through it: what came from the environment is shown as it is written in the
// file, what looks like a secret is not shown.
func (r report) quote(text string) string {
	text = r.to.origin.conceal(text)
	if looksSecret(text) {
		return "the value (not shown: it looks like a secret)"
	}
	return strconv.Quote(shorten(text))
}

// unquoted is quote for a value that needs no quotes.
func (r report) unquoted(text string) string {
	if r.plain(text) {
		return text
	}
	return r.quote(text)
}

// plain says whether the value may stand in a message as it is.
func (r report) plain(text string) bool { return r.quote(text) == strconv.Quote(text) }

// show writes a number or a duration of the declaration for a message.
func (r report) show(value any) string {
	text := fmt.Sprint(value)
	if written, ok := r.to.origin.reference(r.path); ok {
		return written
	}
	if len(text) < shortest {
		return text // would be taken for any other number
	}
	return r.to.origin.conceal(text)
}

func shorten(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// required reports a value that is missing.
func (r report) required(value, what, fix string) bool {
	if value != "" {
		return true
	}
	r.fail("is missing", what, fix)
	return false
}

// matches reports a value that is not built as it must be. What the CDK only
// knows at deployment is not checked.
func (r report) matches(value string, pattern pattern, what, allowed, fix string) bool {
	if isToken(value) || pattern.MatchString(value) {
		return true
	}
	r.fail(r.quote(value)+" is not "+what, allowed, fix)
	return false
}

// isToken says whether a text stands for a value that the CDK fills in later.
func isToken(text string) bool { return strings.Contains(text, "${Token[") }

// between reports a number out of its range.
func (r report) between(value, least, most int, what, unit, fix string) bool {
	if least <= value && value <= most {
		return true
	}
	r.fail(r.show(value)+" is not "+what, strings.TrimSpace(fmt.Sprintf("%d to %d %s", least, most, unit)), fix)
	return false
}

// lasting reports a duration out of its range, or finer than its unit.
func (r report) lasting(value, least, most, unit Duration) bool {
	allowed := fmt.Sprintf("%s to %s, in steps of %s", least, most, unit)
	switch {
	case value < least:
		r.fail(r.show(value)+" is too short", allowed, "lengthen it")
	case value > most:
		r.fail(r.show(value)+" is too long", allowed, "shorten it")
	case value%unit != 0:
		r.fail(r.show(value)+" is too fine", allowed, "round it")
	default:
		return true
	}
	return false
}

// oneOf reports a value that is none of those allowed.
func oneOf[T ~string](r report, value T, what string, allowed ...T) bool {
	if slices.Contains(allowed, value) {
		return true
	}
	names := make([]string, len(allowed))
	for i, name := range allowed {
		names[i] = string(name)
	}
	fix := suggest.DidYouMean(string(value), names)
	if fix == "" {
		fix = "choose one of them"
	}
	r.fail(r.quote(string(value))+" is not "+what, phrase.List(names, "or"), fix)
	return false
}

// origin is what is known of the file that a declaration was read from. It is
// nil for a declaration built in Go.
type origin struct {
	file string
	// positions of what the file declares, by path.
	positions map[string]position
	// references are the texts that refer to the environment, as the file
	// writes them, by path.
	references map[string]string
	// written is the same by what the texts became.
	written map[string]string
	// environment is what the references became, by the variable's name.
	environment map[string]string
}

// position is a place in a file, 1-based; zero is unknown.
type position struct{ line, column int }

// shortest is the least length of a value from the environment that is looked
// for within other texts: shorter ones would be found everywhere.
const shortest = 4

func newOrigin(file string) *origin {
	return &origin{
		file:        file,
		positions:   map[string]position{},
		references:  map[string]string{},
		written:     map[string]string{},
		environment: map[string]string{},
	}
}

func (o *origin) name() string {
	if o == nil {
		return ""
	}
	return o.file
}

// find is the position of a path, or of the nearest that the file declares
// above it.
func (o *origin) find(path string) position {
	if o == nil {
		return position{}
	}
	for {
		if where, ok := o.positions[path]; ok {
			return where
		}
		if path == "" {
			return position{}
		}
		path = above(path)
	}
}

// above is the path without its last part.
func above(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// declares says whether the file itself declares the path.
func (o *origin) declares(path string) bool {
	if o == nil {
		return false
	}
	_, ok := o.positions[path]
	return ok
}

// reference is how the file writes the value at the path, where that refers to
// the environment.
func (o *origin) reference(path string) (string, bool) {
	if o == nil {
		return "", false
	}
	written, ok := o.references[path]
	return written, ok
}

// conceal puts references to the environment back where their values are: a
// value can be a secret, its name never is.
func (o *origin) conceal(text string) string {
	if o == nil {
		return text
	}
	if written, ok := o.written[text]; ok {
		return written
	}
	longestFirst := slices.SortedFunc(maps.Keys(o.environment), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(o.environment[b]), len(o.environment[a])), cmp.Compare(a, b))
	})
	for _, name := range longestFirst {
		if value := o.environment[name]; len(value) >= shortest {
			text = strings.ReplaceAll(text, value, "${"+name+"}")
		}
	}
	return text
}
