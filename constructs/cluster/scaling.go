package cluster

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/spec"
)

// addCPUAlarms adds and removes one instance at a time.
//
// The policies are simple ones, not step policies: CloudWatch repeats an
// alarm's action every minute while the alarm lasts, and only a simple policy
// has a cooldown in both directions. Without it, a quiet quarter of an hour
// would take all instances but the minimum, a minute apart.
func (c *cluster) addCPUAlarms(scale spec.ScaleProfile) {
	if !hasCPUAlarms(scale) {
		return // nothing to decide
	}
	group := c.group.AutoScalingGroupName()
	cpu := metric(scale, group, "cpu", "AWS/EC2", "CPUUtilization")
	c.addCPUAlarm("ScaleOut", scale, group, 1, scale.CPU.ScaleOut, "GreaterThanThreshold", cpu)

	// At its least number a quiet cluster has nothing to give back. Its load
	// then counts as just enough, so that the alarm is not raised: one that
	// stays raised day and night teaches people to overlook alarms.
	cpu.ReturnData = jsii.Bool(false)
	c.addCPUAlarm("ScaleIn", scale, group, -1, scale.CPU.ScaleIn, "LessThanThreshold",
		&awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id:         jsii.String("load"),
			Label:      jsii.String("CPU of instances that are not needed"),
			Expression: jsii.String(fmt.Sprintf("IF(instances > %d, cpu, %d)", *scale.Instances.Min, scale.CPU.ScaleIn)),
			ReturnData: jsii.Bool(true),
		},
		cpu, metric(scale, group, "instances", "AWS/AutoScaling", metricInstances))
}

// metricInstances counts instances that serve, once a group collects it.
const metricInstances = "GroupInServiceInstances"

// collectMetrics turns that on, for the alarm of low load and for dashboards; it
// is free of charge.
func collectMetrics(group awsautoscaling.CfnAutoScalingGroup) {
	group.SetMetricsCollection(&[]any{&awsautoscaling.CfnAutoScalingGroup_MetricsCollectionProperty{
		Granularity: jsii.String("1Minute"),
		Metrics:     jsii.Strings(metricInstances),
	}})
}

func hasCPUAlarms(scale spec.ScaleProfile) bool {
	return scale.Mode == spec.CPUAlarms && *scale.Instances.Min != *scale.Instances.Max
}

// metric is an average of the group's instances, over the periods that alarms
// count.
func metric(scale spec.ScaleProfile, group *string, id, namespace, name string) *awscloudwatch.CfnAlarm_MetricDataQueryProperty {
	return &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
		Id: &id,
		MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
			Metric: &awscloudwatch.CfnAlarm_MetricProperty{
				Namespace:  &namespace,
				MetricName: &name,
				Dimensions: []*awscloudwatch.CfnAlarm_DimensionProperty{{
					Name:  jsii.String("AutoScalingGroupName"),
					Value: group,
				}},
			},
			Stat:   jsii.String("Average"),
			Period: jsii.Number(60 * periodMinutes(scale)),
		},
		ReturnData: jsii.Bool(id == "cpu"),
	}
}

func (c *cluster) addCPUAlarm(name string, scale spec.ScaleProfile, group *string, change, threshold int, comparison string, metrics ...*awscloudwatch.CfnAlarm_MetricDataQueryProperty) {
	policy := awsautoscaling.NewCfnScalingPolicy(c, jsii.String(name+"Policy"), &awsautoscaling.CfnScalingPolicyProps{
		AutoScalingGroupName: group,
		PolicyType:           jsii.String("SimpleScaling"),
		AdjustmentType:       jsii.String("ChangeInCapacity"),
		ScalingAdjustment:    jsii.Number(change),
		Cooldown:             jsii.String(fmt.Sprint(scale.CPU.For.Seconds())),
	})
	awscloudwatch.NewCfnAlarm(c, jsii.String(name+"Alarm"), &awscloudwatch.CfnAlarmProps{
		AlarmDescription:   jsii.String(fmt.Sprintf("Average CPU of the instances for %s: %+d instance. Part of scaling; nobody need act on it.", scale.CPU.For, change)),
		Metrics:            metrics,
		EvaluationPeriods:  jsii.Number(scale.CPU.For.Minutes() / periodMinutes(scale)),
		Threshold:          jsii.Number(threshold),
		ComparisonOperator: jsii.String(comparison),
		// No instances, no metric, nothing to decide.
		TreatMissingData: jsii.String("notBreaching"),
		AlarmActions:     &[]any{policy.Ref()},
	})
}

func periodMinutes(scale spec.ScaleProfile) int {
	if scale.OneMinuteMetrics() {
		return 1
	}
	return 5
}
