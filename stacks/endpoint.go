package stacks

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/constructs/endpoint"
	"github.com/tinystack-go/tinystack/constructs/network"
	"github.com/tinystack-go/tinystack/spec"
)

// entrance is how a stage is reached.
type entrance struct {
	// endpoint is nil where no service is public.
	endpoint endpoint.Endpoint
	// url is the output with the address that a pipeline tests the stage at;
	// nil without an endpoint.
	url awscdk.CfnOutput
}

// addEndpoint puts the declared kind of endpoint in front of the services that
// are neither internal nor workers. It has the same construct id whatever its
// kind, so that a stage can change from one to another.
func (m *maker) addEndpoint(stack awscdk.Stack, net network.Network, cluster runningCluster, namespace awsservicediscovery.PrivateDnsNamespace, services runningServices) entrance {
	if !slices.ContainsFunc(m.app.Services, spec.Service.Public) {
		return entrance{}
	}
	id := jsii.String("Endpoint")
	declared := m.declared.Endpoint
	var made endpoint.Endpoint
	var target endpoint.Target
	var routes []endpoint.Route
	for _, each := range services {
		switch declared := each.declared; {
		case !declared.Public():
		case declared.Fallback():
			target = targetOf(each, cluster)
		default:
			routes = append(routes, endpoint.Route{Subdomain: declared.Subdomain, Path: declared.Path, Target: targetOf(each, cluster)})
		}
	}
	domain := endpoint.DomainProps{
		Name:        declared.Domain,
		HostedZone:  declared.HostedZone,
		Certificate: declared.Certificate,
		Routing:     declared.Routing,
	}
	switch {
	case declared.Type == spec.ALB:
		made = endpoint.NewALB(stack, id, &endpoint.ALBProps{
			VPC:              net.VPC(),
			Subnets:          net.PublicSubnets(),
			Target:           target,
			Routes:           routes,
			Domain:           domain,
			RedirectFrom:     declared.RedirectFrom,
			StickySessions:   declared.StickySessions,
			IdleTimeout:      declared.IdleTimeout,
			Firewall:         declared.Firewall,
			BlueGreen:        declared.Deployment == spec.BlueGreen,
			Production:       m.declared.Removal == spec.RemovalRetain, // protected where the data is, which excludes canaries
			LogRetentionDays: m.declared.LogRetentionDays,
		})
	case declared.Caching != nil:
		made = endpoint.NewCachedRESTAPI(stack, id, &endpoint.CachedRESTAPIProps{
			Name:               m.called().String(),
			VPC:                net.VPC(),
			Subnets:            net.PrivateSubnets(),
			Target:             target,
			Routes:             routes,
			Caching:            *declared.Caching,
			Domain:             domain,
			ClientCertificates: declared.ClientCertificates,
			APIKeys:            declared.APIKeys,
			Firewall:           declared.Firewall,
			Throttling:         declared.Throttling,
			LogRetentionDays:   m.declared.LogRetentionDays,
		})
	default:
		made = endpoint.NewHTTPAPI(stack, id, &endpoint.HTTPAPIProps{
			Name:               m.called().String(),
			VPC:                net.VPC(),
			Subnets:            net.PrivateSubnets(),
			Namespace:          namespace,
			Target:             target,
			Routes:             routes,
			Domain:             domain,
			ClientCertificates: declared.ClientCertificates,
			CORS:               declared.CORS,
			JWT:                declared.JWT,
			Throttling:         declared.Throttling,
			LogRetentionDays:   m.declared.LogRetentionDays,
		})
	}
	url := m.addAddresses(stack, made)
	if rest, ok := made.(endpoint.CachedRESTAPI); ok {
		keys := rest.APIKeys()
		for _, name := range slices.Sorted(maps.Keys(keys)) {
			output(stack, identifier(name)+"ApiKey", "Shows the API key of "+name,
				fmt.Sprintf("aws apigateway get-api-key --include-value --query value --output text --region %s --api-key %s", m.declared.Region, *keys[name].KeyId()))
		}
	}
	return entrance{endpoint: made, url: url}
}

// addAddresses says where the stage is found, and returns the output with the
// address that a pipeline tests it at.
func (m *maker) addAddresses(stack awscdk.Stack, made endpoint.Endpoint) awscdk.CfnOutput {
	declared := m.declared.Endpoint
	url := output(stack, "URL", "Address of the stage", *made.URL())
	if declared.Routing != nil {
		// What tests the stage must not be led to another.
		url = output(stack, "RegionalURL", "Address of this stage among those that share its domain", *made.RegionalURL())
	}
	dnsTarget := func(id, name string, target *string) {
		if declared.Domain != "" && declared.HostedZone == nil {
			output(stack, id+"DNSTarget", "What the DNS record of "+name+" has to point to", *target)
		}
	}
	dnsTarget("", declared.Domain, made.DNSTarget())
	for _, subdomain := range made.Subdomains() {
		id := "Subdomain" + identifier(subdomain.Name)
		output(stack, id+"URL", "Address of the subdomain "+subdomain.Name, *subdomain.URL)
		dnsTarget(id, subdomain.Name+"."+declared.Domain, subdomain.DNSTarget)
	}
	if zone := declared.HostedZone; zone != nil && zone.Delegation != nil {
		output(stack, "HostedZone", "Zone of "+zone.Name+", which stays when the stage is deleted", *made.HostedZoneID())
	}
	return url
}

// targetOf is a service as the endpoint sees it.
func targetOf(running *runningService, cluster runningCluster) endpoint.Target {
	declared, group := running.declared, running.taskGroup()
	if group == nil {
		group = cluster.made.SecurityGroup()
	}
	return endpoint.Target{
		Service:       running.service.Service(),
		ContainerName: declared.Name,
		ContainerPort: declared.Port,
		SecurityGroup: group,
		HealthCheck:   declared.HealthCheck,
		StopTimeout:   declared.StopTimeout.Seconds(),
	}
}
