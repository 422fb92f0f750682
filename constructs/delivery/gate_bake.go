package delivery

import (
	_ "embed"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/pipelines"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/course"
	"github.com/tinystack-go/tinystack/internal/naming"
	"github.com/tinystack-go/tinystack/internal/policy"
	"github.com/tinystack-go/tinystack/spec"
)

// GateRoleProps says whose gate reads which stage's alarms.
type GateRoleProps struct {
	// App is the name of the application. Required.
	App string
	// Stage is the name of the stage. Required.
	Stage string
	// PipelineAccount is the account that the pipeline is in. Required.
	PipelineAccount string
}

// GateRole lets the bake step of one stage read the state of alarms in the
// stage's account and region, and do nothing else.
type GateRole interface {
	constructs.Construct
	// Role in the stage's account.
	Role() awsiam.IRole
}

type gateRole struct {
	constructs.Construct
	role awsiam.IRole
}

// NewGateRole makes the role, in a stack of the stage.
//
// It trusts the pipeline's account, narrowed down to the one role of the bake
// step by a condition: a principal that does not exist yet cannot be named in
// a trust policy, and a stage can be deployed before the pipeline.
func NewGateRole(scope constructs.Construct, id *string, props *GateRoleProps) GateRole {
	g := &gateRole{}
	constructs.NewConstruct_Override(g, scope, id)
	stack := awscdk.Stack_Of(scope)
	alarms := stack.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("cloudwatch"),
		Resource:     jsii.String("alarm"),
		ResourceName: jsii.String("*"),
		ArnFormat:    awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
	statements := []policy.Statement{policy.Allow([]string{"cloudwatch:DescribeAlarms"}, *alarms)}
	role := awsiam.NewRole(g, jsii.String("Role"), &awsiam.RoleProps{
		RoleName:    jsii.String(GateRoleName(props.App, props.Stage)),
		Description: jsii.String("Reads the alarms of " + props.App + "/" + props.Stage + " while a commit bakes"),
		AssumedBy: awsiam.NewAccountPrincipal(props.PipelineAccount).WithConditions(&map[string]any{
			"ArnEquals": map[string]any{
				"aws:PrincipalArn": "arn:" + *stack.Partition() + ":iam::" + props.PipelineAccount + ":role/" + BakeRoleName(props.App, props.Stage),
			},
		}),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"Alarms": policy.Document(statements...),
		},
	})
	policy.Acknowledge(stack, role, statements, policy.Because{
		"Resource::.*:alarm:\\*": "CloudWatch checks the permission to describe alarms against all alarms of the region, whichever are asked for.",
	})
	g.role = role
	return g
}

func (g *gateRole) Role() awsiam.IRole { return g.role }

// GateRoleName is the name of the role in the stage's account.
func GateRoleName(app, stage string) string { return naming.App(app).Stage(stage).GateRole() }

// GateRoleARN is the ARN of the role in the stage's account.
func GateRoleARN(account, region, app, stage string) string {
	return roleARN(account, region, GateRoleName(app, stage))
}

// BakeRoleName is the name of the bake step's role in the pipeline's account.
func BakeRoleName(app, stage string) string { return naming.App(app).Stage(stage).BakeRole() }

//go:embed scripts/bake.sh
var bakeScript string

const (
	// maxBake leaves the longest build room for what a bake takes beside waiting.
	maxBake = spec.Duration(7 * time.Hour)
	// maxAlarms is how many alarms CloudWatch describes in one answer.
	maxAlarms = 100
)

// bake watches a stage's alarms for a while.
func (d *delivery) bake(stage StageDeployment) pipelines.CodeBuildStep {
	seconds := stage.Spec.Bake.Seconds()
	env := map[string]*string{
		"STAGE_NAME":             jsii.String(stage.Spec.Name),
		"STAGE_REGION":           jsii.String(stage.Spec.Region),
		"TINYSTACK_BAKE_SECONDS": jsii.String(strconv.Itoa(seconds)),
	}
	if course.Sleeps(stage.Spec) {
		env["TINYSTACK_SETTLE_SECONDS"] = jsii.String(strconv.Itoa(settleSeconds))
	}
	var assume []policy.Statement
	if len(stage.AlarmNames) > 0 {
		env["TINYSTACK_ALARMS"] = jsii.String(strings.Join(stage.AlarmNames, "\n"))
		env["TINYSTACK_GATE_ROLE"] = jsii.String(stage.GateRoleARN)
		assume = append(assume, policy.Allow([]string{"sts:AssumeRole"}, stage.GateRoleARN))
	}
	scope := constructs.NewConstruct(d, jsii.String("Bake "+stage.Spec.Name))
	role := d.buildRole(scope, "Role", BakeRoleName(d.app.Name, stage.Spec.Name),
		"Watches the alarms of "+d.app.Name+"/"+stage.Spec.Name+" while a commit bakes", readOnly, assume...)
	// Each look at the alarms adds its own time to the wait.
	timeout := (seconds+59)/60*11/10 + 10
	if course.Sleeps(stage.Spec) {
		timeout += settleSeconds / 60
	}
	return d.step("Bake", script(bakeScript), env, "bake-"+stage.Spec.Name, role, &timeout)
}
