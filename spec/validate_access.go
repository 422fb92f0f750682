package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

const (
	longestSticky = 7 * 24 * hour
	longestIdle   = 4000 * second
	longestMaxAge = 24 * hour

	// What API Gateway allows: of audiences in an authorizer, and of redirects
	// the host names that one condition of an ALB's rule can list.
	mostAudiences = 50
	mostRedirects = 5
	mostAPIKeys   = 50
	mostRequests  = 1_000_000_000
	// mostThrottled is ten times the quota that accounts begin with.
	mostThrottled = 100_000
)

var (
	originPattern   = compile(`^(?:https?://[a-z0-9.-]+(?::[0-9]{1,5})?|[a-z][a-z0-9.+-]*-extension://[A-Za-z0-9-]+)$`)
	methodPattern   = compile(`^(?:DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT)$`)
	headerPattern   = compile(`^[A-Za-z0-9!#$%&'+.^_|~-]{1,128}$`)
	issuerPattern   = compile(`^https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?$`)
	firewallPattern = compile(`^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:[0-9]{12}:regional/webacl/[A-Za-z0-9_-]+/[A-Za-z0-9-]+$`)
)

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

// validateAccess checks who may ask, how often, and for how long.
func (e Endpoint) validateAccess(r report, region, account string) {
	e.Throttling.validate(r.field("throttling"))
	if e.CORS != nil {
		e.CORS.validate(r.field("cors"))
	}
	if e.JWT != nil {
		e.JWT.validate(r.field("jwt"))
	}
	e.validateAPIKeys(r.field("apiKeys"))
	if e.ClientCertificates != nil {
		certificates := r.field("clientCertificates")
		e.ClientCertificates.validate(certificates)
		if e.Domain == "" {
			certificates.fail("are given without a domain, and only there API Gateway asks for them", "clientCertificates beside domain", "give the domain, or remove them")
		}
	}
	if e.Firewall != "" {
		e.validateFirewall(r.field("firewall"), region, account)
	}
	if e.StickySessions != 0 {
		r.field("stickySessions").lasting(e.StickySessions, second, longestSticky, second)
	}
	if e.IdleTimeout != 0 {
		r.field("idleTimeout").lasting(e.IdleTimeout, second, longestIdle, second)
	}
}

func (e Endpoint) validateRedirects(r report) {
	if len(e.RedirectFrom) == 0 {
		return
	}
	if e.Domain == "" {
		r.fail("is given without a domain to redirect to", "redirectFrom beside domain", "give the domain, or remove this")
	}
	if len(e.RedirectFrom) > mostRedirects {
		r.fail(phrase.Count(len(e.RedirectFrom), "host name")+" are listed", fmt.Sprintf("up to %d", mostRedirects), "remove some")
	}
	for i, name := range e.RedirectFrom {
		at := r.item(i)
		switch {
		case !validateDomainName(at, name, "a domain", "www.example.com"):
		case name == e.Domain:
			at.fail(at.quote(name)+" is the domain itself", "another host name", "remove it")
		case slices.Contains(e.RedirectFrom[:i], name):
			at.fail(at.quote(name)+" is listed twice", "each name once", "remove it")
		case e.HostedZone != nil && !isToken(name):
			e.validateInZone(at, name)
		}
	}
}

func (t Throttling) validate(r report) {
	if t.RequestsPerSecond != 0 {
		r.field("requestsPerSecond").between(t.RequestsPerSecond, 1, mostThrottled, "a number of requests", "a second", "choose what the stage can bear")
	}
	if t.Burst != 0 {
		r.field("burst").between(t.Burst, 1, mostThrottled, "a number of requests", "at once", "choose what the stage can bear")
	}
}

func (c CORS) validate(r report) {
	origins := r.field("origins")
	if len(c.Origins) == 0 {
		origins.fail("is missing", "at least one origin, as in https://www.example.com", "list the sites whose scripts may ask")
	}
	lists := []struct {
		name          string
		values        []string
		pattern       pattern
		what, allowed string
	}{
		{"origins", c.Origins, originPattern, "an origin", "a scheme and a host without a slash at the end, as in https://www.example.com, or \"*\" alone"},
		{"methods", c.Methods, methodPattern, "a method", "DELETE, GET, HEAD, OPTIONS, PATCH, POST or PUT, or \"*\" alone"},
		{"headers", c.Headers, headerPattern, "the name of a header", "names as in Content-Type, or \"*\" alone"},
		{"exposedHeaders", c.ExposedHeaders, headerPattern, "the name of a header", "names as in ETag, or \"*\" alone"},
	}
	for _, list := range lists {
		for i, value := range list.values {
			at := r.field(list.name).item(i)
			switch {
			case value == "*" && len(list.values) > 1:
				at.fail("\"*\" stands beside others", "\"*\" alone", "remove it or the others")
			case value == "*" && c.Credentials:
				at.fail("\"*\" is not accepted by browsers for requests with credentials", "a list of "+list.name, "list them, or remove credentials")
			case value == "*":
			default:
				at.matches(value, list.pattern, list.what, list.allowed, "correct it")
			}
			if slices.Contains(list.values[:i], value) {
				at.fail(at.quote(value)+" is listed twice", "each once", "remove it")
			}
		}
	}
	if c.MaxAge != 0 {
		r.field("maxAge").lasting(c.MaxAge, second, longestMaxAge, second)
	}
}

func (j JWT) validate(r report) {
	issuer, audience := r.field("issuer"), r.field("audience")
	if issuer.required(j.Issuer, "an https URL", "give the issuer that the tokens name") {
		issuer.matches(j.Issuer, issuerPattern, "the URL of an issuer", "an https URL, as in https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example", "copy it from a token's claim iss")
	}
	if len(j.Audience) == 0 || len(j.Audience) > mostAudiences {
		audience.fail("lists "+phrase.Count(len(j.Audience), "audience"), fmt.Sprintf("1 to %d", mostAudiences), "list what tokens may be issued for, such as the client ids")
	}
	for i, value := range slices.Concat(j.Audience, j.Scopes) {
		at := audience.item(i)
		if i >= len(j.Audience) {
			at = r.field("scopes").item(i - len(j.Audience))
		}
		if strings.TrimSpace(value) == "" || strings.ContainsAny(value, " \t\n") {
			at.fail("is empty or has a space", "one name", "correct it")
		}
	}
}

func (e Endpoint) validateAPIKeys(r report) {
	if len(e.APIKeys) > mostAPIKeys {
		r.fail(phrase.Count(len(e.APIKeys), "key")+" are listed", fmt.Sprintf("up to %d", mostAPIKeys), "let callers share limits")
		return
	}
	for i, key := range e.APIKeys {
		key.validate(r.item(i))
		if slices.ContainsFunc(e.APIKeys[:i], func(k APIKey) bool { return k.Name == key.Name && key.Name != "" }) {
			at := r.item(i).field("name")
			at.fail(at.quote(key.Name)+" is listed twice", "a name of its own for each caller", "rename one of the two")
		}
	}
}

func (k APIKey) validate(r report) {
	validateName(r.field("name"), k.Name, "a caller")
	k.Throttling.validate(r.field("throttling"))
	if k.RequestsPerMonth != 0 {
		r.field("requestsPerMonth").between(k.RequestsPerMonth, 1, mostRequests, "a number of requests", "", "choose what the caller may ask")
	}
}

func (c ClientCertificates) validate(r report) {
	bucket, key := r.field("bucket"), r.field("key")
	if bucket.required(c.Bucket, "the name of a bucket", "name the bucket that holds the certificates") {
		bucket.matches(c.Bucket, bucketPattern, "the name of a bucket", "3 to 63 lower-case letters, digits, dots and hyphens", "give the bare name, without s3://")
	}
	if key.required(c.Key, "the key of an object", "name the PEM file") && strings.HasPrefix(c.Key, "/") {
		key.fail(key.quote(c.Key)+" begins with a slash", "a key, as in clients/authorities.pem", "remove the slash")
	}
}

func (e Endpoint) validateFirewall(r report, region, account string) {
	if !r.matches(e.Firewall, firewallPattern, "the ARN of a regional web ACL", "arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID", "copy the ARN from the WAF console; one for CloudFront does not fit") || isToken(e.Firewall) {
		return
	}
	if region != "" && !isToken(region) && arnPart(e.Firewall, 3) != region {
		r.fail(r.quote(e.Firewall)+" is not in the stage's region "+r.quote(region), "a web ACL in that region", "make one there")
	}
	if account != "" && !isToken(account) && arnPart(e.Firewall, 4) != account {
		r.fail(r.quote(e.Firewall)+" is not in the stage's account "+r.quote(account), "a web ACL in that account", "make one there")
	}
}
