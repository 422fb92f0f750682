package stacks_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

// synth synthesizes a whole application under the security rules.
func synth(t *testing.T, declared spec.App, tags map[string]string) *snapshot.Assembly {
	t.Helper()
	app := synthtest.NewApp(t)
	synthtest.Secure(app)
	add(app, declared, tags)
	assembly := synthtest.Synth(t, app)
	synthtest.Findings(t, assembly)
	return assembly
}

// plain is [synth] without the rules, which take as long as all the rest: for what
// is compared with an application that was looked at under them.
func plain(t *testing.T, declared spec.App, tags map[string]string) *snapshot.Assembly {
	t.Helper()
	app := synthtest.NewApp(t)
	add(app, declared, tags)
	return synthtest.Synth(t, app)
}

func add(app awscdk.App, declared spec.App, tags map[string]string) {
	stacks.NewTinyStack(app, jsii.String("App"), &stacks.TinyStackProps{App: declared, Tags: tags})
}

// once are applications that several tests look at, by name.
var once = map[string]*snapshot.Assembly{}

// synthOnce is [synth] for an application of such a name.
func synthOnce(t *testing.T, name string, declared spec.App) *snapshot.Assembly {
	t.Helper()
	if once[name] == nil {
		once[name] = synth(t, declared, nil)
	}
	return once[name]
}

func load(t *testing.T, path string) spec.App {
	t.Helper()
	declared, err := spec.Load(path)
	require.NoError(t, err)
	return declared
}

func template(t *testing.T, assembly *snapshot.Assembly, name string) snapshot.Template {
	t.Helper()
	stack, err := assembly.Stack(name)
	require.NoError(t, err)
	return stack.Template
}

func render(t *testing.T, assembly *snapshot.Assembly, name string) string {
	t.Helper()
	raw, err := snapshot.Render(template(t, assembly, name))
	require.NoError(t, err)
	return string(raw)
}

// declarations that the project ships, by name.
var declarations = map[string]string{
	"guestbook": "../tinystack.yaml",
	"pipeline":  "../examples/pipeline/tinystack.yaml",
	"direct":    "../examples/direct/tinystack.yaml",
}

// Every example has a list of what must keep its logical id, here or beside it.
func TestEveryExampleHasItsGoldenList(t *testing.T) {
	folders, err := filepath.Glob("../examples/*/*.go")
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	for _, file := range folders {
		folder := filepath.Dir(file)
		if slices.Contains(slices.Collect(maps.Values(declarations)), filepath.Join(folder, "tinystack.yaml")) {
			continue
		}
		assert.FileExists(t, filepath.Join(folder, "stateful.txt"),
			"pin the logical ids of what holds data: call snapshot.MatchLogicalIDs in a test of the example, or add its declaration to the list above; then run that test with -update")
	}
}

func TestDeclarationsGiveTheirGoldenTemplates(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(declarations)) {
		t.Run(name, func(t *testing.T) {
			declared := load(t, declarations[name])
			assembly := synthOnce(t, name, declared)
			snapshot.MatchAssembly(t, filepath.Join("testdata", name), assembly)
			snapshot.MatchLogicalIDs(t, filepath.Join("testdata", name+".stateful"), assembly)
			everyTemplate(t, assembly)
			everyAlarm(t, declared, assembly)
		})
	}
}

// everyTemplate holds what is true of every template there is.
func everyTemplate(t *testing.T, assembly *snapshot.Assembly) {
	for _, stack := range assembly.Stacks {
		raw, err := snapshot.Render(stack.Template)
		require.NoError(t, err)
		text := string(raw)
		assert.NotContains(t, text, "Fn::ImportValue", "%s: exports and imports deadlock updates", stack.Name)
		assert.NotContains(t, text, "amzn2-ami", "%s: Amazon Linux 2 has ended", stack.Name)
		for id, group := range stack.Template.Resources("AWS::EC2::SecurityGroup") {
			rules, _ := group.Get("Properties.SecurityGroupIngress").([]any)
			for _, rule := range rules {
				r := rule.(map[string]any)
				if r["CidrIp"] == "0.0.0.0/0" || r["CidrIpv6"] != nil {
					assert.Contains(t, []any{80.0, 443.0}, r["FromPort"], "%s %s", stack.Name, id)
					assert.Equal(t, r["FromPort"], r["ToPort"], "%s %s", stack.Name, id)
				}
			}
		}
		for id, rule := range stack.Template.Resources("AWS::EC2::SecurityGroupIngress") {
			assert.Nil(t, rule.Get("Properties.CidrIp"), "%s %s", stack.Name, id)
		}
		for id, logs := range stack.Template.Resources("AWS::Logs::LogGroup") {
			assert.NotNil(t, logs.Get("Properties.RetentionInDays"), "%s %s is kept for ever", stack.Name, id)
		}
		for id, service := range stack.Template.Resources("AWS::ECS::Service") {
			found := false
			for other := range stack.Template.Resources("AWS::ECS::ClusterCapacityProviderAssociations") {
				found = found || slices.Contains(service.DependsOn, other)
			}
			assert.True(t, found, "%s %s does not wait for its capacity provider", stack.Name, id)
		}
	}
	entries, err := filepath.Glob("../cdk.context.json")
	require.NoError(t, err)
	assert.Empty(t, entries, "synthesis must not look anything up")
}

func TestGuestbook(t *testing.T) {
	declared := load(t, declarations["guestbook"])
	assembly := synth(t, declared, map[string]string{"api": "0123abc"})

	t.Run("a stage is network, data, service, and references go one way", func(t *testing.T) {
		order := map[string]int{"network": 0, "data": 1, "service": 2}
		for _, stage := range []string{"dev", "canary", "prod"} {
			for part, rank := range order {
				stack, err := assembly.Stack("guestbook-" + stage + "-" + part)
				require.NoError(t, err)
				for _, dependency := range stack.Dependencies {
					prefix, other := dependency[:strings.LastIndex(dependency, "-")], dependency[strings.LastIndex(dependency, "-")+1:]
					assert.Equal(t, "guestbook-"+stage, prefix, "%s depends on another stage", stack.Name)
					assert.Less(t, order[other], rank, "%s depends on %s", stack.Name, dependency)
				}
			}
		}
	})

	t.Run("the command knows every stack as the application's, and what uses it", func(t *testing.T) {
		pipeline := render(t, assembly, declared.PipelineStackName())
		known := map[string]string{declared.PipelineStackName(): declared.StackOwner()}
		for _, region := range declared.PipelineRegions() {
			known[declared.RegistryStackName(region)] = declared.StackOwner()
			known[declared.SupportStackName(region)] = ""
		}
		for _, stage := range declared.Stages {
			for i, kind := range spec.StageStacks() {
				name := declared.StageStackName(stage.Name, kind)
				known[name] = declared.StageStackOwner(stage.Name)
				assert.Contains(t, pipeline, `"StackName": "`+name+`"`, "by this a pipeline is known to deploy the stage")
				for _, below := range spec.StageStacks()[:i] {
					assert.Contains(t, render(t, assembly, name), `"StackName": "`+declared.StageStackName(stage.Name, below)+`"`, "by this the order of deletion is known")
				}
			}
		}
		for _, stack := range assembly.Stacks {
			require.Contains(t, known, stack.Name)
			description, _ := stack.Template["Description"].(string)
			assert.True(t, strings.HasPrefix(description, known[stack.Name]), "%s: %s", stack.Name, description)
		}
	})

	t.Run("repositories are there before the pipeline pushes to them", func(t *testing.T) {
		pipeline, err := assembly.Stack("guestbook-pipeline")
		require.NoError(t, err)
		assert.Subset(t, pipeline.Dependencies, []string{"guestbook-registry-us-east-1", "guestbook-registry-us-west-2"})
	})

	t.Run("each stage is in its account and region", func(t *testing.T) {
		for name, want := range map[string]string{
			"guestbook-dev-service":        "aws://111111111111/us-east-1",
			"guestbook-canary-service":     "aws://222222222222/us-west-2",
			"guestbook-prod-service":       "aws://222222222222/us-east-1",
			"guestbook-pipeline":           "aws://111111111111/us-east-1",
			"guestbook-registry-us-east-1": "aws://111111111111/us-east-1",
			"guestbook-registry-us-west-2": "aws://111111111111/us-west-2",
		} {
			stack, err := assembly.Stack(name)
			require.NoError(t, err)
			assert.Equal(t, want, stack.Environment, name)
		}
	})

	t.Run("the image is the commit, from the stage's own region", func(t *testing.T) {
		for stage, region := range map[string]string{"dev": "us-east-1", "canary": "us-west-2", "prod": "us-east-1"} {
			images := ""
			for _, task := range template(t, assembly, "guestbook-"+stage+"-service").Resources("AWS::ECS::TaskDefinition") {
				images += fmt.Sprint(task.Get("Properties.ContainerDefinitions").([]any)[0].(map[string]any)["Image"])
			}
			assert.Contains(t, images, "111111111111.dkr.ecr."+region, stage)
			assert.Contains(t, images, "guestbook/api:0123abc", stage)
			assert.Contains(t, images, "public.ecr.aws/docker/library/redis:7", stage)
		}
	})

	t.Run("pipeline and repositories do not depend on the commit", func(t *testing.T) {
		other := plain(t, declared, map[string]string{"api": "ffffff"})
		for _, name := range []string{"guestbook-pipeline", "guestbook-registry-us-east-1", "guestbook-registry-us-west-2", "guestbook-dev-network", "guestbook-prod-data"} {
			assert.Equal(t, template(t, assembly, name), template(t, other, name), name)
		}
		assert.NotEqual(t, template(t, assembly, "guestbook-dev-service"), template(t, other, "guestbook-dev-service"))
	})

	t.Run("without a commit a stage runs what its own tag is on", func(t *testing.T) {
		require.Empty(t, stacks.TagsFromEnvironment(declared))
		local := synthOnce(t, "guestbook", declared)
		for _, stage := range []string{"dev", "canary", "prod"} {
			raw, err := snapshot.Render(template(t, local, "guestbook-"+stage+"-service"))
			require.NoError(t, err)
			assert.Contains(t, string(raw), "/guestbook/api:"+stage+`"`)
		}
	})

	t.Run("the canary is production elsewhere", func(t *testing.T) {
		canary, production := template(t, assembly, "guestbook-canary-service"), template(t, assembly, "guestbook-prod-service")
		instance := func(t snapshot.Template) any {
			for _, launch := range t.Resources("AWS::EC2::LaunchTemplate") {
				return launch.Get("Properties.LaunchTemplateData.InstanceType")
			}
			return nil
		}
		assert.Equal(t, "m6i.large", instance(canary))
		assert.Equal(t, instance(production), instance(canary))
		assert.NotEmpty(t, canary.Resources("AWS::ElasticLoadBalancingV2::LoadBalancer"))
		assert.Empty(t, canary.Resources("AWS::Route53::RecordSet"), "production's domain stays production's")
		assert.NotEmpty(t, production.Resources("AWS::Route53::RecordSet"))
		raw, err := snapshot.Render(canary)
		require.NoError(t, err)
		assert.Contains(t, string(raw), "secret:prod/stripe", "secrets by the same name, in the canary's own region")
		assert.NotContains(t, string(raw), "us-east-1", "nothing of production's region")
		for _, db := range template(t, assembly, "guestbook-canary-data").Resources("AWS::RDS::DBInstance") {
			assert.Equal(t, "db.m7g.large", db.Get("Properties.DBInstanceClass"))
			assert.Equal(t, "Snapshot", db.DeletionPolicy)
		}
		for _, db := range template(t, assembly, "guestbook-prod-data").Resources("AWS::RDS::DBInstance") {
			assert.Equal(t, "Retain", db.DeletionPolicy)
		}
	})

	t.Run("containers get what is theirs", func(t *testing.T) {
		for _, task := range template(t, assembly, "guestbook-prod-service").Resources("AWS::ECS::TaskDefinition") {
			container := task.Get("Properties.ContainerDefinitions").([]any)[0].(map[string]any)
			text := fmt.Sprint(container["Environment"], container["Secrets"])
			switch container["Name"] {
			case "api":
				for _, name := range []string{"PG_HOST", "PG_PORT", "PG_DATABASE", "PG_USER", "PG_CREDENTIALS_SECRET", "STRIPE_KEY", "LOG_LEVEL", "CACHE_HOST", "CACHE_PORT"} {
					assert.Contains(t, text, "Name:"+name)
				}
			case "cache":
				assert.NotContains(t, text, "STRIPE_KEY", "somebody else's image gets no secret")
				assert.NotContains(t, text, "PG_")
			}
		}
	})

	t.Run("task roles are named from application, stage and service", func(t *testing.T) {
		names := ""
		for _, role := range template(t, assembly, "guestbook-dev-service").Resources("AWS::IAM::Role") {
			names += fmt.Sprintln(role.Get("Properties.RoleName"))
		}
		assert.Contains(t, names, "guestbook-dev-api-TaskRole")
	})

	t.Run("outputs are commands that can be pasted", func(t *testing.T) {
		outputs := template(t, assembly, "guestbook-dev-service").Outputs()
		assert.Contains(t, fmt.Sprint(outputs["ApiExec"].Value), "aws ecs execute-command --region us-east-1")
		assert.Contains(t, fmt.Sprint(outputs["ApiLogs"].Value), "aws logs tail ")
		assert.Contains(t, outputs, "URL")
		assert.NotContains(t, template(t, assembly, "guestbook-prod-service").Outputs(), "ApiExec", "not in production unless declared")
		found := fmt.Sprint(template(t, assembly, "guestbook-dev-data").Outputs()["DatabaseCredentials"].Value)
		assert.Contains(t, found, "Key=tag-key,Values=aws:cloudformation:stack-name Key=tag-value,Values=guestbook-dev-data")
		assert.Contains(t, found, "'dev/'")
	})

	t.Run("the data of production can only be deleted on purpose", func(t *testing.T) {
		// Termination protection is a property of the stack, not of a template.
		for _, db := range template(t, assembly, "guestbook-prod-data").Resources("AWS::RDS::DBInstance") {
			assert.Equal(t, true, db.Get("Properties.DeletionProtection"))
		}
	})
}

func TestTheSameDeclarationGivesTheSameBytes(t *testing.T) {
	first, second := rawTemplates(t, load(t, declarations["guestbook"])), rawTemplates(t, load(t, declarations["guestbook"]))
	require.NotEmpty(t, first)
	assert.Equal(t, first, second)
}

// rawTemplates synthesizes and returns every template file, by stack.
func rawTemplates(t *testing.T, declared spec.App, tags ...map[string]string) map[string]string {
	t.Helper()
	app := synthtest.NewApp(t)
	props := &stacks.TinyStackProps{App: declared}
	if len(tags) > 0 {
		props.Tags = tags[0]
	}
	stacks.NewTinyStack(app, jsii.String("App"), props)
	dir := *app.Synth(nil).Directory()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".template.json") {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files[filepath.Base(path)] = string(raw)
		}
		return err
	}))
	return files
}

// What one field can change later, and what must stay when it does.
func TestChangingAStage(t *testing.T) {
	base := func(change func(*spec.Stage)) *snapshot.Assembly {
		stage := spec.Stage{Name: "dev", Database: &spec.Database{}}
		if change != nil {
			change(&stage)
		}
		app := synthtest.NewApp(t)
		stacks.NewTinyStack(app, jsii.String("App"), &stacks.TinyStackProps{App: spec.App{
			Name:     "shop",
			Services: []spec.Service{{Name: "web", Image: "example.com/web:1"}},
			Stages:   []spec.Stage{stage},
		}})
		return synthtest.Synth(t, app)
	}
	before := base(nil)
	for name, change := range map[string]func(*spec.Stage){
		"alb": func(s *spec.Stage) { s.Endpoint.Type = spec.ALB },
		"cache": func(s *spec.Stage) {
			s.Endpoint.Caching = &spec.Caching{Paths: []spec.CachedPath{{Path: "/list", Query: &[]string{"page"}}}}
		},
		"managed":   func(s *spec.Stage) { s.Scale.Mode = spec.Managed },
		"instance":  func(s *spec.Stage) { s.Scale.Instance = "t3.small" },
		"zero":      func(s *spec.Stage) { s.Profile = spec.Idle },
		"gateway":   func(s *spec.Stage) { s.Network.Egress = spec.NATGateway },
		"variables": func(s *spec.Stage) { s.Variables = map[string]string{"A": "b"} },
		"bigger":    func(s *spec.Stage) { s.Database.Storage, s.Database.Instance = 100, "t4g.small" },
	} {
		t.Run(name, func(t *testing.T) {
			after := base(change)
			ids := snapshot.LogicalIDs(after)
			for _, id := range snapshot.LogicalIDs(before) {
				if strings.Contains(id, "/Endpoint") || strings.Contains(id, "/Namespace") {
					continue // of an HTTP API, and gone with it
				}
				if name == "gateway" && strings.Contains(id, "NetworkNatAddress") {
					continue // a NAT gateway has an address of its own
				}
				assert.Contains(t, ids, id)
			}
			for _, kind := range []string{"AWS::ECS::Cluster", "AWS::ECS::Service", "AWS::ECS::CapacityProvider", "AWS::AutoScaling::AutoScalingGroup"} {
				assert.Equal(t,
					slices.Sorted(maps.Keys(template(t, before, "shop-dev-service").Resources(kind))),
					slices.Sorted(maps.Keys(template(t, after, "shop-dev-service").Resources(kind))), kind)
			}
		})
	}

	t.Run("a detached database stays where it is", func(t *testing.T) {
		after := base(func(s *spec.Stage) { s.Database = nil })
		_, err := after.Stack("shop-dev-data")
		assert.Error(t, err)
		assert.Equal(t, template(t, before, "shop-dev-network").Resources(""), template(t, after, "shop-dev-network").Resources(""))
	})
}

func TestWhatIsAppliedToTheAppReachesItsStages(t *testing.T) {
	app := synthtest.NewApp(t)
	awscdk.Tags_Of(app).Add(jsii.String("team"), jsii.String("shop"), nil)
	stacks.NewTinyStack(app, jsii.String("App"), &stacks.TinyStackProps{App: spec.App{
		Name:     "shop",
		Services: []spec.Service{{Name: "web", Image: "example.com/web:1"}},
	}})
	for _, vpc := range template(t, synthtest.Synth(t, app), "shop-dev-network").Resources("AWS::EC2::VPC") {
		assert.Contains(t, vpc.Get("Properties.Tags"), map[string]any{"Key": "team", "Value": "shop"})
	}
}

func TestWithCanary(t *testing.T) {
	app := spec.App{Stages: []spec.Stage{{Name: "dev"}, {Name: "eu", Wave: "world"}, {Name: "prod", Wave: "world"}, {Name: "last"}}}
	names := func(of string) (names []string) {
		for _, s := range stacks.WithCanary(app, of, spec.Stage{Name: "canary"}).Stages {
			names = append(names, s.Name)
		}
		return names
	}
	assert.Equal(t, []string{"dev", "canary", "eu", "prod", "last"}, names("prod"), "not in the middle of a wave")
	assert.Equal(t, []string{"dev", "eu", "prod", "canary", "last"}, names("last"))
	assert.Len(t, app.Stages, 4)
}

func TestNewCanaryRegion(t *testing.T) {
	app := synthtest.NewApp(t)
	canary := stacks.NewCanaryRegion(app, jsii.String("canary"), &stacks.CanaryRegionProps{
		App: spec.App{
			Name:     "shop",
			Services: []spec.Service{{Name: "web", Image: "example.com/web:1"}},
			Stages:   []spec.Stage{{Name: "prod", Approval: spec.Manual, Variables: map[string]string{"A": "prod", "B": "prod"}}},
			Pipeline: &spec.Pipeline{Account: "111111111111"},
			Source:   &spec.Source{CodeCommit: "shop"},
		},
		Of:        "prod",
		Overrides: spec.Stage{Name: "canary", Region: "eu-north-1", Variables: map[string]string{"A": "canary"}},
	})
	assert.Equal(t, "prod", canary.Of())
	assert.Equal(t, map[string]string{"A": "canary", "B": "prod"}, canary.Declaration().Variables)
	assembly := synthtest.Synth(t, app)
	stack, err := assembly.Stack("shop-canary-service")
	require.NoError(t, err)
	assert.Equal(t, "aws://111111111111/eu-north-1", stack.Environment)
}

func TestProblemsComeBeforeAnythingIsMade(t *testing.T) {
	app := synthtest.NewApp(t)
	defer func() {
		err, _ := recover().(error)
		require.ErrorContains(t, err, "prot")
		require.ErrorContains(t, err, "t3.mico")
	}()
	stacks.NewTinyStack(app, jsii.String("App"), &stacks.TinyStackProps{App: spec.App{
		Name:   "shop",
		Stages: []spec.Stage{{Name: "dev", CanaryOf: "prot", Region: "us-east-1"}, {Name: "prod", Scale: spec.ScaleProfile{Instance: "t3.mico"}}},
	}})
}
