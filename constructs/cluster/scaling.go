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
	if *scale.Instances.Min == *scale.Instances.Max {
		return // nothing to decide
	}
	c.addCPUAlarm("ScaleOut", scale, 1, scale.CPU.ScaleOut, "GreaterThanThreshold")
	c.addCPUAlarm("ScaleIn", scale, -1, scale.CPU.ScaleIn, "LessThanThreshold")
}

func (c *cluster) addCPUAlarm(name string, scale spec.ScaleProfile, change, threshold int, comparison string) {
	policy := awsautoscaling.NewCfnScalingPolicy(c, jsii.String(name+"Policy"), &awsautoscaling.CfnScalingPolicyProps{
		AutoScalingGroupName: c.group.AutoScalingGroupName(),
		PolicyType:           jsii.String("SimpleScaling"),
		AdjustmentType:       jsii.String("ChangeInCapacity"),
		ScalingAdjustment:    jsii.Number(change),
		Cooldown:             jsii.String(fmt.Sprint(scale.CPU.For.Seconds())),
	})
	period := 5
	if oneMinuteMetrics(scale) {
		period = 1
	}
	awscloudwatch.NewCfnAlarm(c, jsii.String(name+"Alarm"), &awscloudwatch.CfnAlarmProps{
		AlarmDescription: jsii.String(fmt.Sprintf("Average CPU of the instances for %s: %+d instance. An alarm of low load is the normal state of a quiet cluster.", scale.CPU.For, change)),
		Namespace:        jsii.String("AWS/EC2"),
		MetricName:       jsii.String("CPUUtilization"),
		Dimensions: []*awscloudwatch.CfnAlarm_DimensionProperty{{
			Name:  jsii.String("AutoScalingGroupName"),
			Value: c.group.AutoScalingGroupName(),
		}},
		Statistic:          jsii.String("Average"),
		Period:             jsii.Number(60 * period),
		EvaluationPeriods:  jsii.Number(scale.CPU.For.Minutes() / period),
		Threshold:          jsii.Number(threshold),
		ComparisonOperator: jsii.String(comparison),
		// No instances, no metric, nothing to decide.
		TreatMissingData: jsii.String("notBreaching"),
		AlarmActions:     &[]any{policy.Ref()},
	})
}

// oneMinuteMetrics says whether the declared time needs metrics every minute,
// which are billed, instead of every five.
func oneMinuteMetrics(scale spec.ScaleProfile) bool {
	return scale.Mode == spec.CPUAlarms && scale.CPU.For.Minutes()%5 != 0
}
