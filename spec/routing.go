package spec

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
	// Policy is latency, weighted or failover, the same in all stages that
	// share the domain. Required.
	Policy RoutingPolicy `yaml:"policy"`

	// RegionalDomain is a host name of this stage alone beside the shared
	// domain, in the same hosted zone: health checks and smoke tests ask it.
	// Default: the stage's name before the domain, as in
	// prod-us.api.example.com; without a declaration it is required.
	RegionalDomain string `yaml:"regionalDomain"`

	// Weight of this region among those of the domain, 0 to 255; 0 drains it.
	// Only with weighted. Default: 100.
	Weight *int `yaml:"weight"`

	// Role of this region: primary or secondary. Required with failover, and
	// only there.
	Role RoutingRole `yaml:"role"`

	// HealthCheck takes the region out while its endpoint does not answer. A
	// primary region needs one. Billed by the check, see docs/routing.md.
	// Default: none: the region is taken out only by hand; behind an ALB with
	// one service, also while the load balancer has no healthy task.
	HealthCheck *RoutingHealthCheck `yaml:"healthCheck"`

	// Drained takes the region out as if its health check failed. Only with
	// latency and failover, and needs HealthCheck; with weighted, a weight of 0
	// does the same. Default: false.
	Drained bool `yaml:"drained"`
}

// RoutingHealthCheck is how Route 53 asks a region whether it is well, by HTTPS
// under its RegionalDomain, from several places in the world.
type RoutingHealthCheck struct {
	// Path that a healthy region answers with a status of 200 to 399. Default:
	// that of the health check of the service which gets every other request,
	// otherwise "/".
	Path string `yaml:"path"`

	// Interval between requests of one place: 30s, or for a dearer check 10s.
	// Default: 30s.
	Interval Duration `yaml:"interval"`

	// Failures in a row after which the region counts as unhealthy, and
	// successes after which it is healthy again, 1 to 10. Default: 3.
	Failures int `yaml:"failures"`
}

// ZoneDelegation makes a hosted zone of a stage's own and enters its name
// servers in the zone above, which is in another account.
type ZoneDelegation struct {
	// Role is the ARN of the role in the other account by which the name
	// servers are entered, see docs/domains.md. Required.
	Role string `yaml:"role"`

	// ParentZone is the id of the zone in the other account, as in
	// Z0123456789ABCDEFGHIJ. Required.
	ParentZone string `yaml:"parentZone"`
}

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

const defaultWeight = 100
