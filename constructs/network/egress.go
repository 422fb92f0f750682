package network

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/spec"
)

// addEgress gives the private subnets their way out. The default route of a
// subnet keeps its logical id whatever it points to, so that changing the way
// out changes the route in place.
func (n *network) addEgress(declared spec.Network, endpoints []string, public, private subnetGroup, publicRoutes []awsec2.CfnRoute) {
	switch declared.Egress {
	case spec.NATInstance:
		instance := n.natInstance(declared.CIDR, publicRoutes)
		n.privateRoutes(private, func(int) *awsec2.CfnRouteProps {
			return &awsec2.CfnRouteProps{InstanceId: instance}
		})
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
		n.interfaceEndpoints(declared.CIDR, private, endpoints)
	}
}

func (n *network) privateRoutes(private subnetGroup, target func(zone int) *awsec2.CfnRouteProps) {
	for i, table := range private.tables {
		props := target(i)
		props.RouteTableId = table
		props.DestinationCidrBlock = jsii.String("0.0.0.0/0")
		awsec2.NewCfnRoute(n, numbered("PrivateRoute", i), props)
	}
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
	return gateway.Ref()
}

// natInstance is the cheapest way out: one small instance that forwards for
// all zones. A new machine image replaces it; the route moves only after the
// new instance has said that it forwards.
func (n *network) natInstance(cidr string, publicRoutes []awsec2.CfnRoute) *string {
	group := awsec2.NewSecurityGroup(n, jsii.String("NatSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              n.vpc,
		Description:      jsii.String("NAT instance: forwards what comes from the VPC"),
		AllowAllOutbound: jsii.Bool(true),
	})
	group.AddIngressRule(awsec2.Peer_Ipv4(jsii.String(cidr)), awsec2.Port_AllTraffic(), jsii.String("from the VPC"), nil)

	userData := awsec2.UserData_ForLinux(nil)
	userData.AddCommands(*jsii.Strings(natCommands(cidr)...)...)
	instance := awsec2.NewInstance(n, jsii.String("NatInstance"), &awsec2.InstanceProps{
		Vpc:                      n.vpc,
		VpcSubnets:               n.PublicSubnets(), // it stands in the first of them
		InstanceType:             awsec2.NewInstanceType(jsii.String("t4g.nano")),
		MachineImage:             awsec2.MachineImage_LatestAmazonLinux2023(&awsec2.AmazonLinux2023ImageSsmParameterProps{CpuType: awsec2.AmazonLinuxCpuType_ARM_64}),
		SecurityGroup:            group,
		SourceDestCheck:          jsii.Bool(false),
		AssociatePublicIpAddress: jsii.Bool(true),
		HttpTokens:               awsec2.HttpTokens_REQUIRED,
		UserData:                 userData,
		BlockDevices: &[]*awsec2.BlockDevice{{
			DeviceName: jsii.String("/dev/xvda"),
			Volume: awsec2.BlockDeviceVolume_Ebs(jsii.Number(8), &awsec2.EbsDeviceOptions{
				Encrypted:  jsii.Bool(true),
				VolumeType: awsec2.EbsDeviceVolumeType_GP3,
			}),
		}},
	})
	userData.AddSignalOnExitCommand(instance)
	resource := instance.Instance()
	resource.CfnOptions().SetCreationPolicy(&awscdk.CfnCreationPolicy{
		ResourceSignal: &awscdk.CfnResourceSignal{Count: jsii.Number(1), Timeout: jsii.String("PT10M")},
	})
	for _, route := range publicRoutes {
		resource.AddResourceDependency(route, nil)
	}
	acknowledge.All(resource,
		acknowledge.Finding{Rule: "AwsSolutions-EC28", Reason: "One-minute metrics cost more than this instance is worth; basic monitoring stays on."},
		acknowledge.Finding{Rule: "AwsSolutions-EC29", Reason: "The instance holds no state and is replaced with each new machine image; termination protection would block that."})
	return instance.InstanceId()
}

// natCommands turn Amazon Linux 2023 into a NAT router. The swap file is for
// the package manager, which needs more than the 512 MB of a nano instance.
func natCommands(cidr string) []string {
	return []string{
		"set -euo pipefail",
		"dd if=/dev/zero of=/swapfile bs=1M count=768 && chmod 600 /swapfile && mkswap /swapfile && swapon /swapfile",
		"for attempt in 1 2 3 4 5; do dnf install -y aws-cfn-bootstrap nftables && break; sleep 10; done",
		"echo 'net.ipv4.ip_forward = 1' > /etc/sysctl.d/90-nat.conf && sysctl -p /etc/sysctl.d/90-nat.conf",
		fmt.Sprintf("echo 'table ip nat { chain postrouting { type nat hook postrouting priority 100; ip saddr %s ip daddr != %s masquerade; } }' > /etc/sysconfig/nftables.conf", cidr, cidr),
		"systemctl enable nftables && systemctl restart nftables",
	}
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
