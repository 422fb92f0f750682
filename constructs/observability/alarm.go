package observability

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/monitor"
)

// AlarmProps says what is watched, and who hears of it.
type AlarmProps struct {
	// Alarm is when it is raised. Required.
	Alarm monitor.Alarm

	// Names of the resources that it watches. Required: all that its metrics
	// refer to.
	Names monitor.Names

	// Name of the alarm, by which gates know it. Default: given by
	// CloudFormation.
	Name string

	// Runbooks is the address of the page that says what to do about it.
	// Default: this project's.
	Runbooks string

	// Topic that hears when it is raised and when it is over. Default: none.
	Topic awssns.ITopic
}

// NewAlarm makes one of the alarms of package monitor. It panics where the name
// of a resource is missing.
func NewAlarm(scope constructs.Construct, id *string, props *AlarmProps) awscloudwatch.Alarm {
	declared := props.Alarm
	alarm := awscloudwatch.NewAlarm(scope, id, &awscloudwatch.AlarmProps{
		AlarmName:          optional.Text(props.Name),
		AlarmDescription:   jsii.String(declared.Description(props.Runbooks)),
		Metric:             metricOf(*id, declared, props.Names),
		Threshold:          &declared.Threshold,
		EvaluationPeriods:  jsii.Number(declared.Periods),
		DatapointsToAlarm:  jsii.Number(declared.Datapoints),
		ComparisonOperator: comparisons[declared.Comparison],
		TreatMissingData:   missing[declared.Missing],
	})
	Notify(alarm, props.Topic)
	return alarm
}

var comparisons = map[monitor.Comparison]awscloudwatch.ComparisonOperator{
	monitor.Above:   awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
	monitor.AtLeast: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
	monitor.Below:   awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD,
}

var missing = map[monitor.Missing]awscloudwatch.TreatMissingData{
	monitor.Good:      awscloudwatch.TreatMissingData_NOT_BREACHING,
	monitor.Bad:       awscloudwatch.TreatMissingData_BREACHING,
	monitor.Unchanged: awscloudwatch.TreatMissingData_IGNORE,
}

func metricOf(id string, alarm monitor.Alarm, names monitor.Names) awscloudwatch.IMetric {
	period := awscdk.Duration_Seconds(jsii.Number(alarm.Period))
	using := map[string]awscloudwatch.IMetric{}
	for _, m := range alarm.Metrics {
		dimensions := map[string]*string{}
		for _, dimension := range m.Dimensions {
			name, known := names[dimension.Of]
			if !known {
				panic(fmt.Errorf("alarm %s: the name of the %s is not given", id, dimension.Of))
			}
			dimensions[dimension.Name] = &name
		}
		using[m.ID] = awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace:     &m.Namespace,
			MetricName:    &m.Name,
			DimensionsMap: &dimensions,
			Statistic:     &m.Statistic,
			Period:        period,
		})
	}
	if alarm.Expression == "" {
		return using[alarm.Metrics[0].ID]
	}
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression:   &alarm.Expression,
		Label:        jsii.String(string(alarm.ID)),
		UsingMetrics: &using,
		Period:       period,
	})
}

// Notify tells a topic when the alarm is raised and when it is over; nil is
// nobody.
func Notify(alarm awscloudwatch.AlarmBase, topic awssns.ITopic) {
	if topic == nil {
		return
	}
	action := awscloudwatchactions.NewSnsAction(topic)
	alarm.AddAlarmAction(action)
	alarm.AddOkAction(action)
}

// CompositeProps says which alarms are joined, and who hears of it.
type CompositeProps struct {
	// Composite is which alarms are joined. Required.
	Composite monitor.Composite
	// App and Stage that the alarms are of. Required: their names are made of
	// it.
	App, Stage string
	// Members are the alarms in it, made before. Required.
	Members []awscloudwatch.Alarm
	// Runbooks is the address of the page that says what to do about it.
	// Default: this project's.
	Runbooks string
	// Topic that hears when it is raised and when it is over. Default: none.
	Topic awssns.ITopic
}

// NewCompositeAlarm makes an alarm that is raised while one of others is.
func NewCompositeAlarm(scope constructs.Construct, id *string, props *CompositeProps) awscloudwatch.CompositeAlarm {
	alarm := awscloudwatch.NewCompositeAlarm(scope, id, &awscloudwatch.CompositeAlarmProps{
		CompositeAlarmName: jsii.String(props.Composite.Name(props.App, props.Stage)),
		AlarmDescription:   jsii.String(props.Composite.Description(props.Runbooks)),
		AlarmRule:          awscloudwatch.AlarmRule_FromString(jsii.String(props.Composite.Rule(props.App, props.Stage))),
	})
	for _, member := range props.Members {
		// The rule names it; it has to be there first, and to stay longer.
		alarm.Node().AddDependency(member)
	}
	Notify(alarm, props.Topic)
	return alarm
}
