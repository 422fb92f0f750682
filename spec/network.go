package spec

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// Egress is how instances without a public address reach the internet.
type Egress string

const (
	// NATInstance is one t4g.nano that forwards for all zones.
	NATInstance Egress = "nat-instance"
	// NATGateway is one managed NAT gateway for all zones.
	NATGateway Egress = "nat-gateway"
	// NATGatewayPerZone is a managed NAT gateway in each zone.
	NATGatewayPerZone Egress = "nat-gateway-per-zone"
	// PublicIP gives each instance a public address and no way in.
	PublicIP Egress = "public-ip"
	// VPCEndpoints reach the AWS services a stage needs, and nothing else.
	VPCEndpoints Egress = "endpoints"
)

// Network is the VPC of a stage.
type Network struct {
	// Egress is how instances without a public address reach AWS and the
	// internet: nat-instance (one t4g.nano that forwards for all zones, by an
	// address that stays; it is the output EgressAddresses),
	// nat-gateway (one managed NAT gateway for all zones), nat-gateway-per-zone,
	// public-ip (each instance has a public address, and no way in) or endpoints
	// (the AWS services a stage needs, and nothing else).
	//   - Default: nat-instance, with the profile economy public-ip; with vpc none: its private subnets have a way out
	//   - Allowed: nat-instance, nat-gateway, nat-gateway-per-zone, public-ip or endpoints
	//   - Change: in place; for some minutes nothing gets out, and then by another address. To and from public-ip instances are replaced one by one
	//   - Example: nat-gateway
	Egress Egress `yaml:"egress"`

	// CIDR of the VPC.
	//   - Default: 10.0.0.0/16
	//   - Allowed: an IPv4 block from /16 to /24
	//   - Change: refused; it would make a new network, in which everything is made anew
	//   - Example: 10.1.0.0/16
	CIDR string `yaml:"cidr"`

	// Zones are the ids of availability zones, which mean the same zone in
	// every account.
	//   - Default: two zones of the region in which every endpoint type is offered
	//   - Allowed: 2 to 4 ids, each once
	//   - Change: refused; subnets are made anew in the new zones
	//   - Example: [use1-az4, use1-az6]
	Zones []string `yaml:"zones"`

	// VPC uses a network that is there already; no other field of the network is
	// then allowed except the egress public-ip.
	//   - Default: none: a new VPC
	//   - Change: refused, restarts instances; AWS cannot make the new namespace of the services beside the old one. Make another stage in the other network
	//   - Example: {id: vpc-0123456789abcdef0, cidr: 10.0.0.0/16, zones: [use1-az1, use1-az2], publicSubnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1], privateSubnets: [subnet-0123456789abcdef2, subnet-0123456789abcdef3]}
	VPC *ExistingVPC `yaml:"vpc"`
}

// ExistingVPC is a network that this declaration uses but does not own.
type ExistingVPC struct {
	// ID of the VPC.
	//   - Default: required
	//   - Allowed: the id of a VPC
	//   - Change: refused; AWS cannot make the new namespace of the services beside the old one. Make another stage in the other network
	//   - Change with a load balancer: replaces AWS::ApiGatewayV2::VpcLink and AWS::EC2::SecurityGroup and AWS::EC2::SecurityGroupEgress and AWS::EC2::SecurityGroupIngress and AWS::ElasticLoadBalancingV2::TargetGroup; services and database cannot move along. Make another stage in the other network
	//   - Example: vpc-0123456789abcdef1
	ID string `yaml:"id"`

	// CIDR of the VPC.
	//   - Default: required
	//   - Allowed: an IPv4 block from /16 to /28
	//   - Change: in place
	//   - Example: 10.1.0.0/16
	CIDR string `yaml:"cidr"`

	// Zones are the names or ids of the availability zones, in the order of
	// the subnets below.
	//   - Default: required
	//   - Allowed: 2 or more names or ids, each once
	//   - Change: in place
	//   - Example: [us-east-1a, us-east-1b]
	Zones []string `yaml:"zones"`

	// PublicSubnets are the ids of one subnet a zone with a route to an
	// internet gateway. Required for an ALB and for the egress public-ip.
	//   - Default: none
	//   - Allowed: as many ids of subnets as zones
	//   - Change: in place
	//   - Example: [subnet-0123456789abcdef4, subnet-0123456789abcdef5]
	PublicSubnets []string `yaml:"publicSubnets"`

	// PrivateSubnets are the ids of one subnet a zone with a way out that
	// they share with nobody on the internet.
	//   - Default: required
	//   - Allowed: as many ids of subnets as zones
	//   - Change: restarts instances, replaces AWS::ApiGatewayV2::VpcLink
	//   - Example: [subnet-0123456789abcdef6, subnet-0123456789abcdef7]
	PrivateSubnets []string `yaml:"privateSubnets"`
}

const defaultCIDR = "10.0.0.0/16"

func (n *Network) setDefaults(region string, profile Profile) {
	if n.VPC != nil {
		return
	}
	fill(&n.Egress, presetOf(profile).egress)
	fill(&n.CIDR, defaultCIDR)
	if len(n.Zones) == 0 {
		n.Zones = defaultZones(region)
	}
}

// Complete fills in the defaults of a network in a region; an empty region
// means that it is not known yet.
func (n Network) Complete(region string) (Network, error) {
	n = clone(n)
	n.setDefaults(region, Standard)
	r := newReport(nil)
	n.validate(r, region)
	return n, r.errors()
}

var (
	vpcPattern    = compile(`^vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
	subnetPattern = compile(`^subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
)

// privateRanges are those of RFC 1918.
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

// dockerRange is what Docker gives to its bridge on every host.
var dockerRange = netip.MustParsePrefix("172.17.0.0/16")

// validate checks the network of a stage; an empty region is not known yet.
func (n Network) validate(r report, region string) {
	if n.VPC != nil {
		n.validateImported(r, region)
		return
	}
	oneOf(r.field("egress"), n.Egress, "a way out", NATInstance, NATGateway, NATGatewayPerZone, PublicIP, VPCEndpoints)
	validateCIDR(r.field("cidr"), n.CIDR, 16, 24)
	n.validateZones(r.field("zones"), region)
}

// validateImported checks a network whose VPC is there already.
func (n Network) validateImported(r report, region string) {
	const fix = "remove it, or remove vpc to have a network made"
	if n.CIDR != "" {
		r.field("cidr").fail("is given for an existing VPC", "vpc.cidr", fix)
	}
	if len(n.Zones) > 0 {
		r.field("zones").fail("are given for an existing VPC", "vpc.zones", fix)
	}
	if n.Egress != "" && n.Egress != PublicIP {
		egress := r.field("egress")
		egress.fail(egress.quote(string(n.Egress))+" cannot be added to an existing VPC", "public-ip, or none where private subnets have a way out", "remove it")
	}
	n.VPC.validate(r.field("vpc"), region)
	if n.Egress == PublicIP && len(n.VPC.PublicSubnets) == 0 {
		r.field("vpc").field("publicSubnets").fail("are missing", "one subnet a zone", "give the public subnets, where instances get their public address")
	}
}

// validateCIDR checks a block of addresses and its size.
func validateCIDR(r report, cidr string, largest, smallest int) {
	if isToken(cidr) {
		return
	}
	allowed := fmt.Sprintf("an IPv4 block from /%d to /%d, as in %s", largest, smallest, defaultCIDR)
	block, err := netip.ParsePrefix(cidr)
	if err != nil || !block.Addr().Is4() {
		r.fail(r.quote(cidr)+" is not a block of IPv4 addresses", allowed, "write an address and the length of its prefix")
		return
	}
	if block.Bits() < largest || block.Bits() > smallest {
		fix := "give another size"
		if block.Bits() < largest {
			fix = "give a smaller block"
		} else if block.Bits() > smallest {
			fix = "give a larger block"
		}
		r.fail(r.quote(cidr)+" has a size that a VPC cannot have here", allowed, fix)
		return
	}
	if block.Masked() != block {
		fix := "write the block's first address"
		if r.plain(cidr) {
			fix += ": " + block.Masked().String()
		}
		r.fail(r.quote(cidr)+" does not begin where a block of its size does", allowed, fix)
		return
	}
	private := slices.ContainsFunc(privateRanges, func(p netip.Prefix) bool { return p.Contains(block.Addr()) && p.Bits() <= block.Bits() })
	switch {
	case !private:
		r.warn(r.quote(cidr)+" is not private (RFC 1918): the stage cannot reach hosts on the internet that have these addresses", "choose a block in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
	case dockerRange.Overlaps(block):
		r.warn(r.quote(cidr)+" overlaps 172.17.0.0/16, which Docker uses on each instance: tasks cannot reach those addresses of the VPC", "choose another block")
	}
}

func (n Network) validateZones(r report, region string) {
	if len(n.Zones) == 0 {
		return // the account's first two
	}
	if len(n.Zones) < 2 || len(n.Zones) > 4 {
		r.fail("lists "+phrase.Count(len(n.Zones), "zone"), "2 to 4", "give two, or none for the default")
	}
	for i, zone := range n.Zones {
		at := r.item(i)
		if slices.Contains(n.Zones[:i], zone) {
			at.fail(at.quote(zone)+" is listed twice", "each zone once", "give another zone")
			continue
		}
		if isToken(zone) || !isRegion(region) {
			continue
		}
		switch allowed := phrase.List(zonesOf[region], "or"); {
		case slices.Contains(zonesOf[region], zone):
		case isZoneID(region, zone):
			at.warn(at.quote(zone)+" is not a zone of "+r.quote(region)+" that this version of tinystack knows", "check the id")
		case isZoneName(region, zone):
			at.fail(at.quote(zone)+" is the name of a zone, which means another place in each account", allowed, "give the zone's id: aws ec2 describe-availability-zones --region "+r.quote(region))
		default:
			at.fail(at.quote(zone)+" is not a zone of "+r.quote(region), allowed, "choose zones of the stage's region")
		}
	}
}

// validate checks an existing VPC; an empty region is not known yet.
func (v ExistingVPC) validate(r report, region string) {
	id, cidr, zones := r.field("id"), r.field("cidr"), r.field("zones")
	if id.required(v.ID, "the id of a VPC", "give the VPC's id") {
		id.matches(v.ID, vpcPattern, "the id of a VPC", "an id, as in vpc-0123456789abcdef0", "give the VPC's id, not its name")
	}
	if cidr.required(v.CIDR, "the VPC's block of addresses", "copy it from the VPC console") {
		validateCIDR(cidr, v.CIDR, 16, 28)
	}
	if len(v.Zones) < 2 {
		zones.fail("lists "+phrase.Count(len(v.Zones), "zone"), "2 or more", "give the zones of the subnets, in their order")
	}
	for i, zone := range v.Zones {
		at := zones.item(i)
		switch {
		case slices.Contains(v.Zones[:i], zone):
			at.fail(at.quote(zone)+" is listed twice", "each zone once", "give another zone")
		case isToken(zone) || !isRegion(region) || isZoneID(region, zone) || isZoneName(region, zone):
		default:
			at.fail(at.quote(zone)+" is not a zone of "+r.quote(region), "names or ids of zones of the stage's region", "give the zones of the subnets")
		}
	}
	if len(v.PrivateSubnets) == 0 {
		r.field("privateSubnets").fail("are missing", "one subnet a zone", "give a subnet with a way out for each zone")
	}
	v.validateSubnets(r.field("publicSubnets"), v.PublicSubnets, nil)
	v.validateSubnets(r.field("privateSubnets"), v.PrivateSubnets, v.PublicSubnets)
}

// validateSubnets checks a list of one subnet a zone.
func (v ExistingVPC) validateSubnets(r report, subnets, others []string) {
	if len(subnets) > 0 && len(v.Zones) >= 2 && len(subnets) != len(v.Zones) {
		r.fail(fmt.Sprintf("lists %s for %s", phrase.Count(len(subnets), "subnet"), phrase.Count(len(v.Zones), "zone")), "one subnet a zone, in the order of the zones", "give as many subnets as zones")
	}
	for i, subnet := range subnets {
		at := r.item(i)
		at.matches(subnet, subnetPattern, "the id of a subnet", "an id, as in subnet-0123456789abcdef0", "give the subnet's id")
		switch {
		case slices.Contains(subnets[:i], subnet):
			at.fail(at.quote(subnet)+" is listed twice", "each subnet once", "give the subnet of the other zone")
		case slices.Contains(others, subnet):
			at.fail(at.quote(subnet)+" is also a public subnet", "a private subnet", "give a subnet without a route from the internet")
		}
	}
}

// validatePulls checks that instances without the internet can pull every
// image.
func (s Stage) validatePulls(r report, app App) {
	if s.Network.Egress != VPCEndpoints {
		return
	}
	for _, service := range app.Services {
		if !service.NamesImage() || isToken(service.Image) {
			continue
		}
		region, ecr := service.registry()
		if ecr && region == s.Region {
			continue
		}
		r.field("network").field("egress").fail(
			fmt.Sprintf("endpoints do not reach the registry of the image %s of service %s", r.quote(service.Image), r.quote(service.Name)),
			"images that are built, or in ECR in the stage's region", "copy the image to ECR in that region, or choose another egress")
	}
}
