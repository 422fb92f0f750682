package cost

import (
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/tinystack-go/tinystack/spec"
)

// kind of an endpoint, as it is billed.
type kind string

const (
	noEndpoint kind = ""
	httpAPI    kind = "HTTP API"
	restAPI    kind = "REST API with a cache"
	balancer   kind = "ALB"
)

func (s *stage) endpointKind() kind {
	switch {
	case !s.public():
		return noEndpoint
	case s.declared.Endpoint.Type == spec.ALB:
		return balancer
	case s.declared.Endpoint.Caching != nil:
		return restAPI
	}
	return httpAPI
}

// addEndpoint is what takes the requests.
func (s *stage) addEndpoint() {
	load := s.traffic()
	requests := num(load.Requests).Div(num(1_000_000))
	switch s.endpointKind() {
	case httpAPI:
		s.add(Line{Resource: "HTTP API", Type: "AWS::ApiGatewayV2::Api", Count: 1 + s.subdomains(), Kind: Usage}, requests, priceOf("http-api"))
	case restAPI:
		s.add(Line{Resource: "REST API", Type: "AWS::ApiGateway::RestApi", Count: 1, Kind: Usage}, requests, priceOf("rest-api"))
		size := s.declared.Endpoint.Caching.Size
		key := strconv.FormatFloat(size, 'f', -1, 64)
		s.add(Line{Resource: "cache of the REST API", Detail: key + " GB", Kind: Fixed}, hoursPerMonth, priceOf("cache-"+key))
		s.addBalancer(load, "internal load balancer")
	case balancer:
		s.addBalancer(load, "load balancer")
		s.add(Line{Resource: "kept access logs", Detail: fmt.Sprintf("of %d days, in a bucket", s.declared.LogRetentionDays), Type: "AWS::S3::Bucket", Count: 1, Kind: Usage},
			kept(gb(load.Requests, dec(accessLogKB)), s.declared.LogRetentionDays), priceOf("s3"))
	}
	if s.endpointKind() != noEndpoint && s.declared.Endpoint.Firewall != "" {
		s.add(Line{Resource: "requests through the firewall", Detail: "beside what its web ACL costs", Type: "AWS::WAFv2::WebACLAssociation", Count: 1, Kind: Usage}, requests, priceOf("waf-requests"))
	}
}

func (s *stage) addBalancer(load Load, name string) {
	s.add(Line{Resource: name, Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", Count: 1, Kind: Fixed}, hoursPerMonth, priceOf("alb"))
	units := load.traffic(s.rules()).LCU()
	s.add(Line{Resource: "capacity units of the " + name, Detail: number(units) + " LCU on average", Kind: Usage},
		units.Mul(hoursPerMonth).Round(6), priceOf("lcu"))
}

// rules of the listener, the default one included.
func (s *stage) rules() int {
	rules := 1
	for _, service := range s.app.Services {
		if service.Public() && (service.Path != "" || service.Subdomain != "") {
			rules++
		}
	}
	return rules
}

// subdomains are those of services: an HTTP API looks at no host name, so each
// has one of its own.
func (s *stage) subdomains() int {
	found := map[string]bool{}
	for _, service := range s.app.Services {
		if service.Public() && service.Subdomain != "" {
			found[service.Subdomain] = true
		}
	}
	return len(found)
}

// checksEvery is how many seconds apart the requests of a health check arrive,
// of which each place in the world sends one every 30: about two.
const checksEvery = 2

// addRouting is what lets several regions share a domain, and the stage's own
// zone.
func (s *stage) addRouting() {
	if s.endpointKind() == noEndpoint {
		return
	}
	if s.delegates() {
		s.addEach("AWS::Route53::HostedZone", 1, "hosted zone", s.declared.Endpoint.HostedZone.Name)
	}
	requests := s.checkRequests()
	if requests == 0 {
		return
	}
	routing := s.declared.Endpoint.Routing
	checks, detail := 1, "by HTTPS, of an endpoint in AWS"
	if routing.Drained {
		checks, detail = 2, detail+", and one that holds it to be failing"
	}
	s.addEach("AWS::Route53::HealthCheck", checks, "health checks", detail)
	options, of := 1, "HTTPS"
	if fast(*routing.HealthCheck) {
		options, of = 2, "HTTPS, and an interval of 10s"
	}
	s.add(Line{Resource: "options of the health check", Detail: of, Kind: Fixed}, num(options), priceOf("health-check-option"))
	million := num(requests).Div(num(1_000_000))
	switch s.endpointKind() {
	case httpAPI:
		s.add(Line{Resource: "requests of the health check", Kind: Fixed}, million, priceOf("http-api"))
	case restAPI:
		s.add(Line{Resource: "requests of the health check", Kind: Fixed}, million, priceOf("rest-api"))
	}
}

func fast(check spec.RoutingHealthCheck) bool { return check.Interval.Seconds() < 30 }

// checkRequests are those that Route 53 makes in a month.
func (s *stage) checkRequests() int64 {
	routing := s.declared.Endpoint.Routing
	if s.endpointKind() == noEndpoint || routing == nil || routing.HealthCheck == nil {
		return 0
	}
	requests := secondsPerMonth.IntPart() / checksEvery
	if fast(*routing.HealthCheck) {
		requests *= 3
	}
	return requests
}

// BreakEven is the number of requests a month from which on a load balancer
// costs less than an API Gateway, all else of the stage being the same.
type BreakEven struct {
	// API is the kind of API Gateway.
	API string `json:"api"`
	// Requests a month.
	Requests int64 `json:"requests"`
}

// mostRequests is where the search for a break-even ends.
const mostRequests = 1_000_000_000_000

// breakEven compares the endpoints of a stage; false where it has none, or
// where the load balancer is never cheaper.
func breakEven(app spec.App, declared spec.Stage, load Load) (BreakEven, bool) {
	s := &stage{app: app, declared: declared}
	if !s.served() {
		return BreakEven{}, false
	}
	api, alb := declared, declared
	api.Endpoint.Type, alb.Endpoint.Type, alb.Endpoint.Caching = spec.APIGateway, spec.ALB, nil
	s.declared = api
	balanced, gateway := billOfEndpoint(app, alb, load), billOfEndpoint(app, api, load)
	cheaper := func(requests int64) bool { return balanced(requests).LessThan(gateway(requests)) }
	low, high := int64(0), int64(1_000_000)
	for !cheaper(high) {
		if high > mostRequests {
			return BreakEven{}, false
		}
		low, high = high+1, 4*high
	}
	for low < high {
		if middle := (low + high) / 2; cheaper(middle) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return BreakEven{API: string(s.endpointKind()), Requests: low}, true
}

// billOfEndpoint is what of a stage's bill differs by the kind of its endpoint,
// by the number of requests.
func billOfEndpoint(app spec.App, declared spec.Stage, load Load) func(requests int64) decimal.Decimal {
	bill := func(load Load, lines ...func(*stage)) decimal.Decimal {
		s := &stage{sheet: sheet{region: declared.Region}, app: app, declared: declared, load: load}
		for _, add := range lines {
			add(s)
		}
		return Part{Lines: s.lines}.exact()
	}
	// A search asks often: what is the same whatever is asked is added up once.
	same := bill(load, (*stage).addAddresses, (*stage).addNamespace, (*stage).addAlarms)
	return func(requests int64) decimal.Decimal {
		at := load
		at.Requests, at.OutGB, at.InGB = requests, nil, nil
		return same.Add(bill(at, (*stage).addEndpoint, (*stage).addRouting, (*stage).addLogs, (*stage).addZoneTraffic))
	}
}
