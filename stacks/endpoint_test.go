package stacks_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
	"github.com/tinystack-go/tinystack/stacks"
)

// endpoints are a stage's endpoint of each kind, with all that it offers.
var endpoints = map[string]spec.Endpoint{
	"http": {
		Domain:             "http.example.com",
		Certificate:        "arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012",
		ClientCertificates: &spec.ClientCertificates{Bucket: "example-trust", Key: "authorities.pem"},
		CORS:               &spec.CORS{Origins: []string{"https://www.example.com"}},
		JWT:                &spec.JWT{Issuer: "https://login.example.com", Audience: []string{"shop"}},
		Throttling:         spec.Throttling{RequestsPerSecond: 10, Burst: 20},
	},
	"rest": {
		Domain:             "rest.example.com",
		HostedZone:         &spec.HostedZone{ID: "Z0123456789ABCDEFGHIJ", Name: "example.com"},
		Caching:            &spec.Caching{KeepLogRole: true, Paths: []spec.CachedPath{{Path: "/list", Query: &[]string{"page"}}}},
		ClientCertificates: &spec.ClientCertificates{Bucket: "example-trust", Key: "authorities.pem"},
		APIKeys:            []spec.APIKey{{Name: "big-partner", RequestsPerMonth: 100}},
		Firewall:           "arn:aws:wafv2:us-east-1:111111111111:regional/webacl/shop/01234567-89ab-cdef-0123-456789abcdef",
		Throttling:         spec.Throttling{RequestsPerSecond: 10},
	},
	"alb": {
		Type:           spec.ALB,
		Domain:         "www.example.com",
		HostedZone:     &spec.HostedZone{ID: "Z0123456789ABCDEFGHIJ", Name: "example.com"},
		RedirectFrom:   []string{"example.com"},
		StickySessions: spec.Duration(time.Hour),
		IdleTimeout:    spec.Duration(2 * time.Minute),
		Firewall:       "arn:aws:wafv2:us-east-1:111111111111:regional/webacl/shop/01234567-89ab-cdef-0123-456789abcdef",
	},
}

// several is an application with services under paths, one stage a kind.
func several(services ...spec.Service) spec.App {
	app := spec.App{
		Name:     "shop",
		Pipeline: &spec.Pipeline{Account: "111111111111"},
		Source:   &spec.Source{CodeCommit: "shop"},
		Services: append([]spec.Service{
			{Name: "web", HealthCheck: spec.HealthCheck{Codes: "200,204"}},
			{Name: "admin", Path: "/admin", Port: 9000},
			{Name: "cache", Image: "redis:7", Internal: true, Port: 6379},
		}, services...),
	}
	for _, kind := range slices.Sorted(maps.Keys(endpoints)) {
		app.Stages = append(app.Stages, spec.Stage{Name: kind, Endpoint: endpoints[kind], Scale: spec.ScaleProfile{Instance: "t3.medium"}})
	}
	return app
}

// What a declaration says of an endpoint arrives in the templates.
func TestEveryFieldOfAnEndpointReachesTheTemplates(t *testing.T) {
	assembly := synthOnce(t, "several endpoints", several())
	everyTemplate(t, assembly)
	for kind, want := range map[string][]string{
		"http": {`"RouteKey": "ANY /admin/{proxy+}"`, `"AllowOrigins"`, `"JwtConfiguration"`, `"ThrottlingRateLimit": 10`, `"MutualTlsAuthentication"`, `"DNSTarget"`},
		"rest": {`"/admin/*"`, `"AWS::ApiGateway::UsagePlan"`, `"BigPartnerApiKey"`, `"AWS::WAFv2::WebACLAssociation"`, `"MutualTlsAuthentication"`, `"ThrottlingRateLimit": 10`, `"200,204"`},
		"alb":  {`"/admin/*"`, `"HostHeaderConfig"`, `"stickiness.lb_cookie.duration_seconds"`, `"idle_timeout.timeout_seconds"`, `"AWS::WAFv2::WebACLAssociation"`, `"200,204"`},
	} {
		raw, err := snapshot.Render(template(t, assembly, "shop-"+kind+"-service"))
		require.NoError(t, err)
		for _, text := range want {
			assert.Contains(t, string(raw), text, kind)
		}
		assert.Equal(t, kind == "http", strings.Contains(string(raw), `"DNSTarget"`), "only where the record is made elsewhere")
		assert.NotContains(t, string(raw), `"AWS::ApiGateway::Account"`, "the log role is kept")
	}
}

// A service that comes changes nothing of the routes of the others.
func TestAServiceMoreMovesNoRoute(t *testing.T) {
	before, after := synthOnce(t, "several endpoints", several()), plain(t, several(spec.Service{Name: "aaa", Path: "/aaa"}, spec.Service{Name: "zzz", Path: "/admin/zzz"}), nil)
	compared := 0
	for _, kind := range []string{"http", "rest", "alb"} {
		name := "shop-" + kind + "-service"
		for _, resource := range []string{
			"AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::ElasticLoadBalancingV2::TargetGroup", "AWS::ElasticLoadBalancingV2::Listener",
			"AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration", "AWS::ServiceDiscovery::Service",
		} {
			later := template(t, after, name).Resources(resource)
			for id, r := range template(t, before, name).Resources(resource) {
				assert.Equal(t, r.Properties, later[id].Properties, "%s %s", kind, id)
				compared++
			}
		}
	}
	assert.Greater(t, compared, 15)
}

// longest names that AWS takes, by type and the property that has the name.
var longest = map[string]struct {
	property string
	most     int
}{
	"AWS::ElasticLoadBalancingV2::LoadBalancer": {"Name", 32},
	"AWS::ElasticLoadBalancingV2::TargetGroup":  {"Name", 32},
	"AWS::IAM::Role":                              {"RoleName", 64},
	"AWS::Logs::LogGroup":                         {"LogGroupName", 512},
	"AWS::ApiGatewayV2::Api":                      {"Name", 128},
	"AWS::ApiGatewayV2::VpcLink":                  {"Name", 128},
	"AWS::ApiGateway::RestApi":                    {"Name", 1024},
	"AWS::CloudWatch::Alarm":                      {"AlarmName", 255},
	"AWS::CloudWatch::CompositeAlarm":             {"AlarmName", 255},
	"AWS::CloudWatch::Dashboard":                  {"DashboardName", 255},
	"AWS::ServiceDiscovery::PrivateDnsNamespace":  {"Name", 253},
	"AWS::ServiceDiscovery::Service":              {"Name", 63},
	"AWS::ECS::Service":                           {"ServiceName", 255},
	"AWS::AutoScaling::AutoScalingGroup":          {"AutoScalingGroupName", 255},
	"AWS::EC2::SecurityGroup":                     {"GroupName", 255},
	"AWS::EC2::LaunchTemplate":                    {"LaunchTemplateName", 128},
	"AWS::ApiGateway::UsagePlan":                  {"UsagePlanName", 255},
	"AWS::ApiGatewayV2::Authorizer":               {"Name", 128},
	"AWS::ApplicationAutoScaling::ScalingPolicy":  {"PolicyName", 256},
	"AWS::Events::Rule":                           {"Name", 64},
	"AWS::Lambda::Function":                       {"FunctionName", 64},
	"AWS::S3::Bucket":                             {"BucketName", 63},
	"AWS::SNS::Topic":                             {"TopicName", 256},
	"AWS::SecretsManager::Secret":                 {"Name", 512},
	"AWS::ECS::Cluster":                           {"ClusterName", 255},
	"AWS::ECS::CapacityProvider":                  {"Name", 255},
	"AWS::ApplicationAutoScaling::ScalableTarget": {"ResourceId", 1600},
}

// Whatever legal names application, stages and services have, AWS takes the
// names that are made of them, and no two are alike.
func TestLegalNamesMakeNamesThatAWSTakes(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	name := func(length int) string {
		const letters = "abcdefghijklmnopqrstuvwxyz"
		text := []byte{letters[random.IntN(26)]}
		for len(text) < length {
			switch last := text[len(text)-1]; {
			case last != '-' && len(text) < length-1 && random.IntN(4) == 0:
				text = append(text, '-')
			case random.IntN(3) == 0:
				text = append(text, byte('0'+random.IntN(10)))
			default:
				text = append(text, letters[random.IntN(26)])
			}
		}
		return string(text)
	}
	seen := 0
	for round := range 4 {
		// The longest that the three together may be, and the shortest.
		lengths := [][3]int{{20, 20, 13}, {13, 20, 20}, {20, 13, 20}, {1, 1, 1}}[round]
		other := spec.Service{Name: name(lengths[2]), Path: "/" + name(120)}
		if round%2 == 1 {
			other.Path, other.Subdomain = "", name(40)
		}
		app := several(other)
		app.Name = name(lengths[0])
		if round%2 == 1 {
			app.Stages = slices.DeleteFunc(app.Stages, func(s spec.Stage) bool { return s.Endpoint.Caching != nil }) // serves no subdomains
		}
		for i := range app.Stages {
			app.Stages[i].Name = name(lengths[1])
			app.Stages[i].Endpoint.Firewall = "" // of another region
			app.Stages[i].Endpoint.Certificate = ""
			app.Stages[i].Endpoint.HostedZone = &spec.HostedZone{ID: "Z0123456789ABCDEFGHIJ", Name: "example.com"}
		}
		cdk := synthtest.NewApp(t)
		stacks.NewTinyStack(cdk, jsii.String("App"), &stacks.TinyStackProps{App: app})
		taken := map[string]string{}
		for _, stack := range synthtest.Synth(t, cdk).Stacks {
			assert.LessOrEqual(t, len(stack.Name), 128)
			for id, resource := range stack.Template.Resources("") {
				limit, named := longest[resource.Type]
				text, plain := resource.Properties[limit.property].(string)
				if !named || !plain {
					continue
				}
				seen++
				assert.LessOrEqual(t, len(text), limit.most, "%s %s: %s", stack.Name, id, text)
				if strings.HasPrefix(resource.Type, "AWS::ServiceDiscovery::Service") || resource.Type == "AWS::ApiGatewayV2::Authorizer" {
					continue // unique in their namespace or API
				}
				key := fmt.Sprint(stack.Environment, resource.Type, text)
				assert.Empty(t, taken[key], "%s %s has the name of another: %s", stack.Name, id, text)
				taken[key] = id
			}
		}
	}
	assert.Greater(t, seen, 50)
}
