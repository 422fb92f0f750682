package endpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsecs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsservicediscovery"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/tinystack-go/tinystack/internal/acknowledge"
	"github.com/tinystack-go/tinystack/monitor"
	"github.com/tinystack-go/tinystack/spec"
)

// discoveryTTL is how long a DNS client may remember a task, in seconds. API
// Gateway asks Cloud Map itself and does not wait that long.
const discoveryTTL = 10

// HTTPAPIProps says what HTTP API is wanted.
type HTTPAPIProps struct {
	// Name of the API and of its log group, unique among the APIs of the
	// account and region. Required: 1 to 63 lower-case letters, digits and
	// hyphens.
	Name string

	// VPC of the target. Required.
	VPC awsec2.IVpc

	// Subnets of the VPC link, in availability zones in which API Gateway has
	// them. They need no way out. Default: the private ones.
	Subnets *awsec2.SubnetSelection

	// Namespace in which the tasks are registered. Required, unless the
	// target's service is registered in a Cloud Map service already, with SRV
	// records for the same container and port.
	Namespace awsservicediscovery.IPrivateDnsNamespace

	// DiscoveryName of the target in the namespace. Default: the name of its
	// container.
	DiscoveryName string

	// Target that is served. Required.
	Target Target

	// Routes send some paths and subdomains to other services, which are registered in
	// Namespace under the names of their containers. Default: none: Target
	// gets every request.
	Routes []Route

	// Domain of the API. Default: the address that AWS gives it.
	Domain DomainProps

	// ClientCertificates lets only clients through that present a certificate
	// of these authorities, and closes the address that AWS gives the API.
	// Needs Domain. Default: every client.
	ClientCertificates *spec.ClientCertificates

	// CORS lets scripts of other sites ask. Default: the service answers their
	// preflight requests.
	CORS *spec.CORS

	// JWT lets only requests through that carry a valid token.
	// Default: every request.
	JWT *spec.JWT

	// Throttling of the API. Default: the account's quotas.
	Throttling spec.Throttling

	// LogRetentionDays of the access logs, one of the values that CloudWatch
	// Logs accepts. Default: [spec.DefaultLogRetentionDays].
	LogRetentionDays int
}

// HTTPAPI is an API Gateway HTTP API in front of a service.
type HTTPAPI interface {
	Endpoint
	// API is the HTTP API.
	API() awsapigatewayv2.IHttpApi
	// Stage is the API's only stage, $default.
	Stage() awsapigatewayv2.IHttpStage
	// VPCLink by which the API reaches the tasks.
	VPCLink() awsapigatewayv2.IVpcLink
	// SecurityGroup of the VPC link.
	SecurityGroup() awsec2.ISecurityGroup
	// Discovery is the Cloud Map service in which ECS registers the tasks of
	// Target.
	Discovery() awsservicediscovery.IService
	// LogGroup of the access logs.
	LogGroup() awslogs.ILogGroup
}

type httpAPI struct {
	constructs.Construct
	address address
	api     awsapigatewayv2.HttpApi
	stage   awsapigatewayv2.HttpStage
	// others are the stages of the APIs of subdomains.
	others    []awsapigatewayv2.HttpStage
	link      vpcLink
	discovery awsservicediscovery.IService
	logs      awslogs.LogGroup
	// metrics are the names by which CloudWatch knows the API of the domain.
	metrics monitor.Names
}

// NewHTTPAPI makes an HTTP API that passes every request on to the tasks of a
// service. Cloud Map says where they are; there is no load balancer, so a task
// that stops must first finish its open requests (it is sent SIGTERM), and
// only the container's own health check keeps requests from a sick one.
//
// It panics with all problems of the props if there are any.
func NewHTTPAPI(scope constructs.Construct, id *string, props *HTTPAPIProps) HTTPAPI {
	in := placeOf(scope)
	target, targetErr := props.Target.resolve()
	routes, routesErr := resolveRoutes(props.Routes, target)
	declared, declaredErr := complete(in, props.Domain.addTo(spec.Endpoint{
		Type: spec.APIGateway, ClientCertificates: props.ClientCertificates, CORS: props.CORS, JWT: props.JWT, Throttling: props.Throttling,
	}))
	discoveries, discoveryErr := resolveDiscoveries(props)
	check(id, validateName("Name", props.Name), requireVPC(props.VPC), targetErr, routesErr, discoveryErr, declaredErr)

	e := &httpAPI{}
	constructs.NewConstruct_Override(e, scope, id)
	kind := constructs.NewConstruct(e, jsii.String(idHTTPAPI))
	e.discovery = discoveries.discover(target, props.DiscoveryName)
	e.link = newVPCLink(kind, props.VPC, props.Subnets)
	e.logs = newAccessLogs(e, props.Name, props.LogRetentionDays)
	w := apiWanted{declared: declared, props: props, kind: kind, discoveries: discoveries, after: services(target, routes)}
	main := e.addAPI(w, "", target, ofSubdomain(routes, ""), e.discovery)
	e.api, e.stage = main.api, main.stage
	e.metrics = monitor.Names{monitor.RefAPI: *main.address.apiID, monitor.RefAPIStage: *main.address.name}
	var others []apiStage
	for _, subdomain := range subdomainsOf(routes) {
		// An HTTP API looks at no host name, so each has an API of its own.
		// APIs cost nothing by themselves, and share the VPC link.
		own := ofSubdomain(routes, subdomain)
		other := e.addAPI(w, subdomain, own[0].target, own[1:], discoveries.discover(own[0].target, ""))
		e.others = append(e.others, other.stage)
		others = append(others, other.address)
	}
	e.address.addAPIDomain(e, props.Domain, declared.ClientCertificates, main.address, others...)
	return e
}

// apiWanted is what the APIs of an endpoint have in common.
type apiWanted struct {
	props    *HTTPAPIProps
	declared spec.Endpoint
	kind     constructs.Construct
	after    []constructs.IDependable
	// discoveries of the targets.
	discoveries discoveries
}

// madeAPI is an API with its stage.
type madeAPI struct {
	api     awsapigatewayv2.HttpApi
	stage   awsapigatewayv2.HttpStage
	address apiStage
}

// addAPI makes the API of the domain, or of a subdomain.
func (e *httpAPI) addAPI(w apiWanted, subdomain string, target resolvedTarget, routes []resolvedRoute, discovery awsservicediscovery.IService) madeAPI {
	suffix := ""
	if subdomain != "" {
		suffix = "-" + subdomain
	}
	target.allowFrom(e.link.security, "API Gateway VPC link to tasks")
	tasks := e.link.integration("Tasks", discovery)
	props := &awsapigatewayv2.HttpApiProps{
		ApiName:            jsii.String(w.props.Name + suffix),
		Description:        jsii.String("Endpoint of " + w.props.Name + suffix),
		DefaultIntegration: tasks,
		CreateDefaultStage: jsii.Bool(false),
		CorsPreflight:      preflight(w.declared.CORS),
	}
	if w.declared.ClientCertificates != nil {
		// The other address asks for no certificate.
		props.DisableExecuteApiEndpoint = jsii.Bool(true)
	}
	if jwt := w.declared.JWT; jwt != nil {
		props.DefaultAuthorizer = awsapigatewayv2authorizers.NewHttpJwtAuthorizer(jsii.String("Jwt"), &jwt.Issuer, &awsapigatewayv2authorizers.HttpJwtAuthorizerProps{
			JwtAudience: jsii.Strings(jwt.Audience...),
		})
		if len(jwt.Scopes) > 0 {
			props.DefaultAuthorizationScopes = jsii.Strings(jwt.Scopes...)
		}
	}
	made := madeAPI{api: awsapigatewayv2.NewHttpApi(w.kind, jsii.String("Api"+suffix), props)}
	e.addRoutes(made.api, w, routes, tasks)
	stage := &awsapigatewayv2.HttpStageProps{
		HttpApi: made.api,
		// The stage must be $default: the name of any other would stand
		// before the path of every request that reaches the tasks.
		StageName:  jsii.String("$default"),
		AutoDeploy: jsii.Bool(true),
	}
	if w.props.Throttling != (spec.Throttling{}) {
		stage.Throttle = &awsapigatewayv2.ThrottleSettings{
			RateLimit:  numberOrNil(w.props.Throttling.RequestsPerSecond),
			BurstLimit: numberOrNil(w.props.Throttling.Burst),
		}
	}
	made.stage = awsapigatewayv2.NewHttpStage(w.kind, jsii.String("Stage"+suffix), stage)
	made.stage.Node().DefaultChild().(awsapigatewayv2.CfnStage).SetAccessLogSettings(&awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
		DestinationArn: e.logs.LogGroupArn(),
		Format:         accessLogFormat(),
	})
	made.address = apiStage{
		apiID:     made.api.ApiId(),
		name:      made.stage.StageName(),
		subdomain: subdomain,
		after:     append(slices.Clone(w.after), made.stage),
	}
	if w.declared.ClientCertificates == nil {
		made.address.url = made.api.ApiEndpoint()
	}
	return made
}

// addRoutes sends paths to services of their own, and says why some routes ask
// for no token. API Gateway prefers a route without a variable, then the
// longest.
func (e *httpAPI) addRoutes(api awsapigatewayv2.HttpApi, w apiWanted, routes []resolvedRoute, tasks awsapigatewayv2.HttpRouteIntegration) {
	// A browser asks for permission without a token. Where CORS is declared
	// API Gateway answers that itself, if no authorizer is in the way.
	tokens := w.declared.JWT != nil
	open := tokens && w.props.CORS != nil
	add := func(path string, integration awsapigatewayv2.HttpRouteIntegration, every bool) {
		for _, below := range []string{path, strings.TrimSuffix(path, "/") + "/{proxy+}"} {
			if every {
				added := *api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{Path: &below, Integration: integration})
				if !tokens {
					acknowledgeRoutes(public, added...)
				}
			}
			if open {
				acknowledgeRoutes("Browsers send preflight requests without a token.", *api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{
					Path:                &below,
					Integration:         integration,
					Methods:             &[]awsapigatewayv2.HttpMethod{awsapigatewayv2.HttpMethod_OPTIONS},
					Authorizer:          awsapigatewayv2.NewHttpNoneAuthorizer(),
					AuthorizationScopes: &[]*string{},
				})...)
			}
		}
	}
	if !tokens {
		acknowledgeRoutes(public, api.Node().FindChild(jsii.String("DefaultRoute")).(awsapigatewayv2.HttpRoute))
	}
	add("/", tasks, false)
	for _, route := range routes {
		route.target.allowFrom(e.link.security, "API Gateway VPC link to tasks")
		add(route.Path, e.link.integration("Tasks"+route.Path, w.discoveries.discover(route.target, "")), true)
	}
}

// acknowledgeRoutes says why routes ask for no token.
func acknowledgeRoutes(reason string, routes ...awsapigatewayv2.HttpRoute) {
	for _, route := range routes {
		acknowledge.All(route, acknowledge.Finding{Rule: "AwsSolutions-APIG4", Reason: reason})
	}
}

func preflight(cors *spec.CORS) *awsapigatewayv2.CorsPreflightOptions {
	if cors == nil {
		return nil
	}
	options := &awsapigatewayv2.CorsPreflightOptions{
		AllowOrigins:     jsii.Strings(cors.Origins...),
		AllowCredentials: jsii.Bool(cors.Credentials),
	}
	var methods []awsapigatewayv2.CorsHttpMethod
	for _, method := range cors.Methods {
		if method == "*" {
			method = string(awsapigatewayv2.CorsHttpMethod_ANY)
		}
		methods = append(methods, awsapigatewayv2.CorsHttpMethod(method))
	}
	options.AllowMethods = &methods
	if len(cors.Headers) > 0 {
		options.AllowHeaders = jsii.Strings(cors.Headers...)
	}
	if len(cors.ExposedHeaders) > 0 {
		options.ExposeHeaders = jsii.Strings(cors.ExposedHeaders...)
	}
	if cors.MaxAge > 0 {
		options.MaxAge = awscdk.Duration_Seconds(jsii.Number(cors.MaxAge.Seconds()))
	}
	return options
}

func (e *httpAPI) URL() *string                                    { return e.address.url }
func (e *httpAPI) HostedZoneID() *string                           { return e.address.zoneID }
func (e *httpAPI) RegionalURL() *string                            { return e.address.regionalURL }
func (e *httpAPI) Subdomains() []Subdomain                         { return slices.Clone(e.address.subdomains) }
func (e *httpAPI) Domain() *string                                 { return e.address.domain }
func (e *httpAPI) DNSTarget() *string                              { return e.address.dnsTarget }
func (e *httpAPI) Certificate() awscertificatemanager.ICertificate { return e.address.certificate }
func (e *httpAPI) API() awsapigatewayv2.IHttpApi                   { return e.api }
func (e *httpAPI) Stage() awsapigatewayv2.IHttpStage               { return e.stage }
func (e *httpAPI) VPCLink() awsapigatewayv2.IVpcLink               { return e.link.link }
func (e *httpAPI) SecurityGroup() awsec2.ISecurityGroup            { return e.link.security }
func (e *httpAPI) Discovery() awsservicediscovery.IService         { return e.discovery }
func (e *httpAPI) LogGroup() awslogs.ILogGroup                     { return e.logs }
func (e *httpAPI) UnhealthyTargetsMetric() awscloudwatch.IMetric   { return nil }

func (e *httpAPI) ErrorMetric5xx() awscloudwatch.IMetric {
	return e.together("5xx", " + ", "", func(s awsapigatewayv2.HttpStage) awscloudwatch.IMetric { return s.MetricServerError(nil) })
}

func (e *httpAPI) RequestMetric() awscloudwatch.IMetric {
	return e.together("Requests", " + ", "", func(s awsapigatewayv2.HttpStage) awscloudwatch.IMetric { return s.MetricCount(nil) })
}

// LatencyMetric is that of the slowest API where subdomains have their own.
func (e *httpAPI) LatencyMetric(statistic string) awscloudwatch.IMetric {
	return e.together("Latency", ", ", "MAX", func(s awsapigatewayv2.HttpStage) awscloudwatch.IMetric {
		return s.MetricLatency(&awscloudwatch.MetricOptions{Statistic: &statistic})
	})
}

// together is a metric over the APIs of the domain and of all subdomains. Each
// is absent, not zero, where no requests came.
func (e *httpAPI) together(label, separator, function string, of func(awsapigatewayv2.HttpStage) awscloudwatch.IMetric) awscloudwatch.IMetric {
	if len(e.others) == 0 {
		return of(e.stage)
	}
	var terms []string
	metrics := map[string]awscloudwatch.IMetric{}
	for i, stage := range append([]awsapigatewayv2.HttpStage{e.stage}, e.others...) {
		name := fmt.Sprintf("api%d", i)
		metrics[name] = of(stage)
		terms = append(terms, "FILL("+name+", 0)")
	}
	expression := strings.Join(terms, separator)
	if function != "" {
		expression = function + "([" + expression + "])"
	}
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression:   &expression,
		Label:        &label,
		UsingMetrics: &metrics,
	})
}

// discoveries register tasks in Cloud Map.
type discoveries struct {
	namespace awsservicediscovery.IPrivateDnsNamespace
	// known are the services that were there before the endpoint; nil for one
	// that is not registered yet.
	known map[awsecs.Ec2Service]awsservicediscovery.IService
}

// discover registers the target's tasks, unless they are already. The record
// type is SRV in every network mode: API Gateway takes the port from it, and in
// bridge mode each task has another one. Default of the name: that of the
// target's container.
func (d discoveries) discover(target resolvedTarget, name string) awsservicediscovery.IService {
	if known := d.known[target.Service]; known != nil {
		return known
	}
	if name == "" {
		name = target.ContainerName
	}
	made := target.Service.EnableCloudMap(&awsecs.CloudMapOptions{
		CloudMapNamespace: d.namespace,
		Name:              &name,
		Container:         target.container,
		ContainerPort:     jsii.Number(target.ContainerPort),
		DnsRecordType:     awsservicediscovery.DnsRecordType_SRV,
		DnsTtl:            awscdk.Duration_Seconds(jsii.Number(discoveryTTL)),
	})
	d.known[target.Service] = made
	return made
}

// resolveDiscoveries asks which targets are in Cloud Map already, and says what
// is wrong with that.
func resolveDiscoveries(props *HTTPAPIProps) (discoveries, error) {
	found := discoveries{namespace: props.Namespace, known: map[awsecs.Ec2Service]awsservicediscovery.IService{}}
	targets := []Target{props.Target}
	for _, route := range props.Routes {
		targets = append(targets, route.Target)
	}
	var problems []error
	for _, target := range targets {
		if target.Service == nil {
			continue // said of the target
		}
		known := target.Service.CloudMapService()
		switch {
		case known == nil && props.Namespace == nil:
			return found, errors.New("a Namespace is required")
		case known == nil:
		case known.DnsRecordType() != awsservicediscovery.DnsRecordType_SRV:
			problems = append(problems, fmt.Errorf("target: the service is in Cloud Map with %s records, which tell no port: ECS registers a service once, so use SRV records", known.DnsRecordType()))
		default:
			found.known[target.Service] = known
		}
	}
	return found, errors.Join(problems...)
}

func requireVPC(vpc awsec2.IVpc) error {
	if vpc == nil {
		return errors.New("a VPC is required")
	}
	return nil
}
