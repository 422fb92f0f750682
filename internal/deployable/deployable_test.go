package deployable

import (
	"encoding/json"
	"fmt"
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
	stages := map[string][]snapshot.Template{}
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
		stage := path[:strings.LastIndexAny(path, "-/")] // of shop-dev-service
		stages[stage] = append(stages[stage], template)
		return nil
	}))
	for stage, templates := range stages {
		assert.Empty(t, Endpoints(templates...), stage)
		assert.Empty(t, Reports(templates...), stage)
	}
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
			`"Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MaxSize": "0", "DesiredCapacity": "0", "LaunchTemplate": {"Ref": "Launch"}}, "UpdatePolicy": {"AutoScalingRollingUpdate": {"MinInstancesInService": 0, "WaitOnResourceSignals": true, "PauseTime": "PT15M"}}},
			 "Fine": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MaxSize": "1", "DesiredCapacity": "0", "LaunchTemplate": {"Ref": "Launch"}}, "UpdatePolicy": {"AutoScalingRollingUpdate": {"MinInstancesInService": 0, "WaitOnResourceSignals": true, "PauseTime": "PT15M"}}},
			 ` + launch("Fine Group") + `, ` + signaller,
			"update-policy: Group: MinInstancesInService is 0, and MaxSize 0"},
		"signals": {
			`"Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MaxSize": "2"}, "UpdatePolicy": {"AutoScalingRollingUpdate": {"PauseTime": "PT3M"}}}`,
			"signals: Group: replaces instances and does not ask whether the new ones are of use"},
		"nat": {
			strings.ReplaceAll(forwarding, "Free", "Address"),
			"nat: Nat: has no address that stays"},
		"reserved-memory": {
			`"Launch": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"UserData": {"Fn::Join": ["", ["echo ECS_CLUSTER=", {"Ref": "Cluster"}]]}}}}`,
			"reserved-memory: Launch: sets no ECS_RESERVED_MEMORY"},
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

func TestEndpointsAreThoseThatAreCalled(t *testing.T) {
	endpoint := func(kind, service string) string {
		return fmt.Sprintf(`"E%s": {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "%s", "ServiceName": "com.amazonaws.eu-west-1.%s"}}`, service, kind, service)
	}
	role := func(principal string, actions ...string) string {
		return fmt.Sprintf(`"Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [{"Principal": {"Service": "%s"}}]}}},
		"Policy": {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "Role"}], "PolicyDocument": {"Statement": [{"Action": ["%s"], "Effect": "Allow"},
			{"Action": "kms:Decrypt", "Condition": {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}}}]}}}`, principal, strings.Join(actions, `","`))
	}
	s3, logs, ecr, images := endpoint("Gateway", "s3"), endpoint("Interface", "logs"), endpoint("Interface", "ecr.api"), endpoint("Interface", "ecr.dkr")
	function := strings.ReplaceAll(role("lambda.amazonaws.com", "logs:PutLogEvents"), `"Role": {"Type"`, `"F": {"Type": "AWS::Lambda::Function", "Properties": {"VpcConfig": {}, "Role": {"Fn::GetAtt": ["Role", "Arn"]}}}, "Role": {"Type"`)
	for name, test := range map[string]struct {
		resources []string
		says      []string
	}{
		"another way out":           {[]string{s3, role("ecs-tasks.amazonaws.com", "kms:Decrypt")}, nil},
		"each has one":              {[]string{s3, logs, ecr, images, role("ec2.amazonaws.com", "logs:PutLogEvents", "ecr:BatchGetImage")}, nil},
		"none":                      {[]string{s3, logs, role("ecs-tasks.amazonaws.com", "logs:PutLogEvents", "kms:Decrypt")}, []string{"kms is called, and there is no endpoint kms"}},
		"half":                      {[]string{s3, ecr, role("ecs-tasks.amazonaws.com", "ecr:BatchGetImage")}, []string{"ecr is called, and there is no endpoint ecr.dkr"}},
		"nobody":                    {[]string{s3, logs, role("lambda.amazonaws.com", "logs:PutLogEvents")}, []string{"nobody calls the endpoint logs"}},
		"a function in the network": {[]string{s3, logs, function}, nil},
		"unknown":                   {[]string{s3, logs, role("ecs-tasks.amazonaws.com", "logs:PutLogEvents", "polly:*")}, []string{"polly is called, and nothing is known that leads there"}},
		"a hosted function":         {[]string{s3, logs, role("ec2.amazonaws.com", "logs:PutLogEvents"), `"R": {"Type": "AWS::SecretsManager::RotationSchedule", "Properties": {"HostedRotationLambda": {}}}`}, []string{"secretsmanager is called, and there is no endpoint secretsmanager"}},
	} {
		t.Run(name, func(t *testing.T) {
			var template snapshot.Template
			require.NoError(t, json.Unmarshal([]byte(`{"Resources": {`+strings.Join(test.resources, ",")+`}}`), &template))
			assert.Equal(t, test.says, Endpoints(template))
		})
	}
}

// launch is a launch template whose instances signal those resources.
func launch(ids string) string {
	var data []string
	for _, id := range strings.Fields(ids) {
		data = append(data, "'"+id+"'")
	}
	return `"Launch": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"UserData": "` + strings.Join(data, " ") + `"}}}`
}

const signaller = `"Policy": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": [{"Action": "cloudformation:SignalResource"}]}}}`

func TestSignals(t *testing.T) {
	group := func(desired, pause, creation string) string {
		return fmt.Sprintf(`"Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {"MaxSize": "3", "DesiredCapacity": "%s", "LaunchTemplate": {"Ref": "Launch"}},
			"UpdatePolicy": {"AutoScalingRollingUpdate": {"WaitOnResourceSignals": true, "PauseTime": "%s"}}, "CreationPolicy": {%s}}`, desired, pause, creation)
	}
	two := `"ResourceSignal": {"Count": 2}`
	instance := `"Group": {"Type": "AWS::EC2::Instance", "Properties": {"UserData": "signal 'Other'"}, "CreationPolicy": {"ResourceSignal": {"Count": 1}}}`
	for name, test := range map[string]struct {
		resources []string
		says      string
	}{
		"an instance that is mute": {[]string{instance, signaller}, "waits for a signal that it does not send, or may not"},
		"as it should be":          {[]string{group("2", "PT15M", two), launch("Group"), signaller}, ""},
		"none at first":            {[]string{group("0", "PT1H", ""), launch("Group"), signaller}, ""},
		"longer than AWS waits":    {[]string{group("2", "PT90M0S", two), launch("Group"), signaller}, "waits for a signal longer than the hour that AWS allows: PT90M0S"},
		"fewer than are made":      {[]string{group("3", "PT15M", two), launch("Group"), signaller}, `is made with 3 instances, and waits for "2" signals`},
		"of another":               {[]string{group("2", "PT15M", two), launch("Grou"), signaller}, "waits for a signal that its instances do not send, or may not"},
		"not allowed":              {[]string{group("2", "PT15M", two), launch("Group")}, "waits for a signal that its instances do not send, or may not"},
	} {
		t.Run(name, func(t *testing.T) {
			var template snapshot.Template
			require.NoError(t, json.Unmarshal([]byte(`{"Resources": {`+strings.Join(test.resources, ",")+`}}`), &template))
			assert.Equal(t, test.says, signals(template)["Group"])
		})
	}
}

// forwarding is a NAT instance with all it needs but an address that is its own.
const forwarding = `"Nat": {"Type": "AWS::EC2::Instance", "Properties": {"SourceDestCheck": false, "UserData": "nf_conntrack_max 'Nat'"}, "CreationPolicy": {"ResourceSignal": {"Count": 1}}},
	"Route": {"Type": "AWS::EC2::Route", "Properties": {"InstanceId": {"Ref": "Nat"}}, "DependsOn": ["Free"]},
	"Free": {"Type": "AWS::EC2::EIP", "Properties": {}}, ` + signaller

func TestNATInstances(t *testing.T) {
	whole := strings.Replace(forwarding, `"AWS::EC2::EIP", "Properties": {}`, `"AWS::EC2::EIP", "Properties": {"InstanceId": {"Ref": "Nat"}}`, 1)
	for name, test := range map[string]struct{ resources, at, says string }{
		"as it should be":   {whole, "Nat", ""},
		"drops":             {strings.Replace(whole, `"SourceDestCheck": false, `, "", 1), "Nat", "drops what is not for itself"},
		"mute":              {strings.Replace(whole, `"ResourceSignal"`, `"Other"`, 1), "Nat", "does not say that it forwards"},
		"a small table":     {strings.Replace(whole, "nf_conntrack_max", "", 1), "Nat", "leaves its table of connections as the kernel makes it"},
		"another's address": {forwarding, "Nat", "has no address that stays"},
		"the route first":   {strings.Replace(whole, `"DependsOn": ["Free"]`, `"DependsOn": []`, 1), "Route", "leads to the instance before that has its address"},
	} {
		t.Run(name, func(t *testing.T) {
			var template snapshot.Template
			require.NoError(t, json.Unmarshal([]byte(`{"Resources": {`+test.resources+`}}`), &template))
			assert.Equal(t, test.says, nats(template)[test.at])
		})
	}
}

func TestReports(t *testing.T) {
	for userData, says := range map[string][]string{"'report.sh a b tinystack/shop dev-nat-connections'": nil, "'other'": {"Full: no instance reports dev-nat-connections"}} {
		var template snapshot.Template
		require.NoError(t, json.Unmarshal([]byte(`{"Resources": {
			"Nat": {"Type": "AWS::EC2::Instance", "Properties": {"UserData": "`+userData+`"}},
			"Full": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "shop-dev-nat-connections", "MetricName": "dev-nat-connections"}}}}`), &template))
		assert.Equal(t, says, Reports(template))
	}
}
