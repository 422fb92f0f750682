package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// mostCachedPaths leaves room among the 300 resources that a REST API can have.
const mostCachedPaths = 100

// cacheSizes are the sizes of a REST API's cache, in GB.
var cacheSizes = []float64{0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118, 237}

var (
	domainPattern      = compile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	zonePattern        = compile(`^Z[A-Z0-9]{1,31}$`)
	certificatePattern = compile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$`)

	cachedSegment = compile(`^(?:[A-Za-z0-9._:~-]+|\{[A-Za-z0-9._-]+\})$`)
	// cacheKeyName is what API Gateway can make a part of a cache key, less
	// than what HTTP allows.
	cacheKeyName = compile(`^[A-Za-z0-9._$-]{1,128}$`)
)

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

func (e Endpoint) validateDomain(r report) {
	domain := r.field("domain")
	if e.Domain == "" {
		const fix = "give the domain, or remove this"
		if e.HostedZone != nil {
			r.field("hostedZone").fail("is given without a domain", "", fix)
		}
		if e.Certificate != "" {
			r.field("certificate").fail("is given without a domain", "", fix)
		}
		return
	}
	if e.HostedZone == nil && e.Certificate == "" {
		domain.fail(domain.quote(e.Domain)+" needs a certificate", "hostedZone or certificate beside it", "give the hosted zone of the domain, or the ARN of its certificate")
	}
	if !validateDomainName(domain, e.Domain, "a domain", "api.example.com") || e.HostedZone == nil || isToken(e.Domain) {
		return
	}
	e.validateInZone(domain, e.Domain)
}

// validateInZone checks that a record for the name can be in the hosted zone.
func (e Endpoint) validateInZone(r report, name string) {
	zone := strings.TrimSuffix(e.HostedZone.Name, ".")
	if zone != "" && !isToken(zone) && name != zone && !strings.HasSuffix(name, "."+zone) {
		r.fail(r.quote(name)+" is not in the hosted zone "+r.quote(e.HostedZone.Name), "the zone's name, or one that ends with it", "correct one of the two")
	}
}

func validateDomainName(r report, name, what, example string) bool {
	if len(name) > 253 {
		r.fail("is longer than 253 characters", "a host name, as in "+example, "shorten it")
		return false
	}
	fix := "give the bare host name, in lower case"
	if strings.HasPrefix(name, "*.") {
		fix = "give one host name, without the *"
	}
	return r.matches(name, domainPattern, what, "a host name, as in "+example, fix)
}

func (e Endpoint) validateCertificate(r report, region, account string) {
	if !r.matches(e.Certificate, certificatePattern, "the ARN of an ACM certificate", "arn:aws:acm:REGION:ACCOUNT:certificate/ID", "copy the ARN from Certificate Manager") || isToken(e.Certificate) {
		return
	}
	if region != "" && !isToken(region) && arnPart(e.Certificate, 3) != region {
		r.fail(r.quote(e.Certificate)+" is not in the stage's region "+r.quote(region), "a certificate in that region", "request the certificate there")
	}
	if account != "" && !isToken(account) && arnPart(e.Certificate, 4) != account {
		r.fail(r.quote(e.Certificate)+" is not in the stage's account "+r.quote(account), "a certificate in that account", "request the certificate there")
	}
}

func (h HostedZone) validate(r report) {
	id, name := r.field("id"), r.field("name")
	if h.Delegation != nil {
		h.Delegation.validate(r.field("delegation"))
		if h.ID != "" {
			id.fail("is given for a zone that is made", "", "remove it, or remove delegation where the zone is there already")
		}
	}
	if h.ID != "" {
		id.matches(h.ID, zonePattern, "the id of a hosted zone", "an id, as in Z0123456789ABCDEFGHIJ", "give the id without /hostedzone/")
	}
	if name.required(h.Name, "the name of the zone, as in example.com", "give the name that the zone has in Route 53") {
		validateDomainName(name, h.Name, "the name of a hosted zone", "example.com")
	}
}

func (c Caching) validate(r report) {
	if !slices.Contains(cacheSizes, c.Size) {
		sizes := make([]string, len(cacheSizes))
		for i, size := range cacheSizes {
			sizes[i] = strconv.FormatFloat(size, 'g', -1, 64)
		}
		size := r.field("size")
		size.fail(size.show(c.Size)+" GB is not a size of a cache", phrase.List(sizes, "or"), "choose one of them")
	}
	r.field("ttl").lasting(c.TTL, second, hour, second)
	paths := r.field("paths")
	if len(c.Paths) == 0 {
		paths.fail("is missing", "at least one path", "list the paths whose responses are kept")
	}
	if len(c.Paths) > mostCachedPaths {
		paths.fail(phrase.Count(len(c.Paths), "path")+" are listed", fmt.Sprintf("up to %d", mostCachedPaths), "keep the responses that are asked for most")
		return
	}
	for i, path := range c.Paths {
		path.validate(paths.item(i))
		for j, before := range c.Paths[:i] {
			if path.Path != "" && sameRoute(path.Path, before.Path) {
				at := paths.item(i).field("path")
				at.fail(fmt.Sprintf("%s matches the same requests as paths[%d]", at.quote(path.Path), j), "each path once", "remove one of the two")
				break
			}
		}
		for j, before := range c.Paths[:i] {
			if rivals(path.Path, before.Path) {
				at := paths.item(i).field("path")
				at.fail(fmt.Sprintf("%s names a variable segment otherwise than paths[%d] does", at.quote(path.Path), j), "one name for a variable segment", "use the same name in both")
				break
			}
		}
	}
}

// sameRoute says whether two paths match the same requests.
func sameRoute(a, b string) bool {
	return variableSegment().ReplaceAllString(a, "{}") == variableSegment().ReplaceAllString(b, "{}")
}

var variableSegment = compile(`\{[^{}/]*\}`)

// rivals says whether two paths have different names for one variable segment,
// which API Gateway does not allow below one parent.
func rivals(a, b string) bool {
	if sameRoute(a, b) {
		return false
	}
	left, right := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return variableSegment.MatchString(left[i]) && variableSegment.MatchString(right[i])
		}
	}
	return false
}

func (c CachedPath) validate(r report) {
	path := r.field("path")
	if path.required(c.Path, "a path, as in /items/{id}", "give the path whose responses are kept") {
		c.validatePath(path)
	}
	query := r.field("query")
	if c.Query == nil {
		query.fail("is missing", "a list of query parameters, which may be empty", "name every parameter that the response depends on, or write [] if it depends on none")
	} else {
		validateNames(query, *c.Query, cacheKeyName, "the name of a query parameter")
	}
	headers := r.field("headers")
	validateNames(headers, c.Headers, cacheKeyName, "the name of a header")
	for i, name := range c.Headers {
		if strings.EqualFold(name, "Authorization") {
			headers.item(i).warn("Authorization always distinguishes responses", "remove it")
		}
	}
}

func (c CachedPath) validatePath(r report) {
	const allowed = "segments of letters, digits and . _ : ~ -, or {name}, each after a slash"
	rest, slash := strings.CutPrefix(c.Path, "/")
	switch {
	case isToken(c.Path) || c.Path == "/":
		return
	case !slash:
		r.fail(r.quote(c.Path)+" does not begin with a slash", allowed, "begin with a slash")
		return
	}
	for segment := range strings.SplitSeq(rest, "/") {
		if !cachedSegment.MatchString(segment) {
			r.fail(r.quote(c.Path)+" is not a path that can be kept", allowed, "name each path by itself, without a query, a slash at the end or {proxy+}")
			return
		}
	}
}

func validateNames(r report, names []string, pattern pattern, what string) {
	for i, name := range names {
		at := r.item(i)
		at.matches(name, pattern, what+" that API Gateway can tell responses apart by", "letters, digits and . _ $ -", "write the bare name; a path whose responses depend on any other cannot be kept")
		if slices.Contains(names[:i], name) {
			at.fail(at.quote(name)+" is listed twice", "each name once", "remove it")
		}
	}
}
