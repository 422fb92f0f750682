// Package observability holds what lets people see a stage: log groups, alarms
// and where they are sent.
package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

// LogGroupProps says what log group is wanted.
type LogGroupProps struct {
	// Name of the log group. Default: given by CloudFormation, so that a
	// stack can be deleted and made again.
	Name string
	// RetentionDays is how long events are kept, one of the values that
	// CloudWatch Logs accepts. Default: [spec.DefaultLogRetentionDays].
	RetentionDays int
	// Retain keeps the group when the stack is deleted. Default: false.
	Retain bool
	// Key that encrypts the events; its policy must let CloudWatch Logs use
	// it. Default: one of AWS's own.
	Key awskms.IKey
}

// NewLogGroup makes a log group whose retention is always finite.
func NewLogGroup(scope constructs.Construct, id *string, props *LogGroupProps) awslogs.LogGroup {
	group := awslogs.NewLogGroup(scope, id, &awslogs.LogGroupProps{LogGroupName: optional.Text(props.Name), RemovalPolicy: removal(props.Retain), EncryptionKey: props.Key})
	// In days, as declared; the CDK's property takes names instead.
	group.Node().DefaultChild().(awslogs.CfnLogGroup).SetRetentionInDays(jsii.Number(Retention(props.RetentionDays)))
	return group
}

// Retention is how many days a log is kept where a number is declared, or none.
func Retention(declared int) int {
	if declared == 0 {
		return spec.DefaultLogRetentionDays
	}
	return declared
}
