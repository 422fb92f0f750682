package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/report"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// guestbook is the default declaration, with its golden templates.
func guestbook(t *testing.T) (spec.App, *snapshot.Assembly) {
	t.Helper()
	app, err := spec.Load("../tinystack.yaml")
	require.NoError(t, err)
	assembly := &snapshot.Assembly{}
	found, err := filepath.Glob("../stacks/testdata/guestbook/*.json")
	require.NoError(t, err)
	require.Greater(t, len(found), 8)
	for _, file := range found {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		stack := &snapshot.Stack{Name: strings.TrimSuffix(filepath.Base(file), ".json")}
		require.NoError(t, json.Unmarshal(text, &stack.Template))
		assembly.Stacks = append(assembly.Stacks, stack)
	}
	return app, assembly
}

func page(t *testing.T, app spec.App, assembly *snapshot.Assembly) string {
	t.Helper()
	made, err := report.New(app, assembly)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, made.HTML(&out))
	return out.String()
}

// elements are all elements of a page, in order.
func elements(t *testing.T, page string) (all []*html.Node) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	for node := range root.Descendants() {
		if node.Type == html.ElementNode {
			all = append(all, node)
		}
	}
	return all
}

func attribute(node *html.Node, name string) (string, bool) {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func TestThePageIsTheSameEachTimeAndSmall(t *testing.T) {
	app, assembly := guestbook(t)
	text := page(t, app, assembly)
	assert.Equal(t, text, page(t, app, assembly))
	assert.Less(t, len(text), 1<<20)
	for _, says := range []string{"guestbook", "dev", "canary of prod", "bake", "approval", "Application Load Balancer", "single-nat", "t4g.micro"} {
		assert.Contains(t, text, says)
	}
}

// The page opens from disk: nothing in it is loaded from elsewhere, every link
// within it leads somewhere, and no two elements have the same id.
func TestThePageNeedsNothingElse(t *testing.T) {
	app, assembly := guestbook(t)
	text := page(t, app, assembly)
	ids, links := map[string]bool{}, []string{}
	for _, node := range elements(t, text) {
		if id, ok := attribute(node, "id"); ok {
			assert.False(t, ids[id], "two elements are called %s", id)
			ids[id] = true
		}
		for _, name := range []string{"src", "srcset", "data", "poster", "action", "xlink:href", "background"} {
			value, ok := attribute(node, name)
			assert.False(t, ok, "<%s %s=%q> loads something", node.Data, name, value)
		}
		href, ok := attribute(node, "href")
		switch {
		case !ok:
		case node.Data == "link" && href == "data:,": // keeps browsers from asking for an icon
			continue
		case strings.HasPrefix(href, "#"):
			links = append(links, href[1:])
		default:
			assert.Contains(t, []string{"a", "base"}, node.Data, "<%s href=%q> loads something", node.Data, href)
			assert.Regexp(t, `^https://`, href)
		}
		assert.NotContains(t, []string{"link", "iframe", "object", "embed", "img", "form"}, node.Data)
	}
	for _, link := range links {
		assert.True(t, ids[link], "#%s leads nowhere", link)
	}
	assert.NotRegexp(t, `(?i)@import|url\(\s*["']?(?:https?:)?//`, text)
}

// payloads are texts that would be markup or a script where a page takes them for
// what they look like.
var payloads = []string{
	`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><script>alert(1)</script>`, `'><svg onload=alert(1)>`,
	`</title><script>alert(1)</script>`, `</style><script>alert(1)</script>`, `</script><script>alert(1)</script>`, `</svg><script>alert(1)</script>`,
	`<svg><animate onbegin=alert(1)>`, `<details open ontoggle=alert(1)>`, `<iframe src=javascript:alert(1)>`, `<a href=javascript:alert(1)>x</a>`,
	`javascript:alert(1)`, `" onmouseover="alert(1)`, `' onfocus='alert(1)' autofocus='`, "` onload=alert(1)", `<!--<script>alert(1)//-->`, `]]><script>alert(1)</script>`,
	`<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`, `<base href=//evil.example>`, `<meta http-equiv=refresh content=0;url=//evil.example>`,
	`<link rel=stylesheet href=//evil.example/x.css>`, `<object data=//evil.example>`, `<embed src=//evil.example>`, `<foreignObject><body onload=alert(1)></foreignObject>`,
	`{{.}}`, `{{template "x"}}`, `\u003cscript\u003ealert(1)\u003c/script\u003e`, `&lt;script&gt;alert(1)&lt;/script&gt;`, `%3Cscript%3Ealert(1)%3C/script%3E`,
}

// The payloads are pasted behind every text that the page shows, of the declaration
// and of the templates. The page keeps the elements that it has, and none gets an
// attribute that runs anything.
func TestNothingThatIsDeclaredBecomesMarkup(t *testing.T) {
	require.GreaterOrEqual(t, len(payloads), 30)
	app, assembly := guestbook(t)
	shape := func(page string) (tags map[string]int) {
		tags = map[string]int{}
		for _, node := range elements(t, page) {
			tags[node.Data]++
			for _, a := range node.Attr {
				assert.False(t, strings.HasPrefix(a.Key, "on"), "<%s %s=%q>", node.Data, a.Key, a.Val)
				if a.Key == "href" && node.Data != "link" {
					assert.NotRegexp(t, `(?i)^\s*(?:javascript|data|vbscript):`, a.Val)
				}
			}
		}
		return tags
	}
	clean := shape(page(t, app, assembly))
	// All at once: where one of them becomes markup, there are more elements than before.
	payload := strings.Join(payloads, " ")
	pasted := paste(reflect.ValueOf(assembly.Stacks), payload).Interface().([]*snapshot.Stack)
	made, err := report.New(app, &snapshot.Assembly{Stacks: pasted})
	require.NoError(t, err)
	everywhere := paste(reflect.ValueOf(*made), payload).Interface().(report.Report)
	var out bytes.Buffer
	require.NoError(t, everywhere.HTML(&out))
	assert.Greater(t, strings.Count(out.String(), "alert(1)"), 1000, "the payloads are on the page, as text")
	if folder := os.Getenv("TINYSTACK_PAGES"); folder != "" { // for a browser to open, too
		require.NoError(t, os.WriteFile(filepath.Join(folder, "payloads.html"), out.Bytes(), 0o600))
	}
	for tag, count := range shape(out.String()) {
		if was := clean[tag]; slices.Contains([]string{"script", "style", "iframe", "object", "embed", "base", "meta", "link", "img", "form", "math", "mglyph", "foreignobject", "animate", "svg", "details", "title", "body"}, tag) {
			assert.Equal(t, was, count, "texts became <%s>", tag)
		}
	}
}

// paste is a copy of a value in which a payload stands behind every text that is
// shown: not behind the names of stacks and types, which decide what is shown.
func paste(value reflect.Value, payload string) reflect.Value {
	made := reflect.New(value.Type()).Elem()
	switch value.Kind() {
	case reflect.String:
		made.SetString(value.String() + payload)
	case reflect.Struct:
		made.Set(value)
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if field.IsExported() && field.Type.PkgPath() != "github.com/shopspring/decimal" {
				switch field.Name {
				case "Name", "Load", "Loads", "Kind", "Stages", "Stage", "Type", "ID", "From", "To", "Parent":
					if value.Type() != reflect.TypeFor[snapshot.Stack]() && field.Name != "Name" {
						continue
					}
					if field.Name == "Name" && value.Type().PkgPath() != "" {
						continue
					}
				default:
				}
				made.Field(i).Set(paste(value.Field(i), payload))
			}
		}
	case reflect.Slice:
		if value.IsNil() {
			return value
		}
		made.Set(reflect.MakeSlice(value.Type(), value.Len(), value.Len()))
		for i := range value.Len() {
			made.Index(i).Set(paste(value.Index(i), payload))
		}
	case reflect.Pointer:
		if value.IsNil() {
			return value
		}
		made.Set(reflect.New(value.Type().Elem()))
		made.Elem().Set(paste(value.Elem(), payload))
	case reflect.Map:
		// Templates decide what is shown by their texts: only descriptions are free.
		if value.Type() == reflect.TypeFor[snapshot.Template]() {
			return describe(value, payload)
		}
		made.Set(value)
	default:
		made.Set(value)
	}
	return made
}

// describe is a template in which every description and output ends in a payload.
func describe(value reflect.Value, payload string) reflect.Value {
	text, err := json.Marshal(value.Interface())
	if err != nil {
		panic(err)
	}
	quoted, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	ending := strings.ReplaceAll(strings.Trim(string(quoted), `"`), "$", "$$")
	text = regexp.MustCompile(`("(?:Description|Value|AlarmDescription|GroupDescription)":"(?:[^"\\]|\\.)*)"`).ReplaceAll(text, []byte("${1}"+ending+`"`))
	var read snapshot.Template
	if err := json.Unmarshal(text, &read); err != nil {
		panic(fmt.Errorf("%w in %s", err, ending))
	}
	return reflect.ValueOf(read)
}

// Nothing that is set in a container is on the page, and no secret's name either
// gives away more than where it is kept.
func TestNoValueOfAVariableIsOnThePage(t *testing.T) {
	const marker = "Marker-hunter2"
	text, err := os.ReadFile("../tinystack.yaml")
	require.NoError(t, err)
	planted := strings.NewReplacer("LOG_LEVEL: debug", "LOG_LEVEL: "+marker, "LOG_LEVEL: info", "LOG_LEVEL: "+marker, "NODE_ENV: production", "NODE_ENV: "+marker).Replace(string(text))
	require.Equal(t, 3, strings.Count(planted, marker))
	app, err := spec.Parse("tinystack.yaml", []byte(planted), os.LookupEnv)
	require.NoError(t, err)
	_, assembly := guestbook(t)
	for _, stack := range assembly.Stacks {
		raw, err := json.Marshal(stack.Template)
		require.NoError(t, err)
		stack.Template = nil
		require.NoError(t, json.Unmarshal([]byte(strings.NewReplacer(`"Value":"debug"`, `"Value":"`+marker+`"`, `"Value":"info"`, `"Value":"`+marker+`"`).Replace(string(raw))), &stack.Template))
	}
	assert.NotContains(t, page(t, app, assembly), marker)
}

func TestWithoutTemplatesThePageStillSaysWhatIsDeclared(t *testing.T) {
	app, _ := guestbook(t)
	estimate, err := cost.Of(app, cost.Loads{Default: cost.Light()})
	require.NoError(t, err)
	assert.Contains(t, page(t, app, nil), estimate.Total().String())
}
