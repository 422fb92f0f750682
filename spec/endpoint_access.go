package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// Throttling bounds requests. What is left out is not bounded.
type Throttling struct {
	// RequestsPerSecond on average; more than the account's quota changes
	// nothing.
	//   - Default: not bounded
	//   - Allowed: 1 to 100000
	//   - Change: in place
	//   - Example: 50
	RequestsPerSecond int `yaml:"requestsPerSecond"`

	// Burst is how many requests may come at once.
	//   - Default: not bounded
	//   - Allowed: 1 to 100000
	//   - Change: in place
	//   - Example: 100
	Burst int `yaml:"burst"`
}

// CORS is what scripts of other sites may do.
type CORS struct {
	// Origins that may ask.
	//   - Default: required
	//   - Allowed: a scheme and a host without a slash at the end, each once; or "*" alone for every one
	//   - Change: in place
	//   - Example: ["https://www.example.com"]
	Origins []string `yaml:"origins"`

	// Methods they may use.
	//   - Default: [GET, HEAD, POST]
	//   - Allowed: DELETE, GET, HEAD, OPTIONS, PATCH, POST or PUT; or "*" alone
	//   - Change: in place
	//   - Example: [GET, PUT]
	Methods []string `yaml:"methods"`

	// Headers they may send.
	//   - Default: only those that every script may send
	//   - Allowed: names of headers, each once; or "*" alone
	//   - Change: in place
	//   - Example: [Content-Type]
	Headers []string `yaml:"headers"`

	// ExposedHeaders of responses that they may read.
	//   - Default: only those that every script may read
	//   - Allowed: names of headers, each once; or "*" alone
	//   - Change: in place
	//   - Example: [ETag]
	ExposedHeaders []string `yaml:"exposedHeaders"`

	// Credentials lets them send cookies; no list may then be "*".
	//   - Default: false
	//   - Change: in place
	//   - Example: true
	Credentials bool `yaml:"credentials"`

	// MaxAge is how long a browser may remember the answer.
	//   - Default: what the browser takes
	//   - Allowed: 1s to 24h
	//   - Change: in place
	//   - Example: 1h
	MaxAge Duration `yaml:"maxAge"`
}

// JWT is who signs the tokens that requests carry in their Authorization
// header.
type JWT struct {
	// Issuer is the https URL that the tokens name as their issuer, where
	// /.well-known/openid-configuration is found.
	//   - Default: required
	//   - Allowed: an https URL
	//   - Change: in place
	//   - Example: https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example
	Issuer string `yaml:"issuer"`

	// Audience lists what the tokens may be issued for.
	//   - Default: required
	//   - Allowed: 1 to 50 names without spaces
	//   - Change: in place
	//   - Example: [web, app]
	Audience []string `yaml:"audience"`

	// Scopes of which a token must have one.
	//   - Default: none is asked for
	//   - Allowed: names without spaces
	//   - Change: in place
	//   - Example: [read]
	Scopes []string `yaml:"scopes"`
}

// APIKey is a key that a caller of a REST API sends with each request.
type APIKey struct {
	// Name of the caller, unique in the stage.
	//   - Default: required
	//   - Allowed: 1 to 20 lower-case letters, digits and single hyphens, beginning with a letter and not ending with a hyphen
	//   - Change: in place; the caller of the new name gets a key of its own, and the old key goes
	//   - Example: reseller
	Name string `yaml:"name"`

	// Throttling of this caller.
	//   - Default: only that of the endpoint
	//   - Change: by field
	//   - Example: {requestsPerSecond: 5, burst: 10}
	Throttling Throttling `yaml:"throttling"`

	// RequestsPerMonth of this caller.
	//   - Default: not bounded
	//   - Allowed: 1 to 1000000000
	//   - Change: in place
	//   - Example: 20000
	RequestsPerMonth int `yaml:"requestsPerMonth"`
}

// ClientCertificates are the authorities that clients' certificates come from:
// a PEM file in S3, in the stage's account and region.
type ClientCertificates struct {
	// Bucket that holds the file.
	//   - Default: required
	//   - Allowed: 3 to 63 lower-case letters, digits, dots and hyphens
	//   - Change: in place
	//   - Example: example-authorities
	Bucket string `yaml:"bucket"`

	// Key of the file.
	//   - Default: required
	//   - Allowed: any text that does not begin with a slash
	//   - Change: in place
	//   - Example: authorities.pem
	Key string `yaml:"key"`

	// Version of the object. API Gateway reads the file again only when this
	// changes.
	//   - Default: the newest when the domain is made
	//   - Allowed: any text
	//   - Change: in place
	//   - Example: "3"
	Version string `yaml:"version"`
}

func (c *CORS) setDefaults() {
	if len(c.Methods) == 0 {
		c.Methods = []string{"GET", "HEAD", "POST"}
	}
}

const (
	longestSticky = 7 * 24 * hour
	longestIdle   = 4000 * second
	longestMaxAge = 24 * hour

	// mostAudiences is what API Gateway allows in one authorizer.
	mostAudiences = 50
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
	validateInStage(r, e.Firewall, region, account, "a web ACL", "make one there")
}
