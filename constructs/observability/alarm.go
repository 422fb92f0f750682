package observability

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
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

	// ActionARNs are told when it is raised and when it is over: ARNs of
	// topics, for example. Default: none.
	ActionARNs []string
}

// Alarm is an alarm in CloudWatch.
type Alarm interface {
	constructs.Construct
	// Resource is the alarm itself: whatever is to be different about it can
	// be set there.
	Resource() awscloudwatch.CfnAlarm
	// Alarm is what constructs of the CDK take an alarm as, such as a rule of
	// a composite alarm.
	Alarm() awscloudwatch.IAlarm
	// Tell adds to what is told when the alarm is raised and when it is over,
	// by ARN.
	Tell(actionARNs ...string)
}

type alarm struct {
	constructs.Construct
	resource awscloudwatch.CfnAlarm
	told     []string
	imported awscloudwatch.IAlarm
}

// NewAlarm makes one of the alarms of package monitor. It panics where the name
// of a resource is missing.
//
// It is an L1 resource, because a stage has twenty alarms and each object that
// describes a metric to the CDK is a message of its own to it.
func NewAlarm(scope constructs.Construct, id *string, props *AlarmProps) Alarm {
	declared := props.Alarm
	resource := &awscloudwatch.CfnAlarmProps{
		AlarmName:          optional.Text(props.Name),
		AlarmDescription:   jsii.String(declared.Description(props.Runbooks)),
		Threshold:          &declared.Threshold,
		EvaluationPeriods:  jsii.Number(declared.Periods),
		DatapointsToAlarm:  jsii.Number(declared.Datapoints),
		ComparisonOperator: jsii.String(string(declared.Comparison)),
		TreatMissingData:   jsii.String(string(declared.Missing)),
		AlarmActions:       list(props.ActionARNs),
		OkActions:          list(props.ActionARNs),
	}
	watch(resource, *id, declared, props.Names)
	a := &alarm{told: slices.Clone(props.ActionARNs)}
	constructs.NewConstruct_Override(a, scope, id)
	a.resource = awscloudwatch.NewCfnAlarm(a, jsii.String("Resource"), resource)
	return a
}

func (a *alarm) Resource() awscloudwatch.CfnAlarm { return a.resource }

func (a *alarm) Alarm() awscloudwatch.IAlarm {
	if a.imported == nil {
		a.imported = awscloudwatch.Alarm_FromAlarmArn(a, jsii.String("Imported"), a.resource.AttrArn())
	}
	return a.imported
}

func (a *alarm) Tell(actionARNs ...string) {
	if len(actionARNs) == 0 {
		return
	}
	a.told = append(a.told, actionARNs...)
	a.resource.SetAlarmActions(jsii.Strings(a.told...))
	a.resource.SetOkActions(jsii.Strings(a.told...))
}

// watch sets what the alarm looks at: one metric, or an expression over several.
func watch(resource *awscloudwatch.CfnAlarmProps, id string, declared monitor.Alarm, names monitor.Names) {
	// dimensions is nil for a metric without any, which leaves the property out.
	dimensions := func(of monitor.Metric) any {
		var all []any
		for _, dimension := range slices.SortedFunc(slices.Values(of.Dimensions), func(a, b monitor.Dimension) int { return cmp.Compare(a.Name, b.Name) }) {
			name, known := names[dimension.Of]
			if !known {
				panic(fmt.Errorf("alarm %s: the name of the %s is not given", id, dimension.Of))
			}
			all = append(all, &awscloudwatch.CfnAlarm_DimensionProperty{Name: &dimension.Name, Value: &name})
		}
		if len(all) == 0 {
			return nil
		}
		return &all
	}
	if declared.Expression == "" {
		only := declared.Metrics[0]
		resource.Namespace, resource.MetricName, resource.Dimensions = &only.Namespace, &only.Name, dimensions(only)
		resource.Period = jsii.Number(declared.Period)
		if isPercentile(only.Statistic) {
			resource.ExtendedStatistic = &only.Statistic
		} else {
			resource.Statistic = &only.Statistic
		}
		return
	}
	queries := []any{&awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id:         jsii.String("expr_1"),
		Expression: &declared.Expression,
		Label:      jsii.String(string(declared.ID)),
		ReturnData: jsii.Bool(true),
	}}
	for _, metric := range slices.SortedFunc(slices.Values(declared.Metrics), func(a, b monitor.Metric) int { return cmp.Compare(a.ID, b.ID) }) {
		queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id: &metric.ID,
			MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
				Metric: &awscloudwatch.CfnAlarm_MetricProperty{Namespace: &metric.Namespace, MetricName: &metric.Name, Dimensions: dimensions(metric)},
				Period: jsii.Number(declared.Period),
				Stat:   &metric.Statistic,
			},
			ReturnData: jsii.Bool(false),
		})
	}
	resource.Metrics = &queries
}

// isPercentile tells p90 from Sum: CloudFormation has a property for each where
// an alarm looks at one metric.
func isPercentile(statistic string) bool { return strings.HasPrefix(statistic, "p") }

// list is nil, which leaves a property out, where there is nothing in it.
func list(texts []string) *[]any {
	if len(texts) == 0 {
		return nil
	}
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return &all
}

// CompositeProps says which alarms are joined, and who hears of it.
type CompositeProps struct {
	// Composite is which alarms are joined. Required.
	Composite monitor.Composite
	// App and Stage that the alarms are of. Required: their names are made of
	// it.
	App, Stage string
	// Members are the alarms in it, made before. Required.
	Members []Alarm
	// Runbooks is the address of the page that says what to do about it.
	// Default: this project's.
	Runbooks string
	// ActionARNs are told when it is raised and when it is over: ARNs of
	// topics, for example. Default: none.
	ActionARNs []string
}

// NewCompositeAlarm makes an alarm that is raised while one of others is.
func NewCompositeAlarm(scope constructs.Construct, id *string, props *CompositeProps) awscloudwatch.CfnCompositeAlarm {
	within := constructs.NewConstruct(scope, id)
	made := awscloudwatch.NewCfnCompositeAlarm(within, jsii.String("Resource"), &awscloudwatch.CfnCompositeAlarmProps{
		AlarmName:        jsii.String(props.Composite.Name(props.App, props.Stage)),
		AlarmDescription: jsii.String(props.Composite.Description(props.Runbooks)),
		AlarmRule:        jsii.String(props.Composite.Rule(props.App, props.Stage)),
		AlarmActions:     list(props.ActionARNs),
		OkActions:        list(props.ActionARNs),
	})
	var members []constructs.IDependable
	for _, member := range props.Members {
		members = append(members, member)
	}
	// The rule names them; they have to be there first, and to stay longer.
	made.Node().AddDependency(members...)
	return made
}
