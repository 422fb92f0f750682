package spec

import "slices"

// The functions here are for constructs that are used alone, outside a
// declaration: each fills in the defaults of one part and checks it. An error
// is a [Problems].

// Complete fills in the defaults of a network in a region; an empty region
// means that it is not known yet.
func (n Network) Complete(region string) (Network, error) {
	n = clone(n)
	n.setDefaults(region)
	r := newReport(nil)
	n.validate(r, region)
	return n, r.errors()
}

// Complete fills in the defaults of the profile standard.
func (s ScaleProfile) Complete() (ScaleProfile, error) {
	s = clone(s)
	s.setDefaults(Standard)
	r := newReport(nil)
	s.validate(r, "")
	return s, r.errors()
}

// Complete fills in the defaults of a service.
func (s Service) Complete() (Service, error) {
	s = clone(s)
	s.setDefaults()
	r := newReport(nil)
	s.validate(r)
	return s, r.errors()
}

// Complete fills in the defaults of a database.
func (d Database) Complete(production bool) (Database, error) {
	d = clone(d)
	fill(&d.Name, defaultPostgresUser)
	d.setDefaults(App{}, production)
	r := newReport(nil)
	d.validate(r, "")
	return d, r.errors()
}

// Complete fills in the defaults of a health check.
func (h HealthCheck) Complete() (HealthCheck, error) {
	h = clone(h)
	h.setDefaults()
	r := newReport(nil)
	h.validate(r)
	return h, r.errors()
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

// CheckDomain says what is wrong with a host name.
func CheckDomain(name string) error {
	r := newReport(nil)
	validateDomainName(r, name, "a domain", "api.example.com")
	return r.errors()
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
