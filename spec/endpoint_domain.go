package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

// HostedZone is a Route 53 public hosted zone.
type HostedZone struct {
	// ID of the zone. Required, unless there is an [Endpoint.Certificate]
	// (records can be made by the name alone, which must then be that of one zone
	// only, but a new certificate is validated by the id) or a
	// [HostedZone.Delegation].
	//   - Default: none
	//   - Allowed: an id, without /hostedzone/
	//   - Change: replaces AWS::CertificateManager::Certificate and AWS::Route53::RecordSet
	//   - Example: Z00000000000000000001
	ID string `yaml:"id"`

	// Name of the zone.
	//   - Default: required
	//   - Allowed: a host name in lower case
	//   - Change: replaces AWS::Route53::RecordSet; nothing where the zone has an id
	//   - Example: shop.example.com
	Name string `yaml:"name"`

	// Delegation makes the zone, in the stage's account, below one that is in
	// another account. Without it the zone is there already.
	//   - Default: none
	//   - Change: replaces AWS::Route53::RecordSet; the records are made in the new zone, and where the domain stays the same, the NS record hides those of the zone above at once: do it when few requests come
	//   - Example: {role: "arn:aws:iam::222222222222:role/dns", parentZone: Z0123456789ABCDEFGHIJ}
	//   - See: docs/domains.md
	Delegation *ZoneDelegation `yaml:"delegation"`
}

// ZoneDelegation makes a hosted zone of a stage's own and enters its name
// servers in the zone above, which is in another account.
type ZoneDelegation struct {
	// Role is the ARN of the role in the other account by which the name
	// servers are entered.
	//   - Default: required
	//   - Allowed: the ARN of a role
	//   - Change: in place; the NS record is entered in the new zone, and the one in the old stays: delete it by hand
	//   - Example: arn:aws:iam::222222222222:role/zones
	//   - See: docs/domains.md
	Role string `yaml:"role"`

	// ParentZone is the id of the zone in the other account.
	//   - Default: required
	//   - Allowed: an id, without /hostedzone/
	//   - Change: in place; the NS record is entered in the new zone, and the one in the old stays: delete it by hand
	//   - Example: Z00000000000000000002
	ParentZone string `yaml:"parentZone"`
}

var (
	domainPattern      = compile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	zonePattern        = compile(`^Z[A-Z0-9]{1,31}$`)
	certificatePattern = compile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$`)
)

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

// CheckDomain says what is wrong with a host name.
func CheckDomain(name string) error {
	r := newReport(nil)
	validateDomainName(r, name, "a domain", "api.example.com")
	return r.errors()
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
	validateInStage(r, e.Certificate, region, account, "a certificate", "request the certificate there")
}

// mostRedirects is the number of host names that one condition of an ALB's rule
// can list.
const mostRedirects = 5

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

func (z ZoneDelegation) validate(r report) {
	role, parent := r.field("role"), r.field("parentZone")
	if role.required(z.Role, "the ARN of a role in the account of the zone above", "make the role there, see docs/domains.md") {
		role.matches(z.Role, roleARNPattern, "the ARN of a role", "arn:aws:iam::ACCOUNT:role/NAME", "copy the ARN from IAM")
	}
	if parent.required(z.ParentZone, "the id of the zone above, as in Z0123456789ABCDEFGHIJ", "list the zones there with: aws route53 list-hosted-zones") {
		parent.matches(z.ParentZone, zonePattern, "the id of a hosted zone", "an id, as in Z0123456789ABCDEFGHIJ", "give the id without /hostedzone/")
	}
}

// mostNames is how many names a certificate has, before AWS raises the quota.
const mostNames = 10

// validateHosts checks that the stage's endpoint can tell host names apart.
func (s Stage) validateHosts(r report, app App) {
	subdomains := app.Subdomains()
	if len(subdomains) == 0 {
		return
	}
	endpoint := r.field("endpoint")
	if s.Endpoint.Type == APIGateway && s.Endpoint.Caching != nil {
		endpoint.field("caching").fail("a REST API shows the load balancer behind it one host name only, so it cannot serve the subdomain "+r.quote(subdomains[0]),
			"subdomains with the type alb, or api-gateway without caching", "remove caching, or give the services paths instead of subdomains")
	}
	if s.Endpoint.Domain == "" {
		if s.Endpoint.Type == ALB {
			endpoint.warn(fmt.Sprintf("has no domain, so the subdomain %s is served only to requests for a host name that begins with \"%s.\"", r.quote(subdomains[0]), subdomains[0]),
				"give a domain, or make DNS records of your own")
		}
		return
	}
	if isToken(s.Endpoint.Domain) {
		return
	}
	domain := endpoint.field("domain")
	for _, subdomain := range subdomains {
		if name := subdomain + "." + s.Endpoint.Domain; len(name) > 253 {
			domain.fail(fmt.Sprintf("with the subdomain %s is longer than 253 characters", r.quote(subdomain)), "a host name of up to 253 characters with each subdomain", "shorten it")
		}
	}
}

// host is a name under which a stage is reached.
type host struct {
	name string
	// own says that it is to be no other name of the stage.
	own bool
	at  report
}

// hosts are the names under which the stage is reached, as far as they are
// known.
func (s Stage) hosts(r report, app App) []host {
	endpoint := r.field("endpoint")
	domain := endpoint.field("domain")
	if s.Endpoint.Domain == "" || isToken(s.Endpoint.Domain) {
		return nil
	}
	hosts := []host{{s.Endpoint.Domain, false, domain}}
	if routing := s.Endpoint.Routing; routing != nil && routing.RegionalDomain != "" && routing.RegionalDomain != s.Endpoint.Domain && !isToken(routing.RegionalDomain) {
		hosts = append(hosts, host{routing.RegionalDomain, true, endpoint.field("routing").field("regionalDomain")})
	}
	for i, name := range s.Endpoint.RedirectFrom {
		if name != "" && !isToken(name) {
			hosts = append(hosts, host{name, false, endpoint.field("redirectFrom").item(i)})
		}
	}
	for _, subdomain := range app.Subdomains() {
		hosts = append(hosts, host{subdomain + "." + s.Endpoint.Domain, true, domain})
	}
	return hosts
}

// validateDomains checks that each host name leads to one place.
func (a App) validateDomains(r report) {
	owners := map[string]int{}
	for i, stage := range a.Stages {
		hosts := stage.hosts(r.item(i), a)
		for _, host := range hosts {
			first, again := owners[host.name]
			switch {
			case !again:
				owners[host.name] = i
			case first != i && sharesDomain(stage, a.Stages[first]) && host.at.path != r.item(i).field("endpoint").field("routing").field("regionalDomain").path:
			case first != i:
				host.at.fail(fmt.Sprintf("%s is also a domain of stages[%d]", host.at.quote(host.name), first), "a domain of its own for each stage", "choose another host name")
			case host.own:
				host.at.fail(fmt.Sprintf("%s is the name of a service's subdomain, and another name of the stage besides", host.at.quote(host.name)), "a name of its own for each subdomain", "rename the subdomain, or the other")
			}
		}
		if stage.Endpoint.Certificate == "" && len(hosts) > mostNames {
			hosts[0].at.fail(phrase.Count(len(hosts), "host name")+" would stand in one certificate: the domain, its subdomains, redirects and regional name",
				fmt.Sprintf("up to %d, the quota that accounts begin with", mostNames), "remove some, or give the ARN of a certificate that covers them")
		}
	}
}
