package yamldoc

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// value is what a text says, as another program would read it.
func value(t *testing.T, text string) any {
	t.Helper()
	root, problem := Parse(text)
	require.Nil(t, problem, "%v\n%s", problem, text)
	var found any
	require.NoError(t, root.Decode(&found), text)
	return asJSON(t, found)
}

func asJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	var again any
	require.NoError(t, json.Unmarshal(text, &again))
	return again
}

// otherwise are the cases of the suite that are read in another way, and why.
// None of them is what people write into a declaration.
var otherwise = map[string]string{
	"allowed-characters-in-alias":               "a colon in the name of an anchor",
	"anchors-with-colon-in-name":                "a colon in the name of an anchor",
	"anchor-with-unicode-character":             "a smiley as the name of an anchor",
	"construct-binary":                          "!!binary, which a declaration cannot have",
	"directive-variants/02":                     "directives without a document are nothing",
	"directive-variants/03":                     "directives without a document are nothing",
	"directive-variants/04":                     "directives without a document are nothing",
	"directive-variants/05":                     "an unknown directive",
	"directive-variants/06":                     "an unknown directive",
	"spec-example-6-13-reserved-directives":     "an unknown directive",
	"spec-example-6-13-reserved-directives-1-3": "an unknown directive",
	"spec-example-6-14-yaml-directive":          "YAML 1.3",
	"spec-example-2-27-invoice":                 "a date is a time; a declaration has texts only",
	"tabs-that-look-like-indentation/07":        "nothing but a tab is nothing",
	// Accepted, and read as what is meant.
	"block-scalar-with-more-spaces-than-first-content-line": "",
	"tabs-in-various-contexts/003":                          "",
	"tabs-that-look-like-indentation/01":                    "",
	"wrong-indented-flow-sequence":                          "",
	"wrong-indented-multiline-quoted-scalar":                "",
}

// The cases of the YAML test suite (github.com/yaml/yaml-test-suite, MIT), as far
// as they are one document.
func TestSuite(t *testing.T) {
	text, err := os.ReadFile("testdata/suite.json")
	require.NoError(t, err)
	var cases []struct {
		Name, YAML string
		Error      bool
		JSON       any
	}
	require.NoError(t, json.Unmarshal(text, &cases))
	require.Greater(t, len(cases), 250)
	for _, test := range cases {
		wrong := func() string {
			root, problem := Parse(test.YAML)
			if test.Error {
				if problem == nil {
					return "is accepted"
				}
				return ""
			}
			if problem != nil {
				return problem.Wrong
			}
			var found any
			if err := root.Decode(&found); err != nil {
				return err.Error()
			}
			if got, _ := json.Marshal(found); !assert.ObjectsAreEqual(test.JSON, asJSON(t, found)) {
				return "is read as " + string(got)
			}
			return ""
		}()
		if _, known := otherwise[test.Name]; known != (wrong != "") {
			t.Errorf("%s: %q", test.Name, wrong)
		}
	}
}

// What people write in brackets holds colons: ARNs, URLs, images, tasks of rake.
func TestColonsInBrackets(t *testing.T) {
	assert.Equal(t, map[string]any{
		"a": []any{"bin/rails", "db:migrate", "s3:GetObject", "arn:aws:s3:::b/*", "http://x:80", "::1"},
		"b": map[string]any{"url": "http://x:80", "image": "nginx:1.29", "c": []any{"d:e"}, "f:g": nil},
	}, value(t, "a: [bin/rails, db:migrate, s3:GetObject, arn:aws:s3:::b/*, http://x:80, ::1]\nb: {url: http://x:80, image: nginx:1.29, c: [d:e], f:g}\n"))
}

func TestPlaces(t *testing.T) {
	root, problem := Parse("%YAML 1.2\n---\n# é\né: &a é # é\nlist:\n- {ü: [ü, \"ü\", é]}\n")
	require.Nil(t, problem)
	var got []string
	var look func(*Node)
	look = func(node *Node) {
		if node.Kind == 8 {
			got = append(got, fmt.Sprintf("%s %d:%d", node.Value, node.Line, node.Column))
		}
		for _, child := range node.Content {
			look(child)
		}
	}
	look(root)
	assert.Equal(t, []string{"é 4:1", "é 4:4", "list 5:1", "ü 6:4", "ü 6:8", "ü 6:11", "é 6:16"}, got)
}

// A generated value is written in all styles that YAML has for it, and has to be
// read as what it is. A second parser, with a code of its own, has to read the same;
// it is asked only what it is right about.
func TestGenerated(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(3000) {
		w := writer{random: rand.New(rand.NewPCG(seed, 7)), used: seen}
		want := w.mapping(0)
		text := w.block(want, 0)
		require.Equal(t, asJSON(t, want), value(t, text), "seed %d\n%s", seed, text)
		if w.alone {
			continue
		}
		var second any
		require.NoError(t, yaml.Unmarshal([]byte(text), &second), "seed %d\n%s", seed, text)
		require.Equal(t, asJSON(t, want), asJSON(t, second), "seed %d: the second parser\n%s", seed, text)
		seen["second"]++
	}
	for _, style := range []string{"second", "plain", "single", "double", "literal", "flow list", "flow mapping", "block list", "comment"} {
		assert.Greater(t, seen[style], 500, style)
	}
}

// writer makes values and their YAML.
type writer struct {
	random *rand.Rand
	used   map[string]int
	// alone says that the second parser is known to misread it: plain texts with
	// a colon in brackets, and blocks that end in a space.
	alone bool
}

var words = []string{
	"web", "a b", "bin/rails", "db:migrate", "s3:GetObject", "arn:aws:s3:::b/*", "http://x:80/a?b=c#d", "::1", "nginx:1.29", "0 3 * * *", "it's",
	`say "x"`, "true", "12", "1.50", "007", "null", "~", "", "a: b", "a #b", "- a", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "a,b", "é", "${NAME}",
	"line\nline", "line\n\n  deep\nend\n", " a", "a ", "|", "a\\b", "key: [v, w]", "yes", "0x10", ".inf", "2026-11-27",
}

func (w *writer) pick() string { return words[w.random.IntN(len(words))] }

func (w *writer) mapping(depth int) map[string]any {
	found := map[string]any{}
	for i := range 1 + w.random.IntN(4) {
		found["k"+strconv.Itoa(i)] = w.any(depth + 1)
	}
	return found
}

func (w *writer) any(depth int) any {
	switch n := w.random.IntN(10); {
	case n < 2 && depth < 4:
		return w.mapping(depth)
	case n < 4 && depth < 4:
		list := []any{}
		for range w.random.IntN(4) {
			list = append(list, w.any(depth+1))
		}
		return list
	case n == 4:
		return w.random.IntN(100000)
	case n == 5:
		return w.random.IntN(2) == 0
	}
	return w.pick()
}

// block writes a value in lines of its own, from a new line on.
func (w *writer) block(value any, indent int) string {
	margin := strings.Repeat(" ", indent)
	var text strings.Builder
	child := func(value any, inList bool) {
		switch value := value.(type) {
		case map[string]any, []any:
			if list, ok := value.([]any); ok && len(list) == 0 || w.random.IntN(3) == 0 {
				text.WriteString(" " + w.flow(value) + w.comment() + "\n")
			} else {
				text.WriteString(w.comment() + "\n" + w.block(value, indent+2))
			}
		case string:
			if literal, ok := literal(value, indent+2); ok && w.random.IntN(2) == 0 {
				w.used["literal"]++
				w.alone = w.alone || strings.HasSuffix(value, " ")
				text.WriteString(" " + literal)
			} else {
				text.WriteString(" " + w.scalar(value, false) + w.comment() + "\n")
			}
		default:
			text.WriteString(" " + w.flow(value) + w.comment() + "\n")
		}
	}
	switch value := value.(type) {
	case map[string]any:
		for i := range 4 {
			name := "k" + strconv.Itoa(i)
			if held, ok := value[name]; ok {
				text.WriteString(margin + name + ":")
				child(held, false)
			}
		}
	case []any:
		w.used["block list"]++
		for _, held := range value {
			text.WriteString(margin + "-")
			child(held, true)
		}
	}
	return text.String()
}

func (w *writer) comment() string {
	if w.random.IntN(4) > 0 {
		return ""
	}
	w.used["comment"]++
	return " # it's: [a comment"
}

// flow writes a value in brackets.
func (w *writer) flow(value any) string {
	var parts []string
	switch value := value.(type) {
	case map[string]any:
		w.used["flow mapping"]++
		for i := range 4 {
			name := "k" + strconv.Itoa(i)
			if held, ok := value[name]; ok {
				parts = append(parts, name+": "+w.flow(held))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		w.used["flow list"]++
		for _, held := range value {
			parts = append(parts, w.flow(held))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return w.scalar(value, true)
	}
	return fmt.Sprint(value)
}

// scalar writes a text in one line.
func (w *writer) scalar(text string, inBrackets bool) string {
	if strings.Contains(text, "\n") {
		return strconv.Quote(text)
	}
	switch w.random.IntN(3) {
	case 0:
		w.used["single"]++
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case 1:
		w.used["double"]++
		return strconv.Quote(text)
	}
	if !plain(text, inBrackets) {
		return strconv.Quote(text)
	}
	w.used["plain"]++
	if inBrackets && strings.Contains(text, ":") {
		w.alone = true
	}
	return text
}

// plain says whether a text means itself without quotes, by the rules of YAML 1.2.
func plain(text string, inBrackets bool) bool {
	switch text {
	case "", "true", "null", "~", "12", "1.50", "007", "0x10", ".inf", "2026-11-27":
		return false
	}
	if strings.ContainsAny(text[:1], "-?[]{},#&*!|>'\"%@` ") || strings.Contains(text, ": ") || strings.Contains(text, " #") || strings.HasSuffix(text, " ") || strings.HasSuffix(text, ":") {
		return false
	}
	return !inBrackets || !strings.ContainsAny(text, "[]{},")
}

// literal writes a text as a block, if that can hold it.
func literal(text string, indent int) (string, bool) {
	if text == "" || strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\n") {
		return "", false
	}
	header := "|-\n"
	if strings.HasSuffix(text, "\n") {
		header = "|\n"
	}
	var block strings.Builder
	block.WriteString(header)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line != "" {
			line = strings.Repeat(" ", indent) + line
		}
		block.WriteString(line + "\n")
	}
	return block.String(), true
}
