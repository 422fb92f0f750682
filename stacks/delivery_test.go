package stacks_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// The way back that docs/rollback.md describes: the same templates, with
// another commit. Nothing differs but the tags of the images.
func TestGoingBackChangesOnlyTheTagsOfImages(t *testing.T) {
	declared := load(t, declarations["guestbook"])
	declared.Services = append(declared.Services, spec.Service{
		Name: "mail-er", Worker: true, Source: &spec.Source{CodeCommit: "mailer"},
	}, spec.Service{
		Name: "bounces", Worker: true, ImageOf: "mail-er", // goes back with it
	})
	declared.Stages[0].Scale.Instance = "t3.small"
	at := func(commit, mailer string) map[string]string {
		t.Setenv("TINYSTACK_COMMIT", commit)
		t.Setenv("TINYSTACK_COMMIT_MAIL_ER", mailer)
		tags := stacks.TagsFromEnvironment(declared)
		require.Equal(t, map[string]string{"api": commit, "mail-er": mailer}, tags)
		return rawTemplates(t, declared, tags)
	}
	now, before := at("c0ffee2", "decaf2"), at("c0ffee1", "decaf1")
	require.Equal(t, len(now), len(before))
	back := strings.NewReplacer(":c0ffee2", ":c0ffee1", ":decaf2", ":decaf1")
	changed := 0
	for name, text := range now {
		if text == before[name] {
			continue
		}
		changed++
		assert.Contains(t, name, "service", "only a stack with services names a commit")
		assert.Equal(t, back.Replace(text), before[name], name)
		assert.Equal(t, 1, strings.Count(text, ":c0ffee2"), name)
		assert.Equal(t, 2, strings.Count(text, ":decaf2"), name)
		assert.Equal(t, 4, strings.Count(text, "guestbook/mail-er"), "both pull, and are allowed to, from one repository")
	}
	for name, text := range now {
		assert.NotContains(t, text, "guestbook/bounces", name)
		assert.NotContains(t, text, "Build-bounces", name)
	}
	assert.Equal(t, 3, changed, "the service stack of each stage")
}

// What a stage's outputs hold reaches the steps of the pipeline, from another
// account and region, too.
func TestStepsOfAStageKnowIt(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "release.yml"), []byte("version: 0.2\n"), 0o644))
	path := filepath.Join(dir, "tinystack.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
name: shop
pipeline: {account: "111111111111", keepImages: 8}
source: {codeCommit: shop}
services:
  - {name: web, buildSpec: ci/build.yml, healthCheck: {path: /up}}
stages:
  - {name: dev}
  - name: canary
    canaryOf: prod
    region: eu-west-1
  - name: prod
    account: "222222222222"
    approval: manual
    smoke: {}
`), 0o644))
	assembly := synth(t, load(t, path), nil)
	type action struct {
		Name, Namespace, Region string
		Configuration           map[string]any
	}
	var stages []struct {
		Name    string
		Actions []action
	}
	pipeline := template(t, assembly, "shop-pipeline")
	var found snapshot.Resource
	for _, found = range pipeline.Resources("AWS::CodePipeline::Pipeline") {
	}
	text, err := json.Marshal(found.Properties["Stages"])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &stages))
	actions := map[string]action{}
	for _, stage := range stages {
		for _, a := range stage.Actions {
			actions[stage.Name+"/"+a.Name] = a
		}
	}
	for _, stage := range []string{"dev", "canary", "prod"} {
		outputs := template(t, assembly, "shop-"+stage+"-service").Outputs()
		deploy := actions["shop-"+stage+"/service.Deploy"]
		wanted := map[string]map[string]string{"web-Release": {"CLUSTER_ARN": "ClusterARN", "SERVICE_NAME": "WebServiceName"}}
		if stage != "dev" {
			wanted["Smoke"] = map[string]string{"STAGE_URL": "URL"}
		} else {
			assert.NotContains(t, actions, "shop-dev/Smoke")
		}
		for step, variables := range wanted {
			environment := fmt.Sprint(actions["shop-"+stage+"/"+step].Configuration["EnvironmentVariables"])
			for variable, output := range variables {
				require.Contains(t, outputs, output)
				require.NotEmpty(t, deploy.Namespace)
				assert.Contains(t, environment, fmt.Sprintf(`{"name":"%s","type":"PLAINTEXT","value":"#{%s.%s}"}`, variable, deploy.Namespace, output))
			}
		}
	}
	assert.Equal(t, "eu-west-1", actions["shop-canary/service.Deploy"].Region)
	for _, registry := range []string{"shop-registry-us-east-1", "shop-registry-eu-west-1"} {
		raw, err := snapshot.Render(template(t, assembly, registry))
		require.NoError(t, err)
		assert.Contains(t, string(raw), `"countNumber": 8`, registry)
	}
	raw, err := snapshot.Render(pipeline)
	require.NoError(t, err)
	assert.Contains(t, string(raw), `"BuildSpec": "ci/build.yml"`)
	assert.Contains(t, string(raw), `"BuildSpec": "release.yml"`)
	assert.Contains(t, string(raw), `"Value": "/up"`, "the canary is tested as production is, by the path of the health check")
}

// With a declaration in a repository of its own nothing of the application's
// can be looked at.
func TestBuildspecsAreNotLookedForInAnotherRepository(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "build.yml"), []byte("version: 0.2\n"), 0o644))
	path := filepath.Join(dir, "tinystack.yaml")
	for declaration, want := range map[string]bool{"": true, "\n  declaration: {codeCommit: infrastructure}": false} {
		require.NoError(t, os.WriteFile(path, []byte("name: shop\npipeline:\n  account: \"111111111111\""+declaration+"\nsource: {codeCommit: shop}\n"), 0o644))
		raw, err := snapshot.Render(template(t, plain(t, load(t, path), nil), "shop-pipeline"))
		require.NoError(t, err)
		assert.Equal(t, want, strings.Contains(string(raw), `"BuildSpec": "build.yml"`), declaration)
	}
}
