package spec

import (
	"fmt"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// RoutingPolicy is how DNS chooses between the regions that share a domain.
type RoutingPolicy string

const (
	// Latency leads each client to the region that answers it fastest.
	Latency RoutingPolicy = "latency"
	// Weighted divides clients by the regions' weights.
	Weighted RoutingPolicy = "weighted"
	// Failover leads all clients to the primary region while it is healthy.
	Failover RoutingPolicy = "failover"
)

// RoutingRole is the part of a region in a failover.
type RoutingRole string

const (
	// Primary takes all clients while it is healthy.
	Primary RoutingRole = "primary"
	// Secondary takes them otherwise.
	Secondary RoutingRole = "secondary"
)

// Routing lets several stages, each in a region of its own, share one domain:
// DNS chooses between them. A region can be drained: taken out while it goes on
// running.
type Routing struct {
	// Policy by which DNS leads clients to a region, the same in all stages that
	// share the domain: latency (the region that answers a client fastest),
	// weighted (by the regions' weights) or failover (the primary region while it
	// is healthy).
	//   - Default: required
	//   - Allowed: latency, weighted or failover
	//   - Change: in place; Route 53 takes no two policies for one name: drain the other stages, give them domains of their own or delete them, change the one that is left, and let them share the domain again
	//   - Example: weighted
	//   - See: docs/routing.md
	Policy RoutingPolicy `yaml:"policy"`

	// RegionalDomain is a host name of this stage alone beside the shared
	// domain, in the same hosted zone: health checks and smoke tests ask it.
	// Without a declaration it is required.
	//   - Default: the stage's name before the domain, as in prod-us.api.example.com
	//   - Allowed: a host name in the hosted zone
	//   - Change: replaces AWS::ApiGatewayV2::ApiMapping and AWS::ApiGatewayV2::DomainName and AWS::CertificateManager::Certificate and AWS::Route53::RecordSet; the new ones are there before the old ones go
	//   - Change with an ALB: replaces AWS::CertificateManager::Certificate and AWS::Route53::RecordSet; the new ones are there before the old ones go
	//   - Example: shop-us.example.com
	RegionalDomain string `yaml:"regionalDomain"`

	// Weight of this region among those of the domain; 0 drains it. Only with
	// the policy weighted.
	//   - Default: 100
	//   - Allowed: 0 to 255
	//   - Change: in place; clients follow within a minute or two
	//   - Example: 10
	Weight *int `yaml:"weight"`

	// Role of this region in a failover: primary takes all clients while it is
	// healthy, secondary takes them otherwise. Only with the policy failover.
	//   - Default: none; required with the policy failover
	//   - Allowed: primary or secondary
	//   - Change: in place
	//   - Example: secondary
	Role RoutingRole `yaml:"role"`

	// HealthCheck takes the region out while its endpoint does not answer. A
	// primary region needs one. Billed by the check. Without one the region is
	// taken out only by hand; behind an ALB with one service, also while the load
	// balancer has no healthy task.
	//   - Default: none
	//   - Change: in place
	//   - Example: {path: /up}
	//   - See: docs/routing.md
	HealthCheck *RoutingHealthCheck `yaml:"healthCheck"`

	// Drained takes the region out as if its health check failed. Only with the
	// policies latency and failover, and with [Routing.HealthCheck]; with
	// weighted, a weight of 0 does the same.
	//   - Default: false
	//   - Change: in place; clients follow within a minute or two
	//   - Example: true
	Drained bool `yaml:"drained"`
}

// RoutingHealthCheck is how Route 53 asks a region whether it is well, by HTTPS
// under its [Routing.RegionalDomain], from several places in the world.
type RoutingHealthCheck struct {
	// Path that a healthy region answers with a status of 200 to 399.
	//   - Default: that of the health check of the service which gets every other request, otherwise /
	//   - Allowed: a path of up to 255 characters that begins with a slash, without a query
	//   - Change: in place
	//   - Example: /up
	Path string `yaml:"path"`

	// Interval between requests of one place; a check every 10s is dearer.
	//   - Default: 30s
	//   - Allowed: 10s or 30s
	//   - Change: replaces AWS::Route53::HealthCheck; the new one is there before the old one goes
	//   - Example: 10s
	Interval Duration `yaml:"interval"`

	// Failures in a row after which the region counts as unhealthy, and
	// successes after which it is healthy again.
	//   - Default: 3
	//   - Allowed: 1 to 10
	//   - Change: in place
	//   - Example: 2
	Failures int `yaml:"failures"`
}

const defaultWeight = 100

func (r *Routing) setDefaults() {
	if r.Policy == Weighted {
		fillPtr(&r.Weight, defaultWeight)
	}
	if check := r.HealthCheck; check != nil {
		fill(&check.Path, "/")
		fill(&check.Interval, 30*second)
		fill(&check.Failures, 3)
	}
}

const mostWeight = 255

// routingPath has what a health check of Route 53 can ask for: no query, of
// which a check has no need.
var routingPath = compile(`^/[A-Za-z0-9._~/%:@+,;=!*()-]{0,254}$`)

// validateRouting checks a routing against the endpoint that it is of.
func (e Endpoint) validateRouting(r report) {
	if e.Routing == nil {
		return
	}
	routing := *e.Routing
	routing.validate(r)
	switch {
	case e.Domain == "":
		r.fail("is given without a domain to share", "routing beside domain", "give the domain, or remove this")
	case e.HostedZone == nil:
		r.fail("is given without a hosted zone to make the records in", "routing beside hostedZone", "give the hosted zone of the domain, or remove this")
	case e.HostedZone.Delegation != nil:
		r.fail("needs one zone that all regions share, and a delegated zone is the stage's alone", "a hosted zone with an id", "put all regions into the account of one zone, or make the records by hand")
	}
	regional := r.field("regionalDomain")
	switch {
	case e.Domain == "":
	case !regional.required(routing.RegionalDomain, "a host name in the hosted zone, as in api-eu.example.com", "give the stage a name of its own beside the shared one"):
	case !validateDomainName(regional, routing.RegionalDomain, "a domain", "api-eu.example.com") || isToken(routing.RegionalDomain):
	case routing.RegionalDomain == e.Domain:
		regional.fail(regional.quote(routing.RegionalDomain)+" is the shared domain itself", "another host name", "give the stage a name of its own")
	case e.HostedZone != nil:
		e.validateInZone(regional, routing.RegionalDomain)
	}
	if routing.HealthCheck != nil {
		for field, given := range map[string]bool{"jwt": e.JWT != nil, "apiKeys": len(e.APIKeys) > 0, "clientCertificates": e.ClientCertificates != nil} {
			if given {
				r.field("healthCheck").fail("cannot get through "+field+": Route 53 presents no token, key or certificate, so the region would never be healthy", "an endpoint that answers everybody",
					"remove healthCheck, or let the application check who asks instead of "+field)
			}
		}
	}
}

func (c Routing) validate(r report) {
	policy, weight, role, drained := r.field("policy"), r.field("weight"), r.field("role"), r.field("drained")
	if policy.required(string(c.Policy), phrase.List([]string{string(Latency), string(Weighted), string(Failover)}, "or"), "say how clients are led to a region") {
		oneOf(policy, c.Policy, "a routing policy", Latency, Weighted, Failover)
	}
	switch {
	case c.Weight == nil:
	case c.Policy != Weighted:
		weight.fail("has no meaning with the policy "+policy.quote(string(c.Policy)), "weight with the policy weighted", "remove it")
	default:
		weight.between(*c.Weight, 0, mostWeight, "a weight", "", "choose a number in proportion to the other regions'")
	}
	switch {
	case c.Policy != Failover && c.Role != "":
		role.fail("has no meaning with the policy "+policy.quote(string(c.Policy)), "role with the policy failover", "remove it")
	case c.Policy == Failover && role.required(string(c.Role), "primary or secondary", "say which region takes over for which"):
		oneOf(role, c.Role, "a role", Primary, Secondary)
	}
	if c.Role == Primary && c.HealthCheck == nil {
		r.field("healthCheck").fail("is missing, and without it clients would never be led to the secondary region", "healthCheck, as in {path: /health}", "add it")
	}
	switch {
	case !c.Drained:
	case c.Policy == Weighted:
		drained.fail("is said by a weight with this policy", "weight: 0", "set the weight to 0")
	case c.HealthCheck == nil:
		drained.fail("needs a health check that is held to be failing", "drained beside healthCheck", "add healthCheck")
	}
	if c.HealthCheck != nil {
		c.HealthCheck.validate(r.field("healthCheck"))
	}
}

func (c RoutingHealthCheck) validate(r report) {
	r.field("path").matches(c.Path, routingPath, "a path that Route 53 can ask for", "a path of up to 255 characters that begins with a slash, without a query", "begin with a slash, and leave out the query")
	if c.Interval != 10*second && c.Interval != 30*second {
		interval := r.field("interval")
		interval.fail(interval.show(c.Interval)+" is not an interval of Route 53's health checks", "10s or 30s", "choose one of the two")
	}
	r.field("failures").between(c.Failures, 1, 10, "a number of failures", "", "choose how soon the region is taken out")
}

// validateShared checks the stages that share a domain against each other.
func (a App) validateShared(r report) {
	firsts := map[string]int{} // by domain
	regions := map[string]int{}
	roles := map[string]int{}
	delegated := map[string]int{} // by the name of the zone
	for i, stage := range a.Stages {
		e := stage.Endpoint
		if e.HostedZone != nil && e.HostedZone.Delegation != nil {
			if before, again := delegated[e.HostedZone.Name]; again {
				name := r.item(i).field("endpoint").field("hostedZone").field("name")
				name.fail(fmt.Sprintf("%s is delegated to stages[%d], too, and can lead to one zone only", name.quote(e.HostedZone.Name), before), "a zone of its own for each stage", "choose another name, as in "+name.unquoted(stage.Name)+".example.com")
			} else {
				delegated[e.HostedZone.Name] = i
			}
		}
		if e.Routing == nil || e.Domain == "" || isToken(e.Domain) {
			continue
		}
		endpoint := r.item(i).field("endpoint")
		routing := endpoint.field("routing")
		if e.Routing.Role != "" {
			key := e.Domain + " " + string(e.Routing.Role)
			if before, again := roles[key]; again {
				role := routing.field("role")
				role.fail(fmt.Sprintf("%s is also the role of stages[%d]", role.quote(string(e.Routing.Role)), before), "one primary and one secondary region", "change one of the two")
			} else {
				roles[key] = i
			}
		}
		if before, again := regions[e.Domain+" "+stage.Region]; again {
			region := r.item(i).field("region")
			region.fail(fmt.Sprintf("%s is also the region of stages[%d], which shares the domain %s", region.quote(stage.Region), before, region.quote(e.Domain)), "a region of its own for each stage that shares a domain", "choose another region, or another domain")
		} else {
			regions[e.Domain+" "+stage.Region] = i
		}
		first, again := firsts[e.Domain]
		if !again {
			firsts[e.Domain] = i
			continue
		}
		other := a.Stages[first]
		differs := func(at report, what, allowed, fix string) {
			at.fail(fmt.Sprintf("%s differs from that of stages[%d], which shares the domain", what, first), allowed, fix)
		}
		if e.Routing.Policy != other.Endpoint.Routing.Policy {
			differs(routing.field("policy"), routing.quote(string(e.Routing.Policy)), "one policy for a domain", "give all stages of the domain the same policy")
		}
		if e.Type != other.Endpoint.Type {
			differs(endpoint.field("type"), endpoint.quote(string(e.Type)), "one type for a domain: an API Gateway answers by IPv6, too, and would get all clients that use it", "give all stages of the domain the same type")
		}
		if stage.Account != other.Account {
			differs(r.item(i).field("account"), endpoint.quote(stage.Account), "the account of the hosted zone", "put both stages into the account of the hosted zone")
		}
		if e.HostedZone != nil && other.Endpoint.HostedZone != nil && (e.HostedZone.ID != other.Endpoint.HostedZone.ID || e.HostedZone.Name != other.Endpoint.HostedZone.Name) {
			differs(endpoint.field("hostedZone"), "the zone", "one zone for a domain", "name the same zone in both")
		}
	}
	for domain, first := range firsts {
		if _, found := roles[domain+" "+string(Primary)]; !found && a.Stages[first].Endpoint.Routing.Policy == Failover {
			role := r.item(first).field("endpoint").field("routing").field("role")
			role.fail("no stage is the primary of the domain "+role.quote(domain), "one primary and one secondary region", "set the role of one stage to primary")
		}
	}
}

// sharesDomain says whether two stages may have the same domain, which
// validateShared then looks at.
func sharesDomain(a, b Stage) bool {
	return a.Endpoint.Routing != nil && b.Endpoint.Routing != nil && a.Endpoint.Domain == b.Endpoint.Domain
}
