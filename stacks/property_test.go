package stacks_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/randomedit"
	"github.com/tinystack-go/tinystack/spec"
)

// stageFile is a template of a stage: its name, and of which stage.
var stageFile = regexp.MustCompile(`^App(\w+?)(?:network|data|service)[0-9A-F]{8}\.template\.json$`)

// Stages are inserted, removed, moved and changed, one after the other; every
// other stage's templates stay the same to the byte, and the pipeline has the
// stages in the declared order with the declared gates. With -all (make strict)
// there are more edits, and every kind of them.
func TestAnySequenceOfEdits(t *testing.T) {
	editor := randomedit.New(318) // every kind of edit, and a canary that sleeps, in few steps
	before := rawTemplates(t, editor.App)
	compared, edits := 0, 3
	if *all {
		edits = 8
	}
	for range edits {
		touched := editor.Edit()
		after := rawTemplates(t, editor.App)
		for name, text := range before {
			stage := stageFile.FindStringSubmatch(name)
			if stage == nil || slices.Contains(touched, stage[1]) {
				continue
			}
			compared++
			assert.True(t, text == after[name], "%s is changed by an edit of %v", name, touched)
		}
		for name, text := range after {
			if strings.HasPrefix(name, "AppPipeline") {
				checkPipeline(t, editor.App, text)
			}
		}
		before = after
	}
	assert.Greater(t, compared, 3*edits)
	if *all {
		assert.Len(t, editor.Count, 5)
	}
}

// checkPipeline looks for what a declaration says in the template of its
// pipeline. That nothing gets around a gate is for package delivery to show.
func checkPipeline(t *testing.T, app spec.App, text string) {
	t.Helper()
	type stage struct {
		Name                   string
		Actions                []struct{ Name string }
		BeforeEntry, OnSuccess map[string]any
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ Stages []stage }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &template))
	var stages []stage
	for _, r := range template.Resources {
		if r.Type == "AWS::CodePipeline::Pipeline" {
			stages = r.Properties.Stages
		}
	}
	place := map[string]int{}
	for i, s := range stages {
		place[s.Name] = i
	}
	has := func(name, action string) bool {
		i, ok := place[name]
		return ok && slices.ContainsFunc(stages[i].Actions, func(a struct{ Name string }) bool { return a.Name == action })
	}
	last := 0
	for _, declared := range app.Stages {
		name := "shop-" + declared.Name
		require.Contains(t, place, name)
		assert.Greater(t, place[name], last, "order of %s", name)
		last = place[name]
		approved := has(name, "Approve") || has(name+"-approval", "Approve") && place[name+"-approval"] == place[name]-1
		assert.Equal(t, declared.Approval == spec.Manual, approved, "approval of %s", name)
		assert.Equal(t, declared.Review, has(name, "Review") || has(name+"-approval", "Review"), "review of %s", name)
		assert.Equal(t, declared.Window != nil, stages[place[name]].BeforeEntry != nil, "window of %s", name)
		assert.Equal(t, declared.Bake > 0, has(name, "Bake") || stages[place[name]].OnSuccess != nil, "bake of %s", name)
		assert.Equal(t, declared.Sleeps, has(name+"-sleep", "Sleep"), "sleep of %s", name)
		if declared.CanaryOf != "" {
			assert.Less(t, place[name], place["shop-"+declared.CanaryOf], "canary %s", name)
		}
	}
}
