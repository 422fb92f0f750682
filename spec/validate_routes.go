package spec

import (
	"fmt"
	"strings"
)

const allowedRoute = "one to four segments of letters, digits and . _ -, each after a slash, as in /admin"

// routePattern has no character that any kind of endpoint takes for its own.
// ALB conditions have up to 128 characters, "/*" included.
var routePattern = compile(`^(?:/[A-Za-z0-9._-]+){1,4}$`)

const longestRoute = 126

func (s Service) validatePath(r report) {
	switch {
	case s.Path == "":
	case s.Worker:
		r.fail("a worker listens on no port, so no request can be sent to it", "", "remove path or worker")
	case s.Internal:
		r.fail("an internal service is not served by the stage's endpoint", "", "remove path or internal")
	default:
		validateRoute(r, s.Path)
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

var codesPattern = compile(`^[2-4][0-9]{2}(?:-[2-4][0-9]{2})?(?:,[2-4][0-9]{2}(?:-[2-4][0-9]{2})?)*$`)

func (h HealthCheck) validateCodes(r report) {
	const allowed = "numbers from 200 to 499, ranges, and lists of both, as in 200,204 or 200-299"
	if !r.matches(h.Codes, codesPattern, "a set of HTTP statuses", allowed, "write numbers with commas and hyphens, without spaces") {
		return
	}
	for part := range strings.SplitSeq(h.Codes, ",") {
		if first, last, ranged := strings.Cut(part, "-"); ranged && first >= last {
			r.fail(r.quote(part)+" is an empty range", allowed, "write the smaller number first")
		}
	}
}
