package service

import (
	_ "embed"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/inline"
)

//go:embed refresh.js
var refreshCode string

// composeCode goes before it where texts have the secret's password in them.
//
//go:embed compose.js
var composeCode string

// refreshMinutes is how long tasks go on with an old password at most, before
// they are started anew.
const refreshMinutes = 5

// SecretRefreshProps says which services are started anew after the rotation of
// which secret.
type SecretRefreshProps struct {
	// Secret that is rotated. Required.
	Secret awssecretsmanager.ISecret

	// Cluster of the services. Required.
	Cluster awsecs.ICluster

	// Services whose tasks are started anew. Default: none.
	Services []EcsEc2Service

	// Composed is another secret, a JSON object whose texts have the password in
	// them: it is written anew before tasks are started. Default: none.
	Composed awssecretsmanager.ISecret

	// Templates are the texts of Composed, in JSON, in which {secret:username}
	// and {secret:password} stand for what the secret has under those keys. Required with
	// Composed.
	Templates string

	// LogRetentionDays is how many days the function's output is kept.
	// Default: [spec.DefaultLogRetentionDays].
	LogRetentionDays int
}

// NewSecretRefresh starts the tasks of services anew, one after another as in
// any deployment and with the same task definition, after a secret of theirs was
// rotated. A function looks every five minutes: Secrets Manager tells EventBridge
// of a rotation only where the account has a CloudTrail trail, and nobody should
// find out by a database that refuses every connection. Where there is a trail,
// that starts the function at once.
func NewSecretRefresh(scope constructs.Construct, id *string, props *SecretRefreshProps) awslambda.IFunction {
	within := constructs.NewConstruct(scope, id)
	logs := observability.NewLogGroup(within, jsii.String("LogGroup"), &observability.LogGroupProps{RetentionDays: props.LogRetentionDays})
	role := awsiam.NewRole(within, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("Starts tasks anew when their secret was rotated"),
	})
	logs.GrantWrite(role)
	names := []any{}
	var arns []*string
	for _, service := range props.Services {
		names = append(names, service.Service().ServiceName())
		arns = append(arns, service.Service().ServiceArn())
	}
	if len(arns) > 0 {
		role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("ecs:DescribeServices", "ecs:UpdateService"),
			Resources: &arns,
		}))
	}
	// Not the value: when it was rotated.
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("secretsmanager:DescribeSecret"),
		Resources: &[]*string{props.Secret.SecretArn()},
	}))
	code := refreshCode
	environment := map[string]*string{
		"SECRET":   props.Secret.SecretArn(),
		"CLUSTER":  props.Cluster.ClusterName(),
		"SERVICES": awscdk.Stack_Of(within).ToJsonString(names, nil),
	}
	if props.Composed != nil {
		code += composeCode
		environment["COMPOSED"], environment["TEMPLATES"] = props.Composed.SecretArn(), &props.Templates
		role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("secretsmanager:GetSecretValue"),
			Resources: &[]*string{props.Secret.SecretArn(), props.Composed.SecretArn()},
		}))
		role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("secretsmanager:PutSecretValue"),
			Resources: &[]*string{props.Composed.SecretArn()},
		}))
	}
	function := awslambda.NewFunction(within, jsii.String("Function"), &awslambda.FunctionProps{
		Description:  jsii.String("Starts tasks anew when their secret was rotated"),
		Runtime:      awslambda.Runtime_NODEJS_24_X(),
		Architecture: awslambda.Architecture_ARM_64(),
		Handler:      jsii.String("index.handler"),
		Code:         awslambda.Code_FromInline(jsii.String(inline.JavaScript(code))),
		Role:         role,
		LogGroup:     logs,
		MemorySize:   jsii.Number(256),
		Timeout:      awscdk.Duration_Minutes(jsii.Number(1)),
		Environment:  &environment,
	})
	target := &[]awsevents.IRuleTarget{awseventstargets.NewLambdaFunction(function, nil)}
	awsevents.NewRule(within, jsii.String("Regularly"), &awsevents.RuleProps{
		Description: jsii.String("Looks whether the secret was rotated"),
		Schedule:    awsevents.Schedule_Rate(awscdk.Duration_Minutes(jsii.Number(refreshMinutes))),
		Targets:     target,
	})
	awsevents.NewRule(within, jsii.String("Rotated"), &awsevents.RuleProps{
		Description: jsii.String("Hears of a rotation, where CloudTrail tells it"),
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("aws.secretsmanager"),
			DetailType: jsii.Strings("AWS Service Event via CloudTrail"),
			Detail: &map[string]any{
				"eventName":           []any{"RotationSucceeded"},
				"additionalEventData": map[string]any{"SecretId": []any{props.Secret.SecretArn()}},
			},
		},
		Targets: target,
	})
	return function
}
