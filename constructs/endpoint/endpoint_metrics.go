package endpoint

import (
	"maps"

	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"

	"github.com/tinystack-go/tinystack/monitor"
)

func (e *httpAPI) MetricNames() monitor.Names       { return maps.Clone(e.metrics) }
func (e *cachedRESTAPI) MetricNames() monitor.Names { return maps.Clone(e.metrics) }
func (e *alb) MetricNames() monitor.Names           { return maps.Clone(e.metrics) }

// names of a load balancer and of its target groups, by their containers.
func (g targetGroups) names(balancer elb.ApplicationLoadBalancer, containers []string) monitor.Names {
	names := monitor.Names{monitor.RefLoadBalancer: *balancer.LoadBalancerFullName()}
	for i, group := range g {
		names[monitor.RefTargetGroup(containers[i])] = *group.TargetGroupFullName()
	}
	return names
}

// containers of the target that gets every other request, and of the routes, in
// the order of their target groups.
func containers(target resolvedTarget, routes []resolvedRoute) []string {
	names := []string{target.ContainerName}
	for _, route := range routes {
		names = append(names, route.target.ContainerName)
	}
	return names
}
