package cluster

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
)

const defaultExecLogRetentionDays = 90

// execConfiguration is how sessions of ECS Exec are recorded; nil leaves it to
// ECS, which writes them to the log of the container.
//
// The log group stays when the stack is deleted, as a record of who did what;
// so does the key, without which nobody could read it.
func (c *cluster) execConfiguration(props *ClusterProps) *awsecs.ExecuteCommandConfiguration {
	if !props.ExecLog {
		return nil
	}
	key := observability.NewLogKey(c, jsii.String("ExecKey"), &observability.LogKeyProps{
		Description: "Sessions of ECS Exec and their record",
		Retain:      true,
	})
	days := props.ExecLogRetentionDays
	if days == 0 {
		days = defaultExecLogRetentionDays
	}
	c.execLog = observability.NewLogGroup(c, jsii.String("ExecLog"), &observability.LogGroupProps{
		RetentionDays: days,
		Retain:        true,
		Key:           key,
	})
	return &awsecs.ExecuteCommandConfiguration{
		KmsKey:  key,
		Logging: awsecs.ExecuteCommandLogging_OVERRIDE,
		LogConfiguration: &awsecs.ExecuteCommandLogConfiguration{
			CloudWatchLogGroup:          c.execLog,
			CloudWatchEncryptionEnabled: jsii.Bool(true),
		},
	}
}
