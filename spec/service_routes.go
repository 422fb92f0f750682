package spec

import (
	"fmt"
	"slices"
	"strings"
)

const allowedRoute = "one to four segments of letters, digits and . _ -, each after a slash, as in /admin"

// routePattern has no character that any kind of endpoint takes for its own.
// ALB conditions have up to 128 characters, "/*" included.
var routePattern = compile(`^(?:/[A-Za-z0-9._-]+){1,4}$`)

const longestRoute = 126

// validatePlace checks where the endpoint serves the service: under a path, and
// under a subdomain.
func (s Service) validatePlace(r report) {
	for _, place := range []struct {
		field, value string
		validate     func(r report, value string)
	}{
		{"path", s.Path, validateRoute},
		{"subdomain", s.Subdomain, validateSubdomain},
	} {
		at := r.field(place.field)
		switch {
		case place.value == "":
		case s.Worker:
			at.fail("a worker listens on no port, so no request can be sent to it", "", "remove "+place.field+" or worker")
		case s.Internal:
			at.fail("an internal service is not served by the stage's endpoint", "", "remove "+place.field+" or internal")
		default:
			place.validate(at, place.value)
		}
	}
}

func validateRoute(r report, path string) {
	if isToken(path) {
		r.fail("is only known at deployment", allowedRoute, "write the path itself: the order of the endpoint's rules is made of it")
		return
	}
	if routePattern.MatchString(path) && len(path) <= longestRoute {
		return
	}
	fix := "leave out a slash at the end, and what is no plain path"
	if plain := strings.TrimRight(path, "/*"); plain != path && routePattern.MatchString(plain) && r.plain(path) {
		fix = "write " + plain + ": everything under it is included"
	}
	r.fail(r.quote(path)+" is not a path that a service can be served under", allowedRoute, fix)
}

const allowedSubdomain = "one label of up to 63 lower-case letters, digits and hyphens, as in admin"

var subdomainPattern = compile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

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

// validateRoutes checks that every request has one service to go to, under
// the domain itself and under each subdomain.
func (a App) validateRoutes(r report) {
	type place struct{ subdomain, path string }
	places := map[place]int{}
	public := map[string]int{} // the first service of each subdomain
	for i, service := range a.Services {
		if !service.Public() {
			continue
		}
		if _, known := public[service.Subdomain]; !known {
			public[service.Subdomain] = i
		}
		here := place{service.Subdomain, service.Path}
		first, again := places[here]
		switch {
		case !again:
			places[here] = i
		case service.Path != "":
			at := r.item(i).field("path")
			at.fail(fmt.Sprintf("%s is also the path of services[%d]", at.quote(service.Path), first), "each path once", "choose another path")
		case service.Subdomain != "":
			at := r.item(i).field("subdomain")
			at.fail(fmt.Sprintf("%s is also the subdomain of services[%d]", at.quote(service.Subdomain), first), "one service of a subdomain that has no path", "give one of the two a path, or choose another subdomain")
		default:
			r.item(i).fail(fmt.Sprintf("%s and services[%d] would both get every request of the endpoint", r.quote(service.Name), first),
				"one service that has no path and no subdomain and is neither internal nor a worker",
				"give one of them a path, as in \"path: /admin\", or a subdomain, or mark it with \"internal: true\"")
		}
	}
	if _, found := places[place{}]; !found && len(public) > 0 {
		r.fail("every service that the endpoint serves has a path or a subdomain, so other requests have nowhere to go", "one service without a path and a subdomain", "remove the path or the subdomain of the service that gets all other requests")
	}
	for subdomain, first := range public {
		if _, found := places[place{subdomain, ""}]; subdomain != "" && !found {
			at := r.item(first).field("path")
			at.fail("every service of the subdomain "+at.quote(subdomain)+" has a path, so other requests have nowhere to go", "one service of a subdomain without a path", "remove the path of the service that gets all other requests")
		}
	}
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

// Place is where one of the services behind an endpoint is served: under a
// subdomain, a path, or both.
type Place struct{ Subdomain, Path string }

// CheckRoutes says what is wrong with the places of the services behind one
// endpoint, beside the one that gets every other request.
func CheckRoutes(places []Place) error {
	r := newReport(nil)
	seen := map[Place]bool{}
	for i, place := range places {
		at := report{"routes", r.to}.item(i)
		if place.Subdomain != "" {
			validateSubdomain(at.field("subdomain"), place.Subdomain)
		}
		path := at.field("path")
		if place.Path != "" {
			validateRoute(path, place.Path)
		} else if place.Subdomain == "" {
			path.required(place.Path, allowedRoute, "give the path, or a subdomain")
		}
		if seen[place] {
			path.fail(path.quote(place.Path)+" is also the path of another", "each path once", "choose another path")
		}
		seen[place] = true
	}
	for i, place := range places {
		if !seen[Place{Subdomain: place.Subdomain}] && place.Subdomain != "" && slices.IndexFunc(places, func(p Place) bool { return p.Subdomain == place.Subdomain }) == i {
			path := report{"routes", r.to}.item(i).field("path")
			path.fail("every route of the subdomain "+path.quote(place.Subdomain)+" has a path, so other requests have nowhere to go", "one route of a subdomain without a path", "remove the path of the route that gets all other requests")
		}
	}
	return r.errors()
}
