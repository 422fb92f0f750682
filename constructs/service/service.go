// Package service makes EcsEc2Service: one container image running on the EC2
// instances of an ECS cluster.
package service

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/spec"
)

// EcsEc2ServiceProps says what service is wanted.
type EcsEc2ServiceProps struct {
	// Cluster whose instances the tasks run on. Required.
	Cluster awsecs.ICluster

	// CapacityProvider that starts the tasks. Default: none: the tasks run on
	// whatever instances the cluster has.
	CapacityProvider awsecs.AsgCapacityProvider

	// Image of the container. Default: [spec.Service.Image] of Service.
	Image awsecs.ContainerImage

	// Service is the declaration. Its name is required.
	Service spec.Service

	// Scale is the capacity of the stage, of which the instance type and the
	// tasks matter here. Default: the profile standard.
	Scale spec.ScaleProfile

	// Neighbours are all services that share the instances, this one
	// included: CPU and memory are divided between them. Default: this one
	// alone.
	Neighbours []spec.Service

	// Variables of the container's environment, beside the service's own;
	// the ones here win. Default: none.
	Variables map[string]string

	// Secrets of the container's environment. Default: none.
	Secrets map[string]awsecs.Secret

	// Labels of the container, for Docker. Default: none.
	Labels map[string]string

	// MigrationVariables and MigrationSecrets are added to the environment of
	// the service's migration, and take the place of the service's of the same
	// name there; the service itself does not get them.
	// With any, the migration has a task definition and an execution role of
	// its own. Default: none.
	MigrationVariables map[string]string
	MigrationSecrets   map[string]awsecs.Secret

	// Permissions are what the container may do in AWS, in addition to what it
	// needs for ECS Exec. Default: none.
	Permissions []spec.Permission

	// TaskRoleName is the physical name of the task role. Default: given by
	// CloudFormation.
	TaskRoleName string

	// LoadBalanced says that a load balancer checks the health of the service
	// at its path; ECS then does not check the path inside the container, too,
	// and gives a new task the declared grace period. Default: false.
	LoadBalanced bool

	// Namespace in which internal services are found by name. Required where
	// a neighbour is internal.
	Namespace awsservicediscovery.INamespace

	// Subnets of tasks that have network interfaces of their own. They get no
	// public address. Default: the private ones.
	Subnets *awsec2.SubnetSelection

	// DeploymentAlarms are the names of alarms in the stack's region that stop
	// a deployment and take it back when they are raised during it. They are
	// names because such an alarm usually depends on the service.
	// Default: none.
	DeploymentAlarms []string

	// Exec allows `aws ecs execute-command`. Default: false.
	Exec bool

	// LogRetentionDays is how many days the container's output is kept.
	// Default: [spec.DefaultLogRetentionDays].
	LogRetentionDays int

	// Resting turns the schedule of a scheduled task off: it is there and
	// starts nothing. A service is not affected. Default: false.
	Resting bool

	// RetainLogs keeps the log group when the stack is deleted.
	// Default: false.
	RetainLogs bool

	// LogKey encrypts the container's output; see [observability.NewLogKey].
	// Default: a key of AWS's own.
	LogKey awskms.IKey

	// Unwatched leaves out the alarm of a scheduled task on runs that failed.
	// Default: false.
	Unwatched bool

	// Runbooks is the address of the page that says what to do when that alarm
	// is raised. Default: this project's.
	Runbooks string
}

// EcsEc2Service is an ECS service on EC2 instances.
type EcsEc2Service interface {
	constructs.Construct
	// Service is the ECS service.
	Service() awsecs.Ec2Service
	// TaskDefinition of the service.
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
	// Migration is the custom resource that runs the declared migration before
	// the service gets a new version; nil where none is declared, or no task
	// ever runs. What the migration needs to work has to be a dependency of it.
	Migration() awscdk.CustomResource
	// AddVariable sets a variable in the container's environment, and in that
	// of its migration unless the migration has one of its own by that name.
	AddVariable(name, value string)
	// AddSecret does the same with a secret, which ECS reads when a task
	// starts.
	AddSecret(name string, secret awsecs.Secret)
}

type ecsEc2Service struct {
	constructs.Construct
	service    awsecs.Ec2Service
	migration  awscdk.CustomResource
	definition *definition
	// migrating is the task definition of the migration: that of the service,
	// unless the migration has variables or secrets of its own; nil without
	// a migration.
	migrating *definition
	// private are the names of those variables and secrets.
	private map[string]bool
}

// NewEcsEc2Service makes a service with its task definition, roles and log group.
// It panics with all problems of its declaration if there are any, and where the
// declaration has a schedule: that is for [NewScheduledTask].
func NewEcsEc2Service(scope constructs.Construct, id *string, props *EcsEc2ServiceProps) EcsEc2Service {
	plan := props.plan(*id)
	if plan.declared.Schedule != "" {
		panic(fmt.Errorf("service %s: it has a schedule: use NewScheduledTask", *id))
	}
	s := &ecsEc2Service{}
	constructs.NewConstruct_Override(s, scope, id)
	s.definition = newDefinition(s, props, plan)
	s.addService(props, plan)
	low, high := *plan.tasks.Min, *plan.tasks.Max
	if low < high {
		s.service.AutoScaleTaskCount(&awsapplicationautoscaling.EnableScalingProps{
			MinCapacity: jsii.Number(low),
			MaxCapacity: jsii.Number(high),
		}).ScaleOnCpuUtilization(jsii.String("Cpu"), &awsecs.CpuUtilizationScalingProps{
			TargetUtilizationPercent: jsii.Number(plan.share.CPUTarget),
		})
	} else {
		// Only a fixed number is in the template: one that scaling may change
		// would be reset by every deployment.
		s.service.Node().DefaultChild().(awsecs.CfnService).SetDesiredCount(jsii.Number(low))
	}
	return s
}

func (s *ecsEc2Service) Service() awsecs.Ec2Service               { return s.service }
func (s *ecsEc2Service) TaskDefinition() awsecs.Ec2TaskDefinition { return s.definition.task }
func (s *ecsEc2Service) Container() awsecs.ContainerDefinition    { return s.definition.container }
func (s *ecsEc2Service) LogGroup() awslogs.ILogGroup              { return s.definition.logs }
func (s *ecsEc2Service) TaskRole() awsiam.IRole                   { return s.definition.taskRole }
func (s *ecsEc2Service) SecurityGroup() awsec2.ISecurityGroup     { return s.definition.group() }
func (s *ecsEc2Service) Migration() awscdk.CustomResource         { return s.migration }
func (s *ecsEc2Service) AddVariable(name, value string) {
	s.definition.addVariable(name, value)
	if s.migratesApart() && !s.private[name] {
		s.migrating.addVariable(name, value)
	}
}
func (s *ecsEc2Service) AddSecret(name string, secret awsecs.Secret) {
	s.definition.addSecret(name, secret)
	if s.migratesApart() && !s.private[name] {
		s.migrating.addSecret(name, secret)
	}
}

// migratesApart says whether the migration has a task definition of its own.
func (s *ecsEc2Service) migratesApart() bool {
	return s.migrating != nil && s.migrating != s.definition
}

func (s *ecsEc2Service) addService(props *EcsEc2ServiceProps, plan plan) {
	declared := plan.declared
	service := &awsecs.Ec2ServiceProps{
		Cluster:        props.Cluster,
		TaskDefinition: s.definition.task,
		// Every running task stays until its successor is healthy.
		MinHealthyPercent: jsii.Number(100),
		MaxHealthyPercent: jsii.Number(200),
		CircuitBreaker:    &awsecs.DeploymentCircuitBreaker{Enable: jsii.Bool(true), Rollback: jsii.Bool(true)},
		PlacementStrategies: &[]awsecs.PlacementStrategy{
			awsecs.PlacementStrategy_SpreadAcross(jsii.String("attribute:ecs.availability-zone"), jsii.String("instanceId")),
		},
		AvailabilityZoneRebalancing: awsecs.AvailabilityZoneRebalancing_ENABLED,
		EnableExecuteCommand:        jsii.Bool(props.Exec),
		EnableECSManagedTags:        jsii.Bool(true),
		PropagateTags:               awsecs.PropagatedTagSource_SERVICE,
	}
	if props.LoadBalanced {
		service.HealthCheckGracePeriod = awscdk.Duration_Seconds(jsii.Number(declared.HealthCheck.GracePeriod.Seconds()))
	}
	if len(props.DeploymentAlarms) > 0 {
		service.DeploymentAlarms = &awsecs.DeploymentAlarmConfig{
			AlarmNames: jsii.Strings(props.DeploymentAlarms...),
			Behavior:   awsecs.AlarmBehavior_ROLLBACK_ON_ALARM,
		}
	}
	if s.definition.security != nil {
		service.SecurityGroups = &[]awsec2.ISecurityGroup{s.definition.security}
		service.VpcSubnets = taskSubnets(props)
	}
	if spec.HasProxies(plan.neighbours) {
		service.ServiceConnectConfiguration = s.serviceConnect(props, declared)
	}
	if props.CapacityProvider != nil {
		service.CapacityProviderStrategies = &[]*awsecs.CapacityProviderStrategy{{
			CapacityProvider: props.CapacityProvider.CapacityProviderName(),
			Weight:           jsii.Number(1),
		}}
	}
	s.service = awsecs.NewEc2Service(s, jsii.String("Service"), service)
	// A task that starts before its execution role may read the secrets fails,
	// and enough of those fail the deployment.
	needs := []constructs.IDependable{s.definition.executionRole}
	if props.CapacityProvider != nil {
		// The service's strategy names a capacity provider that the cluster
		// has only once it is associated; nothing else makes it wait for that,
		// nor makes the association outlive the service.
		needs = append(needs, props.Cluster)
	}
	if plan.migrates {
		s.addMigration(props, plan)
		needs = append(needs, s.migration)
	}
	s.service.Node().AddDependency(needs...)
	s.definition.acknowledgeRoles(props)
}

// serviceConnect gives the tasks a proxy that knows the stage's internal
// services by name, and makes this one known if it is internal.
func (s *ecsEc2Service) serviceConnect(props *EcsEc2ServiceProps, declared spec.Service) *awsecs.ServiceConnectProps {
	if props.Namespace == nil {
		panic(fmt.Errorf("service %s: an internal service needs a Namespace to be found in", declared.Name))
	}
	connect := &awsecs.ServiceConnectProps{
		// By its ARN, not its name: the reference makes CloudFormation make the
		// namespace before the service, and delete it after.
		Namespace: props.Namespace.NamespaceArn(),
		LogDriver: awsecs.LogDrivers_AwsLogs(&awsecs.AwsLogDriverProps{
			LogGroup:     s.definition.logs,
			StreamPrefix: jsii.String("service-connect"),
		}),
	}
	if declared.Internal {
		connect.Services = &[]*awsecs.ServiceConnectService{{
			PortMappingName: jsii.String(declared.Name),
			DiscoveryName:   jsii.String(declared.Name),
			DnsName:         jsii.String(declared.Name),
			Port:            jsii.Number(declared.Port),
		}}
	}
	return connect
}

// InternalVariables are what the other services of a stage need to reach its
// internal ones: host and port by name.
func InternalVariables(services []spec.Service) map[string]string {
	variables := map[string]string{}
	for _, service := range services {
		if service.Internal {
			prefix := strings.ToUpper(strings.ReplaceAll(service.Name, "-", "_"))
			variables[prefix+"_HOST"] = service.Name
			variables[prefix+"_PORT"] = fmt.Sprint(service.Port)
		}
	}
	return variables
}
