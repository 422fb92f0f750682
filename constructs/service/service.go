// Package service makes EcsEc2Service: one container image running on the EC2
// instances of an ECS cluster.
package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/acknowledge"
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

	// Permissions of the container in AWS. Default: none.
	Permissions []spec.Permission

	// TaskRoleName is the physical name of the task role. Default: given by
	// CloudFormation.
	TaskRoleName string

	// LoadBalanced says that a load balancer will ask the service for its
	// health, so that its path needs no check inside the container.
	// Default: false.
	LoadBalanced bool

	// Namespace in which internal services are found by name. Required where
	// a neighbour is internal.
	Namespace awsservicediscovery.INamespace

	// Exec allows `aws ecs execute-command`. Default: false.
	Exec bool

	// LogRetentionDays of the container's output. Default: 14.
	LogRetentionDays int

	// RetainLogs keeps the log group when the stack is deleted.
	// Default: false.
	RetainLogs bool
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
	// AddVariable adds to the container's environment.
	AddVariable(name, value string)
	// AddSecret adds a secret to the container's environment.
	AddSecret(name string, secret awsecs.Secret)
}

type ecsEc2Service struct {
	constructs.Construct
	service   awsecs.Ec2Service
	task      awsecs.Ec2TaskDefinition
	container awsecs.ContainerDefinition
	logs      awslogs.LogGroup
}

// NewEcsEc2Service makes a service. It panics with all problems of its
// declaration if there are any.
func NewEcsEc2Service(scope constructs.Construct, id *string, props *EcsEc2ServiceProps) EcsEc2Service {
	declared, err := props.Service.Complete()
	if err != nil {
		panic(fmt.Errorf("service %s: %w", *id, err))
	}
	scale, err := props.Scale.Complete()
	if err != nil {
		panic(fmt.Errorf("service %s: scale: %w", *id, err))
	}
	neighbours := props.Neighbours
	if len(neighbours) == 0 {
		neighbours = []spec.Service{declared}
	}
	shares, err := spec.Shares(scale, neighbours)
	if err != nil {
		panic(fmt.Errorf("service %s: %w", *id, err))
	}
	share := shares[declared.Name]

	s := &ecsEc2Service{}
	constructs.NewConstruct_Override(s, scope, id)
	s.logs = observability.NewLogGroup(s, jsii.String("LogGroup"), &observability.LogGroupProps{
		RetentionDays: props.LogRetentionDays,
		Retain:        props.RetainLogs,
	})
	s.addTaskDefinition(props, declared, share)
	s.addService(props, declared, neighbours)
	if *scale.Tasks.Min < *scale.Tasks.Max {
		s.service.AutoScaleTaskCount(&awsapplicationautoscaling.EnableScalingProps{
			MinCapacity: jsii.Number(*scale.Tasks.Min),
			MaxCapacity: jsii.Number(*scale.Tasks.Max),
		}).ScaleOnCpuUtilization(jsii.String("Cpu"), &awsecs.CpuUtilizationScalingProps{
			TargetUtilizationPercent: jsii.Number(share.CPUTarget),
		})
	} else {
		// Only a fixed number is in the template: one that scaling may change
		// would be reset by every deployment.
		s.service.Node().DefaultChild().(awsecs.CfnService).SetDesiredCount(jsii.Number(*scale.Tasks.Min))
	}
	return s
}

func (s *ecsEc2Service) Service() awsecs.Ec2Service               { return s.service }
func (s *ecsEc2Service) TaskDefinition() awsecs.Ec2TaskDefinition { return s.task }
func (s *ecsEc2Service) Container() awsecs.ContainerDefinition    { return s.container }
func (s *ecsEc2Service) LogGroup() awslogs.ILogGroup              { return s.logs }
func (s *ecsEc2Service) TaskRole() awsiam.IRole                   { return s.task.TaskRole() }
func (s *ecsEc2Service) AddVariable(name, value string)           { s.container.AddEnvironment(&name, &value) }
func (s *ecsEc2Service) AddSecret(name string, secret awsecs.Secret) {
	s.container.AddSecret(&name, secret)
}

func (s *ecsEc2Service) addTaskDefinition(props *EcsEc2ServiceProps, declared spec.Service, share spec.Share) {
	taskRole := awsiam.NewRole(s, jsii.String("TaskRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("ecs-tasks.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Stack_Of(s).Account()},
			},
		}),
		RoleName:    optional(props.TaskRoleName),
		Description: jsii.String(fmt.Sprintf("What the container of service %s may do in AWS", declared.Name)),
	})
	for _, permission := range props.Permissions {
		taskRole.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings(permission.Actions...),
			Resources: jsii.Strings(permission.Resources...),
		}))
	}
	s.task = awsecs.NewEc2TaskDefinition(s, jsii.String("TaskDefinition"), &awsecs.Ec2TaskDefinitionProps{
		NetworkMode: awsecs.NetworkMode_BRIDGE,
		TaskRole:    taskRole,
	})
	image := props.Image
	if image == nil {
		image = ExistingImage(s, declared.Image)
	}
	environment := maps.Clone(declared.Variables)
	if environment == nil {
		environment = map[string]string{}
	}
	maps.Copy(environment, props.Variables)
	s.container = s.task.AddContainer(jsii.String(declared.Name), &awsecs.ContainerDefinitionOptions{
		ContainerName:        jsii.String(declared.Name),
		Image:                image,
		Cpu:                  jsii.Number(share.CPU),
		MemoryReservationMiB: jsii.Number(share.MemoryReservation),
		MemoryLimitMiB:       jsii.Number(share.Memory),
		EntryPoint:           stringsOrNil(declared.EntryPoint),
		Command:              stringsOrNil(declared.Command),
		HealthCheck:          containerHealthCheck(declared, props.LoadBalanced),
		Logging: awsecs.LogDrivers_AwsLogs(&awsecs.AwsLogDriverProps{
			LogGroup:     s.logs,
			StreamPrefix: jsii.String(declared.Name),
			Mode:         awsecs.AwsLogDriverMode_NON_BLOCKING,
		}),
		LinuxParameters: awsecs.NewLinuxParameters(s, jsii.String("LinuxParameters"), &awsecs.LinuxParametersProps{
			// Reaps the processes that ECS Exec sessions and shells leave.
			InitProcessEnabled: jsii.Bool(true),
		}),
	})
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		s.AddVariable(name, environment[name])
	}
	for _, name := range slices.Sorted(maps.Keys(props.Secrets)) {
		s.AddSecret(name, props.Secrets[name])
	}
	if declared.Port > 0 {
		s.container.AddPortMappings(&awsecs.PortMapping{
			Name:          jsii.String(declared.Name),
			ContainerPort: jsii.Number(declared.Port),
		})
	}
	acknowledge.Rule(s.task, "AwsSolutions-ECS2", "What stands in the environment is configuration; secrets are references to Secrets Manager or SSM, which the rule does not tell apart.")
}

func (s *ecsEc2Service) addService(props *EcsEc2ServiceProps, declared spec.Service, neighbours []spec.Service) {
	service := &awsecs.Ec2ServiceProps{
		Cluster:        props.Cluster,
		TaskDefinition: s.task,
		// Every running task stays until its successor is healthy.
		MinHealthyPercent: jsii.Number(100),
		MaxHealthyPercent: jsii.Number(200),
		CircuitBreaker:    &awsecs.DeploymentCircuitBreaker{Enable: jsii.Bool(true), Rollback: jsii.Bool(true)},
		PlacementStrategies: &[]awsecs.PlacementStrategy{
			awsecs.PlacementStrategy_SpreadAcross(jsii.String("attribute:ecs.availability-zone")),
			awsecs.PlacementStrategy_SpreadAcrossInstances(),
		},
		AvailabilityZoneRebalancing: awsecs.AvailabilityZoneRebalancing_ENABLED,
		EnableExecuteCommand:        jsii.Bool(props.Exec),
		EnableECSManagedTags:        jsii.Bool(true),
		PropagateTags:               awsecs.PropagatedTagSource_SERVICE,
	}
	if props.LoadBalanced {
		service.HealthCheckGracePeriod = awscdk.Duration_Seconds(jsii.Number(declared.HealthCheck.GracePeriod.Seconds()))
	}
	if spec.HasProxies(neighbours) {
		service.ServiceConnectConfiguration = s.serviceConnect(props, declared)
	}
	if props.CapacityProvider != nil {
		service.CapacityProviderStrategies = &[]*awsecs.CapacityProviderStrategy{{
			CapacityProvider: props.CapacityProvider.CapacityProviderName(),
			Weight:           jsii.Number(1),
		}}
	}
	s.service = awsecs.NewEc2Service(s, jsii.String("Service"), service)
	if props.CapacityProvider != nil {
		// The service's strategy names a capacity provider that the cluster
		// has only once it is associated; nothing else makes it wait for that,
		// nor makes the association outlive the service.
		s.service.Node().AddDependency(props.Cluster)
	}
	// A task that starts before its execution role may read the secrets fails,
	// and enough of those fail the deployment.
	s.service.Node().AddDependency(s.task.ObtainExecutionRole())
	s.acknowledgeRoles(props)
}

// serviceConnect gives the tasks a proxy that knows the stage's internal
// services by name, and makes this one known if it is internal.
func (s *ecsEc2Service) serviceConnect(props *EcsEc2ServiceProps, declared spec.Service) *awsecs.ServiceConnectProps {
	if props.Namespace == nil {
		panic(fmt.Errorf("service %s: an internal service needs a Namespace to be found in", declared.Name))
	}
	connect := &awsecs.ServiceConnectProps{
		Namespace: props.Namespace.NamespaceName(),
		LogDriver: awsecs.LogDrivers_AwsLogs(&awsecs.AwsLogDriverProps{
			LogGroup:     s.logs,
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

// acknowledgeRoles says why some permissions name no resource.
func (s *ecsEc2Service) acknowledgeRoles(props *EcsEc2ServiceProps) {
	var wildcards []string
	for _, permission := range props.Permissions {
		for _, action := range permission.Actions {
			if strings.Contains(action, "*") {
				wildcards = append(wildcards, "Action::"+action)
			}
		}
		for _, resource := range permission.Resources {
			if strings.Contains(resource, "*") {
				wildcards = append(wildcards, "Resource::"+resource)
			}
		}
	}
	if len(wildcards) > 0 {
		acknowledge.Policy(s.task.TaskRole(), "Declared by the user for the application's own resources.", wildcards...)
	}
	if props.Exec {
		acknowledge.Policy(s.task.TaskRole(), "ECS Exec opens a session channel; these actions of ssmmessages and logs have no resource to name.", "Resource::*")
	}
	if role := s.task.ExecutionRole(); role != nil && role.Node().TryFindChild(jsii.String("DefaultPolicy")) != nil {
		acknowledge.Policy(role, "ecr:GetAuthorizationToken has no resource to name.", "Resource::*")
	}
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

func containerHealthCheck(declared spec.Service, loadBalanced bool) *awsecs.HealthCheck {
	check := declared.HealthCheck
	var command []string
	switch {
	case len(check.Command) == 1:
		command = []string{"CMD-SHELL", check.Command[0]}
	case len(check.Command) > 1:
		command = append([]string{"CMD"}, check.Command...)
	case check.Path != "" && !loadBalanced && declared.Port > 0:
		// Whichever of the two clients the image has; alone, neither is
		// certain to be there.
		url := fmt.Sprintf("http://localhost:%d%s", declared.Port, check.Path)
		command = []string{"CMD-SHELL", fmt.Sprintf("curl -fsS -o /dev/null %s || wget -q -O /dev/null %s || exit 1", url, url)}
	default:
		return nil
	}
	return &awsecs.HealthCheck{
		Command:     jsii.Strings(command...),
		Interval:    seconds(check.Interval),
		Timeout:     seconds(check.Timeout),
		Retries:     jsii.Number(check.Retries),
		StartPeriod: seconds(*check.GracePeriod),
	}
}

func seconds(d spec.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func stringsOrNil(list []string) *[]*string {
	if len(list) == 0 {
		return nil
	}
	return jsii.Strings(list...)
}
