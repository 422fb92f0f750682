// Package observability holds what lets people see a stage: log groups, alarms
// and where they are sent.
package observability

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"

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

// NewLogGroup makes a log group whose retention is always finite. It panics
// where CloudWatch Logs does not accept the number of days.
func NewLogGroup(scope constructs.Construct, id *string, props *LogGroupProps) awslogs.LogGroup {
	days := Retention(props.RetentionDays)
	retention, accepted := retentions[days]
	if !accepted {
		panic(fmt.Errorf("log group %s: CloudWatch Logs cannot keep events for %d days: give one of %v", *id, days, slices.Sorted(maps.Keys(retentions))))
	}
	return awslogs.NewLogGroup(scope, id, &awslogs.LogGroupProps{
		LogGroupName:  optional.Text(props.Name),
		RemovalPolicy: removal(props.Retain),
		EncryptionKey: props.Key,
		Retention:     retention,
	})
}

// retentions are the numbers of days that CloudWatch Logs accepts, as the CDK
// calls them.
var retentions = map[int]awslogs.RetentionDays{
	1:    awslogs.RetentionDays_ONE_DAY,
	3:    awslogs.RetentionDays_THREE_DAYS,
	5:    awslogs.RetentionDays_FIVE_DAYS,
	7:    awslogs.RetentionDays_ONE_WEEK,
	14:   awslogs.RetentionDays_TWO_WEEKS,
	30:   awslogs.RetentionDays_ONE_MONTH,
	60:   awslogs.RetentionDays_TWO_MONTHS,
	90:   awslogs.RetentionDays_THREE_MONTHS,
	120:  awslogs.RetentionDays_FOUR_MONTHS,
	150:  awslogs.RetentionDays_FIVE_MONTHS,
	180:  awslogs.RetentionDays_SIX_MONTHS,
	365:  awslogs.RetentionDays_ONE_YEAR,
	400:  awslogs.RetentionDays_THIRTEEN_MONTHS,
	545:  awslogs.RetentionDays_EIGHTEEN_MONTHS,
	731:  awslogs.RetentionDays_TWO_YEARS,
	1096: awslogs.RetentionDays_THREE_YEARS,
	1827: awslogs.RetentionDays_FIVE_YEARS,
	2192: awslogs.RetentionDays_SIX_YEARS,
	2557: awslogs.RetentionDays_SEVEN_YEARS,
	2922: awslogs.RetentionDays_EIGHT_YEARS,
	3288: awslogs.RetentionDays_NINE_YEARS,
	3653: awslogs.RetentionDays_TEN_YEARS,
}

// Retention is how many days a log is kept where a number is declared, or none.
func Retention(declared int) int {
	if declared == 0 {
		return spec.DefaultLogRetentionDays
	}
	return declared
}
