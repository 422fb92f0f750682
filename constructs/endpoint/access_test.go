package endpoint

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

const firewallARN = "arn:aws:wafv2:us-east-1:111111111111:regional/webacl/shop/01234567-89ab-cdef-0123-456789abcdef"

var clients = &spec.ClientCertificates{Bucket: "example-trust", Key: "clients/authorities.pem", Version: "3"}

// everything is each kind with all that it offers.
var everything = map[string]func(*fixture){
	"http-api": func(f *fixture) {
		NewHTTPAPI(f.stack, jsii.String(endpointID), &HTTPAPIProps{
			Name: "shop-dev", VPC: f.vpc, Namespace: f.namespace, Target: f.target, Routes: f.routes, Domain: ownDomain,
			ClientCertificates: clients,
			CORS: &spec.CORS{
				Origins: []string{"https://www.example.com"}, Headers: []string{"Content-Type"}, ExposedHeaders: []string{"ETag"},
				Credentials: true, MaxAge: spec.Duration(time.Hour),
			},
			JWT:        &spec.JWT{Issuer: "https://login.example.com/", Audience: []string{"shop"}, Scopes: []string{"read"}},
			Throttling: spec.Throttling{RequestsPerSecond: 50, Burst: 100},
		})
	},
	"rest-api": func(f *fixture) {
		NewCachedRESTAPI(f.stack, jsii.String(endpointID), &CachedRESTAPIProps{
			Name: "shop-dev", VPC: f.vpc, Target: f.target, Routes: f.routes, Domain: ownDomain, Caching: caching,
			ClientCertificates: clients,
			APIKeys: []spec.APIKey{
				{Name: "partner", Throttling: spec.Throttling{RequestsPerSecond: 5, Burst: 10}, RequestsPerMonth: 1000},
				{Name: "friend"},
			},
			Firewall: firewallARN,
		})
	},
	"alb": func(f *fixture) {
		NewALB(f.stack, jsii.String(endpointID), &ALBProps{
			VPC: f.vpc, Target: f.target, Routes: f.routes, Domain: ownDomain,
			RedirectFrom:   []string{"example.com", "www.example.com"},
			StickySessions: spec.Duration(time.Hour), IdleTimeout: spec.Duration(2 * time.Minute), Firewall: firewallARN,
		})
	},
}

func everythingOf(t *testing.T, kind string) snapshot.Template {
	key := kind + " everything"
	if templates[key] == nil {
		f := newFixture(t, options{several: true})
		everything[kind](f)
		templates[key] = synthtest.SynthSecure(t, f.app).Stacks[0].Template
	}
	return templates[key]
}

func TestCORSAndJWT(t *testing.T) {
	template := everythingOf(t, "http-api")
	_, api, err := newWalker(template).only("AWS::ApiGatewayV2::Api")
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"AllowOrigins": []any{"https://www.example.com"}, "AllowMethods": []any{"GET", "HEAD", "POST"},
		"AllowHeaders": []any{"Content-Type"}, "ExposeHeaders": []any{"ETag"}, "AllowCredentials": true, "MaxAge": 3600.0,
	}, api.Properties["CorsConfiguration"])
	authorizer, resource, err := newWalker(template).only("AWS::ApiGatewayV2::Authorizer")
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"Issuer": "https://login.example.com/", "Audience": []any{"shop"}}, resource.Properties["JwtConfiguration"])
	open := []string{}
	for _, route := range template.Resources("AWS::ApiGatewayV2::Route") {
		key := route.Properties["RouteKey"].(string)
		if route.Properties["AuthorizationType"] == "NONE" {
			open = append(open, key)
			assert.NotContains(t, route.Properties, "AuthorizationScopes", key)
			continue
		}
		assert.Equal(t, "JWT", route.Properties["AuthorizationType"], key)
		assert.Equal(t, authorizer, target(route.Properties["AuthorizerId"]), key)
		assert.Equal(t, []any{"read"}, route.Properties["AuthorizationScopes"], key)
	}
	slices.Sort(open)
	assert.Equal(t, []string{"OPTIONS /", "OPTIONS /admin", "OPTIONS /admin/{proxy+}", "OPTIONS /{proxy+}"}, open,
		"a browser asks for permission without a token, and nothing else may be without one")

	t.Run("methods and origins without end", func(t *testing.T) {
		f := newFixture(t, options{})
		NewHTTPAPI(f.stack, jsii.String(endpointID), &HTTPAPIProps{
			Name: "shop-dev", VPC: f.vpc, Namespace: f.namespace, Target: f.target, CORS: &spec.CORS{Origins: []string{"*"}, Methods: []string{"*"}},
		})
		template := f.synth(t)
		_, api, err := newWalker(template).only("AWS::ApiGatewayV2::Api")
		require.NoError(t, err)
		assert.Equal(t, []any{"*"}, api.Get("Properties.CorsConfiguration.AllowMethods"))
		assert.Len(t, template.Resources("AWS::ApiGatewayV2::Route"), 1, "without an authorizer nothing is in the way")
	})
}

func TestClientCertificates(t *testing.T) {
	for _, kind := range []string{"http-api", "rest-api"} {
		template := everythingOf(t, kind)
		_, name, err := newWalker(template).only("AWS::ApiGatewayV2::DomainName")
		require.NoError(t, err)
		mutual := name.Properties["MutualTlsAuthentication"].(map[string]any)
		assert.Equal(t, "3", mutual["TruststoreVersion"], kind)
		assert.Equal(t, "s3://example-trust/clients/authorities.pem", mutual["TruststoreUri"], kind)
		api := map[string]string{"http-api": "AWS::ApiGatewayV2::Api", "rest-api": "AWS::ApiGateway::RestApi"}[kind]
		_, resource, err := newWalker(template).only(api)
		require.NoError(t, err)
		assert.Equal(t, true, resource.Properties["DisableExecuteApiEndpoint"], "%s: the way around", kind)
	}
	for kind, api := range map[string]string{"http-api": "AWS::ApiGatewayV2::Api", "rest-api": "AWS::ApiGateway::RestApi"} {
		_, resource, err := newWalker(templateOf(t, kind, "domain")).only(api)
		require.NoError(t, err)
		assert.NotContains(t, resource.Properties, "DisableExecuteApiEndpoint", kind)
	}
}

func TestAPIKeys(t *testing.T) {
	template := everythingOf(t, "rest-api")
	for name, method := range methodsByPath(template) {
		assert.Equal(t, true, method.Properties["ApiKeyRequired"], name)
	}
	key := strs(methodsByPath(template)["GET /items"].Get("Properties.Integration.CacheKeyParameters"))
	assert.Contains(t, key, "method.request.header.X-API-Key", "a response for one caller is not for another")
	assert.Contains(t, key, "method.request.header.x-api-key")
	for name, method := range methodsByPath(templateOf(t, "rest-api", "domain")) {
		assert.NotEqual(t, true, method.Properties["ApiKeyRequired"], name)
	}
	plans := map[string]snapshot.Resource{}
	for _, plan := range template.Resources("AWS::ApiGateway::UsagePlan") {
		plans[plan.Properties["Description"].(string)] = plan
	}
	assert.Len(t, plans, 2)
	partner := plans["partner, of shop-dev"]
	assert.Equal(t, map[string]any{"RateLimit": 5.0, "BurstLimit": 10.0}, partner.Properties["Throttle"])
	assert.Equal(t, map[string]any{"Limit": 1000.0, "Period": "MONTH"}, partner.Properties["Quota"])
	stage, _, err := newWalker(template).only("AWS::ApiGateway::Stage")
	require.NoError(t, err)
	assert.Equal(t, stage, target(partner.Get("Properties.ApiStages.0.Stage")))
	assert.NotContains(t, plans["friend, of shop-dev"].Properties, "Quota")
	assert.Len(t, template.Resources("AWS::ApiGateway::UsagePlanKey"), 2)
	for id, key := range template.Resources("AWS::ApiGateway::ApiKey") {
		assert.NotContains(t, key.Properties, "Value", "%s: a secret in a template", id)
	}
}

func TestFirewall(t *testing.T) {
	for kind, protected := range map[string]string{"alb": "AWS::ElasticLoadBalancingV2::LoadBalancer", "rest-api": "AWS::ApiGateway::Stage"} {
		template := everythingOf(t, kind)
		_, association, err := newWalker(template).only("AWS::WAFv2::WebACLAssociation")
		require.NoError(t, err)
		assert.Equal(t, firewallARN, association.Properties["WebACLArn"])
		id, _, err := newWalker(template).only(protected)
		require.NoError(t, err)
		assert.Contains(t, fmt.Sprint(association.Properties["ResourceArn"]), id, kind)
		assert.Empty(t, templateOf(t, kind, "domain").Resources("AWS::WAFv2::WebACLAssociation"))
	}
}

func TestRedirects(t *testing.T) {
	template := everythingOf(t, "alb")
	_, certificate, err := newWalker(template).only("AWS::CertificateManager::Certificate")
	require.NoError(t, err)
	assert.Equal(t, []any{"example.com", "www.example.com"}, certificate.Properties["SubjectAlternativeNames"])
	records := map[string]string{}
	for _, record := range template.Resources("AWS::Route53::RecordSet") {
		records[record.Properties["Name"].(string)] = fmt.Sprint(record.Properties["AliasTarget"])
	}
	require.Len(t, records, 3)
	assert.Equal(t, records["api.example.com."], records["example.com."])
	assert.Equal(t, records["api.example.com."], records["www.example.com."])
	found := false
	for _, rule := range template.Resources("AWS::ElasticLoadBalancingV2::ListenerRule") {
		if rule.Get("Properties.Actions.0.Type") != "redirect" {
			continue
		}
		found = true
		assert.Equal(t, map[string]any{"Host": "api.example.com", "StatusCode": "HTTP_301"}, rule.Get("Properties.Actions.0.RedirectConfig"), "path and query stay")
		assert.Equal(t, []any{"example.com", "www.example.com"}, rule.Get("Properties.Conditions.0.HostHeaderConfig.Values"))
		assert.EqualValues(t, 1, rule.Properties["Priority"], "before every path")
	}
	assert.True(t, found)
	assert.NoError(t, newWalker(template).walk("alb"))
}

func TestStickySessionsAndIdleTimeout(t *testing.T) {
	template := everythingOf(t, "alb")
	_, balancer, err := newWalker(template).only("AWS::ElasticLoadBalancingV2::LoadBalancer")
	require.NoError(t, err)
	assert.Equal(t, "120", attributesOf(balancer, "LoadBalancerAttributes")["idle_timeout.timeout_seconds"])
	groups := template.Resources("AWS::ElasticLoadBalancingV2::TargetGroup")
	assert.Len(t, groups, 2)
	for id, group := range groups {
		attributes := attributesOf(group, "TargetGroupAttributes")
		assert.Equal(t, "true", attributes["stickiness.enabled"], id)
		assert.Equal(t, "3600", attributes["stickiness.lb_cookie.duration_seconds"], id)
	}
	_, plain, err := newWalker(templateOf(t, "alb", "domain")).only("AWS::ElasticLoadBalancingV2::LoadBalancer")
	require.NoError(t, err)
	assert.NotContains(t, attributesOf(plain, "LoadBalancerAttributes"), "idle_timeout.timeout_seconds")
}

// A record can be made in a zone that is known by its name alone; a
// certificate cannot.
func TestZoneByName(t *testing.T) {
	const arn = "arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012"
	named := DomainProps{Name: "api.example.com", HostedZone: &spec.HostedZone{Name: "example.com"}, Certificate: arn}
	for kind, add := range kinds {
		f := newFixture(t, options{})
		add(f, named)
		records := f.synth(t).Resources("AWS::Route53::RecordSet")
		assert.NotEmpty(t, records, kind)
		for _, record := range records {
			assert.Equal(t, "example.com.", record.Properties["HostedZoneName"], kind)
			assert.NotContains(t, record.Properties, "HostedZoneId", kind)
		}
		named := named
		named.Certificate = ""
		assert.Panics(t, func() { add(newFixture(t, options{}), named) }, kind)
	}
}

// Open requests get as long to end as the container does.
func TestStopTimeoutOfTheContainer(t *testing.T) {
	f := newFixture(t, options{})
	task := awsecs.NewEc2TaskDefinition(f.stack, jsii.String("Slow"), nil)
	task.AddContainer(jsii.String("slow"), &awsecs.ContainerDefinitionOptions{
		Image:                awsecs.ContainerImage_FromRegistry(jsii.String("example.com/slow:1"), nil),
		MemoryReservationMiB: jsii.Number(64),
		PortMappings:         &[]*awsecs.PortMapping{{ContainerPort: jsii.Number(80)}},
		StopTimeout:          awscdk.Duration_Seconds(jsii.Number(95)),
	})
	service := awsecs.NewEc2Service(f.stack, jsii.String("SlowService"), &awsecs.Ec2ServiceProps{Cluster: f.target.Service.Cluster(), TaskDefinition: task})
	f.target.Service = service
	f.addALB(DomainProps{})
	_, group, err := newWalker(f.synth(t)).only("AWS::ElasticLoadBalancingV2::TargetGroup")
	require.NoError(t, err)
	assert.Equal(t, "95", attributesOf(group, "TargetGroupAttributes")["deregistration_delay.timeout_seconds"])
}

// The rules of a listener are looked at from the lowest number up.
func TestPriorities(t *testing.T) {
	segment := func(random *rand.Rand) string { return fmt.Sprintf("/s%d", random.IntN(5000)) }
	random := rand.New(rand.NewPCG(5, 6))
	moved := 0
	for range 2000 {
		places := map[spec.Place]bool{}
		for range 1 + random.IntN(9) {
			place := spec.Place{Subdomain: []string{"", "", "a", "b"}[random.IntN(4)]}
			for range 1 + random.IntN(mostSegments) {
				place.Path += segment(random)
			}
			places[place] = true
			if place.Subdomain != "" {
				places[spec.Place{Subdomain: place.Subdomain}] = true
			}
		}
		list := slices.Collect(maps.Keys(places))
		numbers := priorities(list)
		slices.Reverse(list)
		assert.Equal(t, numbers, priorities(list), "the order of the declaration")
		taken := map[int]spec.Place{}
		for place, number := range numbers {
			assert.Empty(t, taken[number], "%s has the number of another", place)
			taken[number] = place
			assert.Greater(t, number, redirectPriority)
			assert.Less(t, number, lastPriority)
			for other, otherNumber := range numbers {
				if other.Subdomain == place.Subdomain && strings.HasPrefix(other.Path, place.Path+"/") {
					assert.Less(t, otherNumber, number, "%s would hide %s", place, other)
				}
				if other.Subdomain != "" && place.Subdomain == "" {
					assert.Less(t, otherNumber, number, "%s would take requests of %s", place, other)
				}
			}
		}
		inserted := priorities(append(list, spec.Place{Path: segment(random)}, spec.Place{Subdomain: "c", Path: segment(random)}))
		for place, number := range numbers {
			if inserted[place] != number {
				moved++
			}
		}
	}
	assert.LessOrEqual(t, moved, 15, "a path that comes moves no other")
}

func TestRoutesAreChecked(t *testing.T) {
	f := newFixture(t, options{})
	for kind, add := range kinds {
		f.routes = []Route{{Path: "admin", Target: f.target}, {Path: "/a", Target: f.target}, {Path: "/a", Target: Target{}}}
		func() {
			defer func() {
				problem, _ := recover().(error)
				require.ErrorContains(t, problem, `"admin"`, kind)
				require.ErrorContains(t, problem, `routes[2].path: "/a" is also`, kind)
				require.ErrorContains(t, problem, `route "/a": target: Service`, kind)
				require.ErrorContains(t, problem, `another target has a container named "web"`, kind)
			}()
			add(f, DomainProps{})
		}()
	}
}

// A service whose path changes keeps its target group and where it is
// registered: only the way to it changes.
func TestChangeOfAPath(t *testing.T) {
	for kind, add := range kinds {
		f := newFixture(t, options{several: true})
		f.routes[0].Path = "/office"
		add(f, ownDomain)
		before, after := variantOf(t, kind, "domain", "several bridge"), f.synth(t)
		compared := 0
		for id, r := range before.Resources("") {
			if r.Type == "AWS::ElasticLoadBalancingV2::TargetGroup" || r.Type == "AWS::ServiceDiscovery::Service" || r.Type == "AWS::ECS::Service" {
				later, kept := after.Resource(id)
				require.True(t, kept, "%s: %s", kind, id)
				assert.Equal(t, r.Properties, later.Properties, "%s: %s", kind, id)
				compared++
			}
		}
		assert.GreaterOrEqual(t, compared, 4, kind)
		w := newWalker(after)
		assert.NoError(t, w.walk(kind))
		assert.Equal(t, map[string]string{"": "web", "/office": "admin"}, w.served, kind)
	}
}

// A route's tasks may be behind a security group that neither the first
// target nor the route's own service knows.
func TestSecurityGroupOfARoute(t *testing.T) {
	for kind, add := range kinds {
		f := newFixture(t, options{several: true})
		f.routes[0].Target.SecurityGroup = awsec2.NewSecurityGroup(f.stack, jsii.String("Other"), &awsec2.SecurityGroupProps{Vpc: f.vpc})
		add(f, ownDomain)
		assert.Contains(t, strings.Join(newWalker(f.synth(t)).incoming(), "\n"), "Other < Endpoint", kind)
	}
}
