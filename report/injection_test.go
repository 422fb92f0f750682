package report_test

import (
	"bytes"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each payload alone stands in place of every text of a report, names, regions and
// addresses of runbooks included, whatever a declaration would refuse.
func TestNoTextAloneBecomesMarkup(t *testing.T) {
	known := map[string]bool{}
	for _, node := range elements(t, page(t, first(guestbook(t)), nil)) {
		known[node.Data] = true
	}
	for _, payload := range payloads {
		r := made(t)
		r.Pipeline, r.Stages = nil, r.Stages[1:2] // what is drawn is tried with all payloads at once
		r.Stages[0].Topology = nil
		r.Stages[0].Stacks, r.Stages[0].Costs = r.Stages[0].Stacks[:1], r.Stages[0].Costs[:1] // more of the same
		require.Greater(t, fill(reflect.ValueOf(r), payload), 150)
		var out bytes.Buffer
		require.NoError(t, r.HTML(&out))
		scripts := 0
		for _, node := range elements(t, out.String()) {
			if node.Data == "script" {
				scripts++
			}
			assert.True(t, known[node.Data] || node.Data == "details" || node.Data == "summary" || node.Data == "pre", "%q becomes <%s>", payload, node.Data)
			for _, a := range node.Attr {
				assert.NotRegexp(t, `^(on|srcdoc|style$)`, a.Key, payload)
				if a.Key == "href" && node.Data != "link" {
					assert.False(t, runs.MatchString(a.Val), "%q becomes a link to %q", payload, a.Val)
				}
			}
		}
		assert.Equal(t, 1, scripts, payload)
	}
}

// runs is an address that a browser runs, as lenient as browsers are.
var runs = regexp.MustCompile(`(?i)^[\x00-\x20]*(j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t|vbscript|data)\s*:`)

// fill puts a text in place of every text that a value holds, and counts them.
func fill(value reflect.Value, text string) (count int) {
	switch value.Kind() {
	case reflect.Pointer:
		if !value.IsNil() {
			return fill(value.Elem(), text)
		}
	case reflect.Struct:
		for i := range value.NumField() {
			if value.Field(i).CanSet() {
				count += fill(value.Field(i), text)
			}
		}
	case reflect.Slice:
		for i := range value.Len() {
			count += fill(value.Index(i), text)
		}
	case reflect.String:
		value.SetString(text)
		return 1
	}
	return count
}

func first[A, B any](a A, _ B) A { return a }
