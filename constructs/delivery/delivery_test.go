package delivery

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/policy"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

func TestMain(m *testing.M) { synthtest.Main(m) }

const (
	home  = "111111111111"
	other = "222222222222"
)

func connection(repository string) *spec.Source {
	return &spec.Source{
		Repository: repository,
		Branch:     "main",
		Connection: "arn:aws:codeconnections:us-east-1:" + home + ":connection/01234567-89ab-cdef-0123-456789abcdef",
	}
}

// guestbook is three stages in two regions and two accounts: a canary bakes
// before production, and production waits for approval.
func guestbook() spec.App {
	canary := stageOf("canary", home, "us-west-2")
	canary.CanaryOf, canary.Bake = "prod", spec.Duration(90*time.Minute)
	prod := stageOf("prod", other, "us-east-1")
	prod.Approval = spec.Manual
	return spec.App{
		Name:     "guestbook",
		Pipeline: &spec.Pipeline{Account: home, Region: "us-east-1", Notify: []string{"team@example.com"}, LogRetentionDays: 90, ApprovalTimeout: spec.Duration(24 * time.Hour)},
		Source:   connection("acme/guestbook"),
		Build:    spec.Build{Variables: map[string]string{"NODE_ENV": "production"}, Timeout: spec.Minutes(60)},
		Services: []spec.Service{
			{Name: "api", Context: ".", Dockerfile: "Dockerfile"},
			{Name: "cache", Image: "public.ecr.aws/docker/library/redis:7"},
		},
		Stages: []spec.Stage{stageOf("dev", home, "us-east-1"), canary, prod},
	}
}

func stageOf(name, account, region string) spec.Stage {
	return spec.Stage{
		Name: name, Account: account, Region: region, Approval: spec.Automatic,
		Scale: spec.ScaleProfile{Instance: "t3.micro", Tasks: spec.Tasks{Max: new(5)}},
	}
}

// deploy makes the registries and the pipeline of a declaration whose stages
// each hold two stacks.
func deploy(app awscdk.App, declared spec.App, change ...func(*DeliveryProps)) Delivery {
	stack := newStack(app, declared.Name+"-pipeline", declared.Pipeline.Account, declared.Pipeline.Region)
	for _, place := range RegistryRegions(declared) {
		registry := newStack(app, declared.Name+"-registry-"+place.Region, declared.Pipeline.Account, place.Region)
		NewRegistry(registry, jsii.String("Registry"), &RegistryProps{
			App: declared.Name, Services: BuiltServices(declared), Stages: place.Stages, PullAccounts: place.PullAccounts,
		})
		stack.AddStackDependency(registry, nil)
	}
	props := &DeliveryProps{App: declared}
	for _, s := range declared.Stages {
		stage := awscdk.NewStage(app, jsii.String(s.Name), &awscdk.StageProps{
			Env: &awscdk.Environment{Account: jsii.String(s.Account), Region: jsii.String(s.Region)},
		})
		network := awscdk.NewStack(stage, jsii.String("network"), &awscdk.StackProps{StackName: jsii.String(declared.Name + "-" + s.Name + "-network")})
		service := awscdk.NewStack(stage, jsii.String("service"), &awscdk.StackProps{
			StackName:   jsii.String(declared.Name + "-" + s.Name + "-service"),
			Description: jsii.String("runs " + os.Getenv(CommitVariable(""))),
		})
		service.AddStackDependency(network, nil)
		awscdk.NewCfnWaitConditionHandle(network, jsii.String("Nothing"), nil)
		awscdk.NewCfnWaitConditionHandle(service, jsii.String("Nothing"), nil)
		deployment := StageDeployment{Stage: stage, Spec: s, ServiceStack: *service.StackName()}
		if s.Bake > 0 {
			NewGateRole(service, jsii.String("Gate"), &GateRoleProps{App: declared.Name, Stage: s.Name, PipelineAccount: declared.Pipeline.Account})
			deployment.GateRoleARN = GateRoleARN(s.Account, s.Region, declared.Name, s.Name)
			deployment.AlarmNames = []string{"guestbook-canary-5xx", "guestbook-canary-latency"}
		}
		props.Stages = append(props.Stages, deployment)
	}
	for _, c := range change {
		c(props)
	}
	return NewDelivery(stack, jsii.String("Delivery"), props)
}

func newStack(app awscdk.App, name, account, region string) awscdk.Stack {
	return awscdk.NewStack(app, &name, &awscdk.StackProps{
		Env: &awscdk.Environment{Account: &account, Region: &region},
	})
}

// rules take as long as all the rest, so that each fixture is looked at under them
// by `make strict`.
var rules = flag.Bool("rules", false, "look at every fixture under the security rules")

// synth synthesizes a declaration; no fixture may break the security rules.
func synth(t *testing.T, declared spec.App, change ...func(*DeliveryProps)) *snapshot.Assembly {
	t.Helper()
	if *rules {
		return secured(t, declared, change...)
	}
	app := synthtest.NewApp(t)
	deploy(app, declared, change...)
	return synthtest.Synth(t, app)
}

// secured is [synth] under the rules each time: for the golden templates.
func secured(t *testing.T, declared spec.App, change ...func(*DeliveryProps)) *snapshot.Assembly {
	t.Helper()
	app := synthtest.NewApp(t)
	deploy(app, declared, change...)
	return synthtest.SynthSecure(t, app)
}

// refusal is what the panic over a declaration says.
func refusal(t *testing.T, declared spec.App, change ...func(*DeliveryProps)) (message string) {
	t.Helper()
	defer func() {
		problem := recover()
		require.NotNil(t, problem, "accepted")
		err, ok := problem.(error)
		require.True(t, ok, "%v", problem)
		message = err.Error()
	}()
	deploy(synthtest.NewApp(t), declared, change...)
	return ""
}

func template(t *testing.T, assembly *snapshot.Assembly, stack string) snapshot.Template {
	t.Helper()
	found, err := assembly.Stack(stack)
	require.NoError(t, err)
	return found.Template
}

// only returns the one resource of a type.
func only(t *testing.T, of snapshot.Template, kind string) snapshot.Resource {
	t.Helper()
	found := of.Resources(kind)
	require.Len(t, found, 1, kind)
	for _, resource := range found {
		return resource
	}
	panic("unreachable")
}

// action is an action of a pipeline, as its template has it.
type action struct {
	Name          string
	RunOrder      int
	Namespace     string
	Timeout       int `json:"TimeoutInMinutes"`
	Region        string
	Configuration map[string]any
	ActionTypeID  struct{ Provider, Category string } `json:"ActionTypeId"`
	Inputs        []struct{ Name string }             `json:"InputArtifacts"`
	Outputs       []struct{ Name string }             `json:"OutputArtifacts"`
}

type pipelineStage struct {
	Name        string
	Actions     []action
	BeforeEntry gate
	OnSuccess   gate
	OnFailure   map[string]any
}

// gate is the condition at one side of a stage of the pipeline.
type gate struct {
	Conditions []struct {
		Result string
		Rules  []struct {
			Name, Region  string
			RuleTypeID    struct{ Category, Owner, Provider, Version string } `json:"RuleTypeId"`
			Configuration map[string]string
		}
	}
}

func stagesOf(t *testing.T, of snapshot.Template) []pipelineStage {
	t.Helper()
	text, err := json.Marshal(only(t, of, "AWS::CodePipeline::Pipeline").Properties["Stages"])
	require.NoError(t, err)
	var stages []pipelineStage
	require.NoError(t, json.Unmarshal(text, &stages))
	return stages
}

// outline is a pipeline in lines: stage, then its actions, side by side where
// they run side by side.
func outline(stages []pipelineStage) []string {
	var lines []string
	for _, stage := range stages {
		steps := map[int][]string{}
		for _, action := range stage.Actions {
			steps[action.RunOrder] = append(steps[action.RunOrder], action.Name)
		}
		line := stage.Name + ":"
		for i, order := range slices.Sorted(maps.Keys(steps)) {
			if i > 0 {
				line += " →"
			}
			slices.Sort(steps[order])
			line += " " + strings.Join(steps[order], " + ")
		}
		lines = append(lines, line)
	}
	return lines
}

// environmentOf is the environment of the project that an action runs, its
// own variables and the action's.
func environmentOf(t *testing.T, of snapshot.Template, a action) map[string]any {
	t.Helper()
	env := map[string]any{}
	project := projectOf(t, of, a)
	variables, _ := project.Get("Properties.Environment.EnvironmentVariables").([]any)
	for _, v := range variables {
		v := v.(map[string]any)
		env[v["Name"].(string)] = v["Value"]
	}
	if text, ok := a.Configuration["EnvironmentVariables"].(string); ok {
		var own []struct{ Name, Value string }
		require.NoError(t, json.Unmarshal([]byte(text), &own))
		for _, v := range own {
			env[v.Name] = v.Value
		}
	}
	return env
}

func projectOf(t *testing.T, of snapshot.Template, a action) snapshot.Resource {
	t.Helper()
	id, _ := a.Configuration["ProjectName"].(map[string]any)["Ref"].(string)
	project, ok := of.Resource(id)
	require.True(t, ok, "project of %s", a.Name)
	return project
}

func find(t *testing.T, stages []pipelineStage, stage, name string) action {
	t.Helper()
	for _, s := range stages {
		for _, a := range s.Actions {
			if s.Name == stage && a.Name == name {
				return a
			}
		}
	}
	t.Fatalf("no action %s in %s", name, stage)
	panic("unreachable")
}

// TestGuestbook looks at the whole of one pipeline.
func TestGuestbook(t *testing.T) {
	assembly := secured(t, guestbook())
	pipeline := template(t, assembly, "guestbook-pipeline")
	stages := stagesOf(t, pipeline)

	t.Run("order", func(t *testing.T) {
		assert.Equal(t, []string{
			"Source: Application",
			"Build: Synth",
			"UpdatePipeline: SelfMutate",
			"Images: api",
			"dev: guestbook-dev-network.Deploy → guestbook-dev-service.Deploy → Release",
			"canary: guestbook-canary-network.Deploy → guestbook-canary-service.Deploy → Bake → Release",
			"prod: Approve → guestbook-prod-network.Deploy → guestbook-prod-service.Deploy → Release",
		}, outline(stages))
	})

	t.Run("pipeline", func(t *testing.T) {
		properties := only(t, pipeline, "AWS::CodePipeline::Pipeline").Properties
		assert.Equal(t, "guestbook", properties["Name"])
		assert.Equal(t, "V2", properties["PipelineType"])
		assert.Equal(t, "SUPERSEDED", properties["ExecutionMode"])
		assert.Equal(t, true, properties["RestartExecutionOnUpdate"])
		for _, stage := range stages {
			if stage.Name == "canary" {
				assert.Equal(t, map[string]any{"Result": "ROLLBACK"}, stage.OnFailure)
			} else {
				assert.Nil(t, stage.OnFailure, stage.Name)
			}
		}
	})

	t.Run("self-update deploys registries first", func(t *testing.T) {
		stack, err := assembly.Stack("guestbook-pipeline")
		require.NoError(t, err)
		assert.Equal(t, []string{"guestbook-pipeline-support-us-west-2", "guestbook-registry-us-east-1", "guestbook-registry-us-west-2"}, stack.Dependencies)
		spec := projectOf(t, pipeline, find(t, stages, "UpdatePipeline", "SelfMutate")).Get("Properties.Source.BuildSpec").(string)
		var buildSpec struct {
			Env    struct{ Variables map[string]string }
			Phases map[string]struct{ Commands []string }
		}
		require.NoError(t, json.Unmarshal([]byte(spec), &buildSpec))
		assert.Equal(t, []string{*(*script(withCDK(updateScript)))[0]}, buildSpec.Phases["build"].Commands)
		assert.Equal(t, ".", buildSpec.Env.Variables["TINYSTACK_ASSEMBLY"])
		assert.Equal(t, "guestbook-pipeline", buildSpec.Env.Variables["TINYSTACK_PATH"])
		assert.NotContains(t, spec, "--exclusively", "which would leave them out")
	})

	t.Run("source is a full clone", func(t *testing.T) {
		source := find(t, stages, "Source", "Application")
		assert.Equal(t, "CodeStarSourceConnection", source.ActionTypeID.Provider)
		assert.Equal(t, map[string]any{
			"ConnectionArn":        guestbook().Source.Connection,
			"FullRepositoryId":     "acme/guestbook",
			"BranchName":           "main",
			"OutputArtifactFormat": "CODEBUILD_CLONE_REF",
		}, source.Configuration)
	})

	t.Run("synth", func(t *testing.T) {
		a := find(t, stages, "Build", "Synth")
		env := environmentOf(t, pipeline, a)
		assert.Equal(t, "#{Source@acme_guestbook.CommitId}", env["TINYSTACK_COMMIT"])
		var buildSpec struct {
			Phases map[string]struct {
				Commands []string
				Runtimes map[string]string `json:"runtime-versions"`
			}
			Cache struct{ Paths []string }
		}
		require.NoError(t, json.Unmarshal([]byte(projectOf(t, pipeline, a).Get("Properties.Source.BuildSpec").(string)), &buildSpec))
		assert.Equal(t, map[string]string{"golang": "1.26", "nodejs": "24"}, buildSpec.Phases["install"].Runtimes)
		assert.Equal(t, synthCommands(*guestbook().Pipeline), buildSpec.Phases["build"].Commands)
		assert.Equal(t, []string{"/root/.cache/go-build/**/*", "/root/.cache/go-mod/**/*", "/root/.npm/**/*"}, buildSpec.Cache.Paths)
		assert.Equal(t, "S3", projectOf(t, pipeline, a).Get("Properties.Cache.Type"))
	})

	t.Run("image build", func(t *testing.T) {
		a := find(t, stages, "Images", "api")
		bucket := environmentOf(t, pipeline, a)["S3_BUCKET"]
		assert.Equal(t, map[string]any{
			"AWS_REGION":                "us-east-1",
			"S3_BUCKET":                 bucket,
			"ECR_ENDPOINT":              "111111111111.dkr.ecr.us-east-1.amazonaws.com",
			"ECR_IMAGE_URL":             "111111111111.dkr.ecr.us-east-1.amazonaws.com/guestbook/api",
			"IMAGE_TAG":                 "#{Source@acme_guestbook.CommitId}",
			"NODE_ENV":                  "production",
			"TINYSTACK_BUILD_VARIABLES": "NODE_ENV",
			"TINYSTACK_CONTEXT":         ".",
			"TINYSTACK_DOCKERFILE":      "Dockerfile",
			"TINYSTACK_PLATFORM":        "linux/amd64",
			"TINYSTACK_REGISTRIES":      "us-east-1=111111111111.dkr.ecr.us-east-1.amazonaws.com us-west-2=111111111111.dkr.ecr.us-west-2.amazonaws.com",
			"TINYSTACK_REPOSITORY":      "guestbook/api",
		}, environmentOf(t, pipeline, a))
		project := projectOf(t, pipeline, a)
		assert.Equal(t, 60.0, project.Properties["TimeoutInMinutes"])
		assert.Equal(t, "LINUX_CONTAINER", project.Get("Properties.Environment.Type"))
	})

	t.Run("only image builds are privileged", func(t *testing.T) {
		for id, project := range pipeline.Resources("AWS::CodeBuild::Project") {
			privileged, _ := project.Get("Properties.Environment.PrivilegedMode").(bool)
			description := project.Properties["Description"].(string)
			assert.Equal(t, strings.Contains(description, "/Images/"), privileged, id)
		}
	})

	t.Run("release", func(t *testing.T) {
		for _, each := range []struct {
			stage, previous, regions string
			region                   string
		}{
			{stage: "dev", previous: "latest", regions: "us-east-1", region: "us-east-1"},
			{stage: "canary", previous: "dev", regions: "us-east-1 us-west-2", region: "us-west-2"},
			{stage: "prod", previous: "canary", regions: "us-east-1", region: "us-east-1"},
		} {
			a := find(t, stages, each.stage, "Release")
			want := map[string]any{
				"AWS_REGION":          "us-east-1",
				"S3_BUCKET":           environmentOf(t, pipeline, a)["S3_BUCKET"],
				"ECR_ENDPOINT":        "111111111111.dkr.ecr.us-east-1.amazonaws.com",
				"ECR_IMAGE_URL":       "111111111111.dkr.ecr.us-east-1.amazonaws.com/guestbook/api",
				"STAGE_NAME":          each.stage,
				"PREVIOUS_STAGE_NAME": each.previous,
				"STAGE_REGION":        each.region,
				"TINYSTACK_COMMIT":    "#{Source@acme_guestbook.CommitId}",
				"TINYSTACK_IMAGES":    "guestbook/api=TINYSTACK_COMMIT",
				"TINYSTACK_REGIONS":   each.regions,
			}
			if each.stage == "canary" {
				want["REGIONAL_ECR_ENDPOINT"] = "111111111111.dkr.ecr.us-west-2.amazonaws.com"
				want["REGIONAL_ECR_IMAGE_URL"] = "111111111111.dkr.ecr.us-west-2.amazonaws.com/guestbook/api"
			}
			assert.Equal(t, want, environmentOf(t, pipeline, a), each.stage)
			assert.Equal(t, "Synth_Output", a.Inputs[0].Name, "no clone of a source that it does not look at")
		}
	})

	t.Run("nothing updates a service", func(t *testing.T) {
		text, err := json.Marshal(pipeline)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "update-service")
	})

	t.Run("bake", func(t *testing.T) {
		a := find(t, stages, "canary", "Bake")
		assert.Equal(t, map[string]any{
			"STAGE_NAME":             "canary",
			"STAGE_REGION":           "us-west-2",
			"TINYSTACK_ALARMS":       "guestbook-canary-5xx\nguestbook-canary-latency",
			"TINYSTACK_BAKE_SECONDS": "5400",
			"TINYSTACK_GATE_ROLE":    "arn:aws:iam::111111111111:role/guestbook-canary-gate",
		}, environmentOf(t, pipeline, a))
		assert.Equal(t, 109.0, projectOf(t, pipeline, a).Properties["TimeoutInMinutes"])
		role, ok := pipeline.Resource(projectOf(t, pipeline, a).Get("Properties.ServiceRole.Fn::GetAtt.0").(string))
		require.True(t, ok)
		assert.Equal(t, "guestbook-canary-bake", role.Properties["RoleName"])
		assert.Contains(t, statements(t, role), statement{[]string{"sts:AssumeRole"}, []string{"arn:aws:iam::111111111111:role/guestbook-canary-gate"}})
	})

	t.Run("approval", func(t *testing.T) {
		approval := find(t, stages, "prod", "Approve")
		assert.Equal(t, "Let commit #{Source@acme_guestbook.CommitId} of guestbook into stage prod?", approval.Configuration["CustomData"])
		assert.Equal(t, "https://us-east-1.console.aws.amazon.com/codesuite/settings/connections/redirect"+
			"?connectionArn="+guestbook().Source.Connection+
			"&referenceType=COMMIT&FullRepositoryId=acme/guestbook&Commit=#{Source@acme_guestbook.CommitId}", approval.Configuration["ExternalEntityLink"])
		topic, ok := pipeline.Resource(approval.Configuration["NotificationArn"].(map[string]any)["Ref"].(string))
		require.True(t, ok)
		assert.Equal(t, "AWS::SNS::Topic", topic.Type)
	})

	t.Run("notifications", func(t *testing.T) {
		subscription := only(t, pipeline, "AWS::SNS::Subscription").Properties
		assert.Equal(t, "email", subscription["Protocol"])
		assert.Equal(t, "team@example.com", subscription["Endpoint"])
		messages := ""
		for id, rule := range pipeline.Resources("AWS::Events::Rule") {
			if !strings.Contains(id, "Failed") {
				continue
			}
			assert.Equal(t, []any{"FAILED"}, rule.Get("Properties.EventPattern.detail.state"))
			assert.Len(t, rule.Get("Properties.EventPattern.resources"), 1, "exactly this pipeline")
			messages += rule.Get("Properties.Targets.0.InputTransformer.InputTemplate").(string)
			if strings.Contains(id, "Build") {
				assert.Equal(t, []any{"CodeBuild"}, rule.Get("Properties.EventPattern.detail.type.provider"))
			}
		}
		assert.Contains(t, messages, "Pipeline guestbook failed (execution <detail-execution-id>).")
		assert.Contains(t, messages, "https://us-east-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/guestbook/view?region=us-east-1")
		assert.Contains(t, messages, "Step <detail-action> of stage <detail-stage> in pipeline guestbook failed. Its output is at <detail-execution-result-external-execution-url>.")
		services := map[string]bool{}
		for _, key := range pipeline.Resources("AWS::KMS::Key") {
			assert.Equal(t, true, key.Properties["EnableKeyRotation"])
			policy, _ := key.Get("Properties.KeyPolicy.Statement").([]any)
			for _, s := range policy {
				if principal, ok := s.(map[string]any)["Principal"].(map[string]any)["Service"].(string); ok {
					services[principal] = true
				}
			}
		}
		assert.Equal(t, map[string]bool{"events.amazonaws.com": true, "cloudwatch.amazonaws.com": true}, services)
	})

	t.Run("logs", func(t *testing.T) {
		groups := pipeline.Resources("AWS::Logs::LogGroup")
		names := map[any]bool{}
		for id, group := range groups {
			names[group.Properties["LogGroupName"]] = true
			assert.Equal(t, 90.0, group.Properties["RetentionInDays"], id)
		}
		assert.Equal(t, map[any]bool{"/tinystack/guestbook/builds": true, "/tinystack/guestbook/deployments": true}, names)
		for id, project := range pipeline.Resources("AWS::CodeBuild::Project") {
			group, ok := groups[fmt.Sprint(project.Get("Properties.LogsConfig.CloudWatchLogs.GroupName.Ref"))]
			assert.True(t, ok, id)
			assert.Equal(t, "/tinystack/guestbook/builds", group.Properties["LogGroupName"], id)
			assert.NotEmpty(t, project.Get("Properties.LogsConfig.CloudWatchLogs.StreamName"), id)
		}
	})

	t.Run("buckets", func(t *testing.T) {
		for name, stack := range map[string]snapshot.Template{"home": pipeline, "us-west-2": template(t, assembly, "guestbook-pipeline-support-us-west-2")} {
			buckets := stack.Resources("AWS::S3::Bucket")
			assert.Len(t, buckets, 2, name)
			logged := 0
			for id, bucket := range buckets {
				assert.Equal(t, "Retain", bucket.DeletionPolicy, id)
				assert.Equal(t, "Enabled", bucket.Get("Properties.VersioningConfiguration.Status"), id)
				assert.Equal(t, 90.0, bucket.Get("Properties.LifecycleConfiguration.Rules.0.ExpirationInDays"), id)
				for _, setting := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
					assert.Equal(t, true, bucket.Get("Properties.PublicAccessBlockConfiguration."+setting), id)
				}
				if bucket.Get("Properties.LoggingConfiguration") != nil {
					logged++
					assert.Equal(t, "aws:kms", bucket.Get("Properties.BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm"), id)
				}
			}
			assert.Equal(t, 1, logged, "%s: the bucket for artifacts is logged", name)
			policies := stack.Resources("AWS::S3::BucketPolicy")
			assert.Len(t, policies, 2, name)
			for id, policy := range policies {
				assert.Contains(t, fmt.Sprint(policy.Get("Properties.PolicyDocument.Statement.0")), "aws:SecureTransport:false", id)
			}
		}
	})

	t.Run("images may be pushed to the named repositories only", func(t *testing.T) {
		role, ok := pipeline.Resource(projectOf(t, pipeline, find(t, stages, "Images", "api")).Get("Properties.ServiceRole.Fn::GetAtt.0").(string))
		require.True(t, ok)
		var resources []string
		for _, s := range statements(t, role) {
			if slices.Contains(s.actions, "ecr:PutImage") {
				resources = append(resources, s.resources...)
			}
		}
		assert.Equal(t, []string{
			"arn:aws:ecr:us-east-1:111111111111:repository/guestbook/api",
			"arn:aws:ecr:us-west-2:111111111111:repository/guestbook/api",
		}, resources)
	})

	t.Run("acknowledged wildcards", func(t *testing.T) {
		accepted := []string{
			"Action::kms:GenerateDataKey*", "Action::kms:ReEncrypt*", "Action::s3:Abort*", "Action::s3:DeleteObject*",
			"Action::s3:GetBucket*", "Action::s3:GetObject*", "Action::s3:List*",
			"Resource::*", "Resource::<artifacts>/*", "Resource::arn:*:iam::111111111111:role/*",
			"Resource::arn:aws:codebuild:us-east-1:111111111111:report-group/<project>-*",
			"Resource::arn:aws:logs:us-east-1:111111111111:log-group:/aws/codebuild/<project>:*",
			"Resource::arn:aws:s3:::<support>/*",
		}
		found := map[string]bool{}
		for id, resource := range pipeline.Resources("") {
			nag, _ := resource.Metadata["cdk_nag"].(map[string]any)
			rules, _ := nag["rules_to_suppress"].([]any)
			for _, rule := range rules {
				rule := rule.(map[string]any)
				assert.Equal(t, "AwsSolutions-IAM5", rule["id"], id)
				assert.NotEmpty(t, rule["reason"], id)
				for _, wildcard := range rule["applies_to"].([]any) {
					found[generalized(wildcard.(string))] = true
				}
			}
		}
		assert.Equal(t, accepted, slices.Sorted(maps.Keys(found)))
	})

	t.Run("gate role", func(t *testing.T) {
		role := only(t, template(t, assembly, "guestbook-canary-service"), "AWS::IAM::Role")
		assert.Equal(t, "guestbook-canary-gate", role.Properties["RoleName"])
		assert.Equal(t, map[string]any{
			"Action":    "sts:AssumeRole",
			"Effect":    "Allow",
			"Principal": map[string]any{"AWS": "arn:aws:iam::111111111111:root"},
			"Condition": map[string]any{"ArnEquals": map[string]any{"aws:PrincipalArn": "arn:aws:iam::111111111111:role/guestbook-canary-bake"}},
		}, role.Get("Properties.AssumeRolePolicyDocument.Statement.0"))
		assert.Equal(t, []statement{{[]string{"cloudwatch:DescribeAlarms"}, []string{"arn:aws:cloudwatch:us-west-2:111111111111:alarm:*"}}}, statements(t, role))
	})
}

// Data does not survive a resource that gets another logical id.
func TestLogicalIDsOfWhatKeepsData(t *testing.T) {
	assembly := secured(t, guestbook())
	found := map[string][]string{}
	for _, stack := range []string{"guestbook-pipeline", "guestbook-pipeline-support-us-west-2", "guestbook-registry-us-east-1"} {
		for id, resource := range template(t, assembly, stack).Resources("") {
			switch resource.Type {
			case "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::SNS::Topic", "AWS::ECR::Repository", "AWS::CodePipeline::Pipeline":
				found[resource.Type] = append(found[resource.Type], id)
			}
		}
	}
	for kind := range found {
		slices.Sort(found[kind])
	}
	assert.Equal(t, map[string][]string{
		"AWS::CodePipeline::Pipeline": {"DeliveryPipelineE8584D71"},
		"AWS::ECR::Repository":        {"RegistryapiE49612AB"},
		"AWS::KMS::Key":               {"CrossRegionCodePipelineReplicationBucketEncryptionKey70216490", "DeliveryArtifactsKey52943D36", "DeliveryNotificationsKey61EAE807"},
		"AWS::Logs::LogGroup":         {"DeliveryBuilds1E58F9AB", "DeliveryDeploymentsC26F5B05"},
		"AWS::S3::Bucket":             {"AccessLogs8B620ECA", "CrossRegionCodePipelineReplicationBucketFC3227F2", "DeliveryAccessLogs89311F48", "DeliveryArtifactsAC79D864"},
		"AWS::SNS::Topic":             {"DeliveryNotificationsTopic2A3C9C86"},
	}, found)
}

// generalized leaves out of a wildcard what only names a resource.
func generalized(wildcard string) string {
	for _, part := range []struct{ prefix, name string }{
		{"Resource::<DeliveryArtifacts", "Resource::<artifacts>"},
		{"Resource::arn:aws:s3:::guestbook-pipeline-suppo", "Resource::arn:aws:s3:::<support>"},
	} {
		if strings.HasPrefix(wildcard, part.prefix) {
			return part.name + "/*"
		}
	}
	if before, rest, ok := strings.Cut(wildcard, "<"); ok {
		_, after, _ := strings.Cut(rest, ">")
		return before + "<project>" + after
	}
	return wildcard
}

type statement struct{ actions, resources []string }

// statements of a role's inline policies.
func statements(t *testing.T, role snapshot.Resource) []statement {
	t.Helper()
	list := func(value any) []string {
		values, ok := value.([]any)
		if !ok {
			values = []any{value}
		}
		var texts []string
		for _, v := range values {
			texts = append(texts, policy.Flat(v))
		}
		return texts
	}
	var found []statement
	for _, policy := range role.Properties["Policies"].([]any) {
		for _, s := range policy.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			s := s.(map[string]any)
			found = append(found, statement{list(s["Action"]), list(s["Resource"])})
		}
	}
	return found
}

// The same declaration gives the same templates, whatever the commit is; only
// what the stages run depends on it.
func TestTemplatesDoNotDependOnTheCommit(t *testing.T) {
	texts := func(commit string) map[string]string {
		t.Setenv(CommitVariable(""), commit)
		app := synthtest.NewApp(t)
		deploy(app, guestbook())
		found := map[string]string{}
		for _, stack := range synthtest.Synth(t, app).Stacks {
			text, err := json.Marshal(stack.Template)
			require.NoError(t, err)
			found[stack.Name] = string(text)
		}
		return found
	}
	first, again, next := texts("aaaa"), texts("aaaa"), texts("bbbb")
	assert.Equal(t, first, again)
	for name, text := range first {
		if strings.HasSuffix(name, "-service") {
			assert.NotEqual(t, text, next[name], name)
		} else {
			assert.Equal(t, text, next[name], name)
		}
	}
}

// A stage that is inserted changes no action of another stage, except that the
// next one follows it.
func TestInsertedStage(t *testing.T) {
	actions := func(declared spec.App) map[string]string {
		found := map[string]string{}
		for _, stage := range stagesOf(t, template(t, synth(t, declared), "guestbook-pipeline")) {
			text, err := json.Marshal(stage)
			require.NoError(t, err)
			found[stage.Name] = string(text)
		}
		return found
	}
	before := actions(guestbook())
	declared := guestbook()
	declared.Stages = slices.Insert(declared.Stages, 1, stageOf("test", home, "us-east-1"))
	after := actions(declared)
	assert.Contains(t, after, "test")
	delete(after, "test")
	assert.Equal(t, before, after)
}

func TestSources(t *testing.T) {
	declared := guestbook()
	declared.Source = &spec.Source{Bucket: "acme-source", Key: "guestbook/app.zip"}
	declared.Services = []spec.Service{
		{Name: "api", Context: ".", Dockerfile: "Dockerfile"},
		{Name: "web-site", Context: "site", Dockerfile: "docker/Dockerfile", Source: &spec.Source{CodeCommit: "site", Branch: "release"}},
		{Name: "worker", Context: ".", Dockerfile: "Dockerfile", Source: connection("acme/tools/worker")},
		{Name: "mailer", Context: ".", Dockerfile: "Dockerfile", Source: connection("acme/tools/worker")},
	}
	pipeline := template(t, synth(t, declared), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)

	assert.Equal(t, []string{
		"Source: Application + web-site + worker",
		"Build: Synth",
		"UpdatePipeline: SelfMutate",
		"Images: api + mailer + web-site + worker",
	}, outline(stages)[:4])

	object := find(t, stages, "Source", "Application")
	assert.Equal(t, "S3", object.ActionTypeID.Provider)
	assert.Equal(t, false, object.Configuration["PollForSourceChanges"])
	started := 0
	for _, rule := range pipeline.Resources("AWS::Events::Rule") {
		if slices.Equal(rule.Get("Properties.EventPattern.source").([]any), []any{"aws.s3"}) {
			started++
			assert.Equal(t, []any{"Object Created"}, rule.Get("Properties.EventPattern.detail-type"))
			assert.Equal(t, []any{"acme-source"}, rule.Get("Properties.EventPattern.detail.bucket.name"))
			assert.Equal(t, []any{"guestbook/app.zip"}, rule.Get("Properties.EventPattern.detail.object.key"))
		}
		if slices.Equal(rule.Get("Properties.EventPattern.source").([]any), []any{"aws.codecommit"}) {
			started++
			assert.Equal(t, []any{"release"}, rule.Get("Properties.EventPattern.detail.referenceName"))
		}
	}
	assert.Equal(t, 2, started)

	commit := find(t, stages, "Source", "web-site")
	assert.Equal(t, map[string]any{
		"RepositoryName": "site", "BranchName": "release",
		"PollForSourceChanges": false, "OutputArtifactFormat": "CODEBUILD_CLONE_REF",
	}, commit.Configuration)

	env := environmentOf(t, pipeline, find(t, stages, "Build", "Synth"))
	assert.Regexp(t, `^s3-#\{Source@[a-z0-9]+\.VersionId\}$`, env["TINYSTACK_COMMIT"])
	assert.Equal(t, "#{Source@site.CommitId}", env["TINYSTACK_COMMIT_WEB_SITE"])
	assert.Equal(t, "#{Source@acme_tools_worker.CommitId}", env["TINYSTACK_COMMIT_WORKER"])
	assert.Equal(t, env["TINYSTACK_COMMIT_WORKER"], env["TINYSTACK_COMMIT_MAILER"], "one action for one source")

	site := environmentOf(t, pipeline, find(t, stages, "Images", "web-site"))
	assert.Equal(t, "#{Source@site.CommitId}", site["IMAGE_TAG"])
	assert.Equal(t, "site", site["TINYSTACK_CONTEXT"])
	assert.Equal(t, "docker/Dockerfile", site["TINYSTACK_DOCKERFILE"])

	release := environmentOf(t, pipeline, find(t, stages, "dev", "Release"))
	assert.Equal(t, "guestbook/api=TINYSTACK_COMMIT guestbook/web-site=TINYSTACK_COMMIT_WEB_SITE "+
		"guestbook/worker=TINYSTACK_COMMIT_WORKER guestbook/mailer=TINYSTACK_COMMIT_MAILER", release["TINYSTACK_IMAGES"])

	// Every project that clones may do so, and none may that does not.
	for stage, clones := range map[string]string{"web-site": "codecommit:GitPull", "worker": "codeconnections:UseConnection", "api": ""} {
		role, _ := pipeline.Resource(projectOf(t, pipeline, find(t, stages, "Images", stage)).Get("Properties.ServiceRole.Fn::GetAtt.0").(string))
		var actions []string
		for _, s := range statements(t, role) {
			actions = append(actions, s.actions...)
		}
		for _, action := range []string{"codecommit:GitPull", "codeconnections:UseConnection"} {
			assert.Equal(t, action == clones, slices.Contains(actions, action), "%s: %s", stage, action)
		}
	}
}

func TestTwoBranchesOfOneRepository(t *testing.T) {
	declared := guestbook()
	next := connection("acme/guestbook")
	next.Branch = "next"
	declared.Services = append(declared.Services, spec.Service{Name: "web", Context: ".", Dockerfile: "Dockerfile", Source: next})
	assert.Equal(t, "delivery Delivery: the source of web is acme/guestbook at next, which is a source at main already: "+
		"a pipeline follows one branch of a repository, over one connection, by one set of filters", refusal(t, declared))
}

func TestWaves(t *testing.T) {
	declared := guestbook()
	declared.Stages = nil
	for _, each := range []struct {
		name, wave string
		approval   spec.Approval
	}{
		{"dev", "", spec.Automatic},
		{"eu", "world", spec.Manual},
		{"us", "world", spec.Manual},
		{"lab", "tests", spec.Automatic},
		{"load", "tests", spec.Manual},
		{"last", "alone", spec.Manual},
	} {
		s := stageOf(each.name, home, "us-east-1")
		s.Wave, s.Approval = each.wave, each.approval
		declared.Stages = append(declared.Stages, s)
	}
	pipeline := template(t, synth(t, declared), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)
	assert.Equal(t, []string{
		"dev: guestbook-dev-network.Deploy → guestbook-dev-service.Deploy → Release",
		"world: Approve → eu.guestbook-eu-network.Deploy + us.guestbook-us-network.Deploy → " +
			"eu.guestbook-eu-service.Deploy + us.guestbook-us-service.Deploy → eu.Release + us.Release",
		"tests: lab.guestbook-lab-network.Deploy + load.Approve → lab.guestbook-lab-service.Deploy + load.guestbook-load-network.Deploy → " +
			"lab.Release + load.guestbook-load-service.Deploy → load.Release",
		"last: Approve → guestbook-last-network.Deploy → guestbook-last-service.Deploy → Release",
	}, outline(stages)[4:])
	assert.Equal(t, "Let commit #{Source@acme_guestbook.CommitId} of guestbook into wave world (eu, us)?",
		find(t, stages, "world", "Approve").Configuration["CustomData"])

	// A pipeline in one account needs no key that costs anything.
	for id, bucket := range pipeline.Resources("AWS::S3::Bucket") {
		assert.Equal(t, "AES256", bucket.Get("Properties.BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm"), id)
	}
	assert.Len(t, pipeline.Resources("AWS::KMS::Key"), 1, "that of the notifications")
}

func TestRefusals(t *testing.T) {
	for name, each := range map[string]struct {
		change func(*spec.App)
		props  func(*DeliveryProps)
		want   string
	}{
		"interrupted wave": {
			change: func(a *spec.App) { a.Stages[0].Wave, a.Stages[2].Wave = "w", "w" },
			want:   `wave "w" is interrupted before stage prod: its stages have to stand next to one another`,
		},
		"wave named like a stage": {
			change: func(a *spec.App) {
				a.Stages = append(a.Stages, stageOf("eu", home, "us-east-1"), stageOf("us", home, "us-east-1"))
				a.Stages[3].Wave, a.Stages[4].Wave = "dev", "dev"
			},
			want: `"dev" is the name of two stages of the pipeline: a wave needs a name that no stage and no other wave has`,
		},
		"wave named like a stage of every pipeline": {
			change: func(a *spec.App) { a.Stages[0].Wave, a.Stages[1].Wave = "Images", "Images" },
			want:   `"Images" is the name of two stages of the pipeline: a wave needs a name that no stage and no other wave has`,
		},
		"no gate role": {
			props: func(p *DeliveryProps) { p.Stages[1].GateRoleARN = "" },
			want:  "stage canary bakes with alarms and has no gate role: make one with NewGateRole",
		},
		"two windows in a wave": {
			change: func(a *spec.App) {
				for i, from := range []int{8, 9} {
					a.Stages[i].Wave, a.Stages[i].Window = "w", &spec.Window{Days: []string{"mon"}, From: &from, Until: 12, TimeZone: "UTC"}
				}
			},
			want: "stages dev and canary deploy in one wave and have different windows",
		},
		"a review for nobody": {
			change: func(a *spec.App) { a.Stages[0].Review = true },
			want:   "stage dev is reviewed, and nobody approves it: give it a manual approval",
		},
		"a review without a role": {
			change: func(a *spec.App) { a.Stages[2].Review = true },
			props: func(p *DeliveryProps) {
				p.Stages[2].Stage = awscdk.NewStage(p.Stages[2].Stage, jsii.String("Empty"), nil)
			},
			want: "stage prod is reviewed, and its stacks name no role for look-ups: use a synthesizer that has one, as the CDK's default has",
		},
		"sleep of nothing": {
			change: func(a *spec.App) { a.Stages[1].Sleeps = true },
			props:  func(p *DeliveryProps) { p.Stages[1].ServiceStack = "" },
			want:   "stage canary sleeps between releases, and nothing says what: give the name of its service stack",
		},
		"a stage named like another's approval": {
			change: func(a *spec.App) {
				a.Stages[1].Approval = spec.Manual
				a.Stages = append(a.Stages, stageOf("canary-approval", home, "us-east-1"))
			},
			want: `"canary-approval" is the name of two stages of the pipeline: a wave needs a name that no stage and no other wave has`,
		},
		"endless bake": {
			change: func(a *spec.App) { a.Stages[1].Bake = spec.Duration(48 * time.Hour) },
			want:   "stage canary bakes for 48h, and a build may take 8 hours: bake for at most 7h",
		},
		"architectures": {
			change: func(a *spec.App) { a.Stages[2].Scale.Instance = "m7g.large" },
			want: "stages dev (t3.micro) and prod (m7g.large) have instances of different CPU architectures (x86_64 and arm64), " +
				"and the image is built for one: choose instance types of the same architecture",
		},
		"no stages": {
			props: func(p *DeliveryProps) { p.Stages = nil },
			want:  "no stage is given: a pipeline needs at least one",
		},
		"another account": {
			props: func(p *DeliveryProps) {
				elsewhere := *p.App.Pipeline
				elsewhere.Account = other
				p.App.Pipeline = &elsewhere
			},
			want: "stack guestbook-pipeline is in account 111111111111 and region us-east-1, and the declaration's pipeline in 222222222222 and us-east-1: " +
				"give the stack that environment",
		},
		"nothing declared": {
			props: func(p *DeliveryProps) { p.App.Pipeline = nil },
			want:  "the declaration has no pipeline, or no source: resolve it first, see spec.App.Resolve",
		},
	} {
		t.Run(name, func(t *testing.T) {
			declared := guestbook()
			if each.change != nil {
				each.change(&declared)
			}
			var changes []func(*DeliveryProps)
			if each.props != nil {
				changes = append(changes, each.props)
			}
			assert.Equal(t, "delivery Delivery: "+each.want, refusal(t, declared, changes...))
		})
	}
}

// A large application: a support stack for every region, and a role whose
// policy is too long for one.
func TestManyRegions(t *testing.T) {
	declared := guestbook()
	declared.Stages = nil
	for i, region := range spec.Regions()[:30] {
		account := []string{home, other, "333333333333"}[i%3]
		declared.Stages = append(declared.Stages, stageOf(fmt.Sprintf("s%d", i), account, region))
	}
	assembly := secured(t, declared)
	pipeline := template(t, assembly, "guestbook-pipeline")
	assert.Len(t, stagesOf(t, pipeline), 34)
	assert.NotEmpty(t, pipeline.Resources("AWS::IAM::ManagedPolicy"))
	for _, place := range RegistryRegions(declared) {
		registry := template(t, assembly, "guestbook-registry-"+place.Region)
		assert.Equal(t, "guestbook/api", only(t, registry, "AWS::ECR::Repository").Properties["RepositoryName"])
	}
}

func TestTooManyStages(t *testing.T) {
	declared := guestbook()
	declared.Stages = nil
	for i := range 47 {
		declared.Stages = append(declared.Stages, stageOf(fmt.Sprintf("s%d", i), home, "us-east-1"))
	}
	assert.Equal(t, "delivery Delivery: the pipeline has 51 stages, and CodePipeline takes 50: join neighbouring stages with wave", refusal(t, declared))
}

func TestLimits(t *testing.T) {
	pipeline := func(actions ...int) []any {
		var stages []any
		for i, n := range actions {
			stages = append(stages, map[string]any{"name": fmt.Sprintf("s%d", i), "actions": make([]any, n)})
		}
		return stages
	}
	assert.NoError(t, limits(pipeline(1, 50)))
	assert.EqualError(t, limits(pipeline(1, 51)), "stage s1 of the pipeline has 51 actions, and CodePipeline takes 50: deploy fewer stages side by side")
	assert.NoError(t, limits(pipeline(50, 50, 50, 50, 50, 50, 50, 50, 50, 50)))
	assert.EqualError(t, limits(pipeline(50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 1)),
		"the pipeline has 501 actions, and CodePipeline takes 500: declare fewer stages or services, or split the application")
}

func TestArm(t *testing.T) {
	declared := guestbook()
	for i := range declared.Stages {
		declared.Stages[i].Scale.Instance = "t4g.small"
	}
	pipeline := template(t, synth(t, declared), "guestbook-pipeline")
	a := find(t, stagesOf(t, pipeline), "Images", "api")
	assert.Equal(t, "linux/arm64", environmentOf(t, pipeline, a)["TINYSTACK_PLATFORM"])
	assert.Equal(t, "ARM_CONTAINER", projectOf(t, pipeline, a).Get("Properties.Environment.Type"))
}

// Buildspec files of the application's own take the place of the generated
// commands; what the pipeline promises all the same is done around them.
func TestOwnBuildSpecs(t *testing.T) {
	assembly := secured(t, guestbook(), func(p *DeliveryProps) {
		p.BuildSpecs = map[string]string{"api": "build.yml"}
		p.ReleaseSpecs = map[string]string{"api": "release.yml"}
		p.Stages[1].ClusterARN = outputOf(p.Stages[1], "ClusterARN")
		p.Stages[1].ServiceNames = map[string]awscdk.CfnOutput{"api": outputOf(p.Stages[1], "ApiServiceName")}
		p.Stages[2].Pre = []pipelines.Step{pipelines.NewManualApprovalStep(jsii.String("AskLegal"), nil)}
		p.Stages[2].Post = []pipelines.Step{pipelines.NewManualApprovalStep(jsii.String("LookAtIt"), nil)}
	})
	pipeline := template(t, assembly, "guestbook-pipeline")
	stages := stagesOf(t, pipeline)
	assert.Equal(t, []string{
		"Images: api → api-Distribute",
		"dev: guestbook-dev-network.Deploy → guestbook-dev-service.Deploy → api-Release → Release",
		"canary: guestbook-canary-network.Deploy → guestbook-canary-service.Deploy → api-Release → Bake → Release",
		"prod: Approve → AskLegal → guestbook-prod-network.Deploy → guestbook-prod-service.Deploy → LookAtIt + api-Release → Release",
	}, outline(stages)[3:])

	build := find(t, stages, "Images", "api")
	assert.Equal(t, "build.yml", projectOf(t, pipeline, build).Get("Properties.Source.BuildSpec"))
	assert.Equal(t, "true", environmentOf(t, pipeline, find(t, stages, "Images", "api-Distribute"))["TINYSTACK_COPY_ONLY"])

	built := environmentOf(t, pipeline, build)
	for name, value := range map[string]any{
		"STAGE_NAME": "dev", "PREVIOUS_STAGE_NAME": "latest", "STAGE_REGION": "us-east-1", "REGIONAL_ECR_ENDPOINT": nil, "NODE_ENV": "production",
		"AWS_REGION": "us-east-1", "ECR_ENDPOINT": homeHost, "ECR_IMAGE_URL": homeHost + "/guestbook/api", "IMAGE_TAG": "#{Source@acme_guestbook.CommitId}",
	} {
		assert.Equal(t, value, built[name], name)
	}

	release := find(t, stages, "canary", "api-Release")
	assert.Equal(t, "release.yml", projectOf(t, pipeline, release).Get("Properties.Source.BuildSpec"))
	assert.Equal(t, "acme_guestbook_Source", release.Inputs[0].Name, "with git's metadata")
	env := environmentOf(t, pipeline, release)
	assert.Equal(t, map[string]any{
		"AWS_REGION":             "us-east-1",
		"S3_BUCKET":              env["S3_BUCKET"],
		"ECR_ENDPOINT":           homeHost,
		"ECR_IMAGE_URL":          homeHost + "/guestbook/api",
		"STAGE_NAME":             "canary",
		"PREVIOUS_STAGE_NAME":    "dev",
		"CLUSTER_ARN":            "#{canaryservice0A8F7AD3.ClusterARN}",
		"SERVICE_NAME":           "#{canaryservice0A8F7AD3.ApiServiceName}",
		"STAGE_REGION":           "us-west-2",
		"REGIONAL_ECR_ENDPOINT":  anotherHost,
		"REGIONAL_ECR_IMAGE_URL": anotherHost + "/guestbook/api",
		"IMAGE_TAG":              "#{Source@acme_guestbook.CommitId}",
	}, env)
	assert.NotEmpty(t, env["S3_BUCKET"])
	assert.Equal(t, "canaryservice0A8F7AD3", find(t, stages, "canary", "guestbook-canary-service.Deploy").Namespace,
		"the deployment, in whichever account and region, hands its outputs on")
}

// outputOf is an output of the stage's last stack.
func outputOf(stage StageDeployment, name string) awscdk.CfnOutput {
	stack := stage.Stage.Node().FindChild(jsii.String("service")).(awscdk.Stack)
	return awscdk.NewCfnOutput(stack, &name, &awscdk.CfnOutputProps{Value: jsii.String("the " + name)})
}

// An application of existing images has nothing to build or to tag.
func TestNothingBuilt(t *testing.T) {
	declared := guestbook()
	declared.Services = declared.Services[1:]
	declared.Pipeline.Notify = nil
	declared.Pipeline.Synth = []string{"make synth"}
	assert.Empty(t, RegistryRegions(declared))
	app := synthtest.NewApp(t)
	assert.Nil(t, deploy(app, declared).Topic())
	pipeline := template(t, synthtest.SynthSecure(t, app), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)
	assert.Equal(t, []string{
		"Source: Application",
		"Build: Synth",
		"UpdatePipeline: SelfMutate",
		"dev: guestbook-dev-network.Deploy → guestbook-dev-service.Deploy",
		"canary: guestbook-canary-network.Deploy → guestbook-canary-service.Deploy → Bake",
		"prod: Approve → guestbook-prod-network.Deploy → guestbook-prod-service.Deploy",
	}, outline(stages))
	assert.Empty(t, pipeline.Resources("AWS::SNS::Topic"))
	assert.NotContains(t, find(t, stages, "prod", "Approve").Configuration, "NotificationArn")
	assert.Contains(t, projectOf(t, pipeline, find(t, stages, "Build", "Synth")).Get("Properties.Source.BuildSpec"), `"make synth"`)
}

// Assets of stages are published by one project, with a pinned tool.
func TestAssets(t *testing.T) {
	app := synthtest.NewApp(t)
	deploy(app, guestbook(), func(p *DeliveryProps) {
		for _, stage := range p.Stages[:2] {
			stack := stage.Stage.Node().FindChild(jsii.String("service")).(awscdk.Stack)
			awss3assets.NewAsset(stack, jsii.String("File"), &awss3assets.AssetProps{Path: jsii.String("doc.go")})
		}
	})
	pipeline := template(t, synthtest.SynthSecure(t, app), "guestbook-pipeline")
	stages := stagesOf(t, pipeline)
	assert.Equal(t, []string{"UpdatePipeline: SelfMutate", "Assets: FileAssets", "Images: api"}, outline(stages)[2:5])
	spec := projectOf(t, pipeline, find(t, stages, "Assets", "FileAssets")).Get("Properties.Source.BuildSpec")
	assert.Regexp(t, `^buildspec-[0-9a-f]+-FileAsset\.yaml$`, spec)
	text, err := os.ReadFile(*app.Outdir() + "/" + spec.(string))
	require.NoError(t, err)
	assert.Contains(t, string(text), "npm install -g cdk-assets@4.7.3")
}
