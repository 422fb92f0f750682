package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/optional"
	"github.com/tinystack-go/tinystack/spec"
)

// plan is what follows from the props before anything is made.
type plan struct {
	declared   spec.Service
	neighbours []spec.Service
	tasks      spec.Tasks
	share      spec.Share
	// migrates says whether there is a migration, and room to run it.
	migrates bool
}

// plan panics with all problems of the declaration if there are any.
func (props *EcsEc2ServiceProps) plan(id string) plan {
	declared, err := props.Service.Complete()
	if err != nil {
		panic(fmt.Errorf("service %s: %w", id, err))
	}
	scale, err := props.Scale.Complete()
	if err != nil {
		panic(fmt.Errorf("service %s: scale: %w", id, err))
	}
	neighbours := props.Neighbours
	if len(neighbours) == 0 {
		neighbours = []spec.Service{declared}
	}
	shares, err := spec.Shares(scale, neighbours)
	if err != nil {
		panic(fmt.Errorf("service %s: %w", id, err))
	}
	return plan{
		declared: declared, neighbours: neighbours, tasks: declared.TasksIn(scale), share: shares[declared.Name],
		migrates: spec.Stage{Scale: scale}.Migrates(declared),
	}
}

// definition is what tasks of a service and scheduled tasks have in common.
type definition struct {
	// stack that it is in.
	stack     awscdk.Stack
	task      awsecs.Ec2TaskDefinition
	container awsecs.ContainerDefinition
	logs      awslogs.LogGroup
	// taskRole is what the container may do; executionRole is how the agent
	// starts it.
	taskRole, executionRole awsiam.IRole
	// security is nil unless tasks have network interfaces of their own.
	security awsec2.SecurityGroup
}

var networkModes = map[spec.NetworkMode]awsecs.NetworkMode{
	spec.Bridge: awsecs.NetworkMode_BRIDGE,
	spec.AWSVPC: awsecs.NetworkMode_AWS_VPC,
}

// newDefinition makes it all directly in the scope.
func newDefinition(scope constructs.Construct, props *EcsEc2ServiceProps, plan plan) *definition {
	declared, d := plan.declared, &definition{stack: awscdk.Stack_Of(scope)}
	d.logs = observability.NewLogGroup(scope, jsii.String("LogGroup"), &observability.LogGroupProps{
		RetentionDays: props.LogRetentionDays,
		Retain:        props.RetainLogs,
		Key:           props.LogKey,
	})
	taskRole := awsiam.NewRole(scope, jsii.String("TaskRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("ecs-tasks.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": d.stack.Account()},
			},
		}),
		RoleName:    optional.Text(props.TaskRoleName),
		Description: jsii.String(fmt.Sprintf("What the container of service %s may do in AWS", declared.Name)),
	})
	for _, permission := range props.Permissions {
		taskRole.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings(permission.Actions...),
			Resources: jsii.Strings(permission.Resources...),
		}))
	}
	if declared.NetworkMode == spec.AWSVPC {
		d.security = awsec2.NewSecurityGroup(scope, jsii.String("SecurityGroup"), &awsec2.SecurityGroupProps{
			Vpc:         props.Cluster.Vpc(),
			Description: jsii.String("Tasks of service " + declared.Name),
		})
	}
	d.taskRole = taskRole
	d.addTask(scope, props, plan)
	return d
}

// addTask makes the task definition, its container and the role by which the
// agent starts it, directly in the scope.
func (d *definition) addTask(scope constructs.Construct, props *EcsEc2ServiceProps, plan plan) {
	declared, share := plan.declared, plan.share
	d.task = awsecs.NewEc2TaskDefinition(scope, jsii.String("TaskDefinition"), &awsecs.Ec2TaskDefinitionProps{
		NetworkMode: networkModes[declared.NetworkMode],
		TaskRole:    d.taskRole,
	})
	resource := d.task.Node().DefaultChild().(awsecs.CfnTaskDefinition)
	if share.TaskMemory > 0 {
		// Service Connect wants a limit for the task; the CDK has none for
		// tasks on EC2.
		resource.SetMemory(jsii.String(fmt.Sprint(share.TaskMemory)))
	}
	acknowledge.All(resource, acknowledge.Finding{Rule: "AwsSolutions-ECS2",
		Reason: "What stands in the environment is configuration; secrets are references to Secrets Manager or SSM, which the rule does not tell apart."})
	image := props.Image
	if image == nil {
		image = ExistingImage(scope, declared.Image)
	}
	// With one hop to the metadata service an SDK in a container cannot find out the
	// region; what is declared wins.
	region := *d.stack.Region()
	environment := map[string]string{"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
	maps.Copy(environment, declared.Variables)
	maps.Copy(environment, props.Variables)
	for name := range props.Secrets {
		delete(environment, name) // one that is a secret is no variable as well
	}
	container := &awsecs.ContainerDefinitionOptions{
		ContainerName:          jsii.String(declared.Name),
		Image:                  image,
		Cpu:                    jsii.Number(share.CPU),
		MemoryReservationMiB:   jsii.Number(share.MemoryReservation),
		MemoryLimitMiB:         jsii.Number(share.Memory),
		EntryPoint:             stringsOrNil(literals(declared.EntryPoint)),
		Command:                stringsOrNil(literals(declared.Command)),
		HealthCheck:            containerHealthCheck(declared, props.LoadBalanced),
		StopTimeout:            seconds(declared.StopTimeout),
		WorkingDirectory:       optional.Text(literal(declared.WorkingDirectory)),
		User:                   optional.Text(declared.User),
		ReadonlyRootFilesystem: trueOrNil(declared.ReadOnlyRoot),
		Ulimits:                ulimits(declared.Ulimits),
		Logging: awsecs.LogDrivers_AwsLogs(&awsecs.AwsLogDriverProps{
			LogGroup:     d.logs,
			StreamPrefix: jsii.String(declared.Name),
			Mode:         awsecs.AwsLogDriverMode_NON_BLOCKING,
		}),
		LinuxParameters: awsecs.NewLinuxParameters(scope, jsii.String("LinuxParameters"), &awsecs.LinuxParametersProps{
			// Reaps the processes that ECS Exec sessions and shells leave.
			InitProcessEnabled: jsii.Bool(true),
		}),
	}
	if len(props.Secrets) > 0 {
		container.Secrets = &props.Secrets
	}
	if len(props.Labels) > 0 {
		labels := map[string]*string{}
		for name, value := range props.Labels {
			labels[name] = &value
		}
		container.DockerLabels = &labels
	}
	if declared.Port > 0 {
		container.PortMappings = &[]*awsecs.PortMapping{{
			Name:          jsii.String(declared.Name),
			ContainerPort: jsii.Number(declared.Port),
		}}
	}
	if declared.NetworkMode != spec.AWSVPC {
		values := map[string]*string{}
		for name, value := range environment {
			value = literal(value)
			values[name] = &value
		}
		container.Environment = &values
	}
	d.container = d.task.AddContainer(jsii.String(declared.Name), container)
	if declared.NetworkMode == spec.AWSVPC {
		// The CDK adds AWS_REGION to these tasks, which would take the place of
		// one that is declared if all came at once.
		for _, name := range slices.Sorted(maps.Keys(environment)) {
			d.addVariable(name, environment[name])
		}
	}
	d.addVolumes(declared.Volumes)
	d.executionRole = d.task.ObtainExecutionRole()
}

func (d *definition) addVariable(name, value string) {
	value = literal(value)
	d.container.AddEnvironment(&name, &value)
}
func (d *definition) addSecret(name string, secret awsecs.Secret) {
	d.container.AddSecret(&name, secret)
}

func (d *definition) group() awsec2.ISecurityGroup {
	if d.security == nil {
		return nil // not an interface that holds nil
	}
	return d.security
}

func (d *definition) addVolumes(volumes []spec.Volume) {
	for _, volume := range volumes {
		path := literal(volume.Path)
		d.task.AddVolume(&awsecs.Volume{
			Name: &volume.Name,
			Host: &awsecs.Host{SourcePath: optional.Text(literal(volume.HostPath))},
		})
		d.container.AddMountPoints(&awsecs.MountPoint{
			SourceVolume:  &volume.Name,
			ContainerPath: &path,
			ReadOnly:      &volume.ReadOnly,
		})
	}
}

func ulimits(limits []spec.Ulimit) *[]*awsecs.Ulimit {
	if len(limits) == 0 {
		return nil
	}
	list := make([]*awsecs.Ulimit, len(limits))
	for i, limit := range limits {
		list[i] = &awsecs.Ulimit{
			Name:      awsecs.UlimitName(strings.ToUpper(limit.Name)),
			SoftLimit: jsii.Number(*limit.Soft),
			HardLimit: jsii.Number(*limit.Hard),
		}
	}
	return &list
}

// taskSubnets are those of tasks with network interfaces of their own.
func taskSubnets(props *EcsEc2ServiceProps) *awsec2.SubnetSelection {
	if props.Subnets == nil {
		return &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
	}
	return props.Subnets
}

// acknowledgeRoles says why some permissions name no resource.
func (d *definition) acknowledgeRoles(props *EcsEc2ServiceProps) {
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
	var accepted []acknowledge.Finding
	if len(wildcards) > 0 {
		accepted = append(accepted, acknowledge.Finding{Reason: "Declared by the user for the application's own resources.", AppliesTo: wildcards})
	}
	if props.Exec {
		accepted = append(accepted, acknowledge.Finding{
			Reason:    "ECS Exec opens a session channel; these actions of ssmmessages and logs have no resource to name.",
			AppliesTo: []string{"Resource::*"},
		})
		if props.Cluster.ExecuteCommandConfiguration() != nil {
			accepted = append(accepted, acknowledge.Finding{
				Reason:    "Sessions are recorded in streams of this one log group, whose names nobody knows before.",
				AppliesTo: []string{"/^Resource::arn:.*:logs:.*:log-group:.*:\\*$/"},
			})
		}
	}
	acknowledge.Policies(d.taskRole, accepted...)
	d.acknowledgePull()
}

// acknowledgePull is about the role by which the agent starts the task.
func (d *definition) acknowledgePull() {
	acknowledge.Policy(d.executionRole, "ecr:GetAuthorizationToken has no resource to name.", "Resource::*")
}

func containerHealthCheck(declared spec.Service, loadBalanced bool) *awsecs.HealthCheck {
	check := declared.HealthCheck
	var command []string
	switch {
	case len(check.Command) > 1 && (check.Command[0] == "CMD" || check.Command[0] == "CMD-SHELL"):
		command = check.Command // as Docker and ECS write it
	case len(check.Command) == 1:
		command = []string{"CMD-SHELL", check.Command[0]}
	case len(check.Command) > 1:
		command = append([]string{"CMD"}, check.Command...)
	case check.Path != "" && !loadBalanced && declared.Port > 0:
		command = []string{"CMD-SHELL", askPath(declared.Port, check.Path)}
	default:
		return nil
	}
	return &awsecs.HealthCheck{
		Command:     jsii.Strings(literals(command)...),
		Interval:    seconds(check.Interval),
		Timeout:     seconds(check.Timeout),
		Retries:     jsii.Number(check.Retries),
		StartPeriod: seconds(*check.GracePeriod),
	}
}

// askPath is the shell command that asks a path of the container itself, with
// whichever client the image has. The address is the number: Docker's /etc/hosts
// names ::1 as localhost too, the wget of BusyBox takes that one alone, and many
// servers listen on IPv4 only. An image that has neither client is taken as healthy
// as long as it runs: that nothing can ask is no fault of the application.
func askPath(port int, path string) string {
	url := fmt.Sprintf("http://127.0.0.1:%d%s", port, path)
	return fmt.Sprintf("if command -v curl >/dev/null; then curl -fsS -o /dev/null %s; elif command -v wget >/dev/null; then wget -q -O /dev/null %s; fi || exit 1", url, url)
}

func seconds(d spec.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}

func stringsOrNil(list []string) *[]*string {
	if len(list) == 0 {
		return nil
	}
	return jsii.Strings(list...)
}

func trueOrNil(flag bool) *bool {
	if !flag {
		return nil
	}
	return &flag
}
