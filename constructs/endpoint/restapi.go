package endpoint

import (
	"fmt"
	"maps"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	elb "github.com/aws/aws-cdk-go/awscdk/v2/awselasticloadbalancingv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// restStage is the name of the REST API's stage. It is part of the URL, but
// only where there is no domain, and no part of what the tasks see.
const restStage = "live"

// keyedHeaders distinguish kept responses on every path. The first two say who
// asks. The others choose between forms of one response (compressed, a part of
// it, "not modified"), each of which would be broken for another client.
var keyedHeaders = []string{"Authorization", "Cookie", "Accept-Encoding", "If-Modified-Since", "If-None-Match", "Range"}

// CachedRESTAPIProps says what REST API is wanted.
type CachedRESTAPIProps struct {
	// Name of the API and of its log group, unique among the APIs of the
	// account and region. Required: 1 to 63 lower-case letters, digits and
	// hyphens.
	Name string

	// VPC of the target. Required.
	VPC awsec2.IVpc

	// Subnets of the VPC link and of the internal load balancer, in at least
	// two availability zones in which API Gateway has VPC links. Default: the
	// private ones.
	Subnets *awsec2.SubnetSelection

	// Target that is served. Required.
	Target Target

	// Routes send some paths to other services. The internal load balancer
	// tells them apart. Default: none: Target gets every request.
	Routes []Route

	// Caching says which responses are kept, and how long, and whether a log
	// role is entered in the account's settings. Required: at least one path.
	Caching spec.Caching

	// Domain of the API. Default: the address that AWS gives it.
	Domain DomainProps

	// ClientCertificates lets only clients through that present a certificate
	// of these authorities, and closes the address that AWS gives the API.
	// Needs Domain. Default: every client.
	ClientCertificates *spec.ClientCertificates

	// APIKeys lets only requests through whose header X-API-Key has one of
	// these. Default: every request.
	APIKeys []spec.APIKey

	// Firewall is the ARN of a regional AWS WAF web ACL. Default: none.
	Firewall string

	// Throttling of the API. Default: the account's quotas.
	Throttling spec.Throttling

	// LogRetentionDays of the access logs, one of the values that CloudWatch
	// Logs accepts. Default: [spec.DefaultLogRetentionDays].
	LogRetentionDays int
}

// CachedRESTAPI is an API Gateway REST API in front of a service that keeps
// responses.
type CachedRESTAPI interface {
	Endpoint
	// API is the REST API.
	API() awsapigateway.IRestApi
	// Stage is the API's only stage.
	Stage() awsapigateway.IStage
	// VPCLink by which the API reaches the load balancer.
	VPCLink() awsapigatewayv2.IVpcLink
	// SecurityGroup of the VPC link.
	SecurityGroup() awsec2.ISecurityGroup
	// LoadBalancer between the VPC link and the tasks; it is internal.
	LoadBalancer() elb.IApplicationLoadBalancer
	// TargetGroup in which ECS registers the tasks of Target.
	TargetGroup() elb.IApplicationTargetGroup
	// APIKeys are the keys of callers, by name.
	APIKeys() map[string]awsapigateway.IApiKey
	// LogGroup of the access logs.
	LogGroup() awslogs.ILogGroup
}

type cachedRESTAPI struct {
	constructs.Construct
	address    address
	api        awsapigateway.RestApi
	stage      awsapigateway.Stage
	link       vpcLink
	balancer   elb.ApplicationLoadBalancer
	groups     targetGroups
	containers []string
	keys       map[string]awsapigateway.IApiKey
	logs       awslogs.LogGroup
	// metrics are the names by which CloudWatch knows all of it.
	metrics monitor.Names
}

// NewCachedRESTAPI makes a REST API that passes requests on to the tasks of a
// service and keeps the responses to GET requests of the paths that Caching
// names. Two requests share a response only where all of these agree: the
// path, the declared query parameters and headers, and the headers
// Authorization, Cookie, Accept-Encoding, If-Modified-Since, If-None-Match and
// Range. Responses of such a path must not depend on anything else, and must
// set no cookies: those would be kept too.
//
// API Gateway tells header names in upper and lower case apart. They are
// looked for as usually written and in lower case, which is all that HTTP/2
// has; a client that writes AUTHORIZATION over HTTP/1.1 is not recognized.
// Of a query parameter that is given twice, API Gateway looks at one value.
//
// It panics with all problems of the props if there are any.
func NewCachedRESTAPI(scope constructs.Construct, id *string, props *CachedRESTAPIProps) CachedRESTAPI {
	in := placeOf(scope)
	target, targetErr := props.Target.resolve()
	routes, routesErr := resolveRoutes(props.Routes, target)
	declared, declaredErr := complete(in, props.Domain.addTo(spec.Endpoint{
		Type: spec.APIGateway, Caching: &props.Caching, ClientCertificates: props.ClientCertificates,
		APIKeys: props.APIKeys, Firewall: props.Firewall, Throttling: props.Throttling,
	}))
	check(id, validateName("Name", props.Name), requireVPC(props.VPC), targetErr, routesErr, refuseSubdomains(routes), declaredErr)
	caching := *declared.Caching

	e := &cachedRESTAPI{keys: map[string]awsapigateway.IApiKey{}}
	constructs.NewConstruct_Override(e, scope, id)
	kind := constructs.NewConstruct(e, jsii.String(idRESTAPI))
	e.link = newVPCLink(kind, props.VPC, props.Subnets)
	e.addLoadBalancer(in, kind, props, target, routes)
	e.logs = newAccessLogs(e, props.Name, props.LogRetentionDays)
	e.addAPI(kind, props, caching)
	e.addMethods(kind, props, caching)
	e.addKeys(kind, props)
	addFirewall(kind, props.Firewall, e.stage.StageArn)

	stageName := e.stage.StageName()
	e.metrics = e.groups.names(e.balancer, e.containers)
	e.metrics[monitor.RefAPIName], e.metrics[monitor.RefAPIStage] = props.Name, *stageName
	e.address.addAPIDomain(e, props.Domain, declared.ClientCertificates, apiStage{
		url:   jsii.String(strings.TrimSuffix(*e.stage.UrlForPath(nil), "/")),
		apiID: e.api.RestApiId(),
		name:  stageName,
		after: services(target, routes),
	})
	return e
}

func (e *cachedRESTAPI) URL() *string            { return e.address.url }
func (e *cachedRESTAPI) HostedZoneID() *string   { return e.address.zoneID }
func (e *cachedRESTAPI) RegionalURL() *string    { return e.address.regionalURL }
func (e *cachedRESTAPI) Subdomains() []Subdomain { return slices.Clone(e.address.subdomains) }
func (e *cachedRESTAPI) Domain() *string         { return e.address.domain }
func (e *cachedRESTAPI) DNSTarget() *string      { return e.address.dnsTarget }
func (e *cachedRESTAPI) Certificate() awscertificatemanager.ICertificate {
	return e.address.certificate
}
func (e *cachedRESTAPI) API() awsapigateway.IRestApi                { return e.api }
func (e *cachedRESTAPI) Stage() awsapigateway.IStage                { return e.stage }
func (e *cachedRESTAPI) VPCLink() awsapigatewayv2.IVpcLink          { return e.link.link }
func (e *cachedRESTAPI) SecurityGroup() awsec2.ISecurityGroup       { return e.link.security }
func (e *cachedRESTAPI) LoadBalancer() elb.IApplicationLoadBalancer { return e.balancer }
func (e *cachedRESTAPI) TargetGroup() elb.IApplicationTargetGroup   { return e.groups[0] }
func (e *cachedRESTAPI) APIKeys() map[string]awsapigateway.IApiKey  { return maps.Clone(e.keys) }
func (e *cachedRESTAPI) LogGroup() awslogs.ILogGroup                { return e.logs }

func (e *cachedRESTAPI) ErrorMetric5xx() awscloudwatch.IMetric {
	return e.stage.MetricServerError(nil)
}

func (e *cachedRESTAPI) RequestMetric() awscloudwatch.IMetric {
	return e.stage.MetricCount(nil)
}

func (e *cachedRESTAPI) LatencyMetric(statistic string) awscloudwatch.IMetric {
	return e.stage.MetricLatency(&awscloudwatch.MetricOptions{Statistic: &statistic})
}

func (e *cachedRESTAPI) UnhealthyTargetsMetric() awscloudwatch.IMetric {
	return e.groups.unhealthy()
}

// refuseSubdomains says why there can be none: the load balancer is shown the
// one host name that is in the methods' integrations.
func refuseSubdomains(routes []resolvedRoute) error {
	if found := subdomainsOf(routes); len(found) > 0 {
		return fmt.Errorf("subdomain %q: the load balancer behind a REST API sees one host name for all requests: use paths, an ALB, or an HTTP API", found[0])
	}
	return nil
}

// addLoadBalancer makes the load balancer that a REST API needs between its
// VPC link and the tasks.
func (e *cachedRESTAPI) addLoadBalancer(in place, scope constructs.Construct, props *CachedRESTAPIProps, target resolvedTarget, routes []resolvedRoute) {
	security := newBalancerSecurityGroup(scope, props.VPC, "Internal load balancer: HTTP from the VPC link")
	e.balancer = elb.NewApplicationLoadBalancer(scope, jsii.String("LoadBalancer"), &elb.ApplicationLoadBalancerProps{
		Vpc:                     props.VPC,
		VpcSubnets:              props.Subnets,
		InternetFacing:          jsii.Bool(false),
		SecurityGroup:           security,
		DropInvalidHeaderFields: jsii.Bool(true),
	})
	e.groups = newTargetGroups(in, scope, props.VPC, target, routes, 0, false)
	e.containers = containers(target, routes)
	listener := e.balancer.AddListener(jsii.String("HttpListener"), &elb.BaseApplicationListenerProps{
		Port:          jsii.Number(80),
		Open:          jsii.Bool(false),
		DefaultAction: elb.ListenerAction_Forward(&[]elb.IApplicationTargetGroup{e.groups[0]}, nil),
	})
	e.link.security.Connections().AllowTo(security, awsec2.Port_Tcp(jsii.Number(80)), jsii.String("API Gateway VPC link to load balancer"))
	e.groups.addRules(listener, routes, props.Domain)
	target.allowFromLoadBalancer(security)
	for _, route := range routes {
		route.target.allowFromLoadBalancer(security)
	}
	acknowledge.All(e.balancer, acknowledge.Finding{Rule: "AwsSolutions-ELB2", Reason: "Every request comes through the REST API, whose access logs have it."})
}

func (e *cachedRESTAPI) addAPI(scope constructs.Construct, props *CachedRESTAPIProps, caching spec.Caching) {
	methods := map[string]*awsapigateway.MethodDeploymentOptions{}
	for _, path := range caching.Paths {
		// The root's key has two slashes: an empty segment between them.
		methods[path.Path+"/GET"] = &awsapigateway.MethodDeploymentOptions{
			CachingEnabled:     jsii.Bool(true),
			CacheTtl:           awscdk.Duration_Seconds(jsii.Number(caching.TTL.Seconds())),
			CacheDataEncrypted: jsii.Bool(true),
			LoggingLevel:       awsapigateway.MethodLoggingLevel_OFF,
		}
	}
	api := &awsapigateway.RestApiProps{
		RestApiName:           &props.Name,
		Description:           jsii.String("Endpoint of " + props.Name),
		EndpointConfiguration: &awsapigateway.EndpointConfiguration{Types: &[]awsapigateway.EndpointType{awsapigateway.EndpointType_REGIONAL}},
		// Everything is passed through as it is: as text, API Gateway would
		// spoil images and compressed responses.
		BinaryMediaTypes:            jsii.Strings("*/*"),
		CloudWatchRole:              jsii.Bool(!props.Caching.KeepLogRole),
		CloudWatchRoleRemovalPolicy: logRoleRemoval(props),
		DeployOptions: &awsapigateway.StageOptions{
			StageName:            jsii.String(restStage),
			AccessLogDestination: awsapigateway.NewLogGroupLogDestination(e.logs),
			AccessLogFormat:      awsapigateway.AccessLogFormat_Custom(accessLogFormat()),
			CacheClusterEnabled:  jsii.Bool(true),
			CacheClusterSize:     jsii.String(strconv.FormatFloat(caching.Size, 'g', -1, 64)),
			// A cache cluster keeps all GET responses unless told not to.
			CachingEnabled:       jsii.Bool(false),
			CacheDataEncrypted:   jsii.Bool(true),
			LoggingLevel:         awsapigateway.MethodLoggingLevel_OFF,
			DataTraceEnabled:     jsii.Bool(false),
			ThrottlingRateLimit:  numberOrNil(props.Throttling.RequestsPerSecond),
			ThrottlingBurstLimit: numberOrNil(props.Throttling.Burst),
			MethodOptions:        &methods,
		},
	}
	if props.ClientCertificates != nil {
		// The other address asks for no certificate.
		api.DisableExecuteApiEndpoint = jsii.Bool(true)
	}
	e.api = awsapigateway.NewRestApi(scope, jsii.String("Api"), api)
	// The CDK adds an output with the URL; which outputs there are is for the
	// stack to say.
	below := e.api.Node()
	below.TryRemoveChild(jsii.String("Endpoint"))
	acknowledge.All(e.api, acknowledge.Finding{Rule: "AwsSolutions-APIG2", Reason: "Requests are passed through; the application knows what is valid."})
	e.stage = e.api.DeploymentStage()
	var accepted []acknowledge.Finding
	if props.Firewall == "" {
		accepted = append(accepted, acknowledge.Finding{Rule: "AwsSolutions-APIG3", Reason: "A web ACL costs more than a small stage; whoever has one declares it as the firewall."})
	}
	acknowledge.All(e.stage, append(accepted, acknowledge.Finding{Rule: "AwsSolutions-APIG6",
		Reason: "Execution logs repeat the access logs at many times their size and hold headers of requests."})...)
	if !props.Caching.KeepLogRole {
		acknowledge.All(below.FindChild(jsii.String("CloudWatchRole")), acknowledge.Finding{Rule: "AwsSolutions-IAM4",
			Reason: "API Gateway accepts as its log role only one with these permissions, and AWS keeps the policy up to date."})
	}
}

// logRoleRemoval keeps the role: the other REST APIs of the region use it too.
func logRoleRemoval(props *CachedRESTAPIProps) awscdk.RemovalPolicy {
	if props.Caching.KeepLogRole {
		return ""
	}
	return awscdk.RemovalPolicy_RETAIN
}

// node is a segment of the cached paths.
type node struct {
	// path from the root, "" for the root itself.
	path     string
	cached   *spec.CachedPath
	children map[string]*node
}

func (n *node) add(path spec.CachedPath) {
	at := n
	for segment := range strings.SplitSeq(strings.TrimPrefix(path.Path, "/"), "/") {
		if segment == "" {
			continue
		}
		child := at.children[segment]
		if child == nil {
			child = &node{path: at.path + "/" + segment, children: map[string]*node{}}
			at.children[segment] = child
		}
		at = child
	}
	at.cached = &path
}

// addMethods passes on every method of every path. API Gateway goes down the
// tree segment by segment and does not turn back, so each resource of the tree
// has a child for what the tree does not name: {proxy+}, or its own variable
// segment, beside which API Gateway allows no other.
func (e *cachedRESTAPI) addMethods(scope constructs.Construct, props *CachedRESTAPIProps, caching spec.Caching) {
	root := &node{children: map[string]*node{}}
	for _, path := range caching.Paths {
		root.add(path)
	}
	link := awsapigateway.VpcLink_FromVpcLinkId(scope, jsii.String("ImportedVpcLink"), e.link.link.VpcLinkId())
	host := *e.balancer.LoadBalancerDnsName()
	if props.Domain.declared() {
		// The load balancer is found by its ARN; the name here only becomes
		// the Host header, from which applications build addresses.
		host = props.Domain.Name
	}
	p := proxy{link: link, origin: "http://" + host, balancer: e.balancer.LoadBalancerArn(), keys: len(props.APIKeys) > 0}
	p.addNode(e.api.Root(), root)
	// The CDK's hash of the methods does not see what is overridden in them,
	// and without a new deployment the stage goes on serving the old ones.
	deployment := e.api.LatestDeployment()
	deployment.AddToLogicalId(map[string]any{"integrationTarget": p.balancer})
	if props.ClientCertificates != nil {
		// Nor that the address of AWS is closed, which a deployment does.
		deployment.AddToLogicalId("closed")
	}
}

// addKeys makes a key for each caller, and a usage plan with the caller's own
// limits.
func (e *cachedRESTAPI) addKeys(scope constructs.Construct, props *CachedRESTAPIProps) {
	for _, declared := range props.APIKeys {
		key := awsapigateway.NewApiKey(scope, jsii.String("ApiKey-"+declared.Name), &awsapigateway.ApiKeyProps{
			Description: jsii.String(declared.Name + ", of " + props.Name),
		})
		plan := &awsapigateway.UsagePlanProps{
			Description: jsii.String(declared.Name + ", of " + props.Name),
			ApiStages:   &[]*awsapigateway.UsagePlanPerApiStage{{Api: e.api, Stage: e.stage}},
		}
		if declared.Throttling != (spec.Throttling{}) {
			plan.Throttle = &awsapigateway.ThrottleSettings{
				RateLimit:  numberOrNil(declared.Throttling.RequestsPerSecond),
				BurstLimit: numberOrNil(declared.Throttling.Burst),
			}
		}
		if declared.RequestsPerMonth > 0 {
			plan.Quota = &awsapigateway.QuotaSettings{Limit: jsii.Number(declared.RequestsPerMonth), Period: awsapigateway.Period_MONTH}
		}
		awsapigateway.NewUsagePlan(scope, jsii.String("UsagePlan-"+declared.Name), plan).AddApiKey(key, nil)
		e.keys[declared.Name] = key
	}
}

// proxy makes methods that pass requests on.
type proxy struct {
	link     awsapigateway.IVpcLink
	origin   string
	balancer *string
	// keys says that a request needs an API key.
	keys bool
}

func (p proxy) addNode(resource awsapigateway.IResource, n *node) {
	p.addMethod(resource, "ANY", n.path, nil)
	if n.cached != nil {
		p.addMethod(resource, "GET", n.path, n.cached)
	}
	variable := false
	for _, segment := range slices.Sorted(maps.Keys(n.children)) {
		p.addNode(resource.AddResource(&segment, nil), n.children[segment])
		variable = variable || strings.HasPrefix(segment, "{")
	}
	if !variable {
		p.addMethod(resource.AddResource(jsii.String("{proxy+}"), nil), "ANY", n.path+"/{proxy+}", nil)
	}
}

// addMethod passes a method on under the path that was asked for. With a
// cached path its responses are kept.
func (p proxy) addMethod(resource awsapigateway.IResource, method, path string, cached *spec.CachedPath) {
	accepted, passed := map[string]*bool{}, map[string]*string{}
	var key []*string
	for _, name := range variables(path) {
		accepted["method.request.path."+name] = jsii.Bool(true)
		passed["integration.request.path."+name] = jsii.String("method.request.path." + name)
		key = append(key, jsii.String("method.request.path."+name))
	}
	options := &awsapigateway.IntegrationOptions{
		ConnectionType:    awsapigateway.ConnectionType_VPC_LINK,
		VpcLink:           p.link,
		RequestParameters: &passed,
	}
	if cached != nil {
		for _, parameter := range keyOf(*cached, p.keys) {
			accepted[parameter] = jsii.Bool(false)
			key = append(key, &parameter)
		}
		options.CacheKeyParameters = &key
	}
	// A URL without a path would put the name of the stage before the path.
	url := p.origin + strings.ReplaceAll(path, "+}", "}")
	if path == "" {
		url += "/"
	}
	added := resource.AddMethod(&method, awsapigateway.NewIntegration(&awsapigateway.IntegrationProps{
		Type:                  awsapigateway.IntegrationType_HTTP_PROXY,
		IntegrationHttpMethod: &method,
		Uri:                   &url,
		Options:               options,
	}), &awsapigateway.MethodOptions{
		AuthorizationType: awsapigateway.AuthorizationType_NONE,
		ApiKeyRequired:    requiredOrNil(p.keys),
		RequestParameters: &accepted,
	})
	own := added.Node().DefaultChild().(awsapigateway.CfnMethod)
	own.AddPropertyOverride(jsii.String("Integration.IntegrationTarget"), p.balancer)
	acknowledge.All(own, acknowledge.Finding{Rule: "AwsSolutions-APIG4", Reason: public}, acknowledge.Finding{Rule: "AwsSolutions-COG4", Reason: public})
}

// keyOf lists the query parameters and headers that distinguish the responses
// of a cached path. A header is listed in each spelling that clients use; API
// Gateway would not find it otherwise.
func keyOf(path spec.CachedPath, apiKeys bool) []string {
	var key []string
	for _, name := range *path.Query {
		key = append(key, "method.request.querystring."+name)
	}
	headers := append(slices.Clone(keyedHeaders), path.Headers...)
	if apiKeys {
		// Says who asks, too.
		headers = append(headers, "X-API-Key")
	}
	for _, name := range headers {
		for _, spelling := range []string{textproto.CanonicalMIMEHeaderKey(name), strings.ToLower(name), name} {
			if parameter := "method.request.header." + spelling; !slices.Contains(key, parameter) {
				key = append(key, parameter)
			}
		}
	}
	return key
}

func requiredOrNil(required bool) *bool {
	if required {
		return &required
	}
	return nil
}

var variablePattern = regexp.MustCompile(`\{([^{}/+]+)\+?\}`)

// variables lists the names of the variable segments of a path.
func variables(path string) []string {
	var names []string
	for _, match := range variablePattern.FindAllStringSubmatch(path, -1) {
		names = append(names, match[1])
	}
	return names
}
