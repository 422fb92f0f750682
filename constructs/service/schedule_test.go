package service_test

import (
	"fmt"
	"testing"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/constructs/cluster"
	"github.com/tinystack-go/tinystack/constructs/service"
	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/spec"
)

func TestScheduledTask(t *testing.T) {
	app := synthtest.NewApp(t)
	nightly := spec.Service{Name: "nightly", Image: "example.com/jobs:1", Schedule: "cron(0 3 * * ? *)"}
	inVPC := nightly
	inVPC.NetworkMode = spec.AWSVPC
	for name, props := range map[string]service.EcsEc2ServiceProps{
		"nightly":   {Service: nightly},
		"resting":   {Service: nightly, Scale: spec.Preset(spec.Idle)},
		"interface": {Service: inVPC},
	} {
		stack := synthtest.Stack(app, name)
		c := cluster.NewCluster(stack, jsii.String("Cluster"), &cluster.ClusterProps{VPC: synthtest.VPC(stack), Scale: props.Scale})
		props.Cluster, props.CapacityProvider = c.Cluster(), c.CapacityProvider()
		service.NewScheduledTask(stack, jsii.String("Nightly"), &props)
	}
	assembly := synthtest.Secured(t, app)
	only := assembly.OnlyID
	const scheduleType, queueType = "AWS::Scheduler::Schedule", "AWS::SQS::Queue"
	queueID, _ := only("nightly", queueType)

	t.Run("it runs one task at its times, and rests where the stage has no tasks", func(t *testing.T) {
		_, schedule := only("nightly", scheduleType)
		assert.Equal(t, "cron(0 3 * * ? *)", schedule.Get("Properties.ScheduleExpression"))
		assert.Equal(t, "ENABLED", schedule.Get("Properties.State"))
		assert.Equal(t, 1.0, schedule.Get("Properties.Target.EcsParameters.TaskCount"))
		providerID, _ := only("nightly", "AWS::ECS::CapacityProvider")
		assert.Equal(t, []any{map[string]any{"CapacityProvider": map[string]any{"Ref": providerID}, "Weight": 1.0}},
			schedule.Get("Properties.Target.EcsParameters.CapacityProviderStrategy"))
		assert.Nil(t, schedule.Get("Properties.Name"), "a named schedule collides when it is made again")
		_, resting := only("resting", scheduleType)
		assert.Equal(t, "DISABLED", resting.Get("Properties.State"))
		assert.Empty(t, assembly.Template("nightly").Resources("AWS::ECS::Service"))
	})

	t.Run("it waits for the capacity provider", func(t *testing.T) {
		associations, _ := only("nightly", "AWS::ECS::ClusterCapacityProviderAssociations")
		_, schedule := only("nightly", scheduleType)
		assert.Contains(t, schedule.DependsOn, associations)
	})

	t.Run("its network interface is where the instances are", func(t *testing.T) {
		_, schedule := only("interface", scheduleType)
		network := schedule.Get("Properties.Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration").(map[string]any)
		assert.Equal(t, []any{"subnet-1", "subnet-2"}, network["Subnets"])
		assert.Len(t, network["SecurityGroups"], 1)
	})

	t.Run("what fails to start and what ends badly is in one queue, and raises an alarm", func(t *testing.T) {
		_, schedule := only("nightly", scheduleType)
		assert.Equal(t, queueID, schedule.Get("Properties.Target.DeadLetterConfig.Arn.Fn::GetAtt").([]any)[0])
		_, rule := only("nightly", "AWS::Events::Rule")
		assert.Equal(t, queueID, rule.Get("Properties.Targets").([]any)[0].(map[string]any)["Arn"].(map[string]any)["Fn::GetAtt"].([]any)[0])
		pattern := rule.Get("Properties.EventPattern.detail").(map[string]any)
		assert.Equal(t, []any{schedule.Get("Properties.Target.EcsParameters.Group")}, pattern["group"], "the rule must see the runs of this schedule")
		assert.Contains(t, fmt.Sprint(pattern["$or"]), "exitCode")
		assert.Contains(t, fmt.Sprint(pattern["$or"]), "TaskFailedToStart")
		stack, err := assembly.Stack("nightly")
		require.NoError(t, err)
		alarms := 0
		for _, alarm := range stack.Template.Resources("AWS::CloudWatch::Alarm") {
			if alarm.Get("Properties.MetricName") == "ApproximateNumberOfMessagesVisible" {
				alarms++
				assert.Contains(t, fmt.Sprint(alarm.Get("Properties.Dimensions")), queueID)
			}
		}
		assert.Equal(t, 1, alarms)
	})

	t.Run("the scheduler may do no more than run this task on this cluster", func(t *testing.T) {
		stack, err := assembly.Stack("nightly")
		require.NoError(t, err)
		text := ""
		for _, policy := range stack.Template.Resources("AWS::IAM::Policy") {
			for _, statement := range policy.Get("Properties.PolicyDocument.Statement").([]any) {
				s := statement.(map[string]any)
				switch s["Action"] {
				case "ecs:RunTask":
					assert.Contains(t, fmt.Sprint(s["Condition"]), "ecs:cluster")
					text += fmt.Sprint(s["Resource"])
				case "iam:PassRole":
					assert.Contains(t, fmt.Sprint(s["Condition"]), "ecs-tasks.amazonaws.com")
					assert.Len(t, s["Resource"], 2)
				}
			}
		}
		_, task := only("nightly", "AWS::ECS::TaskDefinition")
		assert.Contains(t, text, fmt.Sprintf(":task-definition/%s:*", task.Get("Properties.Family")))
	})
}
