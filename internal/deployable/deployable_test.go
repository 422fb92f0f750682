package deployable

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/snapshot"
)

func TestEveryGoldenTemplateIsDeployable(t *testing.T) {
	checked := 0
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "../../snapshot" || entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2 || strings.HasPrefix(entry.Name(), "cdk.out")):
			return filepath.SkipDir
		case filepath.Ext(path) != ".json" || !strings.Contains(path, "testdata"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var template snapshot.Template
		if json.Unmarshal(text, &template) != nil || len(template.Resources("")) == 0 {
			return nil
		}
		checked++
		assert.Empty(t, Broken(template), path)
		return nil
	}))
	assert.Greater(t, checked, 40, "the golden templates are somewhere else")
}

// One template for each rule that breaks it, and what is said of it.
func TestEachRuleFindsWhatBreaksIt(t *testing.T) {
	broken := map[string]struct{ resources, says string }{
		"literal-name": {
			`"Space": {"Type": "AWS::ServiceDiscovery::PrivateDnsNamespace", "Properties": {"Name": "dev.shop"}},
			 "Web": {"Type": "AWS::ECS::Service", "Properties": {"ServiceConnectConfiguration": {"Namespace": "dev.shop"}, "Tags": [{"Key": "a", "Value": "dev.shop"}]}},
			 "Later": {"Type": "AWS::ECS::Service", "DependsOn": "Web2", "Properties": {"ServiceConnectConfiguration": {"Namespace": "dev.shop"}}},
			 "Web2": {"Type": "AWS::ECS::Service", "Properties": {"Other": {"Fn::GetAtt": ["Space", "Arn"]}, "Tags": [{"Key": "a", "Value": "dev.shop"}]}}`,
			`literal-name: Web: has the name of Space, "dev.shop", and does not depend on it`},
		"update-policy": {
			`"Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MaxSize": "0"}, "UpdatePolicy": {"AutoScalingRollingUpdate": {"MinInstancesInService": 0}}},
			 "Fine": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MaxSize": "1"}, "UpdatePolicy": {"AutoScalingRollingUpdate": {"MinInstancesInService": 0}}}`,
			"update-policy: Group: MinInstancesInService is 0, and MaxSize 0"},
		"loopback-by-name": {
			task(`"HealthCheck": {"Command": ["CMD-SHELL", "curl http://localhost:80/"]}, "Environment": [{"Name": "AWS_REGION", "Value": "a"}, {"Name": "AWS_DEFAULT_REGION", "Value": "a"}]`),
			"loopback-by-name: Task: the health check asks localhost"},
		"region-variables": {
			task(`"Name": "web", "Environment": [{"Name": "AWS_REGION", "Value": "a"}]`),
			"region-variables: Task: container web has no AWS_DEFAULT_REGION"},
		"pipeline-variable": {
			`"Fine": {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Stages": [{"Actions": [{"Namespace": "Source"}, {"Configuration": {"A": "#{Source.CommitId} #{codepipeline.PipelineExecutionId}"}}]}]}},
			 "Pipeline": {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Stages": [{"Actions": [{"Configuration": {"EnvironmentVariables": {"Fn::Join": ["", ["[", "#{A.b}"]]}}}]}]}}`,
			"pipeline-variable: Pipeline: A is of no action"},
		"plain-secret": {
			task(`"Environment": [{"Name": "AWS_REGION", "Value": "{{resolve:ssm:a}}"}], "Secrets": [{"Name": "AWS_DEFAULT_REGION"}]`),
			"plain-secret: Task: a variable is a dynamic reference"},
	}
	for _, rule := range Rules {
		t.Run(rule.ID, func(t *testing.T) {
			require.Contains(t, broken, rule.ID, "a rule without a template that breaks it")
			var template snapshot.Template
			require.NoError(t, json.Unmarshal([]byte(`{"Resources": {`+broken[rule.ID].resources+`}}`), &template))
			assert.Equal(t, []string{broken[rule.ID].says}, Broken(template))
		})
	}
}

func task(container string) string {
	return `"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [{` + container + `}]}}`
}
