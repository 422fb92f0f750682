package delivery

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodebuild"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodepipeline"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/internal/policy"
	"github.com/tinystack-go/tinystack/spec"
)

// The tools that a pipeline runs, pinned: what is newest when a pipeline
// happens to run may not read what this version of the library writes.
const (
	cdkVersion       = "2.1148.1"
	cdkIntegrity     = "sha512-K3d02L17IwmAuiBWNuX1DzYhKUs9GrKYI7bZnGJfJ1bKz9ymXFxfudBOL3rUb8JAusDNSULiQU2fsJH7kyY2XA=="
	cdkAssetsVersion = "4.7.3"
	goVersion        = "1.26"
	nodeVersion      = "24"
)

// DeliveryProps says what is delivered, and where to.
type DeliveryProps struct {
	// App is the resolved declaration (see [spec.App.Resolve]); it must have a
	// pipeline. Required.
	App spec.App

	// Stages are the deployments, in the order in which a commit passes them.
	// Required: at least one.
	Stages []StageDeployment

	// BuildSpecs names, by service, a buildspec file in the service's source
	// that builds and pushes its image instead of the generated one. It has to
	// push $ECR_IMAGE_URL:$IMAGE_TAG and to leave a tag alone that is there
	// already. What a service declares itself wins. Default: none.
	BuildSpecs map[string]string

	// ReleaseSpecs names, by service, a buildspec file in the service's source
	// that runs after each stage's deployment. What a service declares itself
	// wins. Default: none.
	ReleaseSpecs map[string]string
}

// StageDeployment is what the pipeline deploys as one stage.
type StageDeployment struct {
	// Stage holds the CloudFormation stacks. Required.
	Stage awscdk.Stage
	// Spec is the stage's part of the declaration. Required.
	Spec spec.Stage
	// AlarmNames are the CloudWatch alarms of the stage that end a bake; they
	// are metric alarms in the stage's region. Default: none: the bake waits,
	// whatever happens.
	AlarmNames []string
	// GateRoleARN is the role in the stage's account that the alarms are read
	// with (see [NewGateRole] and [GateRoleARN]). Required where the stage
	// bakes and has alarms, unless rules watch them (see [spec.BakesByRules]).
	GateRoleARN string
	// ClusterARN and ServiceNames, by service, are outputs of the stage's
	// stacks, which name resources that have no name before they are made.
	// They are in the environment of a release buildspec. Default: none.
	ClusterARN   awscdk.CfnOutput
	ServiceNames map[string]awscdk.CfnOutput
	// ServiceStack is the name of the stack with the stage's instances and
	// services, in which [NewSleepRole] made its role. Required where the stage
	// sleeps.
	ServiceStack string
	// URL is the output with the address of the stage. Required where the
	// stage is smoke-tested at a path.
	URL awscdk.CfnOutput
	// Pre are steps that run after the approval of the stage and before its
	// deployment. Default: none.
	Pre []pipelines.Step
	// Post are steps that run after the deployment of the stage and have to
	// succeed before it counts as released. Default: none.
	Post []pipelines.Step
}

// Delivery is the pipeline of an application.
type Delivery interface {
	constructs.Construct
	// Pipeline is the CDK pipeline; it is built already.
	Pipeline() pipelines.CodePipeline
	// CodePipeline is the pipeline in AWS.
	CodePipeline() awscodepipeline.Pipeline
	// Topic hears of failed executions and of approvals that wait; nil when
	// the declaration names nobody to notify.
	Topic() awssns.ITopic
	// LogGroup holds the output of builds and releases.
	LogGroup() awslogs.ILogGroup
	// History is the log group of what became of each action: deployments and
	// approvals have no output of their own.
	History() awslogs.ILogGroup
	// ArtifactBucket holds what actions hand to one another.
	ArtifactBucket() awss3.IBucket
}

type delivery struct {
	constructs.Construct
	props  *DeliveryProps
	app    spec.App
	stack  awscdk.Stack
	groups []group
	asked  asked

	logs         awslogs.LogGroup
	events       awslogs.LogGroup
	artifacts    awss3.Bucket
	topic        awssns.Topic
	codePipeline awscodepipeline.Pipeline
	// resource is codePipeline's own.
	resource awscodepipeline.CfnPipeline
	pipeline pipelines.CodePipeline

	sources []*source
	built   []spec.Service
	arch    string
	// reviewing says that the bucket has a rule for reports.
	reviewing bool
	// custom steps get their buildspec once they have a project.
	custom []customStep
}

// NewDelivery makes the pipeline. The scope's stack must be in the account and
// region of the declaration's pipeline. It panics, with all reasons, when AWS
// would reject the pipeline.
func NewDelivery(scope constructs.Construct, id *string, props *DeliveryProps) Delivery {
	stack := awscdk.Stack_Of(scope)
	arch, err := check(stack, props)
	if err != nil {
		panic(fmt.Errorf("delivery %s: %w", *id, err))
	}
	d := &delivery{props: props, app: props.App, stack: stack, groups: groups(props.Stages), asked: newAsked(), arch: arch}
	constructs.NewConstruct_Override(d, scope, id)
	for _, service := range d.app.Services {
		if service.Builds() {
			d.built = append(d.built, service)
		}
	}
	d.logs = observability.NewLogGroup(d, jsii.String("Builds"), &observability.LogGroupProps{
		Name:          naming.App(d.app.Name).BuildLogs(),
		RetentionDays: d.app.Pipeline.LogRetentionDays,
		Key:           d.logKey(),
	})
	if to := d.app.Pipeline.Logs.Destination; to != nil {
		observability.NewLogSubscription(d, jsii.String("LogDestination"), &observability.LogSubscriptionProps{LogGroup: d.logs, Destination: *to})
	}
	d.artifacts, d.asked.key = d.artifactBucket()
	d.ask()
	d.codePipeline = awscodepipeline.NewPipeline(d, jsii.String("Pipeline"), &awscodepipeline.PipelineProps{
		PipelineName:             jsii.String(d.app.Name),
		PipelineType:             awscodepipeline.PipelineType_V2,
		ExecutionMode:            executionMode(d.app.Pipeline.ExecutionMode),
		RestartExecutionOnUpdate: jsii.Bool(true),
		ArtifactBucket:           d.artifacts,
		CrossAccountKeys:         jsii.Bool(d.crossAccount()),
		EnableKeyRotation:        jsii.Bool(d.crossAccount()),
		// Shared with another pipeline of the app, a support stack would be
		// named after whichever comes first.
		ReuseCrossRegionSupportStacks: jsii.Bool(false),
		UsePipelineRoleForActions:     jsii.Bool(true),
	})
	d.resource = d.codePipeline.Node().DefaultChild().(awscodepipeline.CfnPipeline)
	d.topic = d.notifications()
	d.history()
	d.queries()
	if err := d.addSources(); err != nil {
		panic(fmt.Errorf("delivery %s: %w", *id, err))
	}
	d.pipeline = pipelines.NewCodePipeline(d, jsii.String("Delivery"), &pipelines.CodePipelineProps{
		CodePipeline:                     d.codePipeline,
		Synth:                            d.synth(),
		SelfMutation:                     jsii.Bool(true),
		CliVersion:                       jsii.String(cdkVersion),
		CdkAssetsCliVersion:              jsii.String(cdkAssetsVersion),
		PublishAssetsInParallel:          jsii.Bool(false),
		UseChangeSets:                    jsii.Bool(false),
		UsePipelineRoleForActions:        jsii.Bool(true),
		CodeBuildDefaults:                &pipelines.CodeBuildOptions{BuildEnvironment: d.environment(), Timeout: d.minutes(60)},
		SelfMutationCodeBuildDefaults:    &pipelines.CodeBuildOptions{Logging: d.logging("self-update")},
		AssetPublishingCodeBuildDefaults: d.tools("assets"),
	})
	d.addImages()
	if err := d.addStages(); err != nil {
		panic(fmt.Errorf("delivery %s: %w", *id, err))
	}
	d.allowRules()
	d.pipeline.BuildPipeline()
	d.keepCaches()
	d.updateItself()
	if d.app.Pipeline.ProtectGates {
		d.protectGates()
	}
	if err := d.finish(); err != nil {
		panic(fmt.Errorf("delivery %s: %w", *id, err))
	}
	return d
}

func (d *delivery) Pipeline() pipelines.CodePipeline       { return d.pipeline }
func (d *delivery) CodePipeline() awscodepipeline.Pipeline { return d.codePipeline }
func (d *delivery) LogGroup() awslogs.ILogGroup            { return d.logs }
func (d *delivery) History() awslogs.ILogGroup             { return d.events }
func (d *delivery) ArtifactBucket() awss3.IBucket          { return d.artifacts }

func (d *delivery) Topic() awssns.ITopic {
	if d.topic == nil {
		return nil // and not an interface that holds nil
	}
	return d.topic
}

// check finds what would otherwise fail late, or never be noticed.
func check(stack awscdk.Stack, props *DeliveryProps) (arch string, err error) {
	app := props.App
	if app.Pipeline == nil || app.Source == nil {
		return "", errors.New("the declaration has no pipeline, or no source: resolve it first, see spec.App.Resolve")
	}
	var problems []error
	fail := func(format string, values ...any) { problems = append(problems, fmt.Errorf(format, values...)) }
	if *stack.Account() != app.Pipeline.Account || *stack.Region() != app.Pipeline.Region {
		fail("stack %s is in account %s and region %s, and the declaration's pipeline in %s and %s: give the stack that environment",
			*stack.StackName(), *stack.Account(), *stack.Region(), app.Pipeline.Account, app.Pipeline.Region)
	}
	if len(props.Stages) == 0 {
		fail("no stage is given: a pipeline needs at least one")
	}
	waves := map[string]bool{}
	for i, stage := range props.Stages {
		name, wave := stage.Spec.Name, stage.Spec.Wave
		if wave != "" && (i == 0 || props.Stages[i-1].Spec.Wave != wave) {
			if waves[wave] {
				fail("wave %q is interrupted before stage %s: its stages have to stand next to one another", wave, name)
			}
			waves[wave] = true
		} else if wave != "" && course.WindowOf(stage.Spec) != course.WindowOf(props.Stages[i-1].Spec) {
			fail("stages %s and %s deploy in one wave and have different windows", props.Stages[i-1].Spec.Name, name)
		}
		if course.Bakes(stage.Spec) && len(stage.AlarmNames) > 0 && stage.GateRoleARN == "" && !spec.BakesByRules(*app.Pipeline, stage.Spec, len(stage.AlarmNames)) {
			fail("stage %s bakes with alarms and has no gate role: make one with NewGateRole", name)
		}
		if smoke := stage.Spec.Smoke; smoke != nil && smoke.Path != "" && stage.URL == nil {
			fail("stage %s is smoke-tested at %s and has no address: give the output that holds it", name, smoke.Path)
		}
		if stage.Spec.Review && !course.Manual(stage.Spec) {
			fail("stage %s is reviewed, and nobody approves it: give it a manual approval", name)
		} else if stage.Spec.Review && len(lookupRoles(stage.Stage)) == 0 {
			fail("stage %s is reviewed, and its stacks name no role for look-ups: use a synthesizer that has one, as the CDK's default has", name)
		}
		if course.Sleeps(stage.Spec) && stage.ServiceStack == "" {
			fail("stage %s sleeps between releases, and nothing says what: give the name of its service stack", name)
		}
		if len(stage.AlarmNames) > maxAlarms {
			fail("stage %s bakes with %d alarms, and CloudWatch describes %d at once", name, len(stage.AlarmNames), maxAlarms)
		}
		if stage.Spec.Bake > maxBake {
			fail("stage %s bakes for %s, and a build may take 8 hours: bake for at most %s", name, stage.Spec.Bake, maxBake)
		}
	}
	arch, err = architecture(props)
	return arch, errors.Join(append(problems, err)...)
}

// crossAccount says whether artifacts are read from another account, which
// takes a key that the other account can be let use. A managed key serves all
// regions of one account, and costs nothing.
func (d *delivery) crossAccount() bool {
	for _, stage := range d.props.Stages {
		if stage.Spec.Account != d.app.Pipeline.Account {
			return true
		}
	}
	return false
}

// longestBuild is the longest timeout in minutes that a template may give to a
// project: AWS's validator takes 480. CodeBuild itself would go on for longer.
const longestBuild = 480

// timeout is how long a build may take that needs so many minutes.
func (d *delivery) timeout(minutes int) awscdk.Duration {
	return d.minutes(min(minutes, longestBuild))
}

func executionMode(mode spec.ExecutionMode) awscodepipeline.ExecutionMode {
	if mode == spec.Queued {
		return awscodepipeline.ExecutionMode_QUEUED
	}
	return awscodepipeline.ExecutionMode_SUPERSEDED
}

func (d *delivery) environment() *awscodebuild.BuildEnvironment {
	return &awscodebuild.BuildEnvironment{
		BuildImage:  d.asked.image,
		ComputeType: awscodebuild.ComputeType_SMALL,
	}
}

// logging puts a project's output under a prefix of its own in the one group.
func (d *delivery) logging(prefix string) *awscodebuild.LoggingOptions {
	return &awscodebuild.LoggingOptions{
		CloudWatch: &awscodebuild.CloudWatchLoggingOptions{LogGroup: d.logs, Prefix: jsii.String(prefix)},
	}
}

// tools is for the projects that install and run the CDK's own command lines.
func (d *delivery) tools(prefix string) *pipelines.CodeBuildOptions {
	return &pipelines.CodeBuildOptions{
		Logging:          d.logging(prefix),
		PartialBuildSpec: d.asked.node,
	}
}

func nodeRuntime() awscodebuild.BuildSpec {
	return awscodebuild.BuildSpec_FromObject(&map[string]any{
		"version": "0.2",
		"phases": map[string]any{
			"install": map[string]any{"runtime-versions": map[string]any{"nodejs": nodeVersion}},
		},
	})
}

// script runs as one command, in a process of its own: `set -e` inside a mere
// subshell is void when whoever runs the command tests how it ended. Comments
// stay here, where they are read.
func script(text string) *[]*string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			lines.WriteString(strings.ReplaceAll(line, "'", `'\''`))
		}
	}
	return jsii.Strings("bash -c '\n" + lines.String() + "'")
}

// buildRole is the role of one CodeBuild project. It has exactly what the
// project needs: the role that the CDK would make may also write to any log
// group of CodeBuild's, and report groups that nobody uses.
func (d *delivery) buildRole(scope constructs.Construct, id, name, description string, written writing, statements ...policy.Statement) awsiam.IRole {
	objects := []string{"s3:GetObject", "s3:GetObjectVersion"}
	keys := []string{"kms:Decrypt", "kms:DescribeKey"}
	first := []policy.Statement{
		policy.Allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, d.asked.logsARN),
		policy.Allow([]string{"s3:GetBucketAcl", "s3:GetBucketLocation"}, d.asked.bucketARN),
		policy.Allow(objects, d.asked.bucketARN+"/*"),
	}
	if len(written) > 0 {
		var under []string
		for _, pattern := range written {
			under = append(under, d.asked.bucketARN+"/"+pattern)
		}
		first = append(first, policy.Allow([]string{"s3:PutObject"}, under...))
		keys = append(keys, "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
	}
	statements = append(first, statements...)
	if d.asked.key != nil {
		statements = append(statements, policy.Allow(keys, d.asked.keyARN))
	}
	props := &awsiam.RoleProps{
		AssumedBy:   d.asked.builder,
		Description: jsii.String(description),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"Build": policy.Document(statements...),
		},
	}
	if name != "" {
		props.RoleName = jsii.String(name)
	}
	role := awsiam.NewRole(scope, jsii.String(id), props)
	policy.Acknowledge(d.stack, role, statements, policy.Because{
		`Resource::<[^>]+\.Arn>/\*`:                                    "CodePipeline names the artifacts; the bucket holds nothing but this pipeline's.",
		`Resource::<[^>]+\.Arn>/` + reviews + `[a-z0-9-]+/\*`:          "Reports of what a deployment would change are named after the build that wrote them.",
		`Resource::<[^>]+\.Arn>/` + regexp.QuoteMeta(assemblyArtifact): "CodePipeline puts the name of the pipeline before the artifact's, and what tells executions apart behind it.",
		`Resource::<[^>]+\.Arn>/` + synthCache + `/\*`:                 "CodeBuild names the parts of its cache.",
		`Resource::arn:[^*]+:stack/[^*]+/\*`:                           "That one stack, whose id is not known before it is made.",
		`Resource::\*`:                                                 "ecr:GetAuthorizationToken has no resource; what the token is good for is in the statements beside it.",
	})
	return role.WithoutPolicyUpdates(nil)
}

// writing are the patterns of the objects in the bucket of artifacts that a
// project may write.
type writing []string

var readOnly writing
