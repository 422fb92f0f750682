package endpoint

import (
	"errors"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/spec"
)

// DynamicPorts are the host ports that Docker's bridge gives to containers with
// a dynamic port.
func DynamicPorts() awsec2.Port { return awsec2.Port_TcpRange(jsii.Number(32768), jsii.Number(65535)) }

// defaultHealthPath is what a load balancer asks for.
const defaultHealthPath = "/"

// healthyThreshold is how many checks in a row a new task must pass: the
// fewest there can be, so that a deployment is quick.
const healthyThreshold = 2

// defaultStopTimeout is how long ECS waits between SIGTERM and SIGKILL.
const defaultStopTimeout = 30

// Target is the service that an endpoint serves.
type Target struct {
	// Service is the ECS service. Its tasks run in network mode bridge (with
	// dynamic or fixed host ports), host or awsvpc. If it is to be registered
	// in Cloud Map for others than the endpoint, that comes first. Required.
	Service awsecs.Ec2Service

	// ContainerName is the container that takes the requests. Default: the
	// task definition's default container.
	ContainerName string

	// ContainerPort is the TCP port it takes them on; the container must have
	// a port mapping for it. Default: the port of its first mapping.
	ContainerPort int

	// SecurityGroup that the tasks' traffic passes: of the instances in
	// bridge and host mode, of the tasks in awsvpc mode. The endpoint opens
	// the tasks' ports in it for itself and nobody else. Required.
	SecurityGroup awsec2.ISecurityGroup

	// HealthCheck tells a load balancer healthy tasks from others: Path, Codes,
	// Interval, Timeout and Retries; the GracePeriod is set on the ECS service.
	// An HTTP API leaves it to the container's own health check. Default: "/",
	// and otherwise that of a declared service.
	HealthCheck spec.HealthCheck

	// StopTimeout is how many seconds ECS lets the container end after SIGTERM.
	// A load balancer gives open requests as long to end. Default: the stop
	// time-out of the container definition, or 30, which is ECS's own.
	StopTimeout int
}

// resolvedTarget is a target with its defaults and what follows from its task
// definition.
type resolvedTarget struct {
	Target
	container awsecs.ContainerDefinition
	network   awsecs.NetworkMode
	// ports that the tasks are reached on.
	ports awsec2.Port
}

// resolve fills in defaults. On an error the result is not to be used.
func (t Target) resolve() (resolvedTarget, error) {
	r := resolvedTarget{Target: t}
	if t.Service == nil || t.SecurityGroup == nil {
		return r, errors.New("target: Service and SecurityGroup are required")
	}
	task := t.Service.TaskDefinition()
	if t.ContainerName == "" {
		r.container = task.DefaultContainer()
	} else {
		r.container = task.FindContainer(&t.ContainerName)
	}
	if r.container == nil {
		return r, fmt.Errorf("target: the task definition has no container %q: add it before the endpoint", t.ContainerName)
	}
	if t.ContainerName == "" {
		r.ContainerName = *r.container.ContainerName()
	}
	if t.ContainerPort == 0 {
		mappings := *r.container.PortMappings()
		if len(mappings) == 0 {
			return r, fmt.Errorf("target: container %q has no port mapping: add one before the endpoint", r.ContainerName)
		}
		r.ContainerPort = int(*mappings[0].ContainerPort)
	}
	mapping := r.container.FindPortMapping(jsii.Number(r.ContainerPort), awsecs.Protocol_TCP)
	if mapping == nil {
		return r, fmt.Errorf("target: container %q has no TCP port mapping for %d: add one before the endpoint", r.ContainerName, r.ContainerPort)
	}
	r.network = task.NetworkMode()
	shared := r.network == awsecs.NetworkMode_BRIDGE || r.network == awsecs.NetworkMode_NAT
	switch {
	case r.network == awsecs.NetworkMode_NONE:
		return r, errors.New("target: the task's network mode is none, so nothing can reach it: use bridge, host or awsvpc")
	case shared && (mapping.HostPort == nil || *mapping.HostPort == 0):
		r.ports = DynamicPorts()
	case shared:
		r.ports = awsec2.Port_Tcp(mapping.HostPort)
	default:
		r.ports = awsec2.Port_Tcp(jsii.Number(r.ContainerPort))
	}
	if r.StopTimeout == 0 {
		r.StopTimeout = defaultStopTimeout
		if declared := r.container.RenderContainerDefinition(task).StopTimeout; declared != nil {
			r.StopTimeout = int(*declared)
		}
	}
	health, err := t.HealthCheck.Complete()
	if err != nil {
		err = fmt.Errorf("health check: %w", err)
	}
	r.HealthCheck = health
	if r.HealthCheck.Path == "" {
		r.HealthCheck.Path = defaultHealthPath
	}
	return r, errors.Join(err, r.validateStopTimeout())
}

func (r *resolvedTarget) validateStopTimeout() error {
	if r.StopTimeout < 1 || r.StopTimeout > 3600 {
		return fmt.Errorf("target: stop timeout of %d seconds is not between 1 and 3600", r.StopTimeout)
	}
	return nil
}

// allowFrom opens the tasks' ports to a security group.
func (r resolvedTarget) allowFrom(source awsec2.ISecurityGroup, description string) {
	source.Connections().AllowTo(r.SecurityGroup, r.ports, &description)
}

// newTargetGroup makes a target group that ECS registers the service's tasks
// in. It has no physical name, so it can be replaced. With a sticky time a
// client keeps being sent to one task for as long.
func (r resolvedTarget) newTargetGroup(in place, scope constructs.Construct, id string, vpc awsec2.IVpc, sticky spec.Duration) elb.ApplicationTargetGroup {
	group := r.newGroup(scope, id, vpc, sticky)
	group.AddTarget(r.Service.LoadBalancerTarget(&awsecs.LoadBalancerTargetOptions{
		ContainerName: &r.ContainerName,
		ContainerPort: jsii.Number(r.ContainerPort),
	}))
	r.prepareService(in)
	return group
}

// newGroup is a target group without targets yet.
func (r resolvedTarget) newGroup(scope constructs.Construct, id string, vpc awsec2.IVpc, sticky spec.Duration) elb.ApplicationTargetGroup {
	targetType := elb.TargetType_INSTANCE
	if r.network == awsecs.NetworkMode_AWS_VPC {
		targetType = elb.TargetType_IP
	}
	props := &elb.ApplicationTargetGroupProps{
		Vpc:        vpc,
		TargetType: targetType,
		Protocol:   elb.ApplicationProtocol_HTTP,
		// ECS registers every task with its own port; this one is never used,
		// and a change of it would replace the group.
		Port:                jsii.Number(80),
		DeregistrationDelay: awscdk.Duration_Seconds(jsii.Number(r.StopTimeout)),
		HealthCheck: &elb.HealthCheck{
			Path:                    &r.HealthCheck.Path,
			HealthyHttpCodes:        &r.HealthCheck.Codes,
			Interval:                awscdk.Duration_Seconds(jsii.Number(r.HealthCheck.Interval.Seconds())),
			Timeout:                 awscdk.Duration_Seconds(jsii.Number(r.HealthCheck.Timeout.Seconds())),
			HealthyThresholdCount:   jsii.Number(healthyThreshold),
			UnhealthyThresholdCount: jsii.Number(r.HealthCheck.Retries),
		},
	}
	if sticky > 0 {
		props.StickinessCookieDuration = awscdk.Duration_Seconds(jsii.Number(sticky.Seconds()))
	}
	return elb.NewApplicationTargetGroup(scope, &id, props)
}

// prepareService tells the service of the load balancer before it.
func (r resolvedTarget) prepareService(in place) awsecs.CfnService {
	service := r.Service.Node().DefaultChild().(awsecs.CfnService)
	service.SetHealthCheckGracePeriodSeconds(jsii.Number(r.HealthCheck.GracePeriod.Seconds()))
	if registries, ok := in.stack.Resolve(service.ServiceRegistries()).([]any); !ok || len(registries) == 0 {
		// Said outright, so that a service that was registered in Cloud Map
		// for an HTTP API leaves it; ECS keeps what an update does not name.
		service.AddPropertyOverride(jsii.String("ServiceRegistries"), []any{})
	}
	return service
}

// allowFromLoadBalancer opens the tasks' ports to a load balancer that has a
// listener for the target group. The CDK opens them in the security groups
// that the service knows; in bridge mode that is what the cluster was told,
// which capacity providers' groups are not part of by themselves.
func (r resolvedTarget) allowFromLoadBalancer(balancer awsec2.ISecurityGroup) {
	for _, known := range *r.Service.Connections().SecurityGroups() {
		if *known.SecurityGroupId() == *r.SecurityGroup.SecurityGroupId() {
			return
		}
	}
	r.allowFrom(balancer, "Load balancer to tasks")
}
