package report_test

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/report"
)

var update = flag.Bool("update", false, "write the fields into docs/report.md")

const reportPage = "../docs/report.md"

// The fields that programs read are on the page about them, and stay.
func TestFieldsForPrograms(t *testing.T) {
	types := map[string]reflect.Type{"Report": reflect.TypeFor[report.Report](), "Stage": reflect.TypeFor[report.Stage](), "Pipeline": reflect.TypeFor[report.Pipeline]()}
	text, err := os.ReadFile(reportPage)
	require.NoError(t, err)
	blocks := 0
	want := regexp.MustCompile(`(?s)<!-- fields: (\w+) -->\n.*?<!-- /fields -->`).ReplaceAllStringFunc(string(text), func(block string) string {
		blocks++
		name := regexp.MustCompile(`\w+`).FindAllString(block, 2)[1]
		var fields []string
		for _, field := range reflect.VisibleFields(types[name]) {
			if tag := field.Tag.Get("json"); tag != "" {
				key, _, _ := strings.Cut(tag, ",")
				fields = append(fields, "`"+key+"`")
			}
		}
		return "<!-- fields: " + name + " -->\n" + wrap(strings.Join(fields, ", ")) + "\n<!-- /fields -->"
	})
	require.Equal(t, 3, blocks)
	if *update {
		require.NoError(t, os.WriteFile(reportPage, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, string(text), "run: go test ./report -update")
}

func wrap(text string) string {
	var out strings.Builder
	length := 0
	for _, word := range strings.Fields(text) {
		if length+1+len(word) > 88 {
			out.WriteString("\n")
			length = 0
		} else if length > 0 {
			out.WriteString(" ")
			length++
		}
		out.WriteString(word)
		length += len(word)
	}
	return out.String()
}

func TestAsJSON(t *testing.T) {
	text, err := json.Marshal(made(t))
	require.NoError(t, err)
	var read struct {
		App    string
		Stages []struct {
			Name     string
			Costs    []struct{ Load, Total string }
			Topology *struct{ Nodes []struct{ Kind string } }
			Outputs  []struct{ Lookup string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &read))
	assert.Equal(t, "guestbook", read.App)
	require.Len(t, read.Stages, 3)
	estimate, err := cost.Of(first(guestbook(t)), cost.Loads{Default: cost.Light()})
	require.NoError(t, err)
	assert.Equal(t, estimate.Parts[0].Total().USD.StringFixed(2), read.Stages[0].Costs[0].Total)
	assert.NotEmpty(t, read.Stages[0].Topology.Nodes)
	assert.Contains(t, read.Stages[0].Outputs[0].Lookup, "aws cloudformation describe-stacks --region us-east-1 --stack-name guestbook-dev-")
}

// Pipeline and stages are told apart where nothing deploys by itself.
func TestTextOfOneWithoutPipeline(t *testing.T) {
	app := first(guestbook(t))
	app.Pipeline, app.Source = nil, nil
	app.Stages = app.Stages[:1]
	r, err := report.New(app, nil)
	require.NoError(t, err)
	assert.NotContains(t, r.Text(), "pipeline in")
	assert.Contains(t, r.Text(), "deployed by hand")
	assert.Contains(t, page(t, app, nil), "deployed by hand")
}
