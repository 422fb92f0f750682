package endpoint

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/spec"
)

// Route sends requests for a path, or for a host name, to a service of its own.
type Route struct {
	// Subdomain as in admin: requests for that name under the domain. Where an
	// HTTP API has no domain the subdomain has an address of its own; an ALB
	// then takes any host name that begins with it. Of the routes of a
	// subdomain exactly one has no Path. Not with a cached REST API.
	// Default: the domain itself.
	Subdomain string

	// Path as in /admin: that path itself and everything under it. The longest
	// path that fits a request wins. One to four segments of letters, digits
	// and . _ -. Required, unless there is a Subdomain.
	Path string

	// Target that is served there. It gets the path unchanged. Its
	// container has a name that no other target of the endpoint has, because
	// target groups and Cloud Map services are named after it. Required.
	Target Target
}

type resolvedRoute struct {
	spec.Place
	target resolvedTarget
}

// String is the place as a part of an id: a path begins with a slash, a
// subdomain does not.
func (r resolvedRoute) String() string { return r.Subdomain + r.Path }

// ofSubdomain are the routes of a subdomain, first the one without a path. The
// domain itself has none such.
func ofSubdomain(routes []resolvedRoute, subdomain string) []resolvedRoute {
	return slices.DeleteFunc(slices.Clone(routes), func(r resolvedRoute) bool { return r.Subdomain != subdomain })
}

// subdomainsOf lists the subdomains that routes have, in alphabetical order.
func subdomainsOf(routes []resolvedRoute) []string {
	var found []string
	for _, route := range routes {
		if route.Subdomain != "" && !slices.Contains(found, route.Subdomain) {
			found = append(found, route.Subdomain)
		}
	}
	return found
}

// resolveRoutes fills in defaults for the routes beside the target that gets
// every other request. The order does not depend on the order in which routes
// were declared.
func resolveRoutes(routes []Route, rest resolvedTarget) ([]resolvedRoute, error) {
	names := map[string]bool{rest.ContainerName: true}
	var resolved []resolvedRoute
	var places []spec.Place
	var problems []error
	for _, route := range routes {
		target, err := route.Target.resolve()
		if err != nil {
			problems = append(problems, fmt.Errorf("route %q: %w", route.Subdomain+route.Path, err))
		} else if names[target.ContainerName] {
			problems = append(problems, fmt.Errorf("route %q: another target has a container named %q, too: give each a name of its own", route.Subdomain+route.Path, target.ContainerName))
		}
		names[target.ContainerName] = true
		place := spec.Place{Subdomain: route.Subdomain, Path: route.Path}
		places = append(places, place)
		resolved = append(resolved, resolvedRoute{place, target})
	}
	slices.SortFunc(resolved, func(a, b resolvedRoute) int {
		return cmp.Or(cmp.Compare(a.Subdomain, b.Subdomain), cmp.Compare(a.Path, b.Path))
	})
	return resolved, errors.Join(append(problems, spec.CheckRoutes(places))...)
}

// services of the target that gets every other request, and of the routes.
func services(target resolvedTarget, routes []resolvedRoute) []constructs.IDependable {
	all := []constructs.IDependable{target.Service}
	for _, route := range routes {
		all = append(all, route.target.Service)
	}
	return all
}

// Priorities of a listener's rules, of which the lowest that fits wins:
// redirects, then subdomains, then paths of the domain itself; of each, those
// with more segments first.
const (
	redirectPriority = 1
	lastPriority     = 50000 // the greatest that there is
	firstPriority    = 2
	bandSize         = 5500
	mostSegments     = 4
)

// priorities gives each place a number that depends on the place alone, so that
// one that comes or goes moves no rule: two rules that trade numbers would get
// in each other's way during the update. Only where two places of one kind with
// as many segments happen on the same number, about one application in 120 with
// ten paths, the second takes the next.
func priorities(places []spec.Place) map[spec.Place]int {
	numbers, taken := map[spec.Place]int{}, map[int]bool{}
	text := func(p spec.Place) string { return p.Subdomain + p.Path }
	for _, place := range slices.SortedFunc(slices.Values(places), func(a, b spec.Place) int { return cmp.Compare(text(a), text(b)) }) {
		hash := fnv.New32a()
		hash.Write([]byte(text(place)))
		band := mostSegments - strings.Count(place.Path, "/")
		if place.Subdomain == "" {
			band += mostSegments + 1
		}
		first, offset := firstPriority+band*bandSize, int(hash.Sum32()%bandSize)
		for taken[first+offset] {
			offset = (offset + 1) % bandSize
		}
		numbers[place], taken[first+offset] = first+offset, true
	}
	return numbers
}

// targetGroups are the groups of a load balancer: first that of the target
// which gets every other request.
type targetGroups []elb.ApplicationTargetGroup

// newTargetGroups makes a target group for each service behind a load balancer.
// Those of routes are named after the service, so that a service whose path
// changes keeps its group, and its tasks stay where they are. In a blue/green
// deployment the target itself registers later, in one of two groups.
func newTargetGroups(in place, scope constructs.Construct, vpc awsec2.IVpc, target resolvedTarget, routes []resolvedRoute, sticky spec.Duration, blueGreen bool) targetGroups {
	var groups targetGroups
	if blueGreen {
		groups = append(groups, target.newGroup(scope, "TargetGroup", vpc, sticky))
	} else {
		groups = append(groups, target.newTargetGroup(in, scope, "TargetGroup", vpc, sticky))
	}
	for _, route := range routes {
		groups = append(groups, route.target.newTargetGroup(in, scope, "TargetGroup-"+route.target.ContainerName, vpc, sticky))
	}
	return groups
}

// addRules sends the requests of each route to its target group. A rule is
// named after its place: services that trade paths change rules in place.
func (g targetGroups) addRules(listener elb.ApplicationListener, routes []resolvedRoute, domain DomainProps) {
	var places []spec.Place
	for _, route := range routes {
		places = append(places, route.Place)
	}
	numbers := priorities(places)
	for i, route := range routes {
		id := "Route" + route.Path
		var conditions []elb.ListenerCondition
		if route.Subdomain != "" {
			id = "Subdomain-" + route.String()
			// Without a domain there is no name to wait for.
			name := route.Subdomain + ".*"
			if domain.declared() {
				name = domain.under(route.Subdomain)
			}
			conditions = append(conditions, elb.ListenerCondition_HostHeaders(jsii.Strings(name)))
		}
		if route.Path != "" {
			conditions = append(conditions, elb.ListenerCondition_PathPatterns(jsii.Strings(route.Path, route.Path+"/*")))
		}
		listener.AddAction(&id, &elb.AddApplicationActionProps{
			Priority:   jsii.Number(numbers[route.Place]),
			Conditions: &conditions,
			Action:     elb.ListenerAction_Forward(&[]elb.IApplicationTargetGroup{g[i+1]}, nil),
		})
	}
}

// unhealthy counts the tasks in all groups that fail their health check.
func (g targetGroups) unhealthy() awscloudwatch.IMetric {
	var terms []string
	metrics := map[string]awscloudwatch.IMetric{}
	for i, group := range g {
		metric := group.Metrics().UnhealthyHostCount(&awscloudwatch.MetricOptions{Statistic: jsii.String("Maximum")})
		if len(g) == 1 {
			return metric
		}
		name := fmt.Sprintf("group%d", i)
		metrics[name] = metric
		terms = append(terms, "FILL("+name+", 0)")
	}
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression:   jsii.String(strings.Join(terms, " + ")),
		Label:        jsii.String("Unhealthy tasks"),
		UsingMetrics: &metrics,
	})
}
