package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// LogKeyProps says what the key of log groups is for.
type LogKeyProps struct {
	// Description of the key. Required.
	Description string
	// Retain keeps the key when the stack is deleted, for log groups that stay:
	// without it nobody could read them. Default: false.
	Retain bool
}

// NewLogKey makes a key that CloudWatch Logs can encrypt log groups of the
// stack's account and region with.
func NewLogKey(scope constructs.Construct, id *string, props *LogKeyProps) awskms.Key {
	key := awskms.NewKey(scope, id, &awskms.KeyProps{
		Description:       &props.Description,
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     removal(props.Retain),
	})
	stack := awscdk.Stack_Of(scope)
	key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("LogGroups"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("logs."+*stack.Region()+".amazonaws.com"), nil)},
		Actions:    jsii.Strings("kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"),
		Resources:  jsii.Strings("*"),
		Conditions: &map[string]any{"ArnLike": map[string]any{
			"kms:EncryptionContext:aws:logs:arn": "arn:" + *stack.Partition() + ":logs:" + *stack.Region() + ":" + *stack.Account() + ":log-group:*",
		}},
	}), nil)
	return key
}

func removal(retain bool) awscdk.RemovalPolicy {
	if retain {
		return awscdk.RemovalPolicy_RETAIN
	}
	return awscdk.RemovalPolicy_DESTROY
}

// ErrorFilterProps says which lines of which log group are counted.
type ErrorFilterProps struct {
	// LogGroup whose lines are counted. Required.
	LogGroup awslogs.ILogGroup
	// Pattern that a line has to match. Required.
	Pattern string
	// Metric that counts them: namespace and name. Required.
	Metric monitor.Metric
}

// NewErrorFilter counts lines of a log group. The metric is billed for the
// hours in which there is one.
func NewErrorFilter(scope constructs.Construct, id *string, props *ErrorFilterProps) awslogs.CfnMetricFilter {
	return awslogs.NewCfnMetricFilter(scope, id, &awslogs.CfnMetricFilterProps{
		LogGroupName:  props.LogGroup.LogGroupName(),
		FilterPattern: &props.Pattern,
		MetricTransformations: &[]any{&awslogs.CfnMetricFilter_MetricTransformationProperty{
			MetricNamespace: &props.Metric.Namespace,
			MetricName:      &props.Metric.Name,
			MetricValue:     jsii.String("1"),
			Unit:            jsii.String("Count"),
		}},
	})
}

// LogSubscriptionProps says which lines go where.
type LogSubscriptionProps struct {
	// LogGroup whose lines are sent. Required.
	LogGroup awslogs.ILogGroup
	// Destination that gets them. Required.
	Destination spec.LogDestination
}

// NewLogSubscription sends a copy of a log group's lines elsewhere. A function
// is allowed to be called by that log group.
func NewLogSubscription(scope constructs.Construct, id *string, props *LogSubscriptionProps) awslogs.CfnSubscriptionFilter {
	to := props.Destination
	filter := awslogs.NewCfnSubscriptionFilter(scope, id, &awslogs.CfnSubscriptionFilterProps{
		LogGroupName:   props.LogGroup.LogGroupName(),
		FilterPattern:  &to.Pattern,
		DestinationArn: &to.ARN,
		RoleArn:        optional.Text(to.Role),
	})
	if to.Function() {
		permission := awslambda.NewCfnPermission(scope, jsii.String(*id+"Permission"), &awslambda.CfnPermissionProps{
			Action:        jsii.String("lambda:InvokeFunction"),
			FunctionName:  &to.ARN,
			Principal:     jsii.String("logs.amazonaws.com"),
			SourceAccount: awscdk.Stack_Of(scope).Account(),
			SourceArn:     props.LogGroup.LogGroupArn(),
		})
		filter.Node().AddDependency(permission)
	}
	return filter
}

// SavedQueryProps says which query is saved for which log groups.
type SavedQueryProps struct {
	// Query to save. Required.
	Query monitor.Query
	// LogGroupNames are the names of the log groups that it is asked of.
	// Required.
	LogGroupNames []string
}

// NewSavedQuery keeps a query for CloudWatch Logs Insights in its console.
func NewSavedQuery(scope constructs.Construct, id *string, props *SavedQueryProps) awslogs.CfnQueryDefinition {
	return awslogs.NewCfnQueryDefinition(scope, id, &awslogs.CfnQueryDefinitionProps{
		Name:          &props.Query.Name,
		QueryString:   &props.Query.Text,
		LogGroupNames: list(props.LogGroupNames),
	})
}
