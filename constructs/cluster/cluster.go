// Package cluster makes an ECS cluster on EC2 instances of the user's own
// account, with capacity that follows either the instances' CPU or the tasks'
// needs, never both: two controllers of one Auto Scaling group fight.
//
// Managed termination protection stays off. It would keep the group from
// shrinking when the stack is deleted, and the deletion would wait for ever.
// Nothing here has a physical name, so a cluster can be replaced by a new one
// that is created before the old one goes.
package cluster

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsautoscaling"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/hostscript"
	"github.com/tinystack-go/tinystack/internal/instances"
	"github.com/tinystack-go/tinystack/spec"
)

// rootVolumeGB is the least that the ECS-optimized image accepts.
const rootVolumeGB = 30

// ClusterProps says what cluster is wanted.
type ClusterProps struct {
	// VPC of the instances. Required.
	VPC awsec2.IVpc

	// Subnets of the instances. Default: the private ones.
	Subnets *awsec2.SubnetSelection

	// PublicIP gives each instance a public address, for subnets that have no
	// other way out. Nothing can come in by it. Default: false.
	PublicIP bool

	// Scale is the instance type, how many instances there are, and by what
	// rule their number changes. Default: the profile standard.
	Scale spec.ScaleProfile

	// ContainerInsights collects metrics of every service and task, which
	// CloudWatch bills as custom metrics. Default: false.
	ContainerInsights bool

	// ExecLog records every session of ECS Exec in a log group, which like the
	// sessions is encrypted with a key made for that. Default: false: a
	// session's record is in the output of its container.
	ExecLog bool

	// ExecLogRetentionDays is how many days that record is kept: one of the
	// numbers that CloudWatch Logs accepts; any other panics. Default: 90.
	ExecLogRetentionDays int

	// SessionManager lets people with the permission open sessions on the
	// instances and through them. Default: false.
	SessionManager bool
}

// Cluster is an ECS cluster and the instances it runs on.
type Cluster interface {
	constructs.Construct
	// Cluster is the ECS cluster.
	Cluster() awsecs.Cluster
	// AutoScalingGroup holds the instances.
	AutoScalingGroup() awsautoscaling.AutoScalingGroup
	// CapacityProvider is what services name in their strategy to run on the
	// instances.
	CapacityProvider() awsecs.AsgCapacityProvider
	// SecurityGroup of the instances. In bridge mode the tasks share it.
	SecurityGroup() awsec2.SecurityGroup
	// ExecLog is the record of ECS Exec; nil unless asked for.
	ExecLog() awslogs.ILogGroup
}

type cluster struct {
	constructs.Construct
	cluster  awsecs.Cluster
	group    awsautoscaling.AutoScalingGroup
	provider awsecs.AsgCapacityProvider
	security awsec2.SecurityGroup
	execLog  awslogs.LogGroup
}

// NewCluster makes a cluster with its instances. It panics with all problems of
// its scale profile if there are any, and where a machine image is declared in
// a stack whose region is not known: images are of one region.
func NewCluster(scope constructs.Construct, id *string, props *ClusterProps) Cluster {
	scale, err := props.Scale.Complete()
	if err != nil {
		panic(fmt.Errorf("cluster %s: %w", *id, err))
	}
	c := &cluster{}
	constructs.NewConstruct_Override(c, scope, id)
	insights := awsecs.ContainerInsights_DISABLED
	if props.ContainerInsights {
		insights = awsecs.ContainerInsights_ENABLED
	}
	c.cluster = awsecs.NewCluster(c, jsii.String("EcsCluster"), &awsecs.ClusterProps{
		Vpc:                         props.VPC,
		ContainerInsightsV2:         insights,
		ExecuteCommandConfiguration: c.execConfiguration(props),
	})
	if !props.ContainerInsights {
		acknowledge.All(c.cluster, acknowledge.Finding{Rule: "AwsSolutions-ECS4", Reason: "Container Insights are billed by the metric; this stage does not ask for them. Production has them by default."})
	}
	c.security = awsec2.NewSecurityGroup(c, jsii.String("InstanceSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              props.VPC,
		Description:      jsii.String("Container instances: in from the endpoint and from services of the stage only"),
		AllowAllOutbound: jsii.Bool(true),
	})
	c.addInstances(props, scale)
	if scale.Mode == spec.CPUAlarms {
		c.addCPUAlarms(scale)
	}
	return c
}

func (c *cluster) Cluster() awsecs.Cluster                           { return c.cluster }
func (c *cluster) AutoScalingGroup() awsautoscaling.AutoScalingGroup { return c.group }
func (c *cluster) CapacityProvider() awsecs.AsgCapacityProvider      { return c.provider }
func (c *cluster) SecurityGroup() awsec2.SecurityGroup               { return c.security }

func (c *cluster) ExecLog() awslogs.ILogGroup {
	if c.execLog == nil {
		return nil // not an interface that holds nil
	}
	return c.execLog
}

func (c *cluster) addInstances(props *ClusterProps, scale spec.ScaleProfile) {
	role := awsiam.NewRole(c, jsii.String("InstanceRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil),
		Description: jsii.String("Container instances: register with their ECS cluster"),
	})
	if props.SessionManager {
		// What the agent on the instances needs for sessions; the rest of
		// AmazonSSMManagedInstanceCore serves other features.
		role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings("ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
				"ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
			Resources: jsii.Strings("*"),
		}))
	}
	template := awsec2.NewLaunchTemplate(c, jsii.String("LaunchTemplate"), &awsec2.LaunchTemplateProps{
		InstanceType:             awsec2.NewInstanceType(jsii.String(scale.Instance)),
		MachineImage:             c.machineImage(scale),
		SpotOptions:              spotOptions(scale),
		Role:                     role,
		SecurityGroup:            c.security,
		AssociatePublicIpAddress: publicIP(props.PublicIP),
		UserData:                 awsec2.UserData_ForLinux(nil),
		// One hop: containers behind Docker's bridge cannot reach the metadata
		// service, so they cannot take the instance's role.
		HttpTokens:              awsec2.LaunchTemplateHttpTokens_REQUIRED,
		HttpPutResponseHopLimit: jsii.Number(1),
		DetailedMonitoring:      jsii.Bool(scale.OneMinuteMetrics()),
		BlockDevices: &[]*awsec2.BlockDevice{{
			DeviceName: jsii.String("/dev/xvda"),
			Volume: awsec2.BlockDeviceVolume_Ebs(jsii.Number(rootVolumeGB), &awsec2.EbsDeviceOptions{
				Encrypted:  jsii.Bool(true),
				VolumeType: awsec2.EbsDeviceVolumeType_GP3,
			}),
		}},
	})
	low, desired, high := *scale.Instances.Min, *scale.Instances.Desired, *scale.Instances.Max
	// A new launch template (instance type, machine image) replaces the running
	// instances one by one; their tasks are drained first. A group that can hold
	// none has nothing to replace, and AWS refuses a policy that leaves as many in
	// service as the group may have at most.
	var update awsautoscaling.UpdatePolicy
	if high > 0 {
		update = awsautoscaling.UpdatePolicy_RollingUpdate(&awsautoscaling.RollingUpdateOptions{
			MaxBatchSize:          jsii.Number(1),
			MinInstancesInService: jsii.Number(min(desired, high-1)),
			// The next instance goes when the new one says that its agent has
			// registered it; one that does not say so takes the update back.
			WaitOnResourceSignals: jsii.Bool(true),
			PauseTime:             awscdk.Duration_Minutes(jsii.Number(hostscript.InstanceMinutes)),
		})
	}
	c.group = awsautoscaling.NewAutoScalingGroup(c, jsii.String("AutoScalingGroup"), &awsautoscaling.AutoScalingGroupProps{
		Vpc:            props.VPC,
		VpcSubnets:     props.Subnets,
		LaunchTemplate: template,
		MinCapacity:    jsii.Number(low),
		MaxCapacity:    jsii.Number(high),
		UpdatePolicy:   update,
	})
	// The desired number is set by hand: the CDK's property warns that it
	// resets what scaling decided, which the update policy of the group
	// (IgnoreUnmodifiedGroupSizeProperties) prevents.
	resource := c.group.Node().DefaultChild().(awsautoscaling.CfnAutoScalingGroup)
	resource.SetDesiredCapacity(jsii.String(fmt.Sprint(desired)))
	if desired > 0 {
		resource.CfnOptions().SetCreationPolicy(&awscdk.CfnCreationPolicy{ResourceSignal: &awscdk.CfnResourceSignal{
			Count:   jsii.Number(desired),
			Timeout: jsii.String(fmt.Sprintf("PT%dM", hostscript.InstanceMinutes)),
		}})
	}
	collectMetrics(resource)
	acknowledge.All(resource, acknowledge.Finding{Rule: "AwsSolutions-AS3", Reason: "Scaling is the everyday work of this group; alarms tell people when it cannot keep up."})
	if *scale.Spot {
		// Starts a successor when AWS sees an interruption coming, before the
		// two minutes' notice.
		resource.SetCapacityRebalance(jsii.Bool(true))
	}

	c.provider = awsecs.NewAsgCapacityProvider(c, jsii.String("CapacityProvider"), &awsecs.AsgCapacityProviderProps{
		AutoScalingGroup:                   c.group,
		EnableManagedScaling:               jsii.Bool(scale.Mode == spec.Managed),
		EnableManagedTerminationProtection: jsii.Bool(false),
		EnableManagedDraining:              jsii.Bool(true),
	})
	c.cluster.AddAsgCapacityProvider(c.provider, nil)
	// A task with a network interface of its own is one hop from the metadata
	// service; the agent keeps it away.
	commands := []string{
		"echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config",
		fmt.Sprintf("echo ECS_RESERVED_MEMORY=%d >> /etc/ecs/ecs.config", instances.ReservedMemoryMiB(scale.Instance)),
	}
	if *scale.Spot {
		// At the notice the agent takes no more tasks and ends those it has.
		commands = append(commands, "echo ECS_ENABLE_SPOT_INSTANCE_DRAINING=true >> /etc/ecs/ecs.config")
	}
	stack := awscdk.Stack_Of(c)
	id := *stack.StackId()
	commands = append(commands, hostscript.Instance(hostscript.Resource{
		Region: *stack.Region(), Suffix: *stack.UrlSuffix(), Stack: id, LogicalID: *resource.LogicalId(),
	})...)
	c.group.AddUserData(*jsii.Strings(commands...)...)
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("cloudformation:SignalResource"), Resources: jsii.Strings(id),
	}))
	// The CDK does not tell the cluster about a capacity provider's security
	// groups; without them a load balancer gets no way to bridge-mode tasks.
	c.cluster.Connections().AddSecurityGroup(c.security)

	acknowledge.Policy(role, "Registering with ECS, its agent's end point and fetching an ECR token have no resource to name; polling is bound to this cluster by a condition.",
		"Resource::*", "Action::ecs:Submit*")
}

// machineImage is Amazon Linux 2023 unless an image is declared.
func (c *cluster) machineImage(scale spec.ScaleProfile) awsec2.IMachineImage {
	if scale.Image == "" {
		return awsecs.EcsOptimizedImage_AmazonLinux2023(hardware(scale.Instance), nil)
	}
	region := awscdk.Stack_Of(c).Region()
	if *awscdk.Token_IsUnresolved(region) {
		panic(fmt.Errorf("cluster %s: the machine image %s is in one region: give the stack an environment with it", *c.Node().Path(), scale.Image))
	}
	return awsec2.MachineImage_GenericLinux(&map[string]*string{*region: &scale.Image}, nil)
}

// spotOptions asks for spot instances at up to the on-demand price.
func spotOptions(scale spec.ScaleProfile) *awsec2.LaunchTemplateSpotOptions {
	if !*scale.Spot {
		return nil
	}
	// Requests of an Auto Scaling group can only be for one time.
	return &awsec2.LaunchTemplateSpotOptions{RequestType: awsec2.SpotRequestType_ONE_TIME}
}

// publicIP is unset where the subnet decides, which is: no.
func publicIP(wanted bool) *bool {
	if !wanted {
		return nil
	}
	return jsii.Bool(true)
}

func hardware(instance string) awsecs.AmiHardwareType {
	if arch, ok := instances.ArchOf(instance); ok && arch == instances.ARM64 {
		return awsecs.AmiHardwareType_ARM
	}
	return awsecs.AmiHardwareType_STANDARD
}
