package endpoint

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/jsii-runtime-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/synthtest"
	"github.com/tinystack-go/tinystack/snapshot"
	"github.com/tinystack-go/tinystack/spec"
)

// each runs a test for every kind with and without a domain, on a template
// that was synthesized once.
func each(t *testing.T, test func(t *testing.T, kind string, domain bool, template snapshot.Template)) {
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		for _, domain := range slices.Sorted(maps.Keys(domains)) {
			t.Run(kind+" "+domain, func(t *testing.T) {
				test(t, kind, domain == "domain", templateOf(t, kind, domain))
			})
		}
	}
}

var templates = map[string]snapshot.Template{}

// templateOf is the template of a kind under the AwsSolutions rules.
func templateOf(t *testing.T, kind, domain string) snapshot.Template {
	key := kind + " " + domain
	if templates[key] == nil {
		f := newFixture(t, options{})
		kinds[kind](f, domains[domain])
		templates[key] = synthtest.SynthSecure(t, f.app).Stacks[0].Template
	}
	return templates[key]
}

func (f *fixture) synth(t *testing.T) snapshot.Template {
	return synthtest.Synth(t, f.app).Stacks[0].Template
}

// variants of what an endpoint stands before.
var variants = map[string]options{
	"one bridge":     {},
	"several bridge": {several: true},
	"one awsvpc":     {awsvpc: true},
	"several awsvpc": {several: true, awsvpc: true},

	"subdomain bridge": {several: true, subdomain: true},
	"subdomain awsvpc": {several: true, subdomain: true, awsvpc: true},
}

// serves says whether a kind of endpoint can stand before a variant.
func serves(kind, variant string) bool { return kind != "rest-api" || !variants[variant].subdomain }

// everyVariant runs a test for every kind, with and without a domain, before
// one service and several, in each network mode.
func everyVariant(t *testing.T, test func(t *testing.T, kind, domain string, o options, template snapshot.Template)) {
	for _, variant := range slices.Sorted(maps.Keys(variants)) {
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			for _, domain := range slices.Sorted(maps.Keys(domains)) {
				if !serves(kind, variant) {
					continue
				}
				t.Run(strings.Join([]string{kind, domain, variant}, " "), func(t *testing.T) {
					test(t, kind, domain, variants[variant], variantOf(t, kind, domain, variant))
				})
			}
		}
	}
}

func variantOf(t *testing.T, kind, domain, variant string) snapshot.Template {
	if variant == "one bridge" {
		return templateOf(t, kind, domain)
	}
	key := kind + " " + domain + " " + variant
	if templates[key] == nil {
		f := newFixture(t, variants[variant])
		kinds[kind](f, domains[domain])
		templates[key] = synthtest.SynthSecure(t, f.app).Stacks[0].Template
	}
	return templates[key]
}

func TestRequestsReachTheContainer(t *testing.T) {
	everyVariant(t, func(t *testing.T, kind, _ string, o options, template snapshot.Template) {
		w := newWalker(template)
		assert.NoError(t, w.walk(kind))
		want := map[string]string{"": "web"}
		if o.several {
			want["/admin"] = "admin"
		}
		if o.subdomain {
			want["news"], want["news/old"] = "news", "old"
		}
		assert.Equal(t, want, w.served)
	})
	for kind, add := range kinds {
		t.Run(kind+" group unknown to the cluster", func(t *testing.T) {
			f := newFixture(t, options{unknownGroup: true, several: true})
			add(f, ownDomain)
			assert.NoError(t, newWalker(f.synth(t)).walk(kind))
		})
	}
}

// Without any one of the rules a request does not arrive: none is superfluous,
// and the walk notices a missing one. The same for each resource of the chain.
func TestEachLinkIsNeeded(t *testing.T) {
	links := []string{
		"AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress", "AWS::ECS::Service", "AWS::ECS::TaskDefinition",
		"AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::VpcLink", "AWS::ApiGatewayV2::Route", "AWS::ServiceDiscovery::Service",
		"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage", "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::DomainName", "AWS::Route53::RecordSet",
		"AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::ElasticLoadBalancingV2::LoadBalancer",
	}
	everyVariant(t, func(t *testing.T, kind, _ string, _ options, template snapshot.Template) {
		whole := newWalker(template)
		require.NoError(t, whole.walk(kind))
		resources := template["Resources"].(map[string]any)
		tried := 0
		for id, r := range template.Resources("") {
			redirects := r.Type == "AWS::ElasticLoadBalancingV2::Listener" && r.Get("Properties.DefaultActions.0.Type") == "redirect"
			if !slices.Contains(links, r.Type) || redirects || r.Properties["Type"] == "AAAA" {
				continue
			}
			tried++
			removed := resources[id]
			delete(resources, id)
			w := newWalker(template)
			if err := w.walk(kind); err == nil {
				assert.NotEqual(t, whole.served, w.served, "%s is not needed", id)
			}
			resources[id] = removed
		}
		assert.GreaterOrEqual(t, tried, 5)
	})
}

func TestNothingElseIsOpen(t *testing.T) {
	everyVariant(t, func(t *testing.T, kind, domain string, o options, template snapshot.Template) {
		front := map[string]string{
			"http-api": "EndpointHttpApiVpcLinkSecurityGroup",
			"rest-api": "EndpointRestApiLoadBalancerSecurityGroup",
			"alb":      "EndpointAlbLoadBalancerSecurityGroup",
		}[kind]
		var expected []string
		switch {
		case kind == "rest-api":
			expected = []string{front + " < EndpointRestApiVpcLinkSecurityGroup : 80-80"}
		case kind == "alb" && domain == "domain":
			expected = []string{front + " < 0.0.0.0/0 : 80-80", front + " < 0.0.0.0/0 : 443-443"}
		case kind == "alb":
			expected = []string{front + " < 0.0.0.0/0 : 80-80"}
		}
		switch {
		case !o.awsvpc:
			expected = append(expected, "Instances < "+front+" : 32768-65535")
		case o.subdomain:
			expected = append(expected, "Tasks < "+front+" : 8080-8080", "TasksAdmin < "+front+" : 9090-9090", "TasksNews < "+front+" : 9092-9092", "TasksOld < "+front+" : 9093-9093")
		case o.several:
			expected = append(expected, "Tasks < "+front+" : 8080-8080", "TasksAdmin < "+front+" : 9090-9090")
		default:
			expected = append(expected, "Tasks < "+front+" : 8080-8080")
		}
		slices.Sort(expected)
		w := newWalker(template)
		assert.Equal(t, expected, w.incoming())
		for _, r := range w.rules {
			if r.egress && strings.HasPrefix(r.group, endpointID) {
				assert.NotContains(t, r.peer, "/", "out to an address: %s", r)
			}
		}
	})
}

// The golden templates have what an endpoint makes and changes, without the
// rest of the fixture.
func TestGolden(t *testing.T) {
	everyVariant(t, func(t *testing.T, _, _ string, _ options, template snapshot.Template) {
		resources := map[string]any{}
		for id, r := range template.Resources("") {
			if strings.Contains(id, endpointID) || r.Type == "AWS::ECS::Service" || r.Type == "AWS::ServiceDiscovery::Service" {
				resources[id] = template["Resources"].(map[string]any)[id]
			}
		}
		name := strings.ReplaceAll(strings.TrimPrefix(t.Name(), "TestGolden/"), "_", "-")
		snapshot.Match(t, filepath.Join("testdata", name+".json"), snapshot.Template{"Resources": resources})
	})
}

func TestFixedHostPort(t *testing.T) {
	f := newFixture(t, options{})
	f.target.Service.TaskDefinition().DefaultContainer().AddPortMappings(&awsecs.PortMapping{
		ContainerPort: jsii.Number(9000), HostPort: jsii.Number(9001),
	})
	f.target.ContainerPort = 9000
	f.addHTTPAPI(DomainProps{})
	assert.Equal(t, []string{"Instances < EndpointHttpApiVpcLinkSecurityGroup : 9001-9001"}, newWalker(f.synth(t)).incoming())
}

func TestHTTPS(t *testing.T) {
	each(t, func(t *testing.T, kind string, domain bool, template snapshot.Template) {
		if !domain {
			assert.Empty(t, template.Resources("AWS::CertificateManager::Certificate"))
			assert.Empty(t, template.Resources("AWS::Route53::RecordSet"))
			return
		}
		certificate, _, err := newWalker(template).only("AWS::CertificateManager::Certificate")
		require.NoError(t, err)
		assert.Equal(t, "Z0123456789ABCDEFGHIJ", template.Get("Resources."+certificate+".Properties.DomainValidationOptions.0.HostedZoneId"))
		record := template.Get("Resources.EndpointAliasRecord2AED2C84.Properties").(map[string]any)
		assert.Equal(t, "api.example.com.", record["Name"])
		assert.Equal(t, "A", record["Type"])
		pointsTo := target(record["AliasTarget"].(map[string]any)["DNSName"])
		if kind == "alb" {
			balancer, _, err := newWalker(template).only("AWS::ElasticLoadBalancingV2::LoadBalancer")
			require.NoError(t, err)
			assert.Equal(t, balancer, pointsTo)
			assert.Equal(t, []any{"ServiceD69D759B"}, template.Get("Resources.EndpointAliasRecord2AED2C84.DependsOn"), "traffic before there are tasks")
			assert.Len(t, template.Resources("AWS::Route53::RecordSet"), 1, "the VPC has no IPv6")
			return
		}
		name, resource, err := newWalker(template).only("AWS::ApiGatewayV2::DomainName")
		require.NoError(t, err)
		assert.Equal(t, name, pointsTo)
		configuration := resource.Get("Properties.DomainNameConfigurations.0").(map[string]any)
		assert.Equal(t, "TLS_1_2", configuration["SecurityPolicy"])
		assert.Equal(t, "REGIONAL", configuration["EndpointType"])
		assert.Equal(t, certificate, target(configuration["CertificateArn"]))
		mappingID, mapping, err := newWalker(template).only("AWS::ApiGatewayV2::ApiMapping")
		require.NoError(t, err)
		assert.Equal(t, []any{mappingID}, template.Get("Resources.EndpointAliasRecord2AED2C84.DependsOn"))
		assert.Equal(t, "dualstack", configuration["IpAddressType"])
		assert.Equal(t, "AAAA", template.Get("Resources.EndpointAliasRecordIPv685AD7072.Properties.Type"))
		assert.Contains(t, mapping.DependsOn, "ServiceD69D759B", "traffic before there are tasks")
		assert.NotContains(t, mapping.Properties, "ApiMappingKey")
	})
}

func TestALBListeners(t *testing.T) {
	listeners := func(template snapshot.Template) map[float64]snapshot.Resource {
		byPort := map[float64]snapshot.Resource{}
		for _, listener := range template.Resources("AWS::ElasticLoadBalancingV2::Listener") {
			byPort[listener.Properties["Port"].(float64)] = listener
		}
		return byPort
	}
	t.Run("without a domain", func(t *testing.T) {
		found := listeners(templateOf(t, "alb", "no-domain"))
		assert.Len(t, found, 1)
		assert.Equal(t, "HTTP", found[80].Properties["Protocol"])
		assert.Equal(t, "forward", found[80].Get("Properties.DefaultActions.0.Type"))
	})
	t.Run("with a domain", func(t *testing.T) {
		found := listeners(templateOf(t, "alb", "domain"))
		assert.Len(t, found, 2)
		assert.Equal(t, map[string]any{"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}, found[80].Get("Properties.DefaultActions.0.RedirectConfig"))
		assert.Equal(t, "HTTPS", found[443].Properties["Protocol"])
		// TLS 1.2 and 1.3 only, with forward secrecy.
		assert.Equal(t, "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", found[443].Properties["SslPolicy"])
		assert.Equal(t, "EndpointCertificate9E0928B4", target(found[443].Get("Properties.Certificates.0.CertificateArn")))
	})
}

func TestGivenCertificate(t *testing.T) {
	const arn = "arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012"
	for kind, add := range kinds {
		t.Run(kind, func(t *testing.T) {
			f := newFixture(t, options{})
			e := add(f, DomainProps{Name: "shop.example.org", Certificate: arn})
			template := f.synth(t)
			assert.Empty(t, template.Resources("AWS::CertificateManager::Certificate"))
			assert.Empty(t, template.Resources("AWS::Route53::RecordSet"), "there is no zone to make it in")
			text, err := json.Marshal(template)
			require.NoError(t, err)
			assert.Contains(t, string(text), arn)
			assert.Equal(t, "https://shop.example.org", *e.URL())
			assert.NotNil(t, e.DNSTarget(), "whoever makes the record needs it")
			assert.Equal(t, arn, *e.Certificate().CertificateArn())
		})
	}
}

func TestURL(t *testing.T) {
	for kind, add := range kinds {
		f := newFixture(t, options{})
		e := add(f, DomainProps{})
		assert.Nil(t, e.Domain(), kind)
		assert.Nil(t, e.DNSTarget(), kind)
		assert.Nil(t, e.Certificate(), kind)
		assert.False(t, strings.HasSuffix(*e.URL(), "/"), kind)

		f = newFixture(t, options{})
		e = add(f, ownDomain)
		assert.Equal(t, "https://api.example.com", *e.URL(), kind)
		assert.Equal(t, "api.example.com", *e.Domain(), kind)
	}
}

func TestAPIAccessLogs(t *testing.T) {
	each(t, func(t *testing.T, kind string, _ bool, template snapshot.Template) {
		if kind == "alb" {
			return
		}
		logs := template.Get("Resources.EndpointAccessLogs0AEE2901").(map[string]any)
		properties := logs["Properties"].(map[string]any)
		assert.Equal(t, "/aws/vendedlogs/apigateway/shop-dev", properties["LogGroupName"])
		assert.EqualValues(t, 14, properties["RetentionInDays"])
		assert.Equal(t, "Delete", logs["DeletionPolicy"], "one that stays is in the way of the next")
		settings := "AWS::ApiGatewayV2::Stage Properties.AccessLogSettings"
		if kind == "rest-api" {
			settings = "AWS::ApiGateway::Stage Properties.AccessLogSetting"
		}
		stageType, path, _ := strings.Cut(settings, " ")
		_, stage, err := newWalker(template).only(stageType)
		require.NoError(t, err)
		assert.Equal(t, "EndpointAccessLogs0AEE2901", target(stage.Get(path+".DestinationArn")))
		var fields map[string]string
		require.NoError(t, json.Unmarshal([]byte(stage.Get(path+".Format").(string)), &fields))
		assert.Equal(t, "$context.requestId", fields["requestId"], "API Gateway requires it")
		assert.Equal(t, "$context.status", fields["status"])
	})
}

func TestRESTAPILogRole(t *testing.T) {
	template := templateOf(t, "rest-api", "no-domain")
	account, resource, err := newWalker(template).only("AWS::ApiGateway::Account")
	require.NoError(t, err)
	assert.Equal(t, "Retain", resource.DeletionPolicy)
	_, stage, err := newWalker(template).only("AWS::ApiGateway::Stage")
	require.NoError(t, err)
	assert.Contains(t, stage.DependsOn, account, "a stage with access logs is refused before there is a role")

	f := newFixture(t, options{})
	kept := caching
	kept.KeepLogRole = true
	NewCachedRESTAPI(f.stack, jsii.String(endpointID), &CachedRESTAPIProps{
		Name: "shop-dev", VPC: f.vpc, Target: f.target, Caching: kept,
	})
	assembly := synthtest.SynthSecure(t, f.app)
	assert.Empty(t, assembly.Stacks[0].Template.Resources("AWS::ApiGateway::Account"))
	for id := range assembly.Stacks[0].Template.Resources("AWS::IAM::Role") {
		assert.NotContains(t, id, "CloudWatch")
	}
}

func TestALBAccessLogs(t *testing.T) {
	// The CDK's own method refuses to work without a region.
	for name, o := range map[string]options{"region": {}, "no region": {regionless: true}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, o)
			NewALB(f.stack, jsii.String(endpointID), &ALBProps{VPC: f.vpc, Target: f.target, LogRetentionDays: 60})
			template := f.synth(t)
			bucket, resource, err := newWalker(template).only("AWS::S3::Bucket")
			require.NoError(t, err)
			assert.Equal(t, "AES256", resource.Get("Properties.BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm"))
			assert.EqualValues(t, 60, resource.Get("Properties.LifecycleConfiguration.Rules.0.ExpirationInDays"))
			for _, setting := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
				assert.Equal(t, true, resource.Get("Properties.PublicAccessBlockConfiguration."+setting), setting)
			}
			assert.Equal(t, "Retain", resource.DeletionPolicy)
			policy, statements, err := newWalker(template).only("AWS::S3::BucketPolicy")
			require.NoError(t, err)
			assert.Equal(t, "Deny", statements.Get("Properties.PolicyDocument.Statement.0.Effect"), "without TLS")
			assert.Equal(t, "logdelivery.elasticloadbalancing.amazonaws.com", statements.Get("Properties.PolicyDocument.Statement.1.Principal.Service"))
			_, balancer, err := newWalker(template).only("AWS::ElasticLoadBalancingV2::LoadBalancer")
			require.NoError(t, err)
			assert.Contains(t, balancer.DependsOn, policy, "the load balancer tries the bucket at once")
			attributes := attributesOf(balancer, "LoadBalancerAttributes")
			assert.Equal(t, "true", attributes["access_logs.s3.enabled"])
			assert.Equal(t, bucket, attributes["access_logs.s3.bucket"])
		})
	}
}

// attributesOf are a resource's list of keys and values as a map.
func attributesOf(r snapshot.Resource, list string) map[string]string {
	attributes := map[string]string{}
	for _, entry := range r.Properties[list].([]any) {
		attribute := entry.(map[string]any)
		attributes[attribute["Key"].(string)] = target(attribute["Value"])
	}
	return attributes
}

func TestLoadBalancerAttributes(t *testing.T) {
	for name, production := range map[string]bool{"production": true, "elsewhere": false} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, options{})
			NewALB(f.stack, jsii.String(endpointID), &ALBProps{VPC: f.vpc, Target: f.target, Production: production})
			_, balancer, err := newWalker(f.synth(t)).only("AWS::ElasticLoadBalancingV2::LoadBalancer")
			require.NoError(t, err)
			attributes := attributesOf(balancer, "LoadBalancerAttributes")
			assert.Equal(t, map[bool]string{true: "true", false: "false"}[production], attributes["deletion_protection.enabled"])
			assert.Equal(t, "true", attributes["routing.http.drop_invalid_header_fields.enabled"])
			assert.Equal(t, []any{"subnet-00000000000000001", "subnet-00000000000000002"}, balancer.Properties["Subnets"])
			assert.NotContains(t, balancer.Properties, "Name", "a fixed name cannot be replaced")
		})
	}
	_, internal, err := newWalker(templateOf(t, "rest-api", "domain")).only("AWS::ElasticLoadBalancingV2::LoadBalancer")
	require.NoError(t, err)
	assert.Equal(t, "internal", internal.Properties["Scheme"])
	assert.Equal(t, []any{"subnet-00000000000000003", "subnet-00000000000000004"}, internal.Properties["Subnets"])
}

func TestHealthCheck(t *testing.T) {
	f := newFixture(t, options{})
	grace := spec.Duration(2 * time.Minute)
	f.target.HealthCheck = spec.HealthCheck{
		Path: "/health", Interval: spec.Duration(20 * time.Second), Timeout: spec.Duration(10 * time.Second), Retries: 5, GracePeriod: &grace,
	}
	f.target.StopTimeout = 90
	f.addALB(DomainProps{})
	template := f.synth(t)
	_, group, err := newWalker(template).only("AWS::ElasticLoadBalancingV2::TargetGroup")
	require.NoError(t, err)
	assert.Equal(t, "/health", group.Properties["HealthCheckPath"])
	assert.Equal(t, "200-399", group.Get("Properties.Matcher.HttpCode"))
	assert.EqualValues(t, 20, group.Properties["HealthCheckIntervalSeconds"])
	assert.EqualValues(t, 10, group.Properties["HealthCheckTimeoutSeconds"])
	assert.EqualValues(t, 5, group.Properties["UnhealthyThresholdCount"])
	assert.Equal(t, "90", attributesOf(group, "TargetGroupAttributes")["deregistration_delay.timeout_seconds"])
	assert.NotContains(t, group.Properties, "Name")
	assert.EqualValues(t, 120, template.Get("Resources.ServiceD69D759B.Properties.HealthCheckGracePeriodSeconds"))
}

func TestDefaultHealthCheck(t *testing.T) {
	for _, kind := range []string{"alb", "rest-api"} {
		_, group, err := newWalker(templateOf(t, kind, "no-domain")).only("AWS::ElasticLoadBalancingV2::TargetGroup")
		require.NoError(t, err)
		assert.Equal(t, "/", group.Properties["HealthCheckPath"])
		assert.EqualValues(t, 2, group.Properties["HealthyThresholdCount"])
		assert.Less(t, group.Properties["HealthCheckTimeoutSeconds"], group.Properties["HealthCheckIntervalSeconds"])
		assert.Equal(t, "30", attributesOf(group, "TargetGroupAttributes")["deregistration_delay.timeout_seconds"])
	}
}

func TestCloudMap(t *testing.T) {
	template := templateOf(t, "http-api", "no-domain")
	discovery := template.Get("Resources.ServiceCloudmapService046058A4.Properties").(map[string]any)
	assert.Equal(t, "web", discovery["Name"])
	// Health comes from ECS; Cloud Map cannot probe a private address.
	assert.Equal(t, map[string]any{"FailureThreshold": 1.0}, discovery["HealthCheckCustomConfig"])
	assert.EqualValues(t, 10, template.Get("Resources.ServiceCloudmapService046058A4.Properties.DnsConfig.DnsRecords.0.TTL"))

	t.Run("already registered", func(t *testing.T) {
		f := newFixture(t, options{})
		known := f.target.Service.EnableCloudMap(&awsecs.CloudMapOptions{CloudMapNamespace: f.namespace})
		e := NewHTTPAPI(f.stack, jsii.String(endpointID), &HTTPAPIProps{Name: "shop-dev", VPC: f.vpc, Target: f.target})
		assert.Equal(t, *known.ServiceArn(), *e.Discovery().ServiceArn())
		assert.NoError(t, newWalker(f.synth(t)).walk("http-api"))
	})
	t.Run("registered for others", func(t *testing.T) {
		f := newFixture(t, options{})
		f.target.Service.EnableCloudMap(&awsecs.CloudMapOptions{CloudMapNamespace: f.namespace})
		f.addALB(DomainProps{})
		assert.Len(t, f.synth(t).Get("Resources.ServiceD69D759B.Properties.ServiceRegistries"), 1)
	})
}

func TestThrottling(t *testing.T) {
	limits := spec.Throttling{RequestsPerSecond: 50, Burst: 100}
	want := func(t *testing.T, settings any) {
		assert.EqualValues(t, 50, settings.(map[string]any)["ThrottlingRateLimit"])
		assert.EqualValues(t, 100, settings.(map[string]any)["ThrottlingBurstLimit"])
	}
	t.Run("http-api", func(t *testing.T) {
		f := newFixture(t, options{})
		NewHTTPAPI(f.stack, jsii.String(endpointID), &HTTPAPIProps{Name: "shop-dev", VPC: f.vpc, Namespace: f.namespace, Target: f.target, Throttling: limits})
		_, stage, err := newWalker(f.synth(t)).only("AWS::ApiGatewayV2::Stage")
		require.NoError(t, err)
		want(t, stage.Properties["DefaultRouteSettings"])
	})
	t.Run("rest-api", func(t *testing.T) {
		f := newFixture(t, options{})
		NewCachedRESTAPI(f.stack, jsii.String(endpointID), &CachedRESTAPIProps{Name: "shop-dev", VPC: f.vpc, Target: f.target, Caching: caching, Throttling: limits})
		_, stage, err := newWalker(f.synth(t)).only("AWS::ApiGateway::Stage")
		require.NoError(t, err)
		want(t, stage.Get("Properties.MethodSettings.0"))
	})
	t.Run("default", func(t *testing.T) {
		_, stage, err := newWalker(templateOf(t, "http-api", "no-domain")).only("AWS::ApiGatewayV2::Stage")
		require.NoError(t, err)
		assert.NotContains(t, stage.Properties, "DefaultRouteSettings", "the account's quotas")
	})
}

func TestMetrics(t *testing.T) {
	type metric struct{ namespace, name, statistic string }
	want := map[string]map[string]metric{
		"http-api": {
			"Errors":   {"AWS/ApiGateway", "5xx", "Sum"},
			"Requests": {"AWS/ApiGateway", "Count", "SampleCount"},
			"Latency":  {"AWS/ApiGateway", "Latency", "p99"},
		},
		"rest-api": {
			"Errors":    {"AWS/ApiGateway", "5XXError", "Sum"},
			"Requests":  {"AWS/ApiGateway", "Count", "SampleCount"},
			"Latency":   {"AWS/ApiGateway", "Latency", "p99"},
			"Unhealthy": {"AWS/ApplicationELB", "UnHealthyHostCount", "Maximum"},
		},
		"alb": {
			"Requests":  {"AWS/ApplicationELB", "RequestCount", "Sum"},
			"Latency":   {"AWS/ApplicationELB", "TargetResponseTime", "p99"},
			"Unhealthy": {"AWS/ApplicationELB", "UnHealthyHostCount", "Maximum"},
		},
	}
	for kind, add := range kinds {
		t.Run(kind, func(t *testing.T) {
			f := newFixture(t, options{})
			e := add(f, DomainProps{})
			for name, m := range map[string]awscloudwatch.IMetric{
				"Errors": e.ErrorMetric5xx(), "Requests": e.RequestMetric(), "Latency": e.LatencyMetric("p99"), "Unhealthy": e.UnhealthyTargetsMetric(),
			} {
				if m == nil {
					assert.Equal(t, "http-api Unhealthy", kind+" "+name, "an HTTP API has no targets to ask")
					continue
				}
				awscloudwatch.NewAlarm(f.stack, jsii.String("Alarm"+name), &awscloudwatch.AlarmProps{
					Metric: m, Threshold: jsii.Number(1), EvaluationPeriods: jsii.Number(1),
				})
			}
			template := f.synth(t)
			for id, alarm := range template.Resources("AWS::CloudWatch::Alarm") {
				name := strings.TrimPrefix(withoutHash(id), "Alarm")
				if kind == "alb" && name == "Errors" {
					text, err := json.Marshal(alarm.Properties["Metrics"])
					require.NoError(t, err)
					assert.Contains(t, string(text), "HTTPCode_Target_5XX_Count")
					assert.Contains(t, string(text), "HTTPCode_ELB_5XX_Count")
					continue
				}
				statistic, _ := alarm.Properties["Statistic"].(string)
				if statistic == "" {
					statistic, _ = alarm.Properties["ExtendedStatistic"].(string)
				}
				assert.Equal(t, want[kind][name], metric{alarm.Properties["Namespace"].(string), alarm.Properties["MetricName"].(string), statistic}, name)
				assert.NotEmpty(t, alarm.Properties["Dimensions"])
			}
		})
	}
}

func TestProblemsAllAtOnce(t *testing.T) {
	f := newFixture(t, options{})
	wrong := Target{Service: f.target.Service, SecurityGroup: f.target.SecurityGroup, HealthCheck: spec.HealthCheck{
		Path: "health", Interval: spec.Duration(5 * time.Second), Timeout: spec.Duration(5 * time.Second), Retries: 1,
	}, StopTimeout: -1}
	test := func(name string, construct func(), want ...string) {
		t.Run(name, func(t *testing.T) {
			defer func() {
				problem, ok := recover().(error)
				require.True(t, ok, "no panic with an error")
				for _, text := range want {
					assert.ErrorContains(t, problem, text)
				}
			}()
			construct()
		})
	}
	id := func(name string) *string { return &name }
	test("HTTP API", func() {
		NewHTTPAPI(f.stack, id("A"), &HTTPAPIProps{
			Name: "Shop_Dev", Target: wrong, Domain: DomainProps{Name: "shop.example.org", HostedZone: zone}, Throttling: spec.Throttling{Burst: -1},
		})
	}, "endpoint A", `"Shop_Dev"`, "VPC", "Namespace", `"health"`, "5s", "retries: 1", "stop timeout", `not in the hosted zone "example.com"`, "throttling.burst: -1")
	test("REST API", func() {
		NewCachedRESTAPI(f.stack, id("B"), &CachedRESTAPIProps{
			Name: "shop", VPC: f.vpc, Target: f.target, Caching: spec.Caching{Size: 2, TTL: spec.Duration(2 * time.Hour), Paths: []spec.CachedPath{
				{Path: "items", Query: &[]string{}}, {Path: "/a"}, {Path: "/b", Query: &[]string{"filter[name]"}},
			}}, Domain: DomainProps{Name: "api.example.com"},
		})
	}, "2 GB", "2h", `"items"`, "paths[1].query: is missing", `"filter[name]"`, "needs a certificate")
	test("no path", func() {
		NewCachedRESTAPI(f.stack, id("C"), &CachedRESTAPIProps{Name: "shop", VPC: f.vpc, Target: f.target})
	}, "at least one path")
	test("ALB", func() {
		NewALB(f.stack, id("D"), &ALBProps{Domain: DomainProps{Certificate: "arn:aws:acm:eu-west-1:111111111111:certificate/x"}})
	}, "VPC", "Service and SecurityGroup", "without a domain")
	test("other region", func() {
		NewALB(f.stack, id("E"), &ALBProps{VPC: f.vpc, Target: f.target, Domain: DomainProps{Name: "a.example.com", Certificate: "arn:aws:acm:eu-west-1:111111111111:certificate/x"}})
	}, "eu-west-1", "us-east-1")
	test("container", func() {
		NewALB(f.stack, id("F"), &ALBProps{VPC: f.vpc, Target: Target{Service: f.target.Service, SecurityGroup: f.target.SecurityGroup, ContainerName: "api"}})
	}, `no container "api"`)
	test("port", func() {
		NewALB(f.stack, id("G"), &ALBProps{VPC: f.vpc, Target: Target{Service: f.target.Service, SecurityGroup: f.target.SecurityGroup, ContainerPort: 1}})
	}, "no TCP port mapping for 1")
	assert.NotPanics(t, func() { f.synth(t) }, "a construct that was refused left something behind")
}

// Names and their places in the tree are a contract: whoever changes them
// replaces resources of running stages.
func TestLogicalIDs(t *testing.T) {
	hash := regexp.MustCompile(`^Endpoint.*(Certificate|AliasRecord|AliasRecordIPv6|AccessLogs|DomainName|ApiMapping|AccessLogBucket|LoadBalancer|HttpApi|RestApi)[0-9A-F]{8}$`)
	var ids []string
	each(t, func(t *testing.T, _ string, _ bool, template snapshot.Template) {
		for id := range template.Resources("") {
			if hash.MatchString(id) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	})
	slices.Sort(ids)
	assert.Equal(t, []string{
		"EndpointAccessLogs0AEE2901",
		"EndpointAlbAccessLogBucket745DF732",
		"EndpointAlbLoadBalancer4758B1C8",
		"EndpointAliasRecord2AED2C84",
		"EndpointAliasRecordIPv685AD7072",
		"EndpointApiMappingF4CF73ED",
		"EndpointCertificate9E0928B4",
		"EndpointDomainNameB8089677",
		"EndpointHttpApi9884EFA4",
		"EndpointRestApi814ECBD5",
		"EndpointRestApiLoadBalancer6B21F158",
	}, ids)
}
