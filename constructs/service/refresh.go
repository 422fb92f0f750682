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

	// Services whose tasks are started anew. Required.
	Services []EcsEc2Service

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
	var names []any
	var arns []*string
	for _, service := range props.Services {
		names = append(names, service.Service().ServiceName())
		arns = append(arns, service.Service().ServiceArn())
	}
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("ecs:DescribeServices", "ecs:UpdateService"),
		Resources: &arns,
	}))
	// Not the value: when it was rotated.
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("secretsmanager:DescribeSecret"),
		Resources: &[]*string{props.Secret.SecretArn()},
	}))
	function := awslambda.NewFunction(within, jsii.String("Function"), &awslambda.FunctionProps{
		Description:  jsii.String("Starts tasks anew when their secret was rotated"),
		Runtime:      awslambda.Runtime_NODEJS_24_X(),
		Architecture: awslambda.Architecture_ARM_64(),
		Handler:      jsii.String("index.handler"),
		Code:         awslambda.Code_FromInline(jsii.String(inline.JavaScript(refreshCode))),
		Role:         role,
		LogGroup:     logs,
		MemorySize:   jsii.Number(256),
		Timeout:      awscdk.Duration_Minutes(jsii.Number(1)),
		Environment: &map[string]*string{
			"SECRET":   props.Secret.SecretArn(),
			"CLUSTER":  props.Cluster.ClusterName(),
			"SERVICES": awscdk.Stack_Of(within).ToJsonString(names, nil),
		},
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
