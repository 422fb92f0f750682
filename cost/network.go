package cost

import (
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/internal/phrase"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// addEgress is the way out of the private subnets.
func (s *stage) addEgress() {
	if !s.ownNetwork() {
		return
	}
	through := s.throughEgress()
	gateways := 0
	switch s.declared.Network.Egress {
	case spec.NATInstance:
		s.add(Line{Resource: "NAT instance", Detail: natInstance, Type: "AWS::EC2::Instance", Count: 1, Kind: Fixed},
			hoursPerMonth, instancePrice(natInstance, s.region, false))
		s.add(Line{Resource: "volume of the NAT instance", Detail: fmt.Sprintf("gp3, %d GB, encrypted", natVolumeGB), Kind: Fixed},
			num(natVolumeGB), priceOf("ebs-gp3"))
		if monitor.ReportsNAT(s.declared) {
			s.add(Line{Resource: "metric of the NAT instance", Detail: "how full its table of connections is", Kind: Fixed}, num(1), priceOf("metric"))
			s.add(Line{Resource: "reports of the NAT instance", Detail: "one every five minutes", Kind: Fixed}, hoursPerMonth.Mul(num(12)).Div(num(1000)), priceOf("put-metric"))
		}
	case spec.NATGateway:
		gateways = 1
	case spec.NATGatewayPerZone:
		gateways = s.zones()
	case spec.VPCEndpoints:
		interfaces, gateways := s.declared.Endpoints(s.app)
		s.add(Line{Resource: "VPC endpoints", Detail: fmt.Sprintf("%d services in %d zones", len(interfaces), s.zones()), Type: "AWS::EC2::VPCEndpoint", Count: len(interfaces), Kind: Fixed},
			hoursPerMonth.Mul(num(len(interfaces)*s.zones())), priceOf("vpc-endpoint"))
		if len(gateways) > 1 {
			s.free("gateway endpoints of other services", "AWS::EC2::VPCEndpoint", len(gateways)-1)
		}
		s.add(Line{Resource: "traffic through the VPC endpoints", Detail: "logs, and images that are not in the stage's registry", Kind: Usage}, through, priceOf("vpc-endpoint-data"))
	}
	if gateways > 0 {
		s.add(Line{Resource: "NAT gateways", Detail: fmt.Sprintf("%d", gateways), Type: "AWS::EC2::NatGateway", Count: gateways, Kind: Fixed},
			hoursPerMonth.Mul(num(gateways)), priceOf("nat-gateway"))
		s.add(Line{Resource: "traffic through the NAT gateways", Detail: "logs, and images that are not in the stage's registry", Kind: Usage}, through, priceOf("nat-gateway-data"))
	}
	s.free("S3 gateway endpoint", "AWS::EC2::VPCEndpoint", 1)
}

// throughEgress is the GB that instances send and fetch themselves. Answers to
// requests go back through the endpoint, and layers of images in the stage's
// registry come through the S3 gateway endpoint.
func (s *stage) throughEgress() decimal.Decimal {
	existing := 0
	for _, service := range s.app.Services {
		if service.NamesImage() {
			existing++
		}
	}
	return s.traffic().LogGB.Add(imageGB.Mul(num(existing)).Mul(s.average()))
}

// addAddresses are public IPv4 addresses, of whatever has one.
func (s *stage) addAddresses() {
	network := s.declared.Network
	add := func(of, kind string, count int, hours decimal.Decimal) {
		s.add(Line{Resource: "public IPv4 " + of, Type: kind, Count: count, Kind: Fixed}, hours, priceOf("public-ipv4"))
	}
	if s.ownNetwork() {
		switch network.Egress {
		case spec.NATInstance:
			add("of the NAT instance", "AWS::EC2::EIP", 1, hoursPerMonth)
		case spec.NATGateway:
			add("of the NAT gateway", "AWS::EC2::EIP", 1, hoursPerMonth)
		case spec.NATGatewayPerZone:
			add("of the NAT gateways", "AWS::EC2::EIP", s.zones(), hoursPerMonth.Mul(num(s.zones())))
		}
	}
	if network.Egress == spec.PublicIP {
		add("of the instances", "", 0, s.instanceHours())
	}
	if s.public() && s.declared.Endpoint.Type == spec.ALB {
		zones := s.zones()
		if network.VPC != nil {
			zones = len(network.VPC.PublicSubnets)
		}
		add("of the load balancer", "", 0, hoursPerMonth.Mul(num(zones)))
	}
}

// addNamespace is the private zone in which tasks find one another, and an
// HTTP API finds them. Cloud Map itself asks nothing for what ECS registers.
func (s *stage) addNamespace() {
	if s.endpointKind() != httpAPI && !spec.HasProxies(s.app.Services) {
		return
	}
	s.addEach("AWS::ServiceDiscovery::PrivateDnsNamespace", 1, "private DNS zone", "where services are found")
}

// addTransfer is what leaves for the internet, and what crosses zones.
func (s *stage) addTransfer() {
	load := s.traffic()
	s.add(Line{Resource: "traffic to the internet", Kind: Usage}, load.outGB(), priceOf("transfer-out"))
	s.addZoneTraffic()
}

// addZoneTraffic is what crosses zones on its way from an API Gateway's VPC link to
// tasks. What an ALB sends to its targets in another zone, and gets back, is free.
func (s *stage) addZoneTraffic() {
	load := s.traffic()
	if s.endpointKind() != balancer {
		s.add(Line{Resource: "traffic between zones", Detail: "half of what goes in and out", Kind: Usage},
			load.outGB().Add(load.inGB()).Mul(betweenZones), priceOf("transfer-zone"))
	}
}

// addImages is what pulling images costs: nothing within a region, so only
// images that are declared in another, and without a pipeline the repository
// that `cdk bootstrap` made.
func (s *stage) addImages() {
	far, built := 0, 0
	for _, service := range s.app.Services {
		if region, ecr := service.ImageRegion(); ecr && region != s.region && service.NamesImage() {
			far++
		}
		if service.Builds() {
			built++
		}
	}
	s.add(Line{Resource: "images pulled from another region", Detail: "once by each instance", Kind: Usage},
		imageGB.Mul(num(far)).Mul(s.average()), priceOf("transfer-region"))
	if s.app.Pipeline == nil {
		s.add(Line{Resource: "images in the bootstrap repository", Detail: fmt.Sprintf("%d images each of %s", spec.DefaultKeepImages, phrase.Count(built, "service")), Kind: Usage},
			keptImages(spec.DefaultKeepImages).Mul(num(built)), priceOf("ecr"))
	}
}

// keptImages is the GB of the images of one service.
func keptImages(keep int) decimal.Decimal { return imageGB.Add(layersGB.Mul(num(keep))) }
