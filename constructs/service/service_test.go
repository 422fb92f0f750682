package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/constructs/cluster"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

func TestEcsEc2Service(t *testing.T) {
	app := synthtest.NewApp(t)
	image := func(change func(*spec.Service)) spec.Service {
		s := spec.Service{Name: "web", Image: "example.com/web:1"}
		if change != nil {
			change(&s)
		}
		return s
	}
	neighbours := []spec.Service{{Name: "web"}, {Name: "cache", Internal: true, Port: 6379}}
	for name, props := range map[string]service.EcsEc2ServiceProps{
		"standard": {Service: image(nil), TaskRoleName: "app-dev-web-TaskRole"},
		"fixed":    {Service: image(nil), Scale: spec.ScaleProfile{Tasks: spec.Tasks{Min: new(2), Max: new(2)}}},
		"zero":     {Service: image(nil), Scale: spec.Preset(spec.Idle)},
		"worker":   {Service: image(func(s *spec.Service) { s.Worker = true })},
		"checked":  {Service: image(func(s *spec.Service) { s.HealthCheck.Path = "/up"; s.Port = 8080 })},
		"balanced": {Service: image(func(s *spec.Service) { s.HealthCheck.Path = "/up" }), LoadBalanced: true},
		"command":  {Service: image(func(s *spec.Service) { s.HealthCheck.Command = []string{"redis-cli", "ping"} }), LoadBalanced: true},
		"ecr":      {Service: image(func(s *spec.Service) { s.Image = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/team/web:2" })},
		"exec":     {Service: image(nil), Exec: true},
		"client":   {Service: image(nil), Neighbours: neighbours},
		"internal": {Service: spec.Service{Name: "cache", Image: "redis:7", Internal: true, Port: 6379}, Neighbours: neighbours},
		"allowed": {Service: image(nil), Permissions: []spec.Permission{
			{Actions: []string{"s3:GetObject"}, Resources: []string{"arn:aws:s3:::bucket/*"}}}},
		"cache of one": {Service: image(func(s *spec.Service) { s.Tasks.Max = new(1) }), Scale: spec.Preset(spec.Hyperscale)},
		"interface":    {Service: image(func(s *spec.Service) { s.NetworkMode = spec.AWSVPC }), Scale: spec.ScaleProfile{Instance: "t3.small"}},
		"watched":      {Service: image(nil), DeploymentAlarms: []string{"app-dev-endpoint-5xx"}},
		"settings": {Service: image(func(s *spec.Service) {
			s.StopTimeout, s.WorkingDirectory, s.User, s.ReadOnlyRoot = spec.Duration(90*time.Second), "/srv", "1000:1000", true
			s.Ulimits = []spec.Ulimit{{Name: "nofile", Soft: new(1024), Hard: new(4096)}, {Name: "core", Soft: new(0)}, {Name: "memlock", Soft: new(-1)}}
			s.Volumes = []spec.Volume{{Name: "scratch", Path: "/tmp"}, {Name: "models", Path: "/models", HostPath: "/data/models", ReadOnly: true}}
		})},
		"configured": {Service: image(func(s *spec.Service) { s.Variables = map[string]string{"A": "service", "B": "service"} }),
			Variables: map[string]string{"A": "stage", "PORT": "80", "AWS_REGION": "eu-west-1"}},
	} {
		name = strings.ReplaceAll(name, " ", "-")
		stack := synthtest.Stack(app, name)
		c := cluster.NewCluster(stack, jsii.String("Cluster"), &cluster.ClusterProps{VPC: synthtest.VPC(stack), Scale: props.Scale})
		props.Cluster, props.CapacityProvider = c.Cluster(), c.CapacityProvider()
		if len(props.Neighbours) > 0 {
			props.Namespace = awsservicediscovery.NewPrivateDnsNamespace(stack, jsii.String("Namespace"), &awsservicediscovery.PrivateDnsNamespaceProps{
				Name: jsii.String("app-dev.internal"), Vpc: synthtest.VPC(awscdk.NewStack(app, jsii.String(name+"-vpc"), nil))})
		}
		if name == "configured" {
			secret := awssecretsmanager.Secret_FromSecretNameV2(stack, jsii.String("Secret"), jsii.String("dev/key"))
			props.Secrets = map[string]awsecs.Secret{"KEY": awsecs.Secret_FromSecretsManager(secret, jsii.String("k"))}
		}
		service.NewEcsEc2Service(stack, jsii.String("Web"), &props)
	}
	assembly := synthtest.Secured(t, app)
	template, only := assembly.Template, assembly.Only
	ecs := func(name string) snapshot.Resource { return only(name, "AWS::ECS::Service") }
	container := func(name string) map[string]any {
		containers := only(name, "AWS::ECS::TaskDefinition").Get("Properties.ContainerDefinitions").([]any)
		require.Len(t, containers, 1)
		return containers[0].(map[string]any)
	}

	t.Run("a new version replaces the old without a gap, or is taken back", func(t *testing.T) {
		for _, stack := range assembly.Stacks {
			if len(stack.Template.Resources("AWS::ECS::Service")) == 0 {
				continue
			}
			s := ecs(stack.Name)
			assert.Equal(t, 100.0, s.Get("Properties.DeploymentConfiguration.MinimumHealthyPercent"))
			assert.Equal(t, 200.0, s.Get("Properties.DeploymentConfiguration.MaximumPercent"))
			assert.Equal(t, map[string]any{"Enable": true, "Rollback": true}, s.Get("Properties.DeploymentConfiguration.DeploymentCircuitBreaker"))
			assert.Equal(t, "REPLICA", s.Get("Properties.SchedulingStrategy"))
			assert.Nil(t, s.Get("Properties.ServiceName"), "a named service collides when it is made again")
			want := map[string]string{"interface": "awsvpc"}[stack.Name]
			if want == "" {
				want = "bridge"
			}
			assert.Equal(t, want, only(stack.Name, "AWS::ECS::TaskDefinition").Get("Properties.NetworkMode"))
		}
	})

	t.Run("it waits for its capacity provider, and for what its roles allow", func(t *testing.T) {
		s := ecs("configured")
		for id := range template("configured").Resources("AWS::ECS::ClusterCapacityProviderAssociations") {
			assert.Contains(t, s.DependsOn, id)
		}
		role := only("configured", "AWS::ECS::TaskDefinition").Get("Properties.ExecutionRoleArn.Fn::GetAtt").([]any)[0]
		policies := 0
		for id, policy := range template("configured").Resources("AWS::IAM::Policy") {
			if policy.Get("Properties.Roles").([]any)[0].(map[string]any)["Ref"] == role {
				policies++
				assert.Contains(t, s.DependsOn, id)
			}
		}
		assert.Equal(t, 1, policies)
	})

	t.Run("scaling decides on the number of tasks, not the template", func(t *testing.T) {
		assert.Nil(t, ecs("standard").Get("Properties.DesiredCount"))
		target := only("standard", "AWS::ApplicationAutoScaling::ScalableTarget")
		assert.Equal(t, 1.0, target.Get("Properties.MinCapacity"))
		assert.Equal(t, 5.0, target.Get("Properties.MaxCapacity"))
		for name, want := range map[string]float64{"fixed": 2, "zero": 0} {
			assert.Equal(t, want, ecs(name).Get("Properties.DesiredCount"), name)
			assert.Empty(t, template(name).Resources("AWS::ApplicationAutoScaling::ScalableTarget"), name)
		}
	})

	t.Run("the load is measured against a task's share", func(t *testing.T) {
		policy := only("standard", "AWS::ApplicationAutoScaling::ScalingPolicy")
		target := policy.Get("Properties.TargetTrackingScalingPolicyConfiguration.TargetValue").(float64)
		cpu := container("standard")["Cpu"].(float64)
		assert.InDelta(t, 0.75*2048, cpu*target/100, 10)
	})

	t.Run("ports", func(t *testing.T) {
		mapping := container("standard")["PortMappings"].([]any)[0].(map[string]any)
		assert.Equal(t, 80.0, mapping["ContainerPort"])
		assert.Equal(t, 0.0, mapping["HostPort"], "dynamic, so that several tasks fit on an instance")
		assert.Nil(t, container("worker")["PortMappings"])
	})

	t.Run("health checks", func(t *testing.T) {
		assert.Nil(t, container("standard")["HealthCheck"])
		check := container("checked")["HealthCheck"].(map[string]any)
		assert.Equal(t, []any{"CMD-SHELL", "if command -v curl >/dev/null; then curl -fsS -o /dev/null http://127.0.0.1:8080/up; elif command -v wget >/dev/null; then wget -q -O /dev/null http://127.0.0.1:8080/up; fi || exit 1"}, check["Command"])
		assert.Nil(t, container("balanced")["HealthCheck"], "the load balancer asks")
		assert.Equal(t, 60.0, ecs("balanced").Get("Properties.HealthCheckGracePeriodSeconds"))
		assert.Equal(t, []any{"CMD", "redis-cli", "ping"}, container("command")["HealthCheck"].(map[string]any)["Command"])
	})

	t.Run("roles", func(t *testing.T) {
		names := map[string]bool{}
		for _, role := range template("standard").Resources("AWS::IAM::Role") {
			names[fmt.Sprint(role.Get("Properties.RoleName"))] = true
			assert.Nil(t, role.Get("Properties.ManagedPolicyArns"))
		}
		assert.True(t, names["app-dev-web-TaskRole"])
		taskPolicy := func(name string) string {
			id := only(name, "AWS::ECS::TaskDefinition").Get("Properties.TaskRoleArn.Fn::GetAtt").([]any)[0]
			for _, policy := range template(name).Resources("AWS::IAM::Policy") {
				if policy.Get("Properties.Roles").([]any)[0].(map[string]any)["Ref"] == id {
					return fmt.Sprint(policy.Get("Properties.PolicyDocument.Statement"))
				}
			}
			return ""
		}
		assert.Empty(t, taskPolicy("standard"), "by itself a container may do nothing")
		assert.Contains(t, taskPolicy("allowed"), "s3:GetObject")
		assert.Contains(t, taskPolicy("exec"), "ssmmessages:OpenDataChannel")
		assert.Equal(t, true, ecs("exec").Get("Properties.EnableExecuteCommand"))
		assert.Equal(t, false, ecs("standard").Get("Properties.EnableExecuteCommand"))
	})

	t.Run("an image in ECR is pulled with a permission for that repository", func(t *testing.T) {
		statements := ""
		for _, policy := range template("ecr").Resources("AWS::IAM::Policy") {
			statements += fmt.Sprint(policy.Get("Properties.PolicyDocument.Statement"))
		}
		assert.Contains(t, statements, "ecr:BatchGetImage")
		assert.Contains(t, statements, ":ecr:eu-west-1:222222222222:repository/team/web")
		assert.Contains(t, fmt.Sprint(container("ecr")["Image"]), "222222222222.dkr.ecr.eu-west-1")
	})

	t.Run("internal services have a name that any client can use", func(t *testing.T) {
		connect := ecs("internal").Get("Properties.ServiceConnectConfiguration").(map[string]any)
		offered := connect["Services"].([]any)[0].(map[string]any)
		alias := offered["ClientAliases"].([]any)[0].(map[string]any)
		assert.Equal(t, "cache", alias["DnsName"])
		assert.Equal(t, 6379.0, alias["Port"])
		for _, name := range []string{"internal", "client"} {
			var namespace string
			for id := range template(name).Resources("AWS::ServiceDiscovery::PrivateDnsNamespace") {
				namespace = id
			}
			assert.Equal(t, map[string]any{"Fn::GetAtt": []any{namespace, "Arn"}}, ecs(name).Get("Properties.ServiceConnectConfiguration.Namespace"), "made before the service, deleted after it")
		}
		assert.Nil(t, ecs("client").Get("Properties.ServiceConnectConfiguration.Services"))
		assert.Equal(t, true, ecs("client").Get("Properties.ServiceConnectConfiguration.Enabled"))
		assert.Nil(t, ecs("standard").Get("Properties.ServiceConnectConfiguration"), "no proxy where there is nobody to reach")
		for _, name := range []string{"internal", "client"} {
			// Service Connect wants a limit for the task as a whole.
			memory := only(name, "AWS::ECS::TaskDefinition").Get("Properties.Memory")
			assert.Equal(t, fmt.Sprint(container(name)["Memory"].(float64)+64), memory, name)
		}
		assert.Nil(t, only("standard", "AWS::ECS::TaskDefinition").Get("Properties.Memory"), "it would be reserved as a whole")
	})

	t.Run("configuration", func(t *testing.T) {
		c := container("configured")
		assert.Equal(t, []any{
			map[string]any{"Name": "A", "Value": "stage"}, map[string]any{"Name": "AWS_DEFAULT_REGION", "Value": "us-east-1"}, map[string]any{"Name": "AWS_REGION", "Value": "eu-west-1"},
			map[string]any{"Name": "B", "Value": "service"}, map[string]any{"Name": "PORT", "Value": "80"},
		}, c["Environment"])
		secrets := c["Secrets"].([]any)
		require.Len(t, secrets, 1)
		assert.Equal(t, "KEY", secrets[0].(map[string]any)["Name"])
		assert.Contains(t, fmt.Sprint(secrets[0]), "secret:dev/key:k::")
	})

	t.Run("a service can have its own number of tasks", func(t *testing.T) {
		assert.Equal(t, 1.0, ecs("cache-of-one").Get("Properties.DesiredCount"))
		assert.Empty(t, template("cache-of-one").Resources("AWS::ApplicationAutoScaling::ScalableTarget"))
	})

	t.Run("tasks with network interfaces have a security group of their own and no public address", func(t *testing.T) {
		network := ecs("interface").Get("Properties.NetworkConfiguration.AwsvpcConfiguration").(map[string]any)
		assert.Equal(t, "DISABLED", network["AssignPublicIp"])
		assert.Equal(t, []any{"subnet-1", "subnet-2"}, network["Subnets"])
		groups := template("interface").Resources("AWS::EC2::SecurityGroup")
		require.Len(t, groups, 2, "of the instances and of the tasks")
		id := network["SecurityGroups"].([]any)[0].(map[string]any)["Fn::GetAtt"].([]any)[0].(string)
		assert.Contains(t, groups[id].Get("Properties.GroupDescription"), "Tasks of service web")
		assert.Nil(t, ecs("standard").Get("Properties.NetworkConfiguration"))
	})

	t.Run("alarms take a deployment back", func(t *testing.T) {
		assert.Equal(t, map[string]any{"AlarmNames": []any{"app-dev-endpoint-5xx"}, "Enable": true, "Rollback": true},
			ecs("watched").Get("Properties.DeploymentConfiguration.Alarms"))
	})

	t.Run("settings of the container", func(t *testing.T) {
		c := container("settings")
		assert.Equal(t, 90.0, c["StopTimeout"])
		assert.Equal(t, 30.0, container("standard")["StopTimeout"])
		assert.Equal(t, "/srv", c["WorkingDirectory"])
		assert.Equal(t, "1000:1000", c["User"])
		assert.Equal(t, true, c["ReadonlyRootFilesystem"])
		assert.Nil(t, container("standard")["ReadonlyRootFilesystem"])
		assert.Equal(t, []any{
			map[string]any{"Name": "nofile", "SoftLimit": 1024.0, "HardLimit": 4096.0},
			map[string]any{"Name": "core", "SoftLimit": 0.0, "HardLimit": 0.0},
			map[string]any{"Name": "memlock", "SoftLimit": -1.0, "HardLimit": -1.0},
		}, c["Ulimits"])
		assert.Equal(t, []any{
			map[string]any{"SourceVolume": "scratch", "ContainerPath": "/tmp", "ReadOnly": false},
			map[string]any{"SourceVolume": "models", "ContainerPath": "/models", "ReadOnly": true},
		}, c["MountPoints"])
		assert.Equal(t, []any{
			map[string]any{"Name": "scratch", "Host": map[string]any{}},
			map[string]any{"Name": "models", "Host": map[string]any{"SourcePath": "/data/models"}},
		}, only("settings", "AWS::ECS::TaskDefinition").Get("Properties.Volumes"))
	})

	t.Run("output is kept for a finite time", func(t *testing.T) {
		assert.Equal(t, 14.0, only("standard", "AWS::Logs::LogGroup").Get("Properties.RetentionInDays"))
	})
}

func TestInternalVariables(t *testing.T) {
	assert.Equal(t, map[string]string{"MY_CACHE_HOST": "my-cache", "MY_CACHE_PORT": "6379"},
		service.InternalVariables([]spec.Service{{Name: "web", Port: 80}, {Name: "my-cache", Internal: true, Port: 6379}}))
}
