package endpoint

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// sharedDomain is shared with other regions under a policy.
func sharedDomain(policy spec.RoutingPolicy) DomainProps {
	shared := ownDomain
	shared.Routing = &spec.Routing{
		Policy:         policy,
		RegionalDomain: "api-use1.example.com",
		HealthCheck:    &spec.RoutingHealthCheck{Path: "/up", Interval: spec.Duration(10 * time.Second), Failures: 2},
	}
	switch policy {
	case spec.Weighted:
		shared.Routing.Weight = new(20)
	case spec.Failover:
		shared.Routing.Role = spec.Primary
	}
	return shared
}

// recordsOf are the records of a template, by name and type.
func recordsOf(template snapshot.Template) map[string]map[string]any {
	found := map[string]map[string]any{}
	for _, record := range template.Resources("AWS::Route53::RecordSet") {
		found[record.Properties["Name"].(string)+" "+record.Properties["Type"].(string)] = record.Properties
	}
	return found
}

// What makes a record one of several, by policy.
var chosenBy = map[spec.RoutingPolicy]map[string]any{
	spec.Latency:  {"Region": "us-east-1"},
	spec.Weighted: {"Weight": 20.0},
	spec.Failover: {"Failover": "PRIMARY"},
}

func TestRouting(t *testing.T) {
	policies := map[string]spec.RoutingPolicy{"http-api": spec.Latency, "rest-api": spec.Weighted, "alb": spec.Failover}
	for kind, policy := range policies {
		t.Run(kind, func(t *testing.T) {
			f := newFixture(t, options{subdomain: kind != "rest-api"})
			e := kinds[kind](f, sharedDomain(policy))
			assert.Equal(t, "https://api.example.com", *e.URL())
			assert.Equal(t, "https://api-use1.example.com", *e.RegionalURL())
			template := synthtest.SynthSecure(t, f.app).Stacks[0].Template
			w := newWalker(template)
			require.NoError(t, w.walk(kind))

			check, resource, err := w.only("AWS::Route53::HealthCheck")
			require.NoError(t, err)
			assert.Equal(t, map[string]any{
				"Type": "HTTPS", "FullyQualifiedDomainName": "api-use1.example.com", "Port": 443.0, "ResourcePath": "/up",
				"EnableSNI": true, "RequestInterval": 10.0, "FailureThreshold": 2.0,
			}, resource.Properties["HealthCheckConfig"])

			shared := []string{"api.example.com."}
			types := []string{"A"}
			if kind != "alb" {
				types = append(types, "AAAA")
			}
			if kind != "rest-api" {
				shared = append(shared, "news.api.example.com.")
			}
			records := recordsOf(template)
			assert.Len(t, records, len(types)*(len(shared)+1))
			for _, recordType := range types {
				for _, name := range shared {
					record := records[name+" "+recordType]
					require.NotNil(t, record, name)
					assert.Equal(t, string(policy)+"-us-east-1", record["SetIdentifier"])
					assert.Equal(t, check, target(record["HealthCheckId"]))
					assert.Equal(t, false, record["AliasTarget"].(map[string]any)["EvaluateTargetHealth"])
					for _, property := range []string{"Region", "Weight", "Failover"} {
						assert.Equal(t, chosenBy[policy][property], record[property], "%s %s", name, property)
					}
				}
				own := records["api-use1.example.com. "+recordType]
				require.NotNil(t, own)
				for _, property := range []string{"SetIdentifier", "HealthCheckId", "Region", "Weight", "Failover"} {
					assert.NotContains(t, own, property, "what is asked must not depend on the answer")
				}
			}
			// Who asks under the regional name gets the same.
			if kind == "alb" {
				balancer, _, err := w.only("AWS::ElasticLoadBalancingV2::LoadBalancer")
				require.NoError(t, err)
				assert.NoError(t, w.named("api-use1.example.com", balancer))
			} else {
				for id, api := range template.Resources("") {
					if strings.HasPrefix(api.Type, "AWS::ApiGateway") && strings.HasSuffix(api.Type, "Api") && !strings.HasSuffix(strings.TrimSuffix(id, id[len(id)-8:]), "news") {
						assert.NoError(t, w.mapped(id, "api-use1.example.com"))
					}
				}
			}
		})
	}
}

// A load balancer says how its tasks are, unless a group can be empty while all
// is well.
func TestTargetHealth(t *testing.T) {
	for name, want := range map[string]bool{"one": true, "several": false, "blue-green": false} {
		f := newFixture(t, options{several: name == "several"})
		domain := sharedDomain(spec.Latency)
		domain.Routing.HealthCheck = nil
		NewALB(f.stack, jsii.String(endpointID), &ALBProps{
			VPC: f.vpc, Target: f.target, Routes: f.routes, Domain: domain, BlueGreen: name == "blue-green", RedirectFrom: []string{"www.example.com"},
		})
		template := f.synth(t)
		assert.Empty(t, template.Resources("AWS::Route53::HealthCheck"))
		for _, record := range []string{"api.example.com. A", "www.example.com. A"} {
			properties := recordsOf(template)[record]
			assert.Equal(t, want, properties["AliasTarget"].(map[string]any)["EvaluateTargetHealth"], name)
			assert.Equal(t, "latency-us-east-1", properties["SetIdentifier"], "regions share redirects, too")
			assert.NotContains(t, properties, "HealthCheckId")
		}
	}
}

func TestDrained(t *testing.T) {
	f := newFixture(t, options{})
	domain := sharedDomain(spec.Failover)
	domain.Routing.Drained = true
	f.addALB(domain)
	template := f.synth(t)
	checks := template.Resources("AWS::Route53::HealthCheck")
	require.Len(t, checks, 2)
	drained := target(recordsOf(template)["api.example.com. A"]["HealthCheckId"])
	config := checks[drained].Properties["HealthCheckConfig"].(map[string]any)
	assert.Equal(t, "CALCULATED", config["Type"])
	children := config["ChildHealthChecks"].([]any)
	assert.Greater(t, config["HealthThreshold"], float64(len(children)), "otherwise it can be healthy")
	assert.NotEqual(t, drained, target(children[0]))

	f = newFixture(t, options{})
	domain = sharedDomain(spec.Weighted)
	domain.Routing.Weight = new(0)
	f.addALB(domain)
	assert.Equal(t, 0.0, recordsOf(f.synth(t))["api.example.com. A"]["Weight"], "zero is a weight")
}

// Giving a domain to several regions replaces nothing: the record of the domain
// becomes one of several in place.
func TestSharingLater(t *testing.T) {
	for kind := range kinds {
		f := newFixture(t, options{})
		kinds[kind](f, sharedDomain(spec.Latency))
		before, after := templateOf(t, kind, "domain"), f.synth(t)
		for _, resource := range []string{"AWS::Route53::RecordSet", "AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::ApiMapping", "AWS::ElasticLoadBalancingV2::Listener"} {
			later := after.Resources(resource)
			for id, r := range before.Resources(resource) {
				require.Contains(t, later, id, kind)
				for _, property := range []string{"Name", "Type", "HostedZoneId", "DomainName", "Port"} {
					assert.Equal(t, r.Properties[property], later[id].Properties[property], "%s %s: a change of %s replaces it", kind, id, property)
				}
			}
		}
	}
}

func TestMetricsOfSubdomains(t *testing.T) {
	f := newFixture(t, options{subdomain: true})
	e := f.addHTTPAPI(DomainProps{})
	require.Len(t, e.Subdomains(), 1)
	assert.Nil(t, e.Subdomains()[0].Domain)
	assert.NotEqual(t, *e.URL(), *e.Subdomains()[0].URL, "an address of its own without a domain")
	awscloudwatch.NewAlarm(f.stack, jsii.String("Alarm"), &awscloudwatch.AlarmProps{Metric: e.ErrorMetric5xx(), Threshold: jsii.Number(1), EvaluationPeriods: jsii.Number(1)})
	awscloudwatch.NewAlarm(f.stack, jsii.String("Slow"), &awscloudwatch.AlarmProps{Metric: e.LatencyMetric("p99"), Threshold: jsii.Number(1), EvaluationPeriods: jsii.Number(1)})
	template := f.synth(t)
	want := map[string]string{"Alarm": "FILL(api0, 0) + FILL(api1, 0)", "Slow": "MAX([FILL(api0, 0), FILL(api1, 0)])"}
	for id, alarm := range template.Resources("AWS::CloudWatch::Alarm") {
		watched := map[string]bool{}
		for _, m := range alarm.Properties["Metrics"].([]any) {
			metric := m.(map[string]any)
			if expression, ok := metric["Expression"]; ok {
				assert.Equal(t, want[withoutHash(id)], expression)
				continue
			}
			for _, dimension := range metric["MetricStat"].(map[string]any)["Metric"].(map[string]any)["Dimensions"].([]any) {
				if dimension.(map[string]any)["Name"] == "ApiId" {
					watched[target(dimension.(map[string]any)["Value"])] = true
				}
			}
		}
		assert.Len(t, watched, 2, "%s watches every API", id)
	}
	apis := template.Resources("AWS::ApiGatewayV2::Api")
	require.Len(t, apis, 2)
	var names []string
	for _, api := range apis {
		names = append(names, api.Properties["Name"].(string))
	}
	slices.Sort(names)
	assert.Equal(t, []string{"shop-dev", "shop-dev-news"}, names)
	assert.Len(t, template.Resources("AWS::ApiGatewayV2::VpcLink"), 1, "APIs share it")
}

// What protects the domain protects each subdomain.
func TestSubdomainsAreProtected(t *testing.T) {
	f := newFixture(t, options{several: true, subdomain: true})
	everything["http-api"](f)
	template := synthtest.SynthSecure(t, f.app).Stacks[0].Template
	apis := template.Resources("AWS::ApiGatewayV2::Api")
	require.Len(t, apis, 2)
	for id, api := range apis {
		assert.Equal(t, true, api.Properties["DisableExecuteApiEndpoint"], id)
		assert.NotNil(t, api.Properties["CorsConfiguration"], id)
	}
	guarded := map[string]int{}
	for id, route := range template.Resources("AWS::ApiGatewayV2::Route") {
		if strings.HasPrefix(route.Properties["RouteKey"].(string), "OPTIONS ") {
			continue
		}
		assert.Equal(t, "JWT", route.Properties["AuthorizationType"], id)
		authorizer, ok := template.Resource(target(route.Properties["AuthorizerId"]))
		require.True(t, ok, id)
		assert.Equal(t, target(route.Properties["ApiId"]), target(authorizer.Properties["ApiId"]), id)
		guarded[target(route.Properties["ApiId"])]++
	}
	assert.Len(t, guarded, 2)
	for _, stage := range template.Resources("AWS::ApiGatewayV2::Stage") {
		assert.NotNil(t, stage.Get("Properties.DefaultRouteSettings.ThrottlingRateLimit"))
		assert.NotNil(t, stage.Get("Properties.AccessLogSettings.DestinationArn"))
	}
	for id, name := range template.Resources("AWS::ApiGatewayV2::DomainName") {
		assert.NotNil(t, name.Properties["MutualTlsAuthentication"], id)
	}
}

// A REST API and an ALB say what they cannot do, or do otherwise.
func TestSubdomainsOfOtherKinds(t *testing.T) {
	f := newFixture(t, options{subdomain: true})
	func() {
		defer func() {
			problem, ok := recover().(error)
			require.True(t, ok)
			assert.ErrorContains(t, problem, `subdomain "news"`)
		}()
		f.addCachedRESTAPI(DomainProps{})
	}()
	e := f.addALB(DomainProps{})
	assert.Empty(t, e.Subdomains(), "a load balancer has one address")
	var hosts []any
	for _, rule := range f.synth(t).Resources("AWS::ElasticLoadBalancingV2::ListenerRule") {
		hosts = append(hosts, rule.Get("Properties.Conditions.0.HostHeaderConfig.Values.0"))
	}
	assert.Equal(t, []any{"news.*", "news.*"}, hosts)
}
