package report_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// properties of a resource of a template, to be changed.
func properties(t *testing.T, template map[string]any, id string) map[string]any {
	t.Helper()
	resource, ok := template["Resources"].(map[string]any)[id].(map[string]any)
	require.True(t, ok, id)
	return resource["Properties"].(map[string]any)
}

func TestWhatChanges(t *testing.T) {
	app, after := guestbook(t)
	_, before := guestbook(t)
	r := made(t)
	require.NoError(t, r.Compare("cdk.out", before, after, &app, &app))
	assert.Empty(t, r.Changes.Stacks)
	assert.Empty(t, r.Changes.Gates)
	assert.Contains(t, r.Changes.Markdown(), "Nothing.")

	data, err := after.Stack("guestbook-prod-data")
	require.NoError(t, err)
	properties(t, data.Template, "DatabaseInstanceAA8A5FDE")["DBName"] = "Other-hunter2"
	service, err := after.Stack("guestbook-dev-service")
	require.NoError(t, err)
	delete(service.Template["Resources"].(map[string]any), "DatabaseIngress")
	pipeline, err := after.Stack("guestbook-pipeline")
	require.NoError(t, err)
	stages := properties(t, pipeline.Template, "DeliveryPipelineE8584D71")["Stages"].([]any)
	for _, stage := range stages {
		stage := stage.(map[string]any)
		var kept []any
		for _, action := range stage["Actions"].([]any) {
			if action.(map[string]any)["ActionTypeId"].(map[string]any)["Category"] != "Approval" {
				kept = append(kept, action)
			}
		}
		stage["Actions"] = kept
	}
	was := app
	was.Stages = was.Stages[:1]
	require.NoError(t, r.Compare("cdk.out", before, after, &was, &app))
	effects := map[string]string{}
	for _, stack := range r.Changes.Stacks {
		for _, resource := range stack.Resources {
			effects[stack.Name+" "+resource.LogicalID] = resource.Effect + " " + strings.Join(resource.Properties, ",")
		}
	}
	assert.Contains(t, effects["guestbook-prod-data DatabaseInstanceAA8A5FDE"], "replaced DBName")
	assert.Equal(t, "removed ", effects["guestbook-dev-service DatabaseIngress"])
	assert.NotEmpty(t, r.Changes.Dangers)
	require.Len(t, r.Changes.Gates, 1)
	assert.Contains(t, r.Changes.Gates[0], "guestbook-prod/")
	assert.NotEmpty(t, r.Changes.Costs)
	markdown := r.Changes.Markdown()
	assert.Contains(t, markdown, "🔴 **replaced**")
	assert.NotContains(t, markdown, "hunter2", "names of properties, never values")
	shown := htmlOf(t, r)
	assert.Contains(t, shown, `class="tag replaced"`)
	assert.Zero(t, strings.Count(shown, "hunter2"))

	for _, payload := range payloads {
		fill(reflect.ValueOf(r.Changes), payload)
		for _, markup := range []string{"<script", "<img", "<svg", "<iframe", "javascript:", "](", "<base", "<meta"} {
			assert.NotContains(t, strings.ToLower(r.Changes.Markdown()), markup, payload)
		}
	}
}
