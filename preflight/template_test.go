package preflight

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/goldens"
	"github.com/tinystack-go/tinystack/spec"
)

func eachGolden(t *testing.T, look func(t *testing.T, app spec.App, templates map[string]goldens.Template)) {
	for name, golden := range goldens.All(t) {
		t.Run(name, func(t *testing.T) {
			app, err := golden.App.Resolve()
			require.NoError(t, err)
			look(t, app, golden.Templates)
		})
	}
}

// The estimate is never below what the CDK makes, nor far above it.
func TestResourcesOfTheServiceTemplate(t *testing.T) {
	eachGolden(t, func(t *testing.T, app spec.App, templates map[string]goldens.Template) {
		for _, stage := range app.Stages {
			name := app.Name + "-" + stage.Name + "-service"
			estimate, real := serviceResources(app, stage), len(templates[name].Resources)
			assert.GreaterOrEqual(t, estimate, real, name)
			assert.Less(t, estimate, 2*real, name)
			for other, made := range templates {
				assert.LessOrEqual(t, len(made.Resources), estimate, "%s is larger than the service template", other)
			}
		}
	})
}

// The paths are those that the endpoint's own tests keep responses for.
func TestResourcesOfACachedAPI(t *testing.T) {
	none := &[]string{}
	caching := spec.Caching{Paths: []spec.CachedPath{{Path: "/", Query: none}, {Path: "/items", Query: none}, {Path: "/items/{id}", Query: none}, {Path: "/users/{name}/posts", Query: none}}}
	real := 0
	for _, resource := range goldens.Read(t, "constructs/endpoint/testdata/rest-api-no-domain-one-bridge.json").Resources {
		if resource.Type == "AWS::ApiGateway::Resource" || resource.Type == "AWS::ApiGateway::Method" {
			real++
		}
	}
	assert.Equal(t, real, cachedResources(caching))
}

// named are the properties by which the types of [Names] are named.
var named = map[string]string{
	"AWS::IAM::Role":                  "RoleName",
	"AWS::RDS::DBInstance":            "DBInstanceIdentifier",
	"AWS::SecretsManager::Secret":     "Name",
	"AWS::Logs::LogGroup":             "LogGroupName",
	"AWS::ECR::Repository":            "RepositoryName",
	"AWS::CodePipeline::Pipeline":     "Name",
	"AWS::CloudWatch::Alarm":          "AlarmName",
	"AWS::CloudWatch::CompositeAlarm": "AlarmName",
	"AWS::CloudWatch::Dashboard":      "DashboardName",
}

// The names are those that the CDK gives, and no other.
func TestNames(t *testing.T) {
	eachGolden(t, func(t *testing.T, app spec.App, templates map[string]goldens.Template) {
		var made, known []string
		for stack, template := range templates {
			made = append(made, "AWS::CloudFormation::Stack "+stack+" in "+stack)
			for _, resource := range template.Resources {
				if name, ok := resource.Properties[named[resource.Type]].(string); ok {
					made = append(made, resource.Type+" "+name+" in "+stack)
				}
			}
		}
		for _, name := range Names(app) {
			known = append(known, name.Type+" "+name.Name+" in "+name.Stack)
		}
		// The CDK's own stack for artifacts in another region.
		support := app.Name + "-pipeline-support-us-west-2"
		if _, ok := templates[support]; ok {
			known = append(known, "AWS::CloudFormation::Stack "+support+" in "+support)
		}
		assert.ElementsMatch(t, made, known)
	})
}

// The longest names there can be are within AWS's limits.
func TestLongestNames(t *testing.T) {
	long := strings.Repeat("a", 20)
	app, err := spec.App{
		Name:     long,
		Pipeline: &spec.Pipeline{Account: "111111111111"},
		Source:   &spec.Source{CodeCommit: "x"},
		Services: []spec.Service{{Name: strings.Repeat("b", 13)}},
		Stages: []spec.Stage{
			{Name: "c" + long[1:], CanaryOf: "d" + long[1:], Region: "us-west-2", Bake: spec.Minutes(10), Sleeps: true},
			{Name: "d" + long[1:], Production: new(true), Database: &spec.Database{ReadReplicas: []spec.ReadReplica{{}, {Region: "eu-west-1"}}}},
		},
	}.Resolve()
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, name := range Names(app) {
		limit, known := nameLimits[name.Type]
		require.True(t, known, name.Type)
		assert.LessOrEqual(t, len(name.Name), limit, name)
		seen[name.Type] = true
	}
	for kind := range nameLimits {
		assert.True(t, seen[kind], "no name of a %s", kind)
	}
}
