package network

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/internal/hostscript"
	"github.com/tinystack-go/tinystack/spec"
)

// addEgress gives the private subnets their way out. The default route of a
// subnet keeps its logical id whatever it points to, so that changing the way
// out changes the route in place.
func (n *network) addEgress(declared spec.Network, props *NetworkProps, public, private subnetGroup, publicRoutes []awsec2.CfnRoute) {
	switch declared.Egress {
	case spec.NATInstance:
		instance, address := n.natInstance(declared.CIDR, publicRoutes, props.NATMetric)
		n.addresses = append(n.addresses, *address.AttrPublicIp())
		// Nothing leaves by another address than the stage's.
		for _, route := range n.privateRoutes(private, func(int) *awsec2.CfnRouteProps {
			return &awsec2.CfnRouteProps{InstanceId: instance}
		}) {
			route.AddResourceDependency(address, nil)
		}
	case spec.NATGateway:
		gateway := n.natGateway(0, public, publicRoutes)
		n.privateRoutes(private, func(int) *awsec2.CfnRouteProps {
			return &awsec2.CfnRouteProps{NatGatewayId: gateway}
		})
	case spec.NATGatewayPerZone:
		n.privateRoutes(private, func(zone int) *awsec2.CfnRouteProps {
			return &awsec2.CfnRouteProps{NatGatewayId: n.natGateway(zone, public, publicRoutes)}
		})
	case spec.VPCEndpoints:
		services := props.Endpoints
		if len(services) == 0 {
			services, _ = spec.Stage{}.Endpoints(spec.App{})
		}
		n.interfaceEndpoints(declared.CIDR, private, services)
	}
}

func (n *network) privateRoutes(private subnetGroup, target func(zone int) *awsec2.CfnRouteProps) (routes []awsec2.CfnRoute) {
	for i, table := range private.tables {
		props := target(i)
		props.RouteTableId = table
		props.DestinationCidrBlock = jsii.String("0.0.0.0/0")
		routes = append(routes, awsec2.NewCfnRoute(n, numbered("PrivateRoute", i), props))
	}
	return routes
}

// natGateway makes a NAT gateway in the public subnet of a zone, counted from 0,
// and returns its id.
func (n *network) natGateway(zone int, public subnetGroup, publicRoutes []awsec2.CfnRoute) *string {
	address := awsec2.NewCfnEIP(n, numbered("NatGatewayAddress", zone), &awsec2.CfnEIPProps{
		Domain: jsii.String("vpc"),
		Tags:   nameTag(n.path),
	})
	gateway := awsec2.NewCfnNatGateway(n, numbered("NatGateway", zone), &awsec2.CfnNatGatewayProps{
		SubnetId:     public.ids[zone],
		AllocationId: address.AttrAllocationId(),
		Tags:         nameTag(n.path),
	})
	gateway.AddResourceDependency(publicRoutes[zone], nil)
	n.addresses = append(n.addresses, *address.AttrPublicIp())
	return gateway.Ref()
}

// natInstance is the cheapest way out: one small instance that forwards for all
// zones, behind an address of its own.
//
// Whatever changes it, a new machine image among it, makes a second instance. The
// address and after it the routes move only when that has said that it forwards,
// and then the first one goes: what is open breaks, and anew it is open within
// seconds. EC2 brings an instance back whose hardware fails, with its address;
// one whose system fails is restarted by an alarm. An Auto Scaling group would
// also survive the loss of a zone, but its instances would have to be allowed to
// change routes, which CloudFormation would then know nothing of.
func (n *network) natInstance(cidr string, publicRoutes []awsec2.CfnRoute, metric *hostscript.Metric) (*string, awsec2.CfnEIP) {
	group := awsec2.NewSecurityGroup(n, jsii.String("NatSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              n.vpc,
		Description:      jsii.String("NAT instance: forwards what comes from the VPC"),
		AllowAllOutbound: jsii.Bool(true),
	})
	group.AddIngressRule(awsec2.Peer_Ipv4(jsii.String(cidr)), awsec2.Port_AllTraffic(), jsii.String("from the VPC"), nil)
	stack := awscdk.Stack_Of(n)
	id := *stack.StackId()
	role := n.natRole(id, metric)

	userData := awsec2.UserData_ForLinux(nil)
	instance := awsec2.NewInstance(n, jsii.String("NatInstance"), &awsec2.InstanceProps{
		Vpc:                      n.vpc,
		VpcSubnets:               n.PublicSubnets(), // it stands in the first of them
		InstanceType:             awsec2.NewInstanceType(jsii.String("t4g.nano")),
		MachineImage:             awsec2.MachineImage_LatestAmazonLinux2023(&awsec2.AmazonLinux2023ImageSsmParameterProps{CpuType: awsec2.AmazonLinuxCpuType_ARM_64}),
		SecurityGroup:            group,
		Role:                     role,
		SourceDestCheck:          jsii.Bool(false),
		AssociatePublicIpAddress: jsii.Bool(true), // until it has the stage's
		HttpTokens:               awsec2.HttpTokens_REQUIRED,
		UserData:                 userData,
		// An instance reads its user data at its first start only.
		UserDataCausesReplacement: jsii.Bool(true),
		BlockDevices: &[]*awsec2.BlockDevice{{
			DeviceName: jsii.String("/dev/xvda"),
			Volume: awsec2.BlockDeviceVolume_Ebs(jsii.Number(8), &awsec2.EbsDeviceOptions{
				Encrypted:  jsii.Bool(true),
				VolumeType: awsec2.EbsDeviceVolumeType_GP3,
			}),
		}},
	})
	resource := instance.Instance()
	userData.AddCommands(*jsii.Strings(hostscript.NAT(hostscript.Resource{
		Region: n.region, Suffix: *stack.UrlSuffix(), Stack: id, LogicalID: *resource.LogicalId(),
	}, cidr, metric)...)...)
	resource.CfnOptions().SetCreationPolicy(&awscdk.CfnCreationPolicy{
		ResourceSignal: &awscdk.CfnResourceSignal{Count: jsii.Number(1), Timeout: jsii.String(fmt.Sprintf("PT%dM", hostscript.NATMinutes))},
	})
	for _, route := range publicRoutes {
		resource.AddResourceDependency(route, nil)
	}
	acknowledge.All(resource,
		acknowledge.Finding{Rule: "AwsSolutions-EC28", Reason: "One-minute metrics cost more than this instance is worth; basic monitoring stays on."},
		acknowledge.Finding{Rule: "AwsSolutions-EC29", Reason: "The instance holds no state and is replaced with each new machine image; termination protection would block that."})
	address := awsec2.NewCfnEIP(n, jsii.String("NatAddress"), &awsec2.CfnEIPProps{
		Domain:     jsii.String("vpc"),
		InstanceId: instance.InstanceId(),
		Tags:       nameTag(n.path),
	})
	n.restartNAT(instance.InstanceId())
	return instance.InstanceId(), address
}

// natRole is what the NAT instance may do: say that it forwards, and report.
func (n *network) natRole(stack string, metric *hostscript.Metric) awsiam.Role {
	role := awsiam.NewRole(n, jsii.String("NatRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("ec2.amazonaws.com"), nil),
		Description: jsii.String("NAT instance: says that it forwards, and how many connections it has"),
	})
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("cloudformation:SignalResource"), Resources: jsii.Strings(stack),
	}))
	if metric != nil {
		role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings("cloudwatch:PutMetricData"), Resources: jsii.Strings("*"),
			Conditions: &map[string]any{"StringEquals": map[string]any{"cloudwatch:namespace": metric.Namespace}},
		}))
		acknowledge.Policy(role, "cloudwatch:PutMetricData has no resource to name; a condition binds it to the application's namespace.", "Resource::*")
	}
	return role
}

// restartNAT restarts the NAT instance when its system no longer answers.
func (n *network) restartNAT(instance *string) {
	stack := awscdk.Stack_Of(n)
	awscloudwatch.NewCfnAlarm(n, jsii.String("NatRestart"), &awscloudwatch.CfnAlarmProps{
		AlarmDescription: jsii.String("The system of the NAT instance does not answer: it is restarted. Nobody need act on it."),
		Namespace:        jsii.String("AWS/EC2"),
		MetricName:       jsii.String("StatusCheckFailed_Instance"),
		Dimensions: &[]any{&awscloudwatch.CfnAlarm_DimensionProperty{
			Name: jsii.String("InstanceId"), Value: instance,
		}},
		Statistic:          jsii.String("Maximum"),
		Period:             jsii.Number(60),
		EvaluationPeriods:  jsii.Number(3),
		Threshold:          jsii.Number(1),
		ComparisonOperator: jsii.String("GreaterThanOrEqualToThreshold"),
		TreatMissingData:   jsii.String("notBreaching"),
		AlarmActions:       &[]any{jsii.String(fmt.Sprintf("arn:%s:automate:%s:ec2:reboot", *stack.Partition(), n.region))},
	})
}

func (n *network) interfaceEndpoints(cidr string, private subnetGroup, services []string) {
	group := awsec2.NewSecurityGroup(n, jsii.String("EndpointSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              n.vpc,
		Description:      jsii.String("VPC endpoints: HTTPS from the VPC"),
		AllowAllOutbound: jsii.Bool(false),
	})
	group.AddIngressRule(awsec2.Peer_Ipv4(jsii.String(cidr)), awsec2.Port_Tcp(jsii.Number(443)), jsii.String("HTTPS from the VPC"), nil)
	var subnets []any
	for _, id := range private.ids {
		subnets = append(subnets, id)
	}
	vpc, groups := n.vpc.VpcId(), &[]any{group.SecurityGroupId()}
	for _, service := range services {
		awsec2.NewCfnVPCEndpoint(n, jsii.String("Endpoint-"+service), &awsec2.CfnVPCEndpointProps{
			VpcId:             vpc,
			VpcEndpointType:   jsii.String("Interface"),
			ServiceName:       n.endpointService(service),
			PrivateDnsEnabled: jsii.Bool(true),
			SubnetIds:         &subnets,
			SecurityGroupIds:  groups,
		})
	}
}
