package service

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// A run for which no instance has room is tried again up to 20 times within an
// hour, with growing pauses.
const (
	retryAttempts  = 20
	retrySeconds   = 60 * 60
	failureDays    = 14
	schedulePrefix = "schedule:"
)

// ScheduledTask runs a container at set times on the EC2 instances of a
// cluster. What did not start, or ended with an exit status other than 0, is
// told by an alarm and described in a queue.
type ScheduledTask interface {
	constructs.Construct
	// Schedule starts the task at the declared times, in UTC.
	Schedule() awsscheduler.CfnSchedule
	// TaskDefinition of the task.
	TaskDefinition() awsecs.Ec2TaskDefinition
	// Container of the task definition.
	Container() awsecs.ContainerDefinition
	// LogGroup that the container's output goes to.
	LogGroup() awslogs.ILogGroup
	// TaskRole is what the container may do in AWS: grant it more with any
	// resource's Grant… methods.
	TaskRole() awsiam.IRole
	// SecurityGroup of tasks that have network interfaces of their own; nil in
	// bridge mode, where they share that of the instances.
	SecurityGroup() awsec2.ISecurityGroup
	// Failures holds a message for each run that failed, for 14 days or until
	// somebody deletes it.
	Failures() awssqs.IQueue
	// FailureAlarm is raised while the queue holds any; nil where the task is not
	// watched.
	FailureAlarm() observability.Alarm
	// AddVariable adds to the container's environment.
	AddVariable(name, value string)
	// AddSecret adds a secret to the container's environment.
	AddSecret(name string, secret awsecs.Secret)
}

type scheduledTask struct {
	constructs.Construct
	definition *definition
	schedule   awsscheduler.CfnSchedule
	failures   awssqs.Queue
	alarm      observability.Alarm
}

// NewScheduledTask makes a task that runs on the schedule of its declaration.
// Namespace, DeploymentAlarms, LoadBalanced and Exec are of services only. It
// panics with all problems of its declaration if there are any.
func NewScheduledTask(scope constructs.Construct, id *string, props *EcsEc2ServiceProps) ScheduledTask {
	plan := props.plan(*id)
	if plan.declared.Schedule == "" {
		panic(fmt.Errorf("scheduled task %s: it has no schedule", *id))
	}
	s := &scheduledTask{}
	constructs.NewConstruct_Override(s, scope, id)
	s.definition = newDefinition(s, props, plan)
	s.addFailures(props, plan.declared)
	s.addSchedule(props, plan)
	s.definition.acknowledgeRoles(&EcsEc2ServiceProps{Permissions: props.Permissions})
	return s
}

func (s *scheduledTask) Schedule() awsscheduler.CfnSchedule       { return s.schedule }
func (s *scheduledTask) TaskDefinition() awsecs.Ec2TaskDefinition { return s.definition.task }
func (s *scheduledTask) Container() awsecs.ContainerDefinition    { return s.definition.container }
func (s *scheduledTask) LogGroup() awslogs.ILogGroup              { return s.definition.logs }
func (s *scheduledTask) TaskRole() awsiam.IRole                   { return s.definition.taskRole }
func (s *scheduledTask) SecurityGroup() awsec2.ISecurityGroup     { return s.definition.group() }
func (s *scheduledTask) Failures() awssqs.IQueue                  { return s.failures }
func (s *scheduledTask) FailureAlarm() observability.Alarm        { return s.alarm }
func (s *scheduledTask) AddVariable(name, value string)           { s.definition.addVariable(name, value) }
func (s *scheduledTask) AddSecret(name string, secret awsecs.Secret) {
	s.definition.addSecret(name, secret)
}

// addFailures collects runs that ECS could not start, or that ended badly.
func (s *scheduledTask) addFailures(props *EcsEc2ServiceProps, declared spec.Service) {
	s.failures = awssqs.NewQueue(s, jsii.String("Failures"), &awssqs.QueueProps{
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(failureDays)),
	})
	acknowledge.All(s.failures, acknowledge.Finding{Rule: "AwsSolutions-SQS3", Reason: "This queue holds failures; nothing processes it that could fail in turn."})
	awsevents.NewRule(s, jsii.String("FailureRule"), &awsevents.RuleProps{
		Description: jsii.String("Runs of " + declared.Name + " that failed"),
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("aws.ecs"),
			DetailType: jsii.Strings("ECS Task State Change"),
			Detail: &map[string]any{
				"clusterArn": []any{props.Cluster.ClusterArn()},
				"group":      []any{schedulePrefix + declared.Name},
				"lastStatus": []any{"STOPPED"},
				"$or": []any{
					map[string]any{"containers": map[string]any{"exitCode": []any{map[string]any{"anything-but": []any{0}}}}},
					map[string]any{"stopCode": []any{"TaskFailedToStart"}},
				},
			},
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewSqsQueue(s.failures, nil)},
	})
	if props.Unwatched {
		return
	}
	s.alarm = observability.NewAlarm(s, jsii.String("FailureAlarm"), &observability.AlarmProps{
		Alarm:    monitor.TaskFailed(declared.Name),
		Names:    monitor.Names{monitor.RefQueue(declared.Name): *s.failures.QueueName()},
		Runbooks: props.Runbooks,
	})
}

func (s *scheduledTask) addSchedule(props *EcsEc2ServiceProps, plan plan) {
	role := s.newRole(props)
	target := &awsscheduler.CfnSchedule_EcsParametersProperty{
		TaskDefinitionArn:    s.definition.task.TaskDefinitionArn(),
		TaskCount:            jsii.Number(1),
		Group:                jsii.String(schedulePrefix + plan.declared.Name),
		EnableEcsManagedTags: jsii.Bool(true),
		PropagateTags:        jsii.String("TASK_DEFINITION"),
	}
	if props.CapacityProvider != nil {
		target.CapacityProviderStrategy = &[]any{&awsscheduler.CfnSchedule_CapacityProviderStrategyItemProperty{
			CapacityProvider: props.CapacityProvider.CapacityProviderName(),
			Weight:           jsii.Number(1),
		}}
	} else {
		target.LaunchType = jsii.String("EC2")
	}
	if s.definition.security != nil {
		target.NetworkConfiguration = &awsscheduler.CfnSchedule_NetworkConfigurationProperty{
			AwsvpcConfiguration: &awsscheduler.CfnSchedule_AwsVpcConfigurationProperty{
				Subnets:        props.Cluster.Vpc().SelectSubnets(taskSubnets(props)).SubnetIds,
				SecurityGroups: &[]*string{s.definition.security.SecurityGroupId()},
			},
		}
	}
	state := "ENABLED"
	if *plan.tasks.Max == 0 || props.Resting {
		state = "DISABLED"
	}
	s.schedule = awsscheduler.NewCfnSchedule(s, jsii.String("Schedule"), &awsscheduler.CfnScheduleProps{
		Description:        jsii.String("Runs " + plan.declared.Name),
		ScheduleExpression: &plan.declared.Schedule,
		State:              &state,
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn:              props.Cluster.ClusterArn(),
			RoleArn:          role.RoleArn(),
			EcsParameters:    target,
			DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: s.failures.QueueArn()},
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
				MaximumRetryAttempts:     jsii.Number(retryAttempts),
				MaximumEventAgeInSeconds: jsii.Number(retrySeconds),
			},
		},
	})
	// A run that starts before the roles may do their work fails; so does one
	// before the cluster has the capacity provider.
	needs := []constructs.IDependable{role, s.definition.executionRole}
	if props.CapacityProvider != nil {
		needs = append(needs, props.Cluster)
	}
	s.schedule.Node().AddDependency(needs...)
}

// newRole is what the scheduler may do: run this task on this cluster with the
// task's roles, and tell what it could not run.
func (s *scheduledTask) newRole(props *EcsEc2ServiceProps) awsiam.Role {
	role := awsiam.NewRole(s, jsii.String("ScheduleRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": s.definition.stack.Account()}},
		}),
		Description: jsii.String("Runs a task on a schedule"),
	})
	s.definition.letRun(role, props)
	s.failures.GrantSendMessages(role)
	acknowledge.Policy(role, runReason)
	return role
}
