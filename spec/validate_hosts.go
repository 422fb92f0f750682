package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tinystack-go/tinystack/internal/phrase"
)

const allowedSubdomain = "one label of up to 63 lower-case letters, digits and hyphens, as in admin"

var subdomainPattern = compile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

// mostNames is how many names a certificate has, before AWS raises the quota.
const mostNames = 10

func (s Service) validateSubdomain(r report) {
	switch {
	case s.Subdomain == "":
	case s.Worker:
		r.fail("a worker listens on no port, so no request can be sent to it", "", "remove subdomain or worker")
	case s.Internal:
		r.fail("an internal service is not served by the stage's endpoint", "", "remove subdomain or internal")
	default:
		validateSubdomain(r, s.Subdomain)
	}
}

func validateSubdomain(r report, subdomain string) {
	if isToken(subdomain) {
		r.fail("is only known at deployment", allowedSubdomain, "write the subdomain itself: the order of the endpoint's rules is made of it")
		return
	}
	if subdomainPattern.MatchString(subdomain) {
		return
	}
	fix := "write it in lower case, without the domain"
	if label, _, dotted := strings.Cut(subdomain, "."); dotted && subdomainPattern.MatchString(label) && r.plain(subdomain) {
		fix = "write " + label + ": the stage's domain follows by itself"
	}
	r.fail(r.quote(subdomain)+" is not a subdomain", allowedSubdomain, fix)
}

// Subdomains that the endpoint of a stage serves, in alphabetical order.
func (a App) Subdomains() []string {
	var found []string
	for _, service := range a.Services {
		if service.Public() && service.Subdomain != "" && !slices.Contains(found, service.Subdomain) {
			found = append(found, service.Subdomain)
		}
	}
	slices.Sort(found)
	return found
}

// fallback is the service that gets the requests which no other takes; the
// zero value where there is none.
func (a App) fallback() Service {
	for _, service := range a.Services {
		if service.Fallback() {
			return service
		}
	}
	return Service{}
}

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
