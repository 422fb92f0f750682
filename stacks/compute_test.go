package stacks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// compute is an application with every kind of service, in stages that differ
// in what stands before them.
func compute() spec.App {
	stage := func(name string, change func(*spec.Stage)) spec.Stage {
		s := spec.Stage{Name: name, Scale: spec.ScaleProfile{Instance: "m6i.4xlarge"}, Database: &spec.Database{}}
		change(&s)
		return s
	}
	return spec.App{
		Name: "shop",
		Services: []spec.Service{
			{Name: "web", Image: "example.com/web:1", NetworkMode: spec.AWSVPC, Port: 8080},
			{Name: "cache", Image: "redis:7", Internal: true, Port: 6379, Tasks: spec.Tasks{Max: new(1)}},
			{Name: "search", Image: "example.com/search:1", Internal: true, Port: 9200, NetworkMode: spec.AWSVPC, Tasks: spec.Tasks{Max: new(1)}},
			{Name: "mail", Image: "example.com/web:1", Worker: true, ReadOnlyRoot: true},
			{Name: "nightly", Image: "example.com/web:1", Schedule: "rate(1 day)", Variables: map[string]string{"JOB": "nightly"}},
		},
		Stages: []spec.Stage{
			stage("http", func(*spec.Stage) {}),
			stage("cached", func(s *spec.Stage) {
				s.Endpoint.Caching = &spec.Caching{Paths: []spec.CachedPath{{Path: "/list", Query: &[]string{"page"}}}}
			}),
			stage("idle", func(s *spec.Stage) { s.Profile = spec.Idle }),
			stage("prod", func(s *spec.Stage) { s.Endpoint.Type = spec.ALB; s.Exec = new(true); s.Scale.Mode = spec.Managed }),
		},
	}
}

func TestServicesAndTheirInstances(t *testing.T) {
	assembly := synth(t, compute(), nil)
	service := func(stage string) snapshot.Template { return template(t, assembly, "shop-"+stage+"-service") }
	// id finds a resource by what its logical id begins with.
	id := func(stage, kind, prefix string) string {
		var found []string
		for id := range service(stage).Resources(kind) {
			if strings.HasPrefix(id, prefix) {
				found = append(found, id)
			}
		}
		require.Len(t, found, 1, "%s %s in %s", kind, prefix, stage)
		return found[0]
	}

	t.Run("the endpoint's alarm takes back a deployment of the service behind it, and is there first", func(t *testing.T) {
		for _, stage := range []string{"http", "cached", "prod"} {
			web, _ := service(stage).Resource(id(stage, "AWS::ECS::Service", "Serviceweb"))
			name := web.Get("Properties.DeploymentConfiguration.Alarms.AlarmNames").([]any)[0]
			alarm := id(stage, "AWS::CloudWatch::Alarm", "EndpointErrors")
			made, _ := service(stage).Resource(alarm)
			assert.Equal(t, made.Get("Properties.AlarmName"), name, stage)
			assert.Contains(t, web.DependsOn, alarm, stage)
			cache, _ := service(stage).Resource(id(stage, "AWS::ECS::Service", "Servicecache"))
			assert.Empty(t, cache.Get("Properties.DeploymentConfiguration.Alarms.AlarmNames"), stage)
		}
	})

	t.Run("tasks with network interfaces are let in by their own security group", func(t *testing.T) {
		for _, stage := range []string{"http", "cached", "prod"} {
			instances := id(stage, "AWS::EC2::SecurityGroup", "ClusterInstanceSecurityGroup")
			web := id(stage, "AWS::EC2::SecurityGroup", "Serviceweb")
			search := id(stage, "AWS::EC2::SecurityGroup", "Servicesearch")
			var rules []string
			for _, rule := range service(stage).Resources("AWS::EC2::SecurityGroupIngress") {
				rules = append(rules, fmt.Sprint(groupID(rule.Get("Properties.GroupId")), " from ", groupID(rule.Get("Properties.SourceSecurityGroupId")), " ", rule.Get("Properties.FromPort"), "-", rule.Get("Properties.ToPort")))
			}
			assert.Contains(t, rules, fmt.Sprintf("%s from %s 32768-65535", instances, web), "web to cache, %s", stage)
			assert.Contains(t, rules, fmt.Sprintf("%s from %s 32768-65535", instances, search), "search to cache, %s", stage)
			assert.Contains(t, rules, fmt.Sprintf("%s from %s 9200-9200", search, web), stage)
			assert.Contains(t, rules, fmt.Sprintf("%s from %s 9200-9200", search, instances), "mail to search, %s", stage)
			count := func(matches func(string) bool) int {
				return len(slices.DeleteFunc(slices.Clone(rules), func(rule string) bool { return !matches(rule) }))
			}
			assert.Equal(t, 1, count(func(rule string) bool {
				return strings.HasPrefix(rule, web+" from ") && strings.HasSuffix(rule, " 8080-8080")
			}), "the endpoint to web, %s", stage)
			assert.Equal(t, 1, count(func(rule string) bool { return strings.HasSuffix(rule, " from "+web+" 5432-5432") }), "web to the database, %s", stage)
		}
	})

	t.Run("a scheduled task runs the application's code beside its services", func(t *testing.T) {
		schedule, _ := service("http").Resource(id("http", "AWS::Scheduler::Schedule", "Servicenightly"))
		assert.Equal(t, "ENABLED", schedule.Get("Properties.State"))
		task, _ := service("http").Resource(id("http", "AWS::ECS::TaskDefinition", "Servicenightly"))
		environment := fmt.Sprint(task.Get("Properties.ContainerDefinitions"))
		assert.Contains(t, environment, "PG_HOST")
		assert.Contains(t, environment, "nightly")
		assert.NotContains(t, environment, "CACHE_HOST", "Service Connect does not reach it")
		outputs := service("http").Outputs()
		assert.Contains(t, fmt.Sprint(outputs["NightlyFailures"].Value), "aws sqs receive-message --region us-east-1")
		assert.Contains(t, outputs, "NightlyLogs")
		assert.NotContains(t, outputs, "NightlyExec")
	})

	t.Run("nothing runs in a stage scaled to zero, so nothing is waited for", func(t *testing.T) {
		for _, s := range service("idle").Resources("AWS::ECS::Service") {
			assert.Equal(t, 0.0, s.Get("Properties.DesiredCount"))
		}
		assert.Empty(t, service("idle").Resources("AWS::ApplicationAutoScaling::ScalableTarget"))
		for _, s := range service("idle").Resources("AWS::Scheduler::Schedule") {
			assert.Equal(t, "DISABLED", s.Get("Properties.State"))
		}
		for _, g := range service("idle").Resources("AWS::AutoScaling::AutoScalingGroup") {
			assert.Equal(t, []any{"0", "0", "0"}, []any{g.Get("Properties.MinSize"), g.Get("Properties.DesiredCapacity"), g.Get("Properties.MaxSize")})
		}
	})

	t.Run("a shell in production is recorded; there is none where it cannot work", func(t *testing.T) {
		outputs := service("prod").Outputs()
		assert.Contains(t, fmt.Sprint(outputs["WebExec"].Value), "aws ecs execute-command --region us-east-1")
		assert.Contains(t, fmt.Sprint(outputs["ExecLog"].Value), "aws logs tail")
		for _, c := range service("prod").Resources("AWS::ECS::Cluster") {
			assert.Equal(t, "OVERRIDE", c.Get("Properties.Configuration.ExecuteCommandConfiguration.Logging"))
		}
		for _, c := range service("http").Resources("AWS::ECS::Cluster") {
			assert.Nil(t, c.Get("Properties.Configuration"))
		}
		assert.NotContains(t, outputs, "MailExec", "its file system is read-only")
		mail, _ := service("prod").Resource(id("prod", "AWS::ECS::Service", "Servicemail"))
		assert.Equal(t, false, mail.Get("Properties.EnableExecuteCommand"))
	})

	t.Run("teardown", func(t *testing.T) { teardown(t, assembly) })
}

// groupID is the security group that a rule is about: a logical id, or what
// another stack exports.
func groupID(value any) string {
	if att, ok := value.(map[string]any)["Fn::GetAtt"].([]any); ok {
		return att[0].(string)
	}
	return fmt.Sprint(value)
}

// teardown holds what lets the stacks of a stage be deleted without a hand, one
// check for each way in which that is known to get stuck.
func teardown(t *testing.T, assembly *snapshot.Assembly) {
	for _, stack := range assembly.Stacks {
		resources := stack.Template.Resources("")
		needs := map[string][]string{}
		for id, resource := range resources {
			needs[id] = append(references(resource.Properties, resources), resource.DependsOn...)
		}
		reaches := func(from, to string) bool { return reach(needs, from, to, map[string]bool{}) }
		for id, resource := range resources {
			// A cycle cannot be created, let alone deleted.
			for _, next := range needs[id] {
				assert.False(t, reaches(next, id), "%s: %s and %s need each other", stack.Name, id, next)
			}
			switch resource.Type {
			case "AWS::ECS::CapacityProvider":
				// Protected instances keep the group, and so the stack, for ever.
				assert.Equal(t, "DISABLED", resource.Get("Properties.AutoScalingGroupProvider.ManagedTerminationProtection"))
				assert.Nil(t, resource.Get("Properties.Name"))
			case "AWS::AutoScaling::AutoScalingGroup":
				assert.NotEqual(t, true, resource.Get("Properties.NewInstancesProtectedFromScaleIn"))
				assert.Nil(t, resource.Get("Properties.AutoScalingGroupName"))
			case "AWS::ECS::Service", "AWS::Scheduler::Schedule":
				// Tasks must be gone before their capacity provider is taken
				// from the cluster: it is in use until then.
				for other, association := range resources {
					if association.Type == "AWS::ECS::ClusterCapacityProviderAssociations" {
						assert.True(t, reaches(id, other), "%s: %s outlives its capacity provider", stack.Name, id)
					}
				}
				assert.Nil(t, resource.Get("Properties.ServiceName"))
				assert.Nil(t, resource.Get("Properties.Name"))
			case "AWS::Lambda::Function":
				assert.Fail(t, "a function has to outlive what it cleans up", "%s: %s", stack.Name, id)
			case "AWS::Logs::LogGroup", "AWS::S3::Bucket":
				// What stays must not be in the way of the next stack of that name.
				if resource.DeletionPolicy == "Retain" {
					assert.Nil(t, resource.Get("Properties.BucketName"))
					assert.False(t, strings.HasPrefix(fmt.Sprint(resource.Get("Properties.LogGroupName")), "shop"), "%s: %s", stack.Name, id)
				}
			}
		}
		if strings.HasSuffix(stack.Name, "-service") {
			raw, err := snapshot.Render(stack.Template)
			require.NoError(t, err)
			assert.Contains(t, string(raw), `"StackName": "`+strings.TrimSuffix(stack.Name, "service")+`network"`, "how one stack needs another")
		}
		// Later stacks may need earlier ones, never the other way round.
		order := []string{"network", "data", "service"}
		rank := slices.IndexFunc(order, func(kind string) bool { return strings.HasSuffix(stack.Name, "-"+kind) })
		for later, kind := range order {
			if rank >= 0 && later > rank {
				raw, err := snapshot.Render(stack.Template)
				require.NoError(t, err)
				prefix, _ := strings.CutSuffix(stack.Name, order[rank])
				assert.NotContains(t, string(raw), `"StackName": "`+prefix+kind+`"`, "%s needs %s", stack.Name, kind)
			}
		}
	}
}

// references are the logical ids of the resources that a value names.
func references(value any, resources map[string]snapshot.Resource) []string {
	var ids []string
	switch value := value.(type) {
	case map[string]any:
		if ref, ok := value["Ref"].(string); ok {
			if _, is := resources[ref]; is {
				ids = append(ids, ref)
			}
		}
		if att, ok := value["Fn::GetAtt"].([]any); ok {
			ids = append(ids, fmt.Sprint(att[0]))
		}
		for _, inner := range value {
			ids = append(ids, references(inner, resources)...)
		}
	case []any:
		for _, inner := range value {
			ids = append(ids, references(inner, resources)...)
		}
	}
	return ids
}

func reach(needs map[string][]string, from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	return slices.ContainsFunc(needs[from], func(next string) bool { return reach(needs, next, to, seen) })
}
