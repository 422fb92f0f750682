//go:build strict

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/cost"
	"github.com/tinystack-go/tinystack/internal/cdkcontext"
	pipelines "github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/preflight"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// Strict validation takes seconds an app, so all declarations are validated as
// one; those in testdata are unusual combinations.
func TestStrictValidation(t *testing.T) {
	configs, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	examples, err := filepath.Glob("../examples/*/tinystack.yaml")
	require.NoError(t, err)
	configs = append(configs, examples...)
	require.Greater(t, len(configs), 4)
	cdkcontext.PrepareRuntime(nil)
	defer jsii.Close()
	t.Setenv("CDK_OUTDIR", t.TempDir())
	cdk := NewApp(nil)
	synthtest.Secure(cdk)
	taken := map[string]bool{}
	for _, config := range configs {
		declared, err := spec.Load(config)
		require.NoError(t, err)
		require.False(t, taken[declared.Name], "%s: two declarations here are named %s", config, declared.Name)
		taken[declared.Name] = true
		stacks.NewTinyStack(cdk, jsii.String(filepath.Base(strings.TrimSuffix(config, ".yaml"))+"-"+declared.Name), &stacks.TinyStackProps{App: declared})
	}
	require.NotPanics(t, func() { cdk.Synth(nil) })
	for _, config := range configs {
		billed(t, config, os.Getenv("CDK_OUTDIR"))
		known(t, config, os.Getenv("CDK_OUTDIR"))
	}
}

// identities are the properties by which resources are named that AWS has once.
var identities = map[string]string{
	"AWS::IAM::Role": "RoleName", "AWS::RDS::DBInstance": "DBInstanceIdentifier", "AWS::SecretsManager::Secret": "Name", "AWS::Logs::LogGroup": "LogGroupName",
	"AWS::ECR::Repository": "RepositoryName", "AWS::CodePipeline::Pipeline": "Name",
	"AWS::CloudWatch::Alarm": "AlarmName", "AWS::CloudWatch::CompositeAlarm": "AlarmName", "AWS::CloudWatch::Dashboard": "DashboardName",
}

// known compares the names that package preflight knows, and the course of the
// pipeline that it and package cost go by, with what was made.
func known(t *testing.T, config, outdir string) {
	t.Helper()
	declared, err := spec.Load(config)
	require.NoError(t, err)
	resolved, err := declared.Resolve()
	require.NoError(t, err)
	assembly, err := snapshot.Load(outdir)
	require.NoError(t, err)
	var made, names []string
	for _, stack := range assembly.Stacks {
		if !strings.HasPrefix(stack.Name, declared.Name+"-") || strings.HasPrefix(stack.Name, declared.SupportStackName("")) {
			continue
		}
		made = append(made, "AWS::CloudFormation::Stack "+stack.Name)
		for _, resource := range stack.Template.Resources("") {
			properties := resource.Properties
			if name, ok := properties[identities[resource.Type]].(string); ok {
				made = append(made, resource.Type+" "+name)
			}
			if resource.Type != "AWS::CodePipeline::Pipeline" {
				continue
			}
			var stages, want []string
			for _, stage := range properties["Stages"].([]any) {
				stage := stage.(map[string]any)
				stages = append(stages, fmt.Sprintf("%s: %d", stage["Name"], len(stage["Actions"].([]any))))
			}
			for _, stage := range pipelines.Of(resolved) {
				want = append(want, fmt.Sprintf("%s: %d", stage.Name, len(stage.Actions)))
			}
			assert.Equal(t, stages, want, "%s: the stages of the pipeline, with their actions", config)
		}
	}
	for _, name := range preflight.Names(resolved) {
		names = append(names, name.Type+" "+name.Name)
	}
	assert.ElementsMatch(t, made, names, config)
}

// billed compares what package cost counts of a declaration with the templates
// that were made of it.
func billed(t *testing.T, config, outdir string) {
	t.Helper()
	declared, err := spec.Load(config)
	require.NoError(t, err)
	estimate, err := cost.Of(declared, cost.Loads{Default: cost.Light()})
	require.NoError(t, err)
	assembly, err := snapshot.Load(outdir)
	require.NoError(t, err)
	for _, part := range estimate.Parts {
		counts := map[string]int{}
		for _, stack := range assembly.Stacks {
			name, ours := strings.CutPrefix(stack.Name, declared.Name+"-")
			if !ours || !strings.HasPrefix(name+"-", part.Name+"-") && (part.Name != "pipeline" || !strings.HasPrefix(name, "registry-")) {
				continue
			}
			for id, resource := range stack.Template.Resources("") {
				kind := resource.Type
				assert.True(t, cost.Covers(kind), "%s: %s is a %s, which is neither billed nor free: enter it in cost/resources.go", config, id, kind)
				if cost.Billed(kind) {
					counts[kind]++
				}
			}
		}
		assert.NotEmpty(t, counts, "%s: %s", config, part.Name)
		assert.Equal(t, counts, part.Counts(), "%s: %s: the templates, and what is counted", config, part.Name)
	}
}

// An invalid template has to end the app, also when it is the CDK command
// line tool that runs it.
func TestAFailedValidationIsAnError(t *testing.T) {
	dir := t.TempDir()
	source := `package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/tinystack-go/tinystack/app"
)

func main() {
	app.Run(func(cdk awscdk.App) {
		stack := awscdk.NewStack(cdk, jsii.String("Stack"), nil)
		awscdk.NewCfnResource(stack, jsii.String("Bucket"), &awscdk.CfnResourceProps{
			Type:       jsii.String("AWS::S3::Bucket"),
			Properties: &map[string]any{"VersioningConfiguration": map[string]any{"Status": "Purple"}},
		})
	})
}
`
	// Inside the module, where its imports are found; `go build` ignores the
	// folder otherwise.
	folder, err := os.MkdirTemp("testdata", "invalid")
	require.NoError(t, err)
	defer os.RemoveAll(folder)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "main.go"), []byte(source), 0o644))
	binary := build(t, "./"+folder)
	t.Setenv("CDK_APP_MODE", "process")
	got := start(t, binary, "", filepath.Join(dir, "cdk.out"))
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.stderr, "Purple")
	assert.NotContains(t, got.stderr, "goroutine")
}
