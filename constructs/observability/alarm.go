package observability

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Errors in a period of the metric from which on an alarm is raised, and how
// many periods in a row it takes. One broken request is no reason to wake
// anybody, nor to stop a deployment.
const (
	errorThreshold = 5
	errorPeriods   = 2
)

// ErrorAlarmProps says what is watched.
type ErrorAlarmProps struct {
	// Name of the alarm. Required: the pipeline knows it by that.
	Name string
	// Description for the person who gets the message. Required.
	Description string
	// Errors is a metric that counts them. Required.
	Errors awscloudwatch.IMetric
}

// NewErrorAlarm is raised when there are at least 5 errors in each of two
// periods of the metric in a row. No data means no requests, and no alarm.
func NewErrorAlarm(scope constructs.Construct, id *string, props *ErrorAlarmProps) awscloudwatch.Alarm {
	return awscloudwatch.NewAlarm(scope, id, &awscloudwatch.AlarmProps{
		AlarmName:          &props.Name,
		AlarmDescription:   &props.Description,
		Metric:             props.Errors,
		Threshold:          jsii.Number(errorThreshold),
		EvaluationPeriods:  jsii.Number(errorPeriods),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
}
