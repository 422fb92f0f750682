package delivery

import (
	_ "embed"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodebuild"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/internal/policy"
)

//go:embed scripts/sleep.sh
var sleepScript string

const (
	// sleepMinutes is what it takes at most to start instances and tasks.
	sleepMinutes = 60
	// settleSeconds is how long an alarm over missing tasks may last once they
	// are there again.
	settleSeconds = 900
)

// SleepRoleProps says what sleeps between releases.
type SleepRoleProps struct {
	// App is the name of the application. Required.
	App string
	// Stage is the name of the stage. Required.
	Stage string
	// PipelineAccount is the account that the pipeline is in. Required.
	PipelineAccount string
	// Group holds the instances. Required.
	Group awsautoscaling.IAutoScalingGroup
	// Services are what runs on them. Required.
	Services []awsecs.Ec2Service
}

// NewSleepRole makes the role by which a pipeline wakes a stage and lets it
// sleep, in the stack of its services: it changes the number of those
// instances and tasks, and nothing else. It trusts the one role of the
// pipeline, as that of [NewGateRole].
func NewSleepRole(scope constructs.Construct, id *string, props *SleepRoleProps) awsiam.IRole {
	stack := awscdk.Stack_Of(scope)
	var services []string
	for _, service := range props.Services {
		services = append(services, *service.ServiceArn())
	}
	targets := stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("application-autoscaling"), Resource: jsii.String("scalable-target"), ResourceName: jsii.String("*"),
	})
	statements := []policy.Statement{
		policy.Allow([]string{"cloudformation:DescribeStacks", "cloudformation:ListStackResources"}, *stack.StackId()),
		policy.Allow([]string{"autoscaling:UpdateAutoScalingGroup"}, *props.Group.AutoScalingGroupArn()),
		policy.Allow([]string{"ecs:DescribeServices", "ecs:UpdateService"}, services...),
		policy.Allow([]string{"autoscaling:DescribeAutoScalingGroups", "application-autoscaling:DescribeScalableTargets"}, "*"),
		{
			Actions:    []string{"application-autoscaling:RegisterScalableTarget"},
			Resources:  []string{*targets},
			Conditions: map[string]any{"StringEquals": map[string]any{"application-autoscaling:service-namespace": "ecs"}},
		},
	}
	role := awsiam.NewRole(scope, id, &awsiam.RoleProps{
		RoleName:    jsii.String(SleepRoleName(props.App, props.Stage)),
		Description: jsii.String("Wakes " + props.App + "/" + props.Stage + " for a release and lets it sleep after it"),
		AssumedBy: awsiam.NewAccountPrincipal(props.PipelineAccount).WithConditions(&map[string]any{
			"ArnEquals": map[string]any{
				"aws:PrincipalArn": "arn:" + *stack.Partition() + ":iam::" + props.PipelineAccount + ":role/" + wakerRoleName(props.App, props.Stage),
			},
		}),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"Capacity": policy.Document(statements...),
		},
	})
	policy.Acknowledge(stack, role, statements, policy.Because{
		`Resource::\*`: "Groups and scalable targets can be described only all together.",
		`Resource::.*:autoScalingGroup:\*:autoScalingGroupName/[^*]+`: "That one group; the id in the middle is not known.",
		`Resource::.*:scalable-target/\*`:                             "A scalable target has an id that CloudFormation does not tell; a condition leaves those of ECS.",
	})
	return role
}

// SleepRoleName is the name of the role in the stage's account.
func SleepRoleName(app, stage string) string { return naming.App(app).Stage(stage).SleepRole() }

// SleepRoleARN is the ARN of the role in the stage's account.
func SleepRoleARN(account, region, app, stage string) string {
	return roleARN(account, region, SleepRoleName(app, stage))
}

// wakerRoleName is the name of the role in the pipeline's account.
func wakerRoleName(app, stage string) string { return naming.App(app).Stage(stage).WakerRole() }

// sleeper is what wakes one stage and lets it sleep.
type sleeper struct {
	d     *delivery
	g     group
	stage StageDeployment
	scope constructs.Construct
	role  awsiam.IRole
}

func (d *delivery) newSleeper(g group, stage StageDeployment) *sleeper {
	scope := constructs.NewConstruct(d, jsii.String("Sleep "+stage.Spec.Name))
	region, account := d.app.Pipeline.Region, d.app.Pipeline.Account
	s := &sleeper{d: d, g: g, stage: stage, scope: scope}
	s.role = d.buildRole(scope, "Role", wakerRoleName(d.app.Name, stage.Spec.Name),
		"Wakes "+d.app.Name+"/"+stage.Spec.Name+" for a release and lets it sleep after it", readOnly,
		policy.Allow([]string{"sts:AssumeRole"}, SleepRoleARN(stage.Spec.Account, stage.Spec.Region, d.app.Name, stage.Spec.Name)),
		policy.Allow([]string{"codepipeline:GetPipelineState"}, "arn:"+partitionOf(region)+":codepipeline:"+region+":"+account+":"+d.app.Name))
	return s
}

func (s *sleeper) env(mode string) map[string]string {
	scale := s.stage.Spec.Scale
	return map[string]string{
		"AWS_REGION":           s.d.app.Pipeline.Region,
		"STAGE_NAME":           s.stage.Spec.Name,
		"STAGE_REGION":         s.stage.Spec.Region,
		"TINYSTACK_DEPLOYS":    s.g.Name,
		"TINYSTACK_DESIRED":    strconv.Itoa(*scale.Instances.Desired),
		"TINYSTACK_LEAST":      strconv.Itoa(*scale.Instances.Min),
		"TINYSTACK_MODE":       mode,
		"TINYSTACK_PIPELINE":   s.d.app.Name,
		"TINYSTACK_SLEEP_ROLE": SleepRoleARN(s.stage.Spec.Account, s.stage.Spec.Region, s.d.app.Name, s.stage.Spec.Name),
		"TINYSTACK_STACK":      s.stage.ServiceStack,
	}
}

// step is a step of the pipeline.
func (s *sleeper) step(id, mode string) pipelines.CodeBuildStep {
	env := map[string]*string{}
	for name, value := range s.env(mode) {
		env[name] = jsii.String(value)
	}
	limit := sleepMinutes
	return s.d.step(id, script(sleepScript), env, strings.ToLower(id)+"-"+s.stage.Spec.Name, s.role, &limit)
}

// watch lets the stage sleep also when a commit does not come through it: then
// no later step of the pipeline runs. A stage that CodePipeline takes back is
// left awake for that, and sleeps at its end, good or bad.
func (s *sleeper) watch() {
	env := map[string]*awscodebuild.BuildEnvironmentVariable{}
	for name, value := range s.env("failed") {
		env[name] = &awscodebuild.BuildEnvironmentVariable{Value: value}
	}
	project := awscodebuild.NewProject(s.scope, jsii.String("Failed"), &awscodebuild.ProjectProps{
		Description:          jsii.String("Lets " + s.d.app.Name + "/" + s.stage.Spec.Name + " sleep after a release that failed"),
		Environment:          s.d.environment(),
		EnvironmentVariables: &env,
		EncryptionKey:        s.d.encryptionKey(),
		BuildSpec: awscodebuild.BuildSpec_FromObject(&map[string]any{
			"version": "0.2",
			"phases":  map[string]any{"build": map[string]any{"commands": *script(sleepScript)}},
		}),
		Logging: s.d.logging("sleep-" + s.stage.Spec.Name),
		Timeout: s.d.minutes(sleepMinutes),
		Role:    s.role,
	})
	awsevents.NewRule(s.scope, jsii.String("Rule"), &awsevents.RuleProps{
		Description: jsii.String("Starts it when a commit fails in " + s.d.app.Name + "/" + s.stage.Spec.Name),
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("aws.codepipeline"),
			DetailType: jsii.Strings("CodePipeline Stage Execution State Change"),
			Detail: &map[string]any{
				"pipeline": []string{s.d.app.Name},
				"stage":    []string{s.g.Name, s.g.Name + course.SleepSuffix},
				"state":    []string{"FAILED", "STOPPED", "CANCELED"},
			},
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewCodeBuildProject(project, nil)},
	})
}
