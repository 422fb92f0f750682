package network

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/observability"
	"github.com/tinystack-go/tinystack/internal/hostscript"
	"github.com/tinystack-go/tinystack/spec"
)

// NetworkProps says what network is wanted.
type NetworkProps struct {
	// Network is the declaration, complete (see [spec.App.Resolve]) or not:
	// what is left out gets the defaults of package spec, for the region of
	// the stack where that is known.
	Network spec.Network

	// Endpoints are the services that interface endpoints lead to where the way
	// out is endpoints, as PrivateLink names them; see [spec.Stage.Endpoints].
	// Default: those of a stage whose containers call nothing of AWS.
	Endpoints []string

	// Gateways are the services that gateway endpoints lead to. That of S3 is
	// always there. Default: none beside it.
	Gateways []string

	// NATMetric is what a NAT instance reports of itself every five minutes: how
	// full its table of connections is, in percent, without dimensions. Default:
	// nothing.
	NATMetric *hostscript.Metric
}

// Network is a VPC, and the selections of its subnets for each kind of resource.
// Where the VPC is made here, each has one subnet in every zone, of which there
// are two at least.
type Network interface {
	constructs.Construct
	// VPC with its public, private and isolated subnets.
	VPC() awsec2.IVpc
	// InstanceSubnets are where container instances run: the public ones where
	// the way out is a public address of each instance, else the private ones.
	InstanceSubnets() *awsec2.SubnetSelection
	// PublicSubnets have a route to the internet gateway; internet-facing load
	// balancers are in them. An existing VPC may be declared without any.
	PublicSubnets() *awsec2.SubnetSelection
	// PrivateSubnets reach the internet by the declared way out, if at all;
	// VPC links, internal load balancers and functions are in them.
	PrivateSubnets() *awsec2.SubnetSelection
	// DatabaseSubnets have no route out of the VPC; databases are in them. In
	// an existing VPC they are the private ones.
	DatabaseSubnets() *awsec2.SubnetSelection
	// Addresses are the public ones by which what leaves the private subnets is
	// seen, for lists of who is let in elsewhere: of the NAT instance, or of each
	// NAT gateway. They stay when an instance is replaced. Other ways out have
	// none that stays.
	Addresses() []string
}

type network struct {
	constructs.Construct
	vpc       awsec2.IVpc
	egress    spec.Egress
	databases awsec2.SubnetType
	addresses []string
	// path and region are asked for once: each question to a construct is a
	// message to the CDK's process.
	path   string
	region string
}

// NewNetwork makes a VPC, or imports the one that the declaration names.
// It panics with all problems of the declaration if there are any.
func NewNetwork(scope constructs.Construct, id *string, props *NetworkProps) Network {
	region := awscdk.Stack_Of(scope).Region()
	known := ""
	if !*awscdk.Token_IsUnresolved(region) {
		known = *region
	}
	declared, err := props.Network.Complete(known)
	if err != nil {
		panic(fmt.Errorf("network %s: %w", *id, err))
	}
	n := &network{egress: declared.Egress, region: *region}
	constructs.NewConstruct_Override(n, scope, id)
	if declared.VPC != nil {
		n.importVPC(*declared.VPC)
	} else {
		n.makeVPC(declared, props)
	}
	return n
}

func (n *network) VPC() awsec2.IVpc    { return n.vpc }
func (n *network) Addresses() []string { return n.addresses }

func (n *network) InstanceSubnets() *awsec2.SubnetSelection {
	if n.egress == spec.PublicIP {
		return n.PublicSubnets()
	}
	return n.PrivateSubnets()
}

func (n *network) PublicSubnets() *awsec2.SubnetSelection {
	return &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PUBLIC}
}

func (n *network) PrivateSubnets() *awsec2.SubnetSelection {
	return &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}
}

func (n *network) DatabaseSubnets() *awsec2.SubnetSelection {
	return &awsec2.SubnetSelection{SubnetType: n.databases}
}

func (n *network) importVPC(existing spec.ExistingVPC) {
	attributes := &awsec2.VpcAttributes{
		VpcId:             jsii.String(existing.ID),
		VpcCidrBlock:      jsii.String(existing.CIDR),
		AvailabilityZones: jsii.Strings(existing.Zones...),
		PrivateSubnetIds:  jsii.Strings(existing.PrivateSubnets...),
	}
	if len(existing.PublicSubnets) > 0 {
		attributes.PublicSubnetIds = jsii.Strings(existing.PublicSubnets...)
	}
	n.vpc = awsec2.Vpc_FromVpcAttributes(n, jsii.String("Vpc"), attributes)
	n.databases = awsec2.SubnetType_PRIVATE_WITH_EGRESS
	awscdk.Annotations_Of(n).AcknowledgeWarning(jsii.String("@aws-cdk/aws-ec2:noSubnetRouteTableId"),
		jsii.String("Nothing here adds a route to a network that it does not own."))
}

// subnetGroup is one subnet a zone, each with a route table of its own.
type subnetGroup struct {
	subnets []awsec2.CfnSubnet
	// ids and tables refer to the subnets and to their route tables.
	ids, tables []*string
}

func (n *network) makeVPC(declared spec.Network, props *NetworkProps) {
	n.path = *n.Node().Path()
	vpc := awsec2.NewCfnVPC(n, jsii.String("Resource"), &awsec2.CfnVPCProps{
		CidrBlock:          jsii.String(declared.CIDR),
		EnableDnsHostnames: jsii.Bool(true),
		EnableDnsSupport:   jsii.Bool(true),
		Tags:               nameTag(n.path),
	}).Ref()
	gateway := awsec2.NewCfnInternetGateway(n, jsii.String("InternetGateway"), &awsec2.CfnInternetGatewayProps{Tags: nameTag(n.path)}).Ref()
	attachment := awsec2.NewCfnVPCGatewayAttachment(n, jsii.String("InternetGatewayAttachment"), &awsec2.CfnVPCGatewayAttachmentProps{
		VpcId:             vpc,
		InternetGatewayId: gateway,
	})

	// Sixteen equal blocks: the first four for public subnets, then private,
	// then database subnets. A zone that is added later takes the next block
	// of each and moves nothing.
	cidr := netip.MustParsePrefix(declared.CIDR)
	public := n.subnets(vpc, cidr, "Public", 0, declared.Zones)
	private := n.subnets(vpc, cidr, "Private", 4, declared.Zones)
	isolated := n.subnets(vpc, cidr, "Database", 8, declared.Zones)
	var zones []*string
	for _, subnet := range public.subnets {
		zones = append(zones, subnet.AttrAvailabilityZone())
	}

	n.vpc = awsec2.Vpc_FromVpcAttributes(n, jsii.String("Vpc"), &awsec2.VpcAttributes{
		VpcId:             vpc,
		VpcCidrBlock:      jsii.String(declared.CIDR),
		AvailabilityZones: &zones,
		PublicSubnetIds:   &public.ids, PublicSubnetRouteTableIds: &public.tables,
		PrivateSubnetIds: &private.ids, PrivateSubnetRouteTableIds: &private.tables,
		IsolatedSubnetIds: &isolated.ids, IsolatedSubnetRouteTableIds: &isolated.tables,
	})
	n.databases = awsec2.SubnetType_PRIVATE_ISOLATED

	var publicRoutes []awsec2.CfnRoute
	for i, table := range public.tables {
		route := awsec2.NewCfnRoute(n, numbered("PublicRoute", i), &awsec2.CfnRouteProps{
			RouteTableId:         table,
			DestinationCidrBlock: jsii.String("0.0.0.0/0"),
			GatewayId:            gateway,
		})
		route.AddResourceDependency(attachment, nil)
		publicRoutes = append(publicRoutes, route)
	}
	var tables []any
	for _, table := range slices.Concat(public.tables, private.tables, isolated.tables) {
		tables = append(tables, table)
	}
	gateways := map[string]string{"S3Endpoint": "s3"}
	for _, service := range props.Gateways {
		if service != "s3" {
			gateways["Gateway-"+service] = service
		}
	}
	for _, id := range slices.Sorted(maps.Keys(gateways)) {
		awsec2.NewCfnVPCEndpoint(n, &id, &awsec2.CfnVPCEndpointProps{
			VpcId:           vpc,
			VpcEndpointType: jsii.String("Gateway"),
			ServiceName:     n.endpointService(gateways[id]),
			RouteTableIds:   &tables,
		})
	}
	n.addEgress(declared, props, public, private, publicRoutes)
	n.addFlowLog()
}

// endpointService is the name by which a VPC endpoint knows a service of AWS in
// the stack's region.
func (n *network) endpointService(service string) *string {
	return jsii.String("com.amazonaws." + n.region + "." + service)
}

// subnets makes the subnets of a kind, one a zone, in the blocks that begin with
// the given one, each with a route table. Where the zones are not known by id,
// they are the first two of whatever account the stack is deployed to.
func (n *network) subnets(vpc *string, cidr netip.Prefix, kind string, firstBlock int, zones []string) subnetGroup {
	var group subnetGroup
	for i := range max(len(zones), 2) {
		tags := nameTag(fmt.Sprintf("%s/%s%d", n.path, kind, i+1))
		props := &awsec2.CfnSubnetProps{
			VpcId:     vpc,
			CidrBlock: jsii.String(block(cidr, firstBlock+i)),
			Tags:      tags,
		}
		if len(zones) > 0 {
			props.AvailabilityZoneId = jsii.String(zones[i])
		} else {
			props.AvailabilityZone = awscdk.Fn_Select(jsii.Number(i), awscdk.Fn_GetAzs(nil))
		}
		subnet := awsec2.NewCfnSubnet(n, numbered(kind+"Subnet", i), props)
		id := subnet.Ref()
		table := awsec2.NewCfnRouteTable(n, numbered(kind+"RouteTable", i), &awsec2.CfnRouteTableProps{VpcId: vpc, Tags: tags}).Ref()
		awsec2.NewCfnSubnetRouteTableAssociation(n, numbered(kind+"RouteTableAssociation", i), &awsec2.CfnSubnetRouteTableAssociationProps{
			SubnetId:     id,
			RouteTableId: table,
		})
		group.subnets = append(group.subnets, subnet)
		group.ids = append(group.ids, id)
		group.tables = append(group.tables, table)
	}
	return group
}

// addFlowLog records rejected traffic, for as many days as other logs are kept by
// default.
func (n *network) addFlowLog() {
	awsec2.NewFlowLog(n, jsii.String("FlowLog"), &awsec2.FlowLogProps{
		ResourceType: awsec2.FlowLogResourceType_FromVpc(n.vpc),
		TrafficType:  awsec2.FlowLogTrafficType_REJECT,
		Destination: awsec2.FlowLogDestination_ToCloudWatchLogs(
			observability.NewLogGroup(n, jsii.String("FlowLogGroup"), &observability.LogGroupProps{}), nil),
	})
}

// block is the i-th of the sixteen equal parts of a network.
func block(cidr netip.Prefix, i int) string {
	bits := cidr.Bits() + 4
	address := cidr.Masked().Addr().As4()
	number := uint32(address[0])<<24 | uint32(address[1])<<16 | uint32(address[2])<<8 | uint32(address[3])
	number += uint32(i) << (32 - bits)
	return fmt.Sprintf("%d.%d.%d.%d/%d", byte(number>>24), byte(number>>16), byte(number>>8), byte(number), bits)
}

func numbered(name string, i int) *string { return jsii.String(fmt.Sprintf("%s%d", name, i+1)) }

func nameTag(path string) *[]*awscdk.CfnTag {
	return &[]*awscdk.CfnTag{{Key: jsii.String("Name"), Value: jsii.String(strings.TrimSuffix(path, "/Resource"))}}
}
