package spec

import "slices"

// EndpointType is the service that takes the requests.
type EndpointType string

const (
	// APIGateway is billed by the request. It is an HTTP API, or with Caching
	// a REST API.
	APIGateway EndpointType = "api-gateway"
	// ALB is an Application Load Balancer, billed by the hour and by load.
	ALB EndpointType = "alb"
)

// Deployment is how a new version takes over from the old one.
type Deployment string

const (
	// Rolling puts new tasks beside the old ones, which go one after another.
	Rolling Deployment = "rolling"
	// BlueGreen starts all new tasks, moves all requests to them at once, and
	// keeps the old tasks a while to move back to.
	BlueGreen Deployment = "blue-green"
)

// Endpoint is how the world reaches a stage.
type Endpoint struct {
	// Type is the service that takes the requests: api-gateway, billed by the
	// request, or alb, an Application Load Balancer that is billed by the hour
	// and by load.
	//   - Default: api-gateway; with the profile hyperscale alb
	//   - Allowed: api-gateway or alb
	//   - Change: restarts tasks; the new endpoint is made before the old one goes. The address changes, unless there is a domain
	//   - Example: alb
	//   - See: docs/endpoints.md
	Type EndpointType `yaml:"type"`

	// Deployment of the service behind the endpoint: rolling, or with an alb
	// blue-green, where all requests move to the new version at once, and back
	// if the endpoint's alarm is raised in the next 15 minutes.
	//   - Default: rolling
	//   - Allowed: rolling or blue-green
	//   - Change: in place; back to rolling, the old tasks can be in the second target group, and requests fail until new ones are up: do it when few come
	//   - Example: blue-green
	//   - See: docs/rollback.md
	Deployment Deployment `yaml:"deployment"`

	// Domain is the stage's own host name, with HTTPS. Needs
	// [Endpoint.HostedZone], or [Endpoint.Certificate] and a DNS record made
	// elsewhere.
	//   - Default: none: the address AWS gives it
	//   - Allowed: a host name in lower case, of up to 253 characters
	//   - Change: replaces AWS::ApiGatewayV2::ApiMapping and AWS::ApiGatewayV2::DomainName and AWS::CertificateManager::Certificate and AWS::Route53::RecordSet; all of it is made anew under the new name, then the old goes, and with it the old name
	//   - Change with an ALB: replaces AWS::CertificateManager::Certificate and AWS::Route53::RecordSet; all of it is made anew under the new name, then the old goes, and with it the old name
	//   - Example: shop.example.com
	//   - See: docs/domains.md
	Domain string `yaml:"domain"`

	// HostedZone is the Route 53 zone of the domain, in the stage's account; one
	// below a zone of another account can be made by a delegation. Without it no
	// DNS record is made, and the stack's output DNSTarget says what one has to
	// point to.
	//   - Default: none
	//   - Change: by field
	//   - Example: {id: Z0123456789ABCDEFGHIJ, name: example.com}
	//   - See: docs/domains.md
	HostedZone *HostedZone `yaml:"hostedZone"`

	// Certificate is the ARN of an ACM certificate for the domain, the
	// redirects, the subdomains of services and the regional domain of a
	// routing, in the stage's region. Required where the hosted zone has no id.
	//   - Default: one is made and validated through the hosted zone
	//   - Allowed: the ARN of an ACM certificate in the stage's region
	//   - Change: in place
	//   - Example: arn:aws:acm:us-east-1:111111111111:certificate/01234567-89ab-cdef-0123-456789abcdef
	//   - See: docs/domains.md
	Certificate string `yaml:"certificate"`

	// RedirectFrom lists other host names that answer with a redirect to the
	// same path of the domain, as in example.com for the domain www.example.com.
	// Only with alb: an API Gateway cannot answer by host name.
	//   - Default: none
	//   - Allowed: up to 5 host names
	//   - Change: replaces AWS::CertificateManager::Certificate; the new one is in place before the old one goes
	//   - Example: [example.com]
	RedirectFrom []string `yaml:"redirectFrom"`

	// Routing lets stages in several regions share a domain: DNS chooses between
	// them. Needs [Endpoint.Domain] and [Endpoint.HostedZone].
	//   - Default: none: the domain is this stage's alone
	//   - Change: by field; where it comes or goes, the record of the domain is made anew, and the certificate, which has the regional name, too
	//   - Example: {policy: latency}
	//   - See: docs/routing.md
	Routing *Routing `yaml:"routing"`

	// Caching keeps responses at the endpoint. Only with api-gateway, which
	// it makes a REST API in front of an internal load balancer.
	//   - Default: none
	//   - Change: restarts tasks; the new API is made before the old one goes. The address changes, unless there is a domain
	//   - Example: {paths: [{path: /items, query: []}]}
	//   - See: docs/endpoints.md
	Caching *Caching `yaml:"caching"`

	// Throttling bounds the requests that are let through; others are answered
	// with 429. Only with api-gateway.
	//   - Default: the account's quotas in the region, which all its APIs share
	//   - Change: by field
	//   - Example: {requestsPerSecond: 100, burst: 200}
	Throttling Throttling `yaml:"throttling"`

	// CORS lets scripts of other sites ask the stage: the endpoint answers
	// preflight requests and adds the headers. Only with api-gateway without
	// [Endpoint.Caching].
	//   - Default: none: the application answers
	//   - Change: in place
	//   - Example: {origins: ["https://www.example.com"]}
	CORS *CORS `yaml:"cors"`

	// JWT lets only requests through that carry a valid JSON Web Token. Only
	// with api-gateway without [Endpoint.Caching].
	//   - Default: none: every request
	//   - Change: in place
	//   - Example: {issuer: "https://login.example.com/", audience: [shop]}
	JWT *JWT `yaml:"jwt"`

	// APIKeys lets only requests through whose header X-API-Key has one of
	// these keys, each with its own limits. They tell callers apart; they are
	// no protection, as people share them. Only with [Endpoint.Caching].
	//   - Default: none: every request
	//   - Allowed: up to 50
	//   - Change: in place
	//   - Example: [{name: partner, requestsPerMonth: 10000}]
	APIKeys []APIKey `yaml:"apiKeys"`

	// ClientCertificates lets only clients through that present a certificate
	// of these authorities (mutual TLS), and closes the address that AWS gives
	// the API. Only with api-gateway and [Endpoint.Domain].
	//   - Default: none: every client
	//   - Change: in place
	//   - Example: {bucket: example-trust, key: clients/authorities.pem}
	ClientCertificates *ClientCertificates `yaml:"clientCertificates"`

	// Firewall is the ARN of a regional AWS WAF web ACL in the stage's region
	// and account. Only with alb or [Endpoint.Caching]: AWS WAF does not stand
	// before HTTP APIs.
	//   - Default: none
	//   - Allowed: the ARN of a regional web ACL
	//   - Change: in place
	//   - Example: arn:aws:wafv2:us-east-1:111111111111:regional/webacl/shop/01234567-89ab-cdef-0123-456789abcdef
	Firewall string `yaml:"firewall"`

	// StickySessions is how long a client keeps being sent to the same task,
	// by a cookie. Only with alb.
	//   - Default: none: any task
	//   - Allowed: 1s to 168h
	//   - Change: in place
	//   - Example: 24h
	StickySessions Duration `yaml:"stickySessions"`

	// IdleTimeout is how long a connection may be silent before it is closed.
	// The application must keep its connections open for longer. Only with alb.
	//   - Default: AWS's own, a minute
	//   - Allowed: 1s to 4000s
	//   - Change: in place
	//   - Example: 2m
	IdleTimeout Duration `yaml:"idleTimeout"`
}

func (e *Endpoint) setDefaults(profile Profile) {
	fill(&e.Type, presetOf(profile).endpoint)
	fill(&e.Deployment, Rolling)
	if e.Caching != nil {
		e.Caching.setDefaults()
	}
	if e.CORS != nil {
		e.CORS.setDefaults()
	}
	if e.Routing != nil {
		e.Routing.setDefaults()
	}
}

// Complete fills in the defaults of an endpoint and checks it for a region and
// account; one that is empty or only known at deployment is not looked at.
func (e Endpoint) Complete(region, account string) (Endpoint, error) {
	e = clone(e)
	e.setDefaults(Standard)
	r := newReport(nil)
	e.validate(r, region, account)
	return e, r.errors()
}

// validate checks the endpoint of a stage; where its region or account is
// empty, that is not known yet.
func (e Endpoint) validate(r report, region, account string) {
	oneOf(r.field("type"), e.Type, "a type of endpoint", APIGateway, ALB)
	deployment := r.field("deployment")
	if oneOf(deployment, e.Deployment, "a kind of deployment", Rolling, BlueGreen) && e.Deployment == BlueGreen && e.Type != ALB {
		deployment.fail("needs a load balancer that moves the requests", "rolling, or the type alb", "remove it, or set the type to alb")
	}
	e.validateDomain(r)
	e.validateRedirects(r.field("redirectFrom"))
	e.validateRouting(r.field("routing"))
	if e.HostedZone != nil {
		e.HostedZone.validate(r.field("hostedZone"))
		if e.HostedZone.ID == "" && e.HostedZone.Delegation == nil && e.Certificate == "" {
			r.field("hostedZone").field("id").fail("is missing, and without it no certificate can be made", "the zone's id, or a certificate beside the zone", "list the zones with: aws route53 list-hosted-zones")
		}
	}
	if e.Certificate != "" {
		e.validateCertificate(r.field("certificate"), region, account)
	}
	if e.Caching != nil {
		e.Caching.validate(r.field("caching"))
	}
	e.validateKind(r)
	e.validateAccess(r, region, account)
}

// validateInStage checks that what an ARN names is in the stage's region and
// account; one that is empty or only known at deployment is not looked at.
func validateInStage(r report, arn, region, account, wanted, fix string) {
	if region != "" && !isToken(region) && arnPart(arn, 3) != region {
		r.fail(r.quote(arn)+" is not in the stage's region "+r.quote(region), wanted+" in that region", fix)
	}
	if account != "" && !isToken(account) && arnPart(arn, 4) != account {
		r.fail(r.quote(arn)+" is not in the stage's account "+r.quote(account), wanted+" in that account", fix)
	}
}

// balanced says whether a load balancer stands before the tasks.
func (e Endpoint) balanced() bool { return e.Type == ALB || e.Caching != nil }

// validateKind refuses what the kind of endpoint does not offer.
func (e Endpoint) validateKind(r report) {
	const (
		httpAPI = "api-gateway without caching"
		restAPI = "api-gateway with caching"
	)
	refuse := func(field string, given bool, wrong, allowed string) {
		if given {
			r.field(field).fail(wrong, field+" with the type "+allowed, "remove it, or change the kind of endpoint")
		}
	}
	switch {
	case e.Type == ALB:
		refuse("caching", e.Caching != nil, "an ALB keeps no responses", "api-gateway")
		refuse("throttling", e.Throttling != Throttling{}, "an ALB does not throttle", "api-gateway, or a rate rule of a firewall")
		refuse("cors", e.CORS != nil, "an ALB does not answer preflight requests; the application can", httpAPI)
		refuse("jwt", e.JWT != nil, "tokens are not checked by the ALBs that this makes", httpAPI)
		refuse("apiKeys", len(e.APIKeys) > 0, "an ALB knows no keys", restAPI)
		refuse("clientCertificates", e.ClientCertificates != nil, "client certificates are not checked by the ALBs that this makes", "api-gateway")
	case e.Type == APIGateway:
		const alb = "alb"
		refuse("redirectFrom", len(e.RedirectFrom) > 0, "an API Gateway cannot answer by host name, so it cannot redirect", alb)
		refuse("stickySessions", e.StickySessions != 0, "an API Gateway sends each request to any task", alb)
		refuse("idleTimeout", e.IdleTimeout != 0, "an API Gateway ends requests after 30 seconds, whatever is declared", alb)
		if e.Caching == nil {
			refuse("apiKeys", len(e.APIKeys) > 0, "HTTP APIs know no keys", restAPI)
			refuse("firewall", e.Firewall != "", "AWS WAF does not stand before HTTP APIs", "alb, or "+restAPI)
		} else {
			refuse("cors", e.CORS != nil, "a REST API that passes requests on leaves preflight requests to the application", httpAPI)
			refuse("jwt", e.JWT != nil, "REST APIs do not check tokens of any issuer", httpAPI)
		}
	}
}

// validateUnused refuses what an endpoint that there is not would do.
func (e Endpoint) validateUnused(r report, fix string) {
	for field, given := range map[string]bool{
		"throttling":         e.Throttling != Throttling{},
		"cors":               e.CORS != nil,
		"jwt":                e.JWT != nil,
		"apiKeys":            len(e.APIKeys) > 0,
		"clientCertificates": e.ClientCertificates != nil,
		"firewall":           e.Firewall != "",
		"routing":            e.Routing != nil,
		"stickySessions":     e.StickySessions != 0,
		"idleTimeout":        e.IdleTimeout != 0,
	} {
		if given {
			r.field(field).fail("has no service to protect", "", fix)
		}
	}
}

// LoadBalanced says whether a load balancer of the stage stands before the
// service, and asks for its health.
func (s Stage) LoadBalanced(service Service) bool {
	return service.Public() && s.Endpoint.balanced()
}

// HTTPAPI says whether the stage's endpoint is an HTTP API, which reaches
// tasks by a VPC link.
func (s Stage) HTTPAPI(services []Service) bool {
	return slices.ContainsFunc(services, Service.Public) && !s.Endpoint.balanced()
}
