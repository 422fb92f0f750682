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

// Route sends requests for a path to a service of its own.
type Route struct {
	// Path as in /admin: that path itself and everything under it. The longest
	// path that fits a request wins. Required: one to four segments of
	// letters, digits and . _ -.
	Path string

	// Target that is served under the path, which it gets unchanged. Its
	// container has a name that no other target of the endpoint has, because
	// target groups and Cloud Map services are named after it. Required.
	Target Target
}

type resolvedRoute struct {
	path   string
	target resolvedTarget
}

// resolveRoutes fills in defaults for the routes beside the target that gets
// every other request. The order does not depend on the order in which routes
// were declared.
func resolveRoutes(routes []Route, rest resolvedTarget) ([]resolvedRoute, error) {
	names := map[string]bool{rest.ContainerName: true}
	var resolved []resolvedRoute
	var paths []string
	var problems []error
	for _, route := range routes {
		target, err := route.Target.resolve()
		if err != nil {
			problems = append(problems, fmt.Errorf("route %q: %w", route.Path, err))
		} else if names[target.ContainerName] {
			problems = append(problems, fmt.Errorf("route %q: another target has a container named %q, too: give each a name of its own", route.Path, target.ContainerName))
		}
		names[target.ContainerName] = true
		paths = append(paths, route.Path)
		resolved = append(resolved, resolvedRoute{route.Path, target})
	}
	slices.SortFunc(resolved, func(a, b resolvedRoute) int { return cmp.Compare(a.path, b.path) })
	return resolved, errors.Join(append(problems, spec.CheckRoutes(paths))...)
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
// redirects, then paths, those with more segments first.
const (
	redirectPriority = 1
	lastPriority     = 50000 // the greatest that there is
	firstPriority    = 2
	bandSize         = 12000
	mostSegments     = 4
)

// priorities gives each path a number that depends on the path alone, so that
// a path that comes or goes moves no rule: two rules that trade numbers would
// get in each other's way during the update. Only where two paths of as many
// segments happen on the same number, about one application in 250 with ten
// paths, the second takes the next.
func priorities(paths []string) map[string]int {
	numbers, taken := map[string]int{}, map[int]bool{}
	for _, path := range slices.Sorted(slices.Values(paths)) {
		hash := fnv.New32a()
		hash.Write([]byte(path))
		band := firstPriority + (mostSegments-strings.Count(path, "/"))*bandSize
		offset := int(hash.Sum32() % bandSize)
		for taken[band+offset] {
			offset = (offset + 1) % bandSize
		}
		numbers[path], taken[band+offset] = band+offset, true
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
func newTargetGroups(scope constructs.Construct, vpc awsec2.IVpc, target resolvedTarget, routes []resolvedRoute, sticky spec.Duration, blueGreen bool) targetGroups {
	var groups targetGroups
	if blueGreen {
		groups = append(groups, target.newGroup(scope, "TargetGroup", vpc, sticky))
	} else {
		groups = append(groups, target.newTargetGroup(scope, "TargetGroup", vpc, sticky))
	}
	for _, route := range routes {
		groups = append(groups, route.target.newTargetGroup(scope, "TargetGroup-"+route.target.ContainerName, vpc, sticky))
	}
	return groups
}

// addRules sends the requests of each route to its target group. A rule is
// named after its path: services that trade paths change rules in place.
func (g targetGroups) addRules(listener elb.ApplicationListener, routes []resolvedRoute) {
	var paths []string
	for _, route := range routes {
		paths = append(paths, route.path)
	}
	numbers := priorities(paths)
	for i, route := range routes {
		listener.AddAction(jsii.String("Route"+route.path), &elb.AddApplicationActionProps{
			Priority:   jsii.Number(numbers[route.path]),
			Conditions: &[]elb.ListenerCondition{elb.ListenerCondition_PathPatterns(jsii.Strings(route.path, route.path+"/*"))},
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
